//! The fleet: all tenant schemas together. Here: [`migrate`], one tenant after the other.

use std::collections::BTreeSet;

use catalog::actor::Actor;
use catalog::audit::{self, AuditEvent};
use catalog::clock::Source;
use catalog::error::CatalogError;
use catalog::pg::migrator::{self, Sending};
use catalog::pg::tx::Transaction;
use catalog::sessions::Device;
use catalog::slug::Slug;
use catalog::tenant_schemas::{self, TenantSchema};
use catalog::tx::CatalogDb;

use crate::lifecycle::{self, LifecycleError, idempotency_keys};
use crate::models;
use crate::template::Template;

/// What became of one tenant.
#[derive(Debug)]
pub struct Migrated {
    /// The tenant.
    pub slug: Slug,
    /// The version it had: the latest, if somebody else migrated it in the meantime.
    pub from: i32,
    /// The version it has now, or why it still has the old one.
    pub outcome: Result<i32, LifecycleError>,
}

/// The tenants whose recorded version is behind the template, or that lack the engine's own table: one query, no visit.
pub async fn behind(db: &CatalogDb, template: &Template) -> Result<Vec<TenantSchema>, CatalogError> {
    let mut tx = db.begin().await?;
    let behind = tenant_schemas::list_behind(&mut tx, template.latest(), idempotency_keys::TABLE).await?;
    tx.commit().await?;
    Ok(behind)
}

/// Migrates these tenants in order, each in a transaction of its own, and reports each when it is done; one that fails
/// does not stop the others.
///
/// # Errors
/// Only what comes before the first tenant: the models of the versions at hand are recorded first, so that this
/// program's server can serve those that wait as well as those that are done.
pub async fn migrate(
    db: &CatalogDb,
    template: &Template,
    tenants: &[TenantSchema],
    actor: &Actor,
    source: &Source,
    mut report: impl FnMut(Migrated),
) -> Result<(), LifecycleError> {
    let mut versions: BTreeSet<i32> = tenants.iter().map(|tenant| tenant.template_version).collect();
    versions.insert(template.latest());
    for version in versions {
        models::record_from_scratch(db, template, version, source).await?;
    }
    for tenant in tenants {
        let (from, outcome) = match migrate_one(db, template, tenant, actor, source).await {
            Ok((from, to)) => (from, Ok(to)),
            Err(error) => {
                note_failure(db, tenant, &error).await;
                (tenant.template_version, Err(error))
            }
        };
        report(Migrated {
            slug: tenant.slug.clone(),
            from,
            outcome,
        });
    }
    Ok(())
}

/// Brings a tenant to the latest version, and returns the one it had and the one it has.
async fn migrate_one(
    db: &CatalogDb,
    template: &Template,
    tenant: &TenantSchema,
    actor: &Actor,
    source: &Source,
) -> Result<(i32, i32), LifecycleError> {
    let schema = &tenant.schema;
    let version = template.latest();
    let mut tx = db.begin_unhurried().await?;
    migrator::lock(tx.transaction(), schema.as_str()).await?;
    // Read again, now that nobody else can change it: whoever held the lock may have migrated the tenant.
    let from = tenant_schemas::find(&mut tx, tenant.organization)
        .await?
        .ok_or(CatalogError::NotFound {
            what: "tenant schema",
        })?
        .template_version;
    let is_whole = tx
        .transaction()
        .row(HAS_TABLE, &[&schema.as_str(), &idempotency_keys::TABLE])
        .await?
        .is_some();
    if from >= version && is_whole {
        tx.rollback().await?;
        return Ok((from, from));
    }
    pin(tx.transaction(), tenant).await?;
    tx.transaction().touch(schema.as_str());
    idempotency_keys::create(tx.transaction(), schema).await?;
    if from >= version {
        tx.commit().await?;
        return Ok((from, from));
    }
    template
        .migrations()
        .apply(tx.transaction(), schema.as_str(), Sending::FileByFile)
        .await?;
    lifecycle::grant(tx.transaction(), schema).await?;
    tenant_schemas::set_version(&mut tx, tenant.organization, version, source.now()).await?;
    let event = AuditEvent::TenantMigrated { from, to: version };
    audit::record(
        &mut tx,
        actor,
        Some(tenant.organization),
        &event,
        &Device::NONE,
        source,
    )
    .await?;
    tx.commit().await?;
    Ok((from, version))
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
async fn pin(tx: &mut Transaction, tenant: &TenantSchema) -> Result<(), LifecycleError> {
    let stamp = tx
        .row(STAMP, &[&tenant.schema.as_str()])
        .await?
        .and_then(|row| row.get::<_, Option<String>>("stamp"));
    if stamp.as_deref() != Some(&lifecycle::stamp(tenant.organization)) {
        return Err(LifecycleError::Stamp {
            schema: tenant.schema.clone(),
            organization: tenant.organization,
        });
    }
    let path = format!("set local search_path = {}", tenant.schema.search_path());
    Ok(tx.batch(&path).await?)
}

/// A row where the schema has the table.
pub(crate) const HAS_TABLE: &str = "\
select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
 where n.nspname = $1 and c.relname = $2";

pub(crate) const STAMP: &str = "\
select obj_description(n.oid, 'pg_namespace') as stamp from pg_catalog.pg_namespace n where n.nspname = $1";
