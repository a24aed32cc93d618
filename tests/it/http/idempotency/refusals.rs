//! Keys that are malformed, used for something else, over, or of a request that failed.

use axum::http::Method;
use serde_json::json;

use tests::TestApp;

use super::{Scene, is_replayed};

#[tokio::test]
async fn a_key_is_for_one_request() {
    let scene = Scene::set().await;
    scene.tag("k", "a").await.expect_status(201);
    let post = |target: &str| scene.ada.post(target, &json!({ "name": "a" }));
    for (what, ask) in [
        (
            "another body",
            scene.ada.post("/rest/v1/tags", &json!({ "name": "b" })),
        ),
        ("another query", post("/rest/v1/tags?select=id")),
        ("another path", post("/rest/v1/companies")),
        (
            "another method",
            scene
                .ada
                .patch("/rest/v1/tags?name=eq.a", &json!({ "name": "a" })),
        ),
        (
            "another preference",
            post("/rest/v1/tags").header("prefer", "return=representation"),
        ),
        ("another form", post("/rest/v1/tags").header("accept", "text/csv")),
        (
            "another form of the body",
            scene
                .ada
                .ask(Method::POST, "/rest/v1/tags")
                .header("content-type", "text/csv")
                .body("name\na"),
        ),
    ] {
        let refused = ask.header("idempotency-key", "k").await.expect_status(422);
        assert_eq!(refused.code(), "idempotency_key_reused", "{what}");
    }
    assert_eq!(
        (scene.names("tags").await, scene.names("companies").await),
        (vec!["a".to_owned()], Vec::new())
    );
    assert!(is_replayed(&scene.tag("k", "a").await.expect_status(201)));
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let scene = Scene::set().await;
    let long = "x".repeat(256);
    for bad in ["", "\"\"", "a b", "\"a", "a,b", "\"a\";x=1", "\u{e4}", &long] {
        let refused = scene.tag(bad, "a").await.expect_status(400);
        assert_eq!(refused.code(), "bad_header", "{bad}");
        assert!(refused.field("details").contains("255"));
    }
    let twice = scene.tag("a", "a").header("idempotency-key", "b").await;
    assert_eq!(twice.expect_status(400).code(), "bad_header");
    // A read does nothing, and nothing is asked of its key.
    scene
        .ada
        .get("/rest/v1/tags")
        .header("idempotency-key", "a b")
        .await
        .expect_status(200);
    assert_eq!(scene.names("tags").await, [""; 0]);
    scene.tag(&"x".repeat(255), "a").await.expect_status(201);
    scene
        .tag("\"with spaces, \\\"and more\\\"\"", "b")
        .await
        .expect_status(201);
}

#[tokio::test]
async fn what_failed_may_be_tried_again() {
    let scene = Scene::set().await;
    scene.tag("first", "a").await.expect_status(201);
    // Taken by another: 23505, undone whole.
    scene.tag("k", "a").await.expect_status(409);
    let missing = "/rest/v1/tags/01890a5d-ac96-774b-bcce-b302099a8057";
    let change = || {
        scene
            .ada
            .patch(missing, &json!({ "name": "c" }))
            .header("idempotency-key", "m")
    };
    change().await.expect_status(404);
    let outdated = || {
        let change = scene
            .ada
            .patch("/rest/v1/tags?name=eq.a", &json!({ "name": "a" }));
        change
            .header("prefer", "handling=strict, max-affected=0")
            .header("idempotency-key", "n")
    };
    outdated().await.expect_status(400);
    let undone = || {
        scene
            .tag("undone", "u")
            .header("prefer", "tx=rollback, return=representation")
    };
    for _ in 0..2 {
        assert!(!is_replayed(&undone().await.expect_status(201)));
    }
    assert_eq!(scene.kept("count(*)").await, "1");
    // The same key, once the reason has gone.
    scene
        .ada
        .delete("/rest/v1/tags?name=eq.a")
        .await
        .expect_status(204);
    assert!(!is_replayed(&scene.tag("k", "a").await.expect_status(201)));
    assert!(is_replayed(&scene.tag("k", "a").await.expect_status(201)));
    // A template's or a client's own words do not pass for the engine's.
    let said = "1 answer to this key was kept";
    let fooled = scene.ada.post(
        "/rest/v1/deals",
        &json!({ "title": "x", "probability": said, "pipeline_id": said }),
    );
    let fooled = fooled.header("idempotency-key", "w").await;
    assert!((400..500).contains(&fooled.status()), "{}", fooled.text());
}

