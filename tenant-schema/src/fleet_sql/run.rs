//! A run: jobs that work a few tenants ahead of what is taken, and the results in the order of the tenants.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use catalog::pg::flight::Column;
use catalog::tenant_schemas::TenantSchema;
use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::visit::{Job, Piece};
use super::{Event, FleetSql, Logins, Query, TenantFailure};

/// How many tenants each job may be ahead of what is taken.
const AHEAD: usize = 8;

/// How many pieces of a tenant's result wait to be taken.
const PIECES: usize = 2;

/// `text`, `bigint`: rows of `pg_type` that never change (PostgreSQL's `pg_type.dat`).
const TEXT: u32 = 25;
const BIGINT: u32 = 20;

/// The first number that PostgreSQL gives to a type that is not its own.
pub(crate) const FIRST_OWN_TYPE: u32 = 16_384;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum FleetSqlError {
    /// At no version that there is among the tenants can the statement be run.
    #[error("{}", nowhere(.0))]
    Nowhere(Vec<TenantFailure>),
}

/// What the columns of a statement are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its columns, or `command` and `rows` of one that gives no rows.
    pub columns: Vec<Column>,
    gives_rows: bool,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Tenants that were asked.
    pub asked: usize,
    /// Of these, how many failed.
    pub failed: usize,
    /// Tenants that were not asked, since too many had failed.
    pub skipped: usize,
}

