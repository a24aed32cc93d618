//! `migrate` killed at every step: every tenant is migrated and known to be, or neither, and the run is resumed.

use tests::{Proxy, TestDb};

use super::killed::through;
use super::program::Tenantry;
use crate::fleet::{BACK, Small};

const MIGRATE: &str = "migrate tenants --jobs 1 --wave 1";

/// Kills a migration when its `n`-th message has gone through. `false` if it ended before that.
async fn killed_after(n: u64, tenantry: &Tenantry, proxy: &Proxy) -> bool {
    let reached = proxy.hold_after(n);
    let mut migrating = tenantry.start(MIGRATE);
    let held = tokio::select! {
        reached = reached => reached.is_ok(),
        status = migrating.child.wait() => {
            let status = status.expect("it ends");
            assert!(status.success(), "nobody killed it: {}", migrating.rest_of_stderr().await);
            false
        }
    };
    if held {
        migrating.kill().await;
    }
    proxy.all_ended().await;
    held
}

/// What the run's record says is what the schemas are.
async fn assert_the_record_is_true(small: &Small, n: u64) {
    let superuser = small.t.as_superuser().await;
    let done = "select o.slug, r.state from catalog.migration_run_tenants r \
                join catalog.organizations o on o.id = r.organization_id";
    let rows = superuser.query(done, &[]).await.expect("an answer");
    for (slug, catalog, history) in small.versions().await {
        assert_eq!(catalog, history, "{slug} after {n} messages");
        let row = rows.iter().find(|row| row.get::<_, &str>(0) == slug);
        let state = row.map_or("planned", |row| row.get::<_, &str>(1));
        assert_eq!(
            state == "done",
            catalog == 2,
            "{slug} is {state} after {n} messages"
        );
    }
}

#[tokio::test]
async fn killed_at_any_step_it_can_be_resumed() {
    let small = Small::on(TestDb::new().await, &["ant", "bee"]).await;
    let proxy = small.t.proxy().await;
    let tenantry = through(&small.t, &proxy)
        .await
        .with("TENANTRY_TEMPLATE", small.folder.path());
    let direct = Tenantry::on(&small.t)
        .await
        .with("TENANTRY_TEMPLATE", small.folder.path());
    let superuser = small.t.as_superuser().await;
    let (mut n, mut resumed) = (0, 0);
    loop {
        n += 1;
        let held = killed_after(n, &tenantry, &proxy).await;
        assert_the_record_is_true(&small, n).await;
        if !held {
            break;
        }
        let runs = "select state from catalog.migration_runs";
        let runs = superuser.query(runs, &[]).await.expect("an answer");
        if let Some(run) = runs.first() {
            resumed += 1;
            let is_open = run.get::<_, &str>(0) == "open";
            let status = direct.json("migrate status").await;
            let state = if is_open { "interrupted" } else { "finished" };
            assert_eq!(status["runs"][0]["state"], state, "after {n} messages: {status}");
            if is_open {
                let resumed = direct.json("migrate tenants --resume").await;
                assert_eq!(resumed["run"], status["runs"][0]["id"]);
            }
        } else {
            direct.does("migrate tenants").await;
        }
        assert!(
            small
                .versions()
                .await
                .iter()
                .all(|(_, catalog, history)| (*catalog, *history) == (2, 2))
        );
        superuser.batch_execute(BACK).await.expect("version 1");
    }
    assert!(resumed > 20, "only {resumed} of {n} messages were within the run");
    crate::tell(&format!("`migrate` killed after each of {} messages", n - 1));
}
