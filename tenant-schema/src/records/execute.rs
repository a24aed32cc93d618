//! The one stage that talks to PostgreSQL: a prepared request runs in one transaction, in one network flight. Only the
//! answer to an idempotency key that was kept takes a second one.

use std::borrow::Cow;

use catalog::actor::Actor;
use catalog::pg::flight::TextRow;
use catalog::pg::server_error::ServerError;
use catalog::pg::sqlstate::{Failure, PgError};
use catalog::resolve::ActiveTenant;

use super::claim::{self, Claim};
use super::{Answer, DatabaseFault, End, Fence, Mode, Prepared, Query, RecordError, ResultRow, render};
use crate::lifecycle::idempotency_keys::TABLE;
use crate::lifecycle::version_mark;
use crate::tenant_db::{Statement, TenantDb, Undone};

/// Runs a prepared request as its tenant. Writes bear the actor and the request's id.
pub async fn execute(
    db: &TenantDb,
    tenant: &ActiveTenant,
    actor: &Actor,
    request_id: &str,
    prepared: &Prepared,
) -> Result<Answer, RecordError> {
    let claim = prepared.claim.as_ref();
    let (lock, digest) = (
        claim.map(|claim| [Some(&*claim.lock)]),
        claim.map(|claim| [Some(&*claim.digest)]),
    );
    let estimate = prepared
        .planned
        .estimate
        .as_ref()
        .map(|query| (&*query.text, values(query)));
    let params = values(&prepared.planned.query);
    let text = fenced(tenant, prepared, prepared.columns());
    let locks = prepared.planned.locks.iter();
    let locks: Vec<_> = locks.map(|query| (&*query.text, values(query))).collect();
    // The statement with the long answer comes last: what is written behind it might not be read before that is.
    let steps = [
        lock.as_ref().map(|params| (claim::LOCK, params.as_slice())),
        digest.as_ref().map(|params| (claim::CHECK, params.as_slice())),
        estimate.as_ref().map(|(sql, params)| (*sql, params.as_slice())),
    ];
    let locks = locks.iter().map(|(sql, params)| (*sql, params.as_slice()));
    let last = (&*text, params.as_slice());
    let statements = steps.into_iter().flatten().chain(locks).chain([last]);
    let statements: Vec<_> = statements
        .map(|(sql, params)| Statement { sql, params })
        .collect();
    let tx = match prepared.mode() {
        Mode::ReadOnly => db.read(tenant).await?,
        Mode::ReadWrite => db.write(tenant, actor, request_id).await?,
    };
    let flown = tx
        .in_time_zone(prepared.time_zone())
        .undone(prepared.end == End::Rollback)
        .fenced(prepared.fence)
        .finish(&statements)
        .await;
    let mut answers = match (flown, claim) {
        (Ok(answers), _) => answers,
        (Err(undone), Some(_)) if undone.refused_by(LOCK) => return Err(RecordError::KeyInUse),
        (Err(undone), Some(claim)) if undone.refused_by(CHECK) => {
            // Rare, and large: not a part of every request's future.
            return Box::pin(replay(db, tenant, prepared, claim)).await;
        }
        (Err(undone), _) => return Err(refused(undone.error, prepared)),
    };
    let answer = answers.pop().unwrap_or_default();
    let mut row = answer.first().map(result).transpose()?;
    let plan = answers.last().and_then(|rows| rows.first());
    if let (Some(row), Some(plan), Some(_)) = (&mut row, plan, estimate) {
        row.estimate = plan.text(0).and_then(planned_rows);
    }
    render(prepared, row)
}

/// The text of the statement, which has these columns where it reads, as it is sent to a tenant of this version.
pub(crate) fn fenced<'a>(tenant: &ActiveTenant, prepared: &'a Prepared, columns: &str) -> Cow<'a, str> {
    let text = prepared.text();
    match prepared.fence {
        Fence::Within => version_mark::held(tenant.template_version(), text, columns).into(),
        Fence::Behind | Fence::Open => text.into(),
    }
}

