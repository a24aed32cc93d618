//! What PostgreSQL says when it refuses something.

use fallible_iterator::FallibleIterator as _;
use postgres_protocol::message::backend::ErrorFields;
use tokio_postgres::error::{DbError, ErrorPosition};

/// An `ErrorResponse` of the server's (PostgreSQL documentation, section 55.8, "Error and Notice Message Fields").
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error)]
#[error("{message} (SQLSTATE {sqlstate})")]
pub struct ServerError {
    /// The five characters of appendix A.
    pub sqlstate: Box<str>,
    /// The primary message, in the server's language.
    pub message: Box<str>,
    /// More about it.
    pub detail: Option<Box<str>>,
    /// What might help.
    pub hint: Option<Box<str>>,
    /// The call stack of functions it happened in.
    pub context: Option<Box<str>>,
    /// The table it is about.
    pub table: Option<Box<str>>,
    /// The column it is about.
    pub column: Option<Box<str>>,
    /// The constraint that refused the row.
    pub constraint: Option<Box<str>>,
    /// Where in the statement it is, in characters counted from one.
    pub position: Option<usize>,
}

impl ServerError {
    /// Reads the fields of the message; what cannot be read ends it, since an error that is told in part is better than
    /// another one.
    pub(super) fn of_fields(mut fields: ErrorFields<'_>) -> Self {
        let mut error = Self::default();
        while let Ok(Some(field)) = fields.next() {
            let text = || Box::from(String::from_utf8_lossy(field.value_bytes()));
            match field.type_() {
                b'C' => error.sqlstate = text(),
                b'M' => error.message = text(),
                b'D' => error.detail = Some(text()),
                b'H' => error.hint = Some(text()),
                b'W' => error.context = Some(text()),
                b't' => error.table = Some(text()),
                b'c' => error.column = Some(text()),
                b'n' => error.constraint = Some(text()),
                b'P' => error.position = text().parse().ok(),
                _ => {}
            }
        }
        error
    }
}

impl From<&DbError> for ServerError {
    fn from(error: &DbError) -> Self {
        let owned = |text: Option<&str>| text.map(Box::from);
        Self {
            sqlstate: error.code().code().into(),
            message: error.message().into(),
            detail: owned(error.detail()),
            hint: owned(error.hint()),
            context: owned(error.where_()),
            table: owned(error.table()),
            column: owned(error.column()),
            constraint: owned(error.constraint()),
            position: match error.position() {
                Some(ErrorPosition::Original(position)) => usize::try_from(*position).ok(),
                _ => None,
            },
        }
    }
}
