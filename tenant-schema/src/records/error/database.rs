//! What PostgreSQL said, turned into an answer.

use std::fmt;

use catalog::pg::sqlstate::Failure;

use super::RecordError;
use super::place::{column_of_value, is_bad_search};
use super::raised::raised;
use crate::records::guard::{Guard, UNKNOWN};
use crate::records::limits::Exceeded;
use crate::records::prepared::Shape;
use crate::records::{Mode, Prepared};

/// The parts of PostgreSQL's error report that matter here, as the transaction received them.
#[derive(Debug, Clone, Copy, Default)]
pub struct DatabaseFault<'a> {
    /// Five characters, PostgreSQL's appendix A.
    pub sqlstate: &'a str,
    /// The primary message.
    pub message: &'a str,
    /// The detail, if there is one.
    pub detail: Option<&'a str>,
    /// The hint, if there is one.
    pub hint: Option<&'a str>,
    /// The context ("where"): it says which parameter could not be read.
    pub context: Option<&'a str>,
    /// The column, for errors about one.
    pub column: Option<&'a str>,
    /// The constraint, for errors about one.
    pub constraint: Option<&'a str>,
    /// The table, for errors about one.
    pub table: Option<&'a str>,
}

/// A statement that PostgreSQL refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseError {
    sqlstate: String,
    status: u16,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    column: Option<String>,
    /// The violated constraint's name, for callers that give it a meaning.
    pub constraint: Option<String>,
    /// The table of a constraint or column error.
    pub table: Option<String>,
}

impl DatabaseError {
    pub(super) fn code(&self) -> &str {
        &self.sqlstate
    }

    pub(super) fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn details(&self) -> Option<String> {
        let place = self
            .column
            .as_ref()
            .map(|column| format!("The value is for the column '{column}'."));
        match (&self.detail, place) {
            _ if self.is_internal() => None,
            (Some(detail), Some(place)) => Some(format!("{detail} {place}")),
            (detail, place) => place.or_else(|| detail.clone()),
        }
    }

    pub(super) fn hint(&self) -> Option<String> {
        if self.is_internal() {
            None
        } else {
            self.hint.clone()
        }
    }

    /// What PostgreSQL said, for the log. [`Display`](fmt::Display) is for the client and hides it when the
    /// failure is not the client's.
    pub fn report(&self) -> &str {
        &self.message
    }

