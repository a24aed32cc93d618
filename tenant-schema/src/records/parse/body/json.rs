//! JSON objects, alone, in an array or on lines of their own.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Keys, Record, Records, invalid};
use crate::records::error::RecordError;

/// Reads one object, or an array of objects.
pub(super) fn read(text: &str) -> Result<Records<'_>, RecordError> {
    let single = !text.trim_start().starts_with('[');
    let objects: Vec<&RawValue> = if single {
        vec![serde_json::from_str(text).map_err(|error| malformed(&error))?]
    } else {
        serde_json::from_str(text).map_err(|error| malformed(&error))?
    };
    let rows = objects
        .into_iter()
        .enumerate()
        .map(|(index, object)| record(object, index));
    Ok(Records {
        rows: rows.collect::<Result<_, _>>()?,
        single,
    })
}

/// Reads an object on each line; lines of nothing but white space are skipped.
pub(super) fn read_lines(text: &str) -> Result<Records<'_>, RecordError> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let rows = lines.enumerate().map(|(index, line)| {
        let object = serde_json::from_str(line).map_err(|error| RecordError::InvalidBody {
            message: "Empty or invalid json".to_owned(),
            details: Some(format!("In object {} of the body: {error}", index + 1)),
        })?;
        record(object, index)
    });
    Ok(Records {
        rows: rows.collect::<Result<_, _>>()?,
        single: false,
    })
}

/// Whether a text is JSON at all.
pub(super) fn check(text: &str) -> Result<(), RecordError> {
    serde_json::from_str::<&RawValue>(text)
        .map(drop)
        .map_err(|error| malformed(&error))
}

/// Whether an object that was read before has a key.
pub(super) fn has_key(object: &str, name: &str) -> Result<bool, RecordError> {
    let JsonKeys(keys) = serde_json::from_str(object).map_err(|error| malformed(&error))?;
    Ok(keys.iter().any(|key| key == name))
}

fn record(object: &RawValue, index: usize) -> Result<Record<'_>, RecordError> {
    if !object.get().starts_with('{') {
        return Err(invalid(
            index,
            "The body must be a JSON object or an array of objects",
        ));
    }
    let JsonKeys(keys) = serde_json::from_str(object.get()).map_err(|error| malformed(&error))?;
    Ok(Record {
        object: Cow::Borrowed(object.get()),
        keys: Keys::Own(keys),
    })
}

fn malformed(error: &serde_json::Error) -> RecordError {
    RecordError::InvalidBody {
        message: "Empty or invalid json".to_owned(),
        details: Some(error.to_string()),
    }
}

/// The keys of an object, repetitions kept, values skipped.
struct JsonKeys<'a>(Vec<Cow<'a, str>>);

/// A key that borrows from the body unless it holds escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for JsonKeys<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = JsonKeys<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some((Key(key), IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(JsonKeys(keys))
            }
        }
        deserializer.deserialize_map(KeysVisitor)
    }
}

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: serde::de::Error>(self, key: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }

            fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Self::Value, E> {
                Err(E::custom("a key is not valid Unicode"))
            }
        }
        deserializer.deserialize_str(KeyVisitor).map_err(D::Error::custom)
    }
}
