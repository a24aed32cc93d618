//! `tenantry tenant drop`, `undrop` and `purge-dropped`: the way out, and the way back.

use anyhow::Context as _;
use catalog::departures::{self, Departure, Undone};
use catalog::erasures::Erasure;
use catalog::ids::OrganizationId;
use catalog::organizations::OrganizationStatus;
use catalog::slug::Slug;
use catalog::tenant_schemas;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use tenant_schema::lifecycle::purge::{self, Due, Purge};
use tenant_schema::lifecycle::{LifecycleError, Refusal};

use super::standing::{lock, refuse_if_archived};
use crate::cli::{RemovalArgs, TenantDropArgs, TenantPurgeArgs};
use crate::exit::ExitStatus;
use crate::failure::{self, Problem};
use crate::operator::Operator;
use crate::output;

/// A tenant that was dropped.
#[derive(Serialize)]
struct Left {
    slug: String,
    /// `false` if it was dropped before.
    changed: bool,
    dropped_at: DateTime<Utc>,
    dropped_by: String,
    purge_after: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erasure: Option<Proof>,
}

/// A proof of erasure in short.
#[derive(Serialize)]
struct Proof {
    id: String,
    sha256: String,
    transactions: u32,
}

#[derive(Serialize)]
struct Restored {
    slug: String,
    status: OrganizationStatus,
    url: String,
}

