//! A job: one login and its session, which visits one tenant after the other.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::pg::flight::{Column, Failed, FlightConnection, Next, Step, TextRow};
use catalog::pg::server_error::ServerError;
use catalog::pg::sqlstate::PgError;
use catalog::tenant_schemas::TenantSchema;
use secrecy::ExposeSecret as _;
use tokio::sync::mpsc::Sender;
use tokio::time::timeout;

use super::run::{describe, is_same};
use super::{Access, FleetSql, Query, Row, TenantFailure};
use crate::lifecycle::sql_login::{self, SqlLogin};

/// The rows of one fetch.
const FETCH: u32 = 500;

/// How much of a tenant's result is handed on at once, in bytes.
const PIECE: usize = 64 * 1024;

/// How many tenants a session visits before it is replaced: a backend keeps something of each.
const VISITS: usize = 100;

/// How long PostgreSQL may take to end what was given up.
const SETTLE: Duration = Duration::from_secs(5);

/// How much longer than PostgreSQL's own bound, which is of one fetch, all of them together may take.
const GRACE: Duration = Duration::from_millis(500);

/// What a job hands on.
#[derive(Debug)]
pub(super) enum Piece {
    /// Some rows.
    Rows(Vec<Row>),
    /// What was done, such as `SELECT 12`; the last piece of a tenant.
    Ended(String),
    /// Why it failed; the last piece too.
    Failed(TenantFailure),
    /// It was not asked, since too many had failed; the only piece.
    Skipped,
}

/// Why a visit ended before its time.
enum Stop {
    /// The tenant failed.
    Failed {
        sqlstate: Option<String>,
        message: String,
    },
    /// Nobody takes the rows.
    Unheard,
}

/// One login and its session.
pub(super) struct Job<'a> {
    fleet: &'a FleetSql<'a>,
    login: &'a SqlLogin,
    scope: Arc<str>,
    connection: Option<FlightConnection>,
    /// The role that the login is a member of.
    member_of: Option<String>,
    visits: usize,
}

impl<'a> Job<'a> {
    pub(super) fn new(fleet: &'a FleetSql<'a>, login: &'a SqlLogin) -> Self {
        Self {
            fleet,
            login,
            scope: "sql".into(),
            connection: None,
            member_of: None,
            visits: 0,
        }
    }

    /// What the columns of the statement are in this tenant.
    pub(super) async fn describe(
        &mut self,
        tenant: &TenantSchema,
        query: &Query,
    ) -> Result<Vec<Column>, TenantFailure> {
        let described = self.described(tenant, query).await;
        self.leave().await;
        described.map_err(|stop| failure(tenant, stop, 0))
    }

    async fn described(&mut self, tenant: &TenantSchema, query: &Query) -> Result<Vec<Column>, Stop> {
        self.enter(tenant).await?;
        let opening = Opening::of(self.fleet, tenant);
        let params = opening.params();
        let scope = Arc::clone(&self.scope);
        let steps = [opening.step(&scope, &params)];
        let mut left = self.fleet.settings.timeout + GRACE;
        let asked = statement(&scope, query);
        within(&mut left, self.connected().await?.describe(&steps, &asked)).await
    }

    /// Asks one tenant, and hands on what it says. Says whether it failed.
    pub(super) async fn visit(
        &mut self,
        tenant: &TenantSchema,
        query: &Query,
        columns: &[Column],
        out: &Sender<Piece>,
    ) -> bool {
        let mut given = 0;
        let asked = self.ask(tenant, query, columns, out, &mut given).await;
        self.leave().await;
        let (last, failed) = match asked {
            Ok(done) => (Piece::Ended(done), false),
            Err(stop) => (Piece::Failed(failure(tenant, stop, given)), true),
        };
        // Whoever has gone does not want to know.
        let _unheard = out.send(last).await;
        failed
    }

