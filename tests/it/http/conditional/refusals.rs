//! Conditions that nothing could decide are refused, and never passed over.

use std::sync::Arc;

use axum::http::Method;
use catalog::memberships::MemberRole::Admin;
use serde_json::json;
use tests::app::Person;
use tests::{TestApp, TestDb};

use super::Scene;

const HEADERS: [&str; 2] = ["if-match", "if-none-match"];

#[tokio::test]
async fn conditions_are_about_the_record_in_the_path() {
    let scene = Scene::set().await;
    scene.company().await;
    let all = "/rest/v1/companies?name=eq.Acme";
    let body = json!({ "name": "B" });
    for header in HEADERS {
        for ask in [
            scene.ada.get("/rest/v1/companies"),
            scene.ada.ask(Method::HEAD, "/rest/v1/companies"),
            scene.ada.post("/rest/v1/companies", &body),
            scene.ada.patch(all, &body),
            scene.ada.delete(all),
            scene
                .ada
                .ask(Method::PUT, "/rest/v1/companies?id=eq.1")
                .json(&body),
        ] {
            let (asked, is_head) = (ask.describe(), ask.is_head());
            let refused = ask.header(header, "\"1\"").await.expect_status(400);
            if !is_head {
                assert_eq!(refused.code(), "condition_unsupported", "{asked}");
                assert!(refused.field("hint").contains("/{object}/{id}"), "{asked}");
            }
        }
    }
    assert_eq!(
        scene.ada.get(all).await.json().as_array().expect("a list").len(),
        1
    );
}

#[tokio::test]
async fn headers_that_are_no_tags_are_refused() {
    let scene = Scene::set().await;
    let path = scene.company().await;
    let many = vec!["\"1\""; 101].join(", ");
    for value in [
        "",
        "1",
        "\"1",
        "W/1",
        "\"1\" \"2\"",
        "*, \"1\"",
        "\"\u{e4}\"",
        many.as_str(),
    ] {
        for (header, name) in HEADERS.into_iter().zip(["If-Match", "If-None-Match"]) {
            for ask in [
                scene.ada.get(&path),
                scene.ada.patch(&path, &json!({ "name": "B" })),
            ] {
                let refused = ask.header(header, value).await.expect_status(400);
                assert_eq!(refused.code(), "bad_header", "{value}");
                assert!(refused.field("message").contains(name));
            }
        }
    }
}

/// Somebody of a tenant with another template.
async fn workshop() -> Person {
    let app = TestApp::on(Arc::new(TestDb::workshop().await), |_| {}).await;
    app.tenant("acme").await.member("ada", Admin).await
}

#[tokio::test]
async fn objects_without_versions_have_no_states() {
    let ada = workshop().await;
    let made = ada
        .post("/rest/v1/customers", &json!({ "name": "Ann" }))
        .await
        .expect_status(201);
    assert_eq!(made.header("etag"), None);
    let one = "/rest/v1/customers/1";
    for header in HEADERS {
        for ask in [
            ada.get(one),
            ada.patch(one, &json!({ "name": "B" })),
            ada.delete(one),
        ] {
            let refused = ask.header(header, "*").await.expect_status(400);
            assert_eq!(refused.code(), "condition_unsupported");
            assert!(
                refused.field("message").contains("'customers' has no versions"),
                "{}",
                refused.text()
            );
        }
    }
    let call = ada
        .post("/rest/v1/rpc/touch", &json!({}))
        .header("if-match", "*")
        .await;
    assert_eq!(call.expect_status(400).code(), "condition_unsupported");
}

#[tokio::test]
async fn changes_are_merged_where_the_template_keeps_what_that_takes() {
    let ada = workshop().await;
    // Versions, and nothing that says which field changed when.
    let document = json!({ "title": "D" });
    let made = ada
        .post("/rest/v1/documents", &document)
        .header("prefer", "return=representation");
    let id = made.await.expect_status(201).json()[0]["id"].clone();
    let path = format!("/rest/v1/documents/{}", id.as_str().expect("an id"));
    let merge = |tag: &str, prefer: &str| {
        let change = ada.patch(&path, &json!({ "title": "E" })).header("if-match", tag);
        change.header("prefer", prefer)
    };
    let refused = merge("\"1\"", "merge=disjoint, handling=strict")
        .await
        .expect_status(400);
    assert_eq!(refused.field("details"), "Invalid preferences: merge=disjoint");
    let plain = merge("\"1\"", "merge=disjoint").await.expect_status(204);
    assert_eq!(plain.header("preference-applied"), None);
    merge("\"7\"", "merge=disjoint").await.expect_status(412);

    // Another template's own way of keeping both.
    ada.post("/rest/v1/tools", &json!({ "id": 1, "name": "Hammer" }))
        .await
        .expect_status(201);
    let merge = |body| {
        let change = ada.patch("/rest/v1/tools/1", &body).header("if-match", "\"1\"");
        change.header("prefer", "merge=disjoint, handling=strict")
    };
    merge(json!({ "place": "wall" })).await.expect_status(204);
    merge(json!({ "price": 12 })).await.expect_status(204);
    let clash = merge(json!({ "place": "drawer", "name": "Mallet" }))
        .await
        .expect_status(412);
    assert!(
        clash
            .field("details")
            .ends_with("is 3; these fields were changed since: place"),
        "{}",
        clash.text()
    );
}
