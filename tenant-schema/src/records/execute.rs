//! The one stage that talks to PostgreSQL: a prepared request runs in one transaction, in one network flight.

use catalog::actor::Actor;
use catalog::pg::flight::TextRow;
use catalog::pg::sqlstate::{Failure, PgError};
use catalog::resolve::ActiveTenant;

use super::{Answer, DatabaseFault, End, Mode, Prepared, Query, RecordError, ResultRow, render};
use crate::tenant_db::{Statement, TenantDb};

/// Runs a prepared request as its tenant. Writes bear the actor and the request's id.
pub async fn execute(
    db: &TenantDb,
    tenant: &ActiveTenant,
    actor: &Actor,
    request_id: &str,
    prepared: &Prepared,
) -> Result<Answer, RecordError> {
    // The statement with the long answer comes last: what is written behind it might not be read before that is.
    let queries = [prepared.estimate.as_ref(), Some(&prepared.query)];
    let params = queries.map(|query| query.map(values).unwrap_or_default());
    let statements: Vec<_> = queries
        .into_iter()
        .zip(&params)
        .filter_map(|(query, params)| {
            let sql = &query?.text;
            Some(Statement { sql, params })
        })
        .collect();
    let tx = match prepared.mode {
        Mode::ReadOnly => db.read(tenant).await?,
        Mode::ReadWrite => db.write(tenant, actor, request_id).await?,
    };
    let mut answers = tx
        .in_time_zone(prepared.time_zone())
        .undone(prepared.end == End::Rollback)
        .finish(&statements)
        .await
        .map_err(|error| refused(error, prepared))?;
    let answer = answers.pop().unwrap_or_default();
    let mut row = answer.first().map(result).transpose()?;
    let plan = answers.first().and_then(|rows| rows.first());
    if let (Some(row), Some(plan)) = (&mut row, plan) {
        row.estimate = plan.text(0).and_then(planned_rows);
    }
    render(prepared, row)
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
            // Lost connections, and a tenant that was dropped since it was resolved: ask again.
            Failure::Server | Failure::Timeout | Failure::Contention => Self::Unavailable(error.explain()),
            Failure::Other => Self::Unreadable(error.explain()),
        }
    }
}
