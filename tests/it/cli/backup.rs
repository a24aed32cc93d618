//! All tenants into a folder, and the drill that they can be restored, as an operator types it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use tests::{Cluster, TestDb};

use super::containers::{Scene, killed_after};
use super::program::Tenantry;
use crate::lifecycle::clone::fill;

/// The files of a folder that are containers.
fn containers(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
    names.filter(|name| name.ends_with(".tenantry")).collect()
}

fn manifest(folder: &Path) -> Option<Value> {
    let json = std::fs::read(folder.join("manifest.json")).ok()?;
    Some(serde_json::from_slice(&json).expect("a manifest is whole or not there"))
}

/// The containers that the manifest names.
fn named(folder: &Path) -> BTreeSet<String> {
    let manifest = manifest(folder).expect("a manifest");
    let tenants = manifest["tenants"].as_array().expect("tenants").iter();
    tenants
        .map(|kept| kept["file"].as_str().expect("a file").to_owned())
        .collect()
}

#[tokio::test]
async fn a_backup_is_replaced_as_a_whole_and_can_be_restored() {
    let t = TestDb::on(Cluster::own().await).await;
    let tenantry = Tenantry::on(&t).await;
    let acme = t.tenant("acme").await;
    t.tenant("globex").await;
    fill(&t.as_owner().await, &acme).await;
    let superuser = t.as_superuser().await;
    superuser
        .batch_execute("alter role tenantry_owner createdb")
        .await
        .expect("the owner may make databases");
    let folder = tenantry.home().join("backup");
    let first = tenantry.json("backup backup --jobs 2").await;
    assert_eq!((&first["written"], &first["kept"]), (&2.into(), &0.into()));
    let before = containers(&folder);
    assert_eq!(before.len(), 2);
    assert_eq!(named(&folder), before);

    let drilled = tenantry.json("backup drill backup").await;
    let outcomes = drilled.as_array().expect("tenants");
    assert!(
        outcomes.len() == 2 && outcomes.iter().all(|one| one["error"].is_null()),
        "{drilled}"
    );
    // Nothing of it is left: no database, no role, no schema.
    let left = "select (select count(*) from pg_database where datname like 'tenantry\\_drill%'),
                       (select count(*) from pg_authid where rolname like 't\\_%')";
    let row = superuser.query_one(left, &[]).await.expect("an answer");
    assert_eq!((row.get(0), row.get(1)), (0_i64, 4_i64));

    let only = tenantry.json("backup backup --only acme").await;
    assert_eq!((&only["written"], &only["kept"]), (&1.into(), &1.into()));
    assert_eq!(
        containers(&folder),
        named(&folder),
        "what is not in the manifest any more is gone"
    );
    assert_eq!(containers(&folder).intersection(&before).count(), 1);

    // A tenant that cannot be exported keeps what it had, and is told.
    let without = format!("alter table {}.notes drop column content cascade", acme.schema);
    superuser.batch_execute(&without).await.expect("a DBA's");
    let acmes = |names: BTreeSet<String>| names.into_iter().find(|name| name.starts_with("acme."));
    let kept = acmes(named(&folder));
    let ran = tenantry.run("backup backup").await;
    assert_eq!(ran.status, Some(1), "{ran}");
    assert!(
        ran.stderr.contains("acme: its schema lacks notes.content"),
        "{ran}"
    );
    assert_eq!(acmes(named(&folder)), kept);

    // One that was altered on the disk is found.
    let altered = folder.join(kept.expect("a container"));
    let mut bytes = std::fs::read(&altered).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&altered, bytes).expect("it can be written");
    let ran = tenantry.run("backup drill backup").await;
    assert_eq!(ran.status, Some(1), "{ran}");
    // What it is found by depends on what stood there: a row, or how long a part is.
    let found = ["altered or damaged", "the container is malformed"];
    assert!(
        found.iter().any(|what| ran.stdout.contains(what)) && ran.stdout.contains("restored, and the same"),
        "{ran}"
    );
}

#[tokio::test]
async fn killed_at_any_step_the_backup_that_was_there_is_whole_and_the_run_goes_on() {
    let scene = Scene::set(TestDb::new().await).await;
    let folder = scene.file("backup");
    let backup = format!("backup {folder} --jobs 1");
    let path = Path::new(&folder);
    scene.direct.does(&backup).await;
    let first = manifest(path).expect("a manifest");
    let mut n = 0;
    while manifest(path).expect("a manifest") == first {
        n += 1;
        assert!(n < 300, "it never ends");
        killed_after(n, &scene.cut, &scene.proxy, &backup).await;
        assert!(named(path).is_subset(&containers(path)), "after message {n}");
    }
    assert!(n > 20, "only {n} messages");
    let resumed = scene.direct.json(&format!("{backup} --resume")).await;
    assert_eq!(resumed["failed"].as_array().map(Vec::len), Some(0));
    assert_eq!(named(path), containers(path));
    crate::tell(&format!("`backup` killed after each of {n} messages"));
}
