//! `tenantry tenant plan`, `limit` and `measure`: what single tenants may take, and what they take.

use anyhow::Context as _;
use catalog::audit::{self, AuditEvent};
use catalog::error::CatalogError;
use catalog::limits::{self, Limits, Storage, TenantLimits};
use catalog::organizations::Organization;
use catalog::plans::{self, Assignment};
use catalog::sessions::Device;
use catalog::slug::Slug;
use catalog::tx::CatalogTx;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::cli::{Ceiling, LimitArgs};
use crate::commands::plan;
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct ShownLimits {
    slug: String,
    /// The plan that counts: the tenant's own, or `default` where there is one.
    plan: Option<String>,
    limits: Limits,
    /// Where they are not the plan's; 0 is none at all.
    exceptions: Limits,
    storage_bytes: Option<i64>,
    storage_measured_at: Option<DateTime<Utc>>,
    storage: &'static str,
}

/// Puts a tenant on a plan, or on none (`None`).
pub(super) async fn put_on(
    slug: &Slug,
    plan: Option<&str>,
    operator: &Operator,
) -> anyhow::Result<ExitStatus> {
    let change = |assignment: &mut Assignment| assignment.plan = plan.map(str::to_owned);
    changed(slug, change, operator)
        .await
        .with_context(|| format!("could not put tenant {slug} on a plan"))
}

/// Changes a tenant's exceptions, or shows its limits where nothing is to be changed.
pub(super) async fn limit(slug: &Slug, said: &LimitArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let changes: Vec<_> = plan::changes(said).collect();
    let change = |assignment: &mut Assignment| {
        for (limit, ceiling) in &changes {
            let number = match ceiling {
                Ceiling::OfPlan => None,
                Ceiling::Unlimited => Some(0),
                Ceiling::At(number) => Some(*number),
            };
            assignment.exceptions.set(*limit, number);
        }
    };
    if changes.is_empty() {
        return show(slug, operator)
            .await
            .with_context(|| format!("could not show the limits of tenant {slug}"));
    }
    changed(slug, change, operator)
        .await
        .with_context(|| format!("could not limit tenant {slug}"))
}

async fn show(slug: &Slug, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut tx = operator.db.begin().await?;
    let (organization, _) = operator.tenant(&mut tx, slug).await?;
    let document = shown(&mut tx, &organization).await?;
    tx.rollback().await?;
    operator.output.document(&document, text)?;
    Ok(ExitStatus::Done)
}

async fn changed(
    slug: &Slug,
    change: impl FnOnce(&mut Assignment),
    operator: &Operator,
) -> anyhow::Result<ExitStatus> {
    let (source, actor) = (&operator.source, &operator.actor);
    let mut tx = operator.db.begin().await?;
    let organization = operator.lock_home(&mut tx, slug).await?;
    let before = plans::assignment(&mut tx, organization.id).await?;
    let mut assignment = before.clone();
    change(&mut assignment);
    if assignment != before {
        plans::assign(&mut tx, organization.id, &assignment, source.now())
            .await
            .map_err(unassignable)?;
        let event = AuditEvent::TenantLimited {
            plan: assignment.plan,
            exceptions: assignment.exceptions,
        };
        audit::record(
            &mut tx,
            actor,
            Some(organization.id),
            &event,
            &Device::NONE,
            source,
        )
        .await?;
    }
    let document = shown(&mut tx, &organization).await?;
    tx.commit().await.map_err(CatalogError::from)?;
    operator.output.document(&document, text)?;
    Ok(ExitStatus::Done)
}

fn unassignable(error: CatalogError) -> anyhow::Error {
    match error {
        CatalogError::NotFound { what: "plan" } => Problem::refused(
            "there is no such plan",
            "`tenantry plan list` shows those there are, `tenantry plan set` makes one",
        )
        .into(),
        other => other.into(),
    }
}

