//! A connection on which a whole transaction is one network flight.
//!
//! All statements of a transaction are written together and end with *one* Sync: PostgreSQL runs what stands between two
//! Syncs as one transaction, which the Sync commits, or which the first refused statement undoes whole, with everything
//! behind it skipped (documentation, sections 55.2.3 and 55.2.4). So there is no BEGIN and no COMMIT to pay for, the server
//! flushes its answer once, and a transaction cannot be left open: what was sent whole ends by itself, and the connection of
//! what was not is closed, which undoes it. The driver cannot send this (it ends every statement with a Sync of its own), so
//! it only makes the connection (`dial`); from then on the messages are written and read here, by the one task that waits for
//! them.
//!
//! Dropping a flight's future half-way leaves its answer owed. [`FlightConnection::settle`] collects it before anybody
//! else may use the connection. Any answer that is not the one which was expected closes the connection: an answer can
//! never be taken for another flight's.

mod answer;
mod dial;
mod messages;
mod portal;
mod query;

use std::collections::HashSet;
use std::io;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use lru::LruCache;
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _, ReadBuf};
use tokio_postgres::CancelToken;

pub use self::answer::TextRow;
use self::dial::{Place, Socket};
use self::messages::{bind, parse};
pub use self::portal::Next;
pub use self::query::Column;
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

/// How far the last flight has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// It has been answered: the connection is ready.
    Answered,
    /// Its messages are being written. Stopped here it must never be completed: whoever asked has gone.
    Sending,
    /// It was written whole, and its answer is owed.
    Sent,
    /// A cancel request for it is on its way, and would hit whatever runs when it arrives.
    Cancelling,
}

/// The size above which an empty buffer is given back, in bytes.
const ROOMY: usize = 256 * 1024;

/// A connection, ready or owing an answer.
pub struct FlightConnection {
    config: PgConfig,
    place: Place,
    cancel: CancelToken,
    socket: Socket,
    inbox: BytesMut,
    outbox: BytesMut,
    progress: Progress,
    /// True while the server is inside a transaction that was begun by name and has not ended.
    in_block: bool,
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
                        progress: Progress::Answered,
                        in_block: false,
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

    /// Notes that the connection serves this scope.
    pub fn serve(&mut self, scope: &Arc<str>) {
        if !self.scopes.contains(scope) {
            self.scopes.insert(Arc::clone(scope));
        }
    }

