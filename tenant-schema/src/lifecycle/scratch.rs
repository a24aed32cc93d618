//! A schema with the template's tables, to be looked at and rolled back.

use catalog::pg::migrator::Sending;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use uuid::Uuid;

use super::LifecycleError;
use crate::template;

/// Makes it and leaves `search_path` on it. The caller rolls back.
pub(crate) async fn create(tx: &mut Transaction) -> Result<SchemaName, LifecycleError> {
    // The nil UUID is never given to a tenant.
    let schema = SchemaName::from_opaque(Uuid::nil());
    tx.batch(&format!(
        "create schema {schema}; set local search_path = {}",
        schema.search_path()
    ))
    .await?;
    template::migrations()
        .apply(tx, schema.as_str(), Sending::AtOnce)
        .await?;
    Ok(schema)
}
