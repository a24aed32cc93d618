//! What the demo's database must have: made where it is missing, left alone where it is there.

use anyhow::Context as _;
use catalog::api_keys::{self, NewApiKey};
use catalog::email::EmailAddress;
use catalog::error::CatalogError;
use catalog::ids::OrganizationId;
use catalog::memberships::MemberRole;
use catalog::organizations::{self, NewOrganization, OrganizationKind, OrganizationStatus};
use catalog::password::PlainPassword;
use catalog::pg::pool::PoolSettings;
use catalog::scope::Scopes;
use catalog::slug::Slug;
use catalog::tx::{CatalogDb, CatalogTx};
use tenant_schema::demo_data::{self, Filling, Size};
use tenant_schema::fleet::{self, Event, Fleet, StopSignal};
use tenant_schema::lifecycle;

use super::people::{DemoPerson, DemoTenant};
use crate::accounts::{self, Person, Vouched};
use crate::demo_folder::{DemoFolder, Secrets};
use crate::joining;
use crate::keys;
use crate::operator::Operator;

/// Brings the tenants of an earlier version's demo to this one's.
pub(super) async fn migrate(operator: &Operator) -> anyhow::Result<()> {
    // A pool of its own, as large as the fleet's migration needs it.
    let settings = PoolSettings::default();
    let db = CatalogDb::new(operator.database.clone(), settings);
    let fleet = Fleet {
        db: &db,
        template: &operator.config.template,
        actor: &operator.actor,
        source: &operator.source,
        settings: fleet::Settings::default(),
    };
    let plan = fleet.plan().await?;
    let mut migrated = Vec::with_capacity(plan.steps.len());
    let report = |event| {
        if let Event::Tenant(tenant) = event {
            migrated.push(tenant);
        }
    };
    fleet.migrate(&plan, &StopSignal::never(), report).await?;
    for tenant in migrated {
        tenant
            .outcome
            .with_context(|| format!("could not migrate tenant {}", tenant.slug))?;
    }
    Ok(())
}

/// Makes the tenant with its people and rows, and a key whose text the demo can show, where they are missing.
pub(super) async fn ensure(
    tenant: DemoTenant,
    folder: &DemoFolder,
    secrets: &mut Secrets,
    operator: &Operator,
) -> anyhow::Result<()> {
    let slug: Slug = tenant.slug.parse()?;
    let mut tx = operator.db.begin_unhurried().await?;
    let organization = if let Some(known) = organizations::find_by_slug(&mut tx, &slug).await? {
        known.id
    } else {
        operator.output.progress(format_args!("creating tenant {slug}"));
        create(&mut tx, tenant, &slug, secrets, operator)
            .await
            .with_context(|| format!("could not create tenant {slug}"))?
    };
    let key = new_key_if_missing(&mut tx, organization, &slug, secrets, operator).await?;
    tx.commit().await.map_err(CatalogError::from)?;
    // Killed before this is kept, the next start knows no text for the key and makes another key.
    if let Some(key) = key {
        secrets.keys.insert(slug.to_string(), key);
        folder.keep(secrets)?;
    }
    Ok(())
}

/// Organization, schema and people; rows in the tables of the CRM, which a template of somebody's own does not have.
async fn create(
    tx: &mut CatalogTx,
    tenant: DemoTenant,
    slug: &Slug,
    secrets: &Secrets,
    operator: &Operator,
) -> anyhow::Result<OrganizationId> {
    let Operator { source, actor, .. } = operator;
    let [first, others @ ..] = tenant.people else {
        anyhow::bail!("tenant {slug} of the demo has no people");
    };
    let owner = account(tx, first, secrets, operator).await?;
    let new = NewOrganization {
        kind: OrganizationKind::Standalone,
        parent: None,
        slug: slug.clone(),
        name: tenant.name.to_owned(),
        status: OrganizationStatus::Active,
        contact_email: Some(first.email.to_owned()),
    };
    let made = lifecycle::provision(
        tx,
        &operator.config.template,
        &new,
        &owner.as_owner(),
        actor,
        source,
    )
    .await?;
    let organization = operator.organization(tx, slug).await?;
    let mut members = vec![made.owner];
    for other in others {
        let vouched = account(tx, other, secrets, operator).await?;
        let membership =
            joining::join(tx, &organization, &vouched, MemberRole::Member, actor, source).await?;
        members.push(membership.id);
    }
    if !operator.config.template.is_own() {
        let with = Filling {
            slug,
            members: &members,
            base: source.now(),
            size: Size::Small,
            actor,
        };
        demo_data::fill(tx, &made.schema, with, |_| {}).await?;
    }
    Ok(made.organization)
}

async fn account(
    tx: &mut CatalogTx,
    person: &DemoPerson,
    secrets: &Secrets,
    operator: &Operator,
) -> anyhow::Result<Vouched> {
    let email: EmailAddress = person.email.parse()?;
    // One person may be in several tenants; only a new account is given the password.
    let is_known = catalog::users::find_by_email(tx, &email).await?.is_some();
    let password = if is_known {
        None
    } else {
        Some(PlainPassword::chosen(secrets.user_password.clone(), &email)?)
    };
    let person = Person {
        email,
        name: Some(person.name.to_owned()),
        password,
    };
    accounts::vouch(tx, person, &operator.actor, &operator.source).await
}

/// Makes a key, unless the one whose text was kept is still good; then there is `None`.
async fn new_key_if_missing(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    slug: &Slug,
    secrets: &Secrets,
    operator: &Operator,
) -> anyhow::Result<Option<String>> {
    if let Some(text) = secrets.keys.get(slug.as_str()) {
        let keys = api_keys::list(tx, organization).await?;
        if keys
            .iter()
            .any(|key| key.revoked_at.is_none() && text.starts_with(&key.prefix))
        {
            return Ok(None);
        }
    }
    let new = NewApiKey {
        organization,
        name: "Demo".to_owned(),
        scopes: Scopes::parse(&["*:*"])?,
        created_by: operator.actor.clone(),
        expires_at: None,
    };
    let (_, secret) = keys::create(tx, new, &operator.source).await?;
    Ok(Some(secret.reveal().to_owned()))
}
