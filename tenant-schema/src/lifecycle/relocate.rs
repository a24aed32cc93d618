//! A tenant from one database to another: served by one of them at any time, and no write that was answered is lost.
//!
//! 1. The other database is looked at, and gets the organization and empty tables, in a transaction that is left open and that
//!    bears the *token* of this move.
//! 2. Here the move is announced, so that servers refuse writes by themselves, and the tables are locked: who reads goes on. The
//!    *pause* begins.
//! 3. A snapshot is piped into the other database's transaction as a container, read back and compared.
//! 4. Here the schema is shut and the *doubt* noted, in the transaction that holds the locks: who has waited for them finds it
//!    shut. From its COMMIT on nobody is served here, whoever dies.
//! 5. The other database commits, and serves the tenant.
//! 6. Here it is noted that the tenant has moved: it is left behind, to be purged when its grace is over.
//!
//! Killed before 4, locks and copy are gone with their sessions and nothing has happened. Killed after it, the next run asks the
//! other database for the token, behind the transaction of 1: if the tenant has arrived, 6 is done; if not, the schema is
//! opened again. Where nobody can be asked any more, an operator may say so ([`Stay`]).

mod copy;
mod gate;
mod stay;
mod target;

use std::time::{Duration, Instant};

use catalog::actor::Actor;
use catalog::clock::Source;
use catalog::error::CatalogError;
use catalog::moves::carried::Carried;
use catalog::moves::{self, Move, MoveState, Target};
use catalog::organizations::{self, Organization};
use catalog::schema_name::SchemaName;
use catalog::slug::Slug;
use catalog::tenant_schemas::{self, TenantSchema};
use catalog::tx::{CatalogDb, CatalogTx};
use chrono::TimeDelta;
use uuid::Uuid;

use super::{LifecycleError, Refusal};
use crate::container::ContainerError;
use crate::container::export::Sealed;
use crate::container::reference::References;

pub use self::stay::Stay;
pub use self::target::TargetRefusal;

/// How long somebody else's lock is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// How much longer than the pause the databases keep a session whose program says nothing any more.
const MARGIN: Duration = Duration::from_secs(10);

/// A move, and everything it needs.
pub struct Relocation<'a> {
    /// The database that is left; two connections.
    pub from: &'a CatalogDb,
    /// The other one; two connections.
    pub to: &'a CatalogDb,
    /// What the other one is called in the record: host, port and name, and no password.
    pub to_name: &'a str,
    /// What tenants are like here.
    pub references: &'a References,
    /// The same there.
    pub references_there: &'a References,
    /// How long writes are refused at most.
    pub max_pause: Duration,
    /// How long what is left behind is kept.
    pub grace: TimeDelta,
    /// Tables and columns that somebody made beside the template may stay behind.
    pub leave_out: bool,
    /// Who does it.
    pub actor: &'a Actor,
    /// Clock and randomness.
    pub source: &'a Source,
}

/// A tenant that lives in the other database.
#[derive(Debug, Clone)]
pub enum Relocated {
    /// It has just been copied there.
    Now(Box<Copied>),
    /// An earlier run had copied it, and this one has noted it.
    Noted,
    /// It was there already, as is noted.
    Already(Move),
}

/// What was copied.
#[derive(Debug, Clone)]
pub struct Copied {
    /// What was in the container.
    pub sealed: Sealed,
    /// Its schema there.
    pub schema: SchemaName,
    /// The version of its template.
    pub template_version: i32,
    /// How long nobody could write.
    pub pause: Duration,
    /// Its people.
    pub people: usize,
    /// Those of them whose address belongs to somebody there who has not verified it: they are not let in.
    pub held_back: usize,
    /// Its keys, void ones included.
    pub keys: usize,
    /// Roles of people's own that may open it here.
    pub grants: Vec<String>,
    /// Tables and columns beside the template, which stay.
    pub left_out: Vec<String>,
}

/// What came of a look at an earlier run's doubt.
enum Settled {
    /// There was none, or it has not arrived: it is served here.
    Here,
    /// It has arrived, which is noted now.
    There,
    /// It has moved before.
    Before(Move),
}

/// A tenant that can be moved, as it was before anybody was held off.
struct Leaving {
    tenant: Organization,
    schema: TenantSchema,
    carried: Carried,
    left_out: Vec<String>,
    target: Target,
    token: Uuid,
}

