//! Migrations of the fleet that were killed.

use catalog::migration_runs::RunState;
use catalog::migration_runs::report;

use super::finding::Deed;
use super::look::Look;
use super::{Finding, How, Kind, Repair};
use crate::lifecycle::LifecycleError;

/// How many runs are looked at: at most one is open, and it is the last.
const RECENT: i64 = 2;

/// The run that is open while nobody works on it.
pub(super) async fn runs(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let runs = report::runs(look.tx, RECENT).await?;
    let stale = runs
        .into_iter()
        .filter(|run| run.state == RunState::Open && !run.is_running);
    let findings = stale.map(|run| {
        let who = run.resumed_by.as_deref().unwrap_or(&run.started_by);
        let says = format!(
            "the migration to version {} by {who} was killed: {} tenants done, {} left",
            run.target_version, run.done, run.planned
        );
        Finding::new(Kind::Runs, run.id.to_string(), says)
            .next("`tenantry migrate --resume` goes on with it")
            .with(Repair::new(How::Fix, Vec::new(), Deed::StopRun(run.id)))
    });
    Ok(findings.collect())
}
