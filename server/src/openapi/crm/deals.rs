//! The verbs of deals.

use serde_json::{Value, json};

use super::{id, object, reference, text, uuid, writes};

pub(super) fn changes() -> Value {
    json!({
        "/crm/v1/deals/{id}/move": { "post": change("move", "Move a deal to a stage, or within it", &json!({
            "stage_id": uuid("The stage, by default the deal's own; that of another pipeline takes the deal there."),
            "position": {
                "description": "The place within the stage; last by default.",
                "oneOf": [
                    { "type": "string", "enum": ["first", "last"] },
                    object(&json!({ "before": uuid("The deal that comes behind.") })),
                    object(&json!({ "after": uuid("The deal that comes ahead.") })),
                ],
            },
            "lost_reason_id": reason(), "lost_reason": words(), "note": note(),
        })) },
        "/crm/v1/deals/{id}/win": { "post": change("win", "Win an open deal", &json!({
            "stage_id": uuid("A stage of the kind won, by default the first of the pipeline."),
        })) },
        "/crm/v1/deals/{id}/lose": { "post": change("lose", "Lose an open deal", &json!({
            "lost_reason_id": reason(), "lost_reason": words(), "note": note(),
            "stage_id": uuid("A stage of the kind lost, by default the first of the pipeline."),
        })) },
        "/crm/v1/deals/{id}/reopen": { "post": change("reopen", "Reopen a deal that was won or lost", &json!({
            "stage_id": uuid("A stage of the kind open, by default the last that the deal was in."),
        })) },
    })
}

fn change(verb: &str, summary: &str, fields: &Value) -> Value {
    let parameters = [id("deal"), reference("parameters", "if_match")];
    let deal = reference("schemas", "deals");
    writes(
        &format!("crm.deals.{verb}"),
        summary,
        &parameters,
        Some(object(fields)),
        &deal,
    )
}

fn reason() -> Value {
    uuid("Why it was lost, by the list of reasons.")
}

fn words() -> Value {
    text("Why it was lost, in words.")
}

fn note() -> Value {
    text("More about why it was lost; some reasons need it.")
}
