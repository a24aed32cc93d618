//! `Idempotency-Key` over HTTP: what is sent twice is done once.

mod bin;
mod refusals;
mod together;

use axum::http::Method;
use catalog::memberships::MemberRole::Admin;
use serde_json::{Value, json};
use tests::TestApp;
use tests::app::{Answer, Ask};

use super::scene::Scene;

impl Scene {
    /// Adds a tag of this name under a key.
    fn tag(&self, key: &str, name: &str) -> Ask {
        self.ada
            .post("/rest/v1/tags", &json!({ "name": name }))
            .header("idempotency-key", key)
    }

    async fn names(&self, object: &str) -> Vec<String> {
        let list = self
            .ada
            .get(&format!("/rest/v1/{object}?select=name&order=name"))
            .await;
        let list = list.expect_status(200).json();
        let list = list.as_array().expect("a list").iter();
        list.map(|row| row["name"].as_str().expect("a name").to_owned())
            .collect()
    }

    /// What an SQL expression says of the tenant's kept answers.
    async fn kept(&self, expression: &str) -> String {
        let sql = format!(
            "select ({expression})::text from {}._idempotency_keys",
            self.acme.tenant.schema
        );
        let owner = self.app.db().as_owner().await;
        owner.query_one(&sql, &[]).await.expect("a row").get(0)
    }

    async fn change_kept(&self, sql: &str) {
        let schema = &self.acme.tenant.schema;
        let sql = format!("set search_path = {schema}; {sql}");
        self.app
            .db()
            .as_owner()
            .await
            .batch_execute(&sql)
            .await
            .expect("changed");
    }
}

/// All that a client can see of an answer, and whether it was given before.
fn seen(answer: &Answer) -> (u16, Vec<Option<String>>, String) {
    let names = [
        "content-type",
        "content-range",
        "location",
        "preference-applied",
        "etag",
    ];
    let headers = names.iter().map(|name| answer.header(name).map(str::to_owned));
    (answer.status(), headers.collect(), answer.text().to_owned())
}

