//! What opens a tenant's transaction: its bounds where the session has none of ours, and what pins it to its tenant.

use std::sync::Arc;
use std::time::Duration;

use catalog::actor::Actor;
use catalog::pg::flight::Step;
use catalog::resolve::ActiveTenant;

/// What opens a transaction: how it is bounded, the statement that pins it to its tenant, and the time zone that it
/// asks for.
#[derive(Debug)]
pub(crate) struct Opening {
    bounds: Option<Bounds>,
    sql: &'static str,
    params: Vec<String>,
    time_zone: Option<String>,
}

/// The bounds of a transaction whose session does not bring them along.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    sql: &'static str,
    params: Vec<String>,
}

/// The parameters of what opens a transaction, as its steps take them.
pub(crate) struct OpeningParams<'a> {
    bounds: Vec<Option<&'a str>>,
    pins: Vec<Option<&'a str>>,
    time_zone: [Option<&'a str>; 1],
}

/// How soon PostgreSQL notices that whoever asked has gone, where no cancel request can be sent.
const NOTICED: &str = "500ms";

/// The bounds of a statement and of a lock, and how soon a statement ends whose client has closed the connection.
/// `set_config` with `true` is `SET LOCAL` (PostgreSQL documentation, section 9.27.1).
pub(crate) const BOUNDED: &str = "select pg_catalog.set_config('statement_timeout', $1, true), \
    pg_catalog.set_config('lock_timeout', $2, true), \
    pg_catalog.set_config('client_connection_check_interval', $3, true)";

/// The bound of a statement alone.
pub(crate) const BOUNDED_STATEMENT: &str = "select pg_catalog.set_config('statement_timeout', $1, true)";

/// The bounds, with how long a transaction may wait for its next statement.
pub(crate) const BOUNDED_EXPORT: &str = "select pg_catalog.set_config('statement_timeout', $1, true), \
    pg_catalog.set_config('lock_timeout', $2, true), \
    pg_catalog.set_config('client_connection_check_interval', $3, true), \
    pg_catalog.set_config('idle_in_transaction_session_timeout', $4, true)";

/// The settings of a reading transaction; evaluated from left to right, so that the role comes when everything it could
/// forbid is done.
pub(crate) const READ: &str = "select pg_catalog.set_config('transaction_read_only', 'on', true), \
    pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('role', $2, true)";

/// The settings of a writing transaction, with what its triggers write into rows and audit entries.
pub(crate) const WRITE: &str = "select pg_catalog.set_config('tenantry.actor', $3, true), \
    pg_catalog.set_config('tenantry.request_id', $4, true), \
    pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('role', $2, true)";

/// The time zone of a transaction that asks for one.
pub(crate) const TIME_ZONE: &str = "select pg_catalog.set_config('TimeZone', $1, true)";

impl Bounds {
    /// The bounds of a request's transaction.
    pub(crate) fn new(statement: Duration, lock: Duration) -> Self {
        Self {
            sql: BOUNDED,
            params: vec![millis(statement), millis(lock), NOTICED.to_owned()],
        }
    }

    /// A statement's alone.
    pub(super) fn of_statement(statement: Duration) -> Self {
        Self {
            sql: BOUNDED_STATEMENT,
            params: vec![millis(statement)],
        }
    }

    /// The bounds of an export's.
    pub(crate) fn of_export(statement: Duration, lock: Duration, idle: Duration) -> Self {
        Self {
            sql: BOUNDED_EXPORT,
            params: vec![millis(statement), millis(lock), NOTICED.to_owned(), millis(idle)],
        }
    }
}

/// A length of time as PostgreSQL reads it; zero would mean that there is no bound.
fn millis(time: Duration) -> String {
    time.as_millis().max(1).to_string()
}

impl Opening {
    /// Opens a transaction that can only read.
    pub(crate) fn read(tenant: &ActiveTenant) -> Self {
        Self {
            bounds: None,
            sql: READ,
            params: pinned_to(tenant).to_vec(),
            time_zone: None,
        }
    }

    /// Opens a transaction that may write; its rows and audit entries bear the actor and the request.
    pub(super) fn write(tenant: &ActiveTenant, actor: &Actor, request_id: &str) -> Self {
        let [path, role] = pinned_to(tenant);
        Self {
            bounds: None,
            sql: WRITE,
            params: vec![path, role, actor.to_string(), request_id.to_owned()],
            time_zone: None,
        }
    }

    /// The same with these bounds; `None` leaves it to the session's.
    pub(crate) fn bounded(mut self, bounds: Option<Bounds>) -> Self {
        self.bounds = bounds;
        self
    }

    /// The same with a time zone, a name that PostgreSQL knows.
    pub(crate) fn in_time_zone(mut self, zone: Option<&str>) -> Self {
        self.time_zone = zone.map(str::to_owned);
        self
    }

    pub(crate) fn params(&self) -> OpeningParams<'_> {
        let bounds = self.bounds.as_ref().map_or(&[][..], |bounds| &bounds.params);
        OpeningParams {
            bounds: texts(bounds),
            pins: texts(&self.params),
            time_zone: [self.time_zone.as_deref()],
        }
    }

    /// The steps that open the transaction. Their scope is one for all tenants: they name nothing that depends on one.
    pub(crate) fn steps<'a>(
        &self,
        scope: &'a Arc<str>,
        params: &'a OpeningParams<'_>,
    ) -> impl Iterator<Item = Step<'a>> {
        let step = |sql, params| Step { scope, sql, params };
        // First, so that what follows is bounded too.
        let bounds = self.bounds.as_ref();
        let bounds = bounds.map(|bounds| step(bounds.sql, params.bounds.as_slice()));
        let pin = step(self.sql, params.pins.as_slice());
        let zone = (params.time_zone != [None]).then(|| step(TIME_ZONE, params.time_zone.as_slice()));
        bounds.into_iter().chain(std::iter::once(pin)).chain(zone)
    }
}

fn texts(params: &[String]) -> Vec<Option<&str>> {
    params.iter().map(|text| Some(text.as_str())).collect()
}

/// What pins a transaction to a tenant: its `search_path` and its role.
fn pinned_to(tenant: &ActiveTenant) -> [String; 2] {
    [tenant.schema().search_path(), tenant.schema().read_write_role()]
}
