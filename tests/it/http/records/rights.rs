//! Keys that may write and not read, or change and not remove.

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
