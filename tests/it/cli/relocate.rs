//! `tenant move` as an operator types it, and killed.

use insta::assert_snapshot;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tests::{Proxy, TestDb};

use super::containers::fill;
use super::program::{Tenantry, masked};
use crate::lifecycle::relocate::Two;
use crate::lifecycle::relocate::broken::{Stands, stands};

const ACME: &str = "tenant create acme --name 'Acme Industrial' --owner-email ann@acme.example";

/// The owner's URL, by way of a proxy where there is one.
async fn url(t: &TestDb, proxy: Option<&Proxy>) -> String {
    let direct = format!(":{}/", t.cluster().port().await);
    let port = proxy.map_or_else(|| direct.clone(), |proxy| format!(":{}/", proxy.port()));
    t.owner_url().expose_secret().replace(&direct, &port)
}

/// An operator of the one database who knows of the other.
async fn operator(two: &Two, (left, right): (Option<&Proxy>, Option<&Proxy>)) -> Tenantry {
    Tenantry::on(&two.here)
        .await
        .with("DATABASE_URL", url(&two.here, left).await)
        .with("TARGET_DATABASE_URL", url(&two.there, right).await)
}

#[tokio::test]
async fn a_tenant_moves_to_another_database_and_says_so() {
    let _masked = masked();
    let two = Two::new().await;
    let tenantry = operator(&two, (None, None)).await;
    let there = Tenantry::on(&two.there).await;
    tenantry.does(ACME).await;
    tenantry
        .does("key create acme --name K --scope 'contacts:read'")
        .await;
    fill(&two.here, "acme", 100).await;
    tenantry.does("domain add acme shop.example.com").await;
    let before = tenantry.json("tenant export acme --output before.tenantry").await;
    let moved = tenantry.json("tenant move acme").await;
    assert_eq!(moved["changed"], true);
    assert_eq!(
        moved["content"], before["content"],
        "every record, and nothing else"
    );
    assert_eq!((&moved["people"], &moved["keys"]), (&1.into(), &1.into()));
    let after = there.json("tenant export acme --output after.tenantry").await;
    assert_eq!(after["content"], before["content"]);
    let shown = there.json("tenant show acme").await;
    assert_eq!(
        (&shown["status"], &shown["state"]),
        (&"active".into(), &"ready".into())
    );
    assert_eq!(
        there.json("key list acme").await.as_array().map(Vec::len),
        Some(1)
    );

    let left = tenantry.json("tenant show acme").await;
    assert_eq!(
        (&left["state"], &left["moved"]["state"]),
        (&"moved".into(), &"moved".into())
    );
    let place = left["moved"]["to"].as_str().expect("a place");
    assert!(
        place.ends_with(two.there.name()) && !place.contains('@'),
        "no login, no password: {place}"
    );
    let again = tenantry.json("tenant move acme").await;
    assert_eq!(again["changed"], false);
    nothing_brings_it_back(&tenantry).await;
    let domains = "select count(*) from catalog.organization_domains";
    let left = two.here.as_superuser().await.query_one(domains, &[]).await;
    assert_eq!(
        left.expect("an answer").get::<_, i64>(0),
        0,
        "nobody could remove it"
    );
    it_moves_back(&two, (&tenantry, &there), &before).await;
}

/// What is left is nobody's to work on, but can be read by the owner.
async fn nothing_brings_it_back(tenantry: &Tenantry) {
    tenantry.does("tenant export acme --output left.tenantry").await;
    for (command, says) in [
        ("tenant undrop acme", "it has moved to"),
        ("psql acme", "the tenant has moved"),
        ("tenant suspend acme", "it has moved to"),
        ("tenant limit acme --in-flight 5", "it has moved to"),
        ("dba grant nobody acme", "it has moved to"),
        ("tenant pin acme", "it has moved to"),
        ("tenant archive acme --to . --yes", "it has moved to"),
        (
            "tenant clone acme copy --owner-email x@y.example",
            "it has moved to",
        ),
    ] {
        let ran = tenantry.run(command).await;
        assert_eq!(ran.status, Some(1), "{command}: {ran}");
        assert!(ran.stderr.contains(says), "{command}: {ran}");
    }
    assert_eq!(
        tenantry.json("migrate --plan").await["tenants"]["behind"],
        Value::Null
    );
    tenantry
        .does("doctor --skip capacity,settings,catalog-bloat")
        .await;
}

