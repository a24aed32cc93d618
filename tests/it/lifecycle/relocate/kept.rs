//! What a move must not let through or bring back: writes that waited, people who were shut out, a tenant that was given up.

use catalog::moves::{self, MoveState};
use catalog::resolve::Resolution;
use catalog::slug::Slug;
use chrono::TimeDelta;
use tenant_schema::container::reference::References;
use tenant_schema::doctor::{Kind, Severity};
use tenant_schema::lifecycle::LifecycleError;
use tenant_schema::lifecycle::relocate::Stay;
use tests::{TestDb, TestTenant};
use tokio_postgres::Client;

use super::super::clone::join;
use super::broken::{Stands, stands};
use super::{Asked, Two, copied, relocate, removes, resolution};
use crate::doctor::{assert_healthy, scan};

/// Waits until a statement of this database waits for a lock on a table.
async fn somebody_waits(watcher: &Client, table: &str) {
    let sql = format!(
        "select count(*) from pg_locks where not granted and relation = '{table}'::regclass
                        and database = (select oid from pg_database where datname = current_database())"
    );
    while watcher
        .query_one(&sql, &[])
        .await
        .expect("an answer")
        .get::<_, i64>(0)
        == 0
    {
        tokio::task::yield_now().await;
    }
}

/// A tenant's login, and a statement of its that writes by a function with the rights of its owner, who needs none of the
/// tenant's.
async fn writer(two: &Two, tenant: &TestTenant) -> (Client, String) {
    let schema = &tenant.schema;
    let function = format!(
        "create function {schema}.note_it() returns void language sql security definer set search_path = pg_catalog, pg_temp
           as 'insert into {schema}.notes (amount) values (7)'"
    );
    let owner = two.here.as_owner().await;
    owner.batch_execute(&function).await.expect("the owner may");
    let session = two.here.as_server().await;
    let role = format!("set role {}", schema.read_write_role());
    session.batch_execute(&role).await.expect("the server may");
    (session, format!("select {schema}.note_it()"))
}

#[tokio::test]
async fn a_write_that_waited_through_it_is_refused_whosever_rights_it_has() {
    let two = Two::small().await;
    let acme = two.here.tenant("acme").await;
    let (session, write) = writer(&two, &acme).await;
    session.batch_execute(&write).await.expect("it writes");
    let (here, there) = (two.here.as_superuser().await, two.there.as_superuser().await);
    // The last that is written there before the gate is shut here.
    let log = "catalog.catalog_audit_logs";
    let hold = format!("begin; lock table {log} in share mode");
    there.batch_execute(&hold).await.expect("a lock");
    let watcher = two.there.as_superuser().await;
    let holding_up = async {
        somebody_waits(&watcher, log).await;
        let waiting = tokio::spawn(async move { session.batch_execute(&write).await });
        somebody_waits(&here, &format!("{}.notes", acme.schema)).await;
        there.batch_execute("rollback").await.expect("let go");
        waiting.await.expect("no panic")
    };
    let (moved, written) = tokio::join!(Box::pin(two.moves("acme")), holding_up);
    let moved = copied(moved);
    let refused = written.expect_err("it is shut");
    let refused = refused.as_db_error().expect("PostgreSQL's");
    assert_eq!(refused.message(), "this tenant is moved to another database");
    let notes = format!("select count(*) from {}.notes", moved.schema);
    let notes: i64 = watcher.query_one(&notes, &[]).await.expect("an answer").get(0);
    assert_eq!(notes, 1);
    let later = format!("insert into {}.notes (amount) values (8)", acme.schema);
    let owner = two.here.as_owner().await;
    assert!(
        owner.batch_execute(&later).await.is_err(),
        "nor does the owner write"
    );
}

/// Ends whoever is in a transaction here: the program that was killed held its connections through a proxy that holds them back.
async fn ended(t: &TestDb) {
    let superuser = t.as_superuser().await;
    let sql = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'";
    while superuser
        .query_one(sql, &[])
        .await
        .expect("an answer")
        .get::<_, i64>(0)
        > 0
    {
        tokio::task::yield_now().await;
    }
}

