//! The catalog's audit log: what was done to organizations, people and keys, by whom and from where.
//!
//! Every event is a variant of [`AuditEvent`], so that what is logged can be read off one page. None carries a
//! secret; people are referred to by id, and names of organizations, which may be people's, are left out. Only the reason of a
//! suspension and the name of a key stand as somebody typed them.

mod copies;

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::actor::Actor;
use crate::clock::Source;
use crate::dba_grants::GrantReach;
use crate::domains::Method;
use crate::error::CatalogError;
use crate::ids::{ApiKeyId, MembershipId, OrganizationId, SessionId, UserId};
use crate::limits::Limits;
use crate::memberships::MemberRole;
use crate::moves::MoveState;
use crate::organizations::{OrganizationKind, OrganizationStatus};
use crate::pg::tx::Queued;
use crate::schema_name::SchemaName;
use crate::sessions::{Device, RevokeReason};
use crate::slug::Slug;
use crate::tx::CatalogTx;

/// Something that was done.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are named like the columns they come from")]
pub enum AuditEvent {
    /// A tenant was made: organization, schema, owner.
    TenantProvisioned {
        slug: Slug,
        schema: SchemaName,
        template_version: i32,
    },
    /// A tenant schema was migrated.
    TenantMigrated { from: i32, to: i32 },
    /// A post-step of the template was carried out at a tenant.
    TenantPostStep { step: String },
    /// A tenant schema may not be migrated beyond a version any more, or may again.
    TenantPinned { template_version: Option<i32> },
    /// A tenant was filled with made-up records.
    TenantSeeded { size: &'static str, rows: u64 },
    /// An operator was given a login to a tenant's tables.
    TenantOpened { login: String },
    /// A role of somebody's own may open a tenant.
    DbaGranted { role: String, reach: GrantReach },
    /// It may not any more.
    DbaRevoked { role: String },
    /// A statement was run in several tenants at once.
    FleetQueried {
        logins: Vec<String>,
        selection: String,
        tenants: usize,
        write: bool,
        statement: String,
    },
    /// A tenant was made as a copy of another.
    TenantCloned {
        origin: OrganizationId,
        schema: SchemaName,
        template_version: i32,
        rows: i64,
        /// What is about people was made up.
        anonymised: bool,
    },
    /// A tenant was made of a container.
    TenantImported {
        origin: OrganizationId,
        schema: SchemaName,
        template_version: i32,
        rows: i64,
        content: String,
    },
    /// A tenant's schema was written into a container and removed.
    TenantArchived { location: String, sha256: String },
    /// An archived tenant was brought back.
    TenantUnarchived {
        sha256: String,
        status: OrganizationStatus,
    },
    /// A tenant has gone to another database.
    TenantMoved { token: Uuid, target: String },
    /// An operator says that a tenant is not in the other database that it was on its way to, and never will be served there.
    MoveGivenUp {
        token: Uuid,
        target: String,
        state: MoveState,
    },
    /// A tenant has come from another database.
    TenantArrived {
        token: Uuid,
        schema: SchemaName,
        template_version: i32,
        rows: i64,
        content: String,
    },
    /// An organization is refused until it is resumed.
    OrganizationSuspended { reason: Option<String> },
    /// A suspended organization is served again.
    OrganizationResumed { status: OrganizationStatus },
    /// An organization got another name.
    OrganizationRenamed,
    /// An organization moved to another label.
    SlugChanged { from: Slug, to: Slug },
    /// What a tenant may take was changed.
    TenantLimited {
        plan: Option<String>,
        exceptions: Limits,
    },
    /// A plan was made, or its limits were changed.
    PlanSet { name: String, limits: Limits },
    /// An organization says that a domain is its own.
    DomainAdded { hostname: String },
    /// A domain was shown to be an organization's, or is not any more.
    DomainChecked {
        hostname: String,
        method: Option<Method>,
    },
    /// A domain was removed.
    DomainRemoved { hostname: String },
    /// A plan was removed.
    PlanRemoved { name: String },
    /// A tenant was dropped; it can be brought back until then.
    TenantDropped { purge_after: DateTime<Utc> },
    /// A dropped tenant was brought back.
    TenantRestored { status: OrganizationStatus },
    /// A tenant's schema and roles were removed.
    TenantErased {
        schema: SchemaName,
        erasure: Uuid,
        sha256: String,
    },
    /// The doctor mended something of a tenant's.
    TenantRepaired {
        check: &'static str,
        repair: Vec<String>,
    },
    /// The doctor mended something that is no tenant's.
    DatabaseRepaired {
        check: &'static str,
        subject: String,
        repair: Vec<String>,
    },
    /// An organization that is no tenant was made.
    OrganizationCreated { kind: OrganizationKind, slug: Slug },
    /// A person was entered.
    UserCreated { id: UserId },
    /// A password was set.
    PasswordChanged { user: UserId },
    /// A person joined.
    MembershipCreated {
        id: MembershipId,
        user: UserId,
        role: MemberRole,
        is_owner: bool,
    },
    /// A person signed in.
    SessionStarted { id: SessionId, user: UserId },
    /// A wrong password for an account that exists.
    SignInFailed { user: UserId },
    /// A session was ended early.
    SessionRevoked { id: SessionId, reason: RevokeReason },
    /// Several sessions of a person were ended early, at once.
    SessionsRevoked {
        user: UserId,
        sessions: Vec<SessionId>,
        reason: RevokeReason,
    },
    /// A refresh token came a second time: somebody holds a copy. Its session was ended.
    RefreshTokenReused { session: SessionId },
    /// An API key was made.
    ApiKeyCreated {
        id: ApiKeyId,
        name: String,
        scopes: Vec<String>,
    },
    /// An API key was made void.
    ApiKeyRevoked { id: ApiKeyId },
    /// A new key signs access tokens.
    SigningKeyCreated { kid: String },
}

impl AuditEvent {
    /// What was done, as `thing.verb`.
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::TenantProvisioned { .. } => "organization.provisioned",
            Self::TenantMigrated { .. } => "organization.migrated",
            Self::TenantPostStep { .. } => "organization.post_step",
            Self::TenantPinned { .. } => "organization.pinned",
            Self::TenantSeeded { .. } => "organization.seeded",
            Self::TenantOpened { .. } => "organization.opened",
            Self::DbaGranted { .. } => "organization.dba_granted",
            Self::DbaRevoked { .. } => "organization.dba_revoked",
            Self::FleetQueried { .. } => "fleet.queried",
            Self::TenantCloned { .. } => "organization.cloned",
            Self::TenantImported { .. } => "organization.imported",
            Self::TenantArchived { .. } => "organization.archived",
            Self::TenantUnarchived { .. } => "organization.unarchived",
            Self::TenantMoved { .. } => "organization.moved",
            Self::MoveGivenUp { .. } => "organization.move_given_up",
            Self::TenantArrived { .. } => "organization.arrived",
            Self::OrganizationSuspended { .. } => "organization.suspended",
            Self::OrganizationResumed { .. } => "organization.resumed",
            Self::OrganizationRenamed => "organization.renamed",
            Self::SlugChanged { .. } => "organization.slug_changed",
            Self::TenantLimited { .. } => "organization.limited",
            Self::PlanSet { .. } => "plan.set",
            Self::PlanRemoved { .. } => "plan.removed",
            Self::DomainAdded { .. } => "domain.added",
            Self::DomainChecked { method: Some(_), .. } => "domain.verified",
            Self::DomainChecked { .. } => "domain.verification_lost",
            Self::DomainRemoved { .. } => "domain.removed",
            Self::TenantDropped { .. } => "organization.dropped",
            Self::TenantRestored { .. } => "organization.restored",
            Self::TenantErased { .. } => "organization.erased",
            Self::TenantRepaired { .. } => "organization.repaired",
            Self::DatabaseRepaired { .. } => "database.repaired",
            Self::OrganizationCreated { .. } => "organization.created",
            Self::UserCreated { .. } => "user.created",
            Self::PasswordChanged { .. } => "user.password_changed",
            Self::MembershipCreated { .. } => "membership.created",
            Self::SessionStarted { .. } => "session.started",
            Self::SignInFailed { .. } => "user.sign_in_failed",
            Self::SessionRevoked { .. } => "session.revoked",
            Self::SessionsRevoked { .. } => "user.sessions_revoked",
            Self::RefreshTokenReused { .. } => "session.refresh_token_reused",
            Self::ApiKeyCreated { .. } => "api_key.created",
            Self::ApiKeyRevoked { .. } => "api_key.revoked",
            Self::SigningKeyCreated { .. } => "signing_key.created",
        }
    }

    /// Kind of the thing it was done to: the first half of the event type.
    pub fn entity_type(&self) -> &'static str {
        self.event_type().split_once('.').map_or("", |(thing, _)| thing)
    }

    /// Id of the thing it was done to; `None` where that is the organization the entry is about.
    pub fn entity_id(&self) -> Option<String> {
        let id: &dyn fmt::Display = match self {
            Self::TenantProvisioned { .. }
            | Self::TenantMigrated { .. }
            | Self::TenantPostStep { .. }
            | Self::TenantPinned { .. }
            | Self::TenantSeeded { .. }
            | Self::TenantOpened { .. }
            | Self::DbaGranted { .. }
            | Self::DbaRevoked { .. }
            | Self::TenantCloned { .. }
            | Self::TenantImported { .. }
            | Self::TenantArchived { .. }
            | Self::TenantUnarchived { .. }
            | Self::TenantMoved { .. }
            | Self::MoveGivenUp { .. }
            | Self::TenantArrived { .. }
            | Self::OrganizationSuspended { .. }
            | Self::OrganizationResumed { .. }
            | Self::OrganizationRenamed
            | Self::SlugChanged { .. }
            | Self::TenantLimited { .. }
            | Self::TenantDropped { .. }
            | Self::TenantRestored { .. }
            | Self::TenantErased { .. }
            | Self::TenantRepaired { .. }
            | Self::OrganizationCreated { .. } => return None,
            Self::FleetQueried { logins, .. } => return Some(logins.join(" ")),
            Self::UserCreated { id: user }
            | Self::PasswordChanged { user }
            | Self::SignInFailed { user }
            | Self::SessionsRevoked { user, .. } => user,
            Self::MembershipCreated { id, .. } => id,
            Self::SessionStarted { id, .. }
            | Self::SessionRevoked { id, .. }
            | Self::RefreshTokenReused { session: id } => id,
            Self::ApiKeyCreated { id, .. } | Self::ApiKeyRevoked { id } => id,
            Self::DatabaseRepaired { subject, .. } => subject,
            Self::SigningKeyCreated { kid } => kid,
            Self::PlanSet { name, .. } | Self::PlanRemoved { name } => name,
            Self::DomainAdded { hostname }
            | Self::DomainChecked { hostname, .. }
            | Self::DomainRemoved { hostname } => hostname,
        };
        Some(id.to_string())
    }

    /// What changed: an object.
    pub fn changes(&self) -> Value {
        match self {
            Self::TenantProvisioned { .. }
            | Self::TenantMigrated { .. }
            | Self::TenantPostStep { .. }
            | Self::TenantPinned { .. }
            | Self::TenantSeeded { .. } => self.made(),
            Self::TenantOpened { .. }
            | Self::DbaGranted { .. }
            | Self::DbaRevoked { .. }
            | Self::FleetQueried { .. } => self.opened(),
            Self::TenantCloned { .. }
            | Self::TenantImported { .. }
            | Self::TenantArchived { .. }
            | Self::TenantUnarchived { .. }
            | Self::TenantMoved { .. }
            | Self::MoveGivenUp { .. }
            | Self::TenantArrived { .. } => self.changes_by_copy(),
            Self::OrganizationSuspended { reason } => json!({"reason": reason}),
            Self::OrganizationResumed { status } | Self::TenantRestored { status } => {
                json!({"status": status})
            }
            Self::SlugChanged { from, to } => json!({"slug": {"from": from, "to": to}}),
            Self::TenantLimited { plan, exceptions } => json!({"plan": plan, "exceptions": exceptions}),
            Self::PlanSet { limits, .. } => json!({"limits": limits}),
            Self::DomainChecked { method, .. } => json!({"method": method}),
            Self::TenantDropped { purge_after } => json!({"purge_after": purge_after}),
            Self::TenantErased {
                schema,
                erasure,
                sha256,
            } => json!({"schema": schema.as_str(), "erasure_id": erasure, "sha256": sha256}),
            Self::TenantRepaired { check, repair } | Self::DatabaseRepaired { check, repair, .. } => {
                json!({"check": check, "repair": repair})
            }
            Self::OrganizationCreated { kind, slug } => json!({"kind": kind, "slug": slug}),
            Self::MembershipCreated {
                user, role, is_owner, ..
            } => json!({"user_id": user, "role": role, "is_owner": is_owner}),
            Self::SessionStarted { user, .. } => json!({"user_id": user}),
            Self::SessionRevoked { reason, .. } => json!({"reason": reason.as_str()}),
            Self::SessionsRevoked { sessions, reason, .. } => {
                json!({"sessions": sessions, "reason": reason.as_str()})
            }
            Self::ApiKeyCreated { name, scopes, .. } => json!({"name": name, "scopes": scopes}),
            Self::UserCreated { .. }
            | Self::PasswordChanged { .. }
            | Self::SignInFailed { .. }
            | Self::RefreshTokenReused { .. }
            | Self::ApiKeyRevoked { .. }
            | Self::OrganizationRenamed
            | Self::PlanRemoved { .. }
            | Self::DomainAdded { .. }
            | Self::DomainRemoved { .. }
            | Self::SigningKeyCreated { .. } => json!({}),
        }
    }

    /// The same of what the template makes of a tenant.
    fn made(&self) -> Value {
        match self {
            Self::TenantProvisioned {
                slug,
                schema,
                template_version,
            } => {
                json!({"slug": slug, "schema": schema.as_str(), "template_version": template_version})
            }
            Self::TenantMigrated { from, to } => json!({"template_version": {"from": from, "to": to}}),
            Self::TenantPostStep { step } => json!({"post_step": step}),
            Self::TenantPinned { template_version } => json!({"pinned_version": template_version}),
            Self::TenantSeeded { size, rows } => json!({"size": size, "rows": rows}),
            _ => json!({}),
        }
    }

    /// The same of what opens tenants to somebody's own statements.
    fn opened(&self) -> Value {
        match self {
            Self::TenantOpened { login } => json!({"login": login}),
            Self::DbaGranted { role, reach } => json!({"role": role, "reach": reach}),
            Self::DbaRevoked { role } => json!({"role": role}),
            Self::FleetQueried {
                logins: _,
                selection,
                tenants,
                write,
                statement,
            } => json!({
                "selection": selection, "tenants": tenants, "write": write, "statement": statement
            }),
            _ => json!({}),
        }
    }
}

