//! The post-steps of `tenantry migrate`: what of the template comes behind the waves, outside of any transaction.

use std::collections::HashSet;

use anyhow::Context as _;
use catalog::post_steps::Outstanding;
use serde::Serialize;
use tenant_schema::fleet::post_steps::{Event, Outcome, Tried};
use tenant_schema::fleet::{self, Fleet, Stopper};

use super::progress::StepProgress;
use super::{Migration, chosen, explained, interruptible, shortened};
use crate::cli::MigrateArgs;
use crate::failure::Problem;
use crate::operator::Operator;

/// Why a command ended whose post-steps were stopped.
pub(super) const STOPPED: &str = "before every tenant had the post-steps";

/// A step at a tenant.
#[derive(Serialize)]
pub(super) struct PostStep {
    slug: String,
    step: String,
    attempts: u32,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqlstate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statement: Option<String>,
}

impl PostStep {
    pub(super) fn is_done(&self) -> bool {
        self.error.is_none()
    }
}

/// What the chosen tenants lack.
pub(super) async fn outstanding(
    args: &MigrateArgs,
    operator: &Operator,
    fleet: &Fleet<'_>,
) -> anyhow::Result<Vec<Outstanding>> {
    let found = fleet.outstanding_steps().await;
    let mut outstanding = found.context("could not find the post-steps that tenants lack")?;
    if !outstanding.is_empty()
        && let Some((_, tenants)) = chosen(args, operator).await?
    {
        let chosen: HashSet<_> = tenants.iter().map(|tenant| tenant.organization).collect();
        outstanding.retain(|one| chosen.contains(&one.organization));
    }
    Ok(outstanding)
}

/// Carries them out.
pub(super) async fn run(
    args: &MigrateArgs,
    operator: &Operator,
    fleet: &Fleet<'_>,
    document: &mut Migration,
) -> anyhow::Result<()> {
    let outstanding = outstanding(args, operator, fleet).await?;
    if outstanding.is_empty() {
        return Ok(());
    }
    if operator.database.is_pooled() {
        let why = "post-steps need a session of PostgreSQL's own, and DATABASE_URL says pooler=transaction";
        let next = "name PostgreSQL itself in DATABASE_URL, or say --no-post-steps";
        return Err(Problem::environment(why, next).into());
    }
    let (stopper, signal) = Stopper::new();
    let mut progress = StepProgress::new(operator.output);
    let report = |event| {
        progress.tell(&event);
        if let Event::Tried(tried) = event {
            document.post_steps.push(step(tried));
        }
    };
    let work = Box::pin(fleet.post_steps(&outstanding, &signal, report));
    let ended = interruptible(work, &stopper, operator).await?;
    if ended.map_err(explained)? {
        document.stopped = Some(STOPPED.to_owned());
    }
    Ok(())
}

fn step(tried: Tried) -> PostStep {
    let Tried {
        slug,
        step,
        attempts,
        outcome,
    } = tried;
    let (state, error) = match outcome {
        Outcome::Done => ("done", None),
        Outcome::Pending(error) => ("pending", Some(error)),
        Outcome::Failed(error) => ("failed", Some(error)),
    };
    let told = error.as_ref().map(fleet::failed::discreetly);
    let (error, sqlstate, statement) = match told {
        None => (None, None, None),
        Some(told) => (Some(told.message), told.sqlstate, told.statement),
    };
    PostStep {
        slug: slug.to_string(),
        step,
        attempts,
        state,
        error,
        sqlstate,
        statement,
    }
}

/// What came of them; nothing where there were none.
pub(super) fn text(steps: &[PostStep]) -> Option<String> {
    if steps.is_empty() {
        return None;
    }
    let count = |state| steps.iter().filter(|step| step.state == state).count();
    let (done, pending, failed) = (count("done"), count("pending"), count("failed"));
    let mut text = format!("post-steps: {done} done, {failed} failed, {pending} pending");
    for step in steps {
        let Some(error) = &step.error else { continue };
        let PostStep {
            slug, step, state, ..
        } = step;
        let is = if *state == "pending" { "is pending" } else { state };
        text.extend(["\n  ", slug, ": ", step, " ", is, ": ", error]);
    }
    let mut statements: Vec<&str> = steps
        .iter()
        .filter_map(|step| step.statement.as_deref())
        .collect();
    statements.dedup();
    for statement in statements {
        text.extend(["\n    ", &shortened(statement)]);
    }
    if failed > 0 {
        text.push_str("\n\nnext: mend what is said above and run `tenantry migrate --post-steps` again");
    } else if pending > 0 {
        text.push_str("\n\nnext: `tenantry migrate --post-steps` tries again; --post-step-wait says how long others are waited for");
    }
    Some(text)
}
