//! The paths of functions.

use serde_json::{Map, Value, json};

use super::{headers, key, parts, schema, segment};
use crate::records::model::{BodyType, Function, Object, Parameter, Returned, SchemaModel};

/// Adds the path of a function, all overloads that may be called together.
pub(super) fn describe(
    name: &str,
    overloads: &[&Function],
    model: &SchemaModel,
    paths: &mut Map<String, Value>,
    schemas: &mut Map<String, Value>,
) {
    if overloads.is_empty() {
        return;
    }
    let results: Vec<Value> = overloads
        .iter()
        .filter_map(|function| result(function, model, schemas))
        .collect();
    let description: Vec<&str> = overloads
        .iter()
        .filter_map(|function| function.comment.as_deref())
        .collect();
    let operation = |method: &str, parameters: Vec<Value>, responses: Value| {
        json!({
            "operationId": format!("{method}.rpc.{}", key(name)),
            "tags": ["rpc"],
            "summary": format!("Call {name}"),
            "description": description.join("\n\n"),
            "parameters": parameters,
            "responses": responses,
        })
    };
    let mut shared: Vec<Value> = ["select", "order", "limit", "offset"]
        .map(parts::parameter)
        .into();
    let keeps = |row: &Object| row.soft_delete && row.readable("deleted").is_none();
    if overloads
        .iter()
        .any(|function| function.row(model).is_some_and(keeps))
    {
        shared.push(parts::parameter("deleted"));
    }
    let mut methods = Map::new();
    let readers: Vec<&Function> = overloads
        .iter()
        .copied()
        .filter(|function| !function.writes())
        .collect();
    if readers.iter().any(|function| function.body_type().is_none()) {
        let of_lists = ["range", "prefer_read"].map(parts::parameter);
        let parameters = arguments(&readers)
            .chain(shared.clone())
            .chain(of_lists)
            .collect();
        let responses = parts::read(answers(&results, &[]));
        methods.insert("get".to_owned(), operation("get", parameters, responses));
    }
    shared.extend(["columns", "prefer_call"].map(parts::parameter));
    let mut replayed: &[&str] = &[];
    if overloads.iter().any(|function| function.writes()) {
        shared.push(parts::parameter("idempotency_key"));
        replayed = &["idempotent_replayed"];
    }
    let mut post = operation("post", shared, parts::write(answers(&results, replayed)));
    if let Some(body) = body(overloads) {
        post["requestBody"] = body;
    }
    methods.insert("post".to_owned(), post);
    paths.insert(format!("/rest/v1/rpc/{}", segment(name)), Value::Object(methods));
}

/// What one overload gives back; `None` for nothing.
fn result(function: &Function, model: &SchemaModel, schemas: &mut Map<String, Value>) -> Option<Value> {
    let one = match &function.returns {
        Returned::Nothing => return None,
        Returned::Scalar(field) => schema::field(field),
        Returned::Record => json!({ "type": "object" }),
        // By reference where it is there: the caller may be kept from the object itself.
        Returned::Object(name) => match model.objects.get(name) {
            Some(object) => {
                let name = key(name);
                schemas.entry(name.clone()).or_insert_with(|| schema::row(object));
                maybe(schema::named(&name), function)
            }
            None => json!({ "type": "object" }),
        },
        Returned::Row(object) => maybe(schema::row(object), function),
    };
    Some(if function.returns_set {
        schema::list(&one)
    } else {
        one
    })
}

/// A row where one is returned rather than a set: there may be none, which PostgreSQL gives as NULL or as a row of NULLs.
fn maybe(row: Value, function: &Function) -> Value {
    if function.returns_set {
        return row;
    }
    let none = json!({
        "type": "object",
        "description": "No record.",
        "additionalProperties": { "type": "null" },
    });
    json!({ "anyOf": [row, none, { "type": "null" }] })
}

/// The answers of a call: results in every form, or nothing.
fn answers(results: &[Value], more: &[&str]) -> Value {
    let nothing = json!({
        "description": "Done; nothing is answered.",
        "headers": headers::sent(["preference_applied"].iter().chain(more)),
    });
    let of = match results {
        [] => return json!({ "204": nothing }),
        [only] => only.clone(),
        several => schema::any_of(several),
    };
    let page = |description: &str| {
        json!({
            "description": description,
            "headers": headers::sent(["content_range", "preference_applied"].iter().chain(more)),
            // Of a set, one of its results.
            "content": parts::forms(&json!({}), &of),
        })
    };
    json!({
        "200": page("What the function gives back. In the forms `text/plain`, `application/octet-stream` and `text/xml` a value as it is."),
        "204": nothing,
        "206": page("Some of what it gives back."),
    })
}

/// Arguments in the query string: those of all overloads, required where every overload requires them.
fn arguments<'a>(overloads: &'a [&Function]) -> impl Iterator<Item = Value> + 'a {
    let all = overloads.iter().flat_map(|function| &function.parameters);
    let mut names: Vec<&Parameter> = Vec::new();
    for parameter in all.filter(|parameter| !parameter.name.is_empty()) {
        if !names.iter().any(|known| known.name == parameter.name) {
            names.push(parameter);
        }
    }
    names.into_iter().map(|parameter| {
        let is_required = overloads.iter().all(|function| {
            let here = function.parameter(&parameter.name);
            here.is_some_and(|here| !here.has_default && !here.variadic)
        });
        json!({
            "name": parameter.name,
            "in": "query",
            "required": is_required,
            "description": format!("A value of type {}.", parameter.type_name),
            "schema": { "type": "string" },
        })
    })
}

/// The request's body: an object of arguments, or what the only unnamed parameter takes.
fn body(overloads: &[&Function]) -> Option<Value> {
    let mut content: Map<String, Value> = Map::new();
    let mut json_forms = Vec::new();
    for function in overloads {
        match function.body_type() {
            None if function.parameters.is_empty() => {}
            None => json_forms.push(object(function)),
            Some(BodyType::Json) => json_forms.push(json!({})),
            Some(BodyType::Text) => raw(&mut content, "text/plain"),
            Some(BodyType::Xml) => raw(&mut content, "text/xml"),
            Some(BodyType::Bytes) => raw(&mut content, "application/octet-stream"),
        }
    }
    match json_forms.as_slice() {
        [] => {}
        [only] => {
            content.insert("application/json".to_owned(), json!({ "schema": only }));
        }
        several => {
            content.insert(
                "application/json".to_owned(),
                json!({ "schema": { "anyOf": several } }),
            );
        }
    }
    (!content.is_empty()).then(|| json!({ "content": content }))
}

fn raw(content: &mut Map<String, Value>, media_type: &str) {
    content.insert(media_type.to_owned(), json!({ "schema": { "type": "string" } }));
}

fn object(function: &Function) -> Value {
    let properties: Map<String, Value> = function
        .parameters
        .iter()
        .map(|parameter| (parameter.name.clone(), schema::parameter(parameter)))
        .collect();
    let required = function
        .parameters
        .iter()
        .filter(|parameter| !parameter.has_default && !parameter.variadic);
    let required: Vec<&str> = required.map(|parameter| parameter.name.as_str()).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}
