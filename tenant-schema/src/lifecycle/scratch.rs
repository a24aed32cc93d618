//! A schema with the tables of a version of the template, to be looked at and rolled back.

use catalog::pg::migrator::Sending;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use uuid::Uuid;

use super::LifecycleError;
use crate::template::Template;

/// Makes it of the migrations up to this version, and leaves `search_path` on it. The caller rolls back.
pub(crate) async fn create(
    tx: &mut Transaction,
    template: &Template,
    template_version: i32,
) -> Result<SchemaName, LifecycleError> {
    create_by(tx, template, template_version, Sending::AtOnce).await
}

/// The same, with the files sent as is said.
pub(crate) async fn create_by(
    tx: &mut Transaction,
    template: &Template,
    template_version: i32,
    sending: Sending,
) -> Result<SchemaName, LifecycleError> {
    // The nil UUID is never given to a tenant.
    let schema = SchemaName::from_opaque(Uuid::nil());
    create_as(tx, &schema, template, template_version, sending).await?;
    Ok(schema)
}

/// The same, under this name: it waits for nobody who tries a template at the same moment.
pub(crate) async fn create_as(
    tx: &mut Transaction,
    schema: &SchemaName,
    template: &Template,
    template_version: i32,
    sending: Sending,
) -> Result<(), LifecycleError> {
    tx.batch(&format!(
        "create schema {schema}; set local search_path = {}",
        schema.search_path()
    ))
    .await?;
    template
        .migrations()
        .up_to(template_version)
        .apply(tx, schema.as_str(), sending)
        .await?;
    Ok(())
}
