//! Grants to people's own roles: who may open which tenant with a plain psql. The row is the grant; triggers of the
//! catalog keep PostgreSQL's memberships in step with it.

use std::collections::HashSet;
use std::fmt;

use chrono::{DateTime, Utc};

use crate::actor::Actor;
use crate::audit::{self, AuditEvent};
use crate::clock::Source;
use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::row::Columns;
use crate::sessions::Device;
use crate::slug::Slug;
use crate::stored_text::stored_text;
use crate::tx::CatalogTx;

stored_text! {
    /// What a grant allows.
    GrantReach {
        /// What the tenant's API may do.
        ReadWrite = "rw",
        /// Look.
        ReadOnly = "ro",
    }
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbaGrant {
    /// The role.
    pub role: String,
    /// The tenant.
    pub slug: Slug,
    /// What it allows.
    pub reach: GrantReach,
    /// Who granted it, as in the audit log.
    pub granted_by: String,
    /// When.
    pub granted_at: DateTime<Utc>,
    /// Whether the role is still there, and a member of the tenant's role.
    pub is_member: bool,
}

/// Why a role cannot be granted a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There is none of this name.
    #[error("there is no such role")]
    Missing,
    /// It sees everything anyway.
    #[error("the role is a superuser or bypasses row-level security, and sees every tenant anyway")]
    TooStrong,
    /// It is one of Tenantry's own, or of PostgreSQL's.
    #[error("the role is Tenantry's or PostgreSQL's own")]
    Kept,
}

impl Unfit {
    /// What to do about it.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Missing => "make it with --create, or name a role that is there",
            Self::TooStrong => "grant to a login without such rights: --create makes one",
            Self::Kept => {
                "choose another name: not pg_…, tenantry_…, the owner's, nor one like a tenant schema's"
            }
        }
    }
}

impl fmt::Display for DbaGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {} ({})", self.role, self.slug, self.reach)
    }
}

/// Why this role cannot be granted a tenant, if so.
pub async fn unfit(tx: &mut CatalogTx, role: &str) -> Result<Option<Unfit>, CatalogError> {
    let row = tx.row(FITNESS, &[&role]).await?;
    let is = |what: &str| row.as_ref().is_some_and(|row| row.get::<_, bool>(what));
    Ok(if is("is_kept") {
        Some(Unfit::Kept)
    } else if !is("is_there") {
        Some(Unfit::Missing)
    } else if is("is_strong") {
        Some(Unfit::TooStrong)
    } else {
        None
    })
}

/// Grants a tenant, which is locked, to a role; a grant that is there gets this reach. Says whether anything changed.
pub async fn grant(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    role: &str,
    reach: GrantReach,
    actor: &Actor,
    source: &Source,
) -> Result<bool, CatalogError> {
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 5] = [
        &organization,
        &role,
        &reach.as_str(),
        &actor.to_string(),
        &source.now(),
    ];
    let changed = tx.execute(GRANT, &params).await? > 0;
    if changed {
        let event = AuditEvent::DbaGranted {
            role: role.to_owned(),
            reach,
        };
        audit::record(tx, actor, Some(organization), &event, &Device::NONE, source).await?;
    }
    Ok(changed)
}

/// Takes a tenant back from a role. Says whether it had been granted.
pub async fn revoke(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    role: &str,
    actor: &Actor,
    source: &Source,
) -> Result<bool, CatalogError> {
    let was_granted = tx.execute(REVOKE, &[&organization, &role]).await? > 0;
    if was_granted {
        let event = AuditEvent::DbaRevoked {
            role: role.to_owned(),
        };
        audit::record(tx, actor, Some(organization), &event, &Device::NONE, source).await?;
    }
    Ok(was_granted)
}

/// Takes a tenant that leaves back from everybody.
pub(crate) async fn revoke_all(
    tx: &mut CatalogTx,
    organization: OrganizationId,
) -> Result<u64, CatalogError> {
    Ok(tx.execute(REVOKE_ALL, &[&organization]).await?)
}

/// All grants, by role and slug.
pub async fn list(tx: &mut CatalogTx) -> Result<Vec<DbaGrant>, CatalogError> {
    tx.rows(LIST, &[])
        .await?
        .iter()
        .map(|row| {
            let columns = Columns::new(row, "dba_grants");
            Ok(DbaGrant {
                role: columns.get("role_name")?,
                slug: columns.parse("slug")?,
                reach: columns.parse("reach")?,
                granted_by: columns.get("granted_by")?,
                granted_at: columns.get("granted_at")?,
                is_member: columns.get("is_member")?,
            })
        })
        .collect()
}

/// What the grants make members of what: tenants' roles, and the roles that were granted them.
pub async fn memberships(tx: &mut CatalogTx) -> Result<HashSet<(String, String)>, CatalogError> {
    let rows = tx.rows(MEMBERSHIPS, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get("assumed"), row.get("role_name")))
        .collect())
}

/// How many sessions of a role's are open in this database: they keep what they have until they end.
pub async fn sessions(tx: &mut CatalogTx, role: &str) -> Result<i64, CatalogError> {
    let row = tx.row(SESSIONS, &[&role]).await?;
    Ok(row.map_or(0, |row| row.get("sessions")))
}

const FITNESS: &str = "\
    select r.oid is not null as is_there, coalesce(r.rolsuper or r.rolbypassrls, false) as is_strong, \
      asked.name ~ '^(pg_|tenantry_)' or asked.name ~ '^t_[0-9a-f]{32}' or asked.name = current_user as is_kept \
    from (select $1::text as name) asked left join pg_catalog.pg_roles r on r.rolname = asked.name";

const GRANT: &str = "\
    insert into catalog.dba_grants as g (organization_id, role_name, reach, granted_by, granted_at) \
    values ($1, $2, $3, $4, $5) \
    on conflict on constraint dba_grants_pkey do update \
      set reach = excluded.reach, granted_by = excluded.granted_by, granted_at = excluded.granted_at \
      where g.reach <> excluded.reach";

const REVOKE: &str = "delete from catalog.dba_grants where organization_id = $1 and role_name = $2";

const REVOKE_ALL: &str = "delete from catalog.dba_grants where organization_id = $1";

const LIST: &str = "\
    select g.role_name, o.slug, g.reach, g.granted_by, g.granted_at, exists ( \
      select from pg_catalog.pg_auth_members m join pg_catalog.pg_roles p on p.oid = m.member \
        join pg_catalog.pg_roles a on a.oid = m.roleid \
      where p.rolname = g.role_name and a.rolname = t.schema_name || '_' || g.reach) as is_member \
    from catalog.dba_grants g join catalog.organizations o on o.id = g.organization_id \
      join catalog.tenant_schemas t on t.organization_id = g.organization_id \
    order by g.role_name, o.slug";

const MEMBERSHIPS: &str = "\
    select t.schema_name || '_' || g.reach as assumed, g.role_name \
    from catalog.dba_grants g join catalog.tenant_schemas t on t.organization_id = g.organization_id";

const SESSIONS: &str = "\
    select count(*) as sessions from pg_catalog.pg_stat_activity a \
    where a.usename = $1::text::name and a.datname = current_database()";

pub(crate) const STATEMENTS: &[&str] = &[FITNESS, GRANT, REVOKE, REVOKE_ALL, LIST, MEMBERSHIPS, SESSIONS];
