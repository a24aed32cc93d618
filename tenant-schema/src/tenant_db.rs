//! The way into one tenant: [`TenantDb`] opens a [`TenantTx`] for an [`ActiveTenant`], and nothing else does.
//!
//! What a transaction may see is fixed by its first statement, which travels in the same flight as the second: whether it
//! may write, the tenant's role, and the tenant's schema as `search_path`, all local: they end with the transaction. PostgreSQL
//! accepts a path to a schema that does not exist, so the *role* is the assertion: it bears the tenant's opaque name,
//! is dropped with the schema, and setting it fails when it is gone. Without the role the server's login
//! (`NOINHERIT`, no rights of its own) sees no tenant at all. The timeouts of a statement and of a lock come with the
//! connection's start-up packet and are the same for every tenant, so they cost a transaction nothing; only behind a
//! pooler of transactions, where sessions are not ours to set, and for tenants whose plan says less, does a transaction say
//! them itself.
//!
//! A transaction is for the template version that its tenant had when it was resolved. What is planned for one version is
//! never committed, nor answered, from a schema of another (`lifecycle::version_mark`).
//!
//! Three things do not compile. Each is shown beside the nearest thing that does, so that a renamed path cannot make
//! the refusal true for the wrong reason.
//!
//! An `ActiveTenant` is what `catalog::resolve` found, never what somebody made up:
//!
//! ```
//! # use catalog::resolve::ActiveTenant;
//! fn slug_of(tenant: ActiveTenant) -> catalog::slug::Slug {
//!     tenant.slug().clone()
//! }
//! ```
//! ```compile_fail,E0451
//! # use catalog::resolve::ActiveTenant;
//! fn made_up(found: ActiveTenant, slug: catalog::slug::Slug) -> ActiveTenant {
//!     ActiveTenant { slug, ..found }
//! }
//! ```
//!
//! A transaction is opened for such a tenant, not for a name:
//!
//! ```
//! # use catalog::resolve::ActiveTenant;
//! # use tenant_schema::tenant_db::{TenantDb, TenantTx};
//! async fn open(db: &TenantDb, tenant: &ActiveTenant) -> Option<TenantTx> {
//!     db.read(tenant).await.ok()
//! }
//! ```
//! ```compile_fail,E0308
//! # use catalog::resolve::ActiveTenant;
//! # use tenant_schema::tenant_db::{TenantDb, TenantTx};
//! async fn open(db: &TenantDb, tenant: &ActiveTenant) -> Option<TenantTx> {
//!     db.read(tenant.schema()).await.ok()
//! }
//! ```
//!
//! And what may be asked in it is written in this crate only (`tidy` keeps the catalog's wider door, which the
//! lifecycle needs, out of the programs):
//!
//! ```
//! # use tenant_schema::tenant_db::TenantTx;
//! fn leave(tx: TenantTx) {
//!     drop(tx);
//! }
//! ```
//! ```compile_fail,E0624
//! # use tenant_schema::tenant_db::TenantTx;
//! async fn read(tx: TenantTx) {
//!     tx.finish(&[]).await.ok();
//! }
//! ```

pub(crate) mod opening;

use std::sync::Arc;
use std::time::Duration;

use catalog::actor::Actor;
use catalog::pg::config::PgConfig;
use catalog::pg::flight::{Failed, Step, TextRow};
use catalog::pg::sqlstate::PgError;
use catalog::resolve::ActiveTenant;

use crate::exports::{Export, ExportSettings, Exports, NoPlace};
use crate::lanes::{Lanes, Seat};
use crate::lifecycle::version_mark;
use crate::records::{Fence, PreparedExport};

pub(crate) use self::opening::{Bounds, Opening};
pub use crate::lanes::LaneSettings;

/// The lanes, and the bounds of each statement.
#[derive(Debug, Clone)]
pub struct TenantDbSettings {
    /// The connections.
    pub lanes: LaneSettings,
    /// How long one statement may run; below the server's request deadline.
    pub statement_timeout: Duration,
    /// How long one statement may wait for a lock.
    pub lock_timeout: Duration,
    /// What exports may take.
    pub exports: ExportSettings,
}

impl Default for TenantDbSettings {
    fn default() -> Self {
        Self {
            lanes: LaneSettings::default(),
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(3),
            exports: ExportSettings::default(),
        }
    }
}

