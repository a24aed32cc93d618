//! Writing the rows into a tenant's schema.

use catalog::ids::MembershipId;
use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;
use catalog::slug::Slug;
use catalog::tx::CatalogTx;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::statements;

/// Fills a schema that was just provisioned, in the same transaction. The members own the records.
pub async fn fill(
    tx: &mut CatalogTx,
    schema: &SchemaName,
    slug: &Slug,
    members: &[MembershipId],
    base: DateTime<Utc>,
) -> Result<(), PgError> {
    let tx = tx.transaction();
    tx.batch(&format!(
        "set local search_path = {}; set local tenantry.actor = 'operator:demo'",
        schema.search_path()
    ))
    .await?;
    let members: Vec<Uuid> = members.iter().map(|id| id.uuid()).collect();
    for batch in statements(slug.as_str(), &members, base) {
        tx.execute(batch.sql, &[&batch.json]).await?;
    }
    Ok(())
}