impl FleetSql<'_> {
    /// What the columns of the statement are, in the first tenant of those that understand it. One of each version is
    /// asked: where none understands it, nothing need be tried a thousand times.
    ///
    /// # Errors
    /// [`FleetSqlError::Nowhere`].
    pub async fn describe(
        &self,
        logins: &Logins,
        tenants: &[TenantSchema],
        query: &Query,
    ) -> Result<Described, FleetSqlError> {
        let mut job = Job::new(self, &logins.0[0]);
        let (mut seen, mut failures) = (BTreeSet::new(), Vec::new());
        for tenant in tenants {
            if !seen.insert(tenant.template_version) {
                continue;
            }
            match job.describe(tenant, query).await {
                Ok(columns) => return Ok(Described::of(columns)),
                Err(failure) => failures.push(failure),
            }
        }
        Err(FleetSqlError::Nowhere(failures))
    }

    /// Asks all tenants, and tells what they say, in their order. It ends early when it is told to.
    pub async fn run(
        &self,
        logins: &Logins,
        tenants: &[TenantSchema],
        query: &Query,
        described: &Described,
        mut report: impl AsyncFnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Summary {
        let jobs = self.settings.jobs.get().min(tenants.len());
        let (to_jobs, work) = channel::<Task<'_>>(1);
        let (to_taker, mut turns) = channel(jobs * AHEAD);
        let (work, state) = (Mutex::new(work), State::default());
        let dispatch = async {
            for tenant in tenants {
                let (pieces, taken) = channel(PIECES);
                let handed = to_taker.send((tenant, taken)).await.is_ok()
                    && to_jobs.send(Task { tenant, pieces }).await.is_ok();
                if !handed {
                    break;
                }
            }
            drop((to_taker, to_jobs));
        };
        let working = logins.0.iter().take(jobs).map(|login| {
            let job = Job::new(self, login);
            self.work(job, query, described, &work, &state)
        });
        let taking = async {
            let mut summary = Summary::default();
            while let Some((tenant, taken)) = turns.recv().await {
                if take(tenant, taken, described, &mut summary, &mut report)
                    .await
                    .is_break()
                {
                    state.is_over.store(true, Ordering::Relaxed);
                    break;
                }
            }
            // Whoever still works for nobody notices it now.
            drop(turns);
            summary
        };
        let ((), _, summary) = tokio::join!(dispatch, join_all(working), taking);
        summary
    }

    async fn work(
        &self,
        mut job: Job<'_>,
        query: &Query,
        described: &Described,
        work: &Mutex<Receiver<Task<'_>>>,
        state: &State,
    ) {
        let own = described.own();
        loop {
            let next = work.lock().await.recv().await;
            let Some(Task { tenant, pieces }) = next else {
                return;
            };
            let failures = state.failures.load(Ordering::Relaxed);
            let is_enough = self.settings.max_failures.is_some_and(|most| failures > most);
            if is_enough || state.is_over.load(Ordering::Relaxed) {
                // Whoever has gone does not want to know.
                let _unheard = pieces.send(Piece::Skipped).await;
            } else if job.visit(tenant, query, own, &pieces).await {
                state.failures.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// A tenant whose turn has come, and where its result goes.
struct Task<'a> {
    tenant: &'a TenantSchema,
    pieces: Sender<Piece>,
}

/// What the jobs know of each other.
#[derive(Default)]
struct State {
    failures: AtomicUsize,
    is_over: AtomicBool,
}

/// Takes all of one tenant's result.
async fn take(
    tenant: &TenantSchema,
    mut pieces: Receiver<Piece>,
    described: &Described,
    summary: &mut Summary,
    report: &mut impl AsyncFnMut(Event<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    while let Some(piece) = pieces.recv().await {
        let event = match piece {
            Piece::Rows(rows) => Event::Rows(&tenant.slug, rows),
            Piece::Ended(done) => {
                summary.asked += 1;
                if described.gives_rows {
                    return ControlFlow::Continue(());
                }
                Event::Rows(&tenant.slug, vec![command_row(&done)])
            }
            Piece::Failed(failure) => {
                summary.asked += 1;
                summary.failed += 1;
                Event::Failed(failure)
            }
            Piece::Skipped => {
                summary.skipped += 1;
                return ControlFlow::Continue(());
            }
        };
        report(event).await?;
    }
    ControlFlow::Continue(())
}

impl Described {
    fn of(columns: Vec<Column>) -> Self {
        let gives_rows = !columns.is_empty();
        let column = |name: &str, type_oid| Column {
            name: name.to_owned(),
            type_oid,
        };
        let columns = if gives_rows {
            columns
        } else {
            vec![column("command", TEXT), column("rows", BIGINT)]
        };
        Self { columns, gives_rows }
    }

    /// The columns that tenants give.
    fn own(&self) -> &[Column] {
        if self.gives_rows { &self.columns } else { &[] }
    }
}

/// `UPDATE 3` and `INSERT 0 3` as a command and a number; `CALL` has none.
fn command_row(done: &str) -> Vec<Option<String>> {
    let (command, rows) = match done.rsplit_once(' ') {
        Some((before, count)) if count.bytes().all(|b| b.is_ascii_digit()) => {
            (before.strip_suffix(" 0").unwrap_or(before), Some(count))
        }
        _ => (done, None),
    };
    vec![Some(command.to_owned()), rows.map(str::to_owned)]
}

/// Whether two results can be one. Types of a template's own have another number in each tenant.
pub(super) fn is_same(own: &[Column], others: &[Column]) -> bool {
    let same = |(own, other): (&Column, &Column)| {
        let is_own_type = own.type_oid >= FIRST_OWN_TYPE && other.type_oid >= FIRST_OWN_TYPE;
        own.name == other.name && (own.type_oid == other.type_oid || is_own_type)
    };
    own.len() == others.len() && own.iter().zip(others).all(same)
}

/// The names of columns, for people.
pub(super) fn describe(columns: &[Column]) -> String {
    if columns.is_empty() {
        return "none".to_owned();
    }
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    format!("({})", names.join(", "))
}

fn nowhere(failures: &[TenantFailure]) -> String {
    let reasons: Vec<String> = failures
        .iter()
        .map(|failure| {
            let state = failure
                .sqlstate
                .as_ref()
                .map(|state| format!(" (SQLSTATE {state})"));
            let TenantFailure {
                slug,
                version,
                message,
                ..
            } = failure;
            format!(
                "at version {version} ({slug}): {message}{}",
                state.unwrap_or_default()
            )
        })
        .collect();
    reasons.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_command_and_a_number() {
        for (tag, command, rows) in [
            ("UPDATE 3", "UPDATE", Some("3")),
            ("INSERT 0 12", "INSERT", Some("12")),
            ("CALL", "CALL", None),
            ("LOCK TABLE", "LOCK TABLE", None),
        ] {
            let row = command_row(tag);
            assert_eq!(
                (row[0].as_deref(), row[1].as_deref()),
                (Some(command), rows),
                "{tag}"
            );
        }
    }

    #[test]
    fn types_of_templates_own_are_alike() {
        let column = |name: &str, type_oid| Column {
            name: name.to_owned(),
            type_oid,
        };
        assert!(is_same(&[column("a", 23)], &[column("a", 23)]));
        assert!(is_same(&[column("a", 20_000)], &[column("a", 30_000)]));
        assert!(!is_same(&[column("a", 23)], &[column("a", 20)]));
        assert!(!is_same(&[column("a", 23)], &[column("b", 23)]));
        assert!(!is_same(&[column("a", 23)], &[]));
    }
}
