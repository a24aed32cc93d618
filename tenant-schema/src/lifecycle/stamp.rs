//! Whose a tenant schema is, as its comment says.

use aws_lc_rs::digest::{SHA256, digest};
use catalog::ids::OrganizationId;
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;

/// What there is under a schema's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The schema of that organization.
    Ours,
    /// One without its stamp.
    Foreign,
    /// None.
    Missing,
}

/// The comment on an organization's schema; migrations compare it with the catalog.
///
/// PostgreSQL shows comments to every login, those of other tenants too, so it is a digest of the organization's id
/// and not the id, which stands in that tenant's URLs and tokens. An id has 74 random bits: nobody tries them all.
pub fn stamp(organization: OrganizationId) -> String {
    let hash = digest(&SHA256, organization.uuid().as_bytes());
    let hex = hash
        .as_ref()
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    format!("tenantry tenant sha256:{hex}")
}

/// Looks at the stamp of a schema that the catalog calls this organization's.
pub(crate) async fn find(
    tx: &mut Transaction,
    schema: &SchemaName,
    organization: OrganizationId,
) -> Result<Found, PgError> {
    let row = tx.row(STAMP, &[&schema.as_str()]).await?;
    let comment = row.map(|row| row.get::<_, Option<String>>("stamp"));
    Ok(match comment {
        None => Found::Missing,
        Some(comment) if comment.as_deref() == Some(&stamp(organization)) => Found::Ours,
        Some(_) => Found::Foreign,
    })
}

/// The schema that bears this organization's stamp, whatever its name is.
pub(crate) async fn bearer(
    tx: &mut Transaction,
    organization: OrganizationId,
) -> Result<Option<String>, PgError> {
    let row = tx.row(BEARER, &[&stamp(organization)]).await?;
    Ok(row.map(|row| row.get("name")))
}

pub(crate) const STAMP: &str = "\
select pg_catalog.obj_description(n.oid, 'pg_namespace') as stamp
  from pg_catalog.pg_namespace n where n.nspname = $1";

pub(crate) const BEARER: &str = "\
select n.nspname::text as name from pg_catalog.pg_description d join pg_catalog.pg_namespace n on n.oid = d.objoid
 where d.classoid = 'pg_catalog.pg_namespace'::regclass and d.description = $1 limit 1";

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_stamp_is_the_digest_of_the_id() {
        let organization = OrganizationId::from(Uuid::nil());
        // Sixteen zero bytes: `head -c 16 /dev/zero | sha256sum`.
        let hex = "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb";
        assert_eq!(stamp(organization), format!("tenantry tenant sha256:{hex}"));
    }
}
