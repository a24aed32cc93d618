//! The pool of spare schemas as an operator keeps it: filled by a service, and replaced with the fleet.

use nix::sys::signal::Signal;
use serde_json::Value;
use tests::{Cluster, TestDb};

use super::killed::through;
use super::program::{Running, Tenantry};
use crate::fleet::Small;

const WATCH: &str = "spare fill --target 2 --watch --every 1s --json";

async fn create(tenantry: &Tenantry, slug: &str) {
    let create = format!("tenant create {slug} --name A --owner-email ann@{slug}.example");
    tenantry.does(&create).await;
}

/// Builds so many, and says so.
async fn builds(worker: &mut Running, number: u64) {
    let document = worker.document().await;
    assert_eq!(document["built"], number, "{document}");
}

#[tokio::test]
async fn a_service_fills_up_what_is_taken_survives_the_database_and_ends_when_it_is_told() {
    let t = TestDb::on(Cluster::own().await).await;
    let tenantry = Tenantry::on(&t).await;
    let mut worker = tenantry.start(WATCH);
    builds(&mut worker, 2).await;
    create(&tenantry, "ant").await;
    builds(&mut worker, 1).await;

    let port = t.cluster().port().await;
    t.cluster().crash().await.expect("killed");
    worker
        .says("the spare schemas could not be filled up; trying again")
        .await;
    t.cluster().recover().await.expect("it recovers");
    assert_eq!(t.cluster().port().await, port, "the worker looks there");
    create(&tenantry, "bee").await;
    builds(&mut worker, 1).await;

    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.end().await, Some(0));
    let listed = tenantry.json("spare list").await;
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
    crate::doctor::assert_healthy(&t, "after the crash").await;
}

#[tokio::test]
async fn told_to_end_at_any_message_it_ends_well_and_leaves_nothing_half_made() {
    let t = TestDb::on(Cluster::own().await).await;
    let proxy = t.proxy().await;
    let (slow, direct) = (through(&t, &proxy).await, Tenantry::on(&t).await);
    let superuser = t.as_superuser().await;
    let whole = "select (select count(*) from pg_namespace where nspname like 't\\_%') \
                   = (select count(*) from catalog.spare_schemas)";
    let mut n = 0;
    let built = loop {
        n += 1;
        let reached = proxy.hold_after(n);
        let mut worker = slow.start(WATCH);
        tokio::select! {
            reached = reached => reached.expect("held"),
            document = worker.document() => break document,
        }
        worker.signal(Signal::SIGTERM);
        assert_eq!(worker.end().await, Some(0), "after message {n}");
        proxy.all_ended().await;
        let is_whole: bool = superuser.query_one(whole, &[]).await.expect("an answer").get(0);
        assert!(is_whole, "after message {n}");
        direct.does("spare drop --yes").await;
    };
    assert_eq!(built["built"], 2, "{built}");
    assert!(n > 20, "only {n} messages");
    crate::tell(&format!("a service told to end after each of {} messages", n - 1));
}

#[tokio::test]
async fn what_waiting_does_not_mend_ends_the_service() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await.with(
        "DATABASE_URL",
        format!(
            "postgres://nobody:wrong@127.0.0.1:{}/nowhere",
            t.cluster().port().await
        ),
    );
    let ran = tenantry.run("spare fill --watch").await;
    assert_eq!(ran.status, Some(2), "{ran}");
    assert!(ran.stderr.contains("check the login and the password"), "{ran}");
    let ran = tenantry.run("spare fill --watch --every 0s").await;
    assert_eq!(ran.status, Some(1), "{ran}");
    assert!(ran.stderr.contains("at least 1s is wanted"), "{ran}");
    let ran = tenantry.run("spare fill --every 5s").await;
    assert_eq!(ran.status, Some(1), "{ran}");
    assert!(ran.stderr.contains("--watch"), "{ran}");
}

#[tokio::test]
async fn several_services_build_no_more_than_is_wanted() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    let mut workers = [0; 3].map(|_| tenantry.start(WATCH));
    let mut built = 0;
    for worker in &mut workers {
        built += worker.document().await["built"].as_u64().expect("a number");
    }
    assert_eq!(built, 2);
    let listed = tenantry.json("spare list").await;
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
    for mut worker in workers {
        worker.signal(Signal::SIGINT);
        assert_eq!(worker.end().await, Some(0));
    }
}

#[tokio::test]
async fn migrate_replaces_the_spares_after_the_fleet() {
    let small = Small::with(&["ant", "bee"]).await;
    let folder = small.folder.path();
    let second = std::fs::read(folder.join("V2__labels.sql")).expect("it is there");
    std::fs::remove_file(folder.join("V2__labels.sql")).expect("it is ours");
    let tenantry = Tenantry::on(&small.t).await.with("TENANTRY_TEMPLATE", folder);
    tenantry.does("spare fill --target 2").await;
    std::fs::write(folder.join("V2__labels.sql"), second).expect("back");

    let versions = async || -> Vec<Value> {
        let listed = tenantry.json("spare list").await;
        let spares = listed.as_array().expect("a list");
        spares
            .iter()
            .map(|spare| spare["template_version"].clone())
            .collect()
    };
    tenantry.does("migrate tenants --only ant").await;
    assert_eq!(versions().await, [1, 1], "the fleet is not there yet");
    let schema = "select schema_name from catalog.tenant_schemas where template_version = 1";
    let owner = small.t.as_owner().await;
    let bee: String = owner.query_one(schema, &[]).await.expect("bee").get(0);
    let in_the_way = format!("create table {bee}.labels (id uuid)");
    owner.batch_execute(&in_the_way).await.expect("the owner may");
    let ran = tenantry.run("migrate tenants").await;
    assert_eq!(ran.status, Some(1), "{ran}");
    assert_eq!(versions().await, [1, 1], "the version is not one for new tenants");
    let gone = format!("drop table {bee}.labels");
    owner.batch_execute(&gone).await.expect("the owner may");
    let ran = tenantry.does("migrate tenants").await;
    assert_eq!(
        ran.stdout.trim_end(),
        "1 migrated to version 2, 0 failed, 2 spare schemas replaced"
    );
    assert_eq!(versions().await, [2, 2]);
    let again = tenantry.json("migrate tenants").await;
    assert_eq!(again["spares"], 0);
    create(&tenantry, "cat").await;
    assert_eq!(versions().await, [2], "it was taken");
}
