//! One statement in many tenants: each under its own role and path, in a transaction of its own, one result.
//!
//! The wall: the statement runs under a login that is made for this run, has no right on anything, and is a member of one
//! role, that of the tenant whose turn it is (`_ro`, or `_rw` to write). So nothing that the text does, not even to its own
//! role, leads to another tenant, to the catalog, or to the operator. It is one statement by the extended protocol, which
//! refuses several, so it cannot end the transaction and go on behind it. What it leaves in the session is discarded
//! before the next tenant's turn.
//!
//! The results come in the order of the tenants, and are never held whole: jobs work a few tenants ahead of what is taken.

mod query;
mod run;
mod visit;

use std::num::NonZeroUsize;
use std::time::Duration;

use catalog::actor::Actor;
use catalog::audit::{self, AuditEvent};
use catalog::clock::Source;
use catalog::error::CatalogError;
use catalog::pg::config::PgConfig;
use catalog::selection::Selection;
use catalog::sessions::Device;
use catalog::slug::Slug;
use catalog::tx::CatalogDb;

pub use catalog::pg::flight::Column;

pub use self::query::{Query, QueryError};
pub use self::run::{Described, FleetSqlError, Summary};
pub(crate) use self::visit::cells;
use crate::lifecycle::LifecycleError;
use crate::lifecycle::logins;
use crate::lifecycle::psql_login::Reach;
use crate::lifecycle::sql_login::{self, SqlLogin};

pub use crate::lifecycle::fleet_table::{FleetTable, FleetTableError};

/// The values of a row, in the form of each type's output function; `None` is NULL.
pub type Row = Vec<Option<String>>;

/// What a statement may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read: under the tenant's `_ro` role, in a READ ONLY transaction.
    Read,
    /// Write: under the `_rw` role.
    Write,
    /// The same, and rolled back.
    Rehearse,
}

impl Access {
    const fn reach(self) -> Reach {
        match self {
            Self::Read => Reach::ReadOnly,
            Self::Write | Self::Rehearse => Reach::ReadWrite,
        }
    }
}

/// How it is done.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How many tenants are asked at once.
    pub jobs: NonZeroUsize,
    /// How long one tenant may take; time spent waiting for whoever takes the rows does not count.
    pub timeout: Duration,
    /// What the statement may do.
    pub access: Access,
    /// How many tenants may fail; one more, and no other is begun.
    pub max_failures: Option<usize>,
}

/// The fleet, to be asked something.
#[derive(Debug, Clone)]
pub struct FleetSql<'a> {
    /// The owner's connections: at least one more than there are jobs.
    pub db: &'a CatalogDb,
    /// Where they go.
    pub config: &'a PgConfig,
    /// Who asks.
    pub actor: &'a Actor,
    /// Clock and randomness.
    pub source: &'a Source,
    /// How it is done.
    pub settings: Settings,
}

/// What comes back.
#[derive(Debug)]
pub enum Event<'a> {
    /// Rows of a tenant; the tenants come in their order, each with all its rows.
    Rows(&'a Slug, Vec<Row>),
    /// A tenant failed, perhaps after some of its rows.
    Failed(TenantFailure),
}

/// Why a tenant failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantFailure {
    /// The tenant.
    pub slug: Slug,
    /// The template version it is at.
    pub version: i32,
    /// PostgreSQL's code.
    pub sqlstate: Option<String>,
    /// What it said, or what is wrong.
    pub message: String,
    /// How many of its rows had been given before.
    pub rows: u64,
}

/// The logins of a run. They are to be [removed](FleetSql::remove), whatever becomes of it.
#[derive(Debug)]
pub struct Logins(Vec<SqlLogin>);

impl FleetSql<'_> {
    /// Makes the logins for so many tenants, and notes in the audit log what they are for. Those that killed programs have
    /// left behind are removed on the way.
    pub async fn logins(
        &self,
        tenants: usize,
        selection: &Selection,
        query: &Query,
    ) -> Result<Logins, CatalogError> {
        if let Err(error) = logins::sweep(self.db, self.source.now()).await {
            tracing::debug!(%error, "expired logins could not be removed");
        }
        let mut tx = self.db.begin().await?;
        let mut logins = Vec::new();
        // One more than there are jobs: the last is a member of nothing, for the table of all results.
        for _ in 0..=self.settings.jobs.get().min(tenants) {
            logins.push(sql_login::create(&mut tx, self.source).await?);
        }
        let event = AuditEvent::FleetQueried {
            logins: logins.iter().map(|login| login.role.to_string()).collect(),
            selection: selection.to_string(),
            tenants,
            write: self.settings.access == Access::Write,
            statement: query.shortened(),
        };
        audit::record(&mut tx, self.actor, None, &event, &Device::NONE, self.source).await?;
        tx.commit().await?;
        Ok(Logins(logins))
    }

    /// Removes the logins of a run, with their sessions.
    pub async fn remove(&self, logins: Logins) -> Result<(), LifecycleError> {
        let mut first = Ok(());
        for login in logins.0 {
            let removed = sql_login::drop(self.db, &login.role).await;
            first = first.and(removed);
        }
        first
    }

    /// An empty table `fleet` for the results, in a session that can see no tenant and no catalog.
    pub async fn table(&self, logins: &Logins, columns: &[Column]) -> Result<FleetTable, FleetTableError> {
        let login = logins.0.last().ok_or(FleetTableError::NoLogin)?;
        FleetTable::create(self.db, self.config, login, columns, self.settings.timeout).await
    }
}
