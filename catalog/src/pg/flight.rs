//! A connection on which a whole transaction is one network flight.
//!
//! All statements of a transaction are written together and end with *one* Sync: PostgreSQL runs what stands between two
//! Syncs as one transaction, which the Sync commits, or which the first refused statement undoes whole, with everything
//! behind it skipped (documentation, section 55.2.3). So there is no BEGIN and no COMMIT to pay for, the server flushes
//! its answer once, and a transaction cannot be left open: what was not sent whole is undone, what was sent whole ends by
//! itself. The driver cannot send this (it ends every statement with a Sync of its own), so it only makes the connection
//! ([`dial`]); from then on the messages are written and read here, by the one task that waits for them.
//!
//! Dropping a flight's future half-way leaves its answer owed. [`FlightConnection::settle`] collects it before anybody
//! else may use the connection.

mod answer;
mod dial;

use std::collections::HashSet;
use std::io;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use lru::LruCache;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _, ReadBuf};
use tokio_postgres::CancelToken;

pub use self::answer::TextRow;
use self::dial::{Place, Socket};
use super::config::PgConfig;
use super::server_error::ServerError;
use super::sqlstate::PgError;
use super::statements::Statements;

/// One statement of a flight, its parameters as texts whose types PostgreSQL infers.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// What the names in it depend on: statements are kept by scope.
    pub scope: &'a Arc<str>,
    /// The statement.
    pub sql: &'a str,
    /// Its parameters: NULL, or a text that the type's input function reads.
    pub params: &'a [Option<&'a str>],
}

/// Why a flight failed; all of it is undone.
#[derive(Debug)]
pub enum Failed {
    /// The server refused the step with this number, counted from zero; the number of steps if it refused to commit.
    Refused {
        /// Which one.
        step: usize,
        /// Why.
        said: ServerError,
    },
    /// The connection broke, or could not be used as asked.
    Broken(PgError),
}

/// How long an abandoned statement may still run when its connection is wanted.
const ABANDONED: Duration = Duration::from_millis(20);

/// How many texts a connection remembers to have seen.
const SEEN: NonZeroUsize = NonZeroUsize::new(1024).expect("1024 is not zero");

/// The room made for an answer before each read, in bytes.
const READ: usize = 8 * 1024;

/// A connection, ready or owing an answer.
pub struct FlightConnection {
    config: PgConfig,
    place: Place,
    cancel: CancelToken,
    socket: Socket,
    inbox: BytesMut,
    outbox: BytesMut,
    /// True from the moment a flight is written until its last message was read.
    owes: bool,
    /// True while the server is inside a transaction that was begun by name and refused something.
    failed: bool,
    statements: Statements<Name>,
    /// Texts that came before, in whatever scope: worth a name.
    seen: LruCache<u64, ()>,
    /// Names to be given up with the next flight.
    closing: Vec<Name>,
    names: u64,
    scopes: HashSet<Arc<str>>,
    born: Instant,
}

/// The name of a prepared statement.
type Name = Arc<str>;

/// How a step is sent.
enum Sent {
    /// By the name it has.
    Named(Name),
    /// Under a name it gets with this flight.
    Naming(Name),
    /// Without a name: it may not come again.
    Unnamed,
}

