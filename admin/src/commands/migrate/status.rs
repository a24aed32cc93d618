//! `tenantry migrate status`: the versions of the fleet, the last runs, and what failed.

use anyhow::Context as _;
use catalog::migration_runs::RunState;
use catalog::migration_runs::report::{self, FailedTenant, RunReport, VersionCount};
use catalog::post_steps::report::StepCount;
use catalog::post_steps::{self, Failed, Outstanding};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::shortened;
use crate::exit::ExitStatus;
use crate::operator::Operator;
use crate::output;

/// How many runs are shown.
const RUNS: i64 = 5;

#[derive(Serialize)]
struct Status {
    template_version: i32,
    behind: i64,
    versions: Vec<Version>,
    runs: Vec<Run>,
    failures: Vec<Failure>,
    post_steps: Vec<Step>,
    post_step_failures: Vec<StepFailure>,
}

#[derive(Serialize)]
struct Step {
    #[serde(rename = "step")]
    name: String,
    version: i32,
    done: i64,
    pending: i64,
    failed: i64,
}

#[derive(Serialize)]
struct StepFailure {
    slug: String,
    step: String,
    sqlstate: Option<String>,
    message: String,
    statement: Option<String>,
    failed_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Version {
    #[serde(rename = "version")]
    number: i32,
    tenants: i64,
    pinned: i64,
    failed: i64,
    oldest: DateTime<Utc>,
    newest: DateTime<Utc>,
}

#[derive(Serialize)]
struct Run {
    id: String,
    state: &'static str,
    version: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    selection: Option<String>,
    started_by: String,
    started_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed_by: Option<String>,
    ended_at: Option<DateTime<Utc>>,
    waves: i32,
    planned: i64,
    done: i64,
    failed: i64,
    skipped: i64,
}

#[derive(Serialize)]
struct Failure {
    slug: String,
    version: i32,
    sqlstate: Option<String>,
    message: String,
    statement: Option<String>,
    attempts: Option<i32>,
    failed_at: Option<DateTime<Utc>>,
}

/// A few queries on the catalog, however many tenants there are.
pub(in crate::commands) async fn run(operator: &Operator) -> anyhow::Result<ExitStatus> {
    let version = super::check_initialized(operator).await?;
    super::check_current(version)?;
    let document = status(operator)
        .await
        .context("could not read the state of the fleet")?;
    let now = operator.source.now();
    operator
        .output
        .document(&document, |document| text(document, now))?;
    Ok(
        if document.failures.is_empty() && document.post_step_failures.is_empty() {
            ExitStatus::Done
        } else {
            ExitStatus::Refused
        },
    )
}

async fn status(operator: &Operator) -> anyhow::Result<Status> {
    let mut tx = operator.db.begin().await?;
    let versions = report::versions(&mut tx).await?;
    let runs = report::runs(&mut tx, RUNS).await?;
    let failures = report::failures(&mut tx).await?;
    let template = &operator.config.template;
    let latest = template.latest();
    let steps: Vec<_> = template
        .post_steps(latest)
        .map(|step| step.step().clone())
        .collect();
    let counts = post_steps::report::counts(&mut tx, &steps).await?;
    let outstanding = if counts.iter().any(|count| count.failed > 0) {
        post_steps::outstanding(&mut tx, &steps, None).await?
    } else {
        Vec::new()
    };
    tx.rollback().await?;
    let behind = versions
        .iter()
        .filter(|version| version.template_version < latest);
    Ok(Status {
        template_version: latest,
        behind: behind.map(|version| version.tenants).sum(),
        versions: versions.iter().map(version).collect(),
        runs: runs.into_iter().map(run_of).collect(),
        failures: failures.into_iter().map(failure).collect(),
        post_steps: counts.into_iter().map(step).collect(),
        post_step_failures: outstanding.into_iter().filter_map(step_failure).collect(),
    })
}

fn step(count: StepCount) -> Step {
    Step {
        name: count.step,
        version: count.version,
        done: count.done,
        pending: count.pending,
        failed: count.failed,
    }
}

fn step_failure(one: Outstanding) -> Option<StepFailure> {
    let Failed { failure, at } = one.failure?;
    Some(StepFailure {
        slug: one.slug.to_string(),
        step: one.step,
        sqlstate: failure.sqlstate,
        message: failure.message,
        statement: failure.statement,
        failed_at: at,
    })
}

fn version(count: &VersionCount) -> Version {
    Version {
        number: count.template_version,
        tenants: count.tenants,
        pinned: count.pinned,
        failed: count.failed,
        oldest: count.oldest,
        newest: count.newest,
    }
}

fn run_of(run: RunReport) -> Run {
    let state = match run.state {
        RunState::Open if run.is_running => "running",
        RunState::Open => "interrupted",
        state => state.as_str(),
    };
    Run {
        id: run.id.to_string(),
        state,
        version: run.target_version,
        selection: run.selection,
        started_by: run.started_by,
        started_at: run.started_at,
        resumed_by: run.resumed_by,
        ended_at: run.ended_at,
        waves: run.waves,
        planned: run.planned,
        done: run.done,
        failed: run.failed,
        skipped: run.skipped,
    }
}

fn failure(failed: FailedTenant) -> Failure {
    Failure {
        slug: failed.slug.to_string(),
        version: failed.template_version,
        sqlstate: failed.sqlstate,
        message: failed.message,
        statement: failed.statement,
        attempts: failed.attempts,
        failed_at: failed.failed_at,
    }
}

fn text(document: &Status, now: DateTime<Utc>) -> String {
    let tenants: i64 = document.versions.iter().map(|version| version.tenants).sum();
    let Status {
        template_version,
        behind,
        ..
    } = document;
    let mut parts = vec![format!(
        "template version {template_version}; {tenants} tenants, {behind} behind"
    )];
    if !document.versions.is_empty() {
        let header = ["VERSION", "TENANTS", "PINNED", "FAILED", "REACHED"];
        parts.push(output::table(
            header,
            document.versions.iter().map(|version| version_row(version, now)),
        ));
    }
    if !document.runs.is_empty() {
        let header = [
            "RUN", "STATE", "VERSION", "OF", "DONE", "FAILED", "SKIPPED", "LEFT", "WAVES", "BY", "BEGAN",
        ];
        parts.push(output::table(
            header,
            document.runs.iter().map(|run| run_row(run, now)),
        ));
    }
    if !document.failures.is_empty() {
        let failures: Vec<String> = document
            .failures
            .iter()
            .map(|failure| failure_lines(failure, now))
            .collect();
        parts.push(failures.join("\n"));
    }
    if !document.post_steps.is_empty() {
        let header = ["POST-STEP", "VERSION", "DONE", "PENDING", "FAILED"];
        parts.push(output::table(header, document.post_steps.iter().map(step_row)));
    }
    if !document.post_step_failures.is_empty() {
        let failures = document.post_step_failures.iter();
        let failures: Vec<String> = failures.map(|failed| step_failure_lines(failed, now)).collect();
        parts.push(failures.join("\n"));
    }
    let unfinished = document
        .runs
        .first()
        .filter(|run| ["interrupted", "stopped"].contains(&run.state));
    if unfinished.is_some() {
        parts.push("next: `tenantry migrate --resume` goes on with the last run".to_owned());
    } else if document
        .post_steps
        .iter()
        .any(|step| step.pending + step.failed > 0)
    {
        parts.push(
            "next: `tenantry migrate --post-steps` carries out what is pending, and tries again what failed"
                .to_owned(),
        );
    }
    parts.join("\n\n")
}

fn version_row(version: &Version, now: DateTime<Utc>) -> [String; 5] {
    let (oldest, newest) = (age(now - version.oldest), age(now - version.newest));
    let reached = if oldest == newest {
        format!("{oldest} ago")
    } else {
        format!("{oldest} to {newest} ago")
    };
    [
        version.number.to_string(),
        version.tenants.to_string(),
        version.pinned.to_string(),
        version.failed.to_string(),
        reached,
    ]
}

fn run_row(run: &Run, now: DateTime<Utc>) -> [String; 11] {
    [
        run.id.clone(),
        run.state.to_owned(),
        run.version.to_string(),
        run.selection.clone().unwrap_or_else(|| "all".to_owned()),
        run.done.to_string(),
        run.failed.to_string(),
        run.skipped.to_string(),
        run.planned.to_string(),
        run.waves.to_string(),
        run.resumed_by.clone().unwrap_or_else(|| run.started_by.clone()),
        format!("{} ago", age(now - run.started_at)),
    ]
}

fn step_row(step: &Step) -> [String; 5] {
    let [version, done] = [i64::from(step.version), step.done].map(|number| number.to_string());
    let [pending, failed] = [step.pending, step.failed].map(|number| number.to_string());
    [step.name.clone(), version, done, pending, failed]
}

fn step_failure_lines(failed: &StepFailure, now: DateTime<Utc>) -> String {
    let StepFailure {
        slug, step, message, ..
    } = failed;
    let when = age(now - failed.failed_at);
    let mut lines = format!("{slug}: {step} failed {when} ago: {message}");
    if let Some(statement) = &failed.statement {
        lines.push_str("\n  ");
        lines.push_str(&shortened(statement));
    }
    lines
}

fn failure_lines(failure: &Failure, now: DateTime<Utc>) -> String {
    let Failure {
        slug,
        version,
        message,
        ..
    } = failure;
    let when = failure
        .failed_at
        .map_or_else(String::new, |at| format!(" {} ago", age(now - at)));
    let mut lines = format!("{slug} failed{when} and is at version {version}: {message}");
    if let Some(statement) = &failure.statement {
        lines.push_str("\n  ");
        lines.push_str(&shortened(statement));
    }
    lines
}

/// A length of time in its largest unit.
fn age(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
