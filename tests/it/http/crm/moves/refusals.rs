//! Input that cannot be, and those who may not.

use axum::http::Method;
use catalog::memberships::MemberRole::{Admin, Member};
use serde_json::json;
use tests::app::Answer;

use crate::http::crm::Crm;
use crate::http::scene::Scene;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn bad_input_is_named() {
    let crm = Crm::set().await;
    let deal = crm.deal("a", "New", json!({})).await;
    let path = format!("/crm/v1/deals/{deal}/move");
    let stage = crm.stage("Won");
    let told = |answer: &Answer| {
        format!(
            "{} {} {}",
            answer.status(),
            answer.code(),
            answer.field("message")
        )
    };
    for (body, expected) in [
        (
            "",
            "422 validation_failed The field 'stage_id' must be given".to_owned(),
        ),
        ("[", "400 PGRST102 The body is not JSON".to_owned()),
        ("[]", "400 PGRST102 The body must be a JSON object".to_owned()),
        (
            r#"{"stage": 1}"#,
            "400 unknown_field This takes no field 'stage'".to_owned(),
        ),
        (
            r#"{"stage_id": 1}"#,
            "422 validation_failed The field 'stage_id' must be a UUID, as a text".to_owned(),
        ),
        (
            r#"{"stage_id": "x", "note": 2}"#,
            "422 validation_failed 2 fields are wrong".to_owned(),
        ),
        (
            &format!(
                r#"{{"stage_id": "{stage}", "lost_reason": "{}"}}"#,
                "x".repeat(201)
            ),
            "422 validation_failed The field 'lost_reason' has more than 200 characters".to_owned(),
        ),
        (
            &format!(r#"{{"stage_id": "{stage}", "note": "\u0000"}}"#),
            "422 validation_failed The field 'note' has a NUL character, which no text in the database can"
                .to_owned(),
        ),
    ] {
        let ask = crm
            .ada
            .ask(Method::POST, &path)
            .header("content-type", "application/json")
            .body(body.to_owned());
        assert_eq!(told(&ask.await), expected, "{body}");
    }
    let form = crm
        .ada
        .ask(Method::POST, &path)
        .header("content-type", "text/plain")
        .body("x");
    assert_eq!(form.await.status(), 415);
    let query = crm.ada.post(&format!("{path}?stage_id=1"), &json!({})).await;
    assert_eq!(
        told(&query),
        "400 unknown_parameter This takes no parameter 'stage_id'"
    );
    let no_id = crm.with("7", "move", json!({})).await;
    assert_eq!(told(&no_id), "400 bad_id The id in the path is not a UUID");
    let unknown = crm.with(stage, "win", json!({})).await;
    assert_eq!((unknown.status(), unknown.code().as_str()), (404, "PGRST116"));
    crm.ada
        .delete(&format!("/rest/v1/deals/{deal}"))
        .await
        .expect_status(204);
    assert_eq!(
        crm.with(&deal, "win", json!({})).await.status(),
        404,
        "what is in the bin goes nowhere"
    );
}

#[tokio::test]
async fn verbs_are_for_those_who_may_and_for_tenants_that_have_them() {
    let crm = Crm::set().await;
    let deal = crm.deal("a", "New", json!({})).await;
    let path = format!("/crm/v1/deals/{deal}/win");
    let key = crm.acme.key(&["deals:read", "stages:read"]).await;
    let refused = key.post(&path, &json!({})).await;
    assert_eq!(
        refused.field("message"),
        "permission denied: this caller may not update deals"
    );
    let globex = crm.app.tenant("globex").await;
    let bob = globex.member("bob", Admin).await;
    assert_eq!(
        bob.post(&path, &json!({})).await.code(),
        "PGRST116",
        "no id of another tenant is one here"
    );
    crm.acme
        .member("ann", Member)
        .await
        .post(&path, &json!({}))
        .await
        .expect_status(200);
    let document = crm.ada.get("/openapi.json").await.json();
    assert!(document["paths"]["/crm/v1/deals/{id}/move"]["post"].is_object());
    assert!(
        key.get("/openapi.json").await.json()["paths"]
            .get("/crm/v1/deals/{id}/move")
            .is_none()
    );

    let workshop = Scene::workshop().await;
    workshop.ada.post(&path, &json!({})).await.expect_status(404);
    let document = workshop.ada.get("/openapi.json").await.text().to_owned();
    assert!(!document.contains("/crm/v1"));
}
