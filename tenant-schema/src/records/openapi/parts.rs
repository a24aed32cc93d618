//! What many operations share: parameters, headers, problem answers.

use serde_json::{Map, Value, json};

use super::{headers, reference};

/// The component that describes a problem; its dot keeps it apart from those of objects.
pub(super) const PROBLEM: &str = "error.Problem";

/// Parameters of operations on many records, by their key.
const PARAMETERS: &[(&str, &str, &str, &str)] = &[
    (
        "select",
        "query",
        "select",
        "What to answer: columns, `alias:column`, `column::type`, JSON paths, aggregates, and other objects with their \
         own list in parentheses. Everything by default.",
    ),
    (
        "order",
        "query",
        "order",
        "How to sort: columns with `.asc` or `.desc`, `.nullsfirst` or `.nullslast`, separated by commas.",
    ),
    ("limit", "query", "limit", "The most records to answer."),
    (
        "offset",
        "query",
        "offset",
        "How many records to pass over first.",
    ),
    (
        "cursor",
        "query",
        "cursor",
        "Empty for the first page of a list whose full pages each name the next by `Link`. Every record that stays is on \
         exactly one page, whatever is added and removed meanwhile. Not with `offset`, `Range` or aggregates.",
    ),
    (
        "q",
        "query",
        "q",
        "Words to search for: beginnings are enough, accents and typing errors make no difference. The best are first, \
         unless `order` says otherwise.",
    ),
    (
        "and",
        "query",
        "and",
        "Conditions that must all hold: `(price.gt.1,price.lt.9)`.",
    ),
    (
        "or",
        "query",
        "or",
        "Conditions of which one must hold: `(status.eq.open,status.is.null)`.",
    ),
    (
        "not.and",
        "query",
        "not.and",
        "Conditions of which one must not hold: `(price.gt.1,price.lt.9)`.",
    ),
    (
        "not.or",
        "query",
        "not.or",
        "Conditions of which none must hold: `(status.eq.open,status.is.null)`.",
    ),
    (
        "deleted",
        "query",
        "deleted",
        "Which records are meant: those that are live (`exclude`, as without it), those that are deleted (`only`), or \
         both (`include`).",
    ),
    (
        "columns",
        "query",
        "columns",
        "The columns to take from the body; what else stands in it is passed over.",
    ),
    (
        "on_conflict",
        "query",
        "on_conflict",
        "The columns of the unique key by which a record is known for `Prefer: resolution`. The primary key by default.",
    ),
    (
        "range",
        "header",
        "Range",
        "The records to answer, by number, as in `0-9`.",
    ),
    (
        "prefer_read",
        "header",
        "Prefer",
        "`count=exact|planned|estimated` counts what the filter finds; `handling=strict|lenient`, `timezone=…`.",
    ),
    (
        "prefer_call",
        "header",
        "Prefer",
        "`count=…` counts the results of a function that only reads; `max-affected=…` undoes the call where it has more \
         results; `tx=commit|rollback`, `handling=strict|lenient`, `timezone=…`.",
    ),
    (
        "prefer_write",
        "header",
        "Prefer",
        "`return=minimal|headers-only|representation`, `count=…`, `missing=default`, `max-affected=…`, \
         `tx=commit|rollback`, `handling=strict|lenient`, `timezone=…`; for inserts \
         `resolution=merge-duplicates|ignore-duplicates`; for changes of one record with `If-Match` `merge=disjoint`.",
    ),
    (
        "if_match",
        "header",
        "If-Match",
        "Entity tags, or `*`: do it only if the record is in one of these states. Else the answer is 412.",
    ),
    (
        "if_none_match",
        "header",
        "If-None-Match",
        "Entity tags, or `*`: do it only if the record is in none of these states. Else a read is answered by 304, and a \
         write by 412.",
    ),
    (
        "idempotency_key",
        "header",
        "Idempotency-Key",
        "A text of the client's for this request. Within a day the same request with the same key is not done again, but \
         answered as it was, with `Idempotent-Replayed: true`. While it is being done, the answer is 409; another request \
         with the key is answered by 422.",
    ),
];

/// Problem answers by their key: status and when.
const PROBLEMS: &[(&str, &str, &str)] = &[
    (
        "ambiguous",
        "300",
        "An embedded object could be meant in several ways; the details name them.",
    ),
    (
        "bad_request",
        "400",
        "The request cannot be read: a parameter, a value or the body.",
    ),
    (
        "unauthorized",
        "401",
        "There are no credentials, or they are not valid.",
    ),
    (
        "forbidden",
        "403",
        "The caller is known, but not allowed to do this.",
    ),
    ("not_found", "404", "There is no such thing here."),
    ("method_not_allowed", "405", "The method is not for this."),
    (
        "not_acceptable",
        "406",
        "No form of the answer is acceptable, or a single record was asked for and not found.",
    ),
    (
        "conflict",
        "409",
        "A key is taken, something still refers to the record, or a request with the same `Idempotency-Key` is being \
         answered.",
    ),
    (
        "precondition_failed",
        "412",
        "The record is in another state than was meant; `ETag` and the details tell in which.",
    ),
    ("too_large", "413", "The body or the answer is too large."),
    ("too_long", "414", "The query string is too long."),
    (
        "unsupported_media_type",
        "415",
        "The body is in a form that is not read.",
    ),
    (
        "range_not_satisfiable",
        "416",
        "There are fewer records than the range begins after.",
    ),
    (
        "unprocessable",
        "422",
        "The request is understood, but not valid, or its `Idempotency-Key` was used for another one.",
    ),
    (
        "too_many",
        "429",
        "Too many requests; `Retry-After` says when to try again.",
    ),
    (
        "internal",
        "500",
        "A fault of the service; the request id leads to the cause.",
    ),
    (
        "unavailable",
        "503",
        "The service is unavailable for a moment; `Retry-After` says when to try again.",
    ),
];

