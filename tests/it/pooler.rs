//! Behind `PgBouncer` in transaction mode: what nobody may keep in a session, and what must work without it.
//!
//! The tests of `http` run through it as well where `TENANTRY_TEST_PGBOUNCER=1`; these always do, with so few sessions that
//! tenants must share them.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use catalog::fitness::{self, Unfit};
use catalog::memberships::MemberRole::Admin;
use futures_util::future::join_all;
use http_body_util::BodyExt as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tests::app::{AppSettings, AppTenant, Person};
use tests::cluster::Cluster;
use tests::{Pooler, TestApp, TestDb, cluster, config, pooler};
use tokio_postgres::{Client, SimpleQueryMessage};

/// Whether there is a `PgBouncer` to test with.
///
/// # Panics
/// When there is none, and it is required.
fn is_there(test: &str) -> bool {
    let is_there = pooler::is_installed();
    assert!(
        is_there || !config::requires_pgbouncer(),
        "there is no pgbouncer: Debian's package of that name has it"
    );
    if !is_there {
        // Past the capture of what passing tests print.
        let told = writeln!(std::io::stderr(), "{test}: not run, there is no pgbouncer");
        told.expect("standard error is open");
    }
    is_there
}

/// Two tenants on a server that has so few sessions of PostgreSQL's.
struct Scene {
    app: TestApp,
    tenants: [(AppTenant, Person); 2],
    pooler: Pooler,
}

impl Scene {
    async fn set(sessions: usize, set: impl FnOnce(&mut AppSettings)) -> Self {
        // Boxed, so that a test's own future stays small.
        Box::pin(Self::made(sessions, set)).await
    }

    async fn made(sessions: usize, set: impl FnOnce(&mut AppSettings)) -> Self {
        let pooler = Cluster::shared().await.own_pooler(sessions, "").await;
        let db = Arc::new(TestDb::new().await);
        let through = db.server_config_pooled_by(&pooler);
        let direct = db.server_config();
        let app = TestApp::on(db, |settings| {
            settings.database = through;
            settings.feed = Some(direct);
            set(settings);
        })
        .await;
        let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
        let (ada, gita) = (
            acme.member("ada", Admin).await,
            globex.member("gita", Admin).await,
        );
        let tenants = [(acme, ada), (globex, gita)];
        Self { app, tenants, pooler }
    }

    /// Another client of the pooler's.
    async fn somebody_else(&self) -> Client {
        cluster::connect(&self.app.db().server_url_through_port(self.pooler.port())).await
    }

    /// Each tenant has its own contacts, and nothing else.
    async fn is_right(&self, each: usize) {
        for (tenant, admin) in &self.tenants {
            let slug = tenant.tenant.slug.as_str();
            let rows = admin.get("/rest/v1/contacts?select=last_name").await;
            let rows = rows.expect_status(200).json();
            let rows = rows.as_array().expect("an array");
            assert_eq!(rows.len(), each, "{slug}");
            assert!(
                rows.iter().all(|row| row["last_name"] == slug),
                "{slug}: {rows:?}"
            );
        }
    }
}

fn contact(slug: &str, n: usize) -> Value {
    json!({ "first_name": format!("n{n}"), "last_name": slug })
}

/// What of the program's own would be left in a session.
const LEFT: &str = "\
    select concat_ws(' | ', current_user, current_setting('search_path'), current_setting('TimeZone'), \
                     current_setting('statement_timeout'), current_setting('lock_timeout'), \
                     current_setting('transaction_read_only'), \
                     coalesce(current_setting('tenantry.actor', true), ''), \
                     coalesce(current_setting('tenantry.organization', true), '')), \
           (select count(*) from pg_prepared_statements), \
           (select count(*) from pg_listening_channels()), \
           (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()), \
           (select count(*) from pg_cursors)";

/// The one row of a query by the simple protocol.
async fn row(client: &Client, sql: &str) -> Vec<String> {
    let messages = client.simple_query(sql).await.expect("an answer");
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(
            (0..row.len())
                .map(|n| row.get(n).unwrap_or("").to_owned())
                .collect(),
        ),
        _ => None,
    });
    row.expect("a row")
}

