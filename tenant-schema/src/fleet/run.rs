//! A run: wave after wave, several jobs at a time, recorded so that it can be resumed.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use catalog::ids::MigrationRunId;
use catalog::migration_runs::{self, Attempt, NewRun, Run, RunState, RunTenant};
use catalog::pg::sqlstate::Failure;
use catalog::tenant_schemas;
use catalog::tx::CatalogTx;
use futures_util::future::join_all;
use tokio::sync::Notify;

use super::queue::{Next, Queue, Task, pause_after};
use super::{Ended, Event, Fleet, FleetError, Migrated, Plan, StopSignal, Stopped, failed};
use crate::lifecycle::LifecycleError;
use crate::models;

impl Fleet<'_> {
    /// Does what was planned, in a new run, and tells of it as it goes. A run that was killed or stopped is superseded:
    /// what it had done is done, since the plan is made from the versions that tenants have.
    ///
    /// The models of the versions at hand are recorded before anything else, so that this program's server can serve
    /// those that wait as well as those that are done.
    pub async fn migrate(
        &self,
        plan: &Plan,
        stop: &StopSignal,
        report: impl FnMut(Event),
    ) -> Result<Ended, FleetError> {
        let steps = plan.steps.iter();
        let versions = steps.flat_map(|step| [step.tenant.template_version, step.to]);
        let pinned = plan.pinned.iter().map(|tenant| tenant.template_version);
        self.record_models(versions.chain(pinned).collect()).await?;
        if plan.steps.is_empty() {
            return Ok(Ended {
                run: None,
                stopped: None,
            });
        }
        let mut guard = self.guard().await?;
        let ended = self.begin(&mut guard, plan, stop, report).await;
        release(guard).await;
        ended
    }

    async fn begin(
        &self,
        guard: &mut CatalogTx,
        plan: &Plan,
        stop: &StopSignal,
        report: impl FnMut(Event),
    ) -> Result<Ended, FleetError> {
        let id: MigrationRunId = self.source.id();
        let selection = (!plan.selection.is_all()).then(|| plan.selection.to_string());
        let new = NewRun {
            selection: selection.as_deref(),
            target_version: plan.target,
            max_failures: self.settings.max_failures,
            pause: self.settings.pause.unwrap_or_default(),
            actor: self.actor,
        };
        let mut tx = self.db.begin_unhurried().await?;
        let tenants = plan.in_waves(&self.settings.waves);
        migration_runs::begin(&mut tx, id, &new, &tenants, self.source.now()).await?;
        let planned = migration_runs::planned(&mut tx, id).await?;
        tx.commit().await?;
        self.work(guard, id, planned, stop, report).await
    }

    /// Goes on with the last run, which was killed or stopped, in the waves it had; what failed is tried again.
    pub async fn resume(&self, stop: &StopSignal, report: impl FnMut(Event)) -> Result<Ended, FleetError> {
        let mut guard = self.guard().await?;
        let ended = self.take_up(&mut guard, stop, report).await;
        release(guard).await;
        ended
    }

    async fn take_up(
        &self,
        guard: &mut CatalogTx,
        stop: &StopSignal,
        report: impl FnMut(Event),
    ) -> Result<Ended, FleetError> {
        let run = migration_runs::unfinished(guard).await?;
        let run = run.ok_or(FleetError::NothingToResume)?;
        let own = self.template.latest();
        if run.target_version != own {
            let run = run.target_version;
            return Err(FleetError::OtherVersion { run, own });
        }
        let mut tx = self.db.begin_unhurried().await?;
        migration_runs::resume(&mut tx, run.id, self.actor, self.source.now()).await?;
        let planned = migration_runs::planned(&mut tx, run.id).await?;
        tx.commit().await?;
        let versions = planned.iter().flat_map(|tenant| [tenant.from, tenant.to]);
        self.record_models(versions.collect()).await?;
        let told = self.as_told(&run);
        told.work(guard, run.id, planned, stop, report).await
    }

    /// With the settings of the run where none are given.
    fn as_told(&self, run: &Run) -> Self {
        let mut told = self.clone();
        told.settings.pause = told.settings.pause.or(Some(run.pause));
        told.settings.max_failures = told.settings.max_failures.or(run.max_failures);
        told
    }

    async fn record_models(&self, mut versions: BTreeSet<i32>) -> Result<(), LifecycleError> {
        versions.insert(self.template.latest());
        for version in versions {
            models::record_from_scratch(self.db, self.template, version, self.source).await?;
        }
        Ok(())
    }

    /// The transaction that shows this program to be at work, as long as it is open.
    pub(super) async fn guard(&self) -> Result<CatalogTx, FleetError> {
        let mut guard = self.db.begin_patient(self.settings.lock_timeout).await?;
        if migration_runs::try_lock(&mut guard).await? {
            return Ok(guard);
        }
        let open = migration_runs::unfinished(&mut guard).await?;
        guard.rollback().await?;
        let open = open.filter(|run| run.state == RunState::Open);
        Err(FleetError::Busy {
            by: open.map(|run| (run.actor, run.since)),
        })
    }

    async fn work(
        &self,
        guard: &mut CatalogTx,
        id: MigrationRunId,
        planned: Vec<RunTenant>,
        stop: &StopSignal,
        report: impl FnMut(Event),
    ) -> Result<Ended, FleetError> {
        let of = migration_runs::waves(guard, id).await?;
        let report = Mutex::new(report);
        let tell = |event| report.lock().unwrap_or_else(PoisonError::into_inner)(event);
        let (mut stopped, mut left) = (None, planned.len());
        for tenants in planned.chunk_by(|one, next| one.wave == next.wave) {
            let number = tenants[0].wave;
            if stop.is_given() {
                stopped = Some(Stopped::Asked);
                break;
            }
            migration_runs::try_lock(guard)
                .await
                .map_err(FleetError::LockLost)?;
            let wave = Wave {
                fleet: self,
                run: id,
                allowed: self.settings.max_failures.or_else(|| (number < of).then_some(0)),
                stop,
                state: Mutex::new(State {
                    queue: Queue::of(tenants.to_vec()),
                    failed: 0,
                    lost: None,
                    is_unguarded: false,
                }),
                over: Notify::new(),
                tell: &tell,
            };
            tell(Event::Wave {
                number,
                of,
                tenants: tenants.len(),
                left,
            });
            left -= tenants.len();
            let failures = wave.work_guarded(guard).await?;
            stopped = failures.map_or_else(
                || stop.is_given().then_some(Stopped::Asked),
                |failed| Some(Stopped::Failures { wave: number, failed }),
            );
            if stopped.is_some() {
                break;
            }
            if number < of {
                self.pause(stop, &tell).await;
            }
        }
        let stopped = self.end(id, stopped).await?;
        Ok(Ended {
            run: Some(id),
            stopped,
        })
    }

    /// Notes how the run ended.
    async fn end(&self, id: MigrationRunId, stopped: Option<Stopped>) -> Result<Option<Stopped>, FleetError> {
        let mut tx = self.db.begin().await?;
        let left = migration_runs::planned(&mut tx, id).await?.len();
        let stopped = match (left, stopped) {
            // Told to stop when all was done, it has not been stopped.
            (0, Some(Stopped::Asked)) => None,
            // The catalog was not told what became of them.
            (1.., None) => Some(Stopped::Untold { tenants: left }),
            (_, stopped) => stopped,
        };
        let state = match stopped {
            Some(_) => RunState::Stopped,
            None => RunState::Finished,
        };
        migration_runs::end(&mut tx, id, state, self.source.now()).await?;
        tx.commit().await?;
        Ok(stopped)
    }

    async fn pause(&self, stop: &StopSignal, tell: &impl Fn(Event)) {
        if let Some(pause) = self.settings.pause.filter(|pause| !pause.is_zero()) {
            tell(Event::Pause(pause));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.given() => {}
            }
        }
    }
}

