//! What the record says is so, whatever happens to a tenant, a connection or a file meanwhile.

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::Duration;

use catalog::migration_runs::RunState;
use catalog::pg::pool::PoolSettings;
use catalog::selection::Selection;
use catalog::tenant_schemas;
use catalog::tx::CatalogDb;
use tenant_schema::fleet::{Event, Fleet, FleetError, Settings, StopSignal, Stopped};
use tenant_schema::template::Template;
use tests::Proxy;

use super::{BACK, Small, migrate, one_by_one, resume};

async fn superuser_does(small: &Small, sql: &str) {
    small
        .t
        .as_superuser()
        .await
        .batch_execute(sql)
        .await
        .expect("done");
}

#[tokio::test]
async fn a_tenant_that_was_purged_since_it_was_planned_is_skipped_and_stops_nothing() {
    let small = Small::with(&["ant", "bee", "cat"]).await;
    let plan = small.plan().await;
    let gone = &plan.steps[0].tenant;
    let purged = format!(
        "drop schema {} cascade; update catalog.tenant_schemas set state = 'dropped' where organization_id = '{}'",
        gone.schema, gone.organization
    );
    superuser_does(&small, &purged).await;
    let template = small.template();
    let mut fleet = small.fleet(&template);
    fleet.settings = one_by_one("1,100%");
    let (ended, told) = migrate(&fleet, &plan).await;
    assert_eq!(ended.expect("a run").stopped, None);
    let (first, others) = told.tenants.split_first().expect("all were told of");
    assert_eq!((&first.slug, first.outcome.as_ref().ok()), (&gone.slug, Some(&1)));
    assert!(
        others
            .iter()
            .all(|tenant| tenant.outcome.as_ref().ok() == Some(&2))
    );
    let run = small.last_run().await;
    assert_eq!((run.skipped, run.done, run.failed), (1, 2, 0));
    assert!(small.failures().await.is_empty());
}

/// A fleet whose connections go through the proxy.
fn through(small: &Small, proxy: &Proxy) -> CatalogDb {
    let settings = PoolSettings {
        size: 3,
        ..PoolSettings::default()
    };
    CatalogDb::new(small.t.owner_config_through(proxy), settings)
}

#[tokio::test]
async fn a_connection_lost_after_any_message_leaves_a_true_record_and_the_next_run_finishes() {
    let small = Small::with(&["ant", "bee"]).await;
    let proxy = small.t.proxy().await;
    let template = small.template();
    let superuser = small.t.as_superuser().await;
    let (mut n, mut lost) = (0, 0);
    loop {
        n += 1;
        let plan = small.plan().await;
        proxy.cut_after(n);
        let (ended, told) = {
            let db = through(&small, &proxy);
            let fleet = Fleet {
                db: &db,
                settings: one_by_one("100%"),
                ..small.fleet(&template)
            };
            migrate(&fleet, &plan).await
        };
        let was_cut = proxy.tally().messages >= n;
        proxy.all_ended().await;
        let states = "select o.slug, r.state, t.last_error is not null as told \
                      from catalog.migration_run_tenants r \
                      join catalog.organizations o on o.id = r.organization_id \
                      join catalog.tenant_schemas t on t.organization_id = r.organization_id";
        let states = superuser.query(states, &[]).await.expect("an answer");
        for (slug, catalog, history) in small.versions().await {
            assert_eq!(catalog, history, "{slug} after {n} messages");
            let row = states.iter().find(|row| row.get::<_, &str>(0) == slug);
            let (state, is_told) = row.map_or(("planned", false), |row| (row.get(1), row.get(2)));
            assert_eq!(
                state == "done",
                catalog == 2,
                "{slug} is {state} after {n} messages"
            );
            assert_eq!(state == "failed", is_told, "{slug} is {state} after {n} messages");
            let said = told.tenants.iter().find(|tenant| tenant.slug.as_str() == slug);
            if let Some(said) = said {
                let is_done = said.outcome.as_ref().ok() == Some(&2);
                assert_eq!(is_done, catalog == 2, "{said:?} after {n} messages");
            }
        }
        if !was_cut {
            assert_eq!(ended.expect("nobody disturbed it").stopped, None);
            break;
        }
        lost += 1;
        let direct = small.fleet(&template);
        let (ended, _) = migrate(&direct, &small.plan().await).await;
        ended.expect("a run");
        assert!(small.versions().await.iter().all(|row| (row.1, row.2) == (2, 2)));
        superuser.batch_execute(BACK).await.expect("version 1");
    }
    assert!(lost > 20, "only {lost} messages were lost");
    crate::tell(&format!(
        "a run whose connection was lost after each of {lost} messages"
    ));
}

