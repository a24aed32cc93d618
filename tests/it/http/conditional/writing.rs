//! Writes of one record, given its state.

use axum::http::Method;
use serde_json::json;
use tests::app::{Answer, Ask};
use tests::database::one_connection;

use super::{Scene, failed, state};

#[tokio::test]
async fn a_write_is_done_in_the_state_that_is_meant() {
    let scene = Scene::set().await;
    let path = scene.company().await;
    let change = |tag: &str| scene.change(&path, tag, &json!({ "name": "B" }));
    for (outdated, version) in [("\"2\"", 1), ("W/\"1\"", 1), ("\"x\", \"\"", 1), ("\"01\"", 1)] {
        assert_eq!(state(&change(outdated).await), failed(version), "{outdated}");
    }
    for (meant, version) in [("\"1\"", 2), ("\"7\", \"2\"", 3), ("*", 4)] {
        let changed = change(meant)
            .header("prefer", "return=representation")
            .await
            .expect_status(200);
        assert_eq!(changed.header("etag"), Some(format!("\"{version}\"").as_str()));
        assert_eq!(changed.json()["version"], version);
    }
    let unless = |value| {
        scene
            .ada
            .patch(&path, &json!({ "name": "C" }))
            .header("if-none-match", value)
    };
    assert_eq!(state(&unless("*").await), failed(4));
    assert_eq!(state(&unless("W/\"4\"").await), failed(4));
    unless("\"3\"").await.expect_status(204);
    // A change of nothing asks too.
    let nothing = json!({});
    assert_eq!(state(&scene.change(&path, "\"4\"", &nothing).await), failed(5));
    scene.change(&path, "\"5\"", &nothing).await.expect_status(204);

    let remove = |tag| scene.ada.delete(&path).header("if-match", tag);
    assert_eq!(state(&remove("\"4\"").await), failed(5));
    let undone = remove("\"5\"").header("prefer", "tx=rollback").await;
    undone.expect_status(204);
    remove("\"5\"").await.expect_status(204);
    // Nothing is there any more, and that is what counts.
    for tag in ["\"5\"", "\"6\"", "*"] {
        remove(tag).await.expect_status(404);
        change(tag).await.expect_status(404);
    }
}

#[tokio::test]
async fn a_put_adds_or_replaces_as_the_conditions_say() {
    let scene = Scene::set().await;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let path = format!("/rest/v1/companies/{id}");
    let put = |name: &str, header: &str, value: &str| {
        let body = json!({ "id": id, "name": name });
        scene
            .ada
            .ask(Method::PUT, &path)
            .json(&body)
            .header(header, value)
    };
    // Without a record there is no state to match.
    let details = "There is no record with this key, or one that this request cannot see";
    let missing = (412, "precondition_failed".to_owned(), None, details.to_owned());
    for tag in ["*", "\"1\""] {
        assert_eq!(state(&put("a", "if-match", tag).await), missing, "{tag}");
    }
    put("a", "if-none-match", "*").await.expect_status(201);
    assert_eq!(state(&put("b", "if-none-match", "*").await), failed(1));
    assert_eq!(state(&put("b", "if-match", "\"2\"").await), failed(1));
    assert_eq!(state(&put("b", "if-none-match", "\"1\"").await), failed(1));
    let silent = put("b", "if-match", "\"1\"").await;
    // RFC 9110, section 9.3.4: what is kept is not what was sent, so its tag is not of what the client has.
    assert_eq!((silent.status(), silent.header("etag")), (204, None));
    let shown = put("c", "if-match", "*")
        .header("prefer", "return=representation")
        .await;
    assert_eq!((shown.status(), shown.header("etag")), (200, Some("\"3\"")));
    put("d", "if-none-match", "\"1\"").await.expect_status(204);
    // A record that was removed has no state, and keeps its key.
    scene.ada.delete(&path).await.expect_status(204);
    for (header, tag) in [("if-match", "*"), ("if-match", "\"5\""), ("if-none-match", "*")] {
        assert_eq!(state(&put("e", header, tag).await), missing, "{header}: {tag}");
    }
    let other = format!("/rest/v1/companies/{}", id.replace('a', "b"));
    let body = json!({ "id": other.rsplit('/').next(), "name": "a" });
    let new = scene
        .ada
        .ask(Method::PUT, &other)
        .json(&body)
        .header("if-none-match", "\"1\"");
    new.await.expect_status(201);
}