impl Relocation<'_> {
    /// Moves a tenant, or finishes what an earlier run has left in doubt.
    ///
    /// # Errors
    /// [`LifecycleError::Refused`], and whatever an export and an import may be refused for: it is served as before. After
    /// [`Refusal::InDoubt`] it is served nowhere, or there, until this is run again.
    pub async fn run(&self, slug: &Slug) -> Result<Relocated, ContainerError> {
        match self.settle(slug).await? {
            Settled::Here => {}
            Settled::There => return Ok(Relocated::Noted),
            Settled::Before(found) => return Ok(Relocated::Already(found)),
        }
        let leaving = Box::pin(self.look(slug)).await?;
        let schema = SchemaName::from_opaque(self.source.uuid());
        let mut there = Box::pin(self.make_room(&leaving, &schema)).await?;
        self.announce(&leaving).await?;
        let paused = Instant::now();
        let mut held = None;
        let copying = Box::pin(self.copy(&leaving, &mut held, &mut there, &schema));
        let copied = match tokio::time::timeout(self.max_pause, copying).await {
            Ok(copied) => copied,
            Err(_) => Err(LifecycleError::from(Refusal::Pause(self.max_pause)).into()),
        };
        let (mut copied, mut guard) = match (copied, held) {
            (Ok(copied), Some(guard)) => (copied, guard),
            (copied, held) => {
                self.give_up(&leaving, held, there).await;
                return Err(
                    copied.map_or_else(|error| error, |_| LifecycleError::from(Refusal::Meanwhile).into())
                );
            }
        };
        if let Err(error) = self.shut(&leaving, &mut guard).await {
            self.give_up(&leaving, Some(guard), there).await;
            return Err(error);
        }
        if let Err(error) = guard.commit().await {
            drop(there.rollback().await);
            return self.after(slug, error.into(), None).await;
        }
        let committed = there.commit().await;
        copied.pause = paused.elapsed();
        if let Err(error) = committed {
            return self.after(slug, error.into(), Some(copied)).await;
        }
        if let Err(error) = self.finish(leaving.tenant.id, leaving.token).await {
            return self.after(slug, error, Some(copied)).await;
        }
        Ok(Relocated::Now(Box::new(copied)))
    }

    /// After a COMMIT of which it is not known what came of it.
    async fn after(
        &self,
        slug: &Slug,
        error: ContainerError,
        copied: Option<Copied>,
    ) -> Result<Relocated, ContainerError> {
        match self.settle(slug).await {
            Ok(Settled::Here) => Err(error),
            Ok(Settled::There | Settled::Before(_)) => {
                Ok(copied.map_or(Relocated::Noted, |copied| Relocated::Now(Box::new(copied))))
            }
            Err(_) => Err(LifecycleError::from(Refusal::InDoubt(self.to_name.to_owned())).into()),
        }
    }

    /// Ends what an earlier run has left.
    async fn settle(&self, slug: &Slug) -> Result<Settled, ContainerError> {
        let mut tx = self.from.begin().await?;
        let tenant = organizations::find_by_slug(&mut tx, slug).await?;
        let tenant = tenant.ok_or(CatalogError::NotFound { what: "organization" })?;
        let found = moves::find(&mut tx, tenant.id).await?;
        tx.rollback().await?;
        let Some(found) = found else {
            return Ok(Settled::Here);
        };
        if found.state == MoveState::Copying {
            // Waits for whoever is at it. Where that one has come further meanwhile, what he left is settled, not this.
            if stay::reopen(self.from, &found, tenant.id).await? {
                return Ok(Settled::Here);
            }
            return Box::pin(self.settle(slug)).await;
        }
        let mut there = self.to.begin().await?;
        if moves::identity(&mut there).await? != found.target.identity {
            return Err(LifecycleError::from(Refusal::OtherTarget(found.target.name)).into());
        }
        if found.state == MoveState::Moved {
            return Ok(Settled::Before(found));
        }
        let has_arrived = moves::arrived(&mut there, tenant.id, found.token, self.actor, self.source).await?;
        let settled = if has_arrived {
            self.finish(tenant.id, found.token).await?;
            Settled::There
        } else if stay::reopen(self.from, &found, tenant.id).await? {
            Settled::Here
        } else {
            // Somebody else has settled it.
            there.rollback().await?;
            return Box::pin(self.settle(slug)).await;
        };
        there.rollback().await?;
        Ok(settled)
    }

    /// What there is to be moved, and whether it can be, here and there.
    async fn look(&self, slug: &Slug) -> Result<Leaving, ContainerError> {
        let mut tx = self.from.begin().await?;
        let tenant = organizations::lock_by_slug(&mut tx, slug).await?;
        let tenant = tenant.ok_or(CatalogError::NotFound { what: "organization" })?;
        let schema = tenant_schemas::find(&mut tx, tenant.id).await?;
        let schema = schema.ok_or(CatalogError::NotATenant)?;
        self.check(&mut tx, &tenant, &schema).await?;
        let carried = Carried::read(&mut tx, &tenant).await?;
        let identity = moves::identity(&mut tx).await?;
        tx.rollback().await?;
        let left_out = copy::left_out(self, &schema).await?;
        if !left_out.is_empty() && !self.leave_out {
            return Err(LifecycleError::from(Refusal::Besides(left_out)).into());
        }
        let target = self.look_there(&tenant, &carried, &identity).await?;
        Ok(Leaving {
            tenant,
            schema,
            carried,
            left_out,
            target,
            token: self.source.uuid(),
        })
    }

    /// From COMMIT on servers refuse writes by themselves, so that none of them keeps connections waiting for the locks.
    async fn announce(&self, leaving: &Leaving) -> Result<(), ContainerError> {
        let mut tx = self.from.begin().await?;
        let id = leaving.tenant.id;
        organizations::lock(&mut tx, id)
            .await?
            .ok_or(LifecycleError::from(Refusal::Gone))?;
        let until = TimeDelta::from_std(self.max_pause).unwrap_or(TimeDelta::MAX);
        let until = self.source.now() + until;
        let how = (leaving.token, &leaving.target);
        moves::announce(&mut tx, id, how, until, self.actor, self.source).await?;
        Ok(tx.commit().await?)
    }

    /// The last of the pause: from COMMIT on nobody is served here. Whoever has waited for the locks finds the schema shut.
    async fn shut(&self, leaving: &Leaving, guard: &mut CatalogTx) -> Result<(), ContainerError> {
        let id = leaving.tenant.id;
        // Keys and memberships can be changed without a lock that the guard has.
        if Carried::read(guard, &leaving.tenant).await? != leaving.carried {
            return Err(LifecycleError::from(Refusal::Meanwhile).into());
        }
        moves::doubt(guard, id, leaving.token).await?;
        gate::shut(guard.transaction(), &leaving.schema).await?;
        Ok(())
    }

    /// Everything is as before, as far as it can be told from here: what is not, the next run ends.
    async fn give_up(&self, leaving: &Leaving, guard: Option<CatalogTx>, there: CatalogTx) {
        let ended = async {
            if let Some(guard) = guard {
                guard.rollback().await?;
            }
            let mut tx = self.from.begin().await?;
            organizations::lock(&mut tx, leaving.tenant.id).await?;
            moves::give_up(&mut tx, leaving.tenant.id, leaving.token, MoveState::Copying).await?;
            tx.commit().await?;
            there.rollback().await?;
            Ok::<(), CatalogError>(())
        };
        match tokio::time::timeout(MARGIN, ended).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a move that was given up is not quite undone"),
            Err(_) => tracing::warn!("a move that was given up is not quite undone"),
        }
    }

    async fn finish(&self, tenant: catalog::ids::OrganizationId, token: Uuid) -> Result<(), ContainerError> {
        let mut tx = self.from.begin().await?;
        let tenant = organizations::lock(&mut tx, tenant).await?;
        let tenant = tenant.ok_or(LifecycleError::from(Refusal::Gone))?;
        let known = moves::find(&mut tx, tenant.id).await?;
        let is_known = known.is_some_and(|found| found.token == token && found.state == MoveState::Moved);
        if !moves::finish(&mut tx, &tenant, token, self.grace, self.actor, self.source).await? && !is_known {
            // It lives there, and the record of that is gone here.
            return Err(LifecycleError::from(Refusal::InDoubt(self.to_name.to_owned())).into());
        }
        Ok(tx.commit().await?)
    }
}
