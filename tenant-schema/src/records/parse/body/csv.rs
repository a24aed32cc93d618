//! Records as comma-separated values (RFC 4180).

use std::borrow::Cow;

use csv::{Error, ErrorKind, ReaderBuilder, StringRecord};

use super::{Keys, Record, Records};
use crate::records::error::RecordError;
use crate::records::limits::Exceeded;

/// The word that means NULL, as in PostgREST; a text of these letters cannot be sent in this format.
const NULL: &str = "NULL";

/// Reads a header line and at most `allowed` records, each becoming an object of texts and nulls.
pub(super) fn read(text: &str, allowed: usize) -> Result<Records<'static>, RecordError> {
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| malformed(&error))?.clone();
    let names: Vec<String> = header
        .iter()
        .map(|name| serde_json::Value::from(name).to_string())
        .collect();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| malformed(&error))?;
        if rows.len() >= allowed {
            return Err(Exceeded::Objects { allowed }.into());
        }
        let keys = if rows.is_empty() {
            Keys::Own(header.iter().map(|name| Cow::Owned(name.to_owned())).collect())
        } else {
            Keys::SameAsFirst
        };
        rows.push(Record {
            object: Cow::Owned(object(&names, &record)),
            keys,
        });
    }
    Ok(Records { rows, single: false })
}

fn object(names: &[String], record: &StringRecord) -> String {
    let mut text = String::with_capacity(record.as_slice().len() + 16 * names.len());
    text.push('{');
    for (index, (name, value)) in names.iter().zip(record).enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(name);
        text.push(':');
        if value == NULL {
            text.push_str("null");
        } else {
            text.push_str(&serde_json::Value::from(value).to_string());
        }
    }
    text.push('}');
    text
}

fn malformed(error: &Error) -> RecordError {
    let line = error
        .position()
        .map(|position| format!("On line {} of the body", position.line()));
    RecordError::InvalidBody {
        message: match error.kind() {
            ErrorKind::UnequalLengths { .. } => "All lines must have same number of fields".to_owned(),
            _ => "Invalid csv".to_owned(),
        },
        details: line,
    }
}
