//! The verbs of the CRM in a tenant's document: those that its caller may use.

mod activities;
mod booking;
mod deals;
mod pipelines;
mod reports;

use catalog::access::Action;
use serde_json::{Map, Value, json};
use tenant_schema::crm::timeline;
use tenant_schema::records::SchemaModel;

use crate::access::{VerbUse, may_use};
use crate::callers::Caller;
use crate::crm;

/// Adds them to a document.
pub(super) fn describe(document: &mut Value, model: &SchemaModel, caller: &Caller) {
    let mut found = Found {
        model,
        caller,
        paths: Map::new(),
    };
    found.add::<crm::activities::ChangeActivity>(activities::changes);
    found.add::<crm::activities::ReadActivities>(activities::due);
    found.add::<crm::booking::FindSlots>(booking::slots);
    found.add::<crm::booking::MakeAppointment>(booking::new);
    found.add::<crm::booking::ChangeAppointment>(booking::changes);
    found.add::<crm::booking::MoveAppointment>(booking::moves);
    found.add::<crm::deals::ChangeDeal>(deals::changes);
    found.add::<crm::pipelines::CreatePipeline>(pipelines::create);
    found.add::<crm::pipelines::ReplacePipeline>(pipelines::replace);
    found.add::<crm::pipelines::ReadBoard>(pipelines::board);
    found.add::<crm::pipelines::ReorderStages>(pipelines::reorder);
    found.add::<crm::reports::SumDeals>(reports::of_deals);
    found.add::<crm::reports::FollowDeals>(reports::of_stages);
    found.add::<crm::reports::CountActivities>(reports::of_activities);
    found.add_timelines();
    if found.paths.is_empty() {
        return;
    }
    if let Some(Value::Object(paths)) = document.pointer_mut("/paths") {
        paths.extend(found.paths);
    }
    if let Some(Value::Array(tags)) = document.pointer_mut("/tags") {
        tags.push(json!({ "name": "crm", "description": "What is more than a row: each is done whole, or not at all." }));
    }
}

/// The verbs that the caller may use.
struct Found<'a> {
    model: &'a SchemaModel,
    caller: &'a Caller,
    paths: Map<String, Value>,
}

impl Found<'_> {
    /// Adds some paths, if the caller may use the verb.
    fn add<U: VerbUse>(&mut self, paths: fn() -> Value) {
        if !may_use::<U>(self.model, self.caller) {
            return;
        }
        let Value::Object(paths) = paths() else { return };
        for (path, methods) in paths {
            let entry = self.paths.entry(path).or_insert_with(|| json!({}));
            if let (Value::Object(there), Value::Object(methods)) = (entry, methods) {
                there.extend(methods);
            }
        }
    }
}

impl Found<'_> {
    fn add_timelines(&mut self) {
        if !timeline::is_offered(self.model) {
            return;
        }
        let may_read = |name: &&str| {
            let object = self.model.objects.get(*name);
            object.is_some_and(|object| self.caller.may(&object.name, object.write, Action::Read))
        };
        let readable: Vec<&str> = timeline::objects().into_iter().filter(may_read).collect();
        self.paths
            .extend(readable.into_iter().map(activities::timeline_of));
    }
}

/// A verb that reads.
fn reads(id: &str, summary: &str, parameters: &[Value], answer: &Value) -> Value {
    let mut responses = problems();
    responses["200"] = json!({
        "description": "What was asked for.",
        "content": { "application/json": { "schema": answer } },
    });
    json!({ "operationId": id, "tags": ["crm"], "summary": summary, "parameters": parameters, "responses": responses })
}

fn query(name: &str, description: &str, schema: &Value) -> Value {
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

/// A verb that writes: it answers with a record, by 200, or by 204 where nothing is to be answered.
fn writes(id: &str, summary: &str, parameters: &[Value], body: Option<Value>, answer: &Value) -> Value {
    let mut all = parameters.to_vec();
    all.extend(["prefer_write", "idempotency_key"].map(|name| reference("parameters", name)));
    let mut responses = problems();
    responses["200"] = json!({
        "description": "Done.",
        "headers": {
            "ETag": reference("headers", "etag"),
            "Idempotent-Replayed": reference("headers", "idempotent_replayed"),
            "Preference-Applied": reference("headers", "preference_applied"),
        },
        "content": { "application/json": { "schema": answer } },
    });
    responses["204"] =
        json!({ "description": "Done, and nothing is to be answered (`Prefer: return=minimal`)." });
    responses["412"] = reference("responses", "precondition_failed");
    let mut operation = json!({
        "operationId": id, "tags": ["crm"], "summary": summary, "parameters": all, "responses": responses,
    });
    if let Some(schema) = body {
        operation["requestBody"] = json!({ "content": { "application/json": { "schema": schema } } });
    }
    operation
}

/// The problems that any verb may answer.
fn problems() -> Value {
    let all = [
        ("400", "bad_request"),
        ("401", "unauthorized"),
        ("403", "forbidden"),
        ("404", "not_found"),
        ("405", "method_not_allowed"),
        ("409", "conflict"),
        ("413", "too_large"),
        ("415", "unsupported_media_type"),
        ("422", "unprocessable"),
        ("429", "too_many"),
        ("500", "internal"),
        ("503", "unavailable"),
    ];
    let all = all.map(|(status, name)| (status.to_owned(), reference("responses", name)));
    Value::Object(all.into_iter().collect())
}

/// The id in a path.
fn id(of: &str) -> Value {
    json!({
        "name": "id", "in": "path", "required": true, "description": format!("The id of the {of}."),
        "schema": { "type": "string", "format": "uuid" },
    })
}

fn object(properties: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn uuid(description: &str) -> Value {
    json!({ "type": "string", "format": "uuid", "description": description })
}

fn text(description: &str) -> Value {
    json!({ "type": "string", "description": description })
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}
