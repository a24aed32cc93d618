//! Requests that were planned for a version and meet the next one: they have waited for its migration's locks.

use std::time::Duration;

use futures_util::future::join_all;
use tests::TestDb;
use tokio::time::timeout;

use super::super::program::Running;
use super::{Client, FILES, PIECES, Served, template, tenant, tenantry};

/// Less than anybody waits for a lock here.
const PATIENCE: Duration = Duration::from_secs(40);

/// Asks until so many statements wait for a lock in this database.
async fn until_waiting(t: &TestDb, count: i64) {
    let superuser = t.as_superuser().await;
    let waiting = "select count(*) from pg_locks l join pg_database d on d.oid = l.database \
                   where d.datname = current_database() and not l.granted";
    loop {
        let row = superuser.query_one(waiting, &[]).await.expect("an answer");
        if row.get::<_, i64>(0) >= count {
            return;
        }
    }
}

/// What is asked, and whether by a statement that the connection has prepared.
async fn ask(client: &Client, what: usize) -> super::Answer {
    match what {
        0 => client.get("/rest/v1/orders").await,
        1 => client.get("/rest/v1/orders?select=name,dozens&limit=3").await,
        2 => client.get("/rest/v1/order_list").await,
        3 => client.order().await,
        4 => client.get("/rest/v1/rpc/total").await,
        _ => client.export().await,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waited_for_a_migration_is_told_to_ask_again() {
    let t = TestDb::new().await;
    // The migration of a tenant that has orders holds its locks until it is let go.
    let held = format!("{PIECES};\nselect pg_advisory_xact_lock(4242) from orders");
    let (old, new) = (
        template(&FILES[..1]),
        template(&[FILES[0], ("V2__pieces.sql", &held)]),
    );
    let gnu = tenant(&tenantry(&t, &old).await, "gnu").await;
    let served = Served::start(&t, &new).await;
    let client = served.client(&gnu);
    assert_eq!(client.order().await.status(), "201");
    for _ in 0..3 {
        client.settles_at(1).await;
    }

    let gate = t.as_superuser().await;
    gate.batch_execute("select pg_advisory_lock(4242)")
        .await
        .expect("taken");
    let migrating = tenantry(&t, &new).await;
    let mut migrating: Running = migrating.start("migrate tenants --lock-timeout 1m");
    timeout(PATIENCE, until_waiting(&t, 1)).await.expect("it waits");
    let asked: Vec<_> = (0..6)
        .map(|what| {
            let client = client.clone();
            tokio::spawn(async move { ask(&client, what).await })
        })
        .collect();
    timeout(PATIENCE, until_waiting(&t, 7))
        .await
        .expect("all of them wait");
    gate.batch_execute("select pg_advisory_unlock(4242)")
        .await
        .expect("let go");
    assert_eq!(migrating.end().await, Some(0));
    for (what, answer) in join_all(asked).await.into_iter().enumerate() {
        let answer = answer.expect("no panic");
        assert_eq!(
            answer.ask_again(),
            "tenant_changing",
            "request {what}: {answer:?}"
        );
    }
    client.settles_at(2).await;
    let count = client.get("/rest/v1/rpc/total").await.json();
    assert_eq!(count["orders"], 1, "what was refused was not done");
}
