//! A transaction of several statements. Its opening travels with the first of them.
//!
//! tokio-postgres pipelines: requests whose futures are polled together are written together and answered in
//! order. [`Transaction`] uses that for its opening (`BEGIN` and every `SET LOCAL`), which is not sent when it is made
//! but with its first statement. A transaction of one statement that is known beforehand is a
//! [`flight`](super::flight) instead.

mod copying;
mod known;
mod together;

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use futures_util::future::join;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

pub use self::copying::{CopyIn, CopyOut};
pub(crate) use self::known::Known;
pub use self::together::{Flown, Queued, Texts};
use super::pool::{Leased, Pool};
use super::sqlstate::PgError;
use super::statements::Statements;

/// The beginning of a transaction: the statements that open it, and the name under which its prepared statements
/// are kept (statements belong to a scope, since a name means another table under another `search_path`).
#[derive(Debug, Clone)]
pub struct Opening {
    /// Names what a prepared statement depends on: the schema and its template version, or `catalog`.
    pub scope: Arc<str>,
    /// `begin …; set local …; …`, sent by the simple protocol as one message.
    pub sql: String,
}

/// An open transaction, or one that will be opened together with its first statement.
///
/// Dropping it rolls back: the connection is marked, and ROLLBACK is the first thing it is sent before anybody
/// else may use it.
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Transaction {
    connection: Leased,
    scope: Arc<str>,
    unsent: Option<String>,
    failed: bool,
}

impl Transaction {
    /// Leases a connection for a transaction; nothing is sent yet.
    pub async fn begin(pool: &Pool, opening: Opening) -> Result<Self, PgError> {
        let mut connection = pool.lease().await?;
        connection.serve(&opening.scope);
        Ok(Self {
            connection,
            scope: opening.scope,
            unsent: Some(opening.sql),
            failed: false,
        })
    }

    /// Notes that the transaction works on another scope too: it counts against what its connection may serve.
    pub fn touch(&mut self, scope: &str) {
        self.connection.serve(&scope.into());
    }

