//! Records as comma-separated values (RFC 4180).

use std::borrow::Cow;

use csv::{Error, ErrorKind, ReaderBuilder, StringRecord};

use super::{Keys, Record, Records, distinct};
use crate::records::error::{RecordError, shorten};
use crate::records::limits::Exceeded;

/// The word that means NULL, as in PostgREST; a text of these letters cannot be sent in this format.
const NULL: &str = "NULL";

/// The longest name that a column can have, in bytes (PostgreSQL documentation, section 4.1.1).
const NAME_BYTES: usize = 63;

/// The most columns that a table can have (PostgreSQL documentation, appendix K).
const COLUMNS: usize = 1600;

/// How many times larger than the body its records may become: each repeats the names of the header.
const GROWTH: usize = 16;

/// The records of a small body may become as large as this, in bytes.
const LEAST_ALLOWED: usize = 64 * 1024;

/// Reads a header line and at most `allowed` records, each becoming an object of texts and nulls.
pub(super) fn read(text: &str, allowed: usize) -> Result<Records<'static>, RecordError> {
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| malformed(&error))?.clone();
    let mut keys = Some(keys(&header)?);
    let names: Vec<String> = header
        .iter()
        .map(|name| serde_json::Value::from(name).to_string())
        .collect();
    let allowed_bytes = text.len().saturating_mul(GROWTH).max(LEAST_ALLOWED);
    let mut bytes = 0;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| malformed(&error))?;
        if rows.len() >= allowed {
            return Err(Exceeded::Objects { allowed }.into());
        }
        let object = object(&names, &record);
        bytes += object.len();
        if bytes > allowed_bytes {
            let allowed = allowed_bytes;
            return Err(Exceeded::Body { allowed }.into());
        }
        rows.push(Record {
            object: Cow::Owned(object),
            keys: keys.take().map_or(Keys::SameAsFirst, Keys::Own),
        });
    }
    Ok(Records { rows, single: false })
}

/// The names in the header. What no table can have is refused before any record repeats it.
fn keys(header: &StringRecord) -> Result<Vec<Cow<'static, str>>, RecordError> {
    if header.len() > COLUMNS {
        return Err(RecordError::body(format!(
            "The header has more than {COLUMNS} columns"
        )));
    }
    if let Some(long) = header.iter().find(|name| name.len() > NAME_BYTES) {
        let name = shorten(long);
        return Err(RecordError::body(format!(
            "The column name '{name}' has more than {NAME_BYTES} bytes"
        )));
    }
    let keys: Vec<_> = header.iter().map(|name| Cow::Owned(name.to_owned())).collect();
    distinct(&keys, 0)?;
    Ok(keys)
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
