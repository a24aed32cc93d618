//! A body that writes: its shape is read here, its values stay text until PostgreSQL reads them.
//!
//! Whatever the format, what comes out is the text of one JSON array of objects ([`Body::to_array`]), so that one
//! parameter carries any number of records. Nothing passes through a float or a map, so numbers arrive with every
//! digit they were sent with.

use std::borrow::Cow;
use std::collections::HashMap;

use uuid::Uuid;

use crate::records::error::RecordError;
use crate::records::limits::Exceeded;

pub mod call;
mod csv;
mod form;
mod json;

/// The forms in which records may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// `application/json` and its kin: one object, or an array of objects.
    #[default]
    Json,
    /// `application/x-ndjson`: an object on each line.
    Ndjson,
    /// `text/csv` (RFC 4180): a header line, then a record on each line. The word `NULL` means NULL.
    Csv,
    /// `application/x-www-form-urlencoded`: one object of texts.
    Form,
    /// `text/plain`: one text, for a function.
    Text,
    /// `text/xml`, `application/xml`: one document, for a function.
    Xml,
    /// `application/octet-stream`: bytes, for a function.
    Bytes,
}

/// A body as it came.
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a> {
    /// The bytes, with any content coding undone.
    pub bytes: &'a [u8],
    /// How to read them, by `Content-Type`.
    pub format: Format,
}

impl<'a> Payload<'a> {
    /// A body of JSON.
    pub fn json(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            format: Format::Json,
        }
    }

    /// The body as text. All formats are UTF-8 here.
    fn text(self) -> Result<&'a str, RecordError> {
        std::str::from_utf8(self.bytes)
            .map_err(|error| RecordError::body(format!("The body is not valid UTF-8: {error}")))
    }
}

/// The records in a body, and the columns they give values for.
#[derive(Debug)]
pub struct Body<'a> {
    /// JSON objects.
    rows: Vec<Cow<'a, str>>,
    /// The columns to write, in the order of `columns=` or of the first record's keys.
    pub columns: Vec<Column>,
    /// The body was one object, not a list of them.
    pub single: bool,
}

/// A column that a body writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as it was sent.
    pub name: String,
    /// How many of the records have a value for it, NULL included.
    pub given: Given,
}

/// In how many records a column has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// In every one.
    Everywhere,
    /// In some, but not all.
    Somewhere,
    /// In none.
    Nowhere,
}

/// The records of a format before they are compared: each an object's text and its keys, in their order.
struct Records<'a> {
    rows: Vec<Record<'a>>,
    single: bool,
}

struct Record<'a> {
    object: Cow<'a, str>,
    keys: Keys<'a>,
}

/// The keys of one record. Where a format has them in common, they are given once.
enum Keys<'a> {
    Own(Vec<Cow<'a, str>>),
    SameAsFirst,
}

impl<'a> Body<'a> {
    /// Reads a body of at most `allowed` records.
    ///
    /// With `columns` (the parameter of that name) every record takes these columns, and other keys are ignored;
    /// without, all records must have the same keys. An empty list is fine: it has no records and no columns.
    pub fn parse(
        payload: Payload<'a>,
        columns: Option<&[String]>,
        allowed: usize,
    ) -> Result<Self, RecordError> {
        let text = match payload.format {
            Format::Bytes => "",
            _ => payload.text()?,
        };
        let records = match payload.format {
            Format::Json => json::read(text)?,
            Format::Ndjson => json::read_lines(text)?,
            Format::Csv => csv::read(text, allowed)?,
            Format::Form => form::read(text)?,
            Format::Text | Format::Xml | Format::Bytes => {
                return Err(RecordError::body("Records are sent as JSON, CSV or a form"));
            }
        };
        if records.rows.len() > allowed {
            return Err(Exceeded::Objects { allowed }.into());
        }
        let columns = match columns {
            Some(names) => chosen(&records.rows, names)?,
            None => common(&records.rows)?,
        };
        Ok(Self {
            rows: records.rows.into_iter().map(|record| record.object).collect(),
            columns,
            single: records.single,
        })
    }

    /// Reads a body that must not have more than one record: `several` is the message when it has. Nothing is made of
    /// what follows the first.
    pub fn parse_one(
        payload: Payload<'a>,
        columns: Option<&[String]>,
        several: &'static str,
    ) -> Result<Self, RecordError> {
        Self::parse(payload, columns, 1).map_err(|error| match error {
            RecordError::Exceeded(Exceeded::Objects { .. }) => RecordError::body(several),
            other => other,
        })
    }

