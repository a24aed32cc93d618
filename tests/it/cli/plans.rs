//! Plans, exceptions and sizes, as an operator types them.

use insta::assert_snapshot;
use tests::TestDb;

use super::program::{Tenantry, masked};

const ACME: &str = "tenant create acme --name Acme --owner-email ann@acme.example";

#[tokio::test]
async fn plans_are_made_changed_shown_and_removed() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    assert_snapshot!(tenantry.run("plan list").await);
    assert_snapshot!(
        tenantry
            .run("plan set pro --in-flight 50 --statement-timeout 5s --storage-hard 10GiB")
            .await
    );
    // What is not named stays.
    assert_snapshot!(
        tenantry
            .run("plan set pro --in-flight none --rows 500 --json")
            .await
    );
    tenantry.does("plan set default --in-flight 20").await;
    assert_snapshot!(tenantry.run("plan list").await);
    tenantry.does("tenant plan acme pro").await;
    assert_snapshot!(tenantry.run("plan show pro").await);
    assert_snapshot!(tenantry.run("plan remove pro").await);
    tenantry.does("tenant plan acme --none").await;
    assert_snapshot!(tenantry.run("plan remove pro").await);
}

#[tokio::test]
async fn a_tenant_has_exceptions_and_a_size() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    tenantry
        .does("plan set pro --in-flight 50 --rows 500 --storage-soft 1KiB")
        .await;
    tenantry.does("tenant plan acme pro").await;
    assert_snapshot!(tenantry.run("tenant limit acme --in-flight 80 --rows none").await);
    let measured = tenantry.json("tenant measure").await;
    assert_eq!(measured["tenants"], 1);
    assert_eq!(measured["beyond"][0]["slug"], "acme");
    assert_eq!(measured["beyond"][0]["full"], false);
    let shown = tenantry.json("tenant limit acme").await;
    assert_eq!(shown["storage"], "beyond the soft limit");
    assert_eq!(shown["storage_bytes"], measured["bytes"]);
    assert_eq!(shown["limits"]["in_flight"], 80);
    assert_eq!(shown["limits"]["rows_per_request"], serde_json::Value::Null);
    assert_eq!(shown["exceptions"]["rows_per_request"], 0);
    let back = tenantry
        .json("tenant limit acme --in-flight plan --rows plan")
        .await;
    assert_eq!(back["limits"]["in_flight"], 50);
    assert_eq!(back["limits"]["rows_per_request"], 500);
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    assert_snapshot!(tenantry.run("tenant plan acme gold").await);
    assert_snapshot!(tenantry.run("plan set Gold --rows 5").await);
    assert_snapshot!(
        tenantry
            .run("plan set pro --storage-soft 2GiB --storage-hard 1GiB")
            .await
    );
    assert_snapshot!(tenantry.run("plan set pro --rows plan").await);
    assert_snapshot!(tenantry.run("plan set pro --rows 0").await);
    assert_snapshot!(tenantry.run("plan show pro").await);
    assert_snapshot!(tenantry.run("tenant limit globex").await);
}
