//! What a body gives a function.

use std::collections::HashSet;

use super::{Format, Keys, Payload, form, json};
use crate::records::error::RecordError;
use crate::records::model::BodyType;

/// The arguments in a body, before it is known which function takes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arguments<'a> {
    /// A JSON object with these keys, which may also be taken as a whole.
    Object {
        /// Its text.
        text: &'a str,
        /// Its keys.
        keys: Vec<String>,
    },
    /// Names and texts, in their order; a name may stand several times.
    Texts(Vec<(String, String)>),
    /// Something that has no names in it.
    Whole {
        /// The bytes of the body.
        bytes: &'a [u8],
        /// What they are.
        body_type: BodyType,
    },
}

impl<'a> Arguments<'a> {
    /// Forgets the names that are not among these.
    pub fn keep(&mut self, names: &[String]) {
        let names: HashSet<&str> = names.iter().map(String::as_str).collect();
        match self {
            Self::Object { keys, .. } => keys.retain(|key| names.contains(key.as_str())),
            Self::Texts(pairs) => pairs.retain(|(name, _)| names.contains(name.as_str())),
            Self::Whole { .. } => {}
        }
    }

    /// Reads a body. Nothing at all means no arguments.
    pub fn parse(payload: Payload<'a>) -> Result<Self, RecordError> {
        let whole = |body_type| {
            let bytes = payload.bytes;
            Ok(Self::Whole { bytes, body_type })
        };
        match payload.format {
            Format::Bytes => return whole(BodyType::Bytes),
            Format::Text => return payload.text().and_then(|_| whole(BodyType::Text)),
            Format::Xml => return payload.text().and_then(|_| whole(BodyType::Xml)),
            Format::Form => return form::pairs(payload.text()?).map(Self::Texts),
            Format::Json => {}
            Format::Ndjson | Format::Csv => {
                return Err(RecordError::body(
                    "The arguments of a function are a JSON object or a form",
                ));
            }
        }
        let text = payload.text()?;
        if text.trim().is_empty() {
            return Ok(Self::Texts(Vec::new()));
        }
        if !text.trim_start().starts_with('{') {
            json::check(text)?;
            return whole(BodyType::Json);
        }
        let mut keys = Vec::new();
        for record in json::read(text)?.rows {
            super::common(std::slice::from_ref(&record))?;
            if let Keys::Own(own) = record.keys {
                keys.extend(own.into_iter().map(std::borrow::Cow::into_owned));
            }
        }
        Ok(Self::Object { text, keys })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(format: Format, text: &str) -> Result<Arguments<'_>, RecordError> {
        let bytes = text.as_bytes();
        Arguments::parse(Payload { bytes, format })
    }

    #[test]
    fn reads_arguments() {
        let text = r#" {"a":1,"b":[2]}"#;
        let keys = ["a", "b"].map(str::to_owned).to_vec();
        assert_eq!(parse(Format::Json, text), Ok(Arguments::Object { text, keys }));
        assert_eq!(parse(Format::Json, " "), Ok(Arguments::Texts(Vec::new())));
        let pairs = [("v", "1"), ("v", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            parse(Format::Form, "v=1&v=2"),
            Ok(Arguments::Texts(pairs.to_vec()))
        );
        for (format, body_type) in [
            (Format::Json, BodyType::Json),
            (Format::Text, BodyType::Text),
            (Format::Xml, BodyType::Xml),
            (Format::Bytes, BodyType::Bytes),
        ] {
            let whole = Arguments::Whole {
                bytes: b"[1]",
                body_type,
            };
            assert_eq!(parse(format, "[1]"), Ok(whole));
        }
    }

    #[test]
    fn refuses_what_is_no_argument() {
        for (format, text) in [
            (Format::Json, "{"),
            (Format::Json, "[1"),
            (Format::Json, r#"{"a":1,"a":2}"#),
            (Format::Csv, "a\n1"),
        ] {
            assert_eq!(parse(format, text).unwrap_err().code(), "PGRST102", "{text}");
        }
    }
}
