//! How much room a tenant takes.

use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;
use catalog::tx::CatalogTx;

/// Bytes on disk of the schema's tables with their indexes and out-of-line values.
pub async fn on_disk(tx: &mut CatalogTx, schema: &SchemaName) -> Result<i64, PgError> {
    let row = tx.transaction().row(ON_DISK, &[&schema.as_str()]).await?;
    Ok(row.map_or(0, |row| row.get("bytes")))
}

pub(crate) const ON_DISK: &str = "\
select coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint as bytes
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1 and c.relkind in ('r', 'm')";
