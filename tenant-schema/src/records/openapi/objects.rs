//! The paths of an object's records.

use catalog::access::Action;
use serde_json::{Map, Value, json};

use super::{key, parts, schema, segment};
use crate::records::model::{Field, Object};
use crate::records::parse::RESERVED;

/// Parameters that columns cannot be filtered by under their bare names.
const OURS: [&str; 2] = ["columns", "on_conflict"];

/// Adds the paths of an object, and the schemas of its records.
pub(super) fn describe(
    object: &Object,
    may: &dyn Fn(Action) -> bool,
    paths: &mut Map<String, Value>,
    schemas: &mut Map<String, Value>,
) {
    let can = |action| {
        may(action)
            && match action {
                Action::Read => true,
                Action::Insert => object.writable.insert,
                Action::Update => object.writable.update,
                Action::Delete => object.writable.delete || (object.soft_delete && object.writable.update),
                Action::Purge => object.writable.delete && object.soft_delete,
            }
    };
    let [read, insert, update, delete, purge] = Action::ALL.map(can);
    if ![read, insert, update, delete].contains(&true) {
        return;
    }
    let described = Described { object };
    let name = key(&object.name);
    schemas.insert(name.clone(), schema::row(object));
    let mut all = Map::new();
    if read {
        all.insert("get".to_owned(), described.list());
    }
    if insert {
        schemas.insert(format!("{name}.insert"), schema::new(object));
        all.insert("post".to_owned(), described.insert());
    }
    if update {
        schemas.insert(format!("{name}.update"), schema::change(object));
        all.insert("patch".to_owned(), described.update_filtered());
    }
    if insert && update && !object.primary_key.is_empty() {
        all.insert("put".to_owned(), described.put());
    }
    if delete {
        all.insert("delete".to_owned(), described.delete_filtered());
    }
    let path = format!("/rest/v1/{}", segment(&object.name));
    if let Some(id) = object.key() {
        described.one(id, &path, [read, insert, update, delete, purge], paths);
    }
    paths.insert(path, Value::Object(all));
}

struct Described<'a> {
    object: &'a Object,
}

