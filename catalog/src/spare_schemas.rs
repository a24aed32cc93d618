//! Spare schemas: whole tenant schemas without a tenant, for tenants that are to be there at once.
//!
//! Each has the id of the organization that will own it, whose stamp the schema bears from the beginning. So to claim one is
//! to delete a row and to enter an organization of that id, in one transaction and without any DDL.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::row::Columns;
use crate::schema_name::SchemaName;
use crate::tx::CatalogTx;

/// A spare schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpareSchema {
    /// Its opaque name.
    pub schema: SchemaName,
    /// The id that its organization will have.
    pub organization: OrganizationId,
    /// The last template migration applied.
    pub template_version: i32,
    /// The post-steps it was made with, each with its checksum behind a space.
    pub post_steps: Vec<String>,
    /// When it was built.
    pub created_at: DateTime<Utc>,
}

/// Takes the right to build spares, until the transaction ends; waits for whoever has it. It is the table's: an advisory lock
/// could be held by any login of a tenant's, for ever. Who claims a spare needs none, and does not wait for it.
pub async fn lock(tx: &mut CatalogTx) -> Result<(), CatalogError> {
    tx.execute(LOCK, &[]).await?;
    Ok(())
}

/// Enters a spare, in the transaction that builds its schema.
pub async fn insert(tx: &mut CatalogTx, spare: &SpareSchema) -> Result<(), CatalogError> {
    let SpareSchema {
        schema,
        organization,
        template_version,
        post_steps,
        created_at,
    } = spare;
    tx.execute(
        INSERT,
        &[
            &schema.as_str(),
            organization,
            template_version,
            created_at,
            post_steps,
        ],
    )
    .await?;
    Ok(())
}

/// Takes the oldest spare of a template version, if there is one that nobody else is taking. It is the caller's when the
/// transaction is committed, and stays where it is otherwise.
pub async fn claim(tx: &mut CatalogTx, template_version: i32) -> Result<Option<SpareSchema>, CatalogError> {
    let row = tx.row(CLAIM, &[&template_version]).await?;
    row.as_ref().map(spare).transpose()
}

/// Takes a spare of an earlier version than this, or of this version and without one of these post-steps, to be removed; with
/// `None` any spare.
pub async fn claim_before(
    tx: &mut CatalogTx,
    template_version: Option<i32>,
    post_steps: &[String],
) -> Result<Option<SpareSchema>, CatalogError> {
    let row = tx.row(CLAIM_BEFORE, &[&template_version, &post_steps]).await?;
    row.as_ref().map(spare).transpose()
}

/// All of them, the oldest first.
pub async fn list(tx: &mut CatalogTx) -> Result<Vec<SpareSchema>, CatalogError> {
    tx.rows(LIST, &[]).await?.iter().map(spare).collect()
}

fn spare(row: &Row) -> Result<SpareSchema, CatalogError> {
    let columns = Columns::new(row, "spare_schemas");
    Ok(SpareSchema {
        schema: columns.parse("schema_name")?,
        organization: columns.get("organization_id")?,
        template_version: columns.get("template_version")?,
        post_steps: columns.get("post_steps")?,
        created_at: columns.get("created_at")?,
    })
}

/// The weakest mode of which one transaction has it at a time: it keeps no row from being read, added or taken.
const LOCK: &str = "lock table catalog.spare_schemas in share update exclusive mode";

const INSERT: &str = "\
    insert into catalog.spare_schemas (schema_name, organization_id, template_version, created_at, post_steps) \
    values ($1, $2, $3, $4, $5)";

const CLAIM: &str = "\
    delete from catalog.spare_schemas s \
    where s.schema_name = ( \
      select o.schema_name from catalog.spare_schemas o where o.template_version = $1 \
      order by o.created_at, o.schema_name limit 1 for update skip locked) \
    returning s.schema_name, s.organization_id, s.template_version, s.post_steps, s.created_at";

const CLAIM_BEFORE: &str = "\
    delete from catalog.spare_schemas s \
    where s.schema_name = ( \
      select o.schema_name from catalog.spare_schemas o where $1::integer is null or o.template_version < $1 \
        or o.template_version = $1 and not o.post_steps @> $2::text[] \
      order by o.created_at, o.schema_name limit 1 for update skip locked) \
    returning s.schema_name, s.organization_id, s.template_version, s.post_steps, s.created_at";

const LIST: &str = "\
    select s.schema_name, s.organization_id, s.template_version, s.post_steps, s.created_at from catalog.spare_schemas s \
    order by s.created_at, s.schema_name";

pub(crate) const STATEMENTS: &[&str] = &[LOCK, INSERT, CLAIM, CLAIM_BEFORE, LIST];
