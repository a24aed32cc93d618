//! Reports.

use serde_json::{Map, Value, json};
use tenant_schema::crm::reports::Report;

use super::{query, reads};

pub(super) fn of_deals() -> Value {
    paths(&[Report::Forecast, Report::WinRate, Report::CycleTime])
}

pub(super) fn of_stages() -> Value {
    paths(&[Report::Funnel])
}

pub(super) fn of_activities() -> Value {
    paths(&[Report::Activities])
}

fn paths(reports: &[Report]) -> Value {
    let named = Report::ALL.iter().filter(|(_, report)| reports.contains(report));
    let paths: Map<String, Value> = named
        .map(|(name, report)| {
            let parameters: Vec<Value> = report
                .parameters()
                .iter()
                .map(|name| parameter(*report, name))
                .collect();
            let answer = json!({
                "type": "object",
                "required": ["from", "to", "time_zone", "rows"],
                "properties": {
                    "from": { "type": "string", "format": "date" },
                    "to": { "type": "string", "format": "date" },
                    "time_zone": { "type": "string" },
                    "group": { "type": "array", "items": { "type": "string" } },
                    "rows": { "type": "array", "items": { "type": "object" } },
                },
            });
            let id = format!("crm.reports.{name}");
            let get = reads(&id, summary(*report), &parameters, &answer);
            (format!("/crm/v1/reports/{name}"), json!({ "get": get }))
        })
        .collect();
    Value::Object(paths)
}

fn summary(report: Report) -> &'static str {
    match report {
        Report::Forecast => "What is expected, won, lost and has slipped, by month, owner and pipeline",
        Report::WinRate => "How many of the deals that were decided were won",
        Report::CycleTime => "How long deals took until they were decided",
        Report::Funnel => "How deals pass through the stages of a pipeline",
        Report::Activities => "What was done and is to be done",
    }
}

fn parameter(report: Report, name: &str) -> Value {
    let (text, day) = (
        json!({ "type": "string" }),
        json!({ "type": "string", "format": "date" }),
    );
    let id = json!({ "type": "string", "format": "uuid" });
    match name {
        "from" => query(name, "The first day.", &day),
        "to" => query(name, "The last day.", &day),
        "time_zone" => query(
            name,
            "The zone whose days are meant, by its IANA name; UTC by default.",
            &text,
        ),
        "group" => {
            let words = report.groups().join(", ");
            query(
                name,
                &format!("What the rows are of: {words}, or several, separated by commas."),
                &text,
            )
        }
        "owner_id" => query(name, "Whose.", &id),
        _ => query(name, "Of which pipeline.", &id),
    }
}
