//! What the catalog knows of the fleet's versions and runs, for people.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use super::RunState;
use crate::error::CatalogError;
use crate::ids::MigrationRunId;
use crate::row::Columns;
use crate::slug::Slug;
use crate::tenant_schemas::is_home;
use crate::tx::CatalogTx;

/// The tenants that have one version of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionCount {
    /// The version.
    pub template_version: i32,
    /// How many have it.
    pub tenants: i64,
    /// How many of these are pinned.
    pub pinned: i64,
    /// How many of these failed when they were last migrated.
    pub failed: i64,
    /// When the first of them reached it.
    pub oldest: DateTime<Utc>,
    /// When the last of them did.
    pub newest: DateTime<Utc>,
}

/// A run and what has become of its tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// Its id.
    pub id: MigrationRunId,
    /// How far it has come.
    pub state: RunState,
    /// Whether a program works on it at this moment.
    pub is_running: bool,
    /// The template version it brings tenants to.
    pub target_version: i32,
    /// Which tenants it was asked for, in words; `None`: all.
    pub selection: Option<String>,
    /// Who began it.
    pub started_by: String,
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// Who resumed it last.
    pub resumed_by: Option<String>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How many waves it has.
    pub waves: i32,
    /// Tenants whose turn has not come.
    pub planned: i64,
    /// Tenants that were migrated.
    pub done: i64,
    /// Tenants that failed.
    pub failed: i64,
    /// Tenants at which nothing was to be done.
    pub skipped: i64,
}

/// A tenant that is behind because it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTenant {
    /// The tenant.
    pub slug: Slug,
    /// The version it has.
    pub template_version: i32,
    /// PostgreSQL's code.
    pub sqlstate: Option<String>,
    /// Why it failed.
    pub message: String,
    /// The statement of the template that failed.
    pub statement: Option<String>,
    /// How often it was tried.
    pub attempts: Option<i32>,
    /// When it failed.
    pub failed_at: Option<DateTime<Utc>>,
}

/// The versions of the fleet, the newest first.
pub async fn versions(tx: &mut CatalogTx) -> Result<Vec<VersionCount>, CatalogError> {
    tx.rows(VERSIONS, &[]).await?.iter().map(version).collect()
}

/// The last runs, the newest first.
pub async fn runs(tx: &mut CatalogTx, most: i64) -> Result<Vec<RunReport>, CatalogError> {
    tx.rows(RUNS, &[&most]).await?.iter().map(run).collect()
}

/// The tenants that failed when they were last migrated, with the record of that run, by their slugs.
pub async fn failures(tx: &mut CatalogTx) -> Result<Vec<FailedTenant>, CatalogError> {
    tx.rows(FAILURES, &[]).await?.iter().map(failure).collect()
}

fn version(row: &Row) -> Result<VersionCount, CatalogError> {
    let columns = Columns::new(row, "tenant_schemas");
    Ok(VersionCount {
        template_version: columns.get("template_version")?,
        tenants: columns.get("tenants")?,
        pinned: columns.get("pinned")?,
        failed: columns.get("failed")?,
        oldest: columns.get("oldest")?,
        newest: columns.get("newest")?,
    })
}

fn run(row: &Row) -> Result<RunReport, CatalogError> {
    let columns = Columns::new(row, "migration_runs");
    Ok(RunReport {
        id: columns.get("id")?,
        state: columns.parse("state")?,
        is_running: columns.get("is_running")?,
        target_version: columns.get("target_version")?,
        selection: columns.get("selection")?,
        started_by: columns.get("started_by")?,
        started_at: columns.get("started_at")?,
        resumed_by: columns.get("resumed_by")?,
        ended_at: columns.get("ended_at")?,
        waves: columns.get("waves")?,
        planned: columns.get("planned")?,
        done: columns.get("done")?,
        failed: columns.get("failed")?,
        skipped: columns.get("skipped")?,
    })
}

fn failure(row: &Row) -> Result<FailedTenant, CatalogError> {
    let columns = Columns::new(row, "migration_run_tenants");
    Ok(FailedTenant {
        slug: columns.parse("slug")?,
        template_version: columns.get("template_version")?,
        sqlstate: columns.get("sqlstate")?,
        message: columns.get("message")?,
        statement: columns.get("statement")?,
        attempts: columns.get("attempts")?,
        failed_at: columns.get("failed_at")?,
    })
}

const VERSIONS: &str = concat!(
    "\
    select t.template_version, count(*) as tenants, count(t.pinned_version) as pinned, \
      count(t.last_error) as failed, min(t.migrated_at) as oldest, max(t.migrated_at) as newest \
    from catalog.tenant_schemas t where ",
    is_home!("t"),
    " \
    group by t.template_version order by t.template_version desc"
);

// The lock is looked at, not tried: an attempt would keep out a run that begins at this moment.
const RUNS: &str = "\
    with recent as ( \
      select r.id, r.state, r.target_version, r.selection, r.started_by, r.started_at, r.resumed_by, r.ended_at \
      from catalog.migration_runs r order by r.started_at desc, r.id desc limit $1) \
    select r.id, r.state, r.target_version, r.selection, r.started_by, r.started_at, r.resumed_by, r.ended_at, \
      r.state = 'open' and exists ( \
        select from pg_catalog.pg_locks l join pg_catalog.pg_database d on d.oid = l.database \
        where d.datname = current_database() and l.relation = 'catalog.migration_guard'::regclass \
          and l.mode = 'ExclusiveLock' and l.granted) as is_running, \
      coalesce(max(t.wave), 0) as waves, \
      count(*) filter (where t.state = 'planned') as planned, count(*) filter (where t.state = 'done') as done, \
      count(*) filter (where t.state = 'failed') as failed, count(*) filter (where t.state = 'skipped') as skipped \
    from recent r left join catalog.migration_run_tenants t on t.run_id = r.id \
    group by r.id, r.state, r.target_version, r.selection, r.started_by, r.started_at, r.resumed_by, r.ended_at \
    order by r.started_at desc, r.id desc";

const FAILURES: &str = concat!(
    "\
    select o.slug, t.template_version, f.sqlstate, t.last_error as message, f.statement, f.attempts, \
      f.ended_at as failed_at \
    from catalog.tenant_schemas t join catalog.organizations o on o.id = t.organization_id \
    left join lateral ( \
      select r.sqlstate, r.statement, r.attempts, r.ended_at from catalog.migration_run_tenants r \
      where r.organization_id = t.organization_id and r.state = 'failed' \
      order by r.ended_at desc, r.run_id desc limit 1) f on true \
    where t.last_error is not null and ",
    is_home!("t"),
    " order by o.slug"
);

pub(crate) const STATEMENTS: &[&str] = &[VERSIONS, RUNS, FAILURES];