    async fn ask(
        &mut self,
        tenant: &TenantSchema,
        query: &Query,
        columns: &[Column],
        out: &Sender<Piece>,
        given: &mut u64,
    ) -> Result<String, Stop> {
        self.enter(tenant).await?;
        let opening = Opening::of(self.fleet, tenant);
        let params = opening.params();
        let scope = Arc::clone(&self.scope);
        let steps = [opening.step(&scope, &params)];
        let mut left = self.fleet.settings.timeout + GRACE;
        let writes = self.fleet.settings.access == Access::Write;
        let asked = statement(&scope, query);
        let connection = self.connected().await?;
        let own = within(&mut left, connection.open_query(&steps, &asked, FETCH)).await?;
        if !is_same(&own, columns) {
            let message = format!(
                "its columns are {}, not {} as in the tenants before",
                describe(&own),
                describe(columns)
            );
            let sqlstate = None;
            return Err(Stop::Failed { sqlstate, message });
        }
        let (mut rows, mut size) = (Vec::new(), 0);
        let done = loop {
            match within(&mut left, connection.next_row()).await? {
                Next::Row(row) => {
                    size += row_size(&row, own.len());
                    rows.push(cells(&row, own.len()));
                    if size >= PIECE {
                        size = 0;
                        hand_on(out, &mut rows, given).await?;
                    }
                }
                Next::Suspended => {
                    hand_on(out, &mut rows, given).await?;
                    connection
                        .fetch(FETCH)
                        .await
                        .map_err(|error| stop(Failed::Broken(error)))?;
                }
                Next::End(done) => break done,
            }
        };
        if writes {
            within(&mut left, connection.commit()).await?;
        }
        hand_on(out, &mut rows, given).await?;
        Ok(done)
    }

    /// Makes the login a member of the tenant's role, and of no other.
    async fn enter(&mut self, tenant: &TenantSchema) -> Result<(), Stop> {
        let role = sql_login::assumed(&tenant.schema, self.fleet.settings.access.reach());
        if self.member_of.as_ref() == Some(&role) {
            return Ok(());
        }
        let before = self.member_of.take();
        let entered = sql_login::enter(self.fleet.db, &self.login.role, before.as_deref(), &role).await;
        if entered.is_err() {
            // It may be a member of the one before: the next visit takes that away again.
            self.member_of = before;
        } else {
            self.member_of = Some(role);
        }
        entered.map_err(|error| stop(Failed::Broken(error)))
    }

    async fn connected(&mut self) -> Result<&mut FlightConnection, Stop> {
        if self.visits >= VISITS {
            self.connection = None;
        }
        let connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            self.visits = 0;
            let (role, bound) = (self.login.role.to_string(), self.fleet.settings.timeout);
            let config = self
                .fleet
                .config
                .with_login(&role, self.login.password.expose_secret());
            let config = config
                .for_tenants(bound, bound)
                .with_application_name("tenantry sql");
            FlightConnection::connect(&config, NonZeroUsize::MIN)
                .await
                .map_err(|error| stop(Failed::Broken(error)))?
        };
        self.visits += 1;
        Ok(self.connection.insert(connection))
    }

    /// Ends the transaction, if it has not ended, and makes the session as good as new; where that does not work, it is
    /// closed.
    async fn leave(&mut self) {
        let Some(mut connection) = self.connection.take() else {
            return;
        };
        let left = timeout(SETTLE, async {
            connection.settle().await.map_err(Failed::Broken)?;
            connection.forget_session().await
        });
        if matches!(left.await, Ok(Ok(()))) {
            self.connection = Some(connection);
        }
    }
}

/// What opens a tenant's transaction. `set_config` with `true` is `SET LOCAL`; from left to right, so that the role comes
/// when everything it could forbid is done.
struct Opening {
    sql: &'static str,
    params: [String; 5],
}

const READ: &str = "select pg_catalog.set_config('transaction_read_only', 'on', true), \
    pg_catalog.set_config('statement_timeout', $1, true), \
    pg_catalog.set_config('idle_in_transaction_session_timeout', $2, true), \
    pg_catalog.set_config('tenantry.actor', $3, true), \
    pg_catalog.set_config('search_path', $4, true), pg_catalog.set_config('role', $5, true)";

