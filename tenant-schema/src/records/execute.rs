//! The one stage that talks to PostgreSQL: a prepared request runs in one transaction, in one network flight.

use catalog::actor::Actor;
use catalog::pg::flight::TextRow;
use catalog::pg::sqlstate::{Failure, PgError};
use catalog::resolve::ActiveTenant;

use super::{Answer, DatabaseFault, Mode, Prepared, RecordError, ResultRow, render};
use crate::tenant_db::TenantDb;

/// Runs a prepared request as its tenant. Writes bear the actor and the request's id.
pub async fn execute(
    db: &TenantDb,
    tenant: &ActiveTenant,
    actor: &Actor,
    request_id: &str,
    prepared: &Prepared,
) -> Result<Answer, RecordError> {
    let params: Vec<_> = prepared
        .query
        .params
        .iter()
        .map(|param| param.value.as_deref())
        .collect();
    let tx = match prepared.mode {
        Mode::ReadOnly => db.read(tenant).await?,
        Mode::ReadWrite => db.write(tenant, actor, request_id).await?,
    };
    let rows = tx
        .finish(&prepared.query.text, &params)
        .await
        .map_err(|error| refused(error, prepared))?;
    render(prepared, rows.first().map(result).transpose()?)
}

/// Reads the four columns of the engine's every statement.
fn result(row: &TextRow) -> Result<ResultRow, RecordError> {
    let count = row.text(1).and_then(|digits| digits.parse().ok());
    let unreadable = || RecordError::Unreadable("the row's count is not a number".to_owned());
    Ok(ResultRow {
        body: row.bytes(0),
        count: count.ok_or_else(unreadable)?,
        version: row.text(2).map(str::to_owned),
        key: row.text(3).map(str::to_owned),
        inserted: row.text(4).and_then(|digits| digits.parse().ok()),
    })
}

/// What PostgreSQL said about the statement, or that it could not be asked.
fn refused(error: PgError, prepared: &Prepared) -> RecordError {
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
