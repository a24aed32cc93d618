//! The fleet: all tenant schemas together. Here: [`migrate`], one tenant after the other.

use catalog::actor::Actor;
use catalog::audit::{self, AuditEvent};
use catalog::clock::Source;
use catalog::error::CatalogError;
use catalog::pg::migrator::{self, Sending};
use catalog::pg::sqlstate::PgError;
use catalog::sessions::Device;
use catalog::slug::Slug;
use catalog::tenant_schemas::{self, TenantSchema};
use catalog::tx::CatalogDb;

use crate::lifecycle::{self, LifecycleError};
use crate::template;

/// What became of one tenant.
#[derive(Debug)]
pub struct Migrated {
    /// The tenant.
    pub slug: Slug,
    /// The version it had.
    pub from: i32,
    /// The version it has now, or why it still has the old one.
    pub outcome: Result<i32, LifecycleError>,
}

/// The tenants whose recorded version is behind the template: one query, no visit.
pub async fn behind(db: &CatalogDb) -> Result<Vec<TenantSchema>, CatalogError> {
    let mut tx = db.begin().await?;
    let behind = tenant_schemas::list_behind(&mut tx, template::latest()).await?;
    tx.commit().await?;
    Ok(behind)
}

/// Migrates these tenants in order, each in a transaction of its own; one that fails does not stop the others.
pub async fn migrate(
    db: &CatalogDb,
    tenants: &[TenantSchema],
    actor: &Actor,
    source: &Source,
    mut report: impl FnMut(&Migrated),
) -> Vec<Migrated> {
    let mut done = Vec::with_capacity(tenants.len());
    for tenant in tenants {
        let outcome = migrate_one(db, tenant, actor, source).await;
        if let Err(error) = &outcome {
            note_failure(db, tenant, error).await;
        }
        let migrated = Migrated {
            slug: tenant.slug.clone(),
            from: tenant.template_version,
            outcome,
        };
        report(&migrated);
        done.push(migrated);
    }
    done
}

async fn migrate_one(
    db: &CatalogDb,
    tenant: &TenantSchema,
    actor: &Actor,
    source: &Source,
) -> Result<i32, LifecycleError> {
    let schema = &tenant.schema;
    let mut tx = db.begin_unhurried().await?;
    migrator::lock(tx.transaction(), schema.as_str()).await?;
    pin(tx.transaction(), tenant).await?;
    let applied = template::migrations()
        .apply(tx.transaction(), schema.as_str(), Sending::FileByFile)
        .await?;
    let version = template::latest();
    if !applied.is_empty() {
        lifecycle::grant(tx.transaction(), schema).await?;
        let event = AuditEvent::TenantMigrated {
            from: tenant.template_version,
            to: version,
        };
        audit::record(
            &mut tx,
            actor,
            Some(tenant.organization),
            &event,
            &Device::NONE,
            source,
        )
        .await?;
    }
    tenant_schemas::set_version(&mut tx, tenant.organization, version, source.now()).await?;
    tx.commit().await?;
    Ok(version)
}

/// Leaves the reason in the catalog, for whoever looks at the tenant later. The report has it anyway, so a catalog
/// that cannot be written is no second failure.
async fn note_failure(db: &CatalogDb, tenant: &TenantSchema, error: &LifecycleError) {
    let noted = async {
        let mut tx = db.begin().await?;
        tenant_schemas::set_error(&mut tx, tenant.organization, &error.explain()).await?;
        tx.commit().await.map_err(CatalogError::from)
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, schema = %tenant.schema, "a failed migration could not be noted in the catalog");
    }
}

/// Puts `search_path` on the schema after making sure that it is there and bears this tenant's stamp: PostgreSQL
/// would accept a path to nothing, and a migration would then build its tables in the wrong place.
async fn pin(tx: &mut catalog::pg::tx::Transaction, tenant: &TenantSchema) -> Result<(), LifecycleError> {
    let schema = tenant.schema.as_str();
    let stamp = tx
        .row(STAMP, &[&schema])
        .await?
        .and_then(|row| row.get::<_, Option<String>>("stamp"));
    if stamp.as_deref() != Some(&lifecycle::stamp(tenant.organization)) {
        return Err(LifecycleError::Stamp {
            schema: tenant.schema.clone(),
            organization: tenant.organization,
        });
    }
    let path = format!("set local search_path = {schema}, extensions, pg_temp");
    tx.batch(&path).await.map_err(|error: PgError| error.into())
}

pub(crate) const STAMP: &str = "\
select obj_description(n.oid, 'pg_namespace') as stamp from pg_catalog.pg_namespace n where n.nspname = $1";
