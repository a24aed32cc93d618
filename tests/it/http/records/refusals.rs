//! Writes that are refused, and how it is said.

use axum::http::Method;
use serde_json::json;

use super::Scene;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn constraints_have_their_statuses() {
    let scene = Scene::set().await;
    scene.add("contacts", &json!({ "email": "ann@x.test" })).await;
    let unknown = scene.acme.organization();
    for (object, body, status, code, says) in [
        (
            "contacts",
            json!({ "email": "Ann@X.test" }),
            409,
            "23505",
            "contacts_email_key",
        ),
        (
            "contacts",
            json!({ "first_name": "x", "company_id": unknown }),
            409,
            "23503",
            "contacts_company_id_fkey",
        ),
        (
            "contacts",
            json!({ "first_name": "x", "status": "friend" }),
            422,
            "23514",
            "contacts_status_check",
        ),
        ("contacts", json!({}), 422, "23514", "contacts_identity_check"),
        (
            "contacts",
            json!({ "first_name": "x".repeat(201) }),
            422,
            "23514",
            "contacts_first_name_check",
        ),
        ("companies", json!({ "domain": "x" }), 422, "23502", "name"),
        ("companies", json!({ "name": null }), 422, "23502", "name"),
        (
            "companies",
            json!({ "name": "x", "size": "huge" }),
            422,
            "23514",
            "companies_size_check",
        ),
        (
            "contacts",
            json!({ "first_nam": "x" }),
            400,
            "PGRST204",
            "first_nam",
        ),
        ("contacts", json!({ "full_name": "x" }), 400, "428C9", "full_name"),
        (
            "contacts",
            json!({ "first_name": "x", "owner_id": "me" }),
            400,
            "22P02",
            "uuid",
        ),
        (
            "contacts",
            json!({ "first_name": "x", "company_id": 5 }),
            400,
            "22P02",
            "uuid",
        ),
        (
            "contacts",
            json!([{ "first_name": "x" }, { "last_name": "y" }]),
            400,
            "PGRST102",
            "keys must match",
        ),
        ("contacts", json!("text"), 400, "PGRST102", "object"),
        ("contacts", json!([1]), 400, "PGRST102", "object"),
    ] {
        let answer = scene.ada.post(&format!("/rest/v1/{object}"), &body).await;
        assert_eq!(
            (answer.status(), answer.code()),
            (status, code.to_owned()),
            "{body}: {}",
            answer.text()
        );
        assert!(
            answer.field("message").contains(says),
            "{body}: {}",
            answer.text()
        );
        assert!(!answer.text().contains("Failing row"), "{}", answer.text());
    }
    assert_eq!(
        scene.list("contacts?select=email").await,
        json!([{ "email": "ann@x.test" }])
    );
    let missing = scene
        .ada
        .post("/rest/v1/companies", &json!({ "domain": "x" }))
        .await;
    assert_eq!(missing.json()["errors"][0]["field"], "name");
}

#[tokio::test]
async fn bodies_that_are_not_taken() {
    let scene = Scene::set().await;
    let post = |kind: &str, body: &str| {
        scene
            .ada
            .ask(Method::POST, "/rest/v1/contacts")
            .header("content-type", kind)
            .body(body.to_owned())
    };
    for body in [
        "",
        "{",
        "{\"first_name\":}",
        "first_name=x",
        "{} {}",
        "{\"a\":1,\"a\":2}",
        "\u{feff}{}",
    ] {
        let answer = post("application/json", body).await;
        assert_eq!(
            (answer.status(), answer.code()),
            (400, "PGRST102".to_owned()),
            "{body:?}"
        );
    }
    for kind in [
        "text/plain",
        "application/octet-stream",
        "application/json; charset=iso-8859-1",
        "application/jsonp",
        "",
    ] {
        let answer = post(kind, "{}").await;
        assert_eq!(
            (answer.status(), answer.code()),
            (415, "unsupported_media_type".to_owned()),
            "{kind:?}"
        );
    }
    post("Application/JSON ; charset=utf-8", "{\"first_name\":\"x\"}")
        .await
        .expect_status(201);
    let untold = scene.ada.ask(Method::POST, "/rest/v1/contacts");
    untold.body("{\"first_name\":\"x\"}").await.expect_status(201);
    let large = format!("{{\"first_name\":\"{}\"}}", "x".repeat(4 * 1024 * 1024));
    let told = post("application/json", &large)
        .header("content-length", large.len().to_string())
        .await;
    let untold = post("application/json", &large).await;
    for answer in [told, untold] {
        assert_eq!(
            (answer.status(), answer.code()),
            (413, "payload_too_large".to_owned())
        );
    }
}

#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    let scene = Scene::set().await;
    let _app = &scene.app;
    let batch = json!([{ "email": "a@x.test" }, { "email": "b@x.test" }, { "email": "A@x.test" }]);
    scene
        .ada
        .post("/rest/v1/contacts", &batch)
        .await
        .expect_status(409);
    assert_eq!(scene.list("contacts").await, json!([]));
}
