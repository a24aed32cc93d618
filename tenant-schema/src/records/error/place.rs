//! Which value it was that PostgreSQL could not use.
//!
//! A bad parameter is named by its number in the error's context (PostgreSQL 14 and later). A bad value inside a body
//! is not named at all, but the message repeats it, or has its type: if that tells one of the columns that were sent from
//! all others, it is the one.

use serde_json::Value;

use super::database::DatabaseFault;
use crate::records::Prepared;

/// The longest body that is looked into, in bytes: a longer one is not worth reading again.
const LOOKED_INTO: usize = 1 << 20;

/// The column or argument for which a value could not be used.
pub(super) fn column_of_value(fault: &DatabaseFault<'_>, prepared: &Prepared) -> Option<String> {
    let is_value = fault.sqlstate.starts_with("22") || domain_in(fault).is_some() || is_bad_search(fault);
    if !is_value {
        return None;
    }
    let number = fault.context.and_then(|context| {
        let (_, after) = context.split_once("parameter $")?;
        let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse::<usize>().ok()?.checked_sub(1)
    });
    if let Some(param) = number.and_then(|index| prepared.planned.query.params.get(index)) {
        return param.column.clone();
    }
    let rows = rows(prepared);
    let columns: Vec<Column<'_>> = prepared
        .planned
        .written
        .iter()
        .map(|(name, type_name)| Column::of(name, type_name, &rows))
        .filter(|column| rows.is_empty() || !column.values.is_empty())
        .collect();
    by_value(&columns, fault.message)
        .or_else(|| {
            let named = domain_in(fault).map(str::to_owned).or_else(|| type_in(fault))?;
            only(&columns, |column| column.is_of(&named))
        })
        .or_else(|| only(&columns, |column| column.is_of_kind(fault.message)))
        // What was sent alone; if nothing is known of what was sent, that says nothing.
        .or_else(|| only(&columns, |column| !column.values.is_empty()))
}

/// A search vector or query that does not parse has the code of a statement that does not, but is the client's.
pub(super) fn is_bad_search(fault: &DatabaseFault<'_>) -> bool {
    let said = ["in tsquery", "in tsvector", "there is no escaped character"];
    fault.sqlstate == "42601" && said.iter().any(|words| fault.message.contains(words))
}

/// The objects of the body, if it is not too long.
fn rows(prepared: &Prepared) -> Vec<Value> {
    let bodies = prepared
        .planned
        .query
        .params
        .iter()
        .filter(|param| param.column.is_none());
    let texts = bodies.filter_map(|param| param.value.as_deref());
    let short = texts.filter(|text| text.len() <= LOOKED_INTO);
    let parsed = short.filter_map(|text| serde_json::from_str(text).ok());
    parsed
        .flat_map(|body| match body {
            Value::Array(rows) => rows,
            row => vec![row],
        })
        .filter(Value::is_object)
        .collect()
}

/// A column or a parameter, and the values that were sent for it.
struct Column<'a> {
    name: &'a str,
    type_name: &'a str,
    values: Vec<&'a Value>,
}

impl<'a> Column<'a> {
    fn of(name: &'a str, type_name: &'a str, rows: &'a [Value]) -> Self {
        let values = rows.iter().filter_map(|row| row.get(name)).collect();
        Self {
            name,
            type_name,
            values,
        }
    }

    /// It has the type, whatever its length, or is an array of it.
    fn is_of(&self, type_named: &str) -> bool {
        let own = self.type_name.trim_end_matches("[]");
        own == type_named || own.split_once('(').is_some_and(|(bare, _)| bare == type_named)
    }

    /// It has one of the types that a message is about without naming it.
    fn is_of_kind(&self, message: &str) -> bool {
        const KINDS: [(&str, &[&str]); 8] = [
            ("numeric", &["numeric"]),
            ("range lower bound", &["range"]),
            ("interval", &["interval"]),
            ("date", &["date", "time"]),
            ("time", &["date", "time"]),
            ("tsquery", &["tsquery"]),
            ("tsvector", &["tsvector"]),
            (" digit", &["bit", "bytea"]),
        ];
        KINDS.iter().any(|(word, types)| {
            message.contains(word) && types.iter().any(|known| self.type_name.contains(known))
        })
    }

