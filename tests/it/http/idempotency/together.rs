//! The same request at once, across failures, and what it costs.

use axum::http::Method;
use serde_json::json;
use tests::database::one_connection;

use super::{Scene, is_replayed, seen};

#[tokio::test]
async fn of_many_at_once_one_is_done() {
    let scene = Scene::set().await;
    for round in 0..5 {
        let key = format!("\"{round}\"");
        let asks = (0..8).map(|_| scene.tag(&key, &format!("n{round}")).into_future());
        let answers = futures_util::future::join_all(asks).await;
        let done: Vec<_> = answers.iter().filter(|answer| answer.status() == 201).collect();
        assert_eq!(
            done.iter().filter(|answer| !is_replayed(answer)).count(),
            1,
            "round {round}"
        );
        for answer in &answers {
            if answer.status() == 201 {
                assert_eq!(seen(answer), seen(done[0]));
            } else {
                assert_eq!(
                    (answer.status(), answer.code()),
                    (409, "idempotency_key_in_use".to_owned())
                );
                assert_eq!(answer.header("retry-after"), Some("1"));
            }
        }
    }
    assert_eq!(scene.names("tags").await, ["n0", "n1", "n2", "n3", "n4"]);
}

/// The first is held up by a lock; the second hears so at once, and when the first is through, it is told its answer.
#[tokio::test]
async fn who_comes_while_it_is_done_is_told_to_wait() {
    let scene = Scene::set().await;
    scene
        .ada
        .post("/rest/v1/companies", &json!({ "name": "a" }))
        .await
        .expect_status(201);
    let schema = &scene.acme.tenant.schema;
    let holder = scene.app.db().as_owner().await;
    let hold = format!("begin; update {schema}.companies set name = 'held'");
    holder.batch_execute(&hold).await.expect("held");
    let pid: i32 = holder
        .query_one("select pg_backend_pid()", &[])
        .await
        .expect("a row")
        .get(0);
    let change = || {
        let change = scene
            .ada
            .patch("/rest/v1/companies?id=not.is.null", &json!({ "name": "b" }));
        change
            .header("idempotency-key", "k")
            .header("prefer", "return=representation")
    };
    let first = tokio::spawn(change().into_future());
    let watcher = scene.app.db().as_superuser().await;
    let blocked =
        "select exists (select from pg_stat_activity a where $1::integer = any (pg_blocking_pids(a.pid)))";
    while !watcher
        .query_one(blocked, &[&pid])
        .await
        .expect("a row")
        .get::<_, bool>(0)
    {}
    let second = change().await.expect_status(409);
    assert_eq!(second.code(), "idempotency_key_in_use");
    holder.batch_execute("commit").await.expect("let go");
    let first = first.await.expect("no panic").expect_status(200);
    let again = change().await;
    assert_eq!((seen(&again), is_replayed(&again)), (seen(&first), true));
}

#[tokio::test]
async fn a_key_costs_no_flight_and_its_answer_two() {
    let scene = Scene::set().await;
    let proxy = scene.app.db().proxy().await;
    let through = scene.app.db().server_config_through(&proxy);
    let app = scene.app.beside_with(|settings| {
        settings.tenants = one_connection();
        settings.database = through;
    });
    let ada = scene.ada.through(&app.await);
    ada.get("/rest/v1/tags").await.expect_status(200);
    let ask = |name: &str| {
        let ask = ada
            .ask(Method::POST, "/rest/v1/tags")
            .json(&json!({ "name": name }));
        ask.header("idempotency-key", name)
    };
    for (name, flights) in [("a", 1), ("b", 1), ("c", 1), ("c", 2), ("d", 1), ("a", 2)] {
        proxy.reset();
        ask(name).await.expect_status(201);
        assert_eq!(proxy.tally().flights, flights, "{name}");
    }
}
