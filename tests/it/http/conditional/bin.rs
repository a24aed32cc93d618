//! Conditions on what is removed together, restored and purged.

use axum::http::Method;
use serde_json::json;
use tests::app::Ask;

use super::{Scene, failed, state};

impl Scene {
    /// What is done to a record of the bin, given its state.
    fn of_the_bin(&self, path: &str, what: &str, header: &str, tag: &str) -> Ask {
        let ask = self.ada.ask(Method::POST, &format!("{path}/{what}"));
        ask.header(header, tag)
    }

    /// How many records of an object a query finds.
    async fn n(&self, object: &str, query: &str) -> usize {
        let list = self
            .ada
            .get(&format!("/rest/v1/{object}?select=id&{query}"))
            .await;
        list.expect_status(200).json().as_array().expect("a list").len()
    }
}

#[tokio::test]
async fn a_record_comes_back_or_goes_for_good_in_the_state_that_is_meant() {
    let scene = Scene::set().await;
    let path = scene.company().await;
    // What is live is not in the bin, in whatever state.
    for what in ["restore", "purge"] {
        for tag in ["\"1\"", "\"7\"", "*"] {
            let live = scene.of_the_bin(&path, what, "if-match", tag).await;
            assert_eq!(live.expect_status(409).code(), "not_deleted", "{what} {tag}");
        }
    }
    scene.ada.delete(&path).await.expect_status(204);
    for what in ["restore", "purge"] {
        for (header, tag) in [
            ("if-match", "\"1\""),
            ("if-match", "W/\"2\""),
            ("if-none-match", "\"2\""),
            ("if-none-match", "*"),
        ] {
            let refused = scene.of_the_bin(&path, what, header, tag).await;
            assert_eq!(state(&refused), failed(2), "{what} {header}: {tag}");
        }
    }
    let back = scene.of_the_bin(&path, "restore", "if-match", "\"2\"");
    let back = back.header("prefer", "return=representation").await;
    assert_eq!((back.status(), back.header("etag")), (200, Some("\"3\"")));
    scene.ada.delete(&path).await.expect_status(204);
    scene
        .of_the_bin(&path, "restore", "if-none-match", "\"3\"")
        .await
        .expect_status(204);
    scene.ada.delete(&path).await.expect_status(204);
    scene
        .of_the_bin(&path, "purge", "if-match", "\"1\", \"6\"")
        .await
        .expect_status(204);
    // Nothing is there any more, and that is what counts.
    for what in ["restore", "purge"] {
        for tag in ["\"6\"", "\"1\"", "*"] {
            let gone = scene.of_the_bin(&path, what, "if-match", tag).await;
            gone.expect_status(404);
        }
    }
}

#[tokio::test]
async fn what_would_fall_or_come_back_stays_when_the_state_is_another() {
    let scene = Scene::set().await;
    let path = scene.company().await;
    let company = path.rsplit('/').next().expect("an id");
    for subject in ["call", "mail"] {
        let activity = json!({ "type": "task", "subject": subject, "company_id": company });
        scene.added("activities", &activity).await;
    }
    let remove = |tag| scene.ada.delete(&path).header("if-match", tag);
    assert_eq!(state(&remove("\"7\"").await), failed(1));
    assert_eq!(scene.n("activities", "").await, 2);
    assert_eq!(scene.n("activities", "deleted=only").await, 0);
    remove("\"1\"").await.expect_status(204);
    assert_eq!(scene.n("activities", "deleted=only").await, 2);
    let restore = |tag| scene.of_the_bin(&path, "restore", "if-match", tag);
    assert_eq!(state(&restore("\"1\"").await), failed(2));
    assert_eq!(scene.n("activities", "deleted=only").await, 2);
    let purge = scene.of_the_bin(&path, "purge", "if-match", "\"1\"");
    assert_eq!(state(&purge.await), failed(2));
    restore("\"2\"").await.expect_status(204);
    assert_eq!(scene.n("activities", "").await, 2);
}

/// As with changes: what was decided about is what is there when the statement could write.
#[tokio::test]
async fn what_is_done_to_the_bin_is_decided_by_what_it_finds_then() {
    let scene = Scene::set().await;
    let path = scene.company().await;
    scene.ada.delete(&path).await.expect_status(204);
    for (what, version) in [("restore", 3), ("purge", 4)] {
        let tag = format!("\"{}\"", version - 1);
        let ask = scene.of_the_bin(&path, what, "if-match", &tag);
        let answer = scene.overtaken(ask, "name = name || '!'").await;
        assert_eq!(state(&answer), failed(version), "{what}");
    }
    for (what, tag) in [("restore", "\"4\""), ("purge", "\"6\"")] {
        let ask = scene.of_the_bin(&path, what, "if-match", tag);
        let answer = scene.overtaken(ask, "deleted_at = null").await;
        // It is live by then, whatever its version.
        assert_eq!(answer.expect_status(409).code(), "not_deleted", "{what}");
        scene.ada.delete(&path).await.expect_status(204);
    }
    assert_eq!(scene.n("companies", "deleted=only").await, 1);
}
