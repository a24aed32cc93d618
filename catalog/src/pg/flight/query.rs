//! One statement in a transaction of its own: what its columns are, its rows by way of a portal, and an end that can also be
//! a commit. For exports, and for what somebody else has written.
//!
//! It goes by the extended protocol, in which a text is one statement: PostgreSQL refuses several (documentation, section
//! 55.2.3).

use std::io;

use fallible_iterator::FallibleIterator as _;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

use super::portal::{PORTAL, most};
use super::{Failed, FlightConnection, Progress, Step, bind, parse, unexpected};
use crate::pg::server_error::ServerError;
use crate::pg::sqlstate::PgError;

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type, by its row in `pg_type`.
    pub type_oid: u32,
}

impl FlightConnection {
    /// Begins a transaction, runs the steps in it, says what the columns of the statement are (none where it gives no
    /// rows) and runs it as far as its first `rows`. [`Self::next_row`] gives them; [`Self::commit`] makes the
    /// transaction permanent, [`Self::settle`] undoes it.
    pub async fn open_query(
        &mut self,
        steps: &[Step<'_>],
        query: &Step<'_>,
        rows: u32,
    ) -> Result<Vec<Column>, Failed> {
        self.begin_query(steps, query, Some(rows)).await
    }

    /// Begins a transaction, runs the steps in it and says what the columns of the statement are, without running it.
    pub async fn describe(&mut self, steps: &[Step<'_>], query: &Step<'_>) -> Result<Vec<Column>, Failed> {
        let columns = self.begin_query(steps, query, None).await?;
        self.discard().await.map_err(lost)?;
        Ok(columns)
    }

    /// Makes the transaction permanent, after the last row was taken.
    pub async fn commit(&mut self) -> Result<(), Failed> {
        self.plain("commit").await
    }

    /// Makes the session as good as new, outside of a transaction: settings, temporary tables, advisory locks, what is
    /// prepared and listened to.
    pub async fn forget_session(&mut self) -> Result<(), Failed> {
        self.plain("discard all").await
    }

    async fn begin_query(
        &mut self,
        steps: &[Step<'_>],
        query: &Step<'_>,
        rows: Option<u32>,
    ) -> Result<Vec<Column>, Failed> {
        if self.owes() {
            let owing = PgError::Unavailable("the connection still owes an answer".into());
            return Err(Failed::Broken(owing));
        }
        self.outbox.clear();
        self.write_query(steps, query, rows).map_err(Failed::Broken)?;
        self.progress = Progress::Sending;
        let begun = match self.send().await {
            Ok(()) => self.await_columns().await,
            Err(error) => Err(error),
        };
        begun.map_err(lost)?
    }

    fn write_query(
        &mut self,
        steps: &[Step<'_>],
        query: &Step<'_>,
        rows: Option<u32>,
    ) -> Result<(), PgError> {
        let out = &mut self.outbox;
        let begin = Step {
            scope: query.scope,
            sql: "begin",
            params: &[],
        };
        for step in std::iter::once(&begin).chain(steps) {
            parse("", step.sql, out)?;
            bind("", "", step.params, out)?;
            frontend::execute("", 0, out).map_err(PgError::unsendable)?;
        }
        parse("", query.sql, out)?;
        bind(PORTAL, "", query.params, out)?;
        frontend::describe(b'P', PORTAL, out).map_err(PgError::unsendable)?;
        if let Some(rows) = rows {
            frontend::execute(PORTAL, most(rows), out).map_err(PgError::unsendable)?;
        }
        frontend::sync(out);
        Ok(())
    }

    /// Reads until the portal was described. A refusal is told as of the step it is of.
    async fn await_columns(&mut self) -> io::Result<Result<Vec<Column>, Failed>> {
        let mut done = 0_usize;
        loop {
            match self.receive().await? {
                Message::CommandComplete(_) => done += 1,
                Message::NoData => return Ok(Ok(Vec::new())),
                Message::RowDescription(body) => {
                    let column = |field: postgres_protocol::message::backend::Field<'_>| {
                        Ok(Column {
                            name: field.name().to_owned(),
                            type_oid: field.type_oid(),
                        })
                    };
                    return Ok(Ok(body.fields().map(column).collect()?));
                }
                Message::ErrorResponse(body) => {
                    let said = ServerError::of_fields(body.fields());
                    self.discard_what_follows().await;
                    // `begin` is no step of the caller's.
                    let step = done.saturating_sub(1);
                    return Ok(Err(Failed::Refused { step, said }));
                }
                Message::ReadyForQuery(_) => return Err(unexpected("the answer of another flight")),
                _ => {}
            }
        }
    }

    /// One statement of ours by the simple protocol.
    async fn plain(&mut self, sql: &str) -> Result<(), Failed> {
        if self.progress != Progress::Answered {
            let owing = PgError::Unavailable("the connection still owes an answer".into());
            return Err(Failed::Broken(owing));
        }
        self.outbox.clear();
        frontend::query(sql, &mut self.outbox).map_err(|error| Failed::Broken(PgError::unsendable(error)))?;
        self.progress = Progress::Sending;
        self.send().await.map_err(lost)?;
        let mut refused = None;
        loop {
            match self.receive().await.map_err(lost)? {
                Message::ErrorResponse(body) => {
                    let said = ServerError::of_fields(body.fields());
                    refused.get_or_insert(Failed::Refused { step: 0, said });
                }
                Message::ReadyForQuery(ready) => {
                    self.landed(ready.status());
                    return refused.map_or(Ok(()), Err);
                }
                _ => {}
            }
        }
    }
}

fn lost(error: io::Error) -> Failed {
    Failed::Broken(PgError::lost(error))
}
