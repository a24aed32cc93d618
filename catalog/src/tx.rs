//! Transactions on the catalog.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::ids::OrganizationId;
use crate::pg::config::PgConfig;
use crate::pg::pool::{Pool, PoolSettings};
use crate::pg::session::Session;
use crate::pg::sqlstate::PgError;
use crate::pg::tx::{Opening, Queued, Transaction};
use crate::schema_name::SchemaName;

/// The catalog's own pool of connections.
#[derive(Debug, Clone)]
pub struct CatalogDb {
    config: Arc<PgConfig>,
    pool: Pool,
    scope: Arc<str>,
}

/// A transaction that reads and writes the catalog. It is no way to a tenant's tables: `search_path` holds none,
/// and the server's login has no right on any.
#[must_use = "a transaction that is dropped is rolled back"]
pub struct CatalogTx {
    tx: Transaction,
}

/// Every bound of a catalog transaction, and a path on which nothing unqualified is found but extensions. What is read after
/// a lock is what its last holder left, whatever isolation the database prefers.
const OPENING: &str = "begin isolation level read committed; set local search_path = extensions, pg_temp; \
    set local statement_timeout = '15s'; set local lock_timeout = '5s'";

/// How many schemas one connection makes or migrates before it is replaced.
const SCHEMAS_PER_CONNECTION: usize = 32;

impl CatalogDb {
    /// A pool to this database; connections are made when first needed.
    ///
    /// A backend that makes or migrates schemas keeps the plans of every tenant's triggers, and each statement that
    /// changes a table goes through all of them: a thousand tenants on one connection took eight times as long each as
    /// the first hundred. So such a connection is replaced after some tens of tenants, however young it is.
    pub fn new(config: PgConfig, mut settings: PoolSettings) -> Self {
        settings.scopes = SCHEMAS_PER_CONNECTION;
        settings.youth = Duration::ZERO;
        Self {
            pool: Pool::new(config.clone(), settings),
            config: Arc::new(config),
            scope: "catalog".into(),
        }
    }

    /// A transaction without an organization. The owner sees every row. The server's login sees the tables that carry
    /// no organization (users and their credentials, signing keys); of the others it sees nothing, not even a row
    /// whose organization is null.
    pub async fn begin(&self) -> Result<CatalogTx, PgError> {
        self.open(OPENING.to_owned()).await
    }

    /// A transaction in which the server's login sees the rows of this organization and no other's (row-level
    /// security by the setting `tenantry.organization`).
    pub async fn begin_for(&self, organization: OrganizationId) -> Result<CatalogTx, PgError> {
        self.open(format!(
            "{OPENING}; set local tenantry.organization = '{organization}'"
        ))
        .await
    }

    /// A transaction that may take any length of time, and be left alone for any: for migrations, and for what is held
    /// while others work.
    pub async fn begin_unhurried(&self) -> Result<CatalogTx, PgError> {
        self.open(format!(
            "{OPENING}; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0"
        ))
        .await
    }

    /// A transaction without a statement timeout that waits so long for a lock, and may be left alone for any length of
    /// time: for a migration of the fleet. Its statements are planned once for each connection, not for each tenant.
    pub async fn begin_patient(&self, lock_timeout: Duration) -> Result<CatalogTx, PgError> {
        // Zero would mean for ever.
        let millis = lock_timeout.as_millis().max(1);
        self.open(format!(
            "{OPENING}; set local statement_timeout = 0; set local lock_timeout = {millis}; \
             set local idle_in_transaction_session_timeout = 0; \
             set local plan_cache_mode = force_generic_plan"
        ))
        .await
    }

