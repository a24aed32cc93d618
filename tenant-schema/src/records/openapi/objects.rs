//! The paths of an object's records.

use std::collections::HashSet;

use catalog::access::Action;
use serde_json::{Map, Value, json};

use super::{headers, key, parts, schema, segment};
use crate::records::model::Object;
use crate::records::parse::parameters::KNOWN;
use crate::records::parse::{Verb, known};
use crate::records::plan;

mod one;

/// Adds the paths of an object, and the schemas of its records.
pub(super) fn describe(
    object: &Object,
    may: &dyn Fn(Action) -> bool,
    paths: &mut Map<String, Value>,
    schemas: &mut Map<String, Value>,
) {
    let is_possible = |action: &Action| match action {
        Action::Read => true,
        Action::Insert => object.writable.insert,
        Action::Update => object.writable.update,
        Action::Delete => object.writable.delete || (object.soft_delete && object.writable.update),
        Action::Purge => object.writable.delete && object.soft_delete,
    };
    let able: HashSet<Action> = Action::ALL
        .into_iter()
        .filter(|action| may(*action) && is_possible(action))
        .collect();
    if able.iter().all(|action| *action == Action::Purge) {
        return;
    }
    let described = Described { object, able };
    let name = key(&object.name);
    schemas.insert(name.clone(), schema::row(object));
    if described.may(&[Action::Insert]) {
        schemas.insert(format!("{name}.insert"), schema::new(object));
    }
    if described.may(&[Action::Update]) {
        schemas.insert(format!("{name}.update"), schema::change(object));
    }
    let path = format!("/rest/v1/{}", segment(&object.name));
    described.one(&path, paths);
    paths.insert(path, described.many());
}

struct Described<'a> {
    object: &'a Object,
    /// What the reader may do, of what can be done.
    able: HashSet<Action>,
}