#[derive(Serialize)]
struct ToPurge {
    slug: String,
    purge_after: DateTime<Utc>,
    due: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    locks: Option<i64>,
    /// What hangs on it outside its schema.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outside: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    erasure: Option<Proof>,
    /// Another operator was faster.
    #[serde(skip_serializing_if = "Option::is_none")]
    meanwhile: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// `drop`.
pub(super) async fn drop(args: &TenantDropArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let slug = &args.slug;
    let document = Box::pin(leave(args, operator))
        .await
        .with_context(|| format!("could not drop tenant {slug}"))?;
    operator.output.document(&document, text)?;
    Ok(ExitStatus::Done)
}

fn text(left: &Left) -> String {
    let slug = &left.slug;
    if let Some(Proof { id, sha256, .. }) = &left.erasure {
        return format!(
            "{slug} is gone: schema, roles, memberships, sessions and keys\nproof {id}, sha256 {sha256}"
        );
    }
    let until = output::instant(left.purge_after);
    let back = format!("until {until} `tenantry tenant undrop {slug}` brings it back");
    if left.changed {
        format!("{slug} is dropped; {back}")
    } else {
        format!("{slug} is dropped already, and nothing was changed; {back}")
    }
}

async fn leave(args: &TenantDropArgs, operator: &Operator) -> anyhow::Result<Left> {
    if !args.yes {
        let next = format!("`tenantry tenant drop {} --yes` takes it away", args.slug);
        return Err(Problem::refused("nothing is dropped without --yes", next).into());
    }
    let grace = match (args.now, args.grace) {
        (true, _) => TimeDelta::zero(),
        (false, Some(grace)) => grace.0,
        (false, None) => operator.config.drop_grace,
    };
    let (mut tx, tenant) = lock(&args.slug, operator).await?;
    let begun = departures::begin(&mut tx, &tenant, grace, &operator.actor, &operator.source).await?;
    let changed = begun.is_some();
    let departure = match begun {
        Some(departure) => Some(departure),
        None => departures::find(&mut tx, tenant.id).await?,
    };
    let departure = departure.context("its departure is not on record")?;
    tx.commit().await?;
    let erasure = if args.now {
        let removed = purge_one(tenant.id, Due::Now, args.removal, operator).await;
        Some(removed.with_context(|| {
            format!(
                "{slug} is dropped and has no grace left, but could not be removed yet",
                slug = args.slug
            )
        })?)
    } else {
        None
    };
    Ok(Left {
        slug: args.slug.to_string(),
        changed,
        dropped_at: departure.at,
        dropped_by: departure.by,
        purge_after: departure.purge_after,
        erasure,
    })
}

async fn purge_one(
    tenant: OrganizationId,
    due: Due,
    removal: RemovalArgs,
    operator: &Operator,
) -> Result<Proof, LifecycleError> {
    let how = Purge {
        due,
        max_locks: removal.max_locks,
        cascade: removal.cascade,
        actor: &operator.actor,
        source: &operator.source,
    };
    let purged = purge::purge(&operator.db, tenant, how).await?;
    let Erasure { id, sha256, .. } = purged.erasure;
    Ok(Proof {
        id: id.to_string(),
        sha256,
        transactions: purged.transactions,
    })
}

/// `undrop`.
pub(super) async fn undrop(slug: &Slug, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let document = restore(slug, operator)
        .await
        .with_context(|| format!("could not bring tenant {slug} back"))?;
    operator.output.document(&document, |document| {
        format!("{slug} is back, {}: {}", document.status, document.url)
    })?;
    Ok(ExitStatus::Done)
}

async fn restore(slug: &Slug, operator: &Operator) -> anyhow::Result<Restored> {
    let (mut tx, tenant) = lock(slug, operator).await?;
    let undone = departures::undo(&mut tx, tenant.id, &operator.actor, &operator.source).await?;
    let status = match undone {
        Undone::Now(status) => status,
        Undone::NotDropped => {
            refuse_if_archived(&mut tx, slug).await?;
            let next = "nothing is left to do; `tenantry tenant show` tells how it stands";
            return Err(Problem::refused("it is not dropped", next).into());
        }
        Undone::Moved(target) => {
            let next = "to have it here again, move it back from there with `tenantry tenant move`";
            return Err(Problem::refused(format!("it has moved to {target}"), next).into());
        }
        Undone::TooLate => {
            let next = "finish the purge with `tenantry tenant purge-dropped --yes`";
            return Err(Problem::refused("its purge has begun: part of it is gone", next).into());
        }
    };
    tx.commit().await?;
    Ok(Restored {
        slug: slug.to_string(),
        status,
        url: operator.config.server.tenant_origin(slug.as_str()),
    })
}

/// `purge-dropped`.
pub(super) async fn purge(args: &TenantPurgeArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let documents = Box::pin(purge_all(args, operator))
        .await
        .context("could not purge the dropped tenants")?;
    let header = ["SLUG", "GRACE ENDS", "LOCKS", "OUTCOME"];
    operator.output.document(&documents, |documents| {
        if documents.is_empty() {
            "no tenant is dropped and past its grace".to_owned()
        } else {
            output::table(header, documents.iter().map(row))
        }
    })?;
    let failed = documents.iter().any(|document| document.error.is_some());
    Ok(if failed {
        ExitStatus::Refused
    } else {
        ExitStatus::Done
    })
}

async fn purge_all(args: &TenantPurgeArgs, operator: &Operator) -> anyhow::Result<Vec<ToPurge>> {
    if !args.yes && !args.dry_run {
        let next = "`--dry-run` shows what would be removed, `--yes` removes it";
        return Err(Problem::refused("nothing is removed without --yes", next).into());
    }
    let mut tx = operator.db.begin().await?;
    let departures = departures::list(&mut tx).await?;
    tx.rollback().await?;
    let now = operator.source.now();
    let mut documents = Vec::new();
    for departure in departures {
        if args.dry_run {
            documents.push(plan(&departure, operator).await?);
        } else if departure.is_due(now) {
            documents.push(outcome(&departure, args.removal, operator).await);
        }
    }
    Ok(documents)
}

async fn plan(departure: &Departure, operator: &Operator) -> anyhow::Result<ToPurge> {
    let mut tx = operator.db.begin().await?;
    let schema = tenant_schemas::find(&mut tx, departure.organization).await?;
    let survey = match schema {
        Some(schema) => Some(purge::survey(&mut tx, &schema.schema).await?),
        None => None,
    };
    tx.rollback().await?;
    Ok(ToPurge {
        locks: survey.as_ref().map(|survey| survey.needed),
        outside: survey.map(|survey| survey.outside).unwrap_or_default(),
        ..to_purge(departure, operator)
    })
}

/// One that fails does not stop the others; one that another operator has removed meanwhile is as good.
async fn outcome(departure: &Departure, removal: RemovalArgs, operator: &Operator) -> ToPurge {
    let mut document = to_purge(departure, operator);
    match Box::pin(purge_one(
        departure.organization,
        Due::AfterGrace,
        removal,
        operator,
    ))
    .await
    {
        Ok(proof) => document.erasure = Some(proof),
        Err(LifecycleError::Refused(Refusal::Gone)) => document.meanwhile = Some("removed"),
        Err(LifecycleError::Refused(Refusal::NotDropped)) => document.meanwhile = Some("brought back"),
        Err(error) => document.error = Some(failure::explain(&error.into()).0.message),
    }
    operator
        .output
        .progress(format_args!("{}: {}", document.slug, said(&document)));
    document
}

fn to_purge(departure: &Departure, operator: &Operator) -> ToPurge {
    ToPurge {
        slug: departure.slug.to_string(),
        purge_after: departure.purge_after,
        due: departure.is_due(operator.source.now()),
        locks: None,
        outside: Vec::new(),
        erasure: None,
        meanwhile: None,
        error: None,
    }
}

fn said(document: &ToPurge) -> String {
    match (&document.erasure, &document.error) {
        (Some(proof), _) => format!("removed, proof {}", proof.id),
        (None, Some(error)) => format!("failed: {error}"),
        (None, None) => match document.meanwhile {
            Some(what) => format!("{what} by somebody else meanwhile"),
            None if !document.due => "in its grace".to_owned(),
            None if document.outside.is_empty() => "would be removed".to_owned(),
            None => format!(
                "would be refused without --cascade: {}",
                document.outside.join(", ")
            ),
        },
    }
}

fn row(document: &ToPurge) -> [String; 4] {
    [
        document.slug.clone(),
        output::instant(document.purge_after),
        document.locks.map_or_else(String::new, |locks| locks.to_string()),
        said(document),
    ]
}
