//! Tenants that are put away into a file and brought back, as an operator types it.

use std::path::Path;

use serde_json::Value;
use tests::{Cluster, TestApp, TestDb};
use tokio_postgres::Client;

use super::containers::{Scene, killed_after};
use super::program::Tenantry;
use crate::lifecycle::clone::{content, fill};

/// Schemas and roles of tenants in the whole cluster.
async fn traces(superuser: &Client) -> (i64, i64) {
    let sql = "select (select count(*) from pg_namespace where nspname like 't\\_%'),
                      (select count(*) from pg_authid where rolname like 't\\_%')";
    let row = superuser.query_one(sql, &[]).await.expect("an answer");
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn an_archived_tenant_is_gone_but_for_its_file_and_comes_back_as_it_was() {
    let t = TestDb::on(Cluster::own().await).await;
    let tenantry = Tenantry::on(&t).await;
    let acme = t.tenant("acme").await;
    let superuser = t.as_superuser().await;
    fill(&t.as_owner().await, &acme).await;
    let before = content(&superuser, acme.schema.as_str()).await;
    let refused = tenantry.run("tenant archive acme --to .").await;
    assert_eq!(refused.status, Some(1), "{refused}");
    let nowhere = tenantry.run("tenant archive acme --to nowhere --yes").await;
    assert_eq!(nowhere.status, Some(1), "{nowhere}");
    assert!(nowhere.stderr.contains("there is no folder nowhere"), "{nowhere}");
    assert_eq!(traces(&superuser).await, (1, 2));
    let archived = tenantry.json("tenant archive acme --to . --yes").await;
    assert_eq!(traces(&superuser).await, (0, 0), "schema and roles are gone");
    let file = archived["location"].as_str().expect("a place").to_owned();
    assert!(
        Path::new(&file).is_absolute() && Path::new(&file).exists(),
        "{file}"
    );
    crate::doctor::assert_healthy(&t, "archived").await;
    let shown = tenantry.json("tenant show acme").await;
    assert_eq!(shown["archived"]["sha256"], archived["sha256"]);
    assert_eq!(shown["status"], "cancelled");
    let again = tenantry.json("tenant archive acme --to . --yes").await;
    assert_eq!(again["changed"], false);

    for (command, says) in [
        ("tenant resume acme", "it is archived"),
        ("tenant undrop acme", "it is archived"),
        ("tenant export acme --output x", "its schema is gone"),
        (
            "tenant clone acme copy --owner-email x@y.example",
            "it was dropped",
        ),
    ] {
        let ran = tenantry.run(command).await;
        assert_eq!(ran.status, Some(1), "{command}: {ran}");
        assert!(ran.stderr.contains(says), "{command}: {ran}");
    }
    // Dropped and undropped it is still archived, and not served without a schema.
    tenantry.does("tenant drop acme --yes").await;
    tenantry.does("tenant undrop acme").await;
    assert_eq!(tenantry.json("tenant show acme").await["status"], "cancelled");

    let back = tenantry.json(&format!("tenant unarchive acme {file}")).await;
    assert_eq!(back["status"], "active");
    crate::doctor::assert_healthy(&t, "brought back").await;
    assert_eq!(
        back["schema"],
        acme.schema.as_str(),
        "its name is its own for life"
    );
    assert_eq!(content(&superuser, acme.schema.as_str()).await, before);
    assert_eq!(traces(&superuser).await, (1, 2));
    let shown = tenantry.json("tenant show acme").await;
    assert_eq!(shown["id"], acme.organization.to_string());
    assert_eq!(shown["members"].as_array().map(Vec::len), Some(1));
    assert_eq!(shown["archived"], Value::Null);
    let twice = tenantry.run(&format!("tenant unarchive acme {file}")).await;
    assert!(twice.stderr.contains("it is not archived"), "{twice}");
}

#[tokio::test]
async fn only_the_very_file_brings_a_tenant_back() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    t.tenant("acme").await;
    t.tenant("globex").await;
    tenantry
        .does("tenant export acme --output earlier.tenantry")
        .await;
    tenantry
        .does("tenant archive globex --to globex.tenantry --yes")
        .await;
    let taken = tenantry
        .run("tenant archive acme --to globex.tenantry --yes")
        .await;
    assert!(taken.stderr.contains("is no container of this tenant"), "{taken}");
    tenantry
        .does("tenant archive acme --to acme.tenantry --yes")
        .await;
    for (file, says) in [
        (
            "earlier.tenantry",
            "it is not the container that was written when the tenant was archived",
        ),
        (
            "globex.tenantry",
            "the container is of another tenant, then called globex",
        ),
    ] {
        let ran = tenantry.run(&format!("tenant unarchive acme {file}")).await;
        assert_eq!(ran.status, Some(1), "{ran}");
        assert!(ran.stderr.contains(says), "{ran}");
    }
    tenantry.does("tenant unarchive acme acme.tenantry").await;
    // What is purged for good leaves a proof that names the file.
    tenantry.does("tenant drop globex --yes --now").await;
    let proofs = tenantry.json("tenant erasures").await;
    let record = proofs[0]["record"].as_str().expect("a record");
    assert!(record.contains("globex.tenantry"), "{record}");
}