#[tokio::test]
async fn two_tenants_take_turns_in_one_session_and_leave_nothing_in_it() {
    if !is_there("two_tenants_take_turns_in_one_session") {
        return;
    }
    let scene = Scene::set(1, |_| {}).await;
    let before = row(&scene.app.db().as_server().await, LEFT).await;
    for round in 0..20 {
        let both = scene.tenants.iter().flat_map(|(tenant, admin)| {
            let slug = tenant.tenant.slug.as_str();
            [
                admin
                    .post("/rest/v1/contacts", &contact(slug, round))
                    .header("idempotency-key", format!("{slug}-{round}")),
                admin
                    .get("/rest/v1/contacts?select=last_name,created_at&limit=5")
                    .header("prefer", "timezone=Asia/Tokyo"),
                admin
                    .post("/rest/v1/contacts", &contact(slug, round))
                    .header("prefer", "tx=rollback"),
            ]
        });
        for answer in join_all(both.map(IntoFuture::into_future)).await {
            assert!([200, 201].contains(&answer.status()), "{}", answer.text());
        }
    }
    scene.is_right(20).await;

    // The pool has one session, so this is the one in which all of that was done.
    let after = row(&scene.somebody_else().await, LEFT).await;
    assert_eq!(after, before);
    assert_eq!(after[1..], ["0", "0", "0", "0"]);
}

