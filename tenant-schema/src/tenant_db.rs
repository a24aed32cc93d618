//! The way into one tenant: [`TenantDb`] opens a [`TenantTx`] for an [`ActiveTenant`], and nothing else does.
//!
//! What a transaction may see is fixed by its first message, which travels with its first statement: `BEGIN`, the
//! tenant's role, and the tenant's schema as `search_path`, both `LOCAL`: they end with the transaction. PostgreSQL
//! accepts a path to a schema that does not exist, so the *role* is the assertion: it bears the tenant's opaque name,
//! is dropped with the schema, and `SET LOCAL ROLE` fails when it is gone. Without the role the server's login
//! (`NOINHERIT`, no rights of its own) sees no tenant at all. The timeouts of a statement and of a lock come with the
//! connection's start-up packet and are the same for every tenant, so they cost a transaction nothing.
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
//! async fn leave(tx: TenantTx) {
//!     tx.rollback().await.ok();
//! }
//! ```
//! ```compile_fail,E0624
//! # use tenant_schema::tenant_db::TenantTx;
//! async fn read(tx: TenantTx) {
//!     tx.finish("select 1", &[]).await.ok();
//! }
//! ```

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use catalog::actor::Actor;
use catalog::pg::config::PgConfig;
use catalog::pg::pool::{Pool, PoolSettings};
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::{Opening, TextParam, Transaction};
use catalog::resolve::ActiveTenant;
use tokio_postgres::Row;

use crate::lanes::{Lanes, Permit};

/// How many connections, in how many lanes, and the bounds of each transaction.
#[derive(Debug, Clone)]
pub struct TenantDbSettings {
    /// The number of lanes; every tenant has a home lane, so each connection serves a part of the fleet.
    pub lanes: usize,
    /// Connections per lane, and their bounds.
    pub pool: PoolSettings,
    /// The most connections one tenant may hold at once, of all lanes together: what the others can count on is the
    /// rest.
    pub share: usize,
    /// How long one statement may run; below the server's request deadline.
    pub statement_timeout: Duration,
    /// How long one statement may wait for a lock.
    pub lock_timeout: Duration,
}

impl Default for TenantDbSettings {
    fn default() -> Self {
        Self {
            lanes: 4,
            pool: PoolSettings {
                size: 2,
                ..PoolSettings::default()
            },
            share: 6,
            statement_timeout: Duration::from_secs(10),
            lock_timeout: Duration::from_secs(3),
        }
    }
}

/// The connections to all tenants, under the server's login.
#[derive(Debug, Clone)]
pub struct TenantDb {
    lanes: Arc<Lanes>,
}

/// A transaction inside one tenant, which is its tenant from birth to end.
#[must_use = "a transaction that is dropped is rolled back"]
pub struct TenantTx {
    // The order matters: the connection is back in its pool before the permit says that there is one.
    tx: Transaction,
    _permit: Permit,
}

impl TenantDb {
    /// Lanes to this database; connections are made when first needed.
    pub fn new(config: &PgConfig, settings: &TenantDbSettings) -> Self {
        let config = config.with_timeouts(settings.statement_timeout, settings.lock_timeout);
        let pools = (0..settings.lanes.max(1))
            .map(|_| Pool::new(config.clone(), settings.pool.clone()))
            .collect();
        Self {
            lanes: Arc::new(Lanes::new(
                pools,
                settings.pool.size,
                settings.share,
                settings.pool.wait,
            )),
        }
    }

    /// A transaction that can only read (`READ ONLY`).
    pub async fn read(&self, tenant: &ActiveTenant) -> Result<TenantTx, PgError> {
        self.open(tenant, opening("begin read only", tenant)).await
    }

    /// A transaction that may write; its rows and audit entries bear the actor and the request.
    pub async fn write(
        &self,
        tenant: &ActiveTenant,
        actor: &Actor,
        request_id: &str,
    ) -> Result<TenantTx, PgError> {
        let mut opening = opening("begin", tenant);
        let (actor, request_id) = (quote_literal(&actor.to_string()), quote_literal(request_id));
        write!(
            opening,
            "; set local tenantry.actor = {actor}; set local tenantry.request_id = {request_id}"
        )
        .expect("writing to a String cannot fail");
        self.open(tenant, opening).await
    }

    /// Closes all connections: the idle ones now, the others when their transaction ends.
    pub fn close(&self) {
        self.lanes.close();
    }

    async fn open(&self, tenant: &ActiveTenant, sql: String) -> Result<TenantTx, PgError> {
        let scope = format!("{}@{}", tenant.schema(), tenant.template_version()).into();
        let (permit, pool) = self
            .lanes
            .enter(tenant.schema())
            .await
            .map_err(|_| PgError::Unavailable("every connection stayed busy".into()))?;
        let tx = Transaction::begin(pool, Opening { scope, sql }).await?;
        Ok(TenantTx { tx, _permit: permit })
    }
}

impl TenantTx {
    /// The rows of the transaction's one statement; its parameters are texts whose types PostgreSQL infers. Opening,
    /// statement and COMMIT are one network flight.
    pub(crate) async fn finish(self, sql: &str, params: &[TextParam<'_>]) -> Result<Vec<Row>, PgError> {
        // Destructured so that the permit outlives the connection here too.
        let Self { tx, _permit } = self;
        tx.finish_text(sql, params).await
    }

    /// Makes everything permanent.
    pub async fn commit(self) -> Result<(), PgError> {
        let Self { tx, _permit } = self;
        tx.commit().await
    }

    /// Undoes everything, and waits until it is done.
    pub async fn rollback(self) -> Result<(), PgError> {
        let Self { tx, _permit } = self;
        tx.rollback().await
    }
}

/// What a transaction of a tenant begins with: its role and its schema, for this transaction only.
fn opening(begin: &str, tenant: &ActiveTenant) -> String {
    let (role, path) = (tenant.schema().read_write_role(), tenant.schema().search_path());
    format!("{begin}; set local role {role}; set local search_path = {path}")
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
