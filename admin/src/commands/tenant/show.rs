//! `tenantry tenant show`: one tenant.

use std::cmp::Ordering;

use anyhow::Context as _;
use catalog::archives::{self, Archive};
use catalog::departures;
use catalog::memberships::{self, Member, MemberRole};
use catalog::moves::{self, MoveState};
use catalog::organizations::{OrganizationKind, OrganizationStatus};
use catalog::post_steps::{self, Outstanding};
use catalog::slug::Slug;
use catalog::standing;
use catalog::tenant_schemas::TenantSchemaState;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tenant_schema::size;

use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct ShownTenant {
    slug: String,
    id: String,
    name: String,
    kind: OrganizationKind,
    status: OrganizationStatus,
    url: String,
    schema: String,
    state: TenantSchemaState,
    template_version: i32,
    latest_version: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pinned_version: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspended: Option<ShownSuspension>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dropped: Option<ShownDeparture>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<Archive>,
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<ShownMove>,
    migrated_at: DateTime<Utc>,
    last_error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    post_steps: Vec<ShownStep>,
    size_bytes: i64,
    created_at: DateTime<Utc>,
    members: Vec<ShownMember>,
}

#[derive(Serialize)]
struct ShownSuspension {
    at: DateTime<Utc>,
    by: String,
    reason: Option<String>,
}

#[derive(Serialize)]
struct ShownDeparture {
    at: DateTime<Utc>,
    by: String,
    purge_after: DateTime<Utc>,
    purge_begun_at: Option<DateTime<Utc>>,
}

