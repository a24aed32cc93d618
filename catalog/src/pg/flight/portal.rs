//! A statement whose rows are fetched a few at a time: PostgreSQL's own cursor, a portal (documentation, section 55.2.3).
//!
//! A portal ends with its transaction, and a Sync ends a transaction that was not begun by name. So this one begins with
//! `begin` ([`FlightConnection::open_query`]); every fetch is an Execute with a bound on its rows, and a Sync. Rows are taken off the socket one by one, when
//! they are asked for: whoever does not ask makes PostgreSQL wait, which holds neither side's memory.

use std::io;

use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;

use super::answer::TextRow;
use super::{Failed, FlightConnection, Progress, unexpected};
use crate::pg::server_error::ServerError;
use crate::pg::sqlstate::PgError;

/// The portal's name: a connection has one.
pub(super) const PORTAL: &str = "rows";

/// What a portal gives next.
#[derive(Debug)]
pub enum Next {
    /// A row.
    Row(TextRow),
    /// The rows of this fetch were all given; there may be more.
    Suspended,
    /// There are no more rows, and this is what was done, such as `SELECT 12` or `UPDATE 3`.
    End(String),
}

impl FlightConnection {
    /// Asks for the next rows of the portal.
    pub async fn fetch(&mut self, rows: u32) -> Result<(), PgError> {
        if self.progress != Progress::Answered || !self.in_block {
            return Err(PgError::Unavailable("there is no portal to fetch from".into()));
        }
        self.outbox.clear();
        frontend::execute(PORTAL, most(rows), &mut self.outbox).map_err(PgError::unsendable)?;
        frontend::sync(&mut self.outbox);
        self.progress = Progress::Sending;
        self.send().await.map_err(PgError::lost)
    }

    /// What the portal gives next. A refusal is told as the step behind all others.
    pub async fn next_row(&mut self) -> Result<Next, Failed> {
        let next = self.take_row().await;
        next.map_err(|error| Failed::Broken(PgError::lost(error)))?
    }

    async fn take_row(&mut self) -> io::Result<Result<Next, Failed>> {
        loop {
            let next = match self.receive().await? {
                Message::DataRow(row) => return Ok(Ok(Next::Row(TextRow::of(&row)?))),
                Message::PortalSuspended => Next::Suspended,
                Message::CommandComplete(done) => Next::End(done.tag()?.to_owned()),
                Message::EmptyQueryResponse => Next::End(String::new()),
                Message::ErrorResponse(body) => {
                    let said = ServerError::of_fields(body.fields());
                    self.discard_what_follows().await;
                    return Ok(Err(Failed::Refused {
                        step: usize::MAX,
                        said,
                    }));
                }
                Message::ReadyForQuery(_) => return Err(unexpected("the answer of another flight")),
                Message::CopyInResponse(_) | Message::CopyOutResponse(_) => return Err(unexpected("a COPY")),
                _ => continue,
            };
            self.discard().await?;
            return Ok(Ok(next));
        }
    }

    /// After a refusal nothing follows but the end of the flight, or of the connection when that was the refusal; then
    /// what was said counts.
    pub(super) async fn discard_what_follows(&mut self) {
        if let Err(error) = self.discard().await {
            tracing::debug!(%error, "a connection ended with a refusal");
        }
    }
}

/// Execute counts rows in a signed number, and none means all.
pub(super) fn most(rows: u32) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX).max(1)
}