    /// How many records there are.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The column of this name, if the body writes it.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The records as the text of a JSON array, where each that has no key `column` has it put first, with an id.
    pub fn array_with_ids(
        &self,
        column: &str,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Result<String, RecordError> {
        let key = serde_json::Value::from(column).to_string();
        let some_have_it = self
            .column(column)
            .is_some_and(|column| column.given != Given::Nowhere);
        self.array(&mut |object, text| {
            if some_have_it && json::has_key(object, column)? {
                text.push_str(object);
                return Ok(());
            }
            let rest = object.strip_prefix('{').unwrap_or(object).trim_start();
            let comma = if rest == "}" { "" } else { "," };
            let id = new_id().to_string();
            text.extend(["{", &key, ":\"", &id, "\"", comma, rest]);
            Ok(())
        })
    }

    /// The records as the text of a JSON array.
    pub fn to_array(&self) -> String {
        let written = self.array(&mut |object, text| {
            text.push_str(object);
            Ok(())
        });
        written.unwrap_or_default()
    }

    /// The text of the only record, or of an object without keys when there is none.
    pub fn to_object(&self) -> String {
        self.rows
            .first()
            .map_or_else(|| "{}".to_owned(), |object| object.clone().into_owned())
    }

    fn array(
        &self,
        write: &mut dyn FnMut(&str, &mut String) -> Result<(), RecordError>,
    ) -> Result<String, RecordError> {
        let length: usize = self.rows.iter().map(|object| object.len() + 48).sum();
        let mut text = String::with_capacity(length + 2);
        text.push('[');
        for (index, object) in self.rows.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            write(object, &mut text)?;
        }
        text.push(']');
        Ok(text)
    }
}

/// The keys that all records have, when they are the same in all.
fn common(rows: &[Record<'_>]) -> Result<Vec<Column>, RecordError> {
    let mut columns = Vec::new();
    let mut sorted: Vec<&str> = Vec::new();
    for (index, record) in rows.iter().enumerate() {
        let Keys::Own(keys) = &record.keys else {
            continue;
        };
        let here = distinct(keys, index)?;
        if index == 0 {
            columns = keys
                .iter()
                .map(|key| Column {
                    name: key.clone().into_owned(),
                    given: Given::Everywhere,
                })
                .collect();
            sorted = here;
        } else if here != sorted {
            return Err(invalid(index, "All object keys must match"));
        }
    }
    Ok(columns)
}

/// The named columns, and in how many records each is.
fn chosen(rows: &[Record<'_>], names: &[String]) -> Result<Vec<Column>, RecordError> {
    let mut counts: HashMap<&str, usize> = names.iter().map(|name| (name.as_str(), 0)).collect();
    let mut first: &[Cow<'_, str>] = &[];
    for (index, record) in rows.iter().enumerate() {
        let keys = match &record.keys {
            Keys::Own(keys) => {
                distinct(keys, index)?;
                if index == 0 {
                    first = keys;
                }
                keys
            }
            Keys::SameAsFirst => first,
        };
        for key in keys {
            if let Some(count) = counts.get_mut(&**key) {
                *count += 1;
            }
        }
    }
    let column = |name: &String| Column {
        name: name.clone(),
        given: match counts.get(name.as_str()) {
            None | Some(0) => Given::Nowhere,
            Some(&count) if count == rows.len() => Given::Everywhere,
            Some(_) => Given::Somewhere,
        },
    };
    Ok(names.iter().map(column).collect())
}

/// The keys of one record in alphabetical order, or the error that one of them is there twice.
fn distinct<'k>(keys: &'k [Cow<'_, str>], index: usize) -> Result<Vec<&'k str>, RecordError> {
    let mut sorted: Vec<&str> = keys.iter().map(AsRef::as_ref).collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(invalid(
            index,
            &format!(
                "The key '{}' is given twice",
                crate::records::error::shorten(pair[0])
            ),
        )),
        None if sorted.iter().any(|key| key.contains('\0')) => {
            Err(invalid(index, "A key contains a NUL character"))
        }
        None => Ok(sorted),
    }
}

fn invalid(index: usize, message: &str) -> RecordError {
    RecordError::InvalidBody {
        message: message.to_owned(),
        details: Some(format!("In object {} of the body", index + 1)),
    }
}

#[cfg(test)]
mod tests;
