//! Exports that do not come to their end, and what is left of them: nothing.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;

use super::{EXPORTING, NDJSON, Scene};

/// So many rows do not fit into what lies between PostgreSQL and a client that reads nothing.
const MANY: u32 = 50_000;

/// Notes of half a kilobyte.
const LONG: &str = "repeat('x', 500)";

async fn first_piece(body: &mut Body) -> usize {
    let frame = body.frame().await.expect("there is more").expect("no error");
    frame.into_data().expect("data").len()
}

#[tokio::test]
async fn a_client_that_goes_takes_its_export_with_it() {
    let scene = Scene::set().await;
    scene.notes(&scene.acme, MANY, LONG).await;
    for _ in 0..3 {
        let mut body = scene.export(NDJSON, "notes").await.into_body();
        for _ in 0..3 {
            assert!(first_piece(&mut body).await >= 64 * 1024);
        }
        assert_eq!(scene.transactions().await, 1);
        drop(body);
        scene.leaves_nothing().await;
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_given_up() {
    let scene = Scene::with(|settings| settings.tenants.exports.stall = Duration::from_millis(50)).await;
    scene.notes(&scene.acme, MANY, LONG).await;
    let body = scene.export(NDJSON, "notes").await.into_body();
    scene.leaves_nothing().await;
    let broken = body.collect().await.expect_err("it does not look whole");
    assert!(broken.to_string().contains("broke off"), "{broken}");
}

#[tokio::test]
async fn an_export_ends_when_it_has_lasted_too_long() {
    let scene = Scene::with(|settings| settings.tenants.exports.duration = Duration::from_millis(100)).await;
    scene.notes(&scene.acme, MANY, LONG).await;
    let mut body = scene.export(NDJSON, "notes").await.into_body();
    first_piece(&mut body).await;
    scene.app.tenants().exports().ended().await;
    body.collect().await.expect_err("it does not look whole");
    assert_eq!(scene.transactions().await, 0);
}

#[tokio::test]
async fn what_goes_wrong_in_the_middle_breaks_the_transfer() {
    let scene = Scene::set().await;
    scene
        .notes(
            &scene.acme,
            MANY,
            "case when n = 40000 then 'none' else n::text end",
        )
        .await;
    let mut body = scene
        .export(NDJSON, "notes?select=content::integer")
        .await
        .into_body();
    first_piece(&mut body).await;
    body.collect().await.expect_err("a value is no number");
    scene.leaves_nothing().await;

    let mut body = scene.export(NDJSON, "notes").await.into_body();
    first_piece(&mut body).await;
    let ended = format!("select count(pg_terminate_backend(pid)) {EXPORTING}");
    let superuser = scene.app.db().as_superuser().await;
    let ended: i64 = superuser.query_one(&ended, &[]).await.expect("ended").get(0);
    assert_eq!(ended, 1);
    body.collect().await.expect_err("the connection is gone");
    scene.leaves_nothing().await;
}

#[tokio::test]
async fn postgresql_may_not_take_too_long_either() {
    let scene = Scene::with(|settings| settings.tenants.exports.fetch = Duration::from_millis(100)).await;
    scene.notes(&scene.acme, 1500, LONG).await;
    // A lock that another holds is waited for, until the fetch has taken too long.
    let schema = &scene.acme.tenant.schema;
    let owner = scene.app.db().as_owner().await;
    let lock = format!("begin; lock table {schema}.notes in access exclusive mode");
    owner.batch_execute(&lock).await.expect("locked");
    let refused = scene.ada.get("/rest/v1/notes").header("accept", NDJSON).await;
    assert_eq!(refused.expect_status(503).header("retry-after"), Some("1"));
    owner.batch_execute("rollback").await.expect("let go");
    scene.leaves_nothing().await;
}

#[tokio::test]
async fn there_are_only_so_many_at_once() {
    let scene = Scene::with(|settings| {
        settings.tenants.exports.at_once = 2;
        settings.tenants.exports.of_one_tenant = 1;
    })
    .await;
    let others = [
        scene.app.tenant("globex").await,
        scene.app.tenant("initech").await,
    ];
    for tenant in others.iter().chain([&scene.acme]) {
        scene.notes(tenant, MANY, LONG).await;
    }
    let held = scene.export(NDJSON, "notes").await;
    let second = scene.ada.get("/rest/v1/notes").header("accept", NDJSON).await;
    assert_eq!(second.header("retry-after"), Some("5"));
    assert_eq!(second.expect_status(429).code(), "too_many_exports");

    let [globex, initech] = others;
    let key = globex.key(&["*:*"]).await;
    let also_held = key.get("/rest/v1/notes").header("accept", NDJSON).respond().await;
    assert_eq!(also_held.status(), 200);
    let key = initech.key(&["*:*"]).await;
    let third = key.get("/rest/v1/notes").header("accept", NDJSON).await;
    assert_eq!(third.expect_status(503).header("retry-after"), Some("1"));

    // Lists have connections of their own.
    key.get("/rest/v1/notes?limit=1").await.expect_status(200);
    drop((held, also_held));
    scene.leaves_nothing().await;
}
