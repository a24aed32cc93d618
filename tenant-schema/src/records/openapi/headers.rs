//! The headers of answers.

use serde_json::{Map, Value, json};

use super::reference;

/// Headers by their key: name and what they say.
const HEADERS: &[(&str, &str, &str)] = &[
    (
        "content_disposition",
        "Content-Disposition",
        "Of an export: the name of the file to keep it in.",
    ),
    (
        "content_location",
        "Content-Location",
        "The address of this list, its parameters in the order of their names.",
    ),
    (
        "content_range",
        "Content-Range",
        "Which records these are, and of how many: `0-9/42` or `0-9/*`.",
    ),
    (
        "etag",
        "ETag",
        "The state of the record, where it has versions: `\"7\"`.",
    ),
    (
        "idempotent_replayed",
        "Idempotent-Replayed",
        "`true`: the request was done before, and this is what it was answered.",
    ),
    (
        "link",
        "Link",
        "The next page (RFC 8288), where a page by `cursor` is full: `</rest/v1/…?…>; rel=\"next\"`.",
    ),
    ("location", "Location", "Where the new record is."),
    (
        "preference_applied",
        "Preference-Applied",
        "The preferences that were followed.",
    ),
    ("retry_after", "Retry-After", "Seconds to wait."),
];

/// All of them, as components.
pub(super) fn components() -> Value {
    let all = HEADERS.iter().map(|(key, _, description)| {
        let schema = match *key {
            "retry_after" => json!({ "type": "integer", "minimum": 0 }),
            _ => json!({ "type": "string" }),
        };
        (
            (*key).to_owned(),
            json!({ "description": description, "schema": schema }),
        )
    });
    Value::Object(all.collect())
}

/// The headers of an answer, by their keys.
pub(super) fn sent<'a>(keys: impl IntoIterator<Item = &'a &'a str>) -> Value {
    let keys: Vec<&str> = keys.into_iter().copied().collect();
    let all = HEADERS.iter().filter(|(key, ..)| keys.contains(key));
    let all: Map<String, Value> = all
        .map(|(key, name, _)| ((*name).to_owned(), reference("headers", key)))
        .collect();
    Value::Object(all)
}