/// The problem of no status of its own.
const RAISED: &str = "raised";

const ALWAYS: &[&str] = &[
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "not_acceptable",
    "too_long",
    "too_many",
    "internal",
    "unavailable",
];

/// The answers that any read may have, with those of its own.
pub(super) fn read(own: Value) -> Value {
    answers(own, &["ambiguous", "too_large", "range_not_satisfiable"])
}

/// The answers that any write may have, with those of its own.
pub(super) fn write(own: Value) -> Value {
    let more = [
        "ambiguous",
        "conflict",
        "precondition_failed",
        "too_large",
        "unsupported_media_type",
        "range_not_satisfiable",
        "unprocessable",
    ];
    answers(own, &more)
}

fn answers(own: Value, more: &[&str]) -> Value {
    let mut answers = match own {
        Value::Object(own) => own,
        _ => Map::new(),
    };
    for (name, status, _) in PROBLEMS
        .iter()
        .filter(|(name, ..)| ALWAYS.contains(name) || more.contains(name))
    {
        answers.insert((*status).to_owned(), reference("responses", name));
    }
    // A function or a trigger of the template may raise any status.
    answers.insert("default".to_owned(), reference("responses", RAISED));
    Value::Object(answers)
}

/// An answer in every form: as JSON by these schemas of one and of all that is answered, and as texts.
pub(super) fn forms(one: &Value, all: &Value) -> Value {
    let (one, all) = (json!({ "schema": one }), json!({ "schema": all }));
    let text = json!({ "schema": { "type": "string" } });
    json!({
        "application/json": all,
        "application/vnd.pgrst.array+json;nulls=stripped": all,
        "application/vnd.pgrst.object+json": one,
        "application/vnd.pgrst.object+json;nulls=stripped": one,
        "text/csv": text,
        // The values of the one column that is selected, one behind the other.
        "text/plain": text,
        "application/octet-stream": text,
        "text/xml": text,
    })
}

pub(super) fn parameter(name: &str) -> Value {
    reference("parameters", name)
}

pub(super) fn parameters() -> Value {
    let all = PARAMETERS.iter().map(|(key, place, name, description)| {
        let schema = match *key {
            "limit" | "offset" => json!({ "type": "integer", "minimum": 0 }),
            "deleted" => json!({ "type": "string", "enum": ["exclude", "include", "only"] }),
            _ => json!({ "type": "string" }),
        };
        let parameter = json!({ "name": name, "in": place, "description": description, "schema": schema });
        ((*key).to_owned(), parameter)
    });
    Value::Object(all.collect())
}

pub(super) fn responses() -> Value {
    let all = PROBLEMS.iter().map(|(name, _, description)| {
        let mut response = json!({
            "description": description,
            "content": { "application/problem+json": { "schema": reference("schemas", PROBLEM) } },
        });
        if ["too_many", "unavailable"].contains(name) {
            response["headers"] = headers::sent(&["retry_after"]);
        }
        if *name == "precondition_failed" {
            response["headers"] = headers::sent(&["etag"]);
        }
        ((*name).to_owned(), response)
    });
    let raised = json!({
        "description": "What a function or a trigger raises by a status of its own.",
        "content": { "application/problem+json": { "schema": reference("schemas", PROBLEM) } },
    });
    Value::Object(all.chain([(RAISED.to_owned(), raised)]).collect())
}

pub(super) fn problem() -> Value {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    json!({
        "type": "object",
        "description": "Problem details (RFC 9457), with the members that PostgREST's clients read.",
        "required": ["type", "title", "status", "code", "message"],
        "properties": {
            "type": text,
            "title": text,
            "status": { "type": "integer", "minimum": 300, "maximum": 599 },
            "instance": text,
            "request_id": text,
            "code": { "type": "string", "description": "For programs: a code of PostgREST, of PostgreSQL, or a word of ours." },
            "message": text,
            "details": { "description": "More about it." },
            "hint": maybe,
            "errors": {
                "type": "array",
                "description": "Everything that is wrong, field by field.",
                "items": {
                    "type": "object",
                    "properties": { "field": text, "code": text, "message": text },
                },
            },
        },
    })
}
