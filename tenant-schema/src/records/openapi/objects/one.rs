//! The paths of one record, which its key names.

use catalog::access::Action;
use serde_json::{Map, Value, json};

use super::{Described, WRITTEN, added, named, nothing};
use crate::records::model::Field;
use crate::records::openapi::{headers, parts, reference, schema};
use crate::records::parse::Verb;

impl Described<'_> {
    /// Adds the paths of one record, where records have an id.
    pub(super) fn one(&self, path: &str, paths: &mut Map<String, Value>) {
        let Some(id) = self.object.key() else { return };
        let mut one = Map::from_iter([("parameters".to_owned(), json!([id_parameter(id)]))]);
        if self.may(&[Action::Read]) {
            one.insert("get".to_owned(), self.get());
        }
        if self.may(&[Action::Update]) {
            one.insert("patch".to_owned(), self.update());
        }
        if self.may(&[Action::Insert, Action::Update]) {
            one.insert("put".to_owned(), self.put_one());
        }
        if self.may(&[Action::Delete]) {
            one.insert("delete".to_owned(), self.delete());
        }
        if one.len() > 1 {
            paths.insert(format!("{path}/{{id}}"), Value::Object(one));
        }
        let mut of_the_bin = |verb: &str, operation: Value| {
            let item = json!({ "parameters": [id_parameter(id)], "post": operation });
            paths.insert(format!("{path}/{{id}}/{verb}"), item);
        };
        if self.object.soft_delete && self.may(&[Action::Update]) {
            of_the_bin("restore", self.restore());
        }
        if self.may(&[Action::Purge]) {
            of_the_bin("purge", self.purge());
        }
    }

    fn get(&self) -> Value {
        let mut answers = parts::read(json!({
            "200": self.answered("The record.", &["content_location", "preference_applied"]),
        }));
        if self.object.versioned {
            // Its client may know the record already.
            answers["304"] = json!({
                "description": "The client has it already, as `If-None-Match` says.",
                "headers": headers::sent(&["etag"]),
            });
            answers["412"] = reference("responses", "precondition_failed");
        }
        let parameters = named(&["select", "prefer_read"]);
        self.operation(
            "get",
            &format!("Get one of {}", self.object.name),
            parameters.chain(self.conditions()).collect(),
            answers,
        )
    }

    fn put_one(&self) -> Value {
        let mut operation = self.operation(
            "put_one",
            &format!("Add or replace one of {}", self.object.name),
            self.of_a_write(named(&["select", "columns"])).collect(),
            parts::write(json!({
                "200": self.answered("Replaced.", WRITTEN),
                "201": added("the record", &[]),
                "204": nothing(self.tag()),
            })),
        );
        operation["requestBody"] = self.whole();
        operation
    }

    fn update(&self) -> Value {
        let mut operation = self.operation(
            "update_one",
            &format!("Change one of {}", self.object.name),
            self.of_a_write(self.taken(Verb::UpdateOne)).collect(),
            self.written_one("The changed record."),
        );
        operation["requestBody"] = self.changes();
        operation
    }

    fn delete(&self) -> Value {
        self.operation(
            "delete_one",
            &format!("Remove one of {}", self.object.name),
            self.of_a_write(self.taken(Verb::DeleteOne)).collect(),
            self.written_one("The removed record."),
        )
    }

    fn restore(&self) -> Value {
        let summary = format!(
            "Bring back one of {} that was deleted, with what was deleted with it",
            self.object.name
        );
        self.operation(
            "restore_one",
            &summary,
            self.of_a_write(self.taken(Verb::Restore)).collect(),
            self.written_one("The restored record."),
        )
    }

    fn purge(&self) -> Value {
        self.operation(
            "purge_one",
            &format!("Remove for good one of {} that was deleted", self.object.name),
            self.of_a_write(self.taken(Verb::Purge)).collect(),
            self.written_one("The removed record."),
        )
    }

    /// The answers of a write to one record.
    fn written_one(&self, description: &str) -> Value {
        parts::write(json!({
            "200": self.answered(description, WRITTEN),
            "204": nothing(self.tag()),
        }))
    }

    /// One record, in every form in which it is answered.
    fn answered(&self, description: &str, more: &[&str]) -> Value {
        json!({
            "description": description,
            "headers": headers::sent(self.tag().iter().chain(more)),
            "content": parts::forms(&self.row(), &self.row()),
        })
    }

    /// The header of a record's state, where it has one.
    fn tag(&self) -> &'static [&'static str] {
        if self.object.versioned { &["etag"] } else { &[] }
    }

    /// The headers that ask for a state of one record.
    fn conditions(&self) -> impl Iterator<Item = Value> + use<> {
        let names = ["if_match", "if_none_match"]
            .iter()
            .filter(|_| self.object.versioned);
        let parameters: Vec<Value> = names.map(|name| parts::parameter(name)).collect();
        parameters.into_iter()
    }

    /// What a write to one record takes, besides what is its own.
    fn of_a_write(&self, own: impl Iterator<Item = Value>) -> impl Iterator<Item = Value> {
        let conditions = self.conditions().filter(|_| !self.object.kind.is_view());
        own.chain(named(&["prefer_write", "idempotency_key"]))
            .chain(conditions)
    }
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