impl FlightConnection {
    /// Connects to the first of the configured hosts that accepts; at most `statements` are kept prepared.
    pub async fn connect(config: &PgConfig, statements: NonZeroUsize) -> Result<Self, PgError> {
        let mut refused = PgError::Unavailable("the connection URL names no host".into());
        for place in dial::places(config) {
            match dial::open(config, &place).await {
                Ok((socket, cancel)) => {
                    return Ok(Self {
                        config: config.clone(),
                        place,
                        cancel,
                        socket,
                        inbox: BytesMut::new(),
                        outbox: BytesMut::new(),
                        owes: false,
                        failed: false,
                        statements: Statements::new(statements),
                        seen: LruCache::new(SEEN),
                        closing: Vec::new(),
                        names: 0,
                        scopes: HashSet::new(),
                        born: Instant::now(),
                    });
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Notes that the connection serves this scope; returns how many it has served.
    pub fn serve(&mut self, scope: &Arc<str>) -> usize {
        if !self.scopes.contains(scope) {
            self.scopes.insert(Arc::clone(scope));
        }
        self.scopes.len()
    }

    /// How many scopes the connection has served.
    pub fn served(&self) -> usize {
        self.scopes.len()
    }

    /// How long ago the connection was made.
    pub fn age(&self) -> Duration {
        self.born.elapsed()
    }

    /// Makes the connection ready for its next flight: collects what it still owes, cancels what nobody waits for any
    /// more, and finds out whether the server has closed it meanwhile. A connection that is ready costs this nothing.
    pub async fn settle(&mut self) -> Result<(), PgError> {
        if self.owes {
            self.collect().await.map_err(PgError::lost)?;
        }
        if self.failed {
            frontend::query("rollback", &mut self.outbox).map_err(PgError::lost)?;
            self.owes = true;
            self.discard().await.map_err(PgError::lost)?;
        }
        self.listen().map_err(PgError::lost)
    }

    /// Sends all steps as one transaction, waits until it is committed, and returns the rows of each step from step
    /// `first` on.
    ///
    /// A statement that must be prepared anew, because the tables under it have changed or a pooler has handed the session
    /// to another server connection, is sent once more: nothing of the first time has remained.
    pub async fn fly(&mut self, steps: &[Step<'_>], first: usize) -> Result<Vec<Vec<TextRow>>, Failed> {
        match self.fly_once(steps, first).await {
            Err(Failed::Refused { step, said }) if self.forget_stale(steps, &said) => {
                drop((step, said));
                self.fly_once(steps, first).await
            }
            outcome => outcome,
        }
    }

    async fn fly_once(&mut self, steps: &[Step<'_>], first: usize) -> Result<Vec<Vec<TextRow>>, Failed> {
        let sent = self.write(steps).map_err(Failed::Broken)?;
        let landed = self.exchange(steps.len(), first).await;
        let landed = landed.map_err(|error| Failed::Broken(PgError::lost(error)))?;
        let rows = landed?;
        for (step, sent) in steps.iter().zip(sent) {
            if let Sent::Naming(name) = sent {
                self.closing.retain(|closing| *closing != name);
                self.closing
                    .extend(self.statements.keep(step.scope, step.sql, name));
            }
        }
        Ok(rows)
    }

    /// Puts the messages of a flight into the outbox.
    fn write(&mut self, steps: &[Step<'_>]) -> Result<Vec<Sent>, PgError> {
        let mut out = BytesMut::new();
        std::mem::swap(&mut out, &mut self.outbox);
        out.clear();
        for name in std::mem::take(&mut self.closing) {
            frontend::close(b'S', &name, &mut out).map_err(PgError::unsendable)?;
        }
        let mut all = Vec::with_capacity(steps.len());
        for step in steps {
            let sent = self.way_of(step);
            match &sent {
                Sent::Named(name) => bind(name, step.params, &mut out)?,
                Sent::Naming(name) => {
                    // Until the flight has succeeded the name may or may not exist, and closing one that does not is no
                    // error.
                    self.closing.push(name.clone());
                    parse(name, step.sql, &mut out)?;
                    bind(name, step.params, &mut out)?;
                }
                Sent::Unnamed => {
                    parse("", step.sql, &mut out)?;
                    bind("", step.params, &mut out)?;
                }
            }
            frontend::execute("", 0, &mut out).map_err(PgError::unsendable)?;
            all.push(sent);
        }
        frontend::sync(&mut out);
        self.outbox = out;
        self.owes = true;
        Ok(all)
    }

    /// How a statement is best sent. The first time its text comes along, in whatever scope, it may be the last.
    fn way_of(&mut self, step: &Step<'_>) -> Sent {
        if let Some(name) = self.statements.get(step.scope, step.sql) {
            return Sent::Named(Arc::clone(name));
        }
        let is_known = self.seen.put(self.statements.hash(step.sql), ()).is_some();
        if !is_known || !Statements::<Name>::keeps(step.sql) {
            return Sent::Unnamed;
        }
        self.names += 1;
        Sent::Naming(format!("s{}", self.names).into())
    }

    /// Forgets the statements of a flight that failed for being out of date; says whether there were any.
    fn forget_stale(&mut self, steps: &[Step<'_>], said: &ServerError) -> bool {
        // 0A000 "cached plan must not change result type", 26000 "prepared statement does not exist".
        if !["0A000", "26000"].contains(&&*said.sqlstate) {
            return false;
        }
        let stale = steps
            .iter()
            .filter_map(|step| self.statements.forget(step.scope, step.sql));
        let before = self.closing.len();
        self.closing.extend(stale);
        self.closing.len() > before
    }

    /// Writes the outbox and reads until the server is ready again.
    async fn exchange(
        &mut self,
        steps: usize,
        first: usize,
    ) -> io::Result<Result<Vec<Vec<TextRow>>, Failed>> {
        self.flush().await?;
        let (mut done, mut refused) = (0_usize, None);
        let mut rows = vec![Vec::new(); steps.saturating_sub(first)];
        loop {
            let message = match (self.receive().await, refused.take()) {
                (Ok(message), before) => {
                    refused = before;
                    message
                }
                // The server's last word before it closed the connection says more than the end of the stream.
                (Err(_), Some(last_word)) => return Ok(Err(last_word)),
                (Err(error), None) => return Err(error),
            };
            match message {
                Message::DataRow(row) => {
                    if let Some(wanted) = done.checked_sub(first).and_then(|step| rows.get_mut(step)) {
                        wanted.push(TextRow::of(&row)?);
                    }
                }
                Message::CommandComplete(_) | Message::EmptyQueryResponse => done += 1,
                Message::ErrorResponse(body) => {
                    let said = ServerError::of_fields(body.fields());
                    refused.get_or_insert(Failed::Refused { step: done, said });
                }
                Message::ReadyForQuery(ready) => {
                    self.landed(ready.status());
                    return Ok(refused.map_or(Ok(rows), Err));
                }
                _ => {}
            }
        }
    }

    fn landed(&mut self, status: u8) {
        self.owes = false;
        self.failed = status != b'I';
    }

    /// Collects the answer of an abandoned flight. If it does not come soon, what still runs is cancelled.
    ///
    /// A cancel request names a connection, not a statement (PostgreSQL documentation, section 55.2.8). It is safe here
    /// because the connection is handed on only after both it and the flight were answered: whatever it hits is ours, and
    /// in between statements the server ignores it.
    async fn collect(&mut self) -> io::Result<()> {
        if let Ok(collected) = tokio::time::timeout(ABANDONED, self.discard()).await {
            return collected;
        }
        dial::cancel(&self.config, &self.place, &self.cancel)
            .await
            .map_err(io::Error::other)?;
        self.discard().await
    }

    async fn discard(&mut self) -> io::Result<()> {
        self.flush().await?;
        loop {
            if let Message::ReadyForQuery(ready) = self.receive().await? {
                self.landed(ready.status());
                return Ok(());
            }
        }
    }

    /// Sends what is left in the outbox; what was sent is gone from it, so a dropped future loses nothing.
    async fn flush(&mut self) -> io::Result<()> {
        self.socket.write_all_buf(&mut self.outbox).await?;
        self.socket.flush().await
    }

    async fn receive(&mut self) -> io::Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.inbox)? {
                return Ok(message);
            }
            self.inbox.reserve(READ);
            if self.socket.read_buf(&mut self.inbox).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Takes note of what the server has said unasked: notices are of no interest, an error or an end of the stream means
    /// that the session is over. The runtime knows whether there is something to read, so this is no system call.
    fn listen(&mut self) -> io::Result<()> {
        let mut room = [0; 1024];
        let mut buffer = ReadBuf::new(&mut room);
        let mut context = Context::from_waker(Waker::noop());
        while let Poll::Ready(read) = Pin::new(&mut self.socket).poll_read(&mut context, &mut buffer) {
            read?;
            if buffer.filled().is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.inbox.extend_from_slice(buffer.filled());
            buffer.clear();
        }
        while let Some(message) = Message::parse(&mut self.inbox)? {
            if let Message::ErrorResponse(body) = message {
                return Err(io::Error::other(ServerError::of_fields(body.fields())));
            }
        }
        Ok(())
    }
}

impl Drop for FlightConnection {
    /// Says goodbye if the socket takes it at once, so that the server does not log a lost connection.
    fn drop(&mut self) {
        let mut farewell = BytesMut::new();
        frontend::terminate(&mut farewell);
        let mut context = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut self.socket).poll_write(&mut context, &farewell);
        let _ = Pin::new(&mut self.socket).poll_flush(&mut context);
    }
}

impl std::fmt::Debug for FlightConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FlightConnection")
            .field("owes", &self.owes)
            .field("served", &self.scopes.len())
            .finish_non_exhaustive()
    }
}

fn parse(name: &str, sql: &str, out: &mut BytesMut) -> Result<(), PgError> {
    frontend::parse(name, sql, [], out).map_err(PgError::unsendable)
}

/// Parameters and results in text format.
fn bind(name: &str, params: &[Option<&str>], out: &mut BytesMut) -> Result<(), PgError> {
    let write = |param: Option<&str>, out: &mut BytesMut| {
        Ok(match param {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                IsNull::No
            }
            None => IsNull::Yes,
        })
    };
    frontend::bind("", name, [], params.iter().copied(), write, [], out).map_err(|error| match error {
        frontend::BindError::Conversion(error) => PgError::Protocol(error),
        frontend::BindError::Serialization(error) => PgError::unsendable(error),
    })
}
