//! `tenantry tenant suspend`, `resume`, `rename` and `slug`: what is changed of a tenant that stays.

use anyhow::Context as _;
use catalog::archives;
use catalog::organizations::{self, Organization};
use catalog::slug::Slug;
use catalog::standing::{self, Changed, Suspension};
use catalog::tx::CatalogTx;
use serde::Serialize;

use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;
use crate::output;

/// What became of the tenant.
#[derive(Serialize)]
struct Stood {
    slug: String,
    id: String,
    name: String,
    status: &'static str,
    /// `false` if it was so already.
    changed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    url: String,
    #[serde(skip)]
    sentence: String,
}

/// `suspend`.
pub(super) async fn suspend(
    slug: &Slug,
    reason: Option<&str>,
    operator: &Operator,
) -> anyhow::Result<ExitStatus> {
    let done = async {
        let (mut tx, tenant) = lock_home(slug, operator).await?;
        let changed = standing::suspend(&mut tx, &tenant, reason, &operator.actor, &operator.source).await?;
        let on_record = standing::suspension(&mut tx, tenant.id).await?;
        finish(tx, changed, slug).await?;
        let sentence = if changed == Changed::Now {
            format!("{slug} is suspended; `tenantry tenant resume {slug}` ends it")
        } else {
            let since = on_record.as_ref().map(since).unwrap_or_default();
            format!("{slug} is suspended already{since}; nothing was changed")
        };
        anyhow::Ok(Stood {
            reason: on_record.and_then(|suspension| suspension.reason),
            ..stood(tenant, "suspended", changed, sentence, operator)
        })
    };
    let done = done
        .await
        .with_context(|| format!("could not suspend tenant {slug}"))?;
    tell(&done, operator)
}

/// `resume`.
pub(super) async fn resume(slug: &Slug, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let done = async {
        let (mut tx, tenant) = lock_home(slug, operator).await?;
        let changed = standing::resume(&mut tx, &tenant, &operator.actor, &operator.source).await?;
        let tenant = operator.organization(&mut tx, slug).await?;
        finish(tx, changed, slug).await?;
        let sentence = match changed {
            Changed::Now => format!("{slug} is served again"),
            _ => format!("{slug} is not suspended; nothing was changed"),
        };
        let status = tenant.status.as_str();
        anyhow::Ok(stood(tenant, status, changed, sentence, operator))
    };
    let done = done
        .await
        .with_context(|| format!("could not resume tenant {slug}"))?;
    tell(&done, operator)
}

/// `rename`.
pub(super) async fn rename(slug: &Slug, name: &str, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let done = async {
        let (mut tx, mut tenant) = lock_home(slug, operator).await?;
        let changed = standing::rename(&mut tx, &tenant, name, &operator.actor, &operator.source).await?;
        finish(tx, changed, slug).await?;
        let sentence = match changed {
            Changed::Now => format!("{slug} is called {name} now; it was {}", tenant.name),
            _ => format!("{slug} is called {name} already; nothing was changed"),
        };
        name.clone_into(&mut tenant.name);
        let status = tenant.status.as_str();
        anyhow::Ok(stood(tenant, status, changed, sentence, operator))
    };
    let done = done
        .await
        .with_context(|| format!("could not rename tenant {slug}"))?;
    tell(&done, operator)
}

/// `slug`.
pub(super) async fn change_slug(
    slug: &Slug,
    new_slug: &Slug,
    operator: &Operator,
) -> anyhow::Result<ExitStatus> {
    let done = async {
        let (mut tx, mut tenant) = lock_home(slug, operator).await?;
        let changed =
            standing::change_slug(&mut tx, &tenant, new_slug, &operator.actor, &operator.source).await?;
        finish(tx, changed, slug).await?;
        let sentence = match changed {
            Changed::Now => format!(
                "{slug} is {new_slug} now; the old slug is kept from others for 90 days and answered with 404"
            ),
            _ => format!("{slug} is its slug already; nothing was changed"),
        };
        tenant.slug = new_slug.clone();
        let status = tenant.status.as_str();
        anyhow::Ok(stood(tenant, status, changed, sentence, operator))
    };
    let done = done
        .await
        .with_context(|| format!("could not move tenant {slug} to {new_slug}"))?;
    tell(&done, operator)
}

/// The tenant, locked: another operator who is at it is waited for.
pub(super) async fn lock(slug: &Slug, operator: &Operator) -> anyhow::Result<(CatalogTx, Organization)> {
    let mut tx = operator.db.begin().await?;
    let tenant = operator.lock_tenant(&mut tx, slug).await?;
    Ok((tx, tenant))
}

/// The same, if it lives here.
async fn lock_home(slug: &Slug, operator: &Operator) -> anyhow::Result<(CatalogTx, Organization)> {
    let mut tx = operator.db.begin().await?;
    let tenant = operator.lock_home(&mut tx, slug).await?;
    Ok((tx, tenant))
}

async fn finish(mut tx: CatalogTx, changed: Changed, slug: &Slug) -> anyhow::Result<()> {
    match changed {
        Changed::Now => tx.commit().await?,
        Changed::Already => tx.rollback().await?,
        Changed::Dropped => {
            refuse_if_archived(&mut tx, slug).await?;
            tx.rollback().await?;
            let next = format!("`tenantry tenant undrop {slug}` brings it back first");
            return Err(Problem::refused("it has been dropped", next).into());
        }
    }
    Ok(())
}

/// What is said of an archived tenant where something is wanted of its schema.
pub(super) async fn refuse_if_archived(tx: &mut CatalogTx, slug: &Slug) -> anyhow::Result<()> {
    let Some(tenant) = organizations::find_by_slug(tx, slug).await? else {
        return Ok(());
    };
    match archives::find(tx, tenant.id).await? {
        Some(archive) => {
            let next = format!(
                "`tenantry tenant unarchive {slug} {}` brings it back first",
                archive.location
            );
            Err(Problem::refused("it is archived", next).into())
        }
        None => Ok(()),
    }
}

/// Since when, by whom and why, as a sentence goes on.
pub(super) fn since(suspension: &Suspension) -> String {
    let Suspension { by, at, reason, .. } = suspension;
    let why = reason.as_ref().map(|reason| format!(": {reason}"));
    format!(
        ", since {} by {by}{}",
        output::instant(*at),
        why.unwrap_or_default()
    )
}

fn stood(
    tenant: Organization,
    status: &'static str,
    changed: Changed,
    sentence: String,
    operator: &Operator,
) -> Stood {
    Stood {
        url: operator.config.server.tenant_origin(tenant.slug.as_str()),
        slug: tenant.slug.to_string(),
        id: tenant.id.to_string(),
        name: tenant.name,
        status,
        changed: changed == Changed::Now,
        reason: None,
        sentence,
    }
}

fn tell(done: &Stood, operator: &Operator) -> anyhow::Result<ExitStatus> {
    operator.output.document(done, |done| done.sentence.clone())?;
    Ok(ExitStatus::Done)
}