#[tokio::test]
async fn what_is_to_be_tried_again_is_not_when_too_many_have_failed() {
    let small = Small::with(&["ant", "bee"]).await;
    let plan = small.plan().await;
    small
        .within(&plan.steps[1], "create table labels (id integer)")
        .await;
    let schema = &plan.steps[0].tenant.schema;
    let reader = small.t.as_owner().await;
    let read = format!("begin; select count(*) from {schema}.notes");
    reader.batch_execute(&read).await.expect("it reads");
    let reader = Mutex::new(Some(reader));
    let template = small.template();
    let mut fleet = small.fleet(&template);
    fleet.settings = Settings {
        jobs: NonZeroUsize::new(2).expect("2 is not zero"),
        lock_timeout: Duration::from_millis(1),
        max_failures: Some(0),
        ..Settings::default()
    };
    let tried = Mutex::new(Vec::new());
    let hear = |event| match event {
        // From here on it would succeed.
        Event::Again { .. } => drop(reader.lock().expect("nobody panicked").take()),
        Event::Tenant(tenant) => tried.lock().expect("nobody panicked").push(tenant.slug),
        _ => {}
    };
    let ended = Box::pin(fleet.migrate(&plan, &StopSignal::never(), hear)).await;
    assert_eq!(
        ended.expect("a run").stopped,
        Some(Stopped::Failures { wave: 1, failed: 1 })
    );
    assert_eq!(
        *tried.lock().expect("nobody panicked"),
        [plan.steps[1].tenant.slug.clone()]
    );
    let run = small.last_run().await;
    assert_eq!((run.state, run.planned, run.failed), (RunState::Stopped, 1, 1));
}

#[tokio::test]
async fn a_pinned_tenant_gets_the_engines_own_table_and_its_old_failure_is_forgotten() {
    let small = Small::with(&["ant", "bee"]).await;
    let plan = small.plan().await;
    let tenant = &plan.steps[0].tenant;
    let before = format!(
        "drop table {}._idempotency_keys;
         update catalog.tenant_schemas set engine_version = 0, pinned_version = 1, last_error = 'once'
          where organization_id = '{}'",
        tenant.schema, tenant.organization
    );
    superuser_does(&small, &before).await;
    assert_eq!(small.failures().await.len(), 1);
    let template = small.template();
    let (ended, _) = migrate(&small.fleet(&template), &small.plan().await).await;
    ended.expect("a run");
    let run = small.last_run().await;
    assert_eq!((run.done, run.skipped, run.failed), (2, 0, 0));
    assert!(small.failures().await.is_empty());
    let there = format!("select count(*) from {}._idempotency_keys", tenant.schema);
    small
        .t
        .as_owner()
        .await
        .query_one(&there, &[])
        .await
        .expect("it is there");
    let mut tx = small.t.catalog().begin().await.expect("a transaction");
    let now = tenant_schemas::find(&mut tx, tenant.organization)
        .await
        .expect("an answer");
    let now = now.expect("the tenant");
    assert_eq!((now.template_version, now.migrated_at), (1, tenant.migrated_at));
}

