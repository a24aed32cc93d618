//! Proofs of erasure: what was removed with a tenant, how many rows of each table, when and by whom, and the SHA-256 of
//! all that. They are written once, in the transaction that removes the last of it.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::actor::Actor;
use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::organizations::Organization;
use crate::row::Columns;
use crate::slug::Slug;
use crate::tx::CatalogTx;

/// A proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// Its own id.
    pub id: Uuid,
    /// The tenant that was.
    pub organization: OrganizationId,
    /// The label it lived under.
    pub slug: Slug,
    /// The actor.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What was erased: a JSON object, byte for byte as it was hashed.
    pub record: String,
    /// Its SHA-256 as it was kept, in hexadecimal digits.
    pub sha256: String,
}

impl Erasure {
    /// The proof that a tenant was erased at this moment.
    pub fn of(id: Uuid, tenant: &Organization, actor: &Actor, at: DateTime<Utc>, record: &Value) -> Self {
        let record = record.to_string();
        Self {
            id,
            organization: tenant.id,
            slug: tenant.slug.clone(),
            by: actor.to_string(),
            at,
            sha256: hex(digest(&SHA256, record.as_bytes()).as_ref()),
            record,
        }
    }

    /// Whether the record is the one that was hashed.
    pub fn holds(&self) -> bool {
        hex(digest(&SHA256, self.record.as_bytes()).as_ref()) == self.sha256
    }
}

/// Writes a proof down. Its digest is made by the database, from what it has.
pub async fn insert(tx: &mut CatalogTx, erasure: &Erasure) -> Result<(), CatalogError> {
    tx.execute(
        INSERT,
        &[
            &erasure.id,
            &erasure.organization,
            &erasure.slug.as_str(),
            &erasure.by,
            &erasure.at,
            &erasure.record,
        ],
    )
    .await?;
    Ok(())
}

/// All proofs, the latest first.
pub async fn list(tx: &mut CatalogTx) -> Result<Vec<Erasure>, CatalogError> {
    tx.rows(LIST, &[]).await?.iter().map(erasure).collect()
}

fn erasure(row: &Row) -> Result<Erasure, CatalogError> {
    let columns = Columns::new(row, "erasures");
    Ok(Erasure {
        id: columns.get("id")?,
        organization: columns.get("organization_id")?,
        slug: columns.parse("slug")?,
        by: columns.get("erased_by")?,
        at: columns.get("erased_at")?,
        record: columns.get("record")?,
        sha256: hex(columns.get("sha256")?),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

const INSERT: &str = "\
    insert into catalog.erasures (id, organization_id, slug, erased_by, erased_at, record, sha256) \
    values ($1, $2, $3, $4, $5, $6, sha256(convert_to($6, 'UTF8')))";

const LIST: &str = "\
    select id, organization_id, slug, erased_by, erased_at, record, sha256 \
    from catalog.erasures order by erased_at desc, id desc";

pub(crate) const STATEMENTS: &[&str] = &[INSERT, LIST];