/// A post-step of the template that the tenant lacks.
#[derive(Serialize)]
struct ShownStep {
    step: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct ShownMove {
    to: String,
    state: MoveState,
    at: DateTime<Utc>,
    by: String,
}

#[derive(Serialize)]
struct ShownMember {
    email: String,
    name: Option<String>,
    role: MemberRole,
    owner: bool,
    active: bool,
}

/// What the catalog knows, and how much room the schema takes.
pub(super) async fn run(slug: &Slug, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let document = show(slug, operator)
        .await
        .with_context(|| format!("could not show tenant {slug}"))?;
    operator.output.document(&document, text)?;
    Ok(ExitStatus::Done)
}

async fn show(slug: &Slug, operator: &Operator) -> anyhow::Result<ShownTenant> {
    let mut tx = operator.db.begin().await?;
    let (organization, schema) = operator.tenant(&mut tx, slug).await?;
    let members = memberships::list(&mut tx, organization.id).await?;
    let suspended = standing::suspension(&mut tx, organization.id).await?;
    let dropped = departures::find(&mut tx, organization.id).await?;
    let archived = archives::find(&mut tx, organization.id).await?;
    let moved = moves::find(&mut tx, organization.id).await?;
    let template = &operator.config.template;
    let steps = template.post_steps(template.latest());
    let steps: Vec<_> = steps.map(|step| step.step().clone()).collect();
    let lacked = post_steps::outstanding(&mut tx, &steps, Some(organization.id)).await?;
    let size_bytes = size::on_disk(&mut tx, &schema.schema).await?;
    tx.rollback().await?;
    Ok(ShownTenant {
        slug: organization.slug.to_string(),
        id: organization.id.to_string(),
        name: organization.name,
        kind: organization.kind,
        status: organization.status,
        url: operator.config.server.tenant_origin(slug.as_str()),
        schema: schema.schema.to_string(),
        state: schema.state,
        template_version: schema.template_version,
        latest_version: operator.config.template.latest(),
        pinned_version: schema.pinned_version,
        suspended: suspended.map(|suspension| ShownSuspension {
            at: suspension.at,
            by: suspension.by,
            reason: suspension.reason,
        }),
        dropped: dropped.map(|departure| ShownDeparture {
            at: departure.at,
            by: departure.by,
            purge_after: departure.purge_after,
            purge_begun_at: departure.purge_begun_at,
        }),
        archived,
        moved: moved.map(|moved| ShownMove {
            to: moved.target.name,
            state: moved.state,
            at: moved.at,
            by: moved.by,
        }),
        migrated_at: schema.migrated_at,
        last_error: schema.last_error,
        post_steps: lacked.into_iter().map(step).collect(),
        size_bytes,
        created_at: organization.created_at,
        members: members.into_iter().map(member).collect(),
    })
}

fn step(one: Outstanding) -> ShownStep {
    let error = one.failure.map(|failed| failed.failure.message);
    ShownStep {
        step: one.step,
        state: if error.is_some() { "failed" } else { "pending" },
        error,
    }
}

fn lacked(steps: &[ShownStep]) -> Option<(&'static str, String)> {
    let said = |lacked: &ShownStep| match &lacked.error {
        Some(error) => format!("{} failed: {error}", lacked.step),
        None => format!("{} is pending", lacked.step),
    };
    let said: Vec<String> = steps.iter().map(said).collect();
    (!said.is_empty()).then(|| ("post-steps", said.join("; ")))
}

fn member(member: Member) -> ShownMember {
    ShownMember {
        email: member.email.to_string(),
        name: member.display_name,
        role: member.membership.role,
        owner: member.membership.is_owner,
        active: member.membership.active,
    }
}

fn suspension(suspended: &ShownSuspension) -> (&'static str, String) {
    let ShownSuspension { at, by, reason } = suspended;
    let why = reason.as_ref().map(|reason| format!(": {reason}"));
    let text = format!("{} by {by}{}", output::instant(*at), why.unwrap_or_default());
    ("suspended", text)
}

fn departure(dropped: &ShownDeparture, moved: Option<&ShownMove>) -> (&'static str, String) {
    let ShownDeparture {
        at,
        by,
        purge_after,
        purge_begun_at,
    } = dropped;
    let then = if purge_begun_at.is_some() {
        "being removed: `tenantry tenant purge-dropped --yes` goes on with it".to_owned()
    } else if moved.is_some_and(|moved| moved.state == MoveState::Moved) {
        format!("what it left is kept until {}", output::instant(*purge_after))
    } else {
        format!("can be brought back until {}", output::instant(*purge_after))
    };
    ("dropped", format!("{} by {by}; {then}", output::instant(*at)))
}

fn archive(archived: &Archive) -> (&'static str, String) {
    let Archive {
        at,
        by,
        location,
        sha256,
        ..
    } = archived;
    let text = format!("{} by {by}, in {location}, sha256 {sha256}", output::instant(*at));
    ("archived", text)
}

fn relocation(moved: &ShownMove) -> (&'static str, String) {
    let ShownMove { to, state, at, by } = moved;
    let how = match state {
        MoveState::Copying => "being copied to",
        MoveState::Doubt => "on its way to",
        MoveState::Moved => "to",
    };
    let then = match state {
        MoveState::Doubt => "; `tenantry tenant move` again finishes it or gives it up",
        MoveState::Copying | MoveState::Moved => "",
    };
    (
        "moved",
        format!("{how} {to}, {} by {by}{then}", output::instant(*at)),
    )
}

fn version(tenant: &ShownTenant) -> String {
    let (version, latest) = (tenant.template_version, tenant.latest_version);
    match (version.cmp(&latest), tenant.pinned_version) {
        (Ordering::Equal, None) => format!("{version} (the latest)"),
        (Ordering::Greater, _) => format!("{version}, later than this program's {latest}"),
        (_, Some(pinned)) => {
            format!("{version} of {latest}, pinned at {pinned}: `tenantry tenant unpin` lets it go")
        }
        (Ordering::Less, None) => format!("{version} of {latest}: run `tenantry migrate`"),
    }
}

fn text(tenant: &ShownTenant) -> String {
    let mut pairs = vec![
        ("tenant", tenant.slug.clone()),
        ("name", tenant.name.clone()),
        ("id", tenant.id.clone()),
        ("kind", tenant.kind.to_string()),
        ("status", tenant.status.to_string()),
        ("url", tenant.url.clone()),
        ("schema", format!("{} ({})", tenant.schema, tenant.state)),
        ("version", version(tenant)),
        ("migrated", output::instant(tenant.migrated_at)),
        ("size", output::bytes(tenant.size_bytes)),
        ("created", output::instant(tenant.created_at)),
    ];
    pairs.extend(tenant.suspended.as_ref().map(suspension));
    let moved = tenant.moved.as_ref();
    pairs.extend(tenant.dropped.as_ref().map(|dropped| departure(dropped, moved)));
    pairs.extend(tenant.archived.as_ref().map(archive));
    pairs.extend(tenant.moved.as_ref().map(relocation));
    pairs.extend(lacked(&tenant.post_steps));
    pairs.extend(tenant.last_error.clone().map(|error| ("last error", error)));
    let rows = tenant.members.iter().map(|member| {
        let role = if member.owner {
            "owner".to_owned()
        } else {
            member.role.to_string()
        };
        let state = if member.active { "active" } else { "inactive" };
        [
            member.email.clone(),
            member.name.clone().unwrap_or_default(),
            role,
            state.to_owned(),
        ]
    });
    format!(
        "{}\n{}",
        output::pairs(pairs),
        output::table(["MEMBER", "NAME", "ROLE", "STATE"], rows)
    )
}
