//! Runs: migrations of the fleet as the catalog remembers them, so that one that was killed can be resumed, and
//! everybody can see what is where. [`report`] reads them for people.
//!
//! One run works at a time: whoever works holds a lock ([`try_lock`]) in a transaction that stays open as
//! long as the program lives. A run that is open while nobody holds the lock was killed.

pub mod report;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use crate::actor::Actor;
use crate::error::CatalogError;
use crate::ids::{MigrationRunId, OrganizationId};
use crate::pg::tx::Queued;
use crate::row::Columns;
use crate::schema_name::SchemaName;
use crate::slug::Slug;
use crate::stored_text::stored_text;
use crate::tenant_schemas::ENGINE_VERSION;
use crate::tx::CatalogTx;

stored_text! {
    /// How far a run has come.
    RunState {
        /// It works, or was killed.
        Open = "open",
        /// It tried every tenant.
        Finished = "finished",
        /// It was stopped, by failures or by hand, and can be resumed.
        Stopped = "stopped",
        /// Another run was begun after it was killed or stopped.
        Superseded = "superseded",
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: MigrationRunId,
    /// How far it has come.
    pub state: RunState,
    /// The template version it brings tenants to.
    pub target_version: i32,
    /// How many tenants of a wave may fail.
    pub max_failures: Option<usize>,
    /// How long it waits between two waves.
    pub pause: Duration,
    /// Who works on it: who resumed it last, or else who began it.
    pub actor: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// A run to be begun.
#[derive(Debug, Clone)]
pub struct NewRun<'a> {
    /// The template version it brings tenants to.
    pub target_version: i32,
    /// How many tenants of a wave may fail.
    pub max_failures: Option<usize>,
    /// How long it waits between two waves.
    pub pause: Duration,
    /// Which tenants it was asked for, in words; `None`: all. What it does is in its tenants.
    pub selection: Option<&'a str>,
    /// Who begins it.
    pub actor: &'a Actor,
}

/// A tenant of a run to be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedTenant {
    /// The tenant.
    pub organization: OrganizationId,
    /// Its wave, counted from one.
    pub wave: i32,
    /// The version it has.
    pub from: i32,
    /// The version it will have.
    pub to: i32,
}

/// A tenant that a run has left to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTenant {
    /// The tenant.
    pub organization: OrganizationId,
    /// The label it lives under now.
    pub slug: Slug,
    /// Its schema.
    pub schema: SchemaName,
    /// Its wave, counted from one.
    pub wave: i32,
    /// The version it had when the run was planned.
    pub from: i32,
    /// The version it will have.
    pub to: i32,
}

/// An attempt at a tenant: which run's, the how manieth, and since when.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// The run.
    pub run: MigrationRunId,
    /// The tenant.
    pub organization: OrganizationId,
    /// Counted from one.
    pub number: u32,
    /// When it began.
    pub started_at: DateTime<Utc>,
}

/// Why a tenant failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// PostgreSQL's code.
    pub sqlstate: Option<String>,
    /// The whole story in one line.
    pub message: String,
    /// The statement of the template that failed.
    pub statement: Option<String>,
}

/// Takes the right to work on a run, until the transaction ends; says whether it was to be had.
pub async fn try_lock(tx: &mut CatalogTx) -> Result<bool, CatalogError> {
    let row = tx.row(TRY_LOCK, &[]).await?;
    Ok(row.is_some_and(|row| row.get("taken")))
}

/// The run that is open or was stopped last, if the last run is one of those.
pub async fn unfinished(tx: &mut CatalogTx) -> Result<Option<Run>, CatalogError> {
    tx.row(UNFINISHED, &[]).await?.as_ref().map(run).transpose()
}

/// Begins a run; one that was left unfinished is superseded. The caller holds the lock.
pub async fn begin(
    tx: &mut CatalogTx,
    id: MigrationRunId,
    new: &NewRun<'_>,
    tenants: &[PlannedTenant],
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    // A run of some tenants only leaves a run of all to be resumed.
    let before = if new.selection.is_some() {
        SET_ASIDE
    } else {
        SUPERSEDE
    };
    tx.execute(before, &[&now]).await?;
    let max_failures = new.max_failures.map(integer);
    let pause = i64::try_from(new.pause.as_millis()).unwrap_or(i64::MAX);
    let actor = new.actor.to_string();
    tx.execute(
        BEGIN,
        &[
            &id,
            &new.target_version,
            &max_failures,
            &pause,
            &actor,
            &now,
            &new.selection,
        ],
    )
    .await?;
    let organizations: Vec<OrganizationId> = tenants.iter().map(|tenant| tenant.organization).collect();
    let of = |value: fn(&PlannedTenant) -> i32| tenants.iter().map(value).collect::<Vec<_>>();
    let (waves, from, to) = (
        of(|tenant| tenant.wave),
        of(|tenant| tenant.from),
        of(|tenant| tenant.to),
    );
    tx.execute(PLAN, &[&id, &organizations, &waves, &from, &to])
        .await?;
    Ok(())
}

