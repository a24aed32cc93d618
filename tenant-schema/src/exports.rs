//! Exports: all records of a list, taken from a cursor as fast as somebody takes them away.
//!
//! An export may last as long as a client needs to receive it, so it does not run on the lanes, which
//! ordinary requests need: it has a connection of its own, made for it and closed with it, and there are few of them, of
//! the server and of each tenant. Its transaction is opened like every other that reads: READ ONLY, the tenant's
//! `search_path` and role, all local. Nothing outlives it.
//!
//! Memory is flat on both sides. PostgreSQL makes the next row when it is fetched; rows are taken off the socket until a
//! piece is full, and the next piece is made when it is asked for. Of a single record there is never more than the bound
//! of an answer ([`Limits::answer_bytes`](crate::records::Limits::answer_bytes)).
//!
//! Only whoever reads knows whether PostgreSQL is being waited for or the client. So the bound of a fetch is kept by the
//! clock here, and PostgreSQL's own timeouts, which could not tell the two apart, only see to it that a session whose
//! server has fallen silent ends.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use catalog::pg::config::PgConfig;
use catalog::pg::flight::{Failed, FlightConnection, Next, Step};
use catalog::resolve::ActiveTenant;
use catalog::schema_name::SchemaName;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::lifecycle::version_mark;
use crate::records::{Fence, Lines, Prepared, PreparedExport, RecordError, fenced, refused, values};
use crate::tenant_db::{Bounds, Opening, Undone, may_be_moved};

/// How large a piece is before it is handed on, in bytes; with the last record it may be larger.
const PIECE: usize = 64 * 1024;

/// The rows of one fetch.
const FETCH: u32 = 1000;

/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long PostgreSQL may take to end what was given up.
const SETTLE: Duration = Duration::from_secs(2);

/// A connection's statements: it has one that is worth a name.
const STATEMENTS: NonZeroUsize = NonZeroUsize::MIN;

/// How many exports there may be, and every bound on waiting.
#[derive(Debug, Clone)]
pub struct ExportSettings {
    /// Exports of this server at once; each has a connection.
    pub at_once: usize,
    /// Exports of one tenant at once.
    pub of_one_tenant: usize,
    /// How long PostgreSQL may take to give the next record.
    pub fetch: Duration,
    /// How long a client may take nothing.
    pub stall: Duration,
    /// How long an export may take in all.
    pub duration: Duration,
}

impl Default for ExportSettings {
    fn default() -> Self {
        Self {
            at_once: 4,
            of_one_tenant: 2,
            fetch: Duration::from_mins(1),
            stall: Duration::from_secs(30),
            duration: Duration::from_hours(1),
        }
    }
}

/// The exports of a server.
#[derive(Debug)]
pub struct Exports {
    config: PgConfig,
    /// What each transaction says itself, where no session says it.
    bounds: Option<Bounds>,
    settings: ExportSettings,
    places: Arc<Semaphore>,
    held: Held,
}

/// How many exports each tenant has.
type Held = Arc<Mutex<HashMap<SchemaName, usize>>>;

/// There are as many exports as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// Of the server.
    OnServer,
    /// Of the tenant.
    OfTenant,
}

impl Exports {
    /// Exports from this database; connections are made when needed.
    pub(crate) fn new(config: &PgConfig, settings: &ExportSettings, lock: Duration) -> Self {
        // Twice what is waited for here, and so only where nobody waits here any more.
        let (statement, idle) = (settings.duration * 2, settings.stall * 2);
        let bounds = config
            .is_pooled()
            .then(|| Bounds::of_export(statement, lock, idle));
        Self {
            config: config.for_exports(statement, lock, idle),
            bounds,
            settings: settings.clone(),
            places: Arc::new(Semaphore::new(settings.at_once)),
            held: Held::default(),
        }
    }

    /// The bounds.
    pub fn settings(&self) -> &ExportSettings {
        &self.settings
    }

    /// Takes a place for an export of a tenant's records, whose transaction is opened so; nothing is sent yet.
    pub(crate) fn enter(
        &self,
        tenant: &ActiveTenant,
        opening: Opening,
        prepared: PreparedExport,
    ) -> Result<Export, NoPlace> {
        let place = Place::take(self, tenant.schema())?;
        Ok(Export {
            config: self.config.clone(),
            fetch: self.settings.fetch,
            scope: tenant.schema().as_str().into(),
            mark: version_mark::of(tenant.template_version()),
            text: fenced(tenant, &prepared.list, "body").into_owned(),
            opening: opening.bounded(self.bounds.clone()),
            prepared,
            connection: None,
            stage: Stage::Unopened,
            records: 0,
            _place: place,
        })
    }

    /// Waits until there are no exports; meanwhile none can begin.
    pub async fn ended(&self) {
        let all = u32::try_from(self.settings.at_once).unwrap_or(u32::MAX);
        // The semaphore is never closed, so there is nothing to be told but that all places are free.
        let _all = self.places.acquire_many(all).await;
    }
}

/// The right to one export, given back when dropped.
#[derive(Debug)]
struct Place {
    held: Held,
    tenant: SchemaName,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    fn take(exports: &Exports, tenant: &SchemaName) -> Result<Self, NoPlace> {
        let mut held = exports.held.lock().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = held.get(tenant).copied().unwrap_or_default();
        // The last place is for a tenant that has none.
        let is_last = exports.places.available_permits() == 1;
        if of_tenant >= exports.settings.of_one_tenant || of_tenant > 0 && is_last {
            return Err(NoPlace::OfTenant);
        }
        let permit = Arc::clone(&exports.places).try_acquire_owned();
        let permit = permit.map_err(|_| NoPlace::OnServer)?;
        held.insert(tenant.clone(), of_tenant + 1);
        Ok(Self {
            held: Arc::clone(&exports.held),
            tenant: tenant.clone(),
            _permit: permit,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.tenant);
            }
        }
    }
}