#[tokio::test]
async fn keys_are_good_again_and_meanwhile_there_is_nothing() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let key = acme.key(&["*:read"]).await;
    let tenantry = Tenantry::on(app.db()).await;
    let organization = catalog::changes::Change::Organization(acme.organization());
    for (command, status) in [
        ("tenant archive acme --to acme.tenantry --yes", 404),
        ("tenant unarchive acme acme.tenantry", 200),
    ] {
        let news = app.news();
        tenantry.does(command).await;
        news.tell(organization.clone()).await;
        let answer = key.get("/rest/v1/contacts").await;
        assert_eq!(answer.status(), status, "{command}");
    }
}

/// Whether the tenant is archived, and that it is nothing in between: served with its notes, or in a whole file.
async fn is_archived(scene: &Scene, n: u64) -> bool {
    let superuser = scene.small.t.as_superuser().await;
    let shown = scene.direct.json("tenant show ant").await;
    let (schemas, roles) = traces(&superuser).await;
    if shown["archived"].is_null() {
        assert_eq!((schemas, roles), (1, 2), "after message {n}");
        assert_eq!(
            (&shown["status"], &shown["state"]),
            (&"active".into(), &"ready".into())
        );
        let schema = shown["schema"].as_str().expect("a schema");
        let count = format!("select count(*) from {schema}.notes");
        let row = superuser.query_one(&count, &[]).await.expect("notes");
        assert_eq!(row.get::<_, i64>(0), 50, "after message {n}");
        return false;
    }
    assert_eq!((schemas, roles), (0, 0), "after message {n}");
    let file = shown["archived"]["location"].as_str().expect("a place");
    let look = format!("tenant import {file} --as copy --dry-run");
    let looked = scene.direct.json(&look).await;
    assert_eq!(looked["sha256"], shown["archived"]["sha256"]);
    true
}

#[tokio::test]
async fn killed_at_any_step_it_is_archived_or_it_is_not() {
    let scene = Scene::set(TestDb::on(Cluster::own().await).await).await;
    // Containers are of version 1 and tenants come back at version 2: it stays where it is.
    scene.direct.does("migrate").await;
    let file = scene.file("ant.tenantry");
    let archive = format!("tenant archive ant --to {file} --yes");
    let unarchive = format!("tenant unarchive ant {file}");
    let (mut n, mut m) = (0, 0);
    while !is_archived(&scene, n).await {
        n += 1;
        assert!(n < 300, "it never ends");
        killed_after(n, &scene.cut, &scene.proxy, &archive).await;
    }
    let again = scene.direct.json(&archive).await;
    assert_eq!(again["changed"], false);
    while is_archived(&scene, m).await {
        m += 1;
        assert!(m < 300, "it never ends");
        killed_after(m, &scene.cut, &scene.proxy, &unarchive).await;
    }
    assert!(n > 20 && m > 20, "{n} and {m} messages");
    crate::tell(&format!(
        "`tenant archive` killed after each of {n} messages, `unarchive` of {m}"
    ));
}