/// Begins moves of one tenant after the other, each killed a little earlier, until one is in doubt.
async fn in_doubt(two: &Two) -> TestTenant {
    let proxy = two.here.proxy().await;
    let references = [&two.here, &two.there].map(|t| References::of(t.template()));
    let asked = Asked {
        references: Some(&references),
        ..Asked::default()
    };
    let ways = (Some(&proxy), None);
    two.here.tenant("first").await;
    copied(relocate(&two.here, &two.there, ways, "first", asked).await);
    let all = proxy.tally().messages;
    for n in (1..=all).rev().step_by(3) {
        let tenant = two.here.tenant(&format!("ant-{n}")).await;
        let slug = tenant.slug.as_str();
        let reached = proxy.hold_after(n);
        tokio::select! {
            reached = reached => reached.expect("held"),
            moved = relocate(&two.here, &two.there, ways, slug, asked) => drop(copied(moved)),
        }
        ended(&two.here).await;
        if [Stands::Doubted, Stands::Arrived].contains(&stands(two, slug).await) {
            return tenant;
        }
    }
    panic!("none of {all}");
}

fn stay<'a>(two: &'a Two, is_sure: bool, actor: &'a catalog::actor::Actor) -> Stay<'a> {
    Stay {
        from: two.here.catalog(),
        is_sure,
        actor,
        source: two.here.source(),
    }
}

#[tokio::test]
async fn a_tenant_in_doubt_stays_when_somebody_is_sure() {
    let two = Two::small().await;
    let ant = in_doubt(&two).await;
    let (slug, actor) = (ant.slug.clone(), two.here.actor());
    let named = scan(&two.here).await.findings;
    let named = named
        .iter()
        .find(|finding| finding.kind == Kind::Moves)
        .expect("it is named");
    assert!(format!("{named:?}").contains("--stay --yes"), "{named:?}");
    let refused = stay(&two, false, &actor)
        .run(&slug)
        .await
        .expect_err("nobody is sure")
        .to_string();
    assert!(refused.contains("may have arrived"), "{refused}");
    assert_eq!(
        resolution(&two.here, slug.as_str()).await,
        Resolution::Maintenance
    );

    let ended = stay(&two, true, &actor)
        .run(&slug)
        .await
        .expect("it stays")
        .expect("a move");
    assert_eq!(ended.state, MoveState::Doubt);
    assert!(matches!(
        resolution(&two.here, slug.as_str()).await,
        Resolution::Active(_)
    ));
    let session = two.here.as_server().await;
    let write = format!(
        "set role {}; insert into {}.notes (amount) values (1)",
        ant.schema.read_write_role(),
        ant.schema
    );
    session.batch_execute(&write).await.expect("it is written again");
    assert_healthy(&two.here, "after it stayed").await;
    assert_eq!(given_up(&two.here).await, "doubt");
    assert!(
        stay(&two, true, &actor)
            .run(&slug)
            .await
            .expect("an answer")
            .is_none()
    );
    let first: Slug = "first".parse().expect("a slug");
    let away = stay(&two, true, &actor).run(&first).await;
    assert!(
        matches!(
            away,
            Err(LifecycleError::Catalog(
                catalog::error::CatalogError::Elsewhere { .. }
            ))
        ),
        "{away:?}"
    );
}

/// What the audit log says of the one move that was given up.
async fn given_up(t: &TestDb) -> String {
    let event = "select changes ->> 'state' from catalog.catalog_audit_logs where event_type = 'organization.move_given_up'";
    let row = t.as_superuser().await.query_one(event, &[]).await;
    row.expect("an entry").get(0)
}

/// Notes that it is copied, as somebody does who is killed then.
async fn killed_while_copying(t: &TestDb, tenant: &TestTenant) {
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let target = moves::Target {
        name: "db2".to_owned(),
        identity: "1/2".to_owned(),
    };
    let until = t.source().now() + TimeDelta::minutes(1);
    let token = t.source().uuid();
    moves::announce(
        &mut tx,
        tenant.organization,
        (token, &target),
        until,
        &t.actor(),
        t.source(),
    )
    .await
    .expect("announced");
    tx.commit().await.expect("committed");
}