/// The connections to all tenants, under the server's login.
#[derive(Debug, Clone)]
pub struct TenantDb {
    lanes: Arc<Lanes>,
    exports: Arc<Exports>,
    /// How long a statement may run that no plan bounds further, and how long it may wait for a lock.
    statement_timeout: Duration,
    lock_timeout: Duration,
    /// Whether sessions are not ours to set, so that each transaction says its bounds itself.
    is_pooled: bool,
    /// The scope of the opening statements: they name nothing that depends on one.
    session: Arc<str>,
}

/// A transaction inside one tenant, which is its tenant from birth to end. Nothing of it is sent before
/// `finish` is.
#[must_use = "a transaction does nothing before it is finished"]
pub struct TenantTx {
    db: TenantDb,
    seat: Seat,
    scope: Arc<str>,
    mark: String,
    opening: Opening,
    undone: bool,
    fence: Fence,
}

/// A statement and its parameters: NULL, or a text that the type's input function reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Statement<'a> {
    pub(crate) sql: &'a str,
    pub(crate) params: &'a [Option<&'a str>],
}

impl TenantDb {
    /// Lanes to this database; connections are made when first needed.
    pub fn new(config: &PgConfig, settings: &TenantDbSettings) -> Self {
        let exports = Exports::new(config, &settings.exports, settings.lock_timeout);
        let (statement, lock) = (settings.statement_timeout, settings.lock_timeout);
        let is_pooled = config.is_pooled();
        let config = config.for_tenants(statement, lock);
        Self {
            statement_timeout: statement,
            lock_timeout: lock,
            is_pooled,
            exports: Arc::new(exports),
            lanes: Arc::new(Lanes::new(config, settings.lanes.clone())),
            session: "session".into(),
        }
    }

    /// The exports of all tenants.
    pub fn exports(&self) -> &Exports {
        &self.exports
    }

    /// Takes a place for an export of a tenant's records, in a transaction of its own that can only read; nothing is
    /// sent yet.
    ///
    /// # Errors
    /// When there are as many exports as there may be.
    pub fn export(&self, tenant: &ActiveTenant, prepared: PreparedExport) -> Result<Export, NoPlace> {
        let opening = Opening::read(tenant).in_time_zone(prepared.list.time_zone());
        self.exports.enter(tenant, opening, prepared)
    }

    /// A transaction that can only read (`READ ONLY`).
    pub async fn read(&self, tenant: &ActiveTenant) -> Result<TenantTx, PgError> {
        self.open(tenant, Opening::read(tenant)).await
    }

    /// A transaction that may write; its rows and audit entries bear the actor and the request.
    pub async fn write(
        &self,
        tenant: &ActiveTenant,
        actor: &Actor,
        request_id: &str,
    ) -> Result<TenantTx, PgError> {
        self.open(tenant, Opening::write(tenant, actor, request_id)).await
    }

    /// What a transaction says itself of its bounds: what no session says, and where the tenant's plan is stricter.
    fn bounds(&self, tenant: &ActiveTenant) -> Option<Bounds> {
        let own = tenant.limits().statement_timeout();
        let own = own.filter(|own| *own < self.statement_timeout);
        if self.is_pooled {
            return Some(Bounds::new(
                own.unwrap_or(self.statement_timeout),
                self.lock_timeout,
            ));
        }
        own.map(Bounds::of_statement)
    }

    async fn open(&self, tenant: &ActiveTenant, opening: Opening) -> Result<TenantTx, PgError> {
        let seat = self
            .lanes
            .enter(tenant.schema())
            .await
            .map_err(|_| PgError::Unavailable("every connection stayed busy".into()))?;
        Ok(TenantTx {
            db: self.clone(),
            seat,
            scope: format!("{}@{}", tenant.schema(), tenant.template_version()).into(),
            mark: version_mark::of(tenant.template_version()),
            opening: opening.bounded(self.bounds(tenant)),
            undone: false,
            fence: Fence::Open,
        })
    }
}

impl TenantTx {
    /// The same transaction with its own time zone, a name that PostgreSQL knows.
    pub(crate) fn in_time_zone(mut self, zone: Option<&str>) -> Self {
        self.opening = self.opening.in_time_zone(zone);
        self
    }

    /// The same transaction, rolled back after its statements have worked.
    pub(crate) fn undone(mut self, undone: bool) -> Self {
        self.undone = undone;
        self
    }

    /// The same transaction, fenced against a schema of another version as its statement is.
    pub(crate) fn fenced(mut self, fence: Fence) -> Self {
        self.fence = fence;
        self
    }