#[tokio::test]
async fn an_export_holds_a_session_for_its_own_time_and_no_longer() {
    if !is_there("an_export_holds_a_session") {
        return;
    }
    let scene = Scene::set(2, |_| {}).await;
    let [(acme, ada), (globex, gita)] = &scene.tenants;
    let owner = scene.app.db().as_owner().await;
    let fill = format!(
        "insert into {}.notes (content) select 'acme ' || repeat('x', 500) from generate_series(1, 20000)",
        acme.tenant.schema
    );
    owner.batch_execute(&fill).await.expect("notes");
    let export = || {
        let ask = ada
            .get("/rest/v1/notes?select=content")
            .header("prefer", "timezone=Asia/Tokyo");
        ask.header("accept", "application/x-ndjson").respond()
    };
    let mut body = export().await.into_body();
    let first = body.frame().await.expect("there is more").expect("no error");
    assert!(
        first
            .into_data()
            .is_ok_and(|data| data.starts_with(b"{\"content\":\"acme"))
    );
    // In the other session, while the export is in the middle.
    for n in 0..10 {
        let added = gita.post("/rest/v1/contacts", &contact("globex", n)).await;
        assert_eq!(added.status(), 201, "{}", added.text());
        gita.get("/rest/v1/notes").await.expect_status(200);
    }
    let rest = body.collect().await.expect("a whole body").to_bytes();
    assert!(
        rest.split(|byte| *byte == b'\n')
            .all(|line| line.is_empty() || line.starts_with(b"{\"content\":\"acme"))
    );

    // One that nobody reads to its end gives its session back too.
    drop(export().await);
    scene.app.tenants().exports().ended().await;
    let contacts = gita.get("/rest/v1/contacts?select=id").await.json();
    assert_eq!(
        contacts.as_array().map(Vec::len),
        Some(10),
        "{}",
        globex.tenant.slug
    );
    let open = "select count(*) from pg_stat_activity where datname = current_database() \
                and application_name = 'tenantry export' and state = 'idle in transaction'";
    let watcher = scene.app.db().as_superuser().await;
    let open: i64 = watcher.query_one(open, &[]).await.expect("a count").get(0);
    assert_eq!(open, 0);
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_ends_and_its_session_is_free_again() {
    if !is_there("a_statement_that_nobody_waits_for_ends") {
        return;
    }
    // Longer than the test: what ends the statement is that nobody waits for it.
    let scene = Scene::set(1, |settings| {
        settings.tenants.statement_timeout = Duration::from_mins(10);
        settings.tenants.lock_timeout = Duration::from_mins(10);
    })
    .await;
    let [(acme, ada), (_, gita)] = &scene.tenants;
    let owner = scene.app.db().as_owner().await;
    let lock = format!(
        "begin; lock table {}.notes in access exclusive mode",
        acme.tenant.schema
    );
    owner.batch_execute(&lock).await.expect("locked");
    let waiting = tokio::spawn(ada.get("/rest/v1/notes").into_future());
    until_waiting(scene.app.db(), 1).await;
    waiting.abort();
    until_waiting(scene.app.db(), 0).await;
    gita.get("/rest/v1/notes").await.expect_status(200);
    owner.batch_execute("rollback").await.expect("let go");
    ada.get("/rest/v1/notes").await.expect_status(200);
}

/// Asks until so many statements on this database wait for a lock.
async fn until_waiting(t: &TestDb, count: i64) {
    let watcher = t.as_superuser().await;
    let waiting = "select count(*) from pg_locks l join pg_database d on d.oid = l.database \
                   where not l.granted and d.datname = current_database()";
    loop {
        let row = watcher.query_one(waiting, &[]).await.expect("an answer");
        if row.get::<_, i64>(0) == count {
            return;
        }
    }
}

#[tokio::test]
async fn statements_have_their_bounds_though_the_session_has_none() {
    if !is_there("statements_have_their_bounds") {
        return;
    }
    let scene = Scene::set(1, |settings| {
        settings.tenants.lock_timeout = Duration::from_millis(50);
    })
    .await;
    let [(acme, ada), _] = &scene.tenants;
    let owner = scene.app.db().as_owner().await;
    let lock = format!(
        "begin; lock table {}.notes in access exclusive mode",
        acme.tenant.schema
    );
    owner.batch_execute(&lock).await.expect("locked");
    let refused = ada.get("/rest/v1/notes").await.expect_status(503);
    assert_eq!(refused.code(), "55P03", "{}", refused.text());
}

#[tokio::test]
async fn with_a_way_past_the_pooler_changes_are_heard_and_without_one_nothing_is_cached() {
    if !is_there("with_a_way_past_the_pooler") {
        return;
    }
    let scene = Scene::set(1, |_| {}).await;
    let [(acme, _), _] = &scene.tenants;
    let key = acme.key(&["*:read"]).await;
    key.get("/rest/v1/notes").await.expect_status(200);
    acme.revoke(key.key.id).await;
    key.get("/rest/v1/notes").await.expect_status(401);

    let deaf = scene
        .app
        .beside_with(|settings| {
            settings.database = scene.app.db().server_config_pooled_by(&scene.pooler);
            settings.feed = None;
        })
        .await;
    let key = acme.key(&["*:read"]).await;
    let ask = || key.client().through(&deaf).get("/rest/v1/notes");
    ask().await.expect_status(200);
    let revoke = format!(
        "update catalog.api_keys set revoked_at = now() where id = '{}'",
        key.key.id
    );
    scene
        .app
        .db()
        .as_owner()
        .await
        .batch_execute(&revoke)
        .await
        .expect("revoked");
    ask().await.expect_status(401);
}

#[tokio::test]
async fn a_pooler_that_the_url_does_not_tell_of_is_found() {
    if !is_there("a_pooler_that_the_url_does_not_tell_of") {
        return;
    }
    let (t, cluster) = (TestDb::new().await, Cluster::shared().await);
    fitness::check_sessions(&t.server_config())
        .await
        .expect("PostgreSQL itself");
    for (setting, expected) in [("", "options"), ("ignore_startup_parameters = options", "")] {
        let pooler = cluster.own_pooler(1, setting).await;
        let through = t.server_url_through_port(pooler.port());
        let through = through.expose_secret().parse().expect("a URL");
        let unfit = fitness::check_sessions(&through).await.expect_err("it is found");
        assert!(matches!(unfit, Unfit::Pooler(_)), "{unfit}");
        assert!(unfit.to_string().contains(expected), "{unfit}");
        assert!(
            unfit.advice().contains("pooler=transaction"),
            "{}",
            unfit.advice()
        );
        fitness::check_sessions(&t.server_config_pooled_by(&pooler))
            .await
            .expect("told, it is no hindrance");
    }
}
