//! What a failure means: classification by SQLSTATE and by constraint name, done once, here.

use std::error::Error as StdError;

use deadpool::managed::{PoolError, TimeoutType};

use super::server_error::ServerError;

/// A statement or a connection that did not work.
///
/// `Display` says only what kind of failure it is; the server's message is in [`std::error::Error::source`] and in
/// [`PgError::db`], so that it reaches a log once and never an HTTP client by accident.
#[derive(Debug, thiserror::Error)]
pub enum PgError {
    /// No connection could be had, or it broke, or the server is going down: the same request may work later.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// The transaction could not be opened or kept in its scope: the role or schema of the tenant is gone, or of another
    /// version.
    #[error("the transaction's scope could not be set")]
    Scope(#[source] Box<ServerError>),
    /// PostgreSQL refused the statement.
    #[error("the statement failed")]
    Statement(#[source] Box<ServerError>),
    /// What was asked cannot be sent, or what came back cannot be read: a mistake of the program's.
    #[error("the statement could not be sent or its answer not be read")]
    Protocol(#[source] Box<dyn StdError + Send + Sync>),
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
            // lock_not_available and query_canceled: lock_timeout and statement_timeout; and the two timeouts of a whole
            // transaction.
            "55P03" | "57014" | "25P03" | "25P04" => Self::Timeout,
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
    /// Sorts an error of the driver's: lost connections and [`Failure::Server`] are [`PgError::Unavailable`].
    pub(crate) fn of_statement(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) => Self::refused(said.into(), Self::Statement),
            None if error.is_closed() || error.source().is_some_and(<dyn StdError>::is::<std::io::Error>) => {
                Self::Unavailable(error.into())
            }
            None => Self::Protocol(error.into()),
        }
    }

    /// The same for the statements that open a transaction.
    pub(crate) fn of_opening(error: tokio_postgres::Error) -> Self {
        match Self::of_statement(error) {
            Self::Statement(said) => Self::Scope(said),
            other => other,
        }
    }

    /// Why no connection could be made: whatever it is, from a request's point of view there is no database to talk to;
    /// the operator reads the cause in the log.
    pub(crate) fn of_connecting(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(said) => Self::Unavailable(Box::new(ServerError::from(said))),
            None => Self::Unavailable(error.into()),
        }
    }

    /// The connection broke.
    pub(crate) fn lost(error: std::io::Error) -> Self {
        Self::Unavailable(error.into())
    }

    /// A message that cannot be written: it is too long, or a name or statement in it holds a NUL.
    pub(crate) fn unsendable(error: std::io::Error) -> Self {
        Self::Protocol(error.into())
    }

    /// What the server said: that it cannot serve at all, or else as `kind`.
    pub fn refused(said: ServerError, kind: fn(Box<ServerError>) -> Self) -> Self {
        match Failure::of(&said.sqlstate) {
            Failure::Server => Self::Unavailable(Box::new(said)),
            _ => kind(Box::new(said)),
        }
    }

    /// What PostgreSQL said, where it said something.
    pub fn db(&self) -> Option<&ServerError> {
        match self {
            Self::Unavailable(source) => source.downcast_ref(),
            Self::Scope(said) | Self::Statement(said) => Some(said),
            Self::Protocol(_) | Self::Aborted => None,
        }
    }

    /// The five-character SQLSTATE, where PostgreSQL gave one.
    pub fn sqlstate(&self) -> Option<&str> {
        self.db().map(|said| &*said.sqlstate)
    }

    /// The name of the constraint that refused the row.
    pub fn constraint(&self) -> Option<&str> {
        self.db()?.constraint.as_deref()
    }

    /// What it means for whoever asked. A scope that could not be set counts as a server that cannot be spoken to: the
    /// tenant was dropped or moved a moment ago, and what is cached of it is about to be forgotten.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Unavailable(_) | Self::Scope(_) => Failure::Server,
            Self::Statement(_) => self.sqlstate().map_or(Failure::Other, Failure::of),
            Self::Protocol(_) | Self::Aborted => Failure::Other,
        }
    }

    /// Whether the same may work later without anybody doing something about it: the database is away, full or busy. A
    /// database that answers and refuses a login is none of that.
    pub fn is_passing(&self) -> bool {
        match self.sqlstate() {
            Some(sqlstate) => Failure::of(sqlstate) != Failure::Other,
            None => matches!(self, Self::Unavailable(_)),
        }
    }

    /// Whether a transaction only lost against another one: a lock that was not to be had in time, a deadlock, a
    /// serialization failure (55P03, 40P01, 40001). The same transaction may work in a moment.
    pub fn is_lost_race(&self) -> bool {
        matches!(self.sqlstate(), Some("55P03" | "40P01" | "40001"))
    }

    /// What failed, without anything that could be a value of a row: see [`ServerError::discreet`].
    pub fn explain_discreetly(&self) -> String {
        match self.db() {
            Some(db) => format!("{self}: {}", db.discreet()),
            None => self.explain(),
        }
    }

    /// The whole chain in one line, for an operator: kind, SQLSTATE, the server's message, detail and hint.
    pub fn explain(&self) -> String {
        let mut parts = vec![self.to_string()];
        if let Some(db) = self.db() {
            parts.push(db.to_string());
            parts.extend(
                [&db.detail, &db.hint]
                    .into_iter()
                    .flatten()
                    .map(ToString::to_string),
            );
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

impl From<PoolError<tokio_postgres::Error>> for PgError {
    fn from(error: PoolError<tokio_postgres::Error>) -> Self {
        match error {
            PoolError::Backend(error) => Self::of_connecting(error),
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

    #[test]
    fn a_database_that_is_away_passes_and_one_that_refuses_the_login_does_not() {
        let lost = PgError::lost(std::io::ErrorKind::ConnectionReset.into());
        assert!(lost.is_passing());
        assert!(!PgError::Aborted.is_passing());
        for (sqlstate, passes) in [
            ("57P03", true),
            ("53100", true),
            ("28P01", false),
            ("3D000", false),
        ] {
            let said = ServerError {
                sqlstate: sqlstate.into(),
                ..ServerError::default()
            };
            assert_eq!(
                PgError::Unavailable(Box::new(said)).is_passing(),
                passes,
                "{sqlstate}"
            );
        }
    }
}