/// Lets others work. If it cannot be sent, the connection is gone, and the lock with it.
pub(super) async fn release(guard: CatalogTx) {
    let _gone = guard.rollback().await;
}

/// How often it is made sure that no other program can begin a run.
const GUARDED: Duration = Duration::from_secs(2);

/// A wave at work.
struct Wave<'a, T> {
    fleet: &'a Fleet<'a>,
    run: MigrationRunId,
    allowed: Option<usize>,
    stop: &'a StopSignal,
    state: Mutex<State>,
    /// Told when no other tenant is to be begun.
    over: Notify,
    tell: &'a T,
}

/// What the jobs of a wave share.
struct State {
    queue: Queue<RunTenant>,
    failed: usize,
    /// The catalog could not be told of a failure: there is no sense in going on.
    lost: Option<LifecycleError>,
    /// Another program may have begun a run.
    is_unguarded: bool,
}

impl<T: Fn(Event)> Wave<'_, T> {
    /// Works through the wave; gives the number of failures if there were too many. If the guard is lost, the tenants at
    /// work are finished, and no other is begun.
    async fn work_guarded(self, guard: &mut CatalogTx) -> Result<Option<usize>, FleetError> {
        let mut jobs = pin!(join_all((0..self.fleet.settings.jobs.get()).map(|_| self.job())));
        loop {
            tokio::select! {
                _ = &mut jobs => break,
                () = tokio::time::sleep(GUARDED) => {}
            }
            if let Err(lost) = migration_runs::try_lock(guard).await {
                self.state().is_unguarded = true;
                self.over.notify_waiters();
                jobs.await;
                return Err(FleetError::LockLost(lost));
            }
        }
        let mut state = self.state();
        match state.lost.take() {
            Some(error) => Err(error.into()),
            None => Ok(self
                .allowed
                .filter(|most| state.failed > *most)
                .map(|_| state.failed)),
        }
    }

    async fn job(&self) {
        loop {
            // Before it is asked whether the wave is over: what is told from here on is heard.
            let over = self.over.notified();
            match self.next() {
                Next::Nothing => return,
                Next::Now(task) => self.attempt(task).await,
                Next::At(due) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(due) => {}
                        () = self.stop.given() => return,
                        () = over => return,
                    }
                }
            }
        }
    }

    fn next(&self) -> Next<RunTenant> {
        let mut state = self.state();
        if self.is_over(&state) || self.stop.is_given() {
            return Next::Nothing;
        }
        state.queue.take()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn attempt(&self, task: Task<RunTenant>) {
        let Task {
            what: tenant,
            attempt,
        } = task;
        let at = Attempt {
            run: self.run,
            organization: tenant.organization,
            number: attempt,
            started_at: self.fleet.source.now(),
        };
        let (from, outcome) = match self.fleet.attempt(&at, &tenant).await {
            Ok((from, to)) => (from, Ok(to)),
            Err(error) => {
                let Some(error) = self.again(&tenant, attempt, error) else {
                    return;
                };
                match self.note(&at, &error).await {
                    Ok(Some(version)) => (tenant.from, Ok(version)),
                    noted => {
                        if let Err(lost) = noted {
                            self.lose(lost, &error);
                        }
                        self.fail();
                        (tenant.from, Err(error))
                    }
                }
            }
        };
        (self.tell)(Event::Tenant(Migrated {
            slug: tenant.slug,
            from,
            attempts: attempt,
            outcome,
        }));
    }

    /// Puts a tenant back that only lost against another transaction; otherwise gives the error back.
    fn again(&self, tenant: &RunTenant, attempt: u32, error: LifecycleError) -> Option<LifecycleError> {
        let race = error.pg().filter(|pg| pg.is_lost_race());
        let Some(sqlstate) = race.and_then(|pg| pg.sqlstate()).map(str::to_owned) else {
            return Some(error);
        };
        if attempt >= self.fleet.settings.attempts {
            return Some(error);
        }
        let pause = pause_after(attempt, self.fleet.source);
        self.state().queue.again(tenant.clone(), attempt, pause);
        (self.tell)(Event::Again {
            slug: tenant.slug.clone(),
            attempts: attempt,
            sqlstate,
            pause,
        });
        None
    }

    fn fail(&self) {
        let mut state = self.state();
        state.failed += 1;
        if self.is_over(&state) {
            self.over.notify_waiters();
        }
    }

    fn is_over(&self, state: &State) -> bool {
        let too_many = self.allowed.is_some_and(|most| state.failed > most);
        too_many || state.lost.is_some() || state.is_unguarded
    }

    /// Notes the failure, and tries that twice. Gives the tenant's version where it was done after all.
    async fn note(&self, at: &Attempt, error: &LifecycleError) -> Result<Option<i32>, LifecycleError> {
        match self.note_once(at, error).await {
            Ok(noted) => Ok(noted),
            Err(_) => self.note_once(at, error).await,
        }
    }

    async fn note_once(&self, at: &Attempt, error: &LifecycleError) -> Result<Option<i32>, LifecycleError> {
        let mut tx = self.fleet.db.begin().await?;
        let now = self.fleet.source.now();
        if migration_runs::failed(&mut tx, at, &failed::discreetly(error), now).await? {
            tx.commit().await?;
            return Ok(None);
        }
        let tenant = tenant_schemas::find(&mut tx, at.organization).await?;
        tx.rollback().await?;
        Ok(tenant.map(|tenant| tenant.template_version))
    }

    /// The catalog could not be told. Where the database is gone, the other tenants would fail for the same reason:
    /// the run ends here, open, to be resumed.
    fn lose(&self, lost: LifecycleError, error: &LifecycleError) {
        tracing::warn!(error = %lost.explain(), "a failed migration could not be noted in the catalog");
        let is_gone = |error: &LifecycleError| error.pg().is_some_and(|pg| pg.failure() == Failure::Server);
        if is_gone(&lost) && is_gone(error) {
            self.give_up(lost);
        }
    }

    /// Lets no other tenant be begun.
    fn give_up(&self, lost: LifecycleError) {
        self.state().lost.get_or_insert(lost);
        self.over.notify_waiters();
    }
}
