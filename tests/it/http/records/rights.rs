//! Keys that may write and not read, or change and not remove.

use axum::http::Method;
use serde_json::json;

use super::{Scene, id};

#[tokio::test]
async fn a_key_that_only_writes_reads_nothing() {
    let scene = Scene::set().await;
    let contact = scene.add("contacts", &json!({ "first_name": "Ann" })).await;
    let one = format!("/rest/v1/contacts/{}", id(&contact));
    let all = "/rest/v1/contacts?id=not.is.null";
    let filtered = "/rest/v1/contacts?first_name=like.A*";
    let nothing = json!({});
    let (changes, removes) = (
        scene.acme.key(&["contacts:update"]).await,
        scene.acme.key(&["contacts:delete"]).await,
    );
    for (ask, prefer) in [
        (changes.patch(all, &nothing), "return=representation"),
        (changes.patch(filtered, &nothing), "count=exact"),
        (changes.patch(&one, &nothing), "return=representation"),
        (removes.delete(all), "return=representation,tx=rollback"),
        (removes.delete(filtered), "count=exact,tx=rollback"),
        (removes.delete(&one), "return=representation"),
    ] {
        let asked = ask.describe();
        let refused = ask.header("prefer", prefer).await;
        assert_eq!(
            (refused.status(), refused.code()),
            (403, "42501".to_owned()),
            "{asked}"
        );
        assert!(refused.text().contains("contacts: this caller may not read it"));
        assert!(!refused.text().contains("Ann"));
    }
    let change = json!({ "first_name": "Bea" });
    changes.patch(&one, &change).await.expect_status(204);
    removes.delete(&one).await.expect_status(204);
}

#[tokio::test]
async fn a_key_that_only_changes_removes_nothing() {
    let scene = Scene::set().await;
    let contact = scene.add("contacts", &json!({ "first_name": "Ann" })).await;
    let one = format!("/rest/v1/contacts/{}", id(&contact));
    let scopes = ["contacts:read", "contacts:insert", "contacts:update"];
    let key = scene.acme.key(&scopes).await;
    let (gone, back) = (
        json!({ "deleted_at": "2026-01-01" }),
        json!({ "deleted_at": null }),
    );
    let mut put = gone.clone();
    put["id"] = contact["id"].clone();
    for ask in [
        key.patch(&one, &gone),
        key.patch("/rest/v1/contacts?id=not.is.null", &gone),
        key.post("/rest/v1/contacts", &gone),
        key.ask(Method::PUT, &one).json(&put),
        key.delete(&one),
    ] {
        let asked = ask.describe();
        let refused = ask.await;
        assert_eq!(
            (refused.status(), refused.code()),
            (403, "42501".to_owned()),
            "{asked}"
        );
    }
    scene.ada.get(&one).await.expect_status(200);
    scene.ada.patch(&one, &gone).await.expect_status(204);
    scene.ada.get(&one).await.expect_status(404);
    let restore = format!("/rest/v1/contacts?id=eq.{}&deleted_at=not.is.null", id(&contact));
    key.patch(&restore, &back).await.expect_status(204);
    scene.ada.get(&one).await.expect_status(200);
}
