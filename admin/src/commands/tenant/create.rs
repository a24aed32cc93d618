//! `tenantry tenant create`: a tenant, whole, in one transaction.

use anyhow::Context as _;
use catalog::error::CatalogError;
use catalog::organizations::{NewOrganization, OrganizationKind, OrganizationStatus};
use serde::Serialize;
use tenant_schema::lifecycle::{self, Provisioned};

use crate::accounts::{self, OwnerAccount, Person, Vouched};
use crate::cli::{TenantCreateArgs, TenantKind};
use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct CreatedTenant {
    id: String,
    slug: String,
    schema: String,
    template_version: i32,
    url: String,
    owner: OwnerAccount,
}

/// The owner's account, the organization and its schema: all or nothing.
pub(super) async fn run(args: TenantCreateArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let slug = args.slug.clone();
    let (made, owner) = create(args, operator)
        .await
        .with_context(|| format!("could not create tenant {slug}"))?;
    let document = CreatedTenant {
        id: made.organization.to_string(),
        slug: slug.to_string(),
        schema: made.schema.to_string(),
        template_version: made.template_version,
        url: operator.config.server.tenant_origin(slug.as_str()),
        owner: owner.told(),
    };
    operator.output.document(&document, |made| text(made, &owner))?;
    Ok(ExitStatus::Done)
}

async fn create(args: TenantCreateArgs, operator: &Operator) -> anyhow::Result<(Provisioned, Vouched)> {
    let password = accounts::password_from_stdin(args.owner_password_stdin, &args.owner_email)?;
    let Operator {
        db, source, actor, ..
    } = operator;
    let mut tx = db.begin_unhurried().await?;
    let parent = match &args.parent {
        Some(slug) => Some(operator.organization(&mut tx, slug).await?.id),
        None => None,
    };
    let person = Person {
        email: args.owner_email,
        name: args.owner_name,
        password,
    };
    let owner = accounts::vouch(&mut tx, person, actor, source).await?;
    let new = NewOrganization {
        kind: match args.kind {
            TenantKind::Standalone => OrganizationKind::Standalone,
            TenantKind::Client => OrganizationKind::Client,
        },
        parent,
        slug: args.slug,
        name: args.name,
        status: OrganizationStatus::Active,
        contact_email: Some(owner.user.email.to_string()),
    };
    let made = lifecycle::provision(
        &mut tx,
        &operator.config.template,
        &new,
        &owner.as_owner(),
        actor,
        source,
    )
    .await?;
    tx.commit().await.map_err(CatalogError::from)?;
    Ok((made, owner))
}

fn text(made: &CreatedTenant, owner: &Vouched) -> String {
    let pairs = output::pairs([
        ("tenant", made.slug.clone()),
        ("id", made.id.clone()),
        ("schema", made.schema.clone()),
        ("version", made.template_version.to_string()),
        ("url", made.url.clone()),
    ]);
    let (slug, sentence) = (&made.slug, owner.sentence());
    format!("{pairs}\n{sentence}\n\nnext:\n  tenantry key create {slug} --name 'First key' --scope '*:*'")
}
