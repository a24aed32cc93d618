//! Post-steps from the command line: planned, left, carried out, told, and killed at every step.

use serde_json::json;
use tests::{Proxy, TestDb};

use super::killed::through;
use super::program::Tenantry;
use crate::fleet::Small;

const AMOUNTS: &str = "create index concurrently notes_amount_idx on notes (amount)";
const KEY: &str = "create unique index concurrently notes_key on notes (id, amount)";

async fn tenantry_of(small: &Small) -> Tenantry {
    Tenantry::on(&small.t)
        .await
        .with("TENANTRY_TEMPLATE", small.folder.path())
}

#[tokio::test]
async fn they_come_behind_the_waves_and_are_told() {
    let small = Small::with(&["ant", "bee"]).await;
    small.write("P2__amounts.sql", AMOUNTS);
    let tenantry = tenantry_of(&small).await;
    let plan = tenantry.json("migrate --plan").await;
    assert_eq!(
        (&plan["post_steps"], plan["tenants"].as_array().map(Vec::len)),
        (&json!([{"step": "P2__amounts", "tenants": 2}]), Some(2))
    );
    let ran = tenantry.does("migrate --only ant --no-post-steps").await;
    assert!(!ran.stderr.contains("post-step"), "{ran}");
    let shown = tenantry.json("tenant show ant").await;
    assert_eq!(
        shown["post_steps"],
        json!([{"step": "P2__amounts", "state": "pending"}])
    );
    let status = tenantry.json("migrate status").await;
    let counts = json!([{"step": "P2__amounts", "version": 2, "done": 0, "pending": 1, "failed": 0}]);
    assert_eq!(status["post_steps"], counts);
    let plan = tenantry.does("migrate --plan --post-steps").await;
    assert!(plan.stdout.contains("no tenant would be brought"), "{plan}");

    let ran = tenantry.does("migrate").await;
    assert!(
        ran.stdout.contains("post-steps: 2 done, 0 failed, 0 pending"),
        "{ran}"
    );
    assert!(ran.stderr.contains("ant: post-step P2__amounts done"), "{ran}");
    let shown = tenantry.json("tenant show ant").await;
    assert_eq!(shown["post_steps"], json!(null), "{shown}");
    let again = tenantry.does("migrate --post-steps").await;
    assert!(again.stdout.contains("no tenant lacks a post-step"), "{again}");
    for refused in [
        "migrate --post-steps --no-post-steps",
        "migrate --post-steps --dry-run",
        "migrate --post-steps --resume",
    ] {
        let ran = tenantry.run(refused).await;
        assert_eq!(ran.status, Some(1), "{ran}");
    }
}

/// Whoever asks for what comes behind the migrations gets no migration of the catalog's.
#[tokio::test]
async fn by_themselves_they_leave_the_catalog_alone() {
    let small = Small::with(&["ant"]).await;
    let tenantry = tenantry_of(&small).await;
    let earlier = "delete from catalog.refinery_schema_history where version = \
                   (select max(version) from catalog.refinery_schema_history)";
    let superuser = small.t.as_superuser().await;
    superuser
        .batch_execute(earlier)
        .await
        .expect("an earlier catalog");
    let ran = tenantry.run("migrate --post-steps").await;
    assert_ne!(ran.status, Some(0), "{ran}");
    assert!(ran.stderr.contains("the catalog is at version"), "{ran}");
}

#[tokio::test]
async fn one_that_is_refused_is_a_failure_and_one_that_is_held_up_is_not() {
    let small = Small::with(&["ant"]).await;
    small.write(
        "P2__key.sql",
        "create unique index concurrently notes_amount_key on notes (amount)",
    );
    let fill = "do $$ begin execute format('insert into %I.notes (amount) values (7), (7)', \
                (select schema_name from catalog.tenant_schemas)); end $$";
    let superuser = small.t.as_superuser().await;
    superuser.batch_execute(fill).await.expect("twice the same");
    let tenantry = tenantry_of(&small).await;
    let ran = tenantry.run("migrate --json").await;
    assert_eq!(ran.status, Some(1), "{ran}");
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let step = &document["post_steps"][0];
    assert_eq!(
        (&step["state"], &step["sqlstate"]),
        (&json!("failed"), &json!("23505"))
    );
    assert_eq!(
        document["tenants"][0]["to"], 2,
        "the tenant itself is where it should be"
    );
    let status = tenantry.run("migrate status").await;
    assert_eq!(status.status, Some(1), "{status}");
    assert!(status.stdout.contains("ant: P2__key failed "), "{status}");
    assert!(
        status
            .stdout
            .contains("create unique index concurrently notes_amount_key"),
        "{status}"
    );

    let mend = "do $$ begin execute format('delete from %I.notes', \
                (select schema_name from catalog.tenant_schemas)); end $$";
    superuser.batch_execute(mend).await.expect("none left");
    // Somebody who reads for long, in this database and no matter what.
    let reader = small.t.as_owner().await;
    let reads = "begin isolation level repeatable read; select count(*) from catalog.tenant_schemas";
    reader.batch_execute(reads).await.expect("a snapshot");
    let held_up = tenantry
        .run("migrate tenants --post-steps --post-step-wait 100ms --attempts 1")
        .await;
    assert_eq!(held_up.status, Some(1), "{held_up}");
    assert!(held_up.stdout.contains("ant: P2__key is pending: "), "{held_up}");
    assert!(held_up.stdout.contains("--post-step-wait"), "{held_up}");
    reader.batch_execute("rollback").await.expect("it ends");
    let ran = tenantry.does("migrate tenants --post-steps").await;
    assert!(ran.stdout.contains("post-steps: 1 done"), "{ran}");
    tenantry.does("migrate status").await;
}

