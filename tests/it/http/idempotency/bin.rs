//! Keys on what removes records together, restores them, and removes them for good.

use axum::http::Method;
use serde_json::json;

use super::{Scene, is_replayed, seen};

#[tokio::test]
async fn what_falls_comes_back_and_goes_is_done_once() {
    let scene = Scene::set().await;
    let whole = "return=representation";
    let company = scene.ada.post("/rest/v1/companies", &json!({ "name": "Acme" }));
    let company = company.header("prefer", whole).await.expect_status(201).json()[0].clone();
    let path = format!("/rest/v1/companies/{}", company["id"].as_str().expect("an id"));
    let task = json!({ "type": "task", "subject": "call", "company_id": company["id"] });
    let added = scene.ada.post("/rest/v1/activities", &task).await;
    added.expect_status(201);
    // Of both, whether they are live, and how often they have changed.
    let records = async || {
        let mut texts = Vec::new();
        for object in ["companies", "activities"] {
            let all = format!("/rest/v1/{object}?select=version,deletion_id&deleted=include");
            texts.push(scene.ada.get(&all).await.expect_status(200).text().to_owned());
        }
        texts
    };
    let (restore, purge) = (format!("{path}/restore"), format!("{path}/purge"));
    for (n, (method, target, prefer, status)) in [
        (Method::DELETE, &path, whole, 200),
        (Method::POST, &restore, whole, 200),
        (Method::DELETE, &path, "return=minimal", 204),
        (Method::POST, &restore, "return=minimal", 204),
        (Method::DELETE, &path, "return=minimal", 204),
        (Method::POST, &purge, whole, 200),
    ]
    .into_iter()
    .enumerate()
    {
        let ask = || {
            let ask = scene.ada.ask(method.clone(), target).header("prefer", prefer);
            ask.header("idempotency-key", format!("key-{n}"))
        };
        let first = ask().await;
        let what = format!("{n}: {method} {target}: {}", first.text());
        assert_eq!((first.status(), is_replayed(&first)), (status, false), "{what}");
        let done = records().await;
        for _ in 0..2 {
            let again = ask().await;
            assert_eq!(
                (seen(&again), is_replayed(&again)),
                (seen(&first), true),
                "{what}"
            );
        }
        assert_eq!(records().await, done, "{what}");
    }
    assert_eq!(scene.kept("count(*)").await, "6");
    // What is refused is no answer to be kept.
    for status in [404, 404] {
        let gone = scene
            .ada
            .ask(Method::POST, &restore)
            .header("idempotency-key", "gone");
        gone.await.expect_status(status);
    }
    assert_eq!(scene.kept("count(*)").await, "6");
}