fn is_replayed(answer: &Answer) -> bool {
    answer.header("idempotent-replayed") == Some("true")
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn what_is_sent_twice_is_done_once_and_answered_alike() {
    let scene = Scene::set().await;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let one = format!("/rest/v1/companies/{id}");
    let put = json!({ "id": id, "name": "Put" });
    let many = json!([{ "name": "a" }, { "name": "b" }]);
    let all = "/rest/v1/companies?name=not.is.null";
    let whole = "return=representation";
    let cases: [(Method, &str, Value, &str, u16); 15] = [
        (
            Method::POST,
            "/rest/v1/companies",
            json!({ "name": "c" }),
            "",
            201,
        ),
        (
            Method::POST,
            "/rest/v1/companies",
            json!({ "name": "c" }),
            "return=minimal",
            201,
        ),
        (
            Method::POST,
            "/rest/v1/companies",
            json!({ "name": "c" }),
            "return=headers-only",
            201,
        ),
        (
            Method::POST,
            "/rest/v1/companies?select=id,name,version",
            json!({ "name": "c" }),
            whole,
            201,
        ),
        (
            Method::POST,
            "/rest/v1/companies",
            many.clone(),
            "return=representation, count=exact",
            201,
        ),
        (Method::POST, "/rest/v1/companies", json!([]), whole, 201),
        (Method::PUT, &one, put.clone(), whole, 201),
        (Method::PUT, &one, put.clone(), "", 204),
        (
            Method::POST,
            "/rest/v1/companies",
            put.clone(),
            "resolution=merge-duplicates, return=representation",
            200,
        ),
        (
            Method::POST,
            "/rest/v1/companies",
            put,
            "resolution=ignore-duplicates, return=representation",
            201,
        ),
        (Method::PATCH, &one, json!({ "name": "d" }), whole, 200),
        (Method::PATCH, &one, json!({ "name": "e" }), "", 204),
        (
            Method::PATCH,
            all,
            json!({ "domain": "x.example" }),
            "return=representation, count=exact",
            200,
        ),
        (Method::DELETE, &one, Value::Null, "", 204),
        (Method::DELETE, all, Value::Null, whole, 200),
    ];
    for (n, (method, target, body, prefer, status)) in cases.into_iter().enumerate() {
        let ask = || {
            let ask = scene
                .ada
                .ask(method.clone(), target)
                .header("idempotency-key", format!("\"case {n}\""));
            let ask = if body.is_null() { ask } else { ask.json(&body) };
            if prefer.is_empty() {
                ask
            } else {
                ask.header("prefer", prefer)
            }
        };
        let what = format!("{} {prefer}", ask().describe());
        let first = ask().await;
        assert_eq!(
            (first.status(), is_replayed(&first)),
            (status, false),
            "{what}: {}",
            first.text()
        );
        let count = async || {
            scene
                .ada
                .get("/rest/v1/companies?select=count(),version.max()&deleted_at=is.null")
                .await
        };
        let before = count().await.text().to_owned();
        for _ in 0..2 {
            let again = ask().await;
            assert_eq!(
                (seen(&again), is_replayed(&again)),
                (seen(&first), true),
                "{what}"
            );
        }
        assert_eq!(count().await.text(), before, "{what}");
    }
    assert_eq!(scene.kept("count(*)").await, "15");
}

#[tokio::test]
async fn an_answer_outlives_the_server_that_gave_it() {
    let scene = Scene::set().await;
    let first = scene
        .tag("k", "late")
        .header("prefer", "return=representation")
        .await;
    let first = first.expect_status(201);
    // Another instance knows nothing but what is in the database.
    let beside = scene.app.beside().await;
    let again = scene
        .ada
        .through(&beside)
        .post("/rest/v1/tags", &json!({ "name": "late" }));
    let again = again
        .header("idempotency-key", "\"k\"")
        .header("prefer", "return=representation")
        .await;
    assert_eq!((seen(&again), is_replayed(&again)), (seen(&first), true));
    // It is the answer of then, whatever has become of the record.
    let id = first.json()[0]["id"].clone();
    let path = format!("/rest/v1/tags/{}", id.as_str().expect("an id"));
    scene.ada.delete(&path).await.expect_status(204);
    let again = scene
        .tag("k", "late")
        .header("prefer", "return=representation")
        .await;
    assert_eq!(seen(&again), seen(&first));
    assert_eq!(scene.names("tags").await, [""; 0]);
}

#[tokio::test]
async fn a_key_is_its_callers_and_its_tenants() {
    let scene = Scene::set().await;
    scene.tag("k", "a").await.expect_status(201);
    let bob = scene.acme.member("bob", Admin).await;
    let globex = scene.app.tenant("globex").await;
    let gus = globex.member("gus", Admin).await;
    let (one, two) = (
        scene.acme.key(&["tags:*"]).await,
        scene.acme.key(&["tags:*"]).await,
    );
    let clients = [bob.client(), gus.client(), one.client(), two.client()];
    for (n, client) in clients.iter().enumerate() {
        let name = format!("of {n}");
        let ask = || {
            client
                .post("/rest/v1/tags", &json!({ "name": name }))
                .header("idempotency-key", "k")
        };
        let first = ask().await.expect_status(201);
        assert!(!is_replayed(&first), "{n}");
        assert!(is_replayed(&ask().await.expect_status(201)), "{n}");
    }
    assert_eq!(scene.names("tags").await, ["a", "of 0", "of 2", "of 3"]);
    // The person is the caller, not the session.
    let again = scene
        .acme
        .sign_in(&scene.ada.user.email.to_string(), tests::app::PASSWORD)
        .await;
    let token = again.expect_status(200).field("access_token");
    let ask = scene
        .acme
        .nobody()
        .bearer(&token)
        .post("/rest/v1/tags", &json!({ "name": "a" }));
    assert!(is_replayed(
        &ask.header("idempotency-key", "k").await.expect_status(201)
    ));
}

#[tokio::test]
async fn rights_count_when_it_is_sent_again() {
    let scene = Scene::set().await;
    let ben = scene
        .acme
        .member("ben", catalog::memberships::MemberRole::Member)
        .await;
    let ask = || {
        ben.post("/rest/v1/tags", &json!({ "name": "a" }))
            .header("idempotency-key", "k")
    };
    ask().await.expect_status(201);
    scene.acme.dismiss(ben.membership.id).await;
    ask().await.expect_status(404);
}

#[tokio::test]
async fn functions_that_write_are_called_once() {
    let db = tests::TestDb::workshop().await;
    let scene = Scene::on(TestApp::on(std::sync::Arc::new(db), |_| {}).await).await;
    scene
        .ada
        .post("/rest/v1/customers", &json!({ "name": "Ann" }))
        .await
        .expect_status(201);
    let call = |function: &str, body: Value| {
        let call = scene.ada.post(&format!("/rest/v1/rpc/{function}"), &body);
        call.header("idempotency-key", format!("of-{function}"))
    };
    let first = call("place_order", json!({ "customer": 1 }))
        .await
        .expect_status(200);
    let again = call("place_order", json!({ "customer": 1 })).await;
    assert_eq!((seen(&again), is_replayed(&again)), (seen(&first), true));
    let orders = scene.ada.get("/rest/v1/orders?select=id").await.json();
    assert_eq!(orders.as_array().expect("a list").len(), 1);
    let first = call("touch", json!({})).await.expect_status(204);
    assert_eq!(seen(&call("touch", json!({})).await), seen(&first));
    // One that only reads is read again: nothing is kept, so that it needs no right to write.
    for _ in 0..2 {
        let read = call("first_order", json!({})).await.expect_status(200);
        assert!(!is_replayed(&read));
    }
    assert_eq!(scene.kept("count(*)").await, "2");
}
