//! `If-Match` and `If-None-Match` over HTTP, on the template that ships.

mod bin;
mod merging;
mod refusals;
mod writing;

use axum::http::Method;
use serde_json::{Value, json};
use tests::app::{Answer, Ask};

use super::scene::Scene;

impl Scene {
    /// A new record, and its path.
    async fn added(&self, object: &str, body: &Value) -> String {
        let made = self.ada.post(&format!("/rest/v1/{object}"), body);
        let made = made.header("prefer", "return=representation").await;
        let made = made.expect_status(201);
        assert_eq!(made.header("etag"), Some("\"1\""), "of the new record");
        let id = made.json()[0]["id"].clone();
        format!("/rest/v1/{object}/{}", id.as_str().expect("an id"))
    }

    async fn company(&self) -> String {
        self.added("companies", &json!({ "name": "Acme" })).await
    }

    /// A change of the record, given its state.
    fn change(&self, path: &str, if_match: &str, body: &Value) -> Ask {
        self.ada.patch(path, body).header("if-match", if_match)
    }
}

/// What an answer says of the record's state: status, code, tag, details.
fn state(answer: &Answer) -> (u16, String, Option<String>, String) {
    let tag = answer.header("etag").map(str::to_owned);
    let problem = answer.status() >= 400;
    let field = |name| {
        if problem {
            answer.field(name)
        } else {
            String::new()
        }
    };
    (answer.status(), field("code"), tag, field("details"))
}

fn failed(version: u32) -> (u16, String, Option<String>, String) {
    (
        412,
        "precondition_failed".to_owned(),
        Some(format!("\"{version}\"")),
        format!("The current version is {version}"),
    )
}

#[tokio::test]
async fn a_read_is_answered_once_for_each_state() {
    let scene = Scene::set().await;
    let path = scene.company().await;
    let first = scene.ada.get(&path).await.expect_status(200);
    assert_eq!(first.header("etag"), Some("\"1\""));
    assert_eq!(first.header("vary"), Some("Accept, Prefer"));
    for known in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "*"] {
        for method in [Method::GET, Method::HEAD] {
            let again = scene.ada.ask(method, &path).header("if-none-match", known).await;
            let again = again.expect_status(304);
            assert_eq!(
                (again.text(), again.header("etag")),
                ("", Some("\"1\"")),
                "{known}"
            );
            assert_eq!(again.header("vary"), Some("Accept, Prefer"));
            assert_eq!(again.header("content-type"), None);
        }
    }
    // Two lines of a header are one list.
    let lines = scene.ada.get(&path).header("if-none-match", "\"0\"");
    lines.header("if-none-match", "\"1\"").await.expect_status(304);
    scene
        .change(&path, "\"1\"", &json!({ "name": "B" }))
        .await
        .expect_status(204);
    let changed = scene.ada.get(&path).header("if-none-match", "\"1\"").await;
    assert_eq!((changed.status(), changed.header("etag")), (200, Some("\"2\"")));
    let outdated = scene.ada.get(&path).header("if-match", "\"1\"").await;
    assert_eq!(state(&outdated), failed(2));
    scene
        .ada
        .get(&path)
        .header("if-match", "\"2\"")
        .await
        .expect_status(200);
    // Nothing is there: conditions do not count.
    let nothing = path.replace(char::is_numeric, "0");
    for header in ["if-match", "if-none-match"] {
        for value in ["*", "\"1\""] {
            let missing = scene.ada.get(&nothing).header(header, value).await;
            assert_eq!(
                (missing.status(), missing.header("etag")),
                (404, None),
                "{header}: {value}"
            );
        }
    }
}

#[tokio::test]
async fn what_a_representation_depends_on_is_in_its_tag() {
    let scene = Scene::set().await;
    let company = scene.company().await;
    let id = company.rsplit('/').next().expect("an id");
    let contact = json!({ "first_name": "Ann", "company_id": id });
    let contact = scene.added("contacts", &contact).await;
    let tag = async |query: &str, name: &str, value: &str| {
        let ask = scene.ada.get(&format!("{contact}{query}")).header(name, value);
        let answer = ask.await.expect_status(200);
        answer.header("etag").expect("a tag").to_owned()
    };
    let plain = tag("", "accept", "application/json").await;
    assert_eq!(plain, "\"1\"");
    assert_eq!(
        tag("?select=first_name", "accept", "*/*").await,
        plain,
        "another resource"
    );
    let mut tags = vec![
        tag("", "accept", "text/csv").await,
        tag("", "accept", "application/vnd.pgrst.object+json;nulls=stripped").await,
        tag("", "prefer", "timezone=Asia/Tokyo").await,
        tag("?select=first_name,companies(name)", "accept", "*/*").await,
    ];
    for own in &tags {
        assert!(own.starts_with("\"1-") && own.len() == 20, "{own}");
    }
    let embedded = tags[3].clone();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4, "{tags:?}");

    // What is embedded changes by itself: the record has the same version, and the answer another tag.
    let query = format!("{contact}?select=first_name,companies(name)");
    let known = scene.ada.get(&query).header("if-none-match", &embedded).await;
    known.expect_status(304);
    scene
        .ada
        .patch(&company, &json!({ "name": "B" }))
        .await
        .expect_status(204);
    let known = scene.ada.get(&query).header("if-none-match", &embedded).await;
    let changed = known.expect_status(200).header("etag").expect("a tag").to_owned();
    assert_ne!(changed, embedded);
    // Whatever the form that it was read in, it names the state of the record.
    let change = json!({ "first_name": "Bea" });
    scene
        .change(&contact, &embedded, &change)
        .await
        .expect_status(204);
    assert_eq!(state(&scene.change(&contact, &changed, &change).await), failed(2));
}
