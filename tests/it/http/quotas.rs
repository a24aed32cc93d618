//! What a tenant may take: refused beyond it, told what it was, and nobody else the worse for it.

use std::future::IntoFuture as _;
use std::time::Duration;

use catalog::changes::Change;
use catalog::limits::{Limit, Limits};
use catalog::memberships::MemberRole::Admin;
use catalog::plans::{self, Assignment};
use serde_json::{Value, json};
use tests::app::AppTenant;
use tokio_postgres::Client;

use super::scene::Scene;

impl Scene {
    /// Gives a tenant exceptions of its own, and waits until the server has heard of them.
    async fn limit(&self, tenant: &AppTenant, numbers: &[(Limit, i64)]) {
        let mut exceptions = Limits::default();
        for (limit, number) in numbers {
            exceptions.set(*limit, Some(*number));
        }
        let assignment = Assignment {
            plan: None,
            exceptions,
        };
        let (db, news) = (self.app.db(), self.app.news());
        let mut tx = db.catalog().begin().await.expect("a transaction");
        plans::assign(&mut tx, tenant.organization(), &assignment, db.source().now())
            .await
            .expect("limits");
        tx.commit().await.expect("committed");
        news.tell(Change::Organization(tenant.organization())).await;
    }

    /// Makes a plan, and waits until the server has heard of it.
    async fn plan(&self, name: &str, limit: Limit, number: Option<i64>) {
        let mut limits = Limits::default();
        limits.set(limit, number);
        let (db, news) = (self.app.db(), self.app.news());
        let mut tx = db.catalog().begin().await.expect("a transaction");
        plans::set(&mut tx, name, &limits, db.source().now())
            .await
            .expect("a plan");
        tx.commit().await.expect("committed");
        news.tell(Change::Anything).await;
    }

    /// Measures all tenants; where one has passed a limit, waits until the server has heard of it.
    async fn measure(&self, passed: Option<&AppTenant>) {
        let (db, news) = (self.app.db(), self.app.news());
        let mut tx = db.catalog().begin().await.expect("a transaction");
        plans::measure(&mut tx, db.source().now())
            .await
            .expect("measured");
        tx.commit().await.expect("committed");
        if let Some(tenant) = passed {
            news.tell(Change::Organization(tenant.organization())).await;
        }
    }

    /// Keeps everybody from reading a tenant's notes, for as long as the connection is not told otherwise.
    async fn lock(&self, tenant: &AppTenant) -> Client {
        let owner = self.app.db().as_owner().await;
        let schema = &tenant.tenant.schema;
        let lock = format!("begin; lock table {schema}.notes in access exclusive mode");
        owner.batch_execute(&lock).await.expect("locked");
        owner
    }