const WRITE: &str = "select pg_catalog.set_config('statement_timeout', $1, true), \
    pg_catalog.set_config('idle_in_transaction_session_timeout', $2, true), \
    pg_catalog.set_config('tenantry.actor', $3, true), \
    pg_catalog.set_config('search_path', $4, true), pg_catalog.set_config('role', $5, true)";

impl Opening {
    fn of(fleet: &FleetSql<'_>, tenant: &TenantSchema) -> Self {
        let access = fleet.settings.access;
        Self {
            sql: if access == Access::Read { READ } else { WRITE },
            params: [
                fleet.settings.timeout.as_millis().max(1).to_string(),
                // Whoever takes the rows may take their time.
                "0".to_owned(),
                fleet.actor.to_string(),
                tenant.schema.search_path(),
                sql_login::assumed(&tenant.schema, access.reach()),
            ],
        }
    }

    fn params(&self) -> [Option<&str>; 5] {
        self.params.each_ref().map(|param| Some(param.as_str()))
    }

    fn step<'s>(&self, scope: &'s Arc<str>, params: &'s [Option<&'s str>; 5]) -> Step<'s> {
        Step {
            scope,
            sql: self.sql,
            params,
        }
    }
}

fn statement<'s>(scope: &'s Arc<str>, query: &'s Query) -> Step<'s> {
    Step {
        scope,
        sql: query.text(),
        params: &[],
    }
}

/// Waits for PostgreSQL, but no longer than is left.
async fn within<T>(left: &mut Duration, work: impl Future<Output = Result<T, Failed>>) -> Result<T, Stop> {
    let begun = Instant::now();
    let done = timeout(*left, work).await;
    *left = left.saturating_sub(begun.elapsed());
    match done {
        Ok(done) => done.map_err(stop),
        Err(_) => Err(Stop::Failed {
            sqlstate: Some("57014".to_owned()),
            message: "its rows took longer than --timeout".to_owned(),
        }),
    }
}

async fn hand_on(out: &Sender<Piece>, rows: &mut Vec<Row>, given: &mut u64) -> Result<(), Stop> {
    if rows.is_empty() {
        return Ok(());
    }
    *given += rows.len() as u64;
    let piece = Piece::Rows(std::mem::take(rows));
    out.send(piece).await.map_err(|_| Stop::Unheard)
}

fn row_size(row: &TextRow, columns: usize) -> usize {
    (0..columns)
        .map(|column| row.text(column).map_or(0, str::len))
        .sum::<usize>()
        + columns * 24
}

pub(crate) fn cells(row: &TextRow, columns: usize) -> Row {
    (0..columns)
        .map(|column| row.text(column).map(str::to_owned))
        .collect()
}

fn failure(tenant: &TenantSchema, stop: Stop, rows: u64) -> TenantFailure {
    let (sqlstate, message) = match stop {
        Stop::Failed { sqlstate, message } => (sqlstate, message),
        Stop::Unheard => (None, "nobody took its rows".to_owned()),
    };
    TenantFailure {
        slug: tenant.slug.clone(),
        version: tenant.template_version,
        sqlstate,
        message,
        rows,
    }
}

fn stop(failed: Failed) -> Stop {
    let (sqlstate, message) = match failed {
        Failed::Refused { said, .. } => told(&said),
        Failed::Broken(error) => match error.db() {
            Some(said) => told(said),
            None => (None, PgError::explain(&error)),
        },
    };
    Stop::Failed { sqlstate, message }
}

fn told(said: &ServerError) -> (Option<String>, String) {
    let mut message = said.message.to_string();
    for (word, more) in [("detail", &said.detail), ("hint", &said.hint)] {
        if let Some(more) = more {
            // Writing to a String cannot fail.
            let _ = write!(message, "; {word}: {more}");
        }
    }
    (Some(said.sqlstate.to_string()), message)
}
