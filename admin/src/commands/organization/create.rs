//! `tenantry organization create`: platforms and agencies.

use anyhow::Context as _;
use catalog::audit::{self, AuditEvent};
use catalog::error::CatalogError;
use catalog::organizations::{self, NewOrganization, Organization, OrganizationKind, OrganizationStatus};
use catalog::sessions::Device;
use serde::Serialize;

use crate::cli::{GroupKind, OrganizationCreateArgs};
use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct CreatedOrganization {
    id: String,
    slug: String,
    name: String,
    kind: OrganizationKind,
}

/// Enters it; there is no schema to make.
pub(in crate::commands) async fn run(
    args: OrganizationCreateArgs,
    operator: &Operator,
) -> anyhow::Result<ExitStatus> {
    let attempt = format!("could not create organization {}", args.slug);
    let made = create(args, operator).await.context(attempt)?;
    let document = CreatedOrganization {
        id: made.id.to_string(),
        slug: made.slug.to_string(),
        name: made.name,
        kind: made.kind,
    };
    operator.output.document(&document, |made| {
        output::pairs([
            ("organization", made.slug.clone()),
            ("id", made.id.clone()),
            ("kind", made.kind.to_string()),
        ])
    })?;
    Ok(ExitStatus::Done)
}

async fn create(args: OrganizationCreateArgs, operator: &Operator) -> anyhow::Result<Organization> {
    let mut tx = operator.db.begin().await?;
    let parent = match &args.parent {
        Some(slug) => Some(operator.organization(&mut tx, slug).await?.id),
        None => None,
    };
    let new = NewOrganization {
        kind: match args.kind {
            GroupKind::Platform => OrganizationKind::Platform,
            GroupKind::Agency => OrganizationKind::Agency,
        },
        parent,
        slug: args.slug,
        name: args.name,
        status: OrganizationStatus::Active,
        contact_email: None,
    };
    let made = organizations::insert(&mut tx, &new, &operator.source).await?;
    let event = AuditEvent::OrganizationCreated {
        kind: made.kind,
        slug: made.slug.clone(),
    };
    audit::record(
        &mut tx,
        &operator.actor,
        Some(made.id),
        &event,
        &Device::NONE,
        &operator.source,
    )
    .await?;
    tx.commit().await.map_err(CatalogError::from)?;
    Ok(made)
}