fn is_paused(resolution: &Resolution, t: &TestDb) -> bool {
    match resolution {
        Resolution::Active(tenant) => tenant.paused(t.source().now()).is_some(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_move_that_was_killed_while_it_copied_is_told_at_once_and_given_up() {
    let two = Two::small().await;
    let acme = two.here.tenant("acme").await;
    killed_while_copying(&two.here, &acme).await;
    assert!(is_paused(&resolution(&two.here, "acme").await, &two.here));
    let moves = |findings: Vec<tenant_schema::doctor::Finding>| -> Vec<_> {
        findings
            .into_iter()
            .filter(|finding| finding.kind == Kind::Moves)
            .collect()
    };
    // While somebody holds the organization's row it may be he who copies.
    let holder = two.here.as_owner().await;
    let hold = format!(
        "begin; select from catalog.organizations where id = '{}' for no key update",
        acme.organization
    );
    holder.batch_execute(&hold).await.expect("a lock");
    assert!(moves(scan(&two.here).await.findings).is_empty());
    holder.batch_execute("rollback").await.expect("let go");
    let told = moves(scan(&two.here).await.findings);
    let [told] = &told[..] else { panic!("{told:?}") };
    assert_eq!(told.severity, Severity::Warn);
    assert!(
        format!("{told:?}").contains("writes are refused until"),
        "{told:?}"
    );
    let ended = stay(&two, false, &two.here.actor())
        .run(&acme.slug)
        .await
        .expect("it stays");
    assert_eq!(ended.expect("a move").state, MoveState::Copying);
    assert!(!is_paused(&resolution(&two.here, "acme").await, &two.here));
    assert_healthy(&two.here, "after it was given up").await;
}

/// What is left of such a move means nothing to what becomes of the tenant else.
#[tokio::test]
async fn what_was_killed_while_it_copied_can_be_dropped_and_brought_back() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    killed_while_copying(&t, &acme).await;
    let (actor, source) = (t.actor(), t.source());
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let tenant = catalog::organizations::lock(&mut tx, acme.organization)
        .await
        .expect("an answer")
        .expect("a tenant");
    let begun = catalog::departures::begin(&mut tx, &tenant, TimeDelta::days(1), &actor, source).await;
    begun.expect("it is dropped");
    assert!(
        moves::find(&mut tx, acme.organization)
            .await
            .expect("an answer")
            .is_none()
    );
    let undone = catalog::departures::undo(&mut tx, acme.organization, &actor, source).await;
    assert!(
        matches!(undone, Ok(catalog::departures::Undone::Now(_))),
        "{undone:?}"
    );
    tx.commit().await.expect("committed");
}

/// Accounts that were left behind are as they were then; what has become of them since counts.
#[tokio::test]
async fn who_was_shut_out_meanwhile_does_not_come_back_in() {
    let two = Two::small().await;
    let acme = two.here.tenant("acme").await;
    join(&two.here, &acme, "bob").await;
    join(&two.here, &acme, "eve").await;
    let password = |email: &str, hash: &str, at: &str| {
        format!(
            "insert into catalog.user_credentials (user_id, password_hash, changed_at)
               select id, '{hash}', '{at}' from catalog.users where email = '{email}@acme.test'
             on conflict (user_id) do update set password_hash = excluded.password_hash, changed_at = excluded.changed_at"
        )
    };
    let (here, there) = (two.here.as_superuser().await, two.there.as_superuser().await);
    here.batch_execute(&password("bob", "$argon2id$stolen", "2026-01-01"))
        .await
        .expect("a password");
    let first = copied(two.moves("acme").await).schema;
    assert_ne!(first, acme.schema);
    removes(&two.here, acme.organization).await;
    there
        .batch_execute(&password("bob", "$argon2id$fresh", "2026-02-01"))
        .await
        .expect("another password");
    there
        .batch_execute("update catalog.users set status = 'disabled' where email = 'eve@acme.test'")
        .await
        .expect("she is shut out");
    let back = copied(two.moves_back("acme").await);
    assert_eq!(back.held_back, 1);
    let people =
        "select string_agg(concat_ws(' ', u.email, m.active, c.password_hash), ', ' order by u.email)
                    from catalog.memberships m join catalog.users u on u.id = m.user_id
                    left join catalog.user_credentials c on c.user_id = u.id where not m.is_owner";
    let people = here.query_one(people, &[]).await.expect("an answer");
    assert_eq!(
        people.get::<_, &str>(0),
        "bob@acme.test t $argon2id$fresh, eve@acme.test f"
    );
    // Keys that clients chose are counted under the same name wherever it is.
    let Resolution::Active(tenant) = resolution(&two.here, "acme").await else {
        panic!("not served")
    };
    assert_eq!(
        (tenant.schema(), tenant.first_schema()),
        (&back.schema, &acme.schema)
    );

    // An owner cannot be held back, so that one who is shut out cannot be moved where he is not.
    removes(&two.there, acme.organization).await;
    here.batch_execute("update catalog.users set status = 'disabled' where id in (select user_id from catalog.memberships where is_owner)").await.expect("shut out");
    let refused = two
        .moves("acme")
        .await
        .expect_err("the owner is shut out")
        .to_string();
    assert!(
        refused.contains("may not sign in here, and may in the other database"),
        "{refused}"
    );
}