    /// All rows of a statement with typed parameters.
    pub async fn rows(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, PgError> {
        Ok(self.send_typed(sql, params).await?.0)
    }

    /// The first row of a statement, if it gives any.
    pub async fn row(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, PgError> {
        Ok(self.send_typed(sql, params).await?.0.into_iter().next())
    }

    /// Goes back to a savepoint: what has failed since then does not count.
    pub async fn rollback_to(&mut self, savepoint: &'static str) -> Result<(), PgError> {
        self.batch(&format!("rollback to savepoint {savepoint}")).await?;
        self.failed = false;
        Ok(())
    }

    /// The number of rows a statement touched.
    pub async fn execute(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, PgError> {
        Ok(self.send_typed(sql, params).await?.1)
    }

    /// Several statements without parameters, by the simple protocol. They join the transaction; a text that ends
    /// it by itself is a mistake of the caller's.
    pub async fn batch(&mut self, sql: &str) -> Result<(), PgError> {
        let before = self.doubt();
        let (client, open) = self.opening();
        let (opened, done) = join(open, client.batch_execute(sql)).await;
        opened.map_err(PgError::of_opening)?;
        done.map_err(PgError::of_statement)?;
        self.failed = before;
        Ok(())
    }

    /// The same, and where one of them failed, how many before it had been carried out.
    pub async fn batch_counted(&mut self, sql: &str) -> Result<(), (PgError, usize)> {
        let before = self.doubt();
        let (client, open) = self.opening();
        let (opened, done) = join(open, together::counted(client, sql)).await;
        opened.map_err(|error| (PgError::of_opening(error), 0))?;
        done?;
        self.failed = before;
        Ok(())
    }

    /// The rows of one statement without parameters as texts, by the simple protocol: nothing is prepared, for what is
    /// asked once.
    pub async fn texts(&mut self, sql: &str) -> Result<Vec<Texts>, PgError> {
        let before = self.doubt();
        let (client, open) = self.opening();
        let (opened, answered) = join(open, client.simple_query(sql)).await;
        opened.map_err(PgError::of_opening)?;
        let messages = answered.map_err(PgError::of_statement)?;
        self.failed = before;
        Ok(together::texts(&messages))
    }

    /// Lets the snapshot of the last statement go, until there is another: what waits for those who may see an older state
    /// (`create index concurrently`) does not wait for a transaction that rests. The driver's statements leave their portal
    /// open, and with it the snapshot (PostgreSQL documentation, section 55.2.3); one by the simple protocol closes it.
    pub async fn rest(&mut self) -> Result<(), PgError> {
        self.batch("show transaction_isolation").await
    }

    /// Makes everything permanent. Deferred constraints speak here. After a failed statement it is an error: the
    /// server would answer COMMIT with a ROLLBACK and no word of complaint.
    pub async fn commit(mut self) -> Result<(), PgError> {
        if self.failed {
            self.end("rollback").await?;
            return Err(PgError::Aborted);
        }
        self.end("commit").await
    }

    /// Undoes everything, and waits until it is done.
    pub async fn rollback(mut self) -> Result<(), PgError> {
        self.end("rollback").await
    }

    async fn end(&mut self, how: &str) -> Result<(), PgError> {
        if self.unsent.take().is_some() {
            return Ok(());
        }
        self.connection
            .client
            .batch_execute(how)
            .await
            .map_err(PgError::of_statement)?;
        self.connection.open = false;
        Ok(())
    }

    /// Holds the transaction for failed until the statement about to be sent has succeeded, and returns what it was
    /// held for before: a statement whose future is dropped half-way leaves the doubt in place.
    fn doubt(&mut self) -> bool {
        std::mem::replace(&mut self.failed, true)
    }

    /// The client, and the sending of the opening where it is still unsent. The future's first poll writes it, so
    /// whatever is polled after it comes after it on the wire.
    fn opening(&mut self) -> (&Client, impl Future<Output = Result<(), tokio_postgres::Error>>) {
        let unsent = self.unsent.take();
        self.connection.open = true;
        let client = &self.connection.client;
        let open = async move {
            match unsent {
                Some(opening) => client.batch_execute(&opening).await,
                None => Ok(()),
            }
        };
        (client, open)
    }

    async fn send_typed(
        &mut self,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<(Vec<Row>, u64), PgError> {
        let before = self.doubt();
        let pooled = self.connection.pooled;
        let known = self.connection.statements.get(&self.scope, sql).cloned();
        let (client, open) = self.opening();
        let outcome = if let Some(known) = &known {
            let (opened, outcome) = join(open, known.run(client, sql, params)).await;
            opened.map_err(PgError::of_opening)?;
            outcome
        } else {
            // Typed parameters need the server's word on their types, so the first time takes one flight more.
            let (opened, prepared) = join(open, client.prepare(sql)).await;
            opened.map_err(PgError::of_opening)?;
            let known = Known::of(prepared.map_err(PgError::of_statement)?, pooled);
            let outcome = known.run(client, sql, params).await;
            if Statements::<Known>::keeps(sql) {
                // What it displaces is closed by the driver when dropped.
                self.connection.statements.keep(&self.scope, sql, known);
            }
            outcome
        };
        if outcome.as_ref().is_err_and(is_stale) {
            self.connection.statements.forget(&self.scope, sql);
        }
        let outcome = outcome.map_err(PgError::of_statement)?;
        self.failed = before;
        Ok(outcome)
    }
}

impl Drop for Transaction {
    /// Behind a pooler an open transaction keeps a session of the server's from everybody, also while its connection lies
    /// in our pool: so its end is sent at once. Elsewhere it is sent when the connection is wanted again, which is when
    /// its answer can be waited for.
    fn drop(&mut self) {
        if self.connection.open && self.connection.pooled {
            let mut rollback = pin!(self.connection.client.batch_execute("rollback"));
            // The first poll sends it. The connection stays marked: whoever takes it next waits until it is in order.
            let _answer_to_come = rollback.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// Whether a statement must be prepared anew: the tables under it have changed (0A000, "cached plan must not change
/// result type"), or a pooler has handed the session to another server connection (26000, no such statement).
fn is_stale(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|state| {
        [
            SqlState::FEATURE_NOT_SUPPORTED,
            SqlState::INVALID_SQL_STATEMENT_NAME,
        ]
        .contains(state)
    })
}
