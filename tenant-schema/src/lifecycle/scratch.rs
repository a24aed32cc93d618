//! A schema with the tables of a version of the template, to be looked at and rolled back.

use catalog::pg::migrator::Sending;
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use uuid::Uuid;

use super::LifecycleError;
use crate::template::Template;

/// Makes it of the migrations up to this version, as old tenants were made, and leaves `search_path` on it. The caller rolls
/// back.
pub(crate) async fn create(
    tx: &mut Transaction,
    template: &Template,
    template_version: i32,
) -> Result<SchemaName, LifecycleError> {
    let schema = nobodys();
    create_as(tx, &schema, template, template_version).await?;
    Ok(schema)
}

/// The same, under this name: it waits for nobody who tries a template at the same moment.
pub(crate) async fn create_as(
    tx: &mut Transaction,
    schema: &SchemaName,
    template: &Template,
    template_version: i32,
) -> Result<(), LifecycleError> {
    empty(tx, schema).await?;
    let migrations = template.migrations().up_to(template_version);
    Ok(migrations.create(None, tx, schema.as_str()).await?)
}

/// The same, one file after the other, so that a failure names its file.
pub(crate) async fn create_by_files(
    tx: &mut Transaction,
    template: &Template,
    template_version: i32,
) -> Result<SchemaName, LifecycleError> {
    let schema = nobodys();
    empty(tx, &schema).await?;
    let migrations = template.migrations().up_to(template_version);
    migrations.apply(tx, schema.as_str(), Sending::FileByFile).await?;
    Ok(schema)
}

/// The same as new tenants are made: of the last baseline that is not above this version, and what is behind it.
pub(crate) async fn create_as_new(
    tx: &mut Transaction,
    template: &Template,
    template_version: i32,
) -> Result<SchemaName, LifecycleError> {
    let schema = nobodys();
    empty(tx, &schema).await?;
    template.create(tx, &schema, template_version).await?;
    Ok(schema)
}

/// The nil UUID is never given to a tenant.
fn nobodys() -> SchemaName {
    SchemaName::from_opaque(Uuid::nil())
}

async fn empty(tx: &mut Transaction, schema: &SchemaName) -> Result<(), PgError> {
    tx.batch(&format!(
        "create schema {schema}; set local search_path = {}",
        schema.search_path()
    ))
    .await
}