    /// A transaction that waits so long for a lock, and that PostgreSQL ends by itself when a statement takes longer than
    /// `longest`, when nothing is said for that long, or when the client's machine is gone: for locks in others' way.
    pub async fn begin_bounded(
        &self,
        lock_timeout: Duration,
        longest: Duration,
    ) -> Result<CatalogTx, PgError> {
        // Zero would mean for ever.
        let (lock, longest) = (lock_timeout.as_millis().max(1), longest.as_millis().max(1));
        self.open(format!(
            "{OPENING}; set local statement_timeout = {longest}; set local lock_timeout = {lock}; \
             set local idle_in_transaction_session_timeout = {longest}; set local tcp_keepalives_idle = 10; \
             set local tcp_keepalives_interval = 5; set local tcp_keepalives_count = 3"
        ))
        .await
    }

    /// A transaction without a statement timeout in which every query sees the database as the first one did (REPEATABLE
    /// READ). What it writes is refused with 40001 where somebody else has changed the same row since.
    pub async fn begin_snapshot(&self) -> Result<CatalogTx, PgError> {
        self.open(format!(
            "{OPENING}; set local statement_timeout = 0; set transaction isolation level repeatable read"
        ))
        .await
    }

    /// The same for a transaction that only reads, and may be left alone for any length of time: somebody else may be slow
    /// to take what it reads. Its snapshot is of its first query, so that tables can be locked before.
    pub async fn begin_reading_snapshot(&self) -> Result<CatalogTx, PgError> {
        self.open(format!(
            "{OPENING}; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; \
             set transaction isolation level repeatable read, read only"
        ))
        .await
    }

    /// The same for one that writes too.
    pub async fn begin_patient_snapshot(&self) -> Result<CatalogTx, PgError> {
        self.open(format!(
            "{OPENING}; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; \
             set transaction isolation level repeatable read"
        ))
        .await
    }

    /// A read-only transaction without a statement timeout in which every query sees the database as the first one did,
    /// with memory and processors enough for queries over everything there is.
    pub async fn begin_survey(&self) -> Result<CatalogTx, PgError> {
        self.open(format!(
            "{OPENING}; set local statement_timeout = 0; set local work_mem = '64MB'; set local jit = off; \
             set local parallel_setup_cost = 100; set local parallel_tuple_cost = 0.001; \
             set local min_parallel_table_scan_size = '1MB'; \
             set transaction isolation level repeatable read, read only"
        ))
        .await
    }

    /// A session beside the pool, in which every statement is a transaction of its own: for what PostgreSQL refuses in one.
    /// Its `search_path` is on the schema, and a statement waits so long for others.
    pub async fn session(&self, schema: &SchemaName, wait: Duration) -> Result<Session, PgError> {
        Session::open(&self.config, schema, wait).await
    }

    async fn open(&self, sql: String) -> Result<CatalogTx, PgError> {
        let tx = Transaction::begin(
            &self.pool,
            Opening {
                scope: Arc::clone(&self.scope),
                sql,
            },
        )
        .await?;
        Ok(CatalogTx { tx })
    }
}

impl CatalogTx {
    pub(crate) async fn rows(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, PgError> {
        self.tx.rows(sql, params).await
    }

    pub(crate) async fn row(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, PgError> {
        self.tx.row(sql, params).await
    }

    pub(crate) async fn execute(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, PgError> {
        self.tx.execute(sql, params).await
    }

    /// The transaction beneath, for the lifecycle: a tenant's schema is made in the transaction that enters it in
    /// the catalog.
    pub fn transaction(&mut self) -> &mut Transaction {
        &mut self.tx
    }

    /// Makes everything permanent.
    pub async fn commit(self) -> Result<(), PgError> {
        self.tx.commit().await
    }

    /// Sends plain statements (there may be none) and these, and makes everything permanent, in one network flight.
    /// Where one fails, nothing is.
    pub async fn commit_after<const N: usize>(self, plain: &str, queued: [Queued; N]) -> Result<(), PgError> {
        self.tx.commit_after(plain, queued).await
    }

    /// Undoes everything, and waits until it is done.
    pub async fn rollback(self) -> Result<(), PgError> {
        self.tx.rollback().await
    }
}