    /// The rows of each of the transaction's statements; their parameters are texts whose types PostgreSQL infers. Opening,
    /// statements and the end of the transaction are one network flight, and the rows are returned when it has ended.
    pub(crate) async fn finish(mut self, statements: &[Statement<'_>]) -> Result<Vec<Vec<TextRow>>, Undone> {
        let opening = self.opening.params();
        let session = |sql, params| Step {
            scope: &self.db.session,
            sql,
            params,
        };
        let mut steps = Vec::with_capacity(statements.len() + 4);
        if self.undone {
            // What stands before a Sync is committed by it, unless it says otherwise itself.
            steps.push(session("begin", &[]));
        }
        steps.extend(self.opening.steps(&self.db.session, &opening));
        let first = steps.len();
        steps.extend(statements.iter().map(|statement| Step {
            scope: &self.scope,
            sql: statement.sql,
            params: statement.params,
        }));
        let last = steps.len();
        let mark = [Some(&*self.mark)];
        if self.fence == Fence::Behind {
            steps.push(session(version_mark::CHECK, &mark));
        }
        if self.undone {
            // What a commit would have refused is to be refused here too.
            steps.push(session("set constraints all immediate", &[]));
            steps.push(session("rollback", &[]));
        }
        let (lanes, seat, scope) = (&self.db.lanes, &mut self.seat, &self.scope);
        let connection = lanes.ready(seat, scope).await?;
        let mut failed = match connection.fly(&steps, first..last).await {
            Ok(rows) => return Ok(rows),
            Err(failed) => failed,
        };
        // What follows is rare; nothing of the first time has remained.
        if is_deadlock(&failed) {
            let connection = lanes.ready(seat, scope).await?;
            failed = match connection.fly(&steps, first..last).await {
                Ok(rows) => return Ok(rows),
                Err(failed) => failed,
            };
        }
        if self.fence != Fence::Open && may_be_moved(&failed) {
            let mut steps: Vec<_> = self.opening.steps(&self.db.session, &opening).collect();
            steps.push(session(version_mark::CHECK, &mark));
            let connection = lanes.ready(seat, scope).await?;
            let asked = connection.fly(&steps, 0..0).await;
            asked.map_err(|failed| Undone::of(failed, first))?;
        }
        Err(Undone::of(failed, first))
    }
}

/// Whether it lost against another transaction that waited for it (`deadlock_detected`): a migration that goes from table to
/// table, for instance.
pub(crate) fn is_deadlock(failed: &Failed) -> bool {
    matches!(failed, Failed::Refused { said, .. } if said.sqlstate.as_ref() == "40P01")
}

/// Whether it may have failed because the schema is of another version by now.
pub(crate) fn may_be_moved(failed: &Failed) -> bool {
    matches!(failed, Failed::Refused { said, .. } if version_mark::may_be_gone(said))
}

/// Why nothing of a transaction has remained.
#[derive(Debug)]
pub(crate) struct Undone {
    /// Which of the transaction's own statements was refused, counted from zero; their number and more if its end was.
    pub(crate) statement: Option<usize>,
    /// Why.
    pub(crate) error: PgError,
}

impl Undone {
    /// What a flight failed of whose first `opening` steps open the transaction.
    pub(crate) fn of(failed: Failed, opening: usize) -> Self {
        match failed {
            Failed::Broken(error) => error.into(),
            // It has lost twice: the same request may work in a moment.
            Failed::Refused { said, .. } if said.sqlstate.as_ref() == "40P01" => {
                PgError::Unavailable(Box::new(said)).into()
            }
            Failed::Refused { step, said } => match step.checked_sub(opening) {
                statement @ Some(_) if !version_mark::is_gone(&said) => Self {
                    statement,
                    error: PgError::refused(said, PgError::Statement),
                },
                _ => PgError::refused(said, PgError::Scope).into(),
            },
        }
    }
}

impl From<PgError> for Undone {
    fn from(error: PgError) -> Self {
        Self {
            statement: None,
            error,
        }
    }
}

/// A string constant (PostgreSQL documentation, section 4.1.2.1): quotes are doubled, and a backslash means itself,
/// since `standard_conforming_strings` is on. NUL cannot stand in any text of PostgreSQL's and is left out.
pub(crate) fn quote_literal(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_in_a_literal_are_doubled() {
        assert_eq!(quote_literal("o'neil\\"), "'o''neil\\'");
    }
}