/// Kills the phase when its `n`-th message has gone through. `false` if it ended before that.
async fn killed_after(n: u64, tenantry: &Tenantry, proxy: &Proxy) -> bool {
    let reached = proxy.hold_after(n);
    let mut working = tenantry.start("migrate tenants --post-steps --post-step-jobs 1");
    let held = tokio::select! {
        reached = reached => reached.is_ok(),
        status = working.child.wait() => {
            let status = status.expect("it ends");
            assert!(status.success(), "nobody killed it: {}", working.rest_of_stderr().await);
            false
        }
    };
    if held {
        working.kill().await;
    }
    proxy.all_ended().await;
    held
}

#[tokio::test]
async fn killed_at_any_step_they_are_pending_or_done_and_the_next_run_finishes() {
    let small = Small::on(TestDb::new().await, &["ant"]).await;
    small.write("P2__amounts.sql", AMOUNTS);
    small.write("P2__key.sql", KEY);
    let proxy = small.t.proxy().await;
    let tenantry = through(&small.t, &proxy)
        .await
        .with("TENANTRY_TEMPLATE", small.folder.path());
    let direct = tenantry_of(&small).await;
    direct.does("migrate --no-post-steps").await;
    let superuser = small.t.as_superuser().await;
    let state = "select c.relname::text, i.indisvalid, exists (select from catalog.tenant_post_steps p where p.state = 'done'
                   and p.step = case c.relname when 'notes_key' then 'P2__key' else 'P2__amounts' end) as told
                   from pg_class c join pg_index i on i.indexrelid = c.oid
                  where c.relname in ('notes_amount_idx', 'notes_key') order by c.relname";
    let back = "do $$ declare s text := (select schema_name from catalog.tenant_schemas); begin
                  execute format('drop index %I.notes_amount_idx; drop index %I.notes_key', s, s);
                  delete from catalog.tenant_post_steps; end $$";
    let (mut n, mut invalid, mut untold) = (0, 0, 0);
    loop {
        n += 1;
        let held = killed_after(n, &tenantry, &proxy).await;
        let rows = superuser.query(state, &[]).await.expect("an answer");
        for row in &rows {
            let (is_valid, is_told): (bool, bool) = (row.get(1), row.get(2));
            assert!(
                is_valid || !is_told,
                "what is done is whole: {row:?} after {n} messages"
            );
            invalid += u32::from(!is_valid);
            untold += u32::from(is_valid && !is_told);
        }
        direct.does("migrate tenants --post-steps").await;
        let rows = superuser.query(state, &[]).await.expect("an answer");
        let whole = rows.iter().filter(|row| row.get(1) && row.get(2));
        assert_eq!((rows.len(), whole.count()), (2, 2), "after {n} messages");
        if !held {
            break;
        }
        superuser.batch_execute(back).await.expect("as before");
    }
    assert!(
        n > 20 && untold > 0,
        "{n} messages, {invalid} invalid, {untold} of which the catalog did not know"
    );
    crate::tell(&format!(
        "post-steps killed after each of {} messages: {invalid} times an index was not valid, {untold} times it was and the \
         catalog did not know",
        n - 1
    ));
}

#[tokio::test]
async fn killed_while_it_waits_it_leaves_an_invalid_index_which_the_next_run_replaces() {
    let small = Small::on(TestDb::new().await, &["ant"]).await;
    small.write("P2__amounts.sql", AMOUNTS);
    let tenantry = tenantry_of(&small).await;
    tenantry.does("migrate --no-post-steps").await;
    let superuser = small.t.as_superuser().await;
    let schema = "select schema_name from catalog.tenant_schemas";
    let schema: String = superuser.query_one(schema, &[]).await.expect("a schema").get(0);
    let writer = small.t.as_owner().await;
    let write = format!("begin; insert into {schema}.notes (amount) values (1)");
    writer.batch_execute(&write).await.expect("a transaction");
    let mut working = tenantry.start("migrate tenants --post-steps");
    let at_work = "select count(*) from pg_stat_activity where query like 'create index concurrently%' \
                   and datname = current_database() and pid <> pg_backend_pid()";
    let invalid = "select count(*) from pg_index i join pg_class c on c.oid = i.indexrelid \
                   where c.relname = 'notes_amount_idx' and not i.indisvalid";
    let count = async |sql: &str| {
        superuser
            .query_one(sql, &[])
            .await
            .expect("a count")
            .get::<_, i64>(0)
    };
    while count(invalid).await == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(count(at_work).await, 1);
    working.kill().await;
    // What it was at ends with it.
    while count(at_work).await > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(count(invalid).await, 1, "this is what it has left");
    let found = tenantry
        .run("doctor --json --check post-steps,drift,indexes")
        .await;
    let found: serde_json::Value = serde_json::from_str(&found.stdout).expect("JSON");
    let findings = found["findings"].as_array().expect("a list");
    let says: Vec<&str> = findings
        .iter()
        .filter_map(|one| one["message"].as_str())
        .collect();
    assert_eq!(
        says,
        ["index notes_amount_idx of post-step P2__amounts is pending"],
        "{found}"
    );
    writer.batch_execute("commit").await.expect("it ends");
    tenantry.does("migrate tenants --post-steps").await;
    assert_eq!(count(invalid).await, 0);
    let valid = "select count(*) from pg_index i join pg_class c on c.oid = i.indexrelid \
                 where c.relname = 'notes_amount_idx' and i.indisvalid";
    assert_eq!(count(valid).await, 1);
}