#[tokio::test]
async fn a_run_of_some_tenants_leaves_the_run_of_all_to_be_resumed() {
    let small = Small::with(&["ant", "bee", "cat"]).await;
    let plan = small.plan().await;
    small
        .within(&plan.steps[0], "create table labels (id integer)")
        .await;
    let template = small.template();
    let mut fleet = small.fleet(&template);
    fleet.settings = one_by_one("1,100%");
    let (ended, _) = migrate(&fleet, &plan).await;
    assert!(ended.expect("a run").stopped.is_some());
    small.within(&plan.steps[0], "drop table labels").await;
    let first = &plan.steps[0].tenant;
    let one = small.plan().await.only(
        &Selection::Only(vec![first.slug.clone()]),
        std::slice::from_ref(first),
    );
    let (ended, told) = migrate(&fleet, &one).await;
    assert_eq!((ended.expect("a run").stopped, told.tenants.len()), (None, 1));
    let (ended, told) = resume(&fleet).await;
    assert_eq!(ended.expect("the first run").stopped, None);
    assert_eq!(
        told.tenants.len(),
        3,
        "that one is looked at, the others are migrated"
    );
    assert!(small.versions().await.iter().all(|(_, catalog, _)| *catalog == 2));
}

#[tokio::test]
async fn advisory_locks_of_anybody_keep_nobody_from_migrating() {
    let small = Small::with(&["ant"]).await;
    let plan = small.plan().await;
    let stranger = small.t.as_server().await;
    let held = "select pg_advisory_lock(hashtextextended(nspname, 1413829460)) from pg_namespace; \
                select pg_advisory_lock(1413829460, 1)";
    stranger.batch_execute(held).await.expect("anybody may");
    let template = small.template();
    let (ended, told) = migrate(&small.fleet(&template), &plan).await;
    assert_eq!(ended.expect("a run").stopped, None);
    assert!(
        told.again.is_empty() && told.tenants[0].outcome.is_ok(),
        "{told:?}"
    );
    let refused = stranger
        .batch_execute("select catalog.try_migration_guard()")
        .await;
    assert!(refused.is_err(), "only the owner may");
}

#[tokio::test]
async fn a_file_that_would_end_the_transaction_or_leave_the_schema_is_no_template() {
    let small = Small::with(&["ant"]).await;
    let plan = small.plan().await;
    for (sql, told) in [
        (
            "alter table notes add column b text;\ncommit;",
            "V3__bad.sql:2: transaction control",
        ),
        ("set local search_path = public", "V3__bad.sql:1: "),
        ("set role none", "V3__bad.sql:1: "),
        ("vacuum notes", "V3__bad.sql:1: "),
    ] {
        small.write("V3__bad.sql", sql);
        let error = Template::read(small.folder.path()).expect_err(sql).to_string();
        assert!(error.contains(told), "{sql}: {error}");
    }
    // What its text does not show lasts until the file's end.
    small.write(
        "V3__bad.sql",
        "do $$ begin perform set_config('search_path', 'extensions', true); end $$",
    );
    small.write("V4__words.sql", "create table words (id integer)");
    let template = small.template();
    let (ended, told) = migrate(&small.fleet(&template), &small.plan().await).await;
    ended.expect("a run");
    assert!(told.tenants[0].outcome.is_ok(), "{told:?}");
    let old = plan.steps[0].tenant.schema.clone();
    for schema in [old, small.provision("cat", &template).await] {
        let words = format!("select count(*) from {schema}.words");
        small
            .t
            .as_owner()
            .await
            .query_one(&words, &[])
            .await
            .expect("it is in the schema");
    }
}

/// Somebody ended the session that shows the run to be at work.
#[tokio::test]
async fn a_run_that_was_superseded_stays_so() {
    let small = Small::with(&["ant"]).await;
    let plan = small.plan().await;
    let template = small.template();
    let superseded = Mutex::new(false);
    let hear = |event| {
        if let Event::Tenant(_) = event {
            *superseded.lock().expect("nobody panicked") = true;
        }
    };
    superuser_does(
        &small,
        "create function catalog.supersede() returns trigger language plpgsql as $$
         begin update catalog.migration_runs set state = 'superseded', ended_at = now(); return new; end $$;
         create trigger supersede after update on catalog.migration_run_tenants
           for each row execute function catalog.supersede()",
    )
    .await;
    let ended = Box::pin(small.fleet(&template).migrate(&plan, &StopSignal::never(), hear)).await;
    ended.expect("a run");
    assert!(*superseded.lock().expect("nobody panicked"));
    assert_eq!(small.last_run().await.state, RunState::Superseded);
    let (again, _) = resume(&small.fleet(&template)).await;
    assert!(matches!(again, Err(FleetError::NothingToResume)), "{again:?}");
}