/// Writes down what was done, in the transaction that does it. `organization` is the one it concerns; the server's
/// login can write for that of its transaction only. `device` is where the request came from: [`Device::NONE`] for the
/// command line and for the program itself.
pub async fn record(
    tx: &mut CatalogTx,
    actor: &Actor,
    organization: Option<OrganizationId>,
    event: &AuditEvent,
    device: &Device,
    source: &Source,
) -> Result<(), CatalogError> {
    record_if(true, tx, actor, organization, event, device, source).await
}

/// The same statement, which writes nothing unless `happened`: for what must take the same time either way.
pub(crate) async fn record_if(
    happened: bool,
    tx: &mut CatalogTx,
    actor: &Actor,
    organization: Option<OrganizationId>,
    event: &AuditEvent,
    device: &Device,
    source: &Source,
) -> Result<(), CatalogError> {
    let queued = queued(happened, actor, organization, event, device, source);
    tx.execute(queued.sql, &queued.params()).await?;
    Ok(())
}

/// The same as [`record`], to be sent with other statements.
pub fn record_later(
    actor: &Actor,
    organization: Option<OrganizationId>,
    event: &AuditEvent,
    device: &Device,
    source: &Source,
) -> Queued {
    queued(true, actor, organization, event, device, source)
}

fn queued(
    happened: bool,
    actor: &Actor,
    organization: Option<OrganizationId>,
    event: &AuditEvent,
    device: &Device,
    source: &Source,
) -> Queued {
    let entity = event
        .entity_id()
        .or_else(|| organization.map(|id| id.to_string()));
    Queued {
        sql: RECORD,
        params: vec![
            Box::new(source.uuid()),
            Box::new(organization),
            Box::new(actor.to_string()),
            Box::new(event.event_type()),
            Box::new(event.entity_type()),
            Box::new(entity),
            Box::new(event.changes()),
            Box::new(device.ip),
            Box::new(device.user_agent()),
            Box::new(device.request_id.clone()),
            Box::new(source.now()),
            Box::new(happened),
        ],
    }
}

const RECORD: &str = "\
    insert into catalog.catalog_audit_logs \
      (id, organization_id, actor, event_type, entity_type, entity_id, changes, ip, user_agent, request_id, created_at) \
    select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 where $12";

pub(crate) const STATEMENTS: &[&str] = &[RECORD];

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_event_names_the_verb_and_the_thing() {
        let id = UserId::from(Uuid::from_u128(7));
        let event = AuditEvent::PasswordChanged { user: id };
        assert_eq!(event.event_type(), "user.password_changed");
        assert_eq!(event.entity_type(), "user");
        assert_eq!(event.entity_id(), Some(id.to_string()));
    }

    #[test]
    fn an_event_of_the_organization_says_what_was_and_what_is() {
        let event = AuditEvent::TenantMigrated { from: 6, to: 7 };
        assert_eq!(event.entity_type(), "organization");
        assert_eq!(event.entity_id(), None);
        assert_eq!(event.changes(), json!({"template_version": {"from": 6, "to": 7}}));
    }
}
