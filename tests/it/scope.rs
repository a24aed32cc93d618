//! The scope of a request: one tenant, for one transaction, whatever happens in it or to it.
//!
//! Most of it runs on a pool of *one* connection behind the proxy, so that every transaction inherits the session of
//! the one before, and the session itself can be asked what is left on it.

mod shutdown;
use std::panic::AssertUnwindSafe;

use catalog::email::EmailAddress;
use catalog::pg::pool::PoolSettings;
use catalog::tx::CatalogDb;
use catalog::users::{self, NewUser};
use futures_util::FutureExt as _;
use tenant_schema::records::{End, Form, Mode, Operation, Preferences, Prepared, RecordError, Target};
use tenant_schema::tenant_db::{TenantDb, TenantDbSettings};
use tests::database::one_connection;
use tests::{Proxy, Records, TestDb, TestTenant};
use tokio_postgres::Client;

/// Two tenants behind one connection.
struct Scene {
    proxy: Proxy,
    acme: Records,
    globex: Records,
    acme_tenant: TestTenant,
    t: TestDb,
}

impl Scene {
    async fn new() -> Self {
        Self::with(&one_connection()).await
    }

    async fn with(settings: &TenantDbSettings) -> Self {
        let t = TestDb::new().await;
        let (acme_tenant, globex_tenant) = (t.tenant("acme").await, t.tenant("globex").await);
        let proxy = t.proxy().await;
        let db = TenantDb::new(&t.server_config_through(&proxy), settings);
        let (acme, globex) = (acme_tenant.records(&t, &db), globex_tenant.records(&t, &db));
        acme.insert("companies", r#"{"name":"Acme's own"}"#)
            .await
            .expect("a company");
        globex
            .insert("companies", r#"{"name":"Globex's own"}"#)
            .await
            .expect("a company");
        Self {
            proxy,
            acme,
            globex,
            acme_tenant,
            t,
        }
    }

    /// The names of the companies each sees, and that one connection served it all.
    async fn all_is_well_on_the_same_connection(&self) {
        assert_eq!(names(&self.globex).await, r#"[{"name":"Globex's own"}]"#);
        assert_eq!(names(&self.acme).await, r#"[{"name":"Acme's own"}]"#);
        assert_eq!(self.proxy.tally().connections, 1);
        assert_eq!(self.session().await, FRESH);
    }

    /// Which server process serves the connection.
    async fn backend(&self) -> String {
        let asked = self.proxy.ask("select pg_backend_pid()").await;
        asked.value().to_owned()
    }

    async fn session(&self) -> String {
        self.proxy
            .ask(&format!("select {SESSION}"))
            .await
            .value()
            .to_owned()
    }
}

async fn names(records: &Records) -> String {
    records.list("companies", "select=name").await.expect("a list")
}

/// What a transaction may have left on its session. `set local` of a custom setting leaves it defined and empty.
const SESSION: &str = "concat_ws('|', session_user, current_user, current_setting('search_path'),
    current_setting('statement_timeout'), current_setting('lock_timeout'), current_setting('transaction_read_only'),
    coalesce(current_setting('tenantry.actor', true), ''), coalesce(current_setting('tenantry.request_id', true), ''),
    pg_current_xact_id_if_assigned())";

/// A session that serves nobody: the login, its path, and the bounds that every connection is made with.
const FRESH: &str = "tenantry_server|tenantry_server|pg_catalog|10s|3s|off||";

#[tokio::test]
async fn what_a_transaction_may_see_is_set_for_it_and_ends_with_it() {
    let scene = Scene::new().await;
    let schema = &scene.acme_tenant.schema;
    for (mode, read_only, actor) in [
        (Mode::ReadOnly, "on", "|"),
        (Mode::ReadWrite, "off", "operator:test|request-1"),
    ] {
        let inside = scene.acme.evaluate(mode, SESSION).await.expect("an answer");
        let expected =
            format!("tenantry_server|{schema}_rw|{schema}, extensions, pg_temp|10s|3s|{read_only}|{actor}");
        assert_eq!(inside, expected);
        assert_eq!(scene.session().await, FRESH);
    }
    scene.all_is_well_on_the_same_connection().await;
}

#[tokio::test]
async fn an_export_sees_what_a_transaction_that_reads_sees() {
    let scene = Scene::new().await;
    let schema = &scene.acme_tenant.schema;
    let inside = scene.acme.evaluate_exporting(SESSION).await.expect("a line");
    // Its timeouts are there for a server that has fallen silent.
    let expected = format!("tenantry_server|{schema}_rw|{schema}, extensions, pg_temp|2h|3s|on||\n");
    assert_eq!(inside, expected);
    for (expression, code) in [
        (format!("(select count(*) from {schema}.companies)"), "42501"),
        ("(select count(*) from catalog.users)".to_owned(), "42501"),
        (
            "set_config('transaction_read_only', 'off', true)".to_owned(),
            "25001",
        ),
    ] {
        let refused = scene.globex.evaluate_exporting(&expression).await;
        assert_eq!(sqlstate(&refused), code, "{expression}");
    }
}

#[tokio::test]
async fn a_forgotten_scope_is_refused() {
    let scene = Scene::new().await;
    let schema = &scene.acme_tenant.schema;
    let qualified = scene
        .proxy
        .ask(&format!("select count(*) from {schema}.companies"))
        .await;
    assert_eq!(qualified.refusal().sqlstate, "42501", "permission denied");
    let unqualified = scene.proxy.ask("select count(*) from companies").await;
    assert_eq!(unqualified.refusal().sqlstate, "42P01", "no such table");
    let foreign = format!("(select count(*) from {schema}.companies)");
    let refused = scene.globex.evaluate(Mode::ReadOnly, &foreign).await;
    assert_eq!(
        sqlstate(&refused),
        "42501",
        "one tenant's role has no right on another's tables"
    );
    let catalog = scene
        .globex
        .evaluate(Mode::ReadOnly, "(select count(*) from catalog.users)")
        .await;
    assert_eq!(sqlstate(&catalog), "42501", "nor on the catalog");
    scene.all_is_well_on_the_same_connection().await;
}

fn sqlstate<T: std::fmt::Debug>(refused: &Result<T, RecordError>) -> &str {
    match refused {
        Err(error @ RecordError::Database(_)) => error.code(),
        other => panic!("PostgreSQL should have refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_read_cannot_write() {
    let scene = Scene::new().await;
    let operation = Operation::Delete {
        target: Target::Filtered,
    };
    let delete = scene
        .acme
        .prepared("tags", "id=not.is.null", operation)
        .await
        .expect("a request");
    let delete = Prepared::of_test(Mode::ReadOnly, delete.text());
    assert_eq!(
        sqlstate(&scene.acme.run(&delete).await),
        "25006",
        "read-only transaction"
    );
    scene.all_is_well_on_the_same_connection().await;
}

#[tokio::test]
async fn a_tenant_dropped_after_it_was_resolved_fails_closed() {
    let scene = Scene::new().await;
    let schema = &scene.acme_tenant.schema;
    let owner = scene.t.as_owner().await;
    let drop_all = format!("drop schema {schema} cascade; drop role {schema}_rw, {schema}_ro");
    owner.batch_execute(&drop_all).await.expect("dropped");
    let answer = scene.acme.list("companies", "select=name").await;
    let Err(RecordError::Moved(why)) = &answer else {
        panic!("it must fail: {answer:?}")
    };
    assert!(
        why.starts_with("the transaction's scope could not be set") && why.contains("_rw"),
        "{why}"
    );
    assert_eq!(names(&scene.globex).await, r#"[{"name":"Globex's own"}]"#);
    assert_eq!(scene.session().await, FRESH);
}

#[tokio::test]
async fn a_schema_that_is_gone_while_its_role_is_left_shows_nothing_of_others() {
    let scene = Scene::new().await;
    let schema = &scene.acme_tenant.schema;
    let owner = scene.t.as_owner().await;
    owner
        .batch_execute(&format!("alter schema {schema} rename to elsewhere"))
        .await
        .expect("renamed");
    assert_eq!(
        sqlstate(&scene.acme.list("companies", "select=id").await),
        "42P01"
    );
    assert_eq!(names(&scene.globex).await, r#"[{"name":"Globex's own"}]"#);
}

#[tokio::test]
async fn a_failed_statement_leaves_a_clean_connection() {
    let scene = Scene::new().await;
    assert_eq!(
        sqlstate(&scene.acme.insert("companies", r#"{"name":" "}"#).await),
        "23514"
    );
    scene.all_is_well_on_the_same_connection().await;
    assert_eq!(
        sqlstate(&scene.acme.evaluate(Mode::ReadWrite, "1 / 0").await),
        "22012"
    );
    scene.all_is_well_on_the_same_connection().await;
}

#[tokio::test]
async fn a_constraint_that_speaks_at_commit_is_heard() {
    let scene = Scene::new().await;
    let refused = scene.acme.delete("stages", "kind=eq.open").await;
    assert_eq!(
        sqlstate(&refused),
        "23514",
        "a pipeline keeps an open stage, checked at COMMIT"
    );
    let stages = scene
        .acme
        .list("stages", "select=name&kind=eq.open")
        .await
        .expect("a list");
    assert_eq!(
        stages.matches("name").count(),
        4,
        "the deletion is undone: {stages}"
    );
    scene.all_is_well_on_the_same_connection().await;
}

#[tokio::test]
async fn what_is_tried_and_undone_is_refused_as_it_would_be_in_earnest() {
    let scene = Scene::new().await;
    let preferences = Preferences {
        end: Some(End::Rollback),
        ..Preferences::default()
    };
    let attempt = async |object: &str, query: &str| {
        let operation = Operation::Delete {
            target: Target::Filtered,
        };
        let prepared = scene
            .acme
            .preferring(&preferences, Form::Plural, object, query, operation)
            .await
            .expect("a request");
        // More than once, since the first statements of a kind are sent in another way than the later ones.
        for _ in 0..3 {
            let told = scene.acme.run(&prepared).await;
            if told.is_err() {
                return sqlstate(&told).to_owned();
            }
            assert_eq!(scene.session().await, FRESH);
        }
        "done".to_owned()
    };
    assert_eq!(attempt("stages", "kind=eq.open").await, "23514");
    assert_eq!(attempt("companies", "name=not.is.null").await, "done");
    scene.all_is_well_on_the_same_connection().await;
}

#[tokio::test]
async fn a_statement_that_the_session_has_lost_is_prepared_again() {
    let scene = Scene::new().await;
    for _ in 0..3 {
        names(&scene.acme).await;
    }
    scene.proxy.ask("deallocate all").await;
    scene.all_is_well_on_the_same_connection().await;
}

#[tokio::test]
async fn a_read_cannot_be_made_a_write() {
    let scene = Scene::new().await;
    let turn = "set_config('transaction_read_only', 'off', true)";
    let refused = scene.acme.evaluate(Mode::ReadOnly, turn).await;
    assert_eq!(sqlstate(&refused), "25001", "once it has begun to read");
    scene.all_is_well_on_the_same_connection().await;
}

/// Locks acme's company, until the client is dropped or commits.
async fn lock(scene: &Scene) -> Client {
    let locker = scene.t.as_owner().await;
    let sql = format!(
        "begin; select id from {}.companies for update",
        scene.acme_tenant.schema
    );
    locker.batch_execute(&sql).await.expect("locked");
    locker
}

/// Starts an update, waits until the server says that it waits for the lock, and lets go of its future.
async fn cancel_in_the_middle(scene: &Scene, locker: &Client) {
    tokio::select! {
        outcome = scene.acme.update("companies", "name=not.is.null", r#"{"name":"Changed"}"#) => {
            panic!("it cannot end while the row is locked: {outcome:?}")
        }
        () = somebody_waits_for(locker) => {}
    }
}

/// Ends when the server says that somebody waits for a lock of this session's.
async fn somebody_waits_for(locker: &Client) {
    while !is_waited_for(locker).await {}
}

/// Ends when the server says that nobody does.
async fn nobody_waits_for(locker: &Client) {
    while is_waited_for(locker).await {}
}

async fn is_waited_for(locker: &Client) -> bool {
    let blocked = "select exists (select from pg_stat_activity a where pg_backend_pid() = any (pg_blocking_pids(a.pid)))";
    let row = locker.query_one(blocked, &[]).await.expect("an answer");
    row.get(0)
}

#[tokio::test]
async fn a_request_cancelled_in_the_middle_leaves_nothing_to_the_next() {
    let scene = Scene::new().await;
    let session = scene.backend().await;
    let locker = lock(&scene).await;
    cancel_in_the_middle(&scene, &locker).await;
    locker.batch_execute("commit").await.expect("unlocked");
    // The update may have gone on at the server, its end behind it: then it is whole. It is never half.
    assert_eq!(names(&scene.globex).await, r#"[{"name":"Globex's own"}]"#);
    let now = names(&scene.acme).await;
    assert!(
        [r#"[{"name":"Acme's own"}]"#, r#"[{"name":"Changed"}]"#].contains(&now.as_str()),
        "{now}"
    );
    assert_eq!(scene.session().await, FRESH);
    assert_eq!(scene.backend().await, session, "it was settled, not thrown away");
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_any_more_is_cancelled_though_nobody_wants_its_connection() {
    let scene = Scene::new().await;
    let session = scene.backend().await;
    let locker = lock(&scene).await;
    cancel_in_the_middle(&scene, &locker).await;
    nobody_waits_for(&locker).await;
    assert_eq!(names(&scene.globex).await, r#"[{"name":"Globex's own"}]"#);
    assert_eq!(names(&scene.acme).await, r#"[{"name":"Acme's own"}]"#);
    assert_eq!(scene.session().await, FRESH);
    assert_eq!(scene.backend().await, session);
}

#[tokio::test]
async fn a_great_answer_that_nobody_reads_keeps_no_lock() {
    let scene = Scene::new().await;
    let owner = scene.t.as_owner().await;
    let many = format!(
        "insert into {}.companies (id, name) select gen_random_uuid(), repeat('x', 200) || n
           from generate_series(1, 20000) n",
        scene.acme_tenant.schema
    );
    owner.batch_execute(&many).await.expect("many companies");
    let locks = format!(
        "select exists (select from pg_locks where relation = '{}.companies'::regclass and pid <> pg_backend_pid())",
        scene.acme_tenant.schema
    );
    let is_locked = async || {
        owner
            .query_one(&locks, &[])
            .await
            .expect("an answer")
            .get::<_, bool>(0)
    };
    // An answer of some megabytes, more than any socket takes: the server goes on only while somebody reads.
    let list = "select array_agg(name)::text from companies";
    let mut read = Box::pin(scene.acme.evaluate(Mode::ReadOnly, list));
    while !is_locked().await {
        assert!(futures_util::poll!(&mut read).is_pending(), "it is not read");
    }
    drop(read);
    while is_locked().await {}
    assert_eq!(names(&scene.globex).await, r#"[{"name":"Globex's own"}]"#);
}

#[tokio::test]
async fn a_transaction_dropped_between_statements_is_undone_before_the_next_begins() {
    let t = TestDb::new().await;
    let proxy = t.proxy().await;
    let settings = PoolSettings {
        size: 1,
        ..PoolSettings::default()
    };
    let db = CatalogDb::new(t.owner_config_through(&proxy), settings);
    let ann: EmailAddress = "ann@example.com".parse().expect("an address");
    let mut tx = db.begin().await.expect("a transaction");
    let new = NewUser::with_email(ann.clone());
    users::insert(&mut tx, &new, t.source()).await.expect("a user");
    drop(tx);

    let mut tx = db.begin().await.expect("a transaction");
    let found = users::find_by_email(&mut tx, &ann).await.expect("an answer");
    assert_eq!(found, None);
    tx.commit().await.expect("committed");
    assert_eq!(proxy.tally().connections, 1);
}

#[tokio::test]
async fn a_panic_in_a_handler_gives_its_connection_back() {
    let scene = Scene::new().await;
    for _ in 0..3 {
        let locker = lock(&scene).await;
        let handler = async {
            let same = r#"{"name":"Acme's own"}"#;
            let update = scene.acme.update("companies", "name=not.is.null", same);
            let mut update = std::pin::pin!(update);
            tokio::select! {
                outcome = &mut update => panic!("it cannot end while the row is locked: {outcome:?}"),
                () = somebody_waits_for(&locker) => {}
            }
            // The transaction is open, its statement under way, and it lives until here unwinds it.
            std::panic::resume_unwind(Box::new("as a handler might"));
        };
        let ended = AssertUnwindSafe(handler).catch_unwind().await;
        assert!(ended.map(|never: ()| never).is_err(), "it panicked");
        locker.batch_execute("commit").await.expect("unlocked");
        scene.all_is_well_on_the_same_connection().await;
    }
}

#[tokio::test]
async fn a_thousand_interleaved_requests_never_see_the_others_rows() {
    let scene = Scene::new().await;
    for n in 0..500 {
        assert_eq!(
            names(&scene.acme).await,
            r#"[{"name":"Acme's own"}]"#,
            "round {n}"
        );
        assert_eq!(
            names(&scene.globex).await,
            r#"[{"name":"Globex's own"}]"#,
            "round {n}"
        );
    }
    assert_eq!(scene.proxy.tally().connections, 1);
    assert_eq!(scene.session().await, FRESH);
    let statements = scene
        .proxy
        .ask(
            "select count(*), count(distinct statement) from pg_prepared_statements
              where statement like '%from \"companies\"%'",
        )
        .await;
    let text = |n: usize| Some(n.to_string());
    assert_eq!(
        statements.rows(),
        [[text(2), text(1)]],
        "one text, a prepared statement for each tenant"
    );
}

#[tokio::test]
async fn a_crowd_on_two_connections_never_sees_the_others_rows() {
    let mut settings = one_connection();
    settings.lanes.lanes = 2;
    let scene = Scene::with(&settings).await;
    let crowd = (0..400).map(|n| {
        let scene = &scene;
        async move {
            let (records, own) = if n % 3 == 0 {
                (&scene.acme, r#"[{"name":"Acme's own"}]"#)
            } else {
                (&scene.globex, r#"[{"name":"Globex's own"}]"#)
            };
            assert_eq!(names(records).await, own, "request {n}");
        }
    });
    futures_util::future::join_all(crowd).await;
    assert!(scene.proxy.tally().connections <= 2);
}
