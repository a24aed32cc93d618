//! Connections: bounded in number, in age by what they have seen, and in how long anything may wait for them.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use tokio::task::AbortHandle;
use tokio_postgres::Client;

use super::config::PgConfig;
use super::sqlstate::PgError;
use super::statements::Statements;
use super::tx::Known;

/// How many connections, what each may remember, and every bound on waiting.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    /// The most connections open at once.
    pub size: usize,
    /// How long a caller waits for a free one.
    pub wait: Duration,
    /// How long connecting may take, authentication included.
    pub create: Duration,
    /// How long a connection that was left inside a transaction may take to answer ROLLBACK before it is closed.
    pub recycle: Duration,
    /// The most prepared statements a connection keeps; the least recently used goes first.
    pub statements: NonZeroUsize,
    /// The most distinct scopes a connection serves before it is replaced: a backend's caches grow by about half a
    /// megabyte with every tenant's schema it touches and never shrink.
    pub scopes: usize,
    /// The least age at which a connection is replaced for that reason: a new backend begins with cold caches, so a
    /// fleet that is larger than `scopes` must not replace its connections all the time.
    pub youth: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            size: 4,
            wait: Duration::from_secs(3),
            create: Duration::from_secs(5),
            recycle: Duration::from_secs(2),
            statements: NonZeroUsize::new(1024).expect("1024 is not zero"),
            scopes: 500,
            youth: Duration::from_mins(1),
        }
    }
}

/// A pool of connections to one database under one login.
#[derive(Clone)]
pub struct Pool(managed::Pool<Manager>);

/// A connection out of a pool, back in it when dropped.
pub(crate) type Leased = managed::Object<Manager>;

impl Pool {
    /// A pool that connects when first asked.
    pub fn new(config: PgConfig, settings: PoolSettings) -> Self {
        let (size, wait, create) = (settings.size, settings.wait, settings.create);
        let pool = managed::Pool::builder(Manager { config, settings })
            .max_size(size)
            .wait_timeout(Some(wait))
            .create_timeout(Some(create))
            .runtime(deadpool::Runtime::Tokio1)
            .build()
            .expect("a runtime is given, so timeouts can be kept");
        Self(pool)
    }

    /// A connection, at once or after waiting its turn.
    pub(crate) async fn lease(&self) -> Result<Leased, PgError> {
        Ok(self.0.get().await?)
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("status", &self.0.status()).finish()
    }
}

/// Makes and inspects connections. Our own rather than deadpool-postgres' manager, because a connection carries
/// what that one has no place for: statements by scope, the scopes it has served, and whether a transaction may be
/// open on it, which spares a round trip at every checkout.
#[derive(Debug)]
pub(crate) struct Manager {
    config: PgConfig,
    settings: PoolSettings,
}

impl managed::Manager for Manager {
    type Type = Connection;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connection, tokio_postgres::Error> {
        let (client, driver) = self.config.driver().connect(self.config.tls()).await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "a database connection ended");
            }
        });
        Ok(Connection {
            client,
            pooled: self.config.is_pooled(),
            driver: driver.abort_handle(),
            open: false,
            statements: Statements::new(self.settings.statements),
            born: Instant::now(),
            scopes: HashSet::new(),
        })
    }

    /// Starts with ROLLBACK where a transaction may still be open (its future was dropped half-way, or its COMMIT
    /// got no answer); what was sent before is answered first, so the wait is bounded.
    async fn recycle(
        &self,
        connection: &mut Connection,
        _: &Metrics,
    ) -> RecycleResult<tokio_postgres::Error> {
        if connection.client.is_closed() {
            return Err(RecycleError::message("the connection is closed"));
        }
        if connection.scopes.len() > self.settings.scopes && connection.born.elapsed() >= self.settings.youth
        {
            return Err(RecycleError::message(
                "the connection has served its share of tenants",
            ));
        }
        if connection.open {
            tokio::time::timeout(self.settings.recycle, self.end_transaction(connection))
                .await
                .map_err(|_| RecycleError::message("ROLLBACK got no answer in time"))??;
            connection.open = false;
        }
        Ok(())
    }
}

impl Manager {
    /// Sends ROLLBACK; if a statement nobody waits for any more still runs before it, cancels that.
    ///
    /// A cancel request names a connection, not a statement, and the driver does not tell when the server has dealt with
    /// it (PostgreSQL documentation, section 55.2.8): so the connection is not used again. Behind a pooler of transactions
    /// the session may be somebody else's by then: there the connection is only closed, without waiting for an answer.
    async fn end_transaction(&self, connection: &Connection) -> RecycleResult<tokio_postgres::Error> {
        let rollback = connection.client.batch_execute("rollback");
        tokio::pin!(rollback);
        if let Ok(answered) = tokio::time::timeout(ABANDONED, &mut rollback).await {
            return Ok(answered?);
        }
        tracing::debug!("an abandoned statement is cancelled, and its connection closed");
        if self.config.is_pooled() {
            connection.driver.abort();
        } else {
            connection
                .client
                .cancel_token()
                .cancel_query(self.config.tls())
                .await?;
        }
        Err(RecycleError::message("a statement on it had to be cancelled"))
    }
}

/// How long an abandoned statement may still run when its connection is wanted.
const ABANDONED: Duration = Duration::from_millis(20);

/// One connection and what it remembers.
pub(crate) struct Connection {
    /// The driver's handle.
    pub(crate) client: Client,
    /// True from the moment a transaction is sent until its end was answered.
    pub(crate) open: bool,
    /// Whether every transaction on it is another session's.
    pub(super) pooled: bool,
    /// What ends it without a farewell.
    driver: AbortHandle,
    /// What is prepared on it, or known of what cannot be.
    pub(super) statements: Statements<Known>,
    born: Instant,
    scopes: HashSet<Arc<str>>,
}

impl Connection {
    /// Notes that the connection serves a scope.
    pub(crate) fn serve(&mut self, scope: &Arc<str>) {
        if !self.scopes.contains(scope) {
            self.scopes.insert(Arc::clone(scope));
        }
    }
}
