//! `Prefer: merge=disjoint`: changes of different fields do not get in each other's way.

use serde_json::{Value, json};

use super::{Scene, failed, state};
use tests::app::Ask;

impl Scene {
    fn merge(&self, path: &str, tag: &str, body: &Value) -> Ask {
        self.change(path, tag, body).header("prefer", "merge=disjoint")
    }
}

#[tokio::test]
async fn fields_that_others_left_alone_are_changed() {
    let scene = Scene::set().await;
    let path = scene
        .added("contacts", &json!({ "first_name": "Ann", "last_name": "A" }))
        .await;
    let merged = scene.merge(&path, "\"1\"", &json!({ "first_name": "Bea" })).await;
    assert_eq!((merged.status(), merged.header("etag")), (204, Some("\"2\"")));
    assert_eq!(merged.header("preference-applied"), Some("merge=disjoint"));
    // Somebody who knows the first version changes another field, and then the same one.
    let other = scene.merge(&path, "\"1\"", &json!({ "last_name": "B" })).await;
    assert_eq!((other.status(), other.header("etag")), (204, Some("\"3\"")));
    let both = json!({ "first_name": "Cleo", "last_name": "C", "job_title": "Dr" });
    let clash = scene.merge(&path, "\"1\"", &both).await;
    assert_eq!(
        (clash.status(), clash.field("details"), clash.header("etag")),
        (
            412,
            "The current version is 3; these fields were changed since: first_name, last_name".to_owned(),
            Some("\"3\"")
        )
    );
    let fields: Vec<_> = clash.json()["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|error| error["field"].clone())
        .collect();
    assert_eq!(fields, ["first_name", "last_name"]);
    // Whoever knows more clashes less.
    let clash = scene.merge(&path, "\"2\"", &both).await;
    assert!(clash.expect_status(412).field("details").ends_with(": last_name"));
    // Of several versions the oldest counts.
    let clash = scene
        .merge(&path, "\"2\", \"9\"", &json!({ "last_name": "D" }))
        .await;
    assert!(clash.expect_status(412).field("details").ends_with(": last_name"));
    scene.merge(&path, "\"3\"", &both).await.expect_status(204);
    let now = scene.ada.get(&path).await.json();
    assert_eq!(
        (&now["first_name"], &now["job_title"], &now["version"]),
        (&json!("Cleo"), &json!("Dr"), &json!(4))
    );
    assert_eq!(now.get("field_versions"), None, "it is not shown");
    scene
        .ada
        .get(&format!("{path}?select=field_versions"))
        .await
        .expect_status(400);
    scene
        .ada
        .patch(&path, &json!({ "field_versions": {} }))
        .await
        .expect_status(400);
    // A version that is yet to come is not merged.
    assert_eq!(
        state(&scene.merge(&path, "\"9\"", &json!({ "job_title": "x" })).await),
        failed(4)
    );
    // Neither is what was not asked to be.
    assert_eq!(
        state(&scene.change(&path, "\"1\"", &json!({ "phone": "1" })).await),
        failed(4)
    );
}

#[tokio::test]
async fn what_triggers_change_is_changed() {
    let scene = Scene::set().await;
    let stages = scene
        .ada
        .get("/rest/v1/stages?select=id,pipeline_id,kind&order=position")
        .await
        .json();
    let stages = stages.as_array().expect("stages");
    let body = json!({ "title": "D", "pipeline_id": stages[0]["pipeline_id"], "stage_id": stages[0]["id"] });
    let path = scene.added("deals", &body).await;
    let won = stages
        .iter()
        .find(|stage| stage["kind"] == "won")
        .expect("a stage");
    let moved = scene.ada.patch(&path, &json!({ "stage_id": won["id"] })).await;
    moved.expect_status(204);
    // The status followed the stage, by a trigger that fires after the stamp.
    let clash = scene.merge(&path, "\"1\"", &json!({ "status": "lost" })).await;
    assert!(clash.expect_status(412).field("details").ends_with(": status"));
    scene
        .merge(&path, "\"1\"", &json!({ "title": "E" }))
        .await
        .expect_status(204);
}

#[tokio::test]
async fn changes_of_different_fields_at_once_are_all_made() {
    let scene = Scene::set().await;
    let path = scene.company().await;
    let fields = ["name", "domain", "industry", "website", "phone"];
    let known = scene.ada.get(&path).await.json();
    let fields: Vec<&str> = fields
        .into_iter()
        .filter(|field| known.get(field).is_some())
        .collect();
    assert!(fields.len() >= 3, "{known}");
    let asks = fields.iter().map(|field| {
        let value = if *field == "website" {
            "https://x.example"
        } else {
            "x.example"
        };
        scene
            .merge(&path, "\"1\"", &json!({ *field: value }))
            .into_future()
    });
    for answer in futures_util::future::join_all(asks).await {
        answer.expect_status(204);
    }
    let now = scene.ada.get(&path).await.json();
    assert_eq!(now["version"], fields.len() + 1);
    // And of the same field, one.
    let tag = format!("\"{}\"", fields.len() + 1);
    let asks = (0..6).map(|n| {
        scene
            .merge(&path, &tag, &json!({ "name": format!("N{n}") }))
            .into_future()
    });
    let answers = futures_util::future::join_all(asks).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 204).count(), 1);
}

#[tokio::test]
async fn what_cannot_be_merged_is_told_or_left() {
    let scene = Scene::set().await;
    let path = scene.company().await;
    // Without a version that the client knows there is nothing to merge with.
    for ask in [
        scene.ada.patch(&path, &json!({ "name": "B" })),
        scene.change(&path, "*", &json!({ "name": "B" })),
    ] {
        let plain = ask.header("prefer", "merge=disjoint").await.expect_status(204);
        assert_eq!(plain.header("preference-applied"), None);
    }
    // Which fields others have changed is for those who may read them; the version is told to whoever writes.
    let writes = scene.acme.key(&["companies:update"]).await;
    let change = || {
        writes
            .patch(&path, &json!({ "name": "C" }))
            .header("if-match", "\"1\"")
    };
    assert_eq!(
        change()
            .header("prefer", "merge=disjoint")
            .await
            .expect_status(403)
            .code(),
        "42501"
    );
    assert_eq!(state(&change().await), failed(3));
    let unknown = scene
        .ada
        .patch(&path, &json!({ "name": "B" }))
        .header("prefer", "handling=strict, merge=some");
    assert_eq!(unknown.await.expect_status(400).code(), "PGRST122");
}
