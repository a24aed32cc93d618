//! Memberships: who belongs to which organization, and who answers for it.
//!
//! A tenant schema mirrors its organization's memberships in its own `members` table: whoever changes one here
//! changes the other in the same transaction.

use std::fmt;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use crate::clock::Source;
use crate::email::EmailAddress;
use crate::error::CatalogError;
use crate::ids::{MembershipId, OrganizationId, UserId};
use crate::row::Columns;
use crate::stored_text::stored_text;
use crate::tx::CatalogTx;

stored_text! {
    /// What a person may do in an organization.
    MemberRole {
        /// Everything.
        Admin = "admin",
        /// The daily work.
        Member = "member",
    }
}

/// A person in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Immutable; also the id in the tenant's `members`.
    pub id: MembershipId,
    /// The organization.
    pub organization: OrganizationId,
    /// The person.
    pub user: UserId,
    /// What the person may do.
    pub role: MemberRole,
    /// Whether this is the one admin who answers for the organization.
    pub is_owner: bool,
    /// If not, it grants nothing.
    pub active: bool,
    /// When the person joined.
    pub created_at: DateTime<Utc>,
    /// When the row last changed.
    pub updated_at: DateTime<Utc>,
}

/// A membership to be entered; it begins active.
#[derive(Debug, Clone, Copy)]
pub struct NewMembership {
    /// The organization.
    pub organization: OrganizationId,
    /// The person.
    pub user: UserId,
    /// What the person may do. The server's login can enter [`MemberRole::Member`] only.
    pub role: MemberRole,
    /// At most one per organization, and an admin.
    pub is_owner: bool,
}

/// A membership with what is shown of the person.
#[derive(Clone, PartialEq, Eq)]
pub struct Member {
    /// The membership.
    pub membership: Membership,
    /// The person's account name.
    pub email: EmailAddress,
    /// The name to show.
    pub display_name: Option<String>,
}

impl fmt::Debug for Member {
    /// Personal data stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("membership", &self.membership)
            .finish_non_exhaustive()
    }
}

/// Enters a membership.
///
/// # Errors
/// [`CatalogError::AlreadyMember`], [`CatalogError::LastOwner`] (an owner who is no admin),
/// [`CatalogError::NotFound`]; [`CatalogError::SecondOwner`] only at COMMIT.
pub async fn insert(
    tx: &mut CatalogTx,
    new: &NewMembership,
    source: &Source,
) -> Result<Membership, CatalogError> {
    let id: MembershipId = source.id();
    let row = tx
        .row(
            INSERT,
            &[
                &id,
                &new.organization,
                &new.user,
                &new.role.as_str(),
                &new.is_owner,
                &source.now(),
            ],
        )
        .await?;
    membership(&row.ok_or(CatalogError::NotFound { what: "membership" })?)
}

/// Makes a membership grant nothing any more; it stays for the records that name it.
pub async fn deactivate(tx: &mut CatalogTx, id: MembershipId) -> Result<Membership, CatalogError> {
    let row = tx.row(DEACTIVATE, &[&id]).await?;
    membership(&row.ok_or(CatalogError::NotFound { what: "membership" })?)
}

/// The members of an organization, the first to join first.
pub async fn list(tx: &mut CatalogTx, organization: OrganizationId) -> Result<Vec<Member>, CatalogError> {
    tx.rows(LIST, &[&organization])
        .await?
        .iter()
        .map(member)
        .collect()
}

fn membership(row: &Row) -> Result<Membership, CatalogError> {
    let columns = Columns::new(row, "memberships");
    Ok(Membership {
        id: columns.get("id")?,
        organization: columns.get("organization_id")?,
        user: columns.get("user_id")?,
        role: columns.parse("role")?,
        is_owner: columns.get("is_owner")?,
        active: columns.get("active")?,
        created_at: columns.get("created_at")?,
        updated_at: columns.get("updated_at")?,
    })
}

fn member(row: &Row) -> Result<Member, CatalogError> {
    let columns = Columns::new(row, "users");
    Ok(Member {
        membership: membership(row)?,
        email: columns.parse("email")?,
        display_name: columns.get("display_name")?,
    })
}

const INSERT: &str = "\
    insert into catalog.memberships (id, organization_id, user_id, role, is_owner, created_at, updated_at) \
    values ($1, $2, $3, $4, $5, $6, $6) \
    returning id, organization_id, user_id, role, is_owner, active, created_at, updated_at";

const DEACTIVATE: &str = "\
    update catalog.memberships set active = false where id = $1 \
    returning id, organization_id, user_id, role, is_owner, active, created_at, updated_at";

const LIST: &str = "\
    select m.id, m.organization_id, m.user_id, m.role, m.is_owner, m.active, m.created_at, m.updated_at, \
      u.email, u.display_name \
    from catalog.memberships m join catalog.users u on u.id = m.user_id \
    where m.organization_id = $1 order by m.created_at, m.id";

pub(crate) const STATEMENTS: &[&str] = &[INSERT, DEACTIVATE, LIST];
