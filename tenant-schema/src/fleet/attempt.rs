//! One attempt at one tenant: one transaction, in which the schema, its version and the record of the run change
//! together.

use catalog::audit::{self, AuditEvent};
use catalog::error::CatalogError;
use catalog::ids::OrganizationId;
use catalog::migration_runs::{self, Attempt, RunTenant};
use catalog::pg::migrator::{self, Sending};
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::{Queued, Texts, Transaction};
use catalog::schema_name::SchemaName;
use catalog::sessions::Device;
use catalog::tenant_schemas::{self, ENGINE_VERSION, TenantSchema};
use catalog::tx::CatalogTx;
use tokio_postgres::Row;

use super::Fleet;
use super::at_once::OUR_PATH;
use super::plan::reach;
use crate::lifecycle::{self, LifecycleError, foreign, version_mark};

/// From which version to which; the same where there was nothing to do.
pub(super) type FromTo = (i32, i32);

impl Fleet<'_> {
    /// Brings a tenant to the latest version that it may have: two network flights where it is as the run has it, four and
    /// what the template says where it is not.
    pub(super) async fn attempt(
        &self,
        attempt: &Attempt,
        tenant: &RunTenant,
    ) -> Result<FromTo, LifecycleError> {
        if let Some(done) = self.at_once(attempt, tenant).await? {
            return Ok(done);
        }
        let mut tx = self.db.begin_patient(self.settings.lock_timeout).await?;
        match self.bring(&mut tx, attempt, &tenant.schema).await {
            Ok(Brought::Nothing(version)) => {
                // The history of a schema that is gone cannot be asked for, and that has ended the transaction.
                tx.rollback().await?;
                self.skip(attempt).await?;
                Ok((version, version))
            }
            Ok(Brought::Changed { from, to, last }) => {
                self.note(tx, tenant, attempt, (from, to), &last).await
            }
            Err(error) => Err(undone(tx, error).await),
        }
    }

    async fn skip(&self, attempt: &Attempt) -> Result<(), LifecycleError> {
        let mut tx = self.db.begin().await?;
        migration_runs::skipped(&mut tx, attempt, self.source.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Makes everything permanent, with the tenant's new version and the run's record of it; nothing of it where somebody else
    /// has made meanwhile what the migration may have called.
    pub(super) async fn note(
        &self,
        tx: CatalogTx,
        tenant: &RunTenant,
        attempt: &Attempt,
        (from, to): FromTo,
        last: &str,
    ) -> Result<FromTo, LifecycleError> {
        let organization = Some(attempt.organization);
        let event = AuditEvent::TenantMigrated { from, to };
        let noted = [
            foreign::refused_later(&tenant.schema),
            migration_runs::reached_later(attempt, to, self.source.now()),
            audit::record_later(self.actor, organization, &event, &Device::NONE, self.source),
        ];
        let last = format!("{OUR_PATH};\n{last}");
        foreign::refused(tx.commit_after(&last, noted).await)?;
        Ok((from, to))
    }

    async fn bring(
        &self,
        tx: &mut CatalogTx,
        attempt: &Attempt,
        schema: &SchemaName,
    ) -> Result<Brought, LifecycleError> {
        let Entered {
            tenant,
            mark,
            history,
        } = enter(tx, attempt.organization, schema).await?;
        let from = tenant.template_version;
        let is_marked = mark.as_deref() == Some(&*version_mark::of(from));
        let is_whole = is_marked && tenant.engine_version >= ENGINE_VERSION;
        let to = reach(self.template.latest(), tenant.pinned_version);
        if from >= to && is_whole || !tenant.state.is_home() {
            return Ok(Brought::Nothing(from));
        }
        let history = history?;
        let tx = tx.transaction();
        tx.touch(schema.as_str());
        if !is_marked {
            version_mark::settle(tx, schema, mark.as_deref(), from).await?;
        }
        if from >= to {
            let last = String::new();
            return Ok(Brought::Changed { from, to: from, last });
        }
        self.apply(tx, schema, history, to).await?;
        let grants = lifecycle::grants(tx, schema).await?;
        let last = version_mark::change(schema, &version_mark::of(from), to) + &grants;
        Ok(Brought::Changed { from, to, last })
    }

    async fn apply(
        &self,
        tx: &mut Transaction,
        schema: &SchemaName,
        history: Vec<Texts>,
        to: i32,
    ) -> Result<(), LifecycleError> {
        let (migrations, schema) = (self.template.migrations(), schema.as_str());
        let by_file = Sending::FileByFile;
        if to == migrations.latest() {
            migrations.continue_from(history, tx, schema, by_file).await?;
        } else {
            let earlier = migrations.up_to(to);
            earlier.continue_from(history, tx, schema, by_file).await?;
        }
        Ok(())
    }
}

/// What was done to a tenant, in a transaction that is still open.
enum Brought {
    /// Nothing: it has this version, or is gone.
    Nothing(i32),
    /// It was migrated, or got the engine's own tables.
    Changed {
        from: i32,
        to: i32,
        /// What is left to be done: the mark of the version, and grants.
        last: String,
    },
}

/// A tenant whose schema nobody else migrates until the transaction ends.
pub(super) struct Entered {
    /// As it is now that nobody else can change it: whoever held the lock may have migrated, pinned or dropped it.
    pub(super) tenant: TenantSchema,
    /// The mark that its schema bears; nothing where the engine's own table is missing.
    pub(super) mark: Option<String>,
    /// What its schema was made of; an error if the schema is not this tenant's.
    pub(super) history: Result<Vec<Texts>, LifecycleError>,
}

/// Takes the tenant's lock and puts `search_path` on its schema, after making sure that the schema is there and bears
/// this tenant's stamp: PostgreSQL would accept a path to nothing, and a migration would then build its tables in the
/// wrong place. Nor is anything done where others' functions could be called in the place of the template's. One network flight.
pub(super) async fn enter(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    schema: &SchemaName,
) -> Result<Entered, LifecycleError> {
    let history = migrator::history_query(schema.as_str());
    let queued = questions(organization, schema);
    let (answers, history) = tx.transaction().together(queued, &history).await?;
    entered(organization, schema, answers, history)
}

/// The questions that let a transaction in.
pub(super) fn questions(organization: OrganizationId, schema: &SchemaName) -> [Queued; 4] {
    let pin = Queued {
        sql: PIN,
        params: vec![
            Box::new(schema.as_str().to_owned()),
            Box::new(schema.search_path()),
        ],
    };
    [
        tenant_schemas::lock_later(organization),
        // Before the path is the tenant's: a plan is made anew under each other path.
        version_mark::find_later(schema),
        foreign::refused_later(schema),
        pin,
    ]
}

/// What was answered.
pub(super) fn entered(
    organization: OrganizationId,
    schema: &SchemaName,
    [found, mark, own, pinned]: [Result<Vec<Row>, PgError>; 4],
    history: Result<Vec<Texts>, PgError>,
) -> Result<Entered, LifecycleError> {
    let tenant = tenant_schemas::found(&found?)?.ok_or(CatalogError::NotFound {
        what: "tenant schema",
    })?;
    foreign::refused(own)?;
    let stamp = pinned?
        .first()
        .and_then(|row| row.get::<_, Option<String>>("stamp"));
    let history = if stamp.as_deref() == Some(&lifecycle::stamp(organization)) {
        history.map_err(LifecycleError::from)
    } else {
        Err(LifecycleError::Stamp {
            schema: schema.clone(),
            organization,
        })
    };
    let mark = version_mark::found(&mark?);
    Ok(Entered {
        tenant,
        mark,
        history,
    })
}

/// Ends a transaction at once, so that nothing stays locked; if that cannot be sent, the connection is gone and its locks too.
pub(super) async fn undone(tx: CatalogTx, error: LifecycleError) -> LifecycleError {
    let _gone = tx.rollback().await;
    error
}

pub(crate) const PIN: &str = "\
select pg_catalog.obj_description(n.oid, 'pg_namespace') as stamp,
       pg_catalog.set_config('search_path', $2, true) as path
  from pg_catalog.pg_namespace n where n.nspname = $1";
