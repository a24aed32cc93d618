//! The post-steps of the fleet: what tenants lack of them, and how they get it.
//!
//! They come behind the waves, in a phase of their own with few jobs: to build an index takes the disk's time and not the
//! tenant's. A tenant's lock is held meanwhile, by a transaction that does nothing else, so nobody migrates or removes
//! it; and the catalog learns of the step when it is done. Who is killed leaves the step pending, and the next one looks
//! what is there.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use catalog::audit::{self, AuditEvent};
use catalog::ids::OrganizationId;
use catalog::pg::sqlstate::{Failure, PgError};
use catalog::post_steps::{self, Outstanding, Step};
use catalog::schema_name::SchemaName;
use catalog::sessions::Device;
use catalog::slug::Slug;
use catalog::tx::CatalogTx;
use futures_util::future::join_all;

use super::attempt::{enter, undone};
use super::queue::{Next, Queue, Task, pause_after};
use super::run::release;
use super::{Fleet, FleetError, Plan, StopSignal, failed};
use crate::lifecycle::LifecycleError;
use crate::lifecycle::post_steps::concurrent;
use crate::template::PostStep;

/// What goes on.
#[derive(Debug)]
pub enum Event {
    /// The phase begins.
    Begun {
        /// How many steps there are to do at all tenants together.
        steps: usize,
    },
    /// A step lost against another transaction and will be tried again.
    Again {
        /// The tenant.
        slug: Slug,
        /// The step.
        step: String,
        /// How often it was tried.
        attempts: u32,
        /// PostgreSQL's code.
        sqlstate: String,
        /// When it is tried again.
        pause: Duration,
    },
    /// A step was tried for the last time.
    Tried(Tried),
}

/// What became of a step at a tenant.
#[derive(Debug)]
pub struct Tried {
    /// The tenant.
    pub slug: Slug,
    /// The step.
    pub step: String,
    /// How often it was tried.
    pub attempts: u32,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a step.
#[derive(Debug)]
pub enum Outcome {
    /// The tenant has it.
    Done,
    /// It did not come about, and may the next time: others were in the way, or the connection was lost.
    Pending(LifecycleError),
    /// PostgreSQL refused it; the catalog has it so.
    Failed(LifecycleError),
}

/// A tenant with what it lacks.
#[derive(Debug)]
struct Lacking {
    organization: OrganizationId,
    slug: Slug,
    schema: SchemaName,
    steps: VecDeque<PostStep>,
}

impl Fleet<'_> {
    /// What tenants lack: one query, no visit.
    pub async fn outstanding_steps(&self) -> Result<Vec<Outstanding>, FleetError> {
        let steps = self.steps();
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.db.begin().await?;
        let outstanding = post_steps::outstanding(&mut tx, &steps, None).await?;
        tx.rollback().await?;
        Ok(outstanding)
    }

    /// The names of the steps that a plan's tenants will lack when they are migrated, besides what they lack now.
    pub fn steps_behind<'p>(&'p self, plan: &'p Plan) -> impl Iterator<Item = (&'p Slug, &'p str)> {
        plan.steps.iter().flat_map(|planned| {
            let behind = self.template.post_steps(planned.to);
            let new = behind.filter(|step| step.version() > planned.tenant.template_version);
            new.map(|step| (&planned.tenant.slug, step.name()))
        })
    }

    fn steps(&self) -> Vec<Step> {
        let all = self.template.post_steps(self.template.latest());
        all.map(|step| step.step().clone()).collect()
    }

    /// Carries out what was found to be outstanding, and tells of it as it goes. Says whether it was stopped before its end.
    pub async fn post_steps(
        &self,
        outstanding: &[Outstanding],
        stop: &StopSignal,
        report: impl FnMut(Event),
    ) -> Result<bool, FleetError> {
        if outstanding.is_empty() {
            return Ok(false);
        }
        let mut guard = self.guard().await?;
        guard.transaction().rest().await?;
        let report = Mutex::new(report);
        let tell = |event| report.lock().unwrap_or_else(PoisonError::into_inner)(event);
        tell(Event::Begun {
            steps: outstanding.len(),
        });
        let phase = Phase {
            fleet: self,
            stop,
            state: Mutex::new(State {
                queue: Queue::of(self.lacking(outstanding)),
                failed: 0,
                stopped: false,
            }),
            tell: &tell,
        };
        join_all((0..self.settings.post_step_jobs.get()).map(|_| phase.job())).await;
        let stopped = phase.state().stopped;
        release(guard).await;
        Ok(stopped)
    }

    fn lacking(&self, outstanding: &[Outstanding]) -> Vec<Lacking> {
        let known = self.template.post_steps(self.template.latest());
        let known: BTreeMap<&str, &PostStep> = known.map(|step| (step.name(), step)).collect();
        let mut tenants: Vec<Lacking> = Vec::new();
        for one in outstanding {
            let Some(step) = known.get(one.step.as_str()) else {
                continue;
            };
            if tenants.last().map(|last| last.organization) != Some(one.organization) {
                tenants.push(Lacking {
                    organization: one.organization,
                    slug: one.slug.clone(),
                    schema: one.schema.clone(),
                    steps: VecDeque::new(),
                });
            }
            if let Some(tenant) = tenants.last_mut() {
                tenant.steps.push_back((*step).clone());
            }
        }
        tenants
    }

    /// Carries a step out at a tenant, unless somebody else has done it.
    async fn carry_out(
        &self,
        tenant: &Lacking,
        step: &PostStep,
        attempts: u32,
    ) -> Result<(), LifecycleError> {
        let mut keeper = self.db.begin_patient(self.settings.lock_timeout).await?;
        match self.within(&mut keeper, tenant, step).await {
            Ok(false) => Ok(keeper.rollback().await?),
            Ok(true) => {
                let event = AuditEvent::TenantPostStep {
                    step: step.name().to_owned(),
                };
                let organization = tenant.organization;
                let now = self.source.now();
                post_steps::done(&mut keeper, organization, step.step(), attempts, now).await?;
                audit::record(
                    &mut keeper,
                    self.actor,
                    Some(organization),
                    &event,
                    &Device::NONE,
                    self.source,
                )
                .await?;
                Ok(keeper.commit().await?)
            }
            Err(error) => Err(undone(keeper, error).await),
        }
    }

    async fn within(
        &self,
        keeper: &mut CatalogTx,
        tenant: &Lacking,
        step: &PostStep,
    ) -> Result<bool, LifecycleError> {
        let entered = enter(keeper, tenant.organization, &tenant.schema).await?;
        let found = &entered.tenant;
        if !found.state.is_home() || found.template_version < step.version() {
            return Ok(false);
        }
        entered.history?;
        if post_steps::is_done(keeper, tenant.organization, step.step()).await? {
            return Ok(false);
        }
        let wait = self.settings.post_step_wait;
        concurrent::apply(self.db, keeper, self.template, &tenant.schema, step, wait).await?;
        Ok(true)
    }

    /// Notes the failure of a step.
    async fn note_failure(
        &self,
        tenant: &Lacking,
        step: &PostStep,
        error: &LifecycleError,
        attempts: u32,
    ) -> Result<(), LifecycleError> {
        let mut tx = self.db.begin().await?;
        let (told, now) = (failed::discreetly(error), self.source.now());
        post_steps::failed(&mut tx, tenant.organization, step.step(), &told, attempts, now).await?;
        Ok(tx.commit().await?)
    }
}

