//! One transaction whose opening, statement and COMMIT travel in one network flight.
//!
//! tokio-postgres pipelines: requests whose futures are polled together are written together and answered in
//! order. [`Transaction`] uses that twice. Its opening (`BEGIN` and every `SET LOCAL`) is not sent when it is made
//! but with its first statement; and [`Transaction::finish_text`] sends the last statement with the COMMIT behind
//! it. PostgreSQL turns a COMMIT after a failed statement into a ROLLBACK (documentation of `COMMIT`), so sending
//! it early can make nothing permanent that did not succeed.

use std::sync::Arc;

use futures_util::TryStreamExt;
use futures_util::future::{join, join3};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, Row, Statement};

use super::pool::{Known, Leased, Pool};
use super::sqlstate::PgError;

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

/// A parameter sent in text form, its type left to PostgreSQL: NULL or the text that the type's input function
/// reads.
#[derive(Debug)]
pub struct TextParam<'a>(pub Option<&'a str>);

impl ToSql for TextParam<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self.0 {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
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

    /// The rows of the transaction's last statement, whose parameters are texts: opening (where unsent), statement and
    /// COMMIT in one flight. The rows are returned only when the COMMIT was answered too.
    pub async fn finish_text(mut self, sql: &str, params: &[TextParam<'_>]) -> Result<Vec<Row>, PgError> {
        if self.failed {
            return Err(PgError::Aborted);
        }
        self.send_last(sql, params).await
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
        let known = self.connection.look_up(&self.scope, sql);
        let (client, open) = self.opening();
        let outcome = if let Known::Prepared(statement) = &known {
            let (opened, outcome) = join(open, run(client, statement, params)).await;
            opened.map_err(PgError::of_opening)?;
            outcome
        } else {
            // Typed parameters need the server's word on their types, so the first time takes one flight more.
            let (opened, prepared) = join(open, client.prepare(sql)).await;
            opened.map_err(PgError::of_opening)?;
            let statement = prepared.map_err(PgError::of_statement)?;
            let outcome = run(client, &statement, params).await;
            self.connection.keep(&self.scope, sql, statement);
            outcome
        };
        if outcome.as_ref().is_err_and(is_stale) {
            self.connection.forget(&self.scope, sql);
        }
        let outcome = outcome.map_err(PgError::of_statement)?;
        self.failed = before;
        Ok(outcome)
    }

    async fn send_last(&mut self, sql: &str, params: &[TextParam<'_>]) -> Result<Vec<Row>, PgError> {
        let before = self.doubt();
        let known = self.connection.look_up(&self.scope, sql);
        let (client, open) = self.opening();
        let close = client.batch_execute("commit");
        let run = async {
            match &known {
                Known::Prepared(statement) => {
                    let params: Vec<&(dyn ToSql + Sync)> =
                        params.iter().map(|p| p as &(dyn ToSql + Sync)).collect();
                    (client.query(statement, &params).await, None)
                }
                // Once is executed unnamed; from the second time on it is worth a name, and preparing it travels
                // in the same flight.
                Known::New => (client.query_typed(sql, &unknown(params)).await, None),
                Known::Again => {
                    let typed = unknown(params);
                    let (prepared, rows) = join(client.prepare(sql), client.query_typed(sql, &typed)).await;
                    // A refused PREPARE aborts the transaction, and what came behind it tells only that.
                    match prepared {
                        Ok(statement) => (rows, Some(statement)),
                        Err(refused) => (Err(refused), None),
                    }
                }
            }
        };
        // join3 polls in this order, and each future writes its message when first polled: the order on the wire.
        let (opened, (rows, prepared), closed) = join3(open, run, close).await;

        if let Some(statement) = prepared {
            self.connection.keep(&self.scope, sql, statement);
        }
        if closed.is_ok() {
            self.connection.open = false;
        }
        opened.map_err(PgError::of_opening)?;
        if rows.as_ref().is_err_and(is_stale) {
            self.connection.forget(&self.scope, sql);
        }
        let rows = rows.map_err(PgError::of_statement)?;
        closed.map_err(PgError::of_statement)?;
        self.failed = before;
        Ok(rows)
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

/// The rows of a prepared statement, and how many it touched.
async fn run(
    client: &Client,
    statement: &Statement,
    params: &[&(dyn ToSql + Sync)],
) -> Result<(Vec<Row>, u64), tokio_postgres::Error> {
    let stream = client.query_raw(statement, params.iter().copied()).await?;
    let mut stream = std::pin::pin!(stream);
    let mut rows = Vec::new();
    while let Some(row) = stream.try_next().await? {
        rows.push(row);
    }
    Ok((rows, stream.rows_affected().unwrap_or(0)))
}

fn unknown<'a>(params: &'a [TextParam<'_>]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    params
        .iter()
        .map(|p| (p as &(dyn ToSql + Sync), Type::UNKNOWN))
        .collect()
}
