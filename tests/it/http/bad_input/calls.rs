//! Calls of functions, and forms of answers and bodies, that are wrong in every way.

use std::sync::Arc;

use axum::http::Method;
use catalog::memberships::MemberRole::Admin;
use tests::app::Person;
use tests::{TestApp, TestDb};

use super::Trial;
use super::nasty::{TEXTS, VALUES, encoded};

/// Functions of the template that has everything, each with its parameters.
const FUNCTIONS: &[(&str, &[&str])] = &[
    ("add", &["a"]),
    ("add", &["a", "b"]),
    ("bump", &["n", "by"]),
    ("total_of", &["amounts"]),
    ("split_name", &["full_name"]),
    ("orders_of", &["customer"]),
    ("open_orders_over", &["minimum"]),
    ("bestsellers", &["most"]),
    ("status_of", &["order_id"]),
    ("orders_in", &["statuses"]),
    ("home_of", &["customer"]),
    ("place_order", &["customer", "first_note"]),
    ("refresh_wages", &["factor"]),
    ("padded", &["code", "bits"]),
    ("first_order", &[]),
    ("any_row", &[]),
    ("echo_json", &[]),
    ("echo_text", &[]),
    ("echo_bytes", &[]),
];

const MEDIA_TYPES: &[&str] = &[
    "application/json",
    "application/x-ndjson",
    "text/csv",
    "application/x-www-form-urlencoded",
    "text/plain",
    "text/xml",
    "application/octet-stream",
];

const ACCEPTED: &[&str] = &[
    "application/json",
    "application/vnd.pgrst.object+json",
    "application/vnd.pgrst.array+json;nulls=stripped",
    "application/vnd.pgrst.object+json;nulls=stripped",
    "text/csv",
];

async fn workshop() -> Person {
    let app = TestApp::on(Arc::new(TestDb::workshop().await), |_| {}).await;
    app.tenant("acme").await.member("ada", Admin).await
}

#[tokio::test]
async fn every_nasty_argument_of_every_function() {
    let ada = workshop().await;
    let mut trial = Trial::default();
    for (function, parameters) in FUNCTIONS {
        let target = format!("/rest/v1/rpc/{function}");
        for text in TEXTS {
            let pairs = parameters.iter().map(|name| format!("{name}={}", encoded(text)));
            let query = pairs.collect::<Vec<_>>().join("&");
            trial.put(ada.get(&format!("{target}?{query}"))).await;
            trial.put(ada.get(&format!("{target}?{}", encoded(text)))).await;
            let form = ada.ask(Method::POST, &target).body(query);
            let form = form.header("content-type", "application/x-www-form-urlencoded");
            trial.put(form).await;
        }
        for value in VALUES {
            let pairs = parameters.iter().map(|name| format!("\"{name}\":{value}"));
            let body = format!("{{{}}}", pairs.collect::<Vec<_>>().join(","));
            for body in [body, (*value).to_owned()] {
                let call = ada.ask(Method::POST, &target).body(body);
                trial.put(call.header("content-type", "application/json")).await;
            }
        }
    }
    trial.end(2000);
}

#[tokio::test]
async fn every_nasty_body_of_every_type_for_every_form() {
    let ada = workshop().await;
    let mut trial = Trial::default();
    for target in [
        "customers",
        "orders?select=id,notes",
        "rpc/echo_text",
        "rpc/orders_of",
    ] {
        for media_type in MEDIA_TYPES {
            for (index, text) in TEXTS.iter().enumerate() {
                let accepted = ACCEPTED[index % ACCEPTED.len()];
                let ask = ada.ask(Method::POST, &format!("/rest/v1/{target}"));
                let ask = ask.header("content-type", media_type).header("accept", accepted);
                let ask = ask.header("prefer", "return=representation, tx=rollback");
                trial.put(ask.body((*text).to_owned())).await;
            }
        }
    }
    trial.end(1000);
}

#[tokio::test]
async fn every_form_of_every_object() {
    let ada = workshop().await;
    for name in ["Ann", "Bob"] {
        let new = serde_json::json!({ "name": name, "profile": { "a": null } });
        ada.post("/rest/v1/customers", &new).await.expect_status(201);
    }
    let document = ada.get("/openapi.json").await.expect_status(200).json();
    let paths = document["paths"].as_object().expect("paths").keys();
    let lists = paths.filter(|path| path.starts_with("/rest/v1/") && !path.contains('{'));
    let mut trial = Trial::default();
    for path in lists {
        for accepted in ACCEPTED {
            for range in ["", "0-0", "1-", "5-9", "2-1"] {
                let ask = ada.get(path).header("accept", accepted).header("range", range);
                trial.put(ask.header("prefer", "count=exact")).await;
                let ask = ada.ask(Method::HEAD, path).header("accept", accepted);
                trial.put(ask.header("range", range)).await;
            }
        }
    }
    trial.end(1000);
}