/// One export: its place, and its connection once the first piece was asked for.
#[derive(Debug)]
pub struct Export {
    config: PgConfig,
    fetch: Duration,
    scope: Arc<str>,
    mark: String,
    text: String,
    opening: Opening,
    prepared: PreparedExport,
    connection: Option<Box<FlightConnection>>,
    stage: Stage,
    records: u64,
    _place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was asked yet.
    Unopened,
    /// Rows of a fetch are on their way.
    Fetching,
    /// The next rows have to be asked for.
    Suspended,
    /// There are no more.
    Ended,
}

impl Export {
    /// The next piece: whole lines, or nothing when all records were given. After an error, [`Export::close`] is all
    /// that is left.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RecordError> {
        let lines = self.prepared.lines;
        let mut piece = Vec::new();
        if self.stage == Stage::Unopened {
            self.open().await?;
            if let Some(header) = &self.prepared.header {
                push(&mut piece, header.as_bytes(), lines);
            }
        }
        while piece.len() < PIECE && self.stage != Stage::Ended {
            self.advance(&mut piece, lines).await?;
        }
        Ok(Some(Bytes::from(piece)).filter(|piece| !piece.is_empty()))
    }

    /// How many records were given.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Ends the transaction, whatever of it is left, and closes the connection.
    pub async fn close(mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        match timeout(SETTLE, connection.settle()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(error = error.explain(), "an export's connection was lost"),
            Err(_) => tracing::debug!("an export's connection did not settle in time"),
        }
    }

    async fn open(&mut self) -> Result<(), RecordError> {
        let connect = Box::pin(FlightConnection::connect(&self.config, STATEMENTS));
        let made = timeout(CONNECT, connect)
            .await
            .map_err(|_| too_slow("to connect"))?;
        let connection = self.connection.insert(Box::new(made?));
        let opening = self.opening.params();
        let steps: Vec<_> = self.opening.steps(&self.scope, &opening).collect();
        let statement = self.prepared.list.query();
        let params = values(statement);
        let query = Step {
            scope: &self.scope,
            sql: &self.text,
            params: &params,
        };
        let opened = timeout(self.fetch, connection.open_query(&steps, &query, FETCH)).await;
        let opened = opened.map_err(|_| too_slow("to begin"))?;
        if let Err(failed) = opened {
            if self.prepared.list.fence != Fence::Open && may_be_moved(&failed) {
                connection.settle().await?;
                let mark = [Some(&*self.mark)];
                let check = Step {
                    scope: &self.scope,
                    sql: version_mark::CHECK,
                    params: &mark,
                };
                let asked: Vec<_> = steps.iter().copied().chain([check]).collect();
                let asked = connection.fly(&asked, 0..0).await;
                asked.map_err(|failed| said(failed, steps.len(), &self.prepared.list))?;
            }
            return Err(said(failed, steps.len(), &self.prepared.list));
        }
        self.stage = Stage::Fetching;
        Ok(())
    }

    /// Puts the next record behind the piece, or asks for more.
    async fn advance(&mut self, piece: &mut Vec<u8>, lines: Lines) -> Result<(), RecordError> {
        let Some(connection) = &mut self.connection else {
            return Err(RecordError::Unreadable("the export was not opened".to_owned()));
        };
        if self.stage == Stage::Suspended {
            connection.fetch(FETCH).await?;
            self.stage = Stage::Fetching;
        }
        let next = timeout(self.fetch, connection.next_row()).await;
        let next = next.map_err(|_| too_slow("to give the next record"))?;
        match next.map_err(|failed| said(failed, 0, &self.prepared.list))? {
            Next::Row(row) => {
                push(piece, &row.bytes(0).unwrap_or_default(), lines);
                self.records += 1;
            }
            Next::Suspended => self.stage = Stage::Suspended,
            Next::End(_) => self.stage = Stage::Ended,
        }
        Ok(())
    }
}

/// A record as a line.
fn push(piece: &mut Vec<u8>, record: &[u8], lines: Lines) {
    match lines {
        // PostgreSQL breaks the lines of arrays, and a value of type json is as it was written. Between quotes JSON has no
        // line break (RFC 8259, section 7), so each is white space here.
        Lines::Ndjson => {
            let blank = |byte: &u8| {
                if matches!(byte, b'\n' | b'\r') {
                    b' '
                } else {
                    *byte
                }
            };
            piece.extend(record.iter().map(blank));
            piece.push(b'\n');
        }
        // RFC 4180, section 2.1.
        Lines::Csv => {
            piece.extend_from_slice(record);
            piece.extend_from_slice(b"\r\n");
        }
    }
}

fn too_slow(what: &str) -> RecordError {
    RecordError::Unavailable(format!("PostgreSQL took too long {what}"))
}

/// What PostgreSQL said, with so many steps before the statement.
fn said(failed: Failed, steps: usize, prepared: &Prepared) -> RecordError {
    refused(Undone::of(failed, steps).error, prepared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_a_line() {
        let line = |record: &str, lines| {
            let mut piece = Vec::new();
            push(&mut piece, record.as_bytes(), lines);
            String::from_utf8(piece).unwrap()
        };
        assert_eq!(
            line("{\"a\":[1, \n 2],\"b\":\"x\\ny\"}", Lines::Ndjson),
            "{\"a\":[1,   2],\"b\":\"x\\ny\"}\n"
        );
        assert_eq!(line("1,\"a\nb\"", Lines::Csv), "1,\"a\nb\"\r\n");
    }
}
