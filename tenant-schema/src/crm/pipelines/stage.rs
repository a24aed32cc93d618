//! A stage as the body of a pipeline has it.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{MOST_NAME, MOST_STAGES};
use crate::crm::Fields;

/// The fields of a stage.
const FIELDS: &[&str] = &[
    "id",
    "name",
    "kind",
    "probability",
    "rot_after_days",
    "color",
    "required_fields",
];

/// What the deals in a stage are.
const KINDS: &[&str] = &["open", "won", "lost"];

/// What a stage may ask of a deal, as the table has it.
const REQUIRED: &[&str] = &[
    "value",
    "probability",
    "expected_close_date",
    "contact_id",
    "company_id",
    "owner_id",
];

/// A stage whose fields are valid.
pub(super) struct Stage(Map<String, Value>);

impl Stage {
    pub(super) fn id(&self) -> Option<String> {
        self.0.get("id").and_then(Value::as_str).map(str::to_owned)
    }

    pub(super) fn as_json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

/// The stages of a pipeline: at least one of them open.
pub(super) fn take_stages(fields: &mut Fields) -> Vec<Stage> {
    let given = fields.take("stages");
    let Some(given) = fields.required("stages", given) else {
        return Vec::new();
    };
    let Some(given) = given
        .as_array()
        .filter(|all| (1..=MOST_STAGES).contains(&all.len()))
    else {
        fields.refuse(
            "stages",
            "not_stages",
            format!("must be an array of 1 to {MOST_STAGES} stages"),
        );
        return Vec::new();
    };
    let mut stages: Vec<Stage> = Vec::with_capacity(given.len());
    for (at, stage) in given.iter().enumerate() {
        let place = |field: &str| format!("stages[{at}].{field}");
        match read(stage) {
            Ok(stage) if stages.iter().any(|before| before.is_like(&stage)) => {
                let message = "is that of a stage before it; names differ by more than case";
                fields.refuse(&place("name"), "repeated", message);
            }
            Ok(stage) => stages.push(stage),
            Err((field, message)) => fields.refuse(&place(&field), "not_valid", message),
        }
    }
    // One that is there and says no kind may be open: the statement knows.
    let may_be_open = |stage: &Stage| stage.0.get("kind").is_none_or(|kind| kind == "open");
    if stages.len() == given.len() && !stages.iter().any(may_be_open) {
        fields.refuse(
            "stages",
            "none_open",
            "must have at least one stage of the kind open",
        );
    }
    stages
}

impl Stage {
    fn is_like(&self, other: &Self) -> bool {
        let name = |stage: &Self| stage.0["name"].as_str().map(str::to_lowercase);
        name(self) == name(other) || (self.id().is_some() && self.id() == other.id())
    }
}

/// The stage, or the field that is wrong and what is wrong with it.
fn read(stage: &Value) -> Result<Stage, (String, String)> {
    let wrong = |field: &str, message: &str| Err((field.to_owned(), message.to_owned()));
    let Some(stage) = stage.as_object() else {
        return wrong("name", "must be given, in an object");
    };
    if let Some(unknown) = stage.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return wrong(
            &unknown.chars().take(100).collect::<String>(),
            "is no field of a stage",
        );
    }
    let given = |name: &str| stage.get(name).filter(|value| !value.is_null());
    let mut read = Map::new();
    if let Some(id) = given("id") {
        let Some(id) = id.as_str().and_then(|id| Uuid::parse_str(id).ok()) else {
            return wrong("id", "must be a UUID, as a text");
        };
        read.insert("id".to_owned(), json!(id.to_string()));
    }
    let is_name =
        |name: &&str| !name.trim().is_empty() && name.chars().count() <= MOST_NAME && !name.contains('\0');
    let Some(name) = given("name").and_then(Value::as_str).filter(is_name) else {
        return wrong("name", "must be a text of 1 to 200 characters");
    };
    read.insert("name".to_owned(), json!(name));
    if let Some(kind) = given("kind") {
        let Some(kind) = kind.as_str().filter(|kind| KINDS.contains(kind)) else {
            return wrong("kind", "must be open, won or lost");
        };
        read.insert("kind".to_owned(), json!(kind));
    }
    if let Some(probability) = given("probability") {
        let Some(probability) = probability.as_f64().filter(|number| is_percent(*number)) else {
            return wrong("probability", "must be a number from 0 to 100");
        };
        read.insert("probability".to_owned(), json!(probability));
    }
    if let Some(days) = given("rot_after_days") {
        let Some(days) = days.as_i64().filter(|days| (1..=36_500).contains(days)) else {
            return wrong("rot_after_days", "must be a whole number from 1 to 36500");
        };
        read.insert("rot_after_days".to_owned(), json!(days));
    }
    if let Some(color) = given("color") {
        let Some(color) = color.as_str().filter(|color| is_color(color)) else {
            return wrong("color", "must be a colour such as #0a7f3c");
        };
        read.insert("color".to_owned(), json!(color));
    }
    if let Some(required) = given("required_fields") {
        let known = |field: &Value| field.as_str().is_some_and(|field| REQUIRED.contains(&field));
        if !required.as_array().is_some_and(|fields| fields.iter().all(known)) {
            return wrong(
                "required_fields",
                &format!("must be an array of {}", REQUIRED.join(", ")),
            );
        }
        read.insert("required_fields".to_owned(), required.clone());
    }
    Ok(Stage(read))
}

fn is_percent(number: f64) -> bool {
    (0.0..=100.0).contains(&number)
}

fn is_color(color: &str) -> bool {
    color.len() == 7
        && color.starts_with('#')
        && color
            .bytes()
            .skip(1)
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_read_or_its_wrong_field_is_named() {
        let told = |stage: Value| {
            read(&stage)
                .map(|stage| stage.as_json())
                .map_err(|(field, _)| field)
        };
        let won = json!({ "name": "Won", "kind": "won" });
        assert_eq!(
            told(json!({ "name": "Won", "kind": "won", "color": null })),
            Ok(won)
        );
        for (field, value) in [
            ("id", json!("x")),
            ("name", json!("  ")),
            ("kind", json!("done")),
            ("probability", json!(101)),
            ("rot_after_days", json!(0)),
            ("color", json!("#0A7F3C")),
            ("required_fields", json!(["title"])),
            ("nmae", json!("x")),
        ] {
            let mut stage = json!({ "name": "A" });
            stage[field] = value;
            assert_eq!(told(stage), Err(field.to_owned()));
        }
        assert_eq!(told(json!("A")), Err("name".to_owned()));
    }
}
