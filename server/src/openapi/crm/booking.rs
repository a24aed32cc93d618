//! Free slots, and the verbs of appointments.

use serde_json::{Value, json};

use super::{id, object, problems, reference, text, uuid, writes};

pub(super) fn slots() -> Value {
    let parameter = |name: &str, required: bool, description: &str, format: &str| {
        json!({
            "name": name, "in": "query", "required": required, "description": description,
            "schema": { "type": "string", "format": format },
        })
    };
    let bound = |name: &str, description: &str| {
        let mut bound = parameter(name, false, description, "date-time");
        bound["schema"] = json!({ "anyOf": [
            { "type": "string", "format": "date" }, { "type": "string", "format": "date-time" },
        ] });
        bound
    };
    let window = "A day (2026-03-29) or an instant (2026-03-29T09:00:00Z).";
    let slot = object(&json!({
        "starts_at": moment("When it begins."), "ends_at": moment("When it ends."),
        "staff_ids": { "type": "array", "items": uuid("Who is free.") },
    }));
    let answer = object(&json!({
        "service_id": uuid("The service."), "time_zone": text("The zone of the days and times."),
        "from": moment("Where the window begins."), "to": moment("Where it ends."),
        "days": { "type": "array", "description": "The days that have free slots.", "items": object(&json!({
            "day": { "type": "string", "format": "date" }, "slots": { "type": "array", "items": slot },
        })) },
    }));
    let mut responses = problems();
    responses["200"] = json!({
        "description": "The free slots of the window, by day.",
        "content": { "application/json": { "schema": answer } },
    });
    json!({ "/crm/v1/slots": { "get": {
        "operationId": "crm.slots", "tags": ["crm"], "summary": "When a service is free",
        "parameters": [
            parameter("service", true, "The service.", "uuid"),
            parameter("staff", false, "With whom; with anybody who does the service, if nothing is said.", "uuid"),
            bound("from", &format!("From when, by default now. {window}")),
            bound("to", &format!("Until when, by default seven days later, at most 42 days: a day to its end. {window}")),
            parameter("time_zone", false, "The zone of days and times, by its IANA name; UTC, if nothing is said.", "iana"),
        ],
        "responses": responses,
    } } })
}

pub(super) fn new() -> Value {
    let place = json!({
        "service_id": uuid("What is booked."),
        "staff_id": uuid("With whom; with whoever is free and has least to do on that day, if nothing is said."),
        "starts_at": moment("When it begins: a free slot."),
        "time_zone": text("The zone of the person who books, by its IANA name."),
        "force": force(),
    });
    let (mut hold, mut book) = (place.clone(), place);
    hold["minutes"] = json!({
        "type": "integer", "minimum": 1, "maximum": 60, "default": 5, "description": "For how long the slot is kept.",
    });
    book["contact_id"] = uuid("For whom.");
    book["note"] = text("What the person said.");
    let new = |verb: &str, summary: &str, fields: &Value, required: &Value| {
        let mut body = object(fields);
        body["required"] = required.clone();
        let mut operation = writes(
            &format!("crm.appointments.{verb}"),
            summary,
            &[],
            Some(body),
            &reference("schemas", "appointments"),
        );
        let done = operation["responses"]["200"].take();
        operation["responses"]["201"] = done;
        if let Value::Object(responses) = &mut operation["responses"] {
            responses.remove("200");
        }
        json!({ "post": operation })
    };
    json!({
        "/crm/v1/appointments/hold": new("hold", "Keep a slot for a few minutes", &hold, &json!(["service_id", "starts_at"])),
        "/crm/v1/appointments/book":
            new("book", "Book a slot", &book, &json!(["service_id", "starts_at", "contact_id"])),
    })
}

pub(super) fn changes() -> Value {
    let none = json!({});
    let book = json!({ "contact_id": uuid("For whom."), "note": text("What the person said.") });
    json!({
        "/crm/v1/appointments/{id}/book": change("book", "Book what is held", &book, &["contact_id"]),
        "/crm/v1/appointments/{id}/confirm": change("confirm", "Say that it will take place", &none, &[]),
        "/crm/v1/appointments/{id}/complete": change("complete", "Say that it has taken place", &none, &[]),
        "/crm/v1/appointments/{id}/no-show": change("no-show", "Say that the person did not come", &none, &[]),
        "/crm/v1/appointments/{id}/cancel": change("cancel", "Cancel it, or give up a hold", &json!({
            "reason": text("Why."),
        }), &[]),
    })
}

pub(super) fn moves() -> Value {
    let fields = json!({
        "starts_at": moment("When it is to begin: a free slot."),
        "staff_id": uuid("With whom; with the same, if nothing is said."), "force": force(),
    });
    let summary = "Move an appointment to another slot";
    json!({
        "/crm/v1/appointments/{id}/reschedule": change("reschedule", summary, &fields, &["starts_at"]),
    })
}

fn change(verb: &str, summary: &str, fields: &Value, required: &[&str]) -> Value {
    let parameters = [id("appointment"), reference("parameters", "if_match")];
    let name = if verb == "book" { "book_held" } else { verb };
    let mut body = object(fields);
    if !required.is_empty() {
        body["required"] = json!(required);
    }
    json!({ "post": writes(
        &format!("crm.appointments.{name}"), summary, &parameters, Some(body), &reference("schemas", "appointments"),
    ) })
}

fn moment(description: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "description": description })
}

fn force() -> Value {
    json!({
        "type": "boolean", "default": false,
        "description": "Whatever the working hours are; for those who may update schedules. Nobody is booked twice by it.",
    })
}