    fn has(&self, is: impl Fn(&str) -> bool) -> bool {
        self.values.iter().any(|value| match value {
            Value::String(text) => is(&text.to_lowercase()),
            other => is(&other.to_string().to_lowercase()),
        })
    }
}

/// The column that holds what the message repeats in quotes: as its value, or within it.
fn by_value(columns: &[Column<'_>], message: &str) -> Option<String> {
    // Where a message begins with a quote, it is about one letter of the value.
    let (_, after) = message.split_once('"').filter(|(before, _)| !before.is_empty())?;
    let repeated = after
        .rsplit_once('"')
        .map_or(after, |(text, _)| text)
        .to_lowercase();
    only(columns, |column| column.has(|value| value == repeated)).or_else(|| {
        let is_said = !repeated.is_empty() && !columns.iter().any(|column| column.type_name == repeated);
        only(columns, |column| {
            is_said && column.has(|value| value.contains(&repeated))
        })
    })
}

/// The name of the one column that is meant.
fn only<'a>(columns: &[Column<'a>], is: impl Fn(&Column<'a>) -> bool) -> Option<String> {
    let mut found = columns.iter().filter(|column| is(column));
    match (found.next(), found.next()) {
        (Some(column), None) => Some(column.name.to_owned()),
        _ => None,
    }
}

/// The domain whose rule a value breaks.
fn domain_in<'a>(fault: &DatabaseFault<'a>) -> Option<&'a str> {
    let checked = fault.message.strip_prefix("value for domain ");
    let null = fault.message.strip_prefix("domain ");
    checked
        .and_then(|rest| rest.split_once(" violates"))
        .or_else(|| null.and_then(|rest| rest.split_once(" does not allow null")))
        .map(|(name, _)| name)
}

/// The type that a message about a value names, as far as PostgreSQL does: `… for type integer: "x"`,
/// `… is out of range for type integer`, or `A field with precision 19, scale 4 …`.
fn type_in(fault: &DatabaseFault<'_>) -> Option<String> {
    if let Some(rest) = fault
        .detail
        .and_then(|detail| detail.strip_prefix("A field with precision "))
    {
        let (precision, rest) = rest.split_once(", scale ")?;
        let scale = rest.split(' ').next()?;
        return Some(format!("numeric({precision},{scale})"));
    }
    let (_, after) = fault.message.split_once(" type ")?;
    Some(after.split(": \"").next().unwrap_or(after).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::fixture::insert;

    #[test]
    fn a_value_in_a_body_is_found_by_what_is_said_of_it() {
        let body = r#"{"email":"Mars/Base","score":"many"}"#;
        let prepared = insert("contacts", body).expect("prepared");
        for (sqlstate, message, column) in [
            (
                "22P02",
                "invalid input syntax for type integer: \"many\"",
                Some("score"),
            ),
            (
                "22008",
                "date/time field value out of range: \"MANY\"",
                Some("score"),
            ),
            ("22023", "time zone \"mars/base\" not recognized", Some("email")),
            ("22P02", "malformed array literal: \"an\"", Some("score")),
            ("22P02", "malformed array literal: \"x\"", None),
            ("42703", "column \"many\" does not exist", None),
        ] {
            let fault = DatabaseFault {
                sqlstate,
                message,
                ..DatabaseFault::default()
            };
            let found = column_of_value(&fault, &prepared);
            assert_eq!(found.as_deref(), column, "{message}");
        }
    }

    #[test]
    fn a_domain_is_the_type_of_a_column() {
        let of = |message| {
            let fault = DatabaseFault {
                message,
                ..DatabaseFault::default()
            };
            domain_in(&fault)
        };
        assert_eq!(
            of("value for domain quantity violates check constraint \"c\""),
            Some("quantity")
        );
        assert_eq!(of("domain quantity does not allow null values"), Some("quantity"));
        assert_eq!(of("null value in column \"a\" of relation \"t\""), None);
    }
}
