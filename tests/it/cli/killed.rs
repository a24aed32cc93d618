//! `tenant create` killed at every step, and eight of them at once: a tenant is there whole or not at all.

use futures_util::future::join_all;
use secrecy::ExposeSecret as _;
use tests::{Cluster, Proxy, TestDb};

use super::program::{Running, Tenantry};

const CREATE: &[&str] = &[
    "tenant",
    "create",
    "acme",
    "--name",
    "Acme",
    "--owner-email",
    "ann@acme.example",
];

/// What a creation makes, past row-level security: rows of the catalog, schemas, and the roles of the whole cluster.
const TRACES: &str = "\
select (select count(*) from catalog.organizations) + (select count(*) from catalog.organization_slugs)
         + (select count(*) from catalog.users) + (select count(*) from catalog.user_credentials)
         + (select count(*) from catalog.memberships) + (select count(*) from catalog.tenant_schemas)
         + (select count(*) from catalog.catalog_audit_logs where event_type <> 'signing_key.created'),
       (select count(*) from pg_namespace where nspname like 't\\_%'),
       (select count(*) from pg_authid where rolname like 't\\_%')";

async fn traces(t: &TestDb) -> (i64, i64, i64) {
    let superuser = t.as_superuser().await;
    let row = superuser.query_one(TRACES, &[]).await.expect("an answer");
    (row.get(0), row.get(1), row.get(2))
}

pub(super) async fn through(t: &TestDb, proxy: &Proxy) -> Tenantry {
    let direct = format!(":{}/", t.cluster().port().await);
    let url = t.owner_url();
    let url = url
        .expose_secret()
        .replace(&direct, &format!(":{}/", proxy.port()));
    Tenantry::on(t).await.with("DATABASE_URL", url)
}

/// Kills a creation when its `n`-th message has gone through. `false` if it ended before that.
async fn killed_after(n: u64, tenantry: &Tenantry, proxy: &Proxy) -> bool {
    let reached = proxy.hold_after(n);
    let mut creating: Running = tenantry.start(CREATE);
    let held = tokio::select! {
        reached = reached => reached.is_ok(),
        status = creating.child.wait() => {
            let status = status.expect("it ends");
            assert!(status.success(), "nobody killed it: {}", creating.rest_of_stderr().await);
            false
        }
    };
    if held {
        creating.kill().await;
        proxy.all_ended().await;
    }
    held
}

#[tokio::test]
async fn killed_at_any_step_it_leaves_nothing_and_can_be_run_again() {
    // Roles belong to the cluster: one of its own, to count them.
    let t = TestDb::on(Cluster::own().await).await;
    let nothing = traces(&t).await;
    assert_eq!(nothing, (0, 0, 0));
    let proxy = t.proxy().await;
    let tenantry = through(&t, &proxy).await;
    let mut n = 0;
    let whole = loop {
        n += 1;
        assert!(
            killed_after(n, &tenantry, &proxy).await,
            "it was done after {n} messages"
        );
        let found = traces(&t).await;
        if found != nothing {
            break found;
        }
    };
    // That message was COMMIT: only the answer was lost. Every one before left nothing.
    let last = n;
    assert!(last > 20, "only {last} messages");
    assert_eq!((whole.1, whole.2), (1, 2), "one schema, two roles");
    let again = tenantry.run(CREATE).await;
    assert_eq!(again.status, Some(1), "{again}");
    assert!(again.stderr.contains("the slug is taken"), "{again}");
    assert_eq!(traces(&t).await, whole);

    // After all those, another is made without a hitch, and is as whole.
    let globex = CREATE.iter().map(|word| match *word {
        "acme" => "globex",
        "ann@acme.example" => "gita@globex.example",
        word => word,
    });
    tenantry.does(&globex.collect::<Vec<_>>()).await;
    assert_eq!(traces(&t).await, (whole.0 * 2, 2, 4));
    crate::doctor::assert_healthy(&t, "after all kills").await;
    crate::tell(&format!("`tenant create` killed after each of {last} messages"));
}

#[tokio::test]
async fn of_eight_at_once_one_succeeds_and_seven_hear_that_the_slug_is_taken() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    let eight = join_all((0..8).map(|n| {
        let tenantry = &tenantry;
        async move {
            let email = format!("founder-{n}@acme.example");
            let mut create = CREATE.to_vec();
            create[CREATE.len() - 1] = &email;
            tenantry.run(&create).await
        }
    }))
    .await;
    let done = eight.iter().filter(|ran| ran.status == Some(0)).count();
    assert_eq!(done, 1, "{eight:?}");
    for ran in eight.iter().filter(|ran| ran.status != Some(0)) {
        assert_eq!(ran.to_string(), TAKEN);
    }
    let listed = tenantry.json(&["tenant", "list"]).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
}

const TAKEN: &str = "\
exit status 1
-- err
error: could not create tenant acme: the slug is taken
  next: choose another slug; `tenantry tenant list` shows those in use";
