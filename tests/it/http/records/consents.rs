//! What the template knows of consents: entries that are only added, and what they mean now.

use serde_json::{Value, json};

use super::{Scene, column, id};

#[tokio::test]
async fn a_change_of_mind_is_another_entry() {
    let scene = Scene::set().await;
    let zoe = scene.add("contacts", &json!({ "first_name": "Zoe" })).await;
    let purposes = scene.list("consent_purposes?select=id,key&order=key").await;
    assert_eq!(column(&purposes, "key"), ["marketing_email", "marketing_phone"]);
    let says = |decision: &str| json!({ "contact_id": id(&zoe), "purpose_id": purposes[0]["id"], "decision": decision, "channel": "web form" });
    let agrees = async || -> Value {
        let query = format!("contacts?select=gdpr_consent&id=eq.{}", id(&zoe));
        scene.list(&query).await[0]["gdpr_consent"].clone()
    };
    assert_eq!(agrees().await, json!(false));
    let granted = scene.add("consents", &says("granted")).await;
    assert_eq!(
        (&granted["text_version"], &granted["actor"]),
        (&json!(1), &json!(format!("user:{}", scene.ada.user.id)))
    );
    assert_eq!(granted["text_hash"].as_str().map(str::len), Some(64));
    assert_eq!(agrees().await, json!(true));
    // Neither rewritten nor taken back.
    let path = format!("/rest/v1/consents/{}", id(&granted));
    assert_eq!(
        scene
            .ada
            .patch(&path, &json!({ "decision": "withdrawn" }))
            .await
            .status(),
        403
    );
    assert_eq!(scene.ada.delete(&path).await.status(), 403);
    for forged in [json!({ "actor": "user:me" }), json!({ "text_hash": "0" })] {
        let mut entry = says("granted");
        for (name, value) in forged.as_object().expect("an object") {
            entry[name] = value.clone();
        }
        assert_eq!(
            scene.ada.post("/rest/v1/consents", &entry).await.status(),
            400,
            "{forged}"
        );
    }
    // Nor is it said for the future, which nobody could take back: at is the moment of the request.
    let mut later = says("withdrawn");
    later["at"] = json!("2099-01-01T00:00:00Z");
    let now = scene.add("consents", &later).await;
    assert!(
        now["at"].as_str().is_some_and(|at| !at.starts_with("2099")),
        "{now}"
    );
    assert_eq!(agrees().await, json!(false));
    scene.add("consents", &says("granted")).await;
    let now = scene
        .list("current_consents?select=purpose,is_granted,is_current_wording")
        .await;
    assert_eq!(
        now,
        json!([{ "purpose": "marketing_email", "is_granted": true, "is_current_wording": true }])
    );
}

#[tokio::test]
async fn other_words_are_agreed_to_anew() {
    let scene = Scene::set().await;
    let zoe = scene.add("contacts", &json!({ "first_name": "Zoe" })).await;
    let purposes = scene.list("consent_purposes?select=id&order=key").await;
    let granted = json!({ "contact_id": id(&zoe), "purpose_id": purposes[0]["id"], "decision": "granted", "channel": "phone" });
    scene.add("consents", &granted).await;
    let mut wording = granted.clone();
    wording["text_version"] = json!(2);
    assert_eq!(scene.ada.post("/rest/v1/consents", &wording).await.status(), 422);
    // Another wording is another version, to which nobody has agreed yet.
    let path = format!(
        "/rest/v1/consent_purposes/{}",
        purposes[0]["id"].as_str().expect("an id")
    );
    scene
        .ada
        .patch(&path, &json!({ "text": "Other words." }))
        .await
        .expect_status(204);
    let now = scene
        .list("current_consents?select=is_granted,is_current_wording")
        .await;
    assert_eq!(now, json!([{ "is_granted": true, "is_current_wording": false }]));
    scene.add("consents", &wording).await;
    let now = scene.list("current_consents?select=is_current_wording").await;
    assert_eq!(now, json!([{ "is_current_wording": true }]));
}

#[tokio::test]
async fn a_request_about_data_has_a_month() {
    let scene = Scene::set().await;
    let asked = json!({ "type": "access", "received_at": "2030-01-31T12:00:00Z" });
    let asked = scene.add("privacy_requests", &asked).await;
    assert_eq!(
        (&asked["due_at"], &asked["state"]),
        (&json!("2030-02-28T12:00:00+00:00"), &json!("open"))
    );
    let path = format!("/rest/v1/privacy_requests/{}", id(&asked));
    scene
        .ada
        .patch(&path, &json!({ "state": "done" }))
        .await
        .expect_status(204);
    let done = scene.list("privacy_requests?select=completed_at").await;
    assert!(done[0]["completed_at"].is_string());
    scene
        .ada
        .patch(&path, &json!({ "state": "open" }))
        .await
        .expect_status(204);
    let again = scene.list("privacy_requests?select=completed_at").await;
    assert!(again[0]["completed_at"].is_null());
}
