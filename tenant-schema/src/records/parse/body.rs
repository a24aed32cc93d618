//! A JSON body: its shape is read here, its values stay text until PostgreSQL reads them.
//!
//! Nothing passes through a float or a map, so numbers arrive with every digit they were sent with.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::records::error::RecordError;
use crate::records::limits::Exceeded;

/// One object or an array of objects that all have the same keys.
#[derive(Debug)]
pub struct Body<'a> {
    objects: Vec<&'a RawValue>,
    /// The keys of every object, in the first one's order.
    pub columns: Vec<String>,
    /// The body was one object, not an array.
    pub single: bool,
}

impl<'a> Body<'a> {
    /// Reads a body of at most `allowed` objects. An empty array is fine: it has no objects and no columns.
    pub fn parse(bytes: &'a [u8], allowed: usize) -> Result<Self, RecordError> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| RecordError::body(format!("The body is not valid UTF-8: {error}")))?;
        let single = !text.trim_start().starts_with('[');
        let objects: Vec<&RawValue> = if single {
            vec![serde_json::from_str(text).map_err(|error| malformed(&error))?]
        } else {
            serde_json::from_str(text).map_err(|error| malformed(&error))?
        };
        if objects.len() > allowed {
            return Err(Exceeded::Objects { allowed }.into());
        }
        let mut columns = Vec::new();
        let mut sorted = Vec::new();
        for (index, object) in objects.iter().enumerate() {
            let keys = keys(object, index)?;
            let mut here = keys.clone();
            here.sort_unstable();
            if let Some((twice, _)) = here.iter().zip(&here[here.len().min(1)..]).find(|(a, b)| a == b) {
                return Err(invalid(index, &format!("The key '{twice}' is given twice")));
            }
            if index == 0 {
                (columns, sorted) = (keys, here);
            } else if here != sorted {
                return Err(invalid(index, "All object keys must match"));
            }
        }
        Ok(Self {
            objects,
            columns: columns.into_iter().map(Cow::into_owned).collect(),
            single,
        })
    }

    /// How many objects there are.
    pub fn rows(&self) -> usize {
        self.objects.len()
    }

    /// The objects as the text of a JSON array, each with the key `column` and an id put first.
    pub fn array_with_ids(&self, column: &str, new_id: &mut dyn FnMut() -> Uuid) -> String {
        let key = serde_json::Value::from(column).to_string();
        self.array(&mut |object, text| {
            let rest = object.strip_prefix('{').unwrap_or(object).trim_start();
            let comma = if rest == "}" { "" } else { "," };
            let id = new_id().to_string();
            text.extend(["{", &key, ":\"", &id, "\"", comma, rest]);
        })
    }

    /// The objects as the text of a JSON array.
    pub fn to_array(&self) -> String {
        self.array(&mut |object, text| text.push_str(object))
    }

    /// The text of the only object of a [`single`](Self::single) body.
    pub fn to_object(&self) -> String {
        self.objects.iter().map(|object| object.get()).collect()
    }

    fn array(&self, write: &mut dyn FnMut(&str, &mut String)) -> String {
        let length: usize = self.objects.iter().map(|object| object.get().len() + 48).sum();
        let mut text = String::with_capacity(length + 2);
        text.push('[');
        for (index, object) in self.objects.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            write(object.get(), &mut text);
        }
        text.push(']');
        text
    }
}

fn malformed(error: &serde_json::Error) -> RecordError {
    RecordError::InvalidBody {
        message: "Empty or invalid json".to_owned(),
        details: Some(error.to_string()),
    }
}

fn invalid(index: usize, message: &str) -> RecordError {
    RecordError::InvalidBody {
        message: message.to_owned(),
        details: Some(format!("In object {} of the body", index + 1)),
    }
}

