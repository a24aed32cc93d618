//! `tenantry tenant stats`: what was done in tenants, or to the tables of one.

use std::cmp::Reverse;

use anyhow::Context as _;
use catalog::slug::Slug;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tenant_schema::usage::{self, Activity};

use crate::cli::TenantStatsArgs;
use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;

/// A tenant, or a table of one.
#[derive(Serialize)]
struct Done {
    name: String,
    inserted: i64,
    updated: i64,
    deleted: i64,
    sequential_scans: i64,
    index_scans: i64,
    live: i64,
    dead: i64,
    vacuumed_at: Option<DateTime<Utc>>,
}

/// One query, however many there are.
pub(super) async fn run(args: &TenantStatsArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let (head, read) = match &args.slug {
        Some(slug) => ("TABLE", of_tenant(slug, operator).await),
        None => ("SLUG", of_fleet(args, operator).await),
    };
    let mut documents = read.context("could not read the statistics")?;
    documents.truncate(args.limit.unwrap_or(usize::MAX));
    operator.output.document(&documents, |documents| {
        let header = [
            head,
            "INSERTED",
            "UPDATED",
            "DELETED",
            "SEQ SCANS",
            "INDEX SCANS",
            "LIVE",
            "DEAD",
            "VACUUMED",
        ];
        output::table(header, documents.iter().map(row))
    })?;
    Ok(ExitStatus::Done)
}

async fn of_tenant(slug: &Slug, operator: &Operator) -> anyhow::Result<Vec<Done>> {
    let mut tx = operator.db.begin().await?;
    let (_, schema) = operator.tenant(&mut tx, slug).await?;
    let tables = usage::activity_by_table(&mut tx, &schema.schema).await?;
    tx.rollback().await?;
    Ok(tables
        .into_iter()
        .map(|(name, activity)| done(name, &activity))
        .collect())
}

async fn of_fleet(args: &TenantStatsArgs, operator: &Operator) -> anyhow::Result<Vec<Done>> {
    let mut tx = operator.db.begin_unhurried().await?;
    let tenants = args.selection.or_all().tenants(&mut tx).await?;
    let schemas: Vec<String> = tenants.iter().map(|tenant| tenant.schema.to_string()).collect();
    let mut activity = usage::activity(&mut tx, &schemas).await?;
    tx.rollback().await?;
    let mut documents: Vec<Done> = tenants
        .iter()
        .map(|tenant| {
            let own = activity.remove(tenant.schema.as_str()).unwrap_or_default();
            done(tenant.slug.to_string(), &own)
        })
        .collect();
    documents.sort_by_key(|one| Reverse(one.inserted + one.updated + one.deleted));
    Ok(documents)
}

fn done(name: String, activity: &Activity) -> Done {
    Done {
        name,
        inserted: activity.inserted,
        updated: activity.updated,
        deleted: activity.deleted,
        sequential_scans: activity.sequential_scans,
        index_scans: activity.index_scans,
        live: activity.live,
        dead: activity.dead,
        vacuumed_at: activity.vacuumed_at,
    }
}

fn row(one: &Done) -> [String; 9] {
    let numbers = [
        one.inserted,
        one.updated,
        one.deleted,
        one.sequential_scans,
        one.index_scans,
        one.live,
        one.dead,
    ];
    let [inserted, updated, deleted, sequential, index, live, dead] =
        numbers.map(|number| number.to_string());
    let vacuumed = output::instant_or(one.vacuumed_at, "never");
    [
        one.name.clone(),
        inserted,
        updated,
        deleted,
        sequential,
        index,
        live,
        dead,
        vacuumed,
    ]
}
