//! COPY inside a transaction: a table's rows as a stream, out of the server or into it, with flat memory.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::future::join;
use futures_util::{SinkExt as _, TryStreamExt as _};
use tokio_postgres::{CopyInSink, CopyOutStream};

use super::Transaction;
use crate::pg::sqlstate::PgError;

/// Rows on their way out. The transaction counts as failed until the last was taken.
#[must_use = "rows that are not taken to the end leave the transaction failed"]
pub struct CopyOut<'a> {
    stream: Pin<Box<CopyOutStream>>,
    failed: &'a mut bool,
    before: bool,
}

/// Rows on their way in. The transaction counts as failed until [`CopyIn::finish`] has succeeded.
#[must_use = "rows that are not finished leave the transaction failed"]
pub struct CopyIn<'a> {
    sink: Pin<Box<CopyInSink<Bytes>>>,
    failed: &'a mut bool,
    before: bool,
}

impl Transaction {
    /// Begins `copy … to stdout`.
    pub async fn copy_out(&mut self, sql: &str) -> Result<CopyOut<'_>, PgError> {
        let before = self.doubt();
        let (client, open) = self.opening();
        let (opened, stream) = join(open, client.copy_out(sql)).await;
        opened.map_err(PgError::of_opening)?;
        let stream = stream.map_err(PgError::of_statement)?;
        Ok(CopyOut {
            stream: Box::pin(stream),
            failed: &mut self.failed,
            before,
        })
    }

    /// Begins `copy … from stdin`.
    pub async fn copy_in(&mut self, sql: &str) -> Result<CopyIn<'_>, PgError> {
        let before = self.doubt();
        let (client, open) = self.opening();
        let (opened, sink) = join(open, client.copy_in::<_, Bytes>(sql)).await;
        opened.map_err(PgError::of_opening)?;
        let sink = sink.map_err(PgError::of_statement)?;
        Ok(CopyIn {
            sink: Box::pin(sink),
            failed: &mut self.failed,
            before,
        })
    }
}

impl CopyOut<'_> {
    /// The next bytes, `None` behind the last row. In the text format PostgreSQL sends a row at a time.
    pub async fn next(&mut self) -> Result<Option<Bytes>, PgError> {
        let next = self.stream.try_next().await.map_err(PgError::of_statement)?;
        if next.is_none() {
            *self.failed = self.before;
        }
        Ok(next)
    }
}

impl CopyIn<'_> {
    /// Sends bytes, which need not end where a row does; waits while the connection is busy.
    pub async fn send(&mut self, bytes: Bytes) -> Result<(), PgError> {
        self.sink.feed(bytes).await.map_err(PgError::of_statement)
    }

    /// Says that this was all, and how many rows it was.
    pub async fn finish(mut self) -> Result<u64, PgError> {
        let rows = self.sink.as_mut().finish().await.map_err(PgError::of_statement)?;
        *self.failed = self.before;
        Ok(rows)
    }
}