/// Takes a run up again: what failed is planned anew. The caller holds the lock.
pub async fn resume(
    tx: &mut CatalogTx,
    id: MigrationRunId,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    tx.execute(RESUME, &[&id, &actor.to_string(), &now]).await?;
    tx.execute(REPLAN, &[&id]).await?;
    Ok(())
}

/// What a run has left to do, wave by wave, the oldest tenant of each first.
pub async fn planned(tx: &mut CatalogTx, id: MigrationRunId) -> Result<Vec<RunTenant>, CatalogError> {
    tx.rows(PLANNED, &[&id])
        .await?
        .iter()
        .map(|row| {
            let columns = Columns::new(row, "migration_run_tenants");
            Ok(RunTenant {
                organization: columns.get("organization_id")?,
                slug: columns.parse("slug")?,
                schema: columns.parse("schema_name")?,
                wave: columns.get("wave")?,
                from: columns.get("from_version")?,
                to: columns.get("to_version")?,
            })
        })
        .collect()
}

/// How many waves a run has.
pub async fn waves(tx: &mut CatalogTx, id: MigrationRunId) -> Result<i32, CatalogError> {
    let row = tx.row(WAVES, &[&id]).await?;
    Ok(row.map_or(0, |row| row.get("waves")))
}

/// Notes that a tenant has reached a version, to be sent in the transaction that brought it there: both are true or
/// neither.
pub fn reached_later(attempt: &Attempt, version: i32, now: DateTime<Utc>) -> Queued {
    let Attempt {
        run,
        organization,
        number,
        started_at,
    } = *attempt;
    Queued {
        sql: REACHED,
        params: vec![
            Box::new(run),
            Box::new(organization),
            Box::new(version),
            Box::new(i64::from(number)),
            Box::new(started_at),
            Box::new(now),
            Box::new(ENGINE_VERSION),
        ],
    }
}

/// Notes that there was nothing to do at a tenant.
///
/// # Errors
/// [`CatalogError::NotFound`].
pub async fn skipped(tx: &mut CatalogTx, attempt: &Attempt, now: DateTime<Utc>) -> Result<(), CatalogError> {
    let Attempt {
        run,
        organization,
        number,
        started_at,
    } = attempt;
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 6] = [
        run,
        organization,
        &i64::from(*number),
        started_at,
        &now,
        &ENGINE_VERSION,
    ];
    existing(tx.execute(SKIPPED, &params).await?)
}

/// Notes why a tenant failed, after its transaction was rolled back, in the run and beside its version. `false` where
/// the tenant is done after all: its COMMIT was carried out, and only the answer was lost.
pub async fn failed(
    tx: &mut CatalogTx,
    attempt: &Attempt,
    failure: &Failure,
    now: DateTime<Utc>,
) -> Result<bool, CatalogError> {
    let Attempt {
        run,
        organization,
        number,
        started_at,
    } = attempt;
    let changed = tx
        .execute(
            FAILED,
            &[
                run,
                organization,
                &failure.sqlstate,
                &failure.message,
                &failure.statement,
                &i64::from(*number),
                started_at,
                &now,
                &ENGINE_VERSION,
            ],
        )
        .await?;
    Ok(changed > 0)
}

/// Notes how a run ended.
pub async fn end(
    tx: &mut CatalogTx,
    id: MigrationRunId,
    state: RunState,
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    tx.execute(END, &[&id, &state.as_str(), &now]).await?;
    Ok(())
}

fn existing(rows: u64) -> Result<(), CatalogError> {
    match rows {
        0 => Err(CatalogError::NotFound {
            what: "tenant in the run",
        }),
        _ => Ok(()),
    }
}