fn keys(object: &RawValue, index: usize) -> Result<Vec<Cow<'_, str>>, RecordError> {
    if !object.get().starts_with('{') {
        return Err(invalid(
            index,
            "The body must be a JSON object or an array of objects",
        ));
    }
    let Keys(keys) = serde_json::from_str(object.get()).map_err(|error| malformed(&error))?;
    if keys.iter().any(|key| key.contains('\0')) {
        return Err(invalid(index, "A key contains a NUL character"));
    }
    Ok(keys)
}

/// The keys of an object, repetitions kept, values skipped.
struct Keys<'a>(Vec<Cow<'a, str>>);

/// A key that borrows from the body unless it holds escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Keys<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeysVisitor;
        impl<'de> Visitor<'de> for KeysVisitor {
            type Value = Keys<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some((Key(key), IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Body<'_>, RecordError> {
        Body::parse(bytes, 3)
    }

    fn refused(body: &str) -> String {
        let error = parse(body.as_bytes()).unwrap_err();
        assert_eq!((error.code(), error.status()), ("PGRST102", 400), "{body}");
        error.message()
    }

    #[test]
    fn keeps_every_digit() {
        let body = parse(br#" {"a": 12345678901234.123456789, "b":1e999} "#).unwrap();
        assert_eq!(body.columns, ["a", "b"]);
        assert_eq!(body.to_array(), r#"[{"a": 12345678901234.123456789, "b":1e999}]"#);
    }

    #[test]
    fn puts_ids_first() {
        let mut next = 0;
        let mut new_id = || {
            next += 1;
            Uuid::from_u128(next)
        };
        let body = parse(br#"[{ "a":1},{"a":2}]"#).unwrap();
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let expected = format!(r#"[{{"id":"{one}","a":1}},{{"id":"{two}","a":2}}]"#);
        assert_eq!(body.array_with_ids("id", &mut new_id), expected);
        let expected = format!(r#"[{{"id":"{}"}}]"#, Uuid::from_u128(3));
        assert_eq!(parse(b"{ }").unwrap().array_with_ids("id", &mut new_id), expected);
    }

    #[test]
    fn keys_must_match_in_any_order() {
        assert_eq!(
            parse(br#"[{"a":1,"b":2},{"b":3,"\u0061":4}]"#).unwrap().columns,
            ["a", "b"]
        );
        assert_eq!(refused(r#"[{"a":1},{"b":2}]"#), "All object keys must match");
        assert_eq!(refused(r#"[{"a":1},{}]"#), "All object keys must match");
        assert_eq!(refused(r#"{"a":1,"\u0061":2}"#), "The key 'a' is given twice");
        assert_eq!(parse(b"[]").unwrap().rows(), 0);
    }

    #[test]
    fn a_body_has_at_most_so_many_objects() {
        assert_eq!(parse(b"[{},{},{}]").unwrap().rows(), 3);
        let refused = parse(b"[{},{},{},{}]").unwrap_err();
        assert_eq!((refused.code(), refused.status()), ("too_many_objects", 413));
        assert_eq!(refused.message(), "The body has more than 3 objects");
    }

    #[test]
    fn refuses_what_is_not_objects() {
        for body in [
            "",
            " ",
            "{",
            "nul",
            "[{]",
            "{}{}",
            r#"{"a":01}"#,
            r#"{"\ud800":1}"#,
        ] {
            assert_eq!(refused(body), "Empty or invalid json", "{body}");
        }
        for body in ["1", "null", "\"a\"", "[1]", "[[{}]]"] {
            assert_eq!(
                refused(body),
                "The body must be a JSON object or an array of objects",
                "{body}"
            );
        }
        assert_eq!(parse(b"{\"a\":\"\xff\"}").unwrap_err().code(), "PGRST102");
        assert_eq!(refused(r#"{"a\u0000":1}"#), "A key contains a NUL character");
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(
            parse(deep.as_bytes()).unwrap().columns,
            ["a"],
            "depth is PostgreSQL's to judge"
        );
    }
}
