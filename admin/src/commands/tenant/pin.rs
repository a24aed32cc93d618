//! `tenantry tenant pin` and `unpin`: a tenant that is not migrated beyond a version.

use anyhow::Context as _;
use catalog::audit::{self, AuditEvent};
use catalog::error::CatalogError;
use catalog::moves;
use catalog::sessions::Device;
use catalog::slug::Slug;
use catalog::tenant_schemas;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;

#[derive(Serialize)]
struct Pinning {
    slug: String,
    template_version: i32,
    pinned_version: Option<i32>,
}

/// Pins it at this version, or at the one it has.
pub(in crate::commands) async fn run(
    slug: &Slug,
    version: Option<i32>,
    operator: &Operator,
) -> anyhow::Result<ExitStatus> {
    set(slug, |own| Some(version.unwrap_or(own)), operator)
        .await
        .with_context(|| format!("could not pin tenant {slug}"))
}

/// Lets it go.
pub(in crate::commands) async fn undo(slug: &Slug, operator: &Operator) -> anyhow::Result<ExitStatus> {
    set(slug, |_| None, operator)
        .await
        .with_context(|| format!("could not unpin tenant {slug}"))
}

async fn set(
    slug: &Slug,
    pinned: impl FnOnce(i32) -> Option<i32>,
    operator: &Operator,
) -> anyhow::Result<ExitStatus> {
    let mut tx = operator.db.begin().await?;
    let (organization, schema) = operator.tenant(&mut tx, slug).await?;
    // Read again under the lock of migrations: one that is at work may commit another version at this moment.
    let schema = tenant_schemas::lock(&mut tx, organization.id)
        .await?
        .unwrap_or(schema);
    moves::check_home(&mut tx, organization.id).await?;
    let own = schema.template_version;
    let pinned = pinned(own);
    if let Some(version) = pinned.filter(|version| *version < own) {
        let why = format!("{slug} is at version {own} already, which is beyond {version}");
        return Err(Problem::refused(why, "schemas are migrated forwards only").into());
    }
    tenant_schemas::pin(&mut tx, organization.id, pinned).await?;
    let event = AuditEvent::TenantPinned {
        template_version: pinned,
    };
    let (actor, source) = (&operator.actor, &operator.source);
    audit::record(
        &mut tx,
        actor,
        Some(organization.id),
        &event,
        &Device::NONE,
        source,
    )
    .await?;
    tx.commit().await.map_err(CatalogError::from)?;
    let document = Pinning {
        slug: slug.to_string(),
        template_version: own,
        pinned_version: pinned,
    };
    operator.output.document(&document, |document| {
        let Pinning {
            slug,
            template_version,
            pinned_version,
        } = document;
        match pinned_version {
            Some(pinned) => {
                format!("{slug} is at version {template_version} and is not migrated beyond version {pinned}")
            }
            None => format!("{slug} is at version {template_version} and is migrated like the others"),
        }
    })?;
    Ok(ExitStatus::Done)
}
