//! The fleet: all tenant schemas together. Here: what its migration works with; [`Fleet::plan`] says what there is to do,
//! [`Fleet::migrate`] and [`Fleet::resume`] do it, [`Fleet::rehearse`] does it to one tenant and takes it back.
//!
//! [`Fleet::post_steps`] is what comes behind it.
//!
//! A run goes through the tenants in waves, several at a time, each in a transaction of its own, under its lock, in which
//! the catalog learns of it too. So whatever happens to the program, a tenant is migrated and known to be, or neither.

mod at_once;
mod attempt;
pub mod failed;
mod plan;
pub mod post_steps;
mod queue;
mod rehearsal;
mod run;
mod stop;
mod waves;

use std::num::NonZeroUsize;
use std::time::Duration;

use catalog::actor::Actor;
use catalog::clock::Source;
use catalog::error::CatalogError;
use catalog::ids::MigrationRunId;
use catalog::pg::sqlstate::PgError;
use catalog::slug::Slug;
use catalog::tx::CatalogDb;
use chrono::{DateTime, Utc};

use crate::lifecycle::LifecycleError;
use crate::template::Template;

pub(crate) use self::attempt::PIN;
pub use self::plan::{Plan, Step};
pub use self::queue::pause_after;
pub(crate) use self::rehearsal::{LOCKS, STORAGE};
pub use self::rehearsal::{Lock, Rehearsal, Rehearsed};
pub use self::stop::{StopSignal, Stopper};
pub use self::waves::{Waves, WavesError};

/// The fleet, and what it is migrated by.
#[derive(Debug, Clone)]
pub struct Fleet<'a> {
    /// The owner's connections: at least two more than there are jobs.
    pub db: &'a CatalogDb,
    /// What tenants are brought to.
    pub template: &'a Template,
    /// Who does it.
    pub actor: &'a Actor,
    /// Clock and randomness.
    pub source: &'a Source,
    /// How it is done.
    pub settings: Settings,
}

/// How a run goes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many tenants are migrated at once.
    pub jobs: NonZeroUsize,
    /// The parts of the fleet that are migrated one after the other.
    pub waves: Waves,
    /// How long to wait between two waves; `None`: not at all, or as the run that is resumed was told.
    pub pause: Option<Duration>,
    /// How many tenants of a wave may fail; one more, and no other is begun. `None`: none in the waves before the last,
    /// any number in the last; or as the run that is resumed was told.
    pub max_failures: Option<usize>,
    /// How long a statement waits for a lock. Who comes later waits behind it, so this is also how long a migration may
    /// keep a tenant's requests waiting that do not conflict with what holds it up.
    pub lock_timeout: Duration,
    /// How often a tenant is tried that loses against other transactions.
    pub attempts: u32,
    /// At how many tenants a post-step is carried out at once.
    pub post_step_jobs: NonZeroUsize,
    /// How long a post-step waits for other transactions. Nobody who reads or writes waits behind it.
    pub post_step_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            jobs: NonZeroUsize::new(2).expect("2 is not zero"),
            waves: Waves::default(),
            pause: None,
            max_failures: None,
            lock_timeout: Duration::from_secs(2),
            attempts: 8,
            post_step_jobs: NonZeroUsize::new(2).expect("2 is not zero"),
            post_step_wait: Duration::from_mins(1),
        }
    }
}

/// What goes on.
#[derive(Debug)]
pub enum Event {
    /// A wave begins.
    Wave {
        /// Its number, counted from one.
        number: i32,
        /// How many there are.
        of: i32,
        /// How many tenants it has left to migrate.
        tenants: usize,
        /// How many the run has left, this wave included.
        left: usize,
    },
    /// A tenant was tried for the last time.
    Tenant(Migrated),
    /// A tenant lost against another transaction and will be tried again.
    Again {
        /// The tenant.
        slug: Slug,
        /// How often it was tried.
        attempts: u32,
        /// PostgreSQL's code.
        sqlstate: String,
        /// When it is tried again.
        pause: Duration,
    },
    /// The next wave waits.
    Pause(Duration),
}

/// What became of one tenant.
#[derive(Debug)]
pub struct Migrated {
    /// The tenant.
    pub slug: Slug,
    /// The version it had: that of now, if somebody else migrated it in the meantime.
    pub from: i32,
    /// How often it was tried.
    pub attempts: u32,
    /// The version it has now, or why it still has the old one.
    pub outcome: Result<i32, LifecycleError>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The run's record; `None` where there was nothing to do.
    pub run: Option<MigrationRunId>,
    /// Why it ended before its time.
    pub stopped: Option<Stopped>,
}

/// Why a run was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// More tenants of a wave failed than may.
    Failures {
        /// The wave.
        wave: i32,
        /// How many failed.
        failed: usize,
    },
    /// Somebody said so.
    Asked,
    /// The catalog could not be told what became of some tenants.
    Untold {
        /// How many.
        tenants: usize,
    },
}

/// Why a run could not be begun, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// Another program works on a run.
    #[error("a migration is at work already: {}", by.as_ref().map_or_else(|| "it began at this moment".to_owned(), |(who, since)| format!("{who}, since {}", since.format("%Y-%m-%d %H:%M:%S UTC"))))]
    Busy {
        /// Who works on it, since when, if its record is there.
        by: Option<(String, DateTime<Utc>)>,
    },
    /// The last run was not stopped or killed.
    #[error("there is no run to resume")]
    NothingToResume,
    /// The run to be resumed is another program's.
    #[error(
        "the run to resume brings tenants to version {run}, and this program's template is at version {own}"
    )]
    OtherVersion {
        /// The run's version.
        run: i32,
        /// This program's.
        own: i32,
    },
    /// The connection that shows this program to be at work was lost: another may have begun.
    #[error("the connection that holds the run's lock was lost")]
    LockLost(#[source] CatalogError),
    /// A failure beneath.
    #[error(transparent)]
    Lifecycle(#[from] LifecycleError),
}

impl From<CatalogError> for FleetError {
    fn from(error: CatalogError) -> Self {
        Self::Lifecycle(error.into())
    }
}

impl From<PgError> for FleetError {
    fn from(error: PgError) -> Self {
        Self::Lifecycle(error.into())
    }
}
