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

impl ServerError {
    /// What may be kept, and read by others than who asked: nothing in it is a value of a row. Details may quote whole rows,
    /// and so may the messages of data exceptions (class 22), constraints (23) and PL/pgSQL's `raise` (P0); of these, only
    /// what refused the value is told.
    pub fn discreet(&self) -> String {
        let quotes = ["22", "23", "P0"]
            .iter()
            .any(|class| self.sqlstate.starts_with(class));
        if !quotes {
            return self.to_string();
        }
        let places = [
            ("constraint", &self.constraint),
            ("column", &self.column),
            ("table", &self.table),
        ];
        let places = places
            .into_iter()
            .filter_map(|(kind, name)| Some((kind, name.as_ref()?)));
        let mut words: Vec<String> = places.map(|(kind, name)| format!("{kind} {name}")).collect();
        words.push(format!("SQLSTATE {}", self.sqlstate));
        format!("a value was refused ({})", words.join(", "))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_row_is_told() {
        let said = |sqlstate: &str, message: &str, constraint: Option<&str>| ServerError {
            sqlstate: sqlstate.into(),
            message: message.into(),
            detail: Some("Key (email)=(ann@acme.example) is duplicated.".into()),
            table: Some("contacts".into()),
            constraint: constraint.map(Box::from),
            ..ServerError::default()
        };
        let unique = said(
            "23505",
            "could not create unique index \"contacts_email_key\"",
            Some("contacts_email_key"),
        );
        assert_eq!(
            unique.discreet(),
            "a value was refused (constraint contacts_email_key, table contacts, SQLSTATE 23505)"
        );
        let invalid = said("22P02", "invalid input syntax for type integer: \"Erika\"", None);
        assert_eq!(
            invalid.discreet(),
            "a value was refused (table contacts, SQLSTATE 22P02)"
        );
        let raised = said("P0001", "Erika may not", None);
        assert!(!raised.discreet().contains("Erika"));
        let there = said("42P07", "relation \"labels\" already exists", None);
        assert_eq!(
            there.discreet(),
            "relation \"labels\" already exists (SQLSTATE 42P07)"
        );
    }
}
