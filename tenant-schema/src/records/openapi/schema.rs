//! Columns, parameters and whole records as JSON Schema.

use serde_json::{Map, Value, json};

use super::reference;
use crate::records::model::{Field, Object, Parameter, TypeCategory};

/// A type as PostgreSQL and JSON know it.
#[derive(Clone, Copy)]
struct Type<'a> {
    name: &'a str,
    category: TypeCategory,
    enum_labels: &'a [String],
    element: Option<&'a str>,
    /// It leaves as a text, to stay exact.
    is_exact: bool,
}

/// What a column holds when it is read.
pub(super) fn field(field: &Field) -> Value {
    let of_type = Type {
        name: &field.base_type,
        category: field.category,
        enum_labels: &field.enum_labels,
        element: field.element_type.as_deref(),
        is_exact: field.exact_cast().is_some(),
    };
    let mut schema = described(value(of_type), field);
    if field.nullable {
        permit_null(&mut schema);
    }
    if !field.accepts_values() {
        schema["readOnly"] = json!(true);
    }
    schema
}

fn described(mut schema: Value, field: &Field) -> Value {
    if let Some(length) = field.max_length() {
        schema["maxLength"] = json!(length);
    }
    if let Some(comment) = &field.comment {
        schema["description"] = json!(comment);
    }
    schema["x-postgres-type"] = json!(field.type_name);
    schema
}

/// What a function's parameter takes in a JSON body.
pub(super) fn parameter(parameter: &Parameter) -> Value {
    let of_type = Type {
        name: &parameter.type_name,
        category: parameter.category,
        enum_labels: &parameter.enum_labels,
        element: parameter.element_type.as_deref(),
        is_exact: false,
    };
    let mut schema = value(of_type);
    permit_null(&mut schema);
    schema["x-postgres-type"] = json!(parameter.type_name);
    schema
}

/// A record as it is read: which columns it has is the request's choice.
pub(super) fn row(object: &Object) -> Value {
    let fields = object.fields.iter().chain(&object.computed);
    let fields: Map<String, Value> = fields.map(|known| (known.name.clone(), field(known))).collect();
    let mut schema = json!({ "type": "object", "properties": fields });
    if let Some(comment) = &object.comment {
        schema["description"] = json!(comment);
    }
    schema
}

/// What a new record must and may have.
pub(super) fn new(object: &Object) -> Value {
    let mut schema = changes(object, |_| true);
    let required = object.fields.iter().filter(|field| {
        // The engine gives a record its id where the client does not.
        let has_id = object
            .key()
            .is_some_and(|key| key.name == field.name && field.name == "id" && field.base_type == "uuid");
        field.accepts_values() && !field.nullable && !field.has_default && !has_id && !object.kind.is_view()
    });
    let required: Vec<&str> = required.map(|field| field.name.as_str()).collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// What a change of a record may have.
pub(super) fn change(object: &Object) -> Value {
    changes(object, |field| field.updatable)
}

fn changes(object: &Object, suits: impl Fn(&Field) -> bool) -> Value {
    let fields = object
        .fields
        .iter()
        .filter(|field| field.accepts_values() && suits(field));
    let fields: Map<String, Value> = fields
        .map(|known| {
            let mut schema = field(known);
            // What leaves as a text to stay exact is taken as a number too.
            if known.exact_cast().is_some()
                && known.category == TypeCategory::Numeric
                && let Some(types) = schema.get_mut("type")
            {
                *types = with(types, "number");
            }
            (known.name.clone(), schema)
        })
        .collect();
    json!({ "type": "object", "properties": fields, "additionalProperties": false })
}

/// Several of something.
pub(super) fn list(of: &Value) -> Value {
    json!({ "type": "array", "items": of })
}

/// A component's schema by reference.
pub(super) fn named(name: &str) -> Value {
    reference("schemas", name)
}

/// One of several results of which each may be `null`, which is then an alternative of its own.
pub(super) fn any_of(results: &[Value]) -> Value {
    let mut alternatives: Vec<Value> = Vec::new();
    let mut is_nullable = false;
    for result in results {
        let mut result = result.clone();
        if let Some([one, null]) = result["type"].as_array().map(Vec::as_slice)
            && null == "null"
        {
            is_nullable = true;
            result["type"] = one.clone();
        }
        if !alternatives.contains(&result) {
            alternatives.push(result);
        }
    }
    if is_nullable {
        alternatives.push(json!({ "type": "null" }));
    }
    json!({ "anyOf": alternatives })
}

fn permit_null(schema: &mut Value) {
    if let Some(types) = schema.get_mut("type") {
        *types = with(types, "null");
    }
    if let Some(labels) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        labels.push(Value::Null);
    }
}