/// To go back is to move it back, when nothing of it is left here.
async fn it_moves_back(two: &Two, (tenantry, there): (&Tenantry, &Tenantry), before: &Value) {
    let home = url(&two.here, None).await;
    let back = format!("tenant move acme --to {home}");
    let refused = there.run(&back).await;
    assert_eq!(refused.status, Some(1));
    assert!(
        refused.stderr.contains("keeps what this tenant left there"),
        "{refused}"
    );
    assert!(!refused.to_string().contains(&home), "{refused}");
    tenantry.does("tenant drop acme --yes --now").await;
    let back = there.json(&back).await;
    assert_eq!(back["content"], before["content"]);
    assert_eq!(tenantry.json("tenant show acme").await["state"], "ready");
    let proofs = tenantry.json("tenant erasures").await;
    assert_eq!(proofs.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_cannot_be_moved_is_told_in_a_sentence() {
    let _masked = masked();
    let two = Two::new().await;
    let tenantry = operator(&two, (None, None)).await;
    tenantry.does(ACME).await;
    assert_snapshot!(tenantry.run("tenant move globex").await, @r"
    exit status 1
    -- err
    error: could not move tenant globex: there is no organization globex
      next: `tenantry tenant list` shows those there are
    ");
    let alone = Tenantry::on(&two.here).await;
    assert_snapshot!(alone.run("tenant move acme").await, @r"
    exit status 1
    -- err
    error: could not move tenant acme: no other database is named
      next: name it with --to postgres://owner@host/database, or in TARGET_DATABASE_URL
    ");
    assert_snapshot!(alone.run("tenant move acme --to db2").await, @r"
    exit status 1
    -- err
    error: could not move tenant acme: --to: a connection URL begins with postgres:// or postgresql://, as in postgres://user@host:5432/database
      next: --to takes a URL such as postgres://owner@host:5432/database
    ");
    let there = url(&two.there, None).await;
    let pooled = format!("tenant move acme --to {there}&pooler=transaction");
    assert_snapshot!(alone.run(&pooled).await, @r"
    exit status 1
    -- err
    error: could not move tenant acme: --to goes through a pooler
      next: name PostgreSQL itself with --to: a move holds transactions open
    ");
    let home = url(&two.here, None).await;
    assert_snapshot!(alone.run(&format!("tenant move acme --to {home}")).await, @r"
    exit status 1
    -- err
    error: could not move tenant acme: the other database is this one, or a copy of it
      next: name another database with --to
    ");
    let nowhere = there.replace(two.there.name(), "nowhere");
    let ran = alone.run(&format!("tenant move acme --to {nowhere}")).await;
    assert_eq!(ran.status, Some(2), "{ran}");
    assert!(
        ran.stderr.contains("the other database, ") && ran.stderr.contains("does not exist"),
        "{ran}"
    );
    let drop = "drop schema catalog cascade";
    two.there
        .as_superuser()
        .await
        .batch_execute(drop)
        .await
        .expect("gone");
    assert_snapshot!(tenantry.run("tenant move acme").await, @r"
    exit status 1
    -- err
    error: could not move tenant acme: the other database has no catalog
      next: run `tenantry init` there first
    ");
    assert_eq!(alone.json("tenant show acme").await["state"], "ready");
}

async fn create(tenantry: &Tenantry, slug: &str) {
    let create = format!("tenant create {slug} --name T --owner-email ann@acme.example");
    tenantry.does(&create).await;
}

/// Kills a move when its `n`-th message has gone through, unless it ends before.
async fn killed_after(n: u64, tenantry: &Tenantry, proxy: &Proxy, slug: &str) {
    let reached = proxy.hold_after(n);
    let mut moving = tenantry.start(&format!("tenant move {slug}"));
    let held = tokio::select! {
        reached = reached => reached.is_ok(),
        status = moving.child.wait() => {
            assert!(status.expect("it ends").success(), "nobody killed it: {}", moving.rest_of_stderr().await);
            false
        }
    };
    if held {
        moving.kill().await;
        proxy.all_ended().await;
    }
}

/// The doctor names the tenant and the command, and nobody can take it away.
async fn doubt_is_told_and_kept(tenantry: &Tenantry, slug: &str) {
    let told = tenantry.run("doctor --check moves").await;
    assert_eq!(told.status, Some(1), "{told}");
    let command = format!("tenantry tenant move {slug} --to");
    assert!(told.stdout.contains(&command), "{told}");
    let named = tenantry.run(&format!("doctor --check moves --only {slug}")).await;
    assert!(named.stdout.contains(&command), "{named}");
    tenantry
        .does(&format!("backup backup-{slug} --only {slug}"))
        .await;
    let key = tenantry
        .run(&format!("key create {slug} --name late --scope contacts:read"))
        .await;
    assert!(
        key.stderr.contains("it is not known whether it has arrived"),
        "{key}"
    );
    let kept = tenantry.run(&format!("tenant drop {slug} --yes --now")).await;
    let says = "it is not known whether it has arrived";
    assert!(kept.stderr.contains(says), "{kept}");
}

/// Kills it at each of its last messages on one side, from before the doubt is noted.
async fn killed_at_the_end(is_here: bool, last: u64) {
    let two = Two::new().await;
    let proxy = if is_here {
        two.here.proxy().await
    } else {
        two.there.proxy().await
    };
    let ways = if is_here {
        (Some(&proxy), None)
    } else {
        (None, Some(&proxy))
    };
    let direct = operator(&two, (None, None)).await;
    let tenantry = operator(&two, ways).await;
    // The first one leaves something to all others: the model of the template's version.
    for slug in ["ant-0", "ant-1"] {
        create(&direct, slug).await;
        proxy.reset();
        tenantry.does(&format!("tenant move {slug}")).await;
    }
    let all = proxy.tally().messages;
    let mut seen = Vec::new();
    let mut tenants = 2;
    for n in all.saturating_sub(last)..=all {
        let slug = format!("ant-{tenants}");
        if seen.last().is_none_or(|(_, last)| *last != Stands::Here) {
            create(&direct, &slug).await;
        }
        killed_after(n, &tenantry, &proxy, &slug).await;
        let found = stands(&two, &slug).await;
        seen.push((n, found));
        if [Stands::Doubted, Stands::Arrived].contains(&found) {
            doubt_is_told_and_kept(&direct, &slug).await;
        }
        if found != Stands::Here {
            direct.does(&format!("tenant move {slug}")).await;
            assert_eq!(
                stands(&two, &slug).await,
                Stands::There,
                "killed after message {n}"
            );
            tenants += 1;
        }
    }
    crate::doctor::assert_healthy(&two.here, "after all kills").await;
    crate::doctor::assert_healthy(&two.there, "after all kills").await;
    seen.dedup_by_key(|(_, found)| *found);
    let order: Vec<Stands> = seen.iter().map(|(_, found)| *found).collect();
    if is_here {
        assert_eq!(
            order,
            [Stands::Here, Stands::Doubted, Stands::Arrived, Stands::There]
        );
    } else {
        assert_eq!(order.first(), Some(&Stands::Here));
        assert!(order.is_sorted() && order.len() > 1, "{order:?}");
    }
    crate::tell(&format!(
        "`tenant move` killed after each of the last messages of {all} (here: {is_here}): {seen:?}"
    ));
}

#[tokio::test]
async fn killed_while_it_speaks_here() {
    killed_at_the_end(true, 96).await;
}

#[tokio::test]
async fn killed_while_it_speaks_there() {
    killed_at_the_end(false, 12).await;
}
