//! One attempt at one tenant: one transaction, in which the schema, its version and the record of the run change
//! together.

use catalog::audit::{self, AuditEvent};
use catalog::error::CatalogError;
use catalog::ids::OrganizationId;
use catalog::migration_runs::{self, Attempt};
use catalog::pg::migrator::{self, Sending};
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use catalog::sessions::Device;
use catalog::tenant_schemas::{self, TenantSchema, TenantSchemaState};
use catalog::tx::CatalogTx;

use super::Fleet;
use super::plan::reach;
use crate::lifecycle::{self, LifecycleError};

/// From which version to which; the same where there was nothing to do.
pub(super) type FromTo = (i32, i32);

impl Fleet<'_> {
    /// Brings a tenant to the latest version that it may have.
    pub(super) async fn attempt(
        &self,
        attempt: &Attempt,
        schema: &SchemaName,
    ) -> Result<FromTo, LifecycleError> {
        let mut tx = self.db.begin_patient(self.settings.lock_timeout).await?;
        match self.bring(&mut tx, attempt, schema).await {
            Ok(from_to) => {
                tx.commit().await?;
                Ok(from_to)
            }
            Err(error) => {
                // At once, so that nothing stays locked; if it cannot be sent, the connection is gone and its locks too.
                let _gone = tx.rollback().await;
                Err(error)
            }
        }
    }

    async fn bring(
        &self,
        tx: &mut CatalogTx,
        attempt: &Attempt,
        schema: &SchemaName,
    ) -> Result<FromTo, LifecycleError> {
        // Read under the lock: whoever held it may have migrated, pinned or dropped the tenant.
        let tenant = locked(tx, attempt.organization, schema).await?;
        let (from, to) = (
            tenant.template_version,
            reach(self.template.latest(), tenant.pinned_version),
        );
        if from >= to || tenant.state == TenantSchemaState::Dropped {
            migration_runs::skipped(tx, attempt, self.source.now()).await?;
            return Ok((from, from));
        }
        pin(tx.transaction(), schema, attempt.organization).await?;
        self.apply(tx.transaction(), schema, to).await?;
        migration_runs::reached(tx, attempt, to, self.source.now()).await?;
        audit::record(
            tx,
            self.actor,
            Some(attempt.organization),
            &AuditEvent::TenantMigrated { from, to },
            &Device::NONE,
            self.source,
        )
        .await?;
        Ok((from, to))
    }

    async fn apply(&self, tx: &mut Transaction, schema: &SchemaName, to: i32) -> Result<(), LifecycleError> {
        tx.touch(schema.as_str());
        let migrations = self.template.migrations();
        if to == migrations.latest() {
            migrations
                .continue_in(tx, schema.as_str(), Sending::FileByFile)
                .await?;
        } else {
            migrations
                .up_to(to)
                .continue_in(tx, schema.as_str(), Sending::FileByFile)
                .await?;
        }
        Ok(lifecycle::grant(tx, schema).await?)
    }
}

/// The tenant, whose schema nobody else migrates until the transaction ends.
pub(super) async fn locked(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    schema: &SchemaName,
) -> Result<TenantSchema, LifecycleError> {
    migrator::lock(tx.transaction(), schema.as_str()).await?;
    let found = tenant_schemas::find(tx, organization).await?;
    Ok(found.ok_or(CatalogError::NotFound {
        what: "tenant schema",
    })?)
}

/// Puts `search_path` on the schema and makes sure that it is there and bears this tenant's stamp: PostgreSQL would
/// accept a path to nothing, and a migration would then build its tables in the wrong place.
pub(super) async fn pin(
    tx: &mut Transaction,
    schema: &SchemaName,
    organization: OrganizationId,
) -> Result<(), LifecycleError> {
    let row = tx.row(PIN, &[&schema.as_str(), &schema.search_path()]).await?;
    let stamp = row.and_then(|row| row.get::<_, Option<String>>("stamp"));
    if stamp.as_deref() == Some(&lifecycle::stamp(organization)) {
        return Ok(());
    }
    Err(LifecycleError::Stamp {
        schema: schema.clone(),
        organization,
    })
}

pub(crate) const PIN: &str = "\
select obj_description(n.oid, 'pg_namespace') as stamp, set_config('search_path', $2, true) as path
  from pg_catalog.pg_namespace n where n.nspname = $1";