fn with(types: &Value, another: &str) -> Value {
    match types {
        Value::Array(several) => Value::Array(several.iter().cloned().chain([json!(another)]).collect()),
        one => json!([one, another]),
    }
}

fn value(of_type: Type<'_>) -> Value {
    match of_type.category {
        TypeCategory::Array => {
            let mut items = element(of_type);
            permit_null(&mut items);
            json!({ "type": "array", "items": items })
        }
        TypeCategory::Enum => json!({ "type": "string", "enum": of_type.enum_labels }),
        TypeCategory::Boolean => json!({ "type": "boolean" }),
        TypeCategory::Composite => json!({ "type": "object" }),
        TypeCategory::Numeric if of_type.is_exact => json!({ "type": "string", "format": "decimal" }),
        _ => scalar(of_type.name),
    }
}

/// An element's category is not known: enums by their labels, the rest by the name of the type.
fn element(of_type: Type<'_>) -> Value {
    if !of_type.enum_labels.is_empty() {
        return json!({ "type": "string", "enum": of_type.enum_labels });
    }
    match of_type.element {
        Some(name) if of_type.is_exact && name.starts_with("numeric") => {
            json!({ "type": "string", "format": "decimal" })
        }
        Some("boolean") => json!({ "type": "boolean" }),
        Some(name) if is_plain(name) => scalar(name),
        _ => json!({}),
    }
}

/// The type is one of PostgreSQL's that leaves as a JSON text or number. A type of a template's own may be anything.
fn is_plain(name: &str) -> bool {
    let bare = name.split('(').next().unwrap_or(name);
    [
        "text",
        "uuid",
        "date",
        "json",
        "jsonb",
        "bytea",
        "inet",
        "cidr",
        "character varying",
        "character",
        "bpchar",
    ]
    .contains(&bare)
        || [
            "smallint",
            "integer",
            "bigint",
            "real",
            "double precision",
            "numeric",
        ]
        .contains(&bare)
        || name.starts_with("time")
        || name.starts_with("interval")
}

/// A type that is neither array, enum, boolean nor composite, by its name.
fn scalar(name: &str) -> Value {
    let bare = name.split('(').next().unwrap_or(name);
    match bare {
        "smallint" => json!({ "type": "integer", "minimum": i16::MIN, "maximum": i16::MAX }),
        "integer" => json!({ "type": "integer", "format": "int32" }),
        "bigint" => json!({ "type": "integer", "format": "int64" }),
        "real" => json!({ "type": "number", "format": "float" }),
        "double precision" => json!({ "type": "number", "format": "double" }),
        "numeric" | "oid" => json!({ "type": "number" }),
        "uuid" => json!({ "type": "string", "format": "uuid" }),
        "date" => json!({ "type": "string", "format": "date" }),
        "timestamp with time zone" => json!({ "type": "string", "format": "date-time" }),
        "json" | "jsonb" => json!({}),
        _ if name.starts_with("timestamp") && name.ends_with("with time zone") => {
            json!({ "type": "string", "format": "date-time" })
        }
        _ => json!({ "type": "string" }),
    }
}
