//! A tenant's migration in two network flights: everything is sent in the first one, as for the tenant that the run's record
//! knows, with the questions that tell whether it is that tenant. Nothing is committed unless it is.

use catalog::migration_runs::{Attempt, RunTenant};
use catalog::pg::migrator;
use catalog::pg::tx::{Flown, Texts};
use catalog::tenant_schemas::ENGINE_VERSION;

use super::Fleet;
use super::attempt::{Entered, FromTo, entered, questions, undone};
use super::plan::reach;
use crate::lifecycle::{self, LifecycleError, version_mark};

/// The most files that are sent at once: one after the other is as good where there are more.
const MOST_FILES: usize = 16;

/// What follows is ours and looks nothing up in the tenant's schema; and PostgreSQL keeps its plans, which it would make anew
/// under each tenant's path.
pub(super) const OUR_PATH: &str = "set local search_path = extensions, pg_temp";

impl Fleet<'_> {
    /// `None` where the tenant is not as the run has it, or is not so simple a case: nothing was done then.
    pub(super) async fn at_once(
        &self,
        attempt: &Attempt,
        tenant: &RunTenant,
    ) -> Result<Option<FromTo>, LifecycleError> {
        let (from, to, schema) = (tenant.from, tenant.to, &tenant.schema);
        let all = self.template.migrations();
        let script = match all.up_to(to).script(from, schema.as_str()).await {
            Ok(script) if (1..=MOST_FILES).contains(&script.len()) => script,
            // What is wrong is told when the history has been read.
            Ok(_) | Err(_) => return Ok(None),
        };
        let mut tx = self.db.begin_patient(self.settings.lock_timeout).await?;
        tx.transaction().touch(schema.as_str());
        let history = migrator::history_query(schema.as_str());
        let files = script.iter().map(|piece| piece.sql.as_str());
        let batches: Vec<&str> = files.chain([OUR_PATH]).collect();
        let sent = tx.transaction().together_with(
            questions(attempt.organization, schema),
            &history,
            &batches,
            lifecycle::relations_later(schema),
        );
        let Flown {
            typed,
            plain,
            batches,
            last,
        } = sent.await?;
        let entered = match entered(attempt.organization, schema, typed, plain) {
            Ok(entered) => entered,
            Err(error) => return Err(undone(tx, error).await),
        };
        if !self.is_expected(&entered, from, to) || !is_history(&entered, |rows| all.is_history(from, rows)) {
            tx.rollback().await?;
            return Ok(None);
        }
        for (piece, outcome) in script.into_iter().zip(batches) {
            if let Err((error, done)) = outcome {
                return Err(undone(tx, piece.failed(done, error).into()).await);
            }
        }
        let grants = lifecycle::grants_of(&last?, schema);
        let last = version_mark::change(schema, &version_mark::of(from), to) + &grants;
        self.note(tx, tenant, attempt, (from, to), &last).await.map(Some)
    }

    fn is_expected(&self, entered: &Entered, from: i32, to: i32) -> bool {
        let tenant = &entered.tenant;
        tenant.state.is_home()
            && entered.mark.as_deref() == Some(&*version_mark::of(from))
            && tenant.template_version == from
            && tenant.engine_version >= ENGINE_VERSION
            && reach(self.template.latest(), tenant.pinned_version) == to
    }
}

/// Whether the schema is the tenant's and has the history that was taken for granted.
fn is_history(entered: &Entered, is_expected: impl Fn(&[Texts]) -> bool) -> bool {
    entered.history.as_ref().is_ok_and(|rows| is_expected(rows))
}
