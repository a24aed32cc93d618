//! The model of a tenant schema, for drawing: a tenant's own, or the template's.

use catalog::pg::erd::{self, Model};
use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;
use catalog::tx::{CatalogDb, CatalogTx};

use crate::access_tag;
use crate::lifecycle::idempotency_keys::TABLE;
use crate::lifecycle::{LifecycleError, scratch};
use crate::template::Template;

/// The tables of one tenant, custom objects included, and the engine's own left out.
pub async fn of_tenant(tx: &mut CatalogTx, schema: &SchemaName) -> Result<Model, PgError> {
    let mut model = erd::read(tx.transaction(), schema.as_str()).await?;
    model.tables.retain(|table| table.name != TABLE);
    Ok(for_people(model))
}

/// The tables of the template: it is applied to a schema of its own, looked at, and rolled back.
pub async fn of_template(db: &CatalogDb, template: &Template) -> Result<Model, LifecycleError> {
    let mut tx = db.begin_unhurried().await?;
    let schema = scratch::create(tx.transaction(), template, template.latest()).await?;
    let model = erd::read(tx.transaction(), schema.as_str()).await?;
    tx.rollback().await?;
    Ok(for_people(model))
}

/// Without the lines in comments that are for programs.
fn for_people(mut model: Model) -> Model {
    let told = |comment: &mut Option<String>| *comment = access_tag::take(comment.as_deref()).0;
    for table in &mut model.tables {
        told(&mut table.comment);
        table
            .columns
            .iter_mut()
            .for_each(|column| told(&mut column.comment));
    }
    model
}