async fn shown(tx: &mut CatalogTx, organization: &Organization) -> anyhow::Result<ShownLimits> {
    let assignment = plans::assignment(tx, organization.id).await?;
    let counts: TenantLimits = limits::of_tenant(tx, organization.id).await?;
    let storage = match counts.storage() {
        Storage::Within => "within",
        Storage::Beyond(_) => "beyond the soft limit",
        Storage::Full(_) => "full",
    };
    let (bytes, at) = counts.measured.unzip();
    Ok(ShownLimits {
        slug: organization.slug.to_string(),
        plan: counts.plan.as_deref().map(str::to_owned),
        limits: counts.limits,
        exceptions: assignment.exceptions,
        storage_bytes: bytes,
        storage_measured_at: at,
        storage,
    })
}

fn text(shown: &ShownLimits) -> String {
    let counts = plan::texts(&shown.limits);
    let own = ShownLimits::own(&shown.exceptions);
    let names = ["in flight", "statement", "rows", "storage soft", "storage hard"];
    let mut pairs = vec![
        ("tenant", shown.slug.clone()),
        ("plan", shown.plan.clone().unwrap_or_else(|| "-".to_owned())),
    ];
    for ((name, limit), own) in names.into_iter().zip(counts).zip(own) {
        let limit = if own { format!("{limit} (its own)") } else { limit };
        pairs.push((name, limit));
    }
    let storage = match (shown.storage_bytes, shown.storage_measured_at) {
        (Some(bytes), Some(at)) => format!(
            "{} measured {}, {}",
            output::bytes(bytes),
            output::instant(at),
            shown.storage
        ),
        _ => "not measured yet: `tenantry tenant measure`".to_owned(),
    };
    pairs.push(("storage", storage));
    output::pairs(pairs)
}

impl ShownLimits {
    /// Which of the limits are exceptions.
    fn own(exceptions: &Limits) -> [bool; 5] {
        plan::texts(exceptions).map(|text| text != "-")
    }
}

#[derive(Serialize)]
struct Measurement {
    tenants: i64,
    bytes: i64,
    beyond: Vec<Beyond>,
}

#[derive(Serialize)]
struct Beyond {
    slug: String,
    bytes: i64,
    storage_soft_bytes: Option<i64>,
    storage_hard_bytes: Option<i64>,
    full: bool,
}

/// Measures all tenants.
pub(super) async fn measure(operator: &Operator) -> anyhow::Result<ExitStatus> {
    let measured = async {
        let mut tx = operator.db.begin_unhurried().await?;
        let measured = plans::measure(&mut tx, operator.source.now()).await?;
        tx.commit().await.map_err(CatalogError::from)?;
        Ok::<_, CatalogError>(measured)
    };
    let measured = measured.await.context("could not measure the tenants")?;
    let beyond = measured
        .beyond
        .into_iter()
        .map(|(slug, bytes, soft, hard)| Beyond {
            slug,
            bytes,
            storage_soft_bytes: soft,
            storage_hard_bytes: hard,
            full: hard.is_some_and(|hard| bytes >= hard),
        });
    let document = Measurement {
        tenants: measured.tenants,
        bytes: measured.bytes,
        beyond: beyond.collect(),
    };
    operator.output.document(&document, |document| {
        let all = format!(
            "measured {} tenant{}: {}",
            document.tenants,
            if document.tenants == 1 { "" } else { "s" },
            output::bytes(document.bytes)
        );
        if document.beyond.is_empty() {
            return all;
        }
        let limit = |limit: Option<i64>| limit.map_or_else(|| "-".to_owned(), output::bytes);
        let rows = document.beyond.iter().map(|tenant| {
            [
                tenant.slug.clone(),
                output::bytes(tenant.bytes),
                limit(tenant.storage_soft_bytes),
                limit(tenant.storage_hard_bytes),
                if tenant.full { "full" } else { "soft" }.to_owned(),
            ]
        });
        format!(
            "{all}\n\n{}",
            output::table(["TENANT", "SIZE", "SOFT", "HARD", "BEYOND"], rows)
        )
    })?;
    Ok(ExitStatus::Done)
}