/// Answers as the request was answered before. Should the answer have expired between the two flights, the client is
/// told to ask again.
async fn replay(
    db: &TenantDb,
    tenant: &ActiveTenant,
    prepared: &Prepared,
    claim: &Claim,
) -> Result<Answer, RecordError> {
    let params = [Some(&*claim.digest), Some(&*claim.fingerprint)];
    let read = Statement {
        sql: claim::READ,
        params: &params,
    };
    let read = db.read(tenant).await?.finish(&[read]).await;
    let mut answers = read.map_err(|undone| undone.error)?;
    let rows = answers.pop().unwrap_or_default();
    let row = rows.first().ok_or(RecordError::KeyInUse)?;
    if row.text(5) != Some("t") {
        return Err(RecordError::KeyReused);
    }
    let mut answer = render(prepared, Some(result(row)?))?;
    answer.is_replayed = true;
    Ok(answer)
}

/// The places of a claim's own statements, which come before all others.
const LOCK: usize = 0;
const CHECK: usize = 1;

impl Undone {
    /// Whether a claim's own statement refused by itself, which it does by a cast that cannot be. Nothing that a client
    /// says is read in it.
    fn refused_by(&self, statement: usize) -> bool {
        let says_no = |said: &ServerError| said.sqlstate.as_ref() == "22P02";
        self.statement == Some(statement) && self.error.db().is_some_and(says_no)
    }
}

pub(crate) fn values(query: &Query) -> Vec<Option<&str>> {
    query.params.iter().map(|param| param.value.as_deref()).collect()
}

/// Reads the columns of the engine's every statement.
fn result(row: &TextRow) -> Result<ResultRow, RecordError> {
    let number = |column| row.text(column).and_then(|digits| digits.parse().ok());
    let unreadable = || RecordError::Unreadable("the row's count is not a number".to_owned());
    Ok(ResultRow {
        body: row.bytes(0),
        count: number(1).ok_or_else(unreadable)?,
        version: row.text(2).map(str::to_owned),
        key: row.text(3).map(str::to_owned),
        extra: number(4),
        estimate: None,
    })
}

/// The rows that PostgreSQL expects of the plan which `explain (format json)` shows.
fn planned_rows(plan: &str) -> Option<i64> {
    #[derive(serde::Deserialize)]
    struct Explained {
        #[serde(rename = "Plan")]
        plan: Plan,
    }
    #[derive(serde::Deserialize)]
    struct Plan {
        #[serde(rename = "Plan Rows")]
        rows: i64,
    }
    let [Explained { plan }] = serde_json::from_str(plan).ok()?;
    Some(plan.rows)
}

/// What PostgreSQL said about the statement, or that it could not be asked.
pub(crate) fn refused(error: PgError, prepared: &Prepared) -> RecordError {
    let PgError::Statement(said) = &error else {
        return error.into();
    };
    if prepared.claim.is_some() && said.sqlstate.as_ref() == "42P01" && said.message.contains(TABLE) {
        let lacks = format!("the tenant has no table {TABLE}: it waits for `tenantry migrate`");
        return RecordError::Unavailable(lacks);
    }
    let fault = DatabaseFault {
        sqlstate: &said.sqlstate,
        message: &said.message,
        detail: said.detail.as_deref(),
        hint: said.hint.as_deref(),
        context: said.context.as_deref(),
        column: said.column.as_deref(),
        constraint: said.constraint.as_deref(),
        table: said.table.as_deref(),
    };
    RecordError::from_database(&fault, prepared)
}

impl From<PgError> for RecordError {
    fn from(error: PgError) -> Self {
        match error.failure() {
            _ if matches!(error, PgError::Scope(_)) => Self::Moved(error.explain()),
            // Lost connections and lost races: ask again.
            Failure::Server | Failure::Timeout | Failure::Contention => Self::Unavailable(error.explain()),
            Failure::Other => Self::Unreadable(error.explain()),
        }
    }
}