    /// Whether an abandoned flight is still to be settled.
    pub fn owes(&self) -> bool {
        self.progress != Progress::Answered || self.in_block
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
    ///
    /// An error means that the connection must be closed.
    pub async fn settle(&mut self) -> Result<(), PgError> {
        match self.progress {
            Progress::Answered => {}
            Progress::Sent => self.collect().await.map_err(PgError::lost)?,
            Progress::Sending | Progress::Cancelling => {
                return Err(PgError::Unavailable("a request was given up half-way".into()));
            }
        }
        if self.in_block {
            frontend::query("rollback", &mut self.outbox).map_err(PgError::lost)?;
            self.progress = Progress::Sending;
            self.send().await.map_err(PgError::lost)?;
            self.discard().await.map_err(PgError::lost)?;
        }
        self.listen()
    }

    /// Sends all steps as one transaction, waits until it has ended, and returns the rows of each step in `wanted`.
    ///
    /// Everything is written before anything is read, so the steps before the last must have short answers: a server that
    /// cannot get rid of its answer reads no more.
    ///
    /// A statement that must be prepared anew, because the tables under it have changed or a pooler has handed the session
    /// to another server connection, is sent once more: nothing of the first time has remained.
    pub async fn fly(
        &mut self,
        steps: &[Step<'_>],
        wanted: Range<usize>,
    ) -> Result<Vec<Vec<TextRow>>, Failed> {
        match self.fly_once(steps, wanted.clone()).await {
            Err(Failed::Refused { step, said }) if self.forget_stale(steps, step, &said) => {}
            outcome => return outcome,
        }
        // A transaction that was begun by name is still to be left.
        self.settle().await.map_err(Failed::Broken)?;
        self.fly_once(steps, wanted).await
    }

    async fn fly_once(
        &mut self,
        steps: &[Step<'_>],
        wanted: Range<usize>,
    ) -> Result<Vec<Vec<TextRow>>, Failed> {
        if self.owes() {
            let owing = PgError::Unavailable("the connection still owes an answer".into());
            return Err(Failed::Broken(owing));
        }
        let sent = self.write(steps).map_err(Failed::Broken)?;
        let landed = self.exchange(steps.len(), wanted).await;
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
        let mut out = std::mem::take(&mut self.outbox);
        out.clear();
        for name in &self.closing {
            frontend::close(b'S', name, &mut out).map_err(PgError::unsendable)?;
        }
        let mut fresh = Vec::new();
        let mut all = Vec::with_capacity(steps.len());
        for step in steps {
            let sent = self.way_of(step);
            match &sent {
                Sent::Named(name) => bind("", name, step.params, &mut out)?,
                Sent::Naming(name) => {
                    // Until the flight has succeeded the name may or may not exist, and closing one that does not is no
                    // error.
                    fresh.push(Arc::clone(name));
                    parse(name, step.sql, &mut out)?;
                    bind("", name, step.params, &mut out)?;
                }
                Sent::Unnamed => {
                    parse("", step.sql, &mut out)?;
                    bind("", "", step.params, &mut out)?;
                }
            }
            frontend::execute("", 0, &mut out).map_err(PgError::unsendable)?;
            all.push(sent);
        }
        frontend::sync(&mut out);
        self.outbox = out;
        self.closing = fresh;
        self.progress = Progress::Sending;
        Ok(all)
    }

    /// How a statement is best sent. The first time its text comes along, in whatever scope, it may be the last.
    fn way_of(&mut self, step: &Step<'_>) -> Sent {
        if self.config.is_pooled() {
            // The next flight is another session's.
            return Sent::Unnamed;
        }
        if let Some(name) = self.statements.get(step.scope, step.sql) {
            return Sent::Named(Arc::clone(name));
        }
        let is_known = self.seen.put(self.statements.hash(step.sql), ()).is_some();
        if !is_known || !Statements::<Name>::keeps(step.sql) {
            return Sent::Unnamed;
        }
        self.names += 1;
        // Other connections' names differ, so that a pooler which mixes sessions up cannot mix statements up.
        let own = self.statements.hash("") & 0xffff_ffff;
        Sent::Naming(format!("t{own:08x}_{}", self.names).into())
    }

    /// Forgets the statements of a flight that failed at this step for their being out of date; says whether there were
    /// any.
    fn forget_stale(&mut self, steps: &[Step<'_>], step: usize, said: &ServerError) -> bool {
        let stale = match &*said.sqlstate {
            // "cached plan must not change result type"; other things that are not supported have this state too.
            "0A000" => steps.get(step..=step).unwrap_or_default(),
            // "prepared statement does not exist", and one that exists already: the session is another one.
            "26000" | "42P05" => steps,
            _ => return false,
        };
        let stale = stale
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
        wanted: Range<usize>,
    ) -> io::Result<Result<Vec<Vec<TextRow>>, Failed>> {
        self.send().await?;
        let (mut done, mut refused) = (0_usize, None);
        let mut rows = vec![Vec::new(); wanted.len()];
        loop {
            let message = match self.receive().await {
                Ok(message) => message,
                // The server's last word before it closed the connection says more than the end of the stream.
                Err(error) => return refused.map_or(Err(error), |last_word| Ok(Err(last_word))),
            };
            match message {
                Message::DataRow(row) => {
                    let step = done.checked_sub(wanted.start).and_then(|step| rows.get_mut(step));
                    if let Some(rows) = step {
                        rows.push(TextRow::of(&row)?);
                    }
                }
                Message::CommandComplete(_) | Message::EmptyQueryResponse => done += 1,
                Message::ErrorResponse(body) => {
                    let said = ServerError::of_fields(body.fields());
                    refused.get_or_insert(Failed::Refused { step: done, said });
                }
                Message::ReadyForQuery(ready) => {
                    if refused.is_none() && done != steps {
                        return Err(unexpected("the answer of another flight"));
                    }
                    self.landed(ready.status());
                    return Ok(refused.map_or(Ok(rows), Err));
                }
                Message::CopyInResponse(_) | Message::CopyOutResponse(_) => {
                    return Err(unexpected("a COPY"));
                }
                _ => {}
            }
        }
    }

    fn landed(&mut self, status: u8) {
        self.progress = Progress::Answered;
        self.in_block = status != b'I';
        for buffer in [&mut self.inbox, &mut self.outbox] {
            if buffer.is_empty() && buffer.capacity() > ROOMY {
                *buffer = BytesMut::new();
            }
        }
    }

    /// Collects the answer of an abandoned flight. If it does not come soon, what still runs is cancelled.
    ///
    /// A cancel request names a connection, not a statement (PostgreSQL documentation, section 55.2.8). It is safe here
    /// because the connection is handed on only after the server has dealt with it and the flight was answered: whatever it
    /// hits is ours, and in between statements the server ignores it.
    ///
    /// A pooler of transactions may have lent the session to somebody else by the time the request arrives. There the
    /// connection is closed; the pooler closes its own to the server, which notices that
    /// ([`PgConfig::is_pooled`](super::config::PgConfig::is_pooled), and who opens transactions says how soon).
    async fn collect(&mut self) -> io::Result<()> {
        if let Ok(collected) = tokio::time::timeout(ABANDONED, self.discard()).await {
            return collected;
        }
        if self.config.is_pooled() {
            return Err(io::Error::other(
                "an abandoned statement still runs behind the pooler",
            ));
        }
        self.progress = Progress::Cancelling;
        dial::cancel(&self.config, &self.place, &self.cancel)
            .await
            .map_err(io::Error::other)?;
        self.discard().await
    }

    async fn discard(&mut self) -> io::Result<()> {
        loop {
            if let Message::ReadyForQuery(ready) = self.receive().await? {
                self.landed(ready.status());
                return Ok(());
            }
        }
    }

    async fn send(&mut self) -> io::Result<()> {
        self.socket.write_all_buf(&mut self.outbox).await?;
        self.socket.flush().await?;
        self.progress = Progress::Sent;
        Ok(())
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
    fn listen(&mut self) -> Result<(), PgError> {
        self.hear().map_err(PgError::lost)?;
        while let Some(message) = Message::parse(&mut self.inbox).map_err(PgError::lost)? {
            match message {
                Message::NoticeResponse(_)
                | Message::NotificationResponse(_)
                | Message::ParameterStatus(_) => {}
                Message::ErrorResponse(body) => {
                    return Err(PgError::Unavailable(Box::new(ServerError::of_fields(
                        body.fields(),
                    ))));
                }
                _ => return Err(PgError::lost(unexpected("an answer that nobody asked for"))),
            }
        }
        Ok(())
    }

    fn hear(&mut self) -> io::Result<()> {
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
        Ok(())
    }
}

impl Drop for FlightConnection {
    /// Says goodbye if the socket takes it at once, so that the server does not log a lost connection.
    fn drop(&mut self) {
        if self.progress == Progress::Sending {
            return;
        }
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
            .field("progress", &self.progress)
            .field("served", &self.scopes.len())
            .finish_non_exhaustive()
    }
}

fn unexpected(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
