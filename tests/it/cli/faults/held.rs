//! Locks that somebody holds for long: a reader of a tenant's table, an operator at work on the tenant's row.

use futures_util::future::join_all;

use super::super::program::Ran;
use super::{CLONE, Stage, assert_told};

/// What is done to a tenant whose table somebody reads, and whether it has to wait for them.
const WHILE_READ: &[(&str, bool)] = &[
    ("tenant suspend {x}", false),
    ("tenant rename {x} --name 'Another name'", false),
    ("tenant slug {x} {x}-moved", false),
    ("tenant pin {x}", false),
    ("tenant clone {x} {x}-clone --owner-email owner@ant.test", false),
    ("tenant export {x} --output {dir}/{x}.tenantry", false),
    ("tenant drop {x} --yes", false),
    ("doctor --only {x} --skip settings --fail-on error", false),
    ("tenant archive {x} --to {dir}/{x}.tenantry --yes", true),
    ("tenant drop {x} --yes --now", true),
    (
        "migrate tenants --only {x} --attempts 2 --lock-timeout 100ms",
        true,
    ),
];

/// What waits for an operator who holds the tenant's row.
const WHILE_CHANGED: &[&str] = &[
    "tenant suspend {x}",
    "tenant rename {x} --name 'Another name'",
    "tenant slug {x} {x}-moved",
    "tenant drop {x} --yes",
    "tenant drop {x} --yes --now",
    "tenant archive {x} --to {dir}/{x}.tenantry --yes",
    "tenant clone {x} {x}-clone --owner-email owner@ant.test",
];

/// A tenant for each command, `held-0` and so on.
async fn tenants(stage: &Stage, commands: impl Iterator<Item = &str>) -> Vec<String> {
    let home = stage.scene.direct.home().display().to_string();
    let mut typed = Vec::new();
    for (n, command) in commands.enumerate() {
        let slug = format!("held-{n}");
        stage.scene.direct.does(&CLONE.replace("{x}", &slug)).await;
        typed.push(command.replace("{x}", &slug).replace("{dir}", &home));
    }
    typed
}

async fn all(stage: &Stage, typed: &[String]) -> Vec<Ran> {
    join_all(typed.iter().map(|command| stage.scene.direct.run(command))).await
}

/// What waited in vain says so, with whose turn it is; done again when the lock is free, it is done.
async fn assert_waited_in_vain(stage: &Stage, command: &str, ran: &Ran) {
    assert!(matches!(ran.status, Some(1 | 2)), "{command}\n{ran}");
    assert!(ran.to_string().contains("SQLSTATE 55P03"), "{command}\n{ran}");
    if ran.status == Some(2) {
        assert_told(ran, command);
        assert!(
            ran.stderr
                .contains("next: run it again: somebody else is at work"),
            "{command}\n{ran}"
        );
    }
    stage.scene.direct.does(command).await;
}

#[tokio::test]
async fn a_long_reader_holds_up_only_what_removes_or_changes_tables_and_that_is_told() {
    let stage = Stage::set().await;
    let typed = tenants(&stage, WHILE_READ.iter().map(|(command, _)| *command)).await;
    let superuser = stage.scene.small.t.as_superuser().await;
    // The last is behind, so that there is something to migrate.
    superuser
        .batch_execute(crate::fleet::BACK)
        .await
        .expect("version 1");
    let current = "migrate tenants --only ";
    let others: Vec<String> = (0..WHILE_READ.len() - 1).map(|n| format!("held-{n}")).collect();
    stage
        .scene
        .direct
        .does(&format!("{current}{}", others.join(",")))
        .await;
    let schemas = superuser
        .query("select schema_name from catalog.tenant_schemas", &[])
        .await
        .expect("schemas");
    superuser.batch_execute("begin").await.expect("a transaction");
    for row in schemas {
        let read = format!("select count(*) from {}.notes", row.get::<_, &str>(0));
        superuser.batch_execute(&read).await.expect("read");
    }
    let ran = all(&stage, &typed).await;
    for ((command, ran), (_, waits)) in typed.iter().zip(&ran).zip(WHILE_READ) {
        assert_eq!(ran.status != Some(0), *waits, "{command}\n{ran}");
    }
    stage.assert_no_error("while it is read").await;
    superuser.batch_execute("commit").await.expect("the end of it");
    for ((command, ran), (_, waits)) in typed.iter().zip(&ran).zip(WHILE_READ) {
        if *waits {
            assert_waited_in_vain(&stage, command, ran).await;
        }
    }
    stage.assert_no_error("after all").await;
}

#[tokio::test]
async fn an_operator_at_work_on_a_tenant_is_waited_for_and_then_told() {
    let stage = Stage::set().await;
    let typed = tenants(&stage, WHILE_CHANGED.iter().copied()).await;
    let owner = stage.scene.small.t.as_owner().await;
    let hold = "begin; select 1 from catalog.organizations where slug like 'held-%' for update";
    owner.batch_execute(hold).await.expect("held");
    let ran = all(&stage, &typed).await;
    owner.batch_execute("rollback").await.expect("let go");
    for (command, ran) in typed.iter().zip(&ran) {
        assert_waited_in_vain(&stage, command, ran).await;
    }
    stage.assert_no_error("after all").await;
}