/// The phase at work.
struct Phase<'a, T> {
    fleet: &'a Fleet<'a>,
    stop: &'a StopSignal,
    state: Mutex<State>,
    tell: &'a T,
}

/// What its jobs share.
struct State {
    queue: Queue<Lacking>,
    failed: usize,
    stopped: bool,
}

impl<T: Fn(Event)> Phase<'_, T> {
    async fn job(&self) {
        loop {
            match self.next() {
                Next::Nothing => return,
                Next::Now(task) => self.work(task).await,
                Next::At(due) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(due) => {}
                        () = self.stop.given() => {}
                    }
                }
            }
        }
    }

    fn next(&self) -> Next<Lacking> {
        let mut state = self.state();
        let next = state.queue.take();
        let most = self.fleet.settings.max_failures;
        let is_over = self.stop.is_given() || most.is_some_and(|most| state.failed > most);
        if !is_over || matches!(next, Next::Nothing) {
            return next;
        }
        state.stopped = true;
        Next::Nothing
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The steps of a tenant, one after the other; from one that loses against others it goes on later.
    async fn work(&self, task: Task<Lacking>) {
        let Task {
            what: mut tenant,
            mut attempt,
        } = task;
        while let Some(step) = tenant.steps.pop_front() {
            let tried = self.fleet.carry_out(&tenant, &step, attempt).await;
            let outcome = match tried {
                Ok(()) => Outcome::Done,
                Err(error) => {
                    let lost = error.pg().filter(|pg| pg.is_lost_race());
                    if let Some(sqlstate) = lost.and_then(PgError::sqlstate).map(str::to_owned)
                        && attempt < self.fleet.settings.attempts
                    {
                        let pause = pause_after(attempt, self.fleet.source);
                        let name = step.name().to_owned();
                        let slug = tenant.slug.clone();
                        tenant.steps.push_front(step);
                        self.state().queue.again(tenant, attempt, pause);
                        (self.tell)(Event::Again {
                            slug,
                            step: name,
                            attempts: attempt,
                            sqlstate,
                            pause,
                        });
                        return;
                    }
                    self.failed(&tenant, &step, error, attempt).await
                }
            };
            (self.tell)(Event::Tried(Tried {
                slug: tenant.slug.clone(),
                step: step.name().to_owned(),
                attempts: attempt,
                outcome,
            }));
            attempt = 1;
            if self.stop.is_given() && !tenant.steps.is_empty() {
                self.state().stopped = true;
                return;
            }
        }
    }

    /// What PostgreSQL has refused is a failure; all else may work another time.
    async fn failed(
        &self,
        tenant: &Lacking,
        step: &PostStep,
        error: LifecycleError,
        attempts: u32,
    ) -> Outcome {
        let is_refused = match error.pg() {
            Some(pg) => pg.failure() == Failure::Other && pg.sqlstate().is_some(),
            None => true,
        };
        self.state().failed += 1;
        if !is_refused {
            return Outcome::Pending(error);
        }
        match self.fleet.note_failure(tenant, step, &error, attempts).await {
            Ok(()) => Outcome::Failed(error),
            Err(lost) => {
                let lost = lost.explain_discreetly();
                tracing::warn!(
                    error = lost,
                    "a failed post-step could not be noted in the catalog"
                );
                Outcome::Pending(error)
            }
        }
    }
}
