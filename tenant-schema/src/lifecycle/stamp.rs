//! Whose a tenant schema is, as its comment says.

use aws_lc_rs::digest::{SHA256, digest};
use catalog::ids::OrganizationId;

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
