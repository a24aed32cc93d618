//! The mirror of memberships inside a tenant: CRM rows refer to people through it, so that a tenant schema can be
//! dumped, moved and restored without the catalog.

use catalog::ids::{MembershipId, UserId};
use catalog::memberships::{MemberRole, Membership};
use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;
use catalog::tx::CatalogTx;

use crate::lifecycle::{LifecycleError, foreign};

/// A row of a tenant's `members`.
#[derive(Debug, Clone)]
pub struct Member<'a> {
    id: MembershipId,
    user: UserId,
    role: MemberRole,
    is_owner: bool,
    active: bool,
    display_name: &'a str,
    email: &'a str,
}

impl<'a> Member<'a> {
    /// The mirror of a membership.
    pub fn of(membership: &Membership, display_name: &'a str, email: &'a str) -> Self {
        Self {
            id: membership.id,
            user: membership.user,
            role: membership.role,
            is_owner: membership.is_owner,
            active: membership.active,
            display_name,
            email,
        }
    }
}

/// Writes the mirror of a membership into the schema of a tenant that lives: what somebody else made there would be called with
/// the owner's rights, and is refused ([`foreign`]).
///
/// # Errors
/// [`Refusal::Foreign`](crate::lifecycle::Refusal::Foreign).
pub async fn mirror_in(
    tx: &mut CatalogTx,
    schema: &SchemaName,
    member: &Member<'_>,
) -> Result<(), LifecycleError> {
    foreign::refuse(tx, schema).await?;
    Ok(mirror(tx, schema, member).await?)
}

/// Writes the mirror of a membership, in the transaction that makes the schema and the membership itself. The schema is the
/// one the catalog names for the membership's organization. A template that has no table `members` with these columns
/// has no mirror.
pub(crate) async fn mirror(
    tx: &mut CatalogTx,
    schema: &SchemaName,
    member: &Member<'_>,
) -> Result<(), PgError> {
    let table = format!("{schema}.members");
    let has = tx.transaction().row(HAS_MIRROR, &[&table]).await?;
    if !has.is_some_and(|row| row.get("has_mirror")) {
        return Ok(());
    }
    let sql = format!(
        "insert into {schema}.members (id, user_id, display_name, email, role, is_owner, active)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (id) do update
            set display_name = excluded.display_name, email = excluded.email, role = excluded.role,
                is_owner = excluded.is_owner, active = excluded.active"
    );
    let Member {
        id,
        user,
        role,
        is_owner,
        active,
        display_name,
        email,
    } = member;
    tx.transaction()
        .execute(
            &sql,
            &[id, user, display_name, email, &role.as_str(), is_owner, active],
        )
        .await
        .map(|_| ())
}

/// Notes in the mirror that these have no membership: they stay for the records that name them.
pub(crate) async fn leave(
    tx: &mut CatalogTx,
    schema: &SchemaName,
    members: &[MembershipId],
) -> Result<(), PgError> {
    let table = format!("{schema}.members");
    let has = tx.transaction().row(HAS_MIRROR, &[&table]).await?;
    if members.is_empty() || !has.is_some_and(|row| row.get("has_mirror")) {
        return Ok(());
    }
    let sql = format!(
        "update {schema}.members set active = false, is_owner = false where id = any($1) and (active or is_owner)"
    );
    tx.transaction().execute(&sql, &[&members]).await.map(|_| ())
}

pub(crate) const HAS_MIRROR: &str = "\
select pg_catalog.count(a.attname) = 7 as has_mirror from pg_catalog.pg_attribute a
 where a.attrelid = pg_catalog.to_regclass($1)
   and a.attname in ('id', 'user_id', 'display_name', 'email', 'role', 'is_owner', 'active')";
