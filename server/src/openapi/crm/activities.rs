//! Activities and timelines.

use serde_json::{Value, json};
use tenant_schema::crm::{activities, timeline};

use super::{id, object, query, reads, reference, text, writes};

pub(super) fn changes() -> Value {
    let parameters = [id("activity"), reference("parameters", "if_match")];
    let answer = reference("schemas", "activities");
    let done = object(&json!({
        "outcome": text("What came of it."),
        "completed_at": { "type": "string", "format": "date-time", "description": "When it was done; now by default." },
        "duration_minutes": { "type": "integer", "minimum": 0, "maximum": 10080 },
    }));
    let nothing = object(&json!({}));
    json!({
        "/crm/v1/activities/{id}/complete": { "post":
            writes("crm.activities.complete", "Complete an activity", &parameters, Some(done), &answer) },
        "/crm/v1/activities/{id}/reopen": { "post":
            writes("crm.activities.reopen", "Reopen an activity that was completed", &parameters, Some(nothing), &answer) },
    })
}

pub(super) fn due() -> Value {
    let zone = "The zone whose day is meant, by its IANA name; UTC by default.";
    let parameters = [
        query("time_zone", zone, &json!({ "type": "string" })),
        query(
            "owner_id",
            "Whose: the id of a member, or `me`.",
            &json!({ "type": "string" }),
        ),
        query(
            "limit",
            "How many of either kind.",
            &json!({
                "type": "integer", "minimum": 0, "maximum": activities::MOST, "default": 50,
            }),
        ),
    ];
    let list = json!({
        "type": "object",
        "properties": {
            "count": { "type": "integer" },
            "activities": { "type": "array", "items": { "type": "object" } },
        },
    });
    let answer = json!({
        "type": "object",
        "properties": { "time_zone": text("The zone."), "day": text("The day."), "overdue": list, "today": list },
    });
    let summary = "What is overdue, and what is left of today";
    json!({ "/crm/v1/activities/due": { "get": reads("crm.activities.due", summary, &parameters, &answer) } })
}

pub(super) fn timeline_of(object: &str) -> (String, Value) {
    let parameters = [
        id("record"),
        query(
            "limit",
            "The most entries.",
            &json!({
                "type": "integer", "minimum": 1, "maximum": timeline::MOST, "default": 50,
            }),
        ),
        query(
            "cursor",
            "Where the page begins; `Link` names the next one.",
            &json!({ "type": "string" }),
        ),
        query(
            "kind",
            &format!(
                "Kinds of entries, separated by commas: {}.",
                timeline::kinds().join(", ")
            ),
            &json!({ "type": "string" }),
        ),
    ];
    let entry = json!({
        "type": "object",
        "required": ["kind", "at", "id", "entry"],
        "properties": {
            "kind": { "type": "string", "enum": timeline::kinds() },
            "at": { "type": "string", "format": "date-time" },
            "id": { "type": "string", "format": "uuid" },
            "entry": { "type": "object" },
        },
    });
    let answer = json!({ "type": "array", "items": entry });
    let summary = format!("What happened with one of {object}, the latest first");
    let mut get = reads(&format!("crm.timeline.{object}"), &summary, &parameters, &answer);
    get["responses"]["200"]["headers"] = json!({ "Link": reference("headers", "link") });
    (format!("/crm/v1/{object}/{{id}}/timeline"), json!({ "get": get }))
}
