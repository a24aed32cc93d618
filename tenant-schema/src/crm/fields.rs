//! What a verb is told by its body: a JSON object with fields that it knows.

use catalog::nearest::nearest;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Refusal, WrongField};
use crate::records::RecordError;

/// The fields of a body. What is wrong with them is gathered, so that all of it is told at once by [`Fields::finish`].
#[derive(Debug)]
pub struct Fields {
    given: Map<String, Value>,
    wrong: Vec<WrongField>,
}

impl Fields {
    /// Reads a body. Nothing at all is an object without fields.
    ///
    /// # Errors
    /// What is no JSON object, and fields that are not `known`.
    pub fn read(body: &[u8], known: &[&str]) -> Result<Self, RecordError> {
        let invalid = |message: &str, details| RecordError::InvalidBody {
            message: message.to_owned(),
            details,
        };
        let given = if body.trim_ascii().is_empty() {
            Map::new()
        } else {
            match serde_json::from_slice(body) {
                Ok(Value::Object(given)) => given,
                Ok(_) => return Err(invalid("The body must be a JSON object", None)),
                Err(error) => {
                    let (line, column) = (error.line(), error.column());
                    let place = format!("It breaks off, or goes wrong, in line {line}, column {column}");
                    return Err(invalid("The body is not JSON", Some(place)));
                }
            }
        };
        match given.keys().find(|name| !known.contains(&name.as_str())) {
            Some(unknown) => Err(Self::unknown(unknown, known)),
            None => Ok(Self {
                given,
                wrong: Vec::new(),
            }),
        }
    }

    fn unknown(name: &str, known: &[&str]) -> RecordError {
        let name: String = name.chars().take(100).collect();
        let refusal = Refusal::new(400, "unknown_field", format!("This takes no field '{name}'"));
        let details = if known.is_empty() {
            "It takes none".to_owned()
        } else {
            format!("It takes {}", known.join(", "))
        };
        let refusal = refusal.with_details(details);
        match nearest(&name, known.iter().copied()) {
            Some(meant) => refusal.with_hint(format!("Perhaps you meant '{meant}'")).into(),
            None => refusal.into(),
        }
    }

    /// Whether a field is there, with whatever value that is not null.
    pub fn has(&self, name: &str) -> bool {
        self.given.get(name).is_some_and(|value| !value.is_null())
    }

    /// The value of a field; null is no value.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.given.remove(name).filter(|value| !value.is_null())
    }

    /// Says what is wrong with a field.
    pub fn refuse(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        self.wrong.push(WrongField {
            field: field.to_owned(),
            code: code.into(),
            message: message.into(),
        });
    }

    /// A field that is an id.
    pub fn id(&mut self, name: &str) -> Option<Uuid> {
        let value = self.take(name)?;
        let id = value.as_str().and_then(|text| Uuid::parse_str(text).ok());
        if id.is_none() {
            self.refuse(name, "not_an_id", "must be a UUID, as a text");
        }
        id
    }

    /// A field that is a text of so many characters at most. One of blanks alone is no value.
    pub fn text(&mut self, name: &str, most: usize) -> Option<String> {
        let value = self.take(name)?;
        let Value::String(text) = value else {
            self.refuse(name, "not_a_text", "must be a text");
            return None;
        };
        if text.contains('\0') {
            self.refuse(
                name,
                "nul_character",
                "has a NUL character, which no text in the database can",
            );
            return None;
        }
        if text.chars().count() > most {
            self.refuse(name, "too_long", format!("has more than {most} characters"));
            return None;
        }
        Some(text).filter(|text| !text.trim().is_empty())
    }

    /// A field that must be there.
    pub fn required<T>(&mut self, name: &str, value: Option<T>) -> Option<T> {
        let is_wrong = self.wrong.iter().any(|wrong| wrong.field == name);
        if value.is_none() && !is_wrong {
            self.refuse(name, "missing", "must be given");
        }
        value
    }

    /// Nothing was wrong.
    ///
    /// # Errors
    /// Everything that was.
    pub fn finish(self) -> Result<(), RecordError> {
        let message = match self.wrong.as_slice() {
            [] => return Ok(()),
            [one] => format!("The field '{}' {}", one.field, one.message),
            several => format!("{} fields are wrong", several.len()),
        };
        Err(Refusal::new(422, "validation_failed", message)
            .with_errors(self.wrong)
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Fields, (u16, String, Option<String>)> {
        Fields::read(body.as_bytes(), &["stage_id", "note"])
            .map_err(|error| (error.status(), error.message(), error.hint()))
    }

    #[test]
    fn a_body_is_an_object_of_known_fields() {
        assert!(read("").is_ok() && read(" {} ").is_ok());
        assert_eq!(read("[]").unwrap_err().0, 400);
        assert_eq!(read("{").unwrap_err().1, "The body is not JSON");
        let hint = Some("Perhaps you meant 'stage_id'".to_owned());
        let unknown = (400, "This takes no field 'stageid'".to_owned(), hint);
        assert_eq!(read(r#"{"stageid": 1}"#).unwrap_err(), unknown);
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let mut fields = read(r#"{"stage_id": 7, "note": "abc"}"#).unwrap();
        let id = fields.id("stage_id");
        assert_eq!(
            (fields.required("stage_id", id), fields.text("note", 2)),
            (None, None)
        );
        let Err(RecordError::Refused(refusal)) = fields.finish() else {
            unreachable!()
        };
        assert_eq!((refusal.status, &*refusal.message), (422, "2 fields are wrong"));
        let mut fields = read(r#"{"stage_id": null, "note": "  "}"#).unwrap();
        assert_eq!((fields.id("stage_id"), fields.text("note", 2)), (None, None));
        assert!(fields.finish().is_ok());
        let mut fields = read(r#"{"note": "\u0000"}"#).unwrap();
        assert_eq!(fields.text("note", 2), None);
        let error = fields.finish().unwrap_err();
        assert!(
            error.message().starts_with("The field 'note' has a NUL"),
            "{}",
            error.message()
        );
    }
}
