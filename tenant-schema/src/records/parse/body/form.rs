//! One record as an HTML form sends it (WHATWG URL, section 5.1).

use std::borrow::Cow;

use super::{Keys, Record, Records};
use crate::records::error::RecordError;
use crate::records::parse::parameters;

/// Reads the pairs.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, RecordError> {
    parameters(text)
        .map_err(|_| RecordError::body("The percent encoding of the body does not make valid UTF-8"))
}

/// Reads the pairs as one object of texts.
pub(super) fn read(text: &str) -> Result<Records<'static>, RecordError> {
    let pairs = pairs(text)?;
    let members: Vec<String> = pairs
        .iter()
        .map(|(name, value)| {
            let (name, value) = (
                serde_json::Value::from(name.as_str()),
                serde_json::Value::from(value.as_str()),
            );
            format!("{name}:{value}")
        })
        .collect();
    let keys = pairs.into_iter().map(|(name, _)| Cow::Owned(name)).collect();
    Ok(Records {
        rows: vec![Record {
            object: Cow::Owned(format!("{{{}}}", members.join(","))),
            keys: Keys::Own(keys),
        }],
        single: true,
    })
}
