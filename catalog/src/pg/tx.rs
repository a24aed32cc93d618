//! One transaction whose opening, statement and COMMIT travel in one network flight.
//!
//! tokio-postgres pipelines: requests whose futures are polled together are written together and answered in
//! order. [`Transaction`] uses that twice. Its opening (`BEGIN` and every `SET LOCAL`) is not sent when it is made
//! but with its first statement; and [`Transaction::finish_text`] sends the last statement with the COMMIT behind
//! it. PostgreSQL turns a COMMIT after a failed statement into a ROLLBACK (documentation of `COMMIT`), so sending
//! it early can make nothing permanent that did not succeed.

use std::sync::Arc;

use futures_util::future::{join, join3};
use tokio_postgres::types::{Format, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Row, Statement};

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
        })
    }

    /// All rows of a statement with typed parameters.
    pub async fn rows(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, PgError> {
        let statement = self.prepared(sql).await?;
        self.connection
            .client
            .query(&statement, params)
            .await
            .map_err(PgError::of_statement)
    }

    /// The row of a statement that gives at most one.
    pub async fn row(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, PgError> {
        let statement = self.prepared(sql).await?;
        self.connection
            .client
            .query_opt(&statement, params)
            .await
            .map_err(PgError::of_statement)
    }

    /// The number of rows a statement touched.
    pub async fn execute(&mut self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, PgError> {
        let statement = self.prepared(sql).await?;
        self.connection
            .client
            .execute(&statement, params)
            .await
            .map_err(PgError::of_statement)
    }

    /// Several statements without parameters, by the simple protocol. They join the transaction; a text that ends
    /// it by itself is a mistake of the caller's.
    pub async fn batch(&mut self, sql: &str) -> Result<(), PgError> {
        self.open().await?;
        self.connection
            .client
            .batch_execute(sql)
            .await
            .map_err(PgError::of_statement)
    }

    /// Sends the opening alone, for work that must fail before anything else is sent.
    pub async fn open(&mut self) -> Result<(), PgError> {
        match self.unsent.take() {
            Some(opening) => {
                self.connection.open = true;
                self.connection
                    .client
                    .batch_execute(&opening)
                    .await
                    .map_err(PgError::of_opening)
            }
            None => Ok(()),
        }
    }

    /// The rows of a statement whose parameters are texts, within the transaction.
    pub async fn text_rows(&mut self, sql: &str, params: &[TextParam<'_>]) -> Result<Vec<Row>, PgError> {
        self.send_text(sql, params, false).await
    }

    /// The same as the transaction's last act: opening (where unsent), statement and COMMIT in one flight. The rows
    /// are returned only when the COMMIT was answered too.
    pub async fn finish_text(mut self, sql: &str, params: &[TextParam<'_>]) -> Result<Vec<Row>, PgError> {
        self.send_text(sql, params, true).await
    }

    /// Makes everything permanent. Deferred constraints speak here.
    pub async fn commit(mut self) -> Result<(), PgError> {
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

    /// A prepared statement; the first time, preparing it shares a flight with the opening.
    async fn prepared(&mut self, sql: &str) -> Result<Statement, PgError> {
        if let Known::Prepared(statement) = self.connection.look_up(&self.scope, sql) {
            self.open().await?;
            return Ok(statement);
        }
        let opening = self.unsent.take();
        self.connection.open = true;
        let client = &self.connection.client;
        let open = async {
            match &opening {
                Some(opening) => client.batch_execute(opening).await,
                None => Ok(()),
            }
        };
        let (opened, prepared) = join(open, client.prepare(sql)).await;
        opened.map_err(PgError::of_opening)?;
        let statement = prepared.map_err(PgError::of_statement)?;
        self.connection.keep(&self.scope, sql, statement.clone());
        Ok(statement)
    }

    async fn send_text(
        &mut self,
        sql: &str,
        params: &[TextParam<'_>],
        last: bool,
    ) -> Result<Vec<Row>, PgError> {
        let known = self.connection.look_up(&self.scope, sql);
        let opening = self.unsent.take();
        self.connection.open = true;

        let client = &self.connection.client;
        let open = async {
            match &opening {
                Some(opening) => client.batch_execute(opening).await,
                None => Ok(()),
            }
        };
        let close = async {
            if last {
                client.batch_execute("commit").await
            } else {
                Ok(())
            }
        };
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
                    (rows, prepared.ok())
                }
            }
        };
        // join3 polls in this order, and each future writes its message when first polled: the order on the wire.
        let (opened, (rows, prepared), closed) = join3(open, run, close).await;

        if let Some(statement) = prepared {
            self.connection.keep(&self.scope, sql, statement);
        }
        if last && closed.is_ok() {
            self.connection.open = false;
        }
        opened.map_err(PgError::of_opening)?;
        if rows.is_err() {
            self.connection.forget(&self.scope, sql);
        }
        let rows = rows.map_err(PgError::of_statement)?;
        closed.map_err(PgError::of_statement)?;
        Ok(rows)
    }
}

fn unknown<'a>(params: &'a [TextParam<'_>]) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    params
        .iter()
        .map(|p| (p as &(dyn ToSql + Sync), Type::UNKNOWN))
        .collect()
}