impl Described<'_> {
    fn may(&self, all: &[Action]) -> bool {
        all.iter().all(|action| self.able.contains(action))
    }

    /// What is done to records that a filter finds, and to new ones.
    fn many(&self) -> Value {
        let has_key = !self.object.primary_key.is_empty();
        let mut methods = Map::new();
        if self.may(&[Action::Read]) {
            methods.insert("get".to_owned(), self.list());
        }
        if self.may(&[Action::Insert]) {
            methods.insert("post".to_owned(), self.insert());
        }
        if self.may(&[Action::Update]) {
            methods.insert("patch".to_owned(), self.update_filtered());
        }
        if has_key && self.may(&[Action::Insert, Action::Update]) {
            methods.insert("put".to_owned(), self.put());
        }
        if self.may(&[Action::Delete]) {
            methods.insert("delete".to_owned(), self.delete_filtered());
        }
        Value::Object(methods)
    }

    fn operation(&self, verb: &str, summary: &str, parameters: Vec<Value>, responses: Value) -> Value {
        let mut operation = json!({
            "operationId": format!("{verb}.{}", key(&self.object.name)),
            "tags": [self.object.name],
            "summary": summary,
        });
        operation["parameters"] = Value::Array(parameters);
        operation["responses"] = responses;
        operation
    }

    /// `column=operator.value` for every column that such a request can be filtered by under its bare name.
    fn filters(&self, verb: Verb) -> impl Iterator<Item = Value> + '_ {
        let fields = self.object.fields.iter().chain(&self.object.computed);
        let fields = fields.filter(move |field| {
            let name = field.name.as_str();
            !name.starts_with('"') && known(name).is_none_or(|known| !known.is_meant(verb, true))
        });
        fields.map(|field| {
            let what = field.comment.as_deref().unwrap_or_default();
            json!({
                "name": field.name,
                "in": "query",
                "description": format!("{what} A condition: an operator and a value, such as `eq.…`.").trim(),
                "schema": { "type": "string" },
            })
        })
    }

    fn row(&self) -> Value {
        schema::named(&key(&self.object.name))
    }

    /// Records in every form in which several are answered.
    fn many_forms(&self) -> Value {
        parts::forms(&self.row(), &schema::list(&self.row()))
    }

    fn list(&self) -> Value {
        let page = |description: &str, more: &[&str]| {
            let always = ["content_location", "content_range", "link", "preference_applied"];
            json!({
                "description": description,
                "headers": headers::sent(always.iter().chain(more)),
                "content": self.many_forms(),
            })
        };
        let mut all = page(
            "All that were found, up to the most that a page has. In the forms `application/x-ndjson` and \
             `text/csv;rows=all`, which are exports, all without a bound; there is no Content-Range then. In the forms \
             `text/plain`, `application/octet-stream` and `text/xml` the values of the one column that is selected, one \
             behind the other.",
            &["content_disposition"],
        );
        for form in ["application/x-ndjson", "text/csv;rows=all"] {
            all["content"][form] = json!({ "schema": { "type": "string" } });
        }
        self.operation(
            "list",
            &format!("List {}", self.object.name),
            self.taken(Verb::List)
                .chain(named(&["range", "prefer_read"]))
                .chain(self.filters(Verb::List))
                .collect(),
            parts::read(json!({
                "200": all,
                "206": page("Some of those that were counted.", &[]),
            })),
        )
    }

    fn insert(&self) -> Value {
        let name = format!("{}.insert", key(&self.object.name));
        let one = schema::named(&name);
        let either = json!({ "oneOf": [one, schema::list(&one)] });
        let mut operation = self.operation(
            "insert",
            &format!("Add to {}", self.object.name),
            named(&[
                "select",
                "columns",
                "on_conflict",
                "prefer_write",
                "idempotency_key",
            ])
            .collect(),
            parts::write(json!({
                "200": self.written("What was merged, if that was asked for.", &["etag", "location"]),
                "201": added("the records", &["content_range", "location"]),
            })),
        );
        operation["requestBody"] = json!({
            "required": true,
            "content": {
                "application/json": { "schema": either },
                "application/x-ndjson": { "schema": { "type": "string" } },
                "text/csv": { "schema": { "type": "string" } },
                "application/x-www-form-urlencoded": { "schema": { "type": "object" } },
            },
        });
        operation
    }

    fn put(&self) -> Value {
        let keys = self.object.primary_key.iter().map(|name| {
            json!({
                "name": name,
                "in": "query",
                "required": true,
                "description": "The record's key, as `eq.…`.",
                "schema": { "type": "string", "pattern": "^eq\\." },
            })
        });
        let mut operation = self.operation(
            "put",
            &format!("Add or replace one of {} by its key", self.object.name),
            named(&["select", "columns", "prefer_write", "idempotency_key"])
                .chain(keys)
                .collect(),
            parts::write(json!({
                "200": self.written("Replaced.", &["etag"]),
                "201": added("the record", &[]),
                "204": nothing(&["etag"]),
            })),
        );
        operation["requestBody"] = self.whole();
        operation
    }

    fn update_filtered(&self) -> Value {
        let summary = format!("Change those of {} that a filter finds", self.object.name);
        let mut operation = self.filtered("update", &summary, Verb::Update, "The changed records.");
        operation["requestBody"] = self.changes();
        operation
    }

    fn delete_filtered(&self) -> Value {
        let summary = format!("Remove those of {} that a filter finds", self.object.name);
        self.filtered("delete", &summary, Verb::Delete, "The removed records.")
    }

    /// A write to the records that a filter finds.
    fn filtered(&self, name: &str, summary: &str, verb: Verb, done: &str) -> Value {
        self.operation(
            name,
            summary,
            self.taken(verb)
                .chain(named(&["prefer_write", "idempotency_key"]))
                .chain(self.filters(verb))
                .collect(),
            parts::write(json!({ "200": self.written(done, &[]), "204": nothing(&["content_range"]) })),
        )
    }

    /// The records that were written, in the answer of a write that may be replayed.
    fn written(&self, description: &str, more: &[&str]) -> Value {
        json!({
            "description": description,
            "headers": headers::sent(WRITTEN.iter().chain(&["content_range"]).chain(more)),
            "content": self.many_forms(),
        })
    }

    fn whole(&self) -> Value {
        let one = schema::named(&format!("{}.insert", key(&self.object.name)));
        json!({ "required": true, "content": { "application/json": { "schema": one } } })
    }

    fn changes(&self) -> Value {
        let changes = schema::named(&format!("{}.update", key(&self.object.name)));
        json!({ "required": true, "content": { "application/json": { "schema": changes } } })
    }

    /// The parameters that such a request takes, where they say something of this object.
    fn taken(&self, verb: Verb) -> impl Iterator<Item = Value> + '_ {
        let says = |name: &str| match name {
            "cursor" => plan::is_pageable(self.object),
            "q" => self.object.search.is_possible(),
            "deleted" => self.object.soft_delete,
            _ => true,
        };
        let taken = KNOWN.iter().filter(move |known| {
            let is_column = self.object.readable(known.name).is_some();
            known.is_of(verb) && known.is_meant(verb, is_column) && says(known.name)
        });
        taken.map(|known| parts::parameter(known.name))
    }
}

fn named<'a>(names: &'a [&'a str]) -> impl Iterator<Item = Value> + 'a {
    names.iter().map(|name| parts::parameter(name))
}

/// Headers that the answer of any write may have.
const WRITTEN: &[&str] = &["idempotent_replayed", "preference_applied"];

fn nothing(more: &[&str]) -> Value {
    json!({ "description": "Done; nothing is answered.", "headers": headers::sent(WRITTEN.iter().chain(more)) })
}

/// Without a type, since there is no body by default: a body that is announced must be there.
fn added(what: &str, more: &[&str]) -> Value {
    json!({
        "description": format!(
            "Added. Nothing is answered, or with `return=representation` {what}, as under 200."
        ),
        "headers": headers::sent(WRITTEN.iter().chain(&["etag"]).chain(more)),
    })
}
