//! Memberships an operator enters.

use catalog::actor::Actor;
use catalog::audit::{self, AuditEvent};
use catalog::clock::Source;
use catalog::memberships::{self, MemberRole, Membership, NewMembership};
use catalog::moves;
use catalog::organizations::{self, Organization};
use catalog::sessions::Device;
use catalog::tenant_schemas;
use catalog::tx::CatalogTx;
use tenant_schema::members::{self, Member};

use crate::accounts::Vouched;

/// Enters the membership, its audit entry, and its mirror in the tenant's schema where there is one.
pub(crate) async fn join(
    tx: &mut CatalogTx,
    organization: &Organization,
    vouched: &Vouched,
    role: MemberRole,
    actor: &Actor,
    source: &Source,
) -> anyhow::Result<Membership> {
    organizations::lock(tx, organization.id).await?;
    moves::check_home(tx, organization.id).await?;
    let new = NewMembership {
        organization: organization.id,
        user: vouched.user.id,
        role,
        is_owner: false,
    };
    let membership = memberships::insert(tx, &new, source).await?;
    if let Some(schema) = tenant_schemas::find(tx, organization.id).await? {
        let member = Member::of(&membership, vouched.display_name(), vouched.user.email.as_str());
        members::mirror_in(tx, &schema.schema, &member).await?;
    }
    let event = AuditEvent::MembershipCreated {
        id: membership.id,
        user: membership.user,
        role,
        is_owner: false,
    };
    audit::record(tx, actor, Some(organization.id), &event, &Device::NONE, source).await?;
    Ok(membership)
}
