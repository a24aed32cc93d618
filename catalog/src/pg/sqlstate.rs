//! What a failure means: classification by SQLSTATE and by constraint name, done once, here.

use std::error::Error as StdError;

use deadpool::managed::{PoolError, TimeoutType};
use tokio_postgres::error::DbError;

/// A statement or a connection that did not work.
///
/// `Display` says only what kind of failure it is; the server's message is in [`std::error::Error::source`] and in
/// [`PgError::db`], so that it reaches a log once and never an HTTP client by accident.
#[derive(Debug, thiserror::Error)]
pub enum PgError {
    /// No connection could be had, or it broke, or the server is going down: the same request may work later.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// The transaction could not be opened in its scope: the role or schema of the tenant is gone.
    #[error("the transaction's scope could not be set")]
    Scope(#[source] tokio_postgres::Error),
    /// PostgreSQL refused the statement, or the driver could not read its answer.
    #[error("the statement failed")]
    Statement(#[source] tokio_postgres::Error),
    /// A COMMIT was asked for after a statement of the transaction had failed: PostgreSQL makes that a ROLLBACK and
    /// answers as if all were well.
    #[error("an earlier statement failed, so nothing was committed")]
    Aborted,
}

/// What an SQLSTATE means for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The server cannot be spoken to at present: it is starting, stopping or full, or the connection broke.
    Server,
    /// A lock or a statement took too long: the same request may work in a moment.
    Timeout,
    /// The transaction lost against another one and must begin again.
    Contention,
    /// Anything else: trying again does not help.
    Other,
}

impl Failure {
    /// Classifies an SQLSTATE (PostgreSQL documentation, appendix A). The only place that does.
    pub fn of(sqlstate: &str) -> Self {
        match sqlstate {
            // lock_not_available and query_canceled: lock_timeout and statement_timeout.
            "55P03" | "57014" => Self::Timeout,
            // serialization_failure and deadlock_detected.
            "40001" | "40P01" => Self::Contention,
            // Connection exceptions, insufficient resources, operator intervention.
            _ if ["08", "53", "57P"]
                .iter()
                .any(|class| sqlstate.starts_with(class)) =>
            {
                Self::Server
            }
            _ => Self::Other,
        }
    }
}

impl PgError {
    /// Sorts a driver error: lost connections and [`Failure::Server`] are [`PgError::Unavailable`].
    pub(crate) fn of_statement(error: tokio_postgres::Error) -> Self {
        if is_unavailable(&error) {
            Self::Unavailable(error.into())
        } else {
            Self::Statement(error)
        }
    }

    /// The same for the statements that open a transaction.
    pub(crate) fn of_opening(error: tokio_postgres::Error) -> Self {
        if is_unavailable(&error) {
            Self::Unavailable(error.into())
        } else {
            Self::Scope(error)
        }
    }

    /// What PostgreSQL said, where it said something.
    pub fn db(&self) -> Option<&DbError> {
        match self {
            Self::Unavailable(source) => source.downcast_ref::<tokio_postgres::Error>()?.as_db_error(),
            Self::Scope(error) | Self::Statement(error) => error.as_db_error(),
            Self::Aborted => None,
        }
    }

    /// The five-character SQLSTATE, where PostgreSQL gave one.
    pub fn sqlstate(&self) -> Option<&str> {
        self.db().map(|db| db.code().code())
    }

    /// The name of the constraint that refused the row.
    pub fn constraint(&self) -> Option<&str> {
        self.db().and_then(DbError::constraint)
    }

    /// What it means for whoever asked. A scope that could not be set counts as a server that cannot be spoken to: the
    /// tenant was dropped or moved a moment ago, and what is cached of it is about to be forgotten.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Unavailable(_) | Self::Scope(_) => Failure::Server,
            Self::Statement(_) => self.sqlstate().map_or(Failure::Other, Failure::of),
            Self::Aborted => Failure::Other,
        }
    }

    /// The whole chain in one line, for an operator: kind, SQLSTATE, the server's message, detail and hint.
    pub fn explain(&self) -> String {
        let mut parts = vec![self.to_string()];
        if let Some(db) = self.db() {
            parts.push(format!("{} (SQLSTATE {})", db.message(), db.code().code()));
            parts.extend([db.detail(), db.hint()].into_iter().flatten().map(str::to_owned));
        } else {
            let mut source = self.source();
            while let Some(error) = source {
                parts.push(error.to_string());
                source = error.source();
            }
        }
        parts.join(": ")
    }
}

fn is_unavailable(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        Some(state) => Failure::of(state.code()) == Failure::Server,
        None => error.is_closed() || error.source().is_some_and(<dyn StdError>::is::<std::io::Error>),
    }
}

impl From<PoolError<tokio_postgres::Error>> for PgError {
    fn from(error: PoolError<tokio_postgres::Error>) -> Self {
        match error {
            // A wrong password or a missing database will not mend by itself, but from a request's point of view
            // there is no database to talk to; the operator reads the cause in the log.
            PoolError::Backend(error) => Self::Unavailable(error.into()),
            PoolError::Timeout(kind) => Self::Unavailable(
                match kind {
                    TimeoutType::Wait => "no connection became free in time",
                    TimeoutType::Create => "the server did not accept a connection in time",
                    TimeoutType::Recycle => "the connection did not answer in time",
                }
                .into(),
            ),
            other => Self::Unavailable(other.to_string().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_by_itself_is_told_from_what_does_not() {
        for (sqlstate, failure) in [
            ("08006", Failure::Server),
            ("53300", Failure::Server),
            ("57P01", Failure::Server),
            ("57P03", Failure::Server),
            ("57014", Failure::Timeout),
            ("55P03", Failure::Timeout),
            ("55000", Failure::Other),
            ("40001", Failure::Contention),
            ("40P01", Failure::Contention),
            ("40003", Failure::Other),
            ("23505", Failure::Other),
            ("XX000", Failure::Other),
            ("", Failure::Other),
        ] {
            assert_eq!(Failure::of(sqlstate), failure, "{sqlstate}");
        }
    }
}