#[tokio::test]
async fn a_key_is_good_for_a_day_and_old_ones_go() {
    let scene = Scene::set().await;
    for n in 0..20 {
        scene
            .tag(&format!("k{n}"), &format!("n{n:02}"))
            .await
            .expect_status(201);
    }
    scene.change_kept("update _idempotency_keys set kept_at = now() - interval '23 hours 59 minutes', day = floor(extract(epoch from now() - interval '23 hours 59 minutes') / 86400)").await;
    assert!(is_replayed(&scene.tag("k0", "n00").await.expect_status(201)));
    scene.change_kept("update _idempotency_keys set kept_at = now() - interval '24 hours', day = floor(extract(epoch from now() - interval '24 hours') / 86400)").await;
    // Done again: it is another request by now, and the name is taken.
    scene.tag("k0", "n00").await.expect_status(409);
    assert!(!is_replayed(&scene.tag("k0", "n20").await.expect_status(201)));
    assert_eq!(scene.kept("count(*)").await, "21");
    // Two days later each claim takes some along.
    scene
        .change_kept("update _idempotency_keys set day = day - 2, kept_at = kept_at - interval '2 days'")
        .await;
    for left in [14, 7, 3, 4] {
        scene
            .tag(&format!("l{left}"), &format!("m{left}"))
            .await
            .expect_status(201);
        assert_eq!(scene.kept("count(*)").await, left.to_string());
    }
}

#[tokio::test]
async fn large_bodies_are_taken_and_large_answers_are_not_kept() {
    let app = TestApp::with(|settings| settings.server.body_limit = 16 * 1024 * 1024).await;
    let scene = Scene::on(app).await;
    let most = 10 * 1024 * 1024;
    let content = "x".repeat(90_000);
    let rows: Vec<_> = (0..110).map(|_| json!({ "content": content })).collect();
    let body = json!(rows).to_string();
    assert!((most - 1_000_000..most).contains(&body.len()), "{}", body.len());
    let ask = |prefer: &str| {
        let ask = scene
            .ada
            .ask(Method::POST, "/rest/v1/notes?select=content")
            .header("idempotency-key", prefer);
        ask.header("content-type", "application/json")
            .header("prefer", prefer)
            .body(body.clone())
    };
    // More than the default takes: refused before anything is claimed.
    let small = scene.app.beside().await;
    let refused = scene
        .ada
        .through(&small)
        .ask(Method::POST, "/rest/v1/notes")
        .header("idempotency-key", "x");
    let refused = refused
        .header("content-type", "application/json")
        .body(body.clone())
        .await;
    assert_eq!(refused.expect_status(413).code(), "payload_too_large");
    let refused = ask("return=representation").await.expect_status(413);
    assert_eq!(refused.code(), "answer_too_large");
    assert!(
        refused.field("hint").contains("return=minimal"),
        "{}",
        refused.text()
    );
    let count = async || {
        scene
            .ada
            .get("/rest/v1/notes?select=count()")
            .await
            .text()
            .to_owned()
    };
    assert_eq!(count().await, r#"[{"count":0}]"#, "it is undone");
    assert!(!is_replayed(&ask("return=minimal").await.expect_status(201)));
    assert!(is_replayed(&ask("return=minimal").await.expect_status(201)));
    assert_eq!(count().await, r#"[{"count":110}]"#);
}
