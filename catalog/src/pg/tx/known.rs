//! What a connection knows of a statement with typed parameters after the first time.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row, Statement};

/// What was learnt when the statement was first prepared.
#[derive(Clone)]
pub(crate) enum Known {
    /// It stays prepared in the session.
    Prepared(Statement),
    /// The types of its parameters. Behind a pooler the next transaction has another session, in which nothing is prepared;
    /// a statement whose types are told needs no name, and still only one flight.
    Types(Arc<[Type]>),
}

impl Known {
    /// What to keep of a statement that was just prepared. Where it cannot stay, the driver closes it now: the message goes
    /// out before whatever is sent next, so that nothing of it is left when the session becomes somebody else's.
    pub(super) fn of(statement: Statement, pooled: bool) -> Self {
        if pooled {
            Self::Types(statement.params().into())
        } else {
            Self::Prepared(statement)
        }
    }

    /// The rows of the statement, and how many it touched.
    pub(super) async fn run(
        &self,
        client: &Client,
        sql: &str,
        params: &[&(dyn ToSql + Sync)],
    ) -> Result<(Vec<Row>, u64), tokio_postgres::Error> {
        let stream = match self {
            Self::Prepared(statement) => client.query_raw(statement, params.iter().copied()).await?,
            Self::Types(types) => {
                let pairs = params.iter().copied().zip(types.iter().cloned());
                client.query_typed_raw(sql, pairs).await?
            }
        };
        let mut stream = std::pin::pin!(stream);
        let mut rows = Vec::new();
        while let Some(row) = stream.try_next().await? {
            rows.push(row);
        }
        Ok((rows, stream.rows_affected().unwrap_or(0)))
    }
}