fn integer(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn run(row: &Row) -> Result<Run, CatalogError> {
    let columns = Columns::new(row, "migration_runs");
    let max_failures: Option<i32> = columns.get("max_failures")?;
    let pause: i64 = columns.get("pause_ms")?;
    Ok(Run {
        id: columns.get("id")?,
        state: columns.parse("state")?,
        target_version: columns.get("target_version")?,
        max_failures: max_failures.and_then(|count| usize::try_from(count).ok()),
        pause: Duration::from_millis(u64::try_from(pause).unwrap_or(0)),
        actor: columns.get("actor")?,
        since: columns.get("since")?,
    })
}

const TRY_LOCK: &str = "select catalog.try_migration_guard() as taken";

const UNFINISHED: &str = "\
    select r.id, r.state, r.target_version, r.max_failures, r.pause_ms, \
      coalesce(r.resumed_by, r.started_by) as actor, coalesce(r.resumed_at, r.started_at) as since \
    from catalog.migration_runs r where r.state in ('open', 'stopped') order by r.started_at desc, r.id desc limit 1";

const SUPERSEDE: &str = "\
    update catalog.migration_runs set state = 'superseded', ended_at = coalesce(ended_at, $1) \
    where state in ('open', 'stopped')";

const SET_ASIDE: &str = "\
    update catalog.migration_runs set state = 'stopped', ended_at = coalesce(ended_at, $1) where state = 'open'";

const BEGIN: &str = "\
    insert into catalog.migration_runs (id, target_version, max_failures, pause_ms, started_by, started_at, \
      selection) \
    values ($1, $2, $3, $4, $5, $6, $7)";

const PLAN: &str = "\
    insert into catalog.migration_run_tenants (run_id, organization_id, wave, from_version, to_version) \
    select $1, p.organization_id, p.wave, p.from_version, p.to_version \
    from unnest($2::uuid[], $3::integer[], $4::integer[], $5::integer[]) \
      as p (organization_id, wave, from_version, to_version)";

const RESUME: &str = "\
    update catalog.migration_runs set state = 'open', resumed_by = $2, resumed_at = $3, ended_at = null \
    where id = $1";

const REPLAN: &str = "\
    update catalog.migration_run_tenants set state = 'planned', attempts = 0, sqlstate = null, message = null, \
      statement = null, started_at = null, ended_at = null \
    where run_id = $1 and state = 'failed'";

const PLANNED: &str = "\
    select r.organization_id, o.slug, t.schema_name, r.wave, r.from_version, r.to_version \
    from catalog.migration_run_tenants r join catalog.tenant_schemas t on t.organization_id = r.organization_id \
      join catalog.organizations o on o.id = r.organization_id \
    where r.run_id = $1 and r.state = 'planned' order by r.wave, r.organization_id";

const WAVES: &str = "\
    select coalesce(max(r.wave), 0) as waves from catalog.migration_run_tenants r where r.run_id = $1";

const REACHED: &str = "\
    with reached as ( \
      update catalog.tenant_schemas set template_version = $3, engine_version = greatest(engine_version, $7), \
        migrated_at = case when template_version = $3 then migrated_at else $6 end, last_error = null \
      where organization_id = $2 returning organization_id) \
    update catalog.migration_run_tenants r \
    set state = 'done', attempts = $4::bigint::integer, started_at = $5, ended_at = $6 \
    from reached where r.run_id = $1 and r.organization_id = reached.organization_id";

const SKIPPED: &str = "\
    with whole as ( \
      update catalog.tenant_schemas set last_error = null \
      where organization_id = $2 and last_error is not null and engine_version >= $6) \
    update catalog.migration_run_tenants \
    set state = 'skipped', attempts = $3::bigint::integer, started_at = $4, ended_at = $5 \
    where run_id = $1 and organization_id = $2";

const FAILED: &str = "\
    with told as ( \
      update catalog.tenant_schemas t set last_error = $4 from catalog.migration_run_tenants p \
      where t.organization_id = $2 and p.run_id = $1 and p.organization_id = $2 and p.state = 'planned' \
        and (t.template_version < p.to_version or t.engine_version < $9) \
      returning t.organization_id) \
    update catalog.migration_run_tenants r \
    set state = 'failed', sqlstate = $3, message = $4, statement = $5, attempts = $6::bigint::integer, \
      started_at = $7, ended_at = $8 \
    from told where r.run_id = $1 and r.organization_id = told.organization_id";

// Where another program has begun a run meanwhile, this one was superseded and stays so.
const END: &str =
    "update catalog.migration_runs set state = $2, ended_at = $3 where id = $1 and state = 'open'";

pub(crate) const STATEMENTS: &[&str] = &[
    TRY_LOCK, UNFINISHED, SUPERSEDE, SET_ASIDE, BEGIN, PLAN, RESUME, REPLAN, PLANNED, WAVES, REACHED,
    SKIPPED, FAILED, END,
];