impl Described<'_> {
    /// Adds the paths of one record, with what may be done there: read, insert, update, delete, purge.
    fn one(
        &self,
        id: &Field,
        path: &str,
        [read, insert, update, delete, purge]: [bool; 5],
        paths: &mut Map<String, Value>,
    ) {
        let mut one = Map::from_iter([("parameters".to_owned(), json!([id_parameter(id)]))]);
        let operations = [
            (read, "get", self.get()),
            (update, "patch", self.update()),
            (insert && update, "put", self.put_one()),
            (delete, "delete", self.delete()),
        ];
        for (is, method, operation) in operations {
            if is {
                one.insert(method.to_owned(), operation);
            }
        }
        paths.insert(format!("{path}/{{id}}"), Value::Object(one));
        let of_the_bin = [
            (update && self.object.soft_delete, "restore", self.restore()),
            (purge, "purge", self.purge()),
        ];
        for (is, verb, operation) in of_the_bin {
            if is {
                let item = json!({ "parameters": [id_parameter(id)], "post": operation });
                paths.insert(format!("{path}/{{id}}/{verb}"), item);
            }
        }
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

    /// `column=operator.value` for every column.
    fn filters(&self) -> impl Iterator<Item = Value> + '_ {
        let fields = self.object.fields.iter().chain(&self.object.computed);
        let fields = fields.filter(|field| {
            let name = field.name.as_str();
            !RESERVED.contains(&name) && !OURS.contains(&name) && !name.starts_with('"')
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
        let rows = schema::list(&self.row());
        json!({
            "application/json": { "schema": rows },
            "application/vnd.pgrst.object+json": { "schema": self.row() },
            "text/csv": { "schema": { "type": "string" } },
        })
    }

    fn list(&self) -> Value {
        let parameters = named(&[
            "select",
            "order",
            "limit",
            "offset",
            "cursor",
            "and",
            "or",
            "range",
            "prefer_read",
        ]);
        let search = self.object.search.is_possible();
        let parameters = parameters.chain(search.then(|| parts::parameter("q")));
        let page = |description: &str| {
            json!({
                "description": description,
                "headers": {
                    "Content-Range": super::reference("headers", "content_range"),
                    "Link": super::reference("headers", "link"),
                    "Preference-Applied": super::reference("headers", "preference_applied"),
                },
                "content": self.many_forms(),
            })
        };
        let mut all = page(
            "All that were found, up to the most that a page has. In the forms `application/x-ndjson` and \
                            `text/csv;rows=all`, which are exports, all without a bound; there is no Content-Range then.",
        );
        for form in ["application/x-ndjson", "text/csv;rows=all"] {
            all["content"][form] = json!({ "schema": { "type": "string" } });
        }
        self.operation(
            "list",
            &format!("List {}", self.object.name),
            parameters.chain(self.deleted()).chain(self.filters()).collect(),
            parts::read(json!({
                "200": all,
                "206": page("Some of those that were counted."),
            })),
        )
    }

    fn get(&self) -> Value {
        self.operation(
            "get",
            &format!("Get one of {}", self.object.name),
            named(&["select", "prefer_read"])
                .chain(self.conditions())
                .chain(self.deleted())
                .collect(),
            self.with_not_modified(parts::read(json!({ "200": self.written_one("The record.") }))),
        )
    }

    fn insert(&self) -> Value {
        let name = format!("{}.insert", key(&self.object.name));
        let one = schema::named(&name);
        let either = json!({ "oneOf": [one, schema::list(&one)] });
        let mut operation = self.operation(
            "insert",
            &format!("Add to {}", self.object.name),
            named(&["select", "columns", "on_conflict", "prefer_write", "idempotency_key"]).collect(),
            parts::write(json!({
                "200": self.written("What was merged, if that was asked for."),
                // Without a type, since there is no body by default: a body that is announced must be there.
                "201": {
                    "description": "Added. Nothing is answered, or with `return=representation` the records, as under 200.",
                    "headers": {
                        "ETag": super::reference("headers", "etag"),
                        "Idempotent-Replayed": super::reference("headers", "idempotent_replayed"),
                        "Location": super::reference("headers", "location"),
                        "Preference-Applied": super::reference("headers", "preference_applied"),
                    },
                },
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

    fn put_one(&self) -> Value {
        let mut operation = self.operation(
            "put_one",
            &format!("Add or replace one of {}", self.object.name),
            self.of_one_write(&["select", "columns"]),
            parts::write(json!({
                "200": self.written_one("Replaced."),
                "201": { "description": "Added. Nothing is answered, or with `return=representation` the record, as under 200." },
                "204": nothing(),
            })),
        );
        operation["requestBody"] = self.whole();
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
                "200": self.written("Replaced."),
                "201": { "description": "Added. Nothing is answered, or with `return=representation` the record, as under 200." },
                "204": nothing(),
            })),
        );
        operation["requestBody"] = self.whole();
        operation
    }

    fn whole(&self) -> Value {
        let one = schema::named(&format!("{}.insert", key(&self.object.name)));
        json!({ "required": true, "content": { "application/json": { "schema": one } } })
    }

    fn update_filtered(&self) -> Value {
        let parameters = [
            "select",
            "order",
            "limit",
            "and",
            "or",
            "columns",
            "prefer_write",
            "idempotency_key",
        ];
        let parameters = named(&parameters);
        let mut operation = self.operation(
            "update",
            &format!("Change those of {} that a filter finds", self.object.name),
            parameters.chain(self.deleted()).chain(self.filters()).collect(),
            parts::write(json!({ "200": self.written("The changed records."), "204": nothing() })),
        );
        operation["requestBody"] = self.changes();
        operation
    }

    fn update(&self) -> Value {
        let mut operation = self.operation(
            "update_one",
            &format!("Change one of {}", self.object.name),
            self.of_one_write(&["select", "columns"])
                .into_iter()
                .chain(self.deleted())
                .collect(),
            parts::write(json!({ "200": self.written_one("The changed record."), "204": nothing() })),
        );
        operation["requestBody"] = self.changes();
        operation
    }

    fn changes(&self) -> Value {
        let changes = schema::named(&format!("{}.update", key(&self.object.name)));
        json!({ "required": true, "content": { "application/json": { "schema": changes } } })
    }

    fn delete_filtered(&self) -> Value {
        let parameters = [
            "select",
            "order",
            "limit",
            "and",
            "or",
            "prefer_write",
            "idempotency_key",
        ];
        let parameters = named(&parameters);
        self.operation(
            "delete",
            &format!("Remove those of {} that a filter finds", self.object.name),
            parameters.chain(self.filters()).collect(),
            parts::write(json!({ "200": self.written("The removed records."), "204": nothing() })),
        )
    }

    fn delete(&self) -> Value {
        self.operation(
            "delete_one",
            &format!("Remove one of {}", self.object.name),
            self.of_one_write(&["select"]),
            parts::write(json!({ "200": self.written_one("The removed record."), "204": nothing() })),
        )
    }

    fn restore(&self) -> Value {
        self.operation(
            "restore_one",
            &format!(
                "Bring back one of {} that was deleted, with what was deleted with it",
                self.object.name
            ),
            named(&["select", "prefer_write"]).collect(),
            parts::write(json!({ "200": self.written_one("The restored record."), "204": nothing() })),
        )
    }

    fn purge(&self) -> Value {
        self.operation(
            "purge_one",
            &format!("Remove for good one of {} that was deleted", self.object.name),
            named(&["select", "prefer_write"]).collect(),
            parts::write(json!({ "200": self.written_one("The removed record."), "204": nothing() })),
        )
    }

    /// `deleted`, where it is no column's name.
    fn deleted(&self) -> impl Iterator<Item = Value> + use<> {
        let is_ours = self.object.soft_delete && self.object.readable("deleted").is_none();
        is_ours.then(|| parts::parameter("deleted")).into_iter()
    }

    fn written(&self, description: &str) -> Value {
        json!({
            "description": description,
            "headers": { "Preference-Applied": super::reference("headers", "preference_applied") },
            "content": self.many_forms(),
        })
    }

    fn written_one(&self, description: &str) -> Value {
        let mut answer = json!({ "description": description, "content": { "application/json": { "schema": self.row() } } });
        if self.object.versioned {
            answer["headers"] = json!({ "ETag": super::reference("headers", "etag") });
        }
        answer
    }

    /// The headers that ask for a state of one record.
    fn conditions(&self) -> impl Iterator<Item = Value> {
        let names: &[&str] = if self.object.versioned {
            &["if_match", "if_none_match"]
        } else {
            &[]
        };
        named(names)
    }

    fn of_one_write(&self, own: &[&str]) -> Vec<Value> {
        let always = named(&["prefer_write", "idempotency_key"]);
        let can_be_held = !self.object.kind.is_view();
        let conditions = self.conditions().filter(|_| can_be_held);
        named(own).chain(always).chain(conditions).collect()
    }

    /// The answers of a read of one record, whose client may know it already.
    fn with_not_modified(&self, mut answers: Value) -> Value {
        if self.object.versioned {
            answers["304"] = json!({ "description": "The client has it already, as `If-None-Match` says." });
            answers["412"] = super::reference("responses", "precondition_failed");
        }
        answers
    }
}

fn named<'a>(names: &'a [&'a str]) -> impl Iterator<Item = Value> + 'a {
    names.iter().map(|name| parts::parameter(name))
}

fn nothing() -> Value {
    json!({ "description": "Done; nothing is answered." })
}

fn id_parameter(id: &Field) -> Value {
    let mut of_type = schema::field(id);
    if let Some(map) = of_type.as_object_mut() {
        map.remove("readOnly");
        map.remove("description");
    }
    let description = format!("The {} of the record.", id.name);
    json!({ "name": "id", "in": "path", "required": true, "description": description, "schema": of_type })
}
