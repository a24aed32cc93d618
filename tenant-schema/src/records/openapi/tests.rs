//! The document of the model for tests.

use super::*;
use crate::records::fixture::model;

fn of(may: &dyn Fn(Use<'_>) -> bool) -> Value {
    let about = About {
        title: "acme",
        version: "8",
        server_url: "http://acme.localhost:8080",
        may,
    };
    document(&model(), &about)
}

#[test]
fn columns_become_json_types() {
    let document = of(&|_| true);
    let deals = &document["components"]["schemas"]["deals"]["properties"];
    assert_eq!(deals["value"]["type"], json!(["string", "null"]));
    assert_eq!(deals["value"]["format"], "decimal");
    assert_eq!(deals["probability"]["type"], json!(["number", "null"]));
    let contacts = &document["components"]["schemas"]["contacts"];
    assert_eq!(contacts["description"], "People we know.");
    assert_eq!(contacts["properties"]["search"]["readOnly"], true);
    assert_eq!(contacts["properties"]["id"]["format"], "uuid");
    let new = &document["components"]["schemas"]["contacts.insert"];
    assert!(new["properties"].get("search").is_none());
    assert_eq!(new["additionalProperties"], false);
}

#[test]
fn what_the_reader_may_not_do_is_left_out() {
    let document = of(&|used| matches!(used, Use::Object(object, Action::Read) if object.name == "contacts"));
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/rest/v1/contacts", "/rest/v1/contacts/{id}"]);
    let methods: Vec<&String> = document["paths"]["/rest/v1/contacts"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(methods, ["get"]);
    assert_eq!(document["tags"].as_array().unwrap().len(), 1);
}

#[test]
fn references_lead_somewhere() {
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(Value::String(to)) = map.get("$ref") {
                    let there = document.pointer(to.trim_start_matches('#'));
                    assert!(there.is_some(), "{to}");
                }
                map.values().for_each(|value| check(value, document));
            }
            Value::Array(list) => list.iter().for_each(|value| check(value, document)),
            _ => {}
        }
    }
    let document = of(&|_| true);
    check(&document, &document);
}

#[test]
fn any_name_is_a_key_and_a_segment() {
    assert_eq!(key("order_lines"), "order_lines");
    assert_eq!(key("a.b-c d"), "a-2eb-2dc-20d");
    assert_eq!(segment("Odd {name}/1"), "Odd%20%7Bname%7D%2F1");
}

#[test]
fn results_of_overloads_are_alternatives() {
    let (number, text) = (
        json!({ "type": ["integer", "null"] }),
        json!({ "type": "string" }),
    );
    assert_eq!(
        schema::any_of(&[number.clone(), text, number]),
        json!({ "anyOf": [{ "type": "integer" }, { "type": "string" }, { "type": "null" }] })
    );
}

/// The names of an operation's own parameters, as they are sent.
fn taken(document: &Value, operation: &str) -> Vec<String> {
    let (method, path) = operation.split_once(' ').unwrap();
    let parameters = document["paths"][path][method]["parameters"].as_array().unwrap();
    let named = parameters.iter().map(|parameter| match &parameter["$ref"] {
        Value::String(to) => &document.pointer(to.trim_start_matches('#')).unwrap()["name"],
        _ => &parameter["name"],
    });
    named.map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn operations_tell_what_they_take() {
    let document = of(&|_| true);
    let takes = |operation: &str, name: &str| taken(&document, operation).iter().any(|taken| taken == name);
    for verb in ["restore", "purge"] {
        let operation = format!("post /rest/v1/contacts/{{id}}/{verb}");
        assert_eq!(
            taken(&document, &operation),
            ["select", "Prefer", "Idempotency-Key", "If-Match", "If-None-Match"]
        );
    }
    for method in ["get", "patch", "delete"] {
        assert!(
            takes(&format!("{method} /rest/v1/contacts"), "offset"),
            "{method}"
        );
    }
    assert!(takes("patch /rest/v1/contacts", "deleted") && !takes("delete /rest/v1/contacts", "deleted"));
    assert!(takes("get /rest/v1/contacts", "cursor") && !takes("patch /rest/v1/contacts", "cursor"));
}

#[test]
fn every_parameter_is_described() {
    let described = parts::parameters();
    for known in crate::records::parse::parameters::KNOWN {
        assert_eq!(described[known.name]["name"], known.name);
    }
}

#[test]
fn every_write_may_be_replayed() {
    let document = of(&|_| true);
    let paths = document["paths"].as_object().unwrap();
    for (path, item) in paths.iter().filter(|(path, _)| !path.contains("/rpc/")) {
        for method in ["post", "patch", "put", "delete"] {
            for status in ["200", "201", "204"] {
                let answer = &item[method]["responses"][status];
                assert!(
                    answer.is_null() || !answer["headers"]["Idempotent-Replayed"].is_null(),
                    "{method} {path} {status}"
                );
            }
        }
    }
}
