//! The model of a tenant schema, for drawing: a tenant's own, or the template's.

use catalog::pg::erd::{self, Model};
use catalog::pg::migrator::Sending;
use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;
use catalog::tx::{CatalogDb, CatalogTx};
use uuid::Uuid;

use crate::lifecycle::LifecycleError;
use crate::template;

/// The tables of one tenant, custom objects included.
pub async fn of_tenant(tx: &mut CatalogTx, schema: &SchemaName) -> Result<Model, PgError> {
    erd::read(tx.door(), schema.as_str()).await
}

/// The tables of the template: it is applied to a schema of its own, looked at, and rolled back.
pub async fn of_template(db: &CatalogDb) -> Result<Model, LifecycleError> {
    let mut tx = db.begin_unhurried().await?;
    // The nil UUID is never given to a tenant.
    let schema = SchemaName::from_opaque(Uuid::nil());
    let door = tx.door();
    door.batch(&format!(
        "create schema {schema}; set local search_path = {schema}, extensions, pg_temp"
    ))
    .await?;
    template::migrations()
        .apply(door, schema.as_str(), Sending::AtOnce)
        .await?;
    let model = erd::read(door, schema.as_str()).await?;
    tx.rollback().await?;
    Ok(model)
}
