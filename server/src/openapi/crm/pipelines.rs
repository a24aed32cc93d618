//! Boards, and pipelines with their stages.

use serde_json::{Value, json};
use tenant_schema::crm::board;

use super::{id, object, query, reads, reference, uuid, writes};

pub(super) fn board() -> Value {
    let parameters = [
        id("pipeline"),
        query(
            "limit",
            "How many deals of each stage are shown.",
            &json!({
                "type": "integer", "minimum": 0, "maximum": board::MOST, "default": 20,
            }),
        ),
        query(
            "owner_id",
            "Whose deals.",
            &json!({ "type": "string", "format": "uuid" }),
        ),
    ];
    let summary = "The stages of a pipeline with what their deals come to, and the first deals of each";
    json!({ "/crm/v1/pipelines/{id}/board": { "get": reads("crm.pipelines.board", summary, &parameters, &json!({
        "type": "object",
        "required": ["id", "name", "stages"],
        "properties": {
            "id": uuid("The pipeline."),
            "name": { "type": "string" },
            "currency": { "type": "string" },
            "version": { "type": "integer" },
            "stages": { "type": "array", "items": { "type": "object" } },
        },
    })) } })
}

pub(super) fn create() -> Value {
    let mut operation = writes(
        "crm.pipelines.create",
        "Make a pipeline with its stages",
        &[],
        Some(pipeline()),
        &answered(),
    );
    let mut done = operation["responses"]["200"].take();
    done["description"] = json!("Made.");
    operation["responses"]["201"] = done;
    if let Some(responses) = operation["responses"].as_object_mut() {
        responses.remove("200");
        responses.remove("204");
        responses.remove("412");
    }
    json!({ "/crm/v1/pipelines": { "post": operation } })
}

pub(super) fn replace() -> Value {
    let parameters = [id("pipeline"), reference("parameters", "if_match")];
    let summary =
        "Replace a pipeline with its stages: what is left out is removed, or archived where deals were in it";
    let operation = writes(
        "crm.pipelines.replace",
        summary,
        &parameters,
        Some(pipeline()),
        &answered(),
    );
    json!({ "/crm/v1/pipelines/{id}": { "put": operation } })
}

pub(super) fn reorder() -> Value {
    let parameters = [id("pipeline"), reference("parameters", "if_match")];
    let body = object(&json!({
        "stage_ids": {
            "type": "array",
            "description": "Every stage that is not archived, in the new order.",
            "items": { "type": "string", "format": "uuid" },
        },
    }));
    let summary = "Put the stages of a pipeline in another order";
    let operation = writes(
        "crm.pipelines.reorder",
        summary,
        &parameters,
        Some(body),
        &answered(),
    );
    json!({ "/crm/v1/pipelines/{id}/reorder": { "post": operation } })
}

fn pipeline() -> Value {
    let stage = object(&json!({
        "id": uuid("A stage that is there; without one it is new."),
        "name": { "type": "string", "maxLength": 200 },
        "kind": {
            "type": "string",
            "enum": ["open", "won", "lost"],
            "description": "A new stage is open where nothing is said, and one that is there keeps its kind.",
        },
        "probability": { "type": "number", "minimum": 0, "maximum": 100 },
        "rot_after_days": { "type": ["integer", "null"], "minimum": 1 },
        "color": { "type": ["string", "null"], "pattern": "^#[0-9a-f]{6}$" },
        "required_fields": { "type": "array", "items": { "type": "string" } },
    }));
    let mut pipeline = object(&json!({
        "name": { "type": "string", "maxLength": 200 },
        "is_default": { "type": "boolean" },
        "currency": { "type": "string", "pattern": "^[A-Z]{3}$" },
        "position": { "type": "integer" },
        "stages": { "type": "array", "minItems": 1, "maxItems": 100, "items": stage },
    }));
    pipeline["required"] = json!(["name", "stages"]);
    pipeline
}

fn answered() -> Value {
    json!({
        "type": "object",
        "required": ["id", "name", "stages"],
        "properties": {
            "id": uuid("The pipeline."),
            "name": { "type": "string" },
            "version": { "type": "integer" },
            "stages": { "type": "array", "items": { "type": "object" } },
        },
    })
}
