//! The one stage that talks to PostgreSQL: a prepared request runs in one transaction, in one network flight.

use catalog::actor::Actor;
use catalog::pg::sqlstate::{Failure, PgError};
use catalog::pg::tx::TextParam;
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
        .map(|param| TextParam(param.value.as_deref()))
        .collect();
    let tx = match prepared.mode {
        Mode::ReadOnly => db.read(tenant).await?,
        Mode::ReadWrite => db.write(tenant, actor, request_id).await?,
    };
    let rows = tx
        .finish(&prepared.query.text, &params)
        .await
        .map_err(|error| refused(error, prepared))?;
    let row = rows.first().map(|row| ResultRow {
        body: row.get("body"),
        count: row.get("count"),
        version: row.get("version"),
        key: row.get("key"),
        inserted: row.try_get("inserted").ok().flatten(),
    });
    render(prepared, row)
}

/// What PostgreSQL said about the statement, or that it could not be asked.
fn refused(error: PgError, prepared: &Prepared) -> RecordError {
    let PgError::Statement(cause) = &error else {
        return error.into();
    };
    let Some(db) = cause.as_db_error() else {
        return error.into();
    };
    let fault = DatabaseFault {
        sqlstate: db.code().code(),
        message: db.message(),
        detail: db.detail(),
        hint: db.hint(),
        context: db.where_(),
        column: db.column(),
        constraint: db.constraint(),
        table: db.table(),
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
