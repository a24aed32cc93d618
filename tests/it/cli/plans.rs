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
    assert_snapshot!(tenantry.run("plan list").await, @r"
    exit status 0
    -- out
    there are no plans: `tenantry plan set default --in-flight 50` makes one for all tenants
    ");
    let pro = "plan set pro --in-flight 50 --statement-timeout 5s --storage-hard 10GiB";
    assert_snapshot!(tenantry.run(pro).await, @r"
    exit status 0
    -- out
    plan          pro
    tenants       0
    in flight     50
    statement     5000 ms
    rows          -
    storage soft  -
    storage hard  10.0 GB
    ");
    // What is not named stays.
    let changed = "plan set pro --in-flight none --rows 500 --json";
    assert_snapshot!(tenantry.run(changed).await, @r#"
    exit status 0
    -- out
    {"name":"pro","tenants":0,"limits":{"in_flight":null,"statement_timeout_ms":5000,"rows_per_request":500,"storage_soft_bytes":null,"storage_hard_bytes":10737418240}}
    "#);
    tenantry.does("plan set default --in-flight 20").await;
    assert_snapshot!(tenantry.run("plan list").await, @r"
    exit status 0
    -- out
    PLAN     TENANTS  IN FLIGHT  STATEMENT  ROWS  SOFT  HARD
    default  1        20         -          -     -     -
    pro      0        -          5000 ms    500   -     10.0 GB
    ");
    tenantry.does("tenant plan acme pro").await;
    assert_snapshot!(tenantry.run("plan show pro").await, @r"
    exit status 0
    -- out
    plan          pro
    tenants       1
    in flight     -
    statement     5000 ms
    rows          500
    storage soft  -
    storage hard  10.0 GB
    ");
    assert_snapshot!(tenantry.run("plan remove pro").await, @r"
    exit status 1
    -- err
    error: could not remove plan pro: there are tenants on it: 1
      next: give them another by `tenantry tenant plan`
    ");
    tenantry.does("tenant plan acme --none").await;
    assert_snapshot!(tenantry.run("plan remove pro").await, @r"
    exit status 0
    -- out
    plan pro is removed
    ");
}

#[tokio::test]
async fn a_tenant_has_exceptions_and_a_size() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    let pro = "plan set pro --in-flight 50 --rows 500 --storage-soft 1KiB";
    tenantry.does(pro).await;
    tenantry.does("tenant plan acme pro").await;
    let limited = "tenant limit acme --in-flight 80 --rows none";
    assert_snapshot!(tenantry.run(limited).await, @r"
    exit status 0
    -- out
    tenant        acme
    plan          pro
    in flight     80 (its own)
    statement     -
    rows          - (its own)
    storage soft  1.0 kB
    storage hard  -
    storage       not measured yet: `tenantry tenant measure`
    ");
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
    for (typed, said) in [
        (
            "tenant plan acme gold",
            "error: could not put tenant acme on a plan: there is no such plan\n  \
             next: `tenantry plan list` shows those there are, `tenantry plan set` makes one\n",
        ),
        (
            "plan set Gold --rows 5",
            "error: could not set plan Gold: a value is refused by plans_name_check\n  \
             next: a name is lower-case letters, digits, _ and -, a letter first, 40 at most\n",
        ),
        (
            "plan set pro --storage-soft 2GiB --storage-hard 1GiB",
            "error: could not set plan pro: a value is refused by plans_storage_check\n  \
             next: the soft limit of storage is at most the hard one\n",
        ),
        (
            "plan set pro --rows plan",
            "error: could not set plan pro: plan is a word for the limits of a tenant\n  \
             next: give a plan's limit a number, or none\n",
        ),
        (
            "plan set pro --rows 0",
            "error: invalid value '0' for '--rows <N>': a whole number from 1 to 10000 is the form, or none\n\n\
             For more information, try '--help'.\n",
        ),
        (
            "plan show pro",
            "error: could not show plan pro: there is no plan pro\n  next: `tenantry plan list` shows those there are\n",
        ),
        (
            "tenant limit globex",
            "error: could not show the limits of tenant globex: there is no organization globex\n  \
             next: `tenantry tenant list` shows those there are\n",
        ),
    ] {
        let ran = tenantry.run(typed).await;
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), said), "{typed}");
    }
}