#[tokio::test]
async fn of_many_changes_of_one_state_one_is_made() {
    let scene = Scene::set().await;
    let path = scene.company().await;
    for round in 1..=5 {
        let tag = format!("\"{round}\"");
        let asks = (0..8).map(|n| {
            scene
                .change(&path, &tag, &json!({ "name": format!("N{n}") }))
                .into_future()
        });
        let answers = futures_util::future::join_all(asks).await;
        let done = answers.iter().filter(|answer| answer.status() == 204).count();
        assert_eq!(done, 1, "round {round}");
        let others = answers.iter().filter(|answer| answer.status() != 204);
        for other in others {
            assert_eq!(state(other), failed(round + 1), "it waited, and looked again");
        }
    }
}

impl Scene {
    /// The answer to a request that waited for another transaction's change of all companies, and goes on when that is
    /// committed.
    pub(super) async fn overtaken(&self, ask: Ask, change: &str) -> Answer {
        let holder = self.app.db().as_owner().await;
        let schema = &self.acme.tenant.schema;
        let hold = format!("begin; update {schema}.companies set {change}");
        holder.batch_execute(&hold).await.expect("held");
        let waits = tokio::spawn(ask.into_future());
        let watcher = self.app.db().as_superuser().await;
        let blocked = "select exists (select from pg_stat_activity a where $1::integer = any (pg_blocking_pids(a.pid)))";
        let pid: i32 = holder
            .query_one("select pg_backend_pid()", &[])
            .await
            .expect("a row")
            .get(0);
        while !watcher
            .query_one(blocked, &[&pid])
            .await
            .expect("a row")
            .get::<_, bool>(0)
        {}
        holder.batch_execute("commit").await.expect("let go");
        waits.await.expect("no panic")
    }
}

/// The record changes while the statement waits for it: the condition holds when the statement begins and not when it
/// could write, and the version that is told is the new one.
#[tokio::test]
async fn a_change_that_waited_is_decided_by_what_it_finds_then() {
    let scene = Scene::set().await;
    let path = scene.company().await;
    for (verb, version) in [(Method::PATCH, 2), (Method::DELETE, 3), (Method::PUT, 4)] {
        let tag = format!("\"{}\"", version - 1);
        let id = path.rsplit('/').next().expect("an id");
        let body = json!({ "id": id, "name": "late" });
        let ask = scene.ada.ask(verb.clone(), &path);
        let ask = ask.header("if-match", &tag).json(&body);
        let change = format!("name = 'held {version}'");
        let answer = scene.overtaken(ask, &change).await;
        assert_eq!(state(&answer), failed(version), "{verb}");
    }
}

#[tokio::test]
async fn a_condition_costs_no_flight() {
    let scene = Scene::set().await;
    let proxy = scene.app.db().proxy().await;
    let through = scene.app.db().server_config_through(&proxy);
    let app = scene.app.beside_with(|settings| {
        settings.tenants = one_connection();
        settings.database = through;
    });
    let ada = scene.ada.through(&app.await);
    let path = scene.company().await;
    ada.get(&path).await.expect_status(200);
    let change = |tag: &str| ada.patch(&path, &json!({ "name": "B" })).header("if-match", tag);
    for (tag, status) in [("\"1\"", 204), ("\"1\"", 412), ("\"2\"", 204), ("\"3\"", 204)] {
        proxy.reset();
        change(tag).await.expect_status(status);
        assert_eq!(proxy.tally().flights, 1, "{tag}");
    }
}