    /// Asks until so many statements on this database wait for a lock.
    async fn until_waiting(&self, count: i64) {
        let watcher = self.app.db().as_superuser().await;
        let waiting = "select count(*) from pg_locks l join pg_database d on d.oid = l.database \
                       where not l.granted and d.datname = current_database()";
        loop {
            let row = watcher.query_one(waiting, &[]).await.expect("an answer");
            if row.get::<_, i64>(0) == count {
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_tenant_has_so_many_requests_in_flight_and_others_have_theirs() {
    let scene = Scene::with(|settings| {
        settings.tenants.statement_timeout = Duration::from_mins(10);
        settings.tenants.lock_timeout = Duration::from_mins(10);
        settings.server.request_deadline = Duration::from_mins(20);
    })
    .await;
    let globex = scene.app.tenant("globex").await;
    let gita = globex.member("gita", Admin).await;
    scene.limit(&scene.acme, &[(Limit::InFlight, 2)]).await;
    let lock = scene.lock(&scene.acme).await;
    let held: Vec<_> = (0..2)
        .map(|_| tokio::spawn(scene.ada.get("/rest/v1/notes").into_future()))
        .collect();
    scene.until_waiting(2).await;

    let refused = scene.ada.get("/rest/v1/tags").await.expect_status(429);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.code(), "too_many_in_flight");
    let message = refused.field("message");
    assert_eq!(
        message,
        "This organization may have 2 requests in flight at once, and has them"
    );
    // Strangers are told nothing of it, and take no part of it.
    scene.acme.nobody().get("/rest/v1/tags").await.expect_status(401);
    gita.get("/rest/v1/notes").await.expect_status(200);

    lock.batch_execute("rollback").await.expect("let go");
    for answer in held {
        answer.await.expect("it ends").expect_status(200);
    }
    scene.ada.get("/rest/v1/tags").await.expect_status(200);
}

#[tokio::test]
async fn a_request_that_is_given_up_gives_its_part_back() {
    let scene = Scene::set().await;
    scene.limit(&scene.acme, &[(Limit::InFlight, 1)]).await;
    let lock = scene.lock(&scene.acme).await;
    let waiting = tokio::spawn(scene.ada.get("/rest/v1/notes").into_future());
    scene.until_waiting(1).await;
    scene.ada.get("/rest/v1/tags").await.expect_status(429);
    waiting.abort();
    waiting.await.expect_err("given up");
    scene.ada.get("/rest/v1/tags").await.expect_status(200);
    drop(lock);
}

#[tokio::test]
async fn a_server_has_a_limit_for_tenants_without_one() {
    let scene = Scene::with(|settings| settings.server.tenant_concurrency = 1).await;
    let lock = scene.lock(&scene.acme).await;
    let waiting = tokio::spawn(scene.ada.get("/rest/v1/notes").into_future());
    scene.until_waiting(1).await;
    let refused = scene.ada.get("/rest/v1/tags").await.expect_status(429);
    assert_eq!(refused.code(), "too_many_in_flight");
    lock.batch_execute("rollback").await.expect("let go");
    waiting.await.expect("it ends").expect_status(200);
}

#[tokio::test]
async fn a_statement_runs_for_so_long() {
    let scene = Scene::set().await;
    let globex = scene.app.tenant("globex").await;
    let gita = globex.member("gita", Admin).await;
    scene.limit(&scene.acme, &[(Limit::StatementTimeout, 40)]).await;
    let locks = [scene.lock(&scene.acme).await, scene.lock(&globex).await];
    let refused = scene.ada.get("/rest/v1/notes").await.expect_status(503);
    assert_eq!(refused.code(), "57014");
    let patient = tokio::spawn(gita.get("/rest/v1/notes").into_future());
    scene.until_waiting(1).await;
    for lock in locks {
        lock.batch_execute("rollback").await.expect("let go");
    }
    patient.await.expect("it ends").expect_status(200);
    // What is fast enough notices nothing.
    scene.ada.get("/rest/v1/notes").await.expect_status(200);
    let note = json!({ "content": "x" });
    scene.ada.post("/rest/v1/notes", &note).await.expect_status(201);
}

#[tokio::test]
async fn a_page_and_an_insert_have_so_many_records() {
    let scene = Scene::set().await;
    scene.limit(&scene.acme, &[(Limit::Rows, 3)]).await;
    let tag = |n: i32| json!({ "name": format!("t{n}") });
    let four: Vec<Value> = (0..4).map(tag).collect();
    scene
        .ada
        .post("/rest/v1/tags", &json!(four))
        .await
        .expect_status(413);
    for tags in [&four[..3], &four[3..]] {
        scene
            .ada
            .post("/rest/v1/tags", &json!(tags))
            .await
            .expect_status(201);
    }
    for page in ["/rest/v1/tags", "/rest/v1/tags?limit=100"] {
        let rows = scene.ada.get(page).await.expect_status(200).json();
        assert_eq!(rows.as_array().map(Vec::len), Some(3), "{page}");
    }
}

#[tokio::test]
async fn a_full_tenant_reads_and_deletes_and_adds_nothing() {
    let scene = Scene::set().await;
    let tag = json!({ "name": "press" });
    let location = scene.ada.post("/rest/v1/tags", &tag).await;
    let location = location
        .expect_status(201)
        .header("location")
        .expect("a place")
        .to_owned();
    // Not measured yet: no limit can be passed.
    scene
        .limit(
            &scene.acme,
            &[(Limit::StorageSoft, 1), (Limit::StorageHard, 1 << 40)],
        )
        .await;
    let answer = scene.ada.get("/rest/v1/tags").await.expect_status(200);
    assert_eq!(answer.header("tenantry-storage"), None);

    scene.measure(Some(&scene.acme)).await;
    let answer = scene
        .ada
        .patch(&location, &json!({ "name": "lathe" }))
        .await
        .expect_status(204);
    let said = answer
        .header("tenantry-storage")
        .expect("beyond the soft limit")
        .to_owned();
    assert!(
        said.starts_with("used=") && said.ends_with(", soft=1, hard=1099511627776"),
        "{said}"
    );

    scene.limit(&scene.acme, &[(Limit::StorageHard, 1)]).await;
    for ask in [
        scene.ada.post("/rest/v1/tags", &tag),
        scene.ada.patch(&location, &json!({ "name": "press" })),
    ] {
        let refused = ask.await.expect_status(403);
        assert_eq!(refused.code(), "storage_full");
        assert!(
            refused.field("message").ends_with(" of 1 bytes"),
            "{}",
            refused.text()
        );
        assert!(refused.header("tenantry-storage").is_some());
    }
    let rows = scene
        .ada
        .get("/rest/v1/tags?select=name")
        .await
        .expect_status(200);
    assert_eq!(rows.json(), json!([{ "name": "lathe" }]));
    scene.ada.delete(&location).await.expect_status(204);

    scene.limit(&scene.acme, &[]).await;
    scene.ada.post("/rest/v1/tags", &tag).await.expect_status(201);
}

#[tokio::test]
async fn the_plan_of_all_is_heard_of_and_exceptions_stay() {
    let scene = Scene::set().await;
    let globex = scene.app.tenant("globex").await;
    let gita = globex.member("gita", Admin).await;
    let tags: Vec<Value> = (0..4).map(|n| json!({ "name": format!("t{n}") })).collect();
    for who in [&scene.ada, &gita] {
        who.post("/rest/v1/tags", &json!(tags)).await.expect_status(201);
    }
    let count = async |who: &tests::app::Person| {
        let rows = who.get("/rest/v1/tags").await.expect_status(200).json();
        rows.as_array().map_or(0, Vec::len)
    };
    assert_eq!((count(&scene.ada).await, count(&gita).await), (4, 4));
    scene.plan("default", Limit::Rows, Some(2)).await;
    assert_eq!((count(&scene.ada).await, count(&gita).await), (2, 2));
    // 0 is no limit.
    scene.limit(&globex, &[(Limit::Rows, 0)]).await;
    assert_eq!((count(&scene.ada).await, count(&gita).await), (2, 4));
    scene.plan("default", Limit::Rows, None).await;
    assert_eq!((count(&scene.ada).await, count(&gita).await), (4, 4));
}