    /// The column whose value could not be used, when it is known.
    pub fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }

    fn is_internal(&self) -> bool {
        self.status >= 500
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            503 => f.write_str("The database cannot answer now"),
            500.. => f.write_str("The database failed to answer"),
            _ => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for DatabaseError {}

impl RecordError {
    /// Gives PostgreSQL's refusal of a prepared statement its status, and the column it is about its name.
    pub fn from_database(fault: &DatabaseFault<'_>, prepared: &Prepared) -> Self {
        if let Some(refused) = refused_by_itself(fault, prepared) {
            return refused;
        }
        if let Some(raised) = raised(fault) {
            return raised;
        }
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self::Database(Box::new(DatabaseError {
            sqlstate: fault.sqlstate.to_owned(),
            status: if is_bad_search(fault) {
                400
            } else {
                status(fault.sqlstate)
            },
            message: bounded(fault.message),
            detail: fault
                .detail
                .filter(|detail| !tells_values(fault, detail, prepared))
                .map(bounded),
            // Hints on limits are for the database's administrator.
            hint: match fault.sqlstate {
                "23505" if prepared.planned.shape == Shape::Restored => Some(TAKEN.to_owned()),
                _ => owned(fault.hint.filter(|_| !fault.sqlstate.starts_with("54"))),
            },
            column: owned(fault.column).or_else(|| column_of_value(fault, prepared)),
            constraint: owned(fault.constraint),
            table: owned(fault.table),
        }))
    }
}

/// What to do about a record that cannot come back.
const TAKEN: &str =
    "A live record has taken a unique value of what is to be restored: change or delete that one first";

/// The statement refused its own outcome, or PostgreSQL gave up building it: no value of PostgreSQL's has more than
/// 1 GB, and a read that is not sent values of that size can exceed a program limit in no other way.
fn refused_by_itself(fault: &DatabaseFault<'_>, prepared: &Prepared) -> Option<RecordError> {
    match fault.sqlstate {
        UNKNOWN if Guard::is_too_large(fault.message) => Some(Exceeded::Answer.into()),
        UNKNOWN => {
            let (guard, count, names) = Guard::failed(&prepared.planned.guards, fault.message)?;
            let mut error = guard.error(count, &prepared.object);
            if let RecordError::Outdated { changed, .. } = &mut error {
                *changed = names;
            }
            Some(error.with_parent(|| {
                let index = usize::try_from(count).ok()?;
                prepared.planned.owners.get(index)?.clone()
            }))
        }
        "54000" if prepared.mode() == Mode::ReadOnly => Some(Exceeded::Answer.into()),
        _ => None,
    }
}

/// The detail has values of columns that the request never asked to see: "Failing row contains (…)", the key of
/// another record that is excluded, or a key of which the request wrote a part only, or none.
fn tells_values(fault: &DatabaseFault<'_>, detail: &str, prepared: &Prepared) -> bool {
    match fault.sqlstate {
        "23502" | "23514" | "44000" | "23P01" => true,
        "23505" => fault.table != Some(&prepared.object) || !is_written(detail, prepared),
        _ => false,
    }
}

/// Whether every column of `Key (a, b)=(1, 2) already exists.` has a value that the request sent. What does not look
/// like the name of a column, such as an expression, does not.
fn is_written(detail: &str, prepared: &Prepared) -> bool {
    let columns = detail
        .strip_prefix("Key (")
        .and_then(|rest| rest.split_once(")=("));
    columns.is_some_and(|(columns, _)| {
        columns.split(", ").all(|column| {
            let name = column
                .strip_prefix('"')
                .and_then(|quoted| quoted.strip_suffix('"'))
                .unwrap_or(column);
            prepared
                .planned
                .written
                .iter()
                .any(|(written, _)| written == name)
        })
    })
}

/// The status for an SQLSTATE: PostgREST's table, except that a value which is well formed but breaks a rule of
/// the table (length, not null, check, a view's check option) is 422.
fn status(sqlstate: &str) -> u16 {
    match Failure::of(sqlstate) {
        Failure::Server | Failure::Timeout => 503,
        Failure::Contention => 409,
        Failure::Other => status_of_refusal(sqlstate),
    }
}

/// The status for what PostgreSQL refuses however often it is asked.
fn status_of_refusal(sqlstate: &str) -> u16 {
    match sqlstate {
        "22001" | "23502" | "23514" | "44000" => 422,
        "42501" => 403,
        "42883" | "42P01" => 404,
        "25006" | "55000" => 405,
        // Statement texts are ours: these say that we wrote a wrong one.
        "42601" | "42P02" | "42P17" | "42P18" => 500,
        _ => match sqlstate.get(..2).unwrap_or_default() {
            "0L" | "0P" | "28" => 403,
            "23" => 409,
            // Program limits: a nesting too deep, an index row too large.
            "54" => 413,
            // What goes wrong inside the server, or in how it is used.
            "08" | "09" | "24" | "25" | "26" | "2D" | "34" | "38" | "39" | "3B" | "40" | "53" | "55"
            | "57" | "58" | "F0" | "HV" | "XX" => 500,
            // Feature, cardinality, data, name and type errors, and what the template itself raises: `P0` is 400 in
            // all its kinds, because it is what a function says of what it was given.
            _ => 400,
        },
    }
}

/// The most characters of a message that are repeated: PostgreSQL's own has the whole of a value that it cannot read.
const MAX_MESSAGE: usize = 500;

fn bounded(text: &str) -> String {
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::fixture::{insert, list};

    fn fault(sqlstate: &'static str, message: &'static str) -> DatabaseFault<'static> {
        DatabaseFault {
            sqlstate,
            message,
            ..DatabaseFault::default()
        }
    }

    #[test]
    fn a_bad_parameter_names_its_column() {
        let prepared = list("contacts", "score=gt.1&company_id=eq.abc").unwrap();
        let context = Some("unnamed portal parameter $2 = '...'");
        let fault = DatabaseFault {
            context,
            ..fault("22P02", "invalid input syntax for type uuid: \"abc\"")
        };
        let error = RecordError::from_database(&fault, &prepared);
        assert_eq!(error.status(), 400);
        assert_eq!(
            error.details().as_deref(),
            Some("The value is for the column 'company_id'.")
        );
    }

    #[test]
    fn a_bad_body_value_names_the_only_column_of_its_type() {
        let prepared = insert("contacts", r#"{"email":"a@x.example","score":"many"}"#).unwrap();
        let fault = fault("22P02", "invalid input syntax for type integer: \"many\"");
        let RecordError::Database(error) = RecordError::from_database(&fault, &prepared) else {
            unreachable!()
        };
        assert_eq!(error.column(), Some("score"));
    }

    #[test]
    fn an_overflow_names_its_column() {
        let prepared = insert("deals", r#"{"title":"x","probability":12345,"value":"1"}"#).unwrap();
        let detail =
            Some("A field with precision 5, scale 2 must round to an absolute value less than 10^3.");
        let fault = DatabaseFault {
            detail,
            ..fault("22003", "numeric field overflow")
        };
        let RecordError::Database(error) = RecordError::from_database(&fault, &prepared) else {
            unreachable!()
        };
        assert_eq!(error.column(), Some("probability"));
    }

    #[test]
    fn a_failing_row_is_not_repeated() {
        let prepared = insert("companies", "{}").unwrap();
        let detail = Some("Failing row contains (secret).");
        let fault = DatabaseFault {
            detail,
            column: Some("name"),
            ..fault("23502", "null value in column")
        };
        let error = RecordError::from_database(&fault, &prepared);
        assert_eq!(error.status(), 422);
        assert_eq!(
            error.details().as_deref(),
            Some("The value is for the column 'name'.")
        );
    }

    #[test]
    fn a_key_is_repeated_only_if_all_of_it_was_sent() {
        let prepared = insert("contacts", r#"{"email":"a@x.example","score":1}"#).unwrap();
        let details = |sqlstate, table, detail| {
            let fault = DatabaseFault {
                detail: Some(detail),
                table: Some(table),
                ..fault(sqlstate, "duplicate key value violates unique constraint")
            };
            RecordError::from_database(&fault, &prepared).details()
        };
        for sent in [
            "Key (email)=(a@x.example) already exists.",
            "Key (email, \"score\")=(a@x.example, 1) already exists.",
        ] {
            assert_eq!(details("23505", "contacts", sent).as_deref(), Some(sent));
            assert_eq!(details("23505", "companies", sent), None);
            assert_eq!(details("23P01", "contacts", sent), None);
        }
        for secret in [
            "Key (first_name)=(Ann) already exists.",
            "Key (email, first_name)=(a@x.example, Ann) already exists.",
            "Key (lower(email))=(a@x.example) already exists.",
            "Key (email)",
            "Ann",
        ] {
            assert_eq!(details("23505", "contacts", secret), None, "{secret}");
        }
    }

    #[test]
    fn an_answer_that_is_too_large_is_told_from_a_wrong_value() {
        let prepared = list("contacts", "").unwrap();
        let said = "unrecognized configuration parameter \"20000000 bytes are too many for one answer\"";
        for fault in [fault(UNKNOWN, said), fault("54000", "out of memory")] {
            let error = RecordError::from_database(&fault, &prepared);
            assert_eq!((error.code(), error.status()), ("answer_too_large", 413));
        }
        let value = "invalid input syntax for type bigint: \"20000000 bytes are too many for one answer\"";
        let error = RecordError::from_database(&fault("22P02", value), &prepared);
        assert_eq!((error.code(), error.status()), ("22P02", 400));
    }

    #[test]
    fn statuses_follow_the_policy() {
        let prepared = list("contacts", "").unwrap();
        let cases = [
            ("23505", 409),
            ("23503", 409),
            ("23P01", 409),
            ("23502", 422),
            ("23514", 422),
            ("22001", 422),
            ("22P02", 400),
            ("22003", 400),
            ("22P05", 400),
            ("42501", 403),
            ("42883", 404),
            ("28000", 403),
            ("42P17", 500),
            ("25006", 405),
            ("25P02", 500),
            ("38000", 500),
            ("P0002", 400),
            ("ABCDE", 400),
            ("40001", 409),
            ("40P01", 409),
            ("55P03", 503),
            ("57014", 503),
            ("53300", 503),
            ("P0001", 400),
            ("54001", 413),
            ("XX000", 500),
        ];
        for (sqlstate, status) in cases {
            let error = RecordError::from_database(&fault(sqlstate, "said"), &prepared);
            assert_eq!((sqlstate, error.status()), (sqlstate, status));
            assert_eq!(error.code(), sqlstate);
            assert_eq!(
                error.message() == "said",
                status < 500,
                "{sqlstate} hides what is not the client's"
            );
        }
    }
}
