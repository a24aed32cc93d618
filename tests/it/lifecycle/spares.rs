//! Spare schemas: what a tenant of one has, who gets which, and what a crash leaves of a claim.

use std::collections::BTreeSet;

use catalog::spare_schemas;
use catalog::tx::CatalogDb;
use catalog::users::User;
use tenant_schema::lifecycle::spares::{self, Filled};
use tenant_schema::lifecycle::{self, LifecycleError, Provisioned};
use tests::tenant::{owner, standalone};
use tests::{Cluster, TestDb};

use crate::doctor::assert_healthy;

use super::crash::through;
use super::leftovers::{leftovers, tenant_roles};

async fn fill(t: &TestDb, target: usize) -> Filled {
    let filled = spares::fill(t.catalog(), t.template(), target, t.source(), |_| {}).await;
    filled.expect("filled")
}

/// The schemas in the pool.
async fn pool(t: &TestDb) -> BTreeSet<String> {
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let spares = spare_schemas::list(&mut tx).await.expect("an answer");
    tx.rollback().await.expect("nothing to do");
    spares.into_iter().map(|spare| spare.schema.to_string()).collect()
}

async fn provision(
    t: &TestDb,
    db: &CatalogDb,
    slug: &str,
    who: &User,
) -> Result<Provisioned, LifecycleError> {
    let (new, owner, actor) = (standalone(slug), owner(who), t.actor());
    let mut tx = db.begin_unhurried().await?;
    let made = lifecycle::provision(&mut tx, t.template(), &new, &owner, &actor, t.source()).await?;
    tx.commit().await?;
    Ok(made)
}

#[tokio::test]
async fn a_tenant_takes_a_spare_and_works_as_one_that_was_built_for_it() {
    // Roles belong to the cluster, and the doctor looks at all of them.
    let t = TestDb::on(Cluster::own().await).await;
    assert_eq!(fill(&t, 2).await.built, 2);
    assert_eq!(fill(&t, 2).await, Filled::default(), "there are so many");
    assert_healthy(&t, "with spares and no tenant").await;
    let before = pool(&t).await;
    let acme = t.tenant("acme").await;
    assert!(before.contains(acme.schema.as_str()));
    let globex = t.tenant("globex").await;
    assert!(before.contains(globex.schema.as_str()) && acme.schema != globex.schema);
    assert_eq!(pool(&t).await, BTreeSet::new());
    let initech = t.tenant("initech").await;
    assert!(!before.contains(initech.schema.as_str()), "built in place");

    let tenants = t.tenants();
    for tenant in [&acme, &globex, &initech] {
        let records = tenant.records(&t, &tenants);
        records.insert("tags", r#"{"name":"a"}"#).await.expect("written");
        let tags = records.list("tags", "select=name").await.expect("a list");
        assert_eq!(tags, r#"[{"name":"a"}]"#, "its own and no others");
        let people = records.list("members", "select=is_owner").await.expect("a list");
        assert_eq!(people, r#"[{"is_owner":true}]"#);
    }
}

/// Says of all spares that they are of this version.
async fn mark(t: &TestDb, version: i32) {
    let mark = "update catalog.spare_schemas set template_version = $1";
    t.as_superuser()
        .await
        .execute(mark, &[&version])
        .await
        .expect("marked");
}

#[tokio::test]
async fn spares_of_an_earlier_version_are_left_and_then_replaced() {
    let t = TestDb::new().await;
    fill(&t, 2).await;
    let old = pool(&t).await;
    mark(&t, 1).await;
    let acme = t.tenant("acme").await;
    assert!(!old.contains(acme.schema.as_str()));
    let replaced = Filled {
        built: 1,
        removed: 2,
        later: 0,
    };
    assert_eq!(fill(&t, 1).await, replaced);
    let new = pool(&t).await;
    assert!(new.is_disjoint(&old) && new.len() == 1);
    assert_eq!(leftovers(&t).await.schemas, 2, "acme's and the spare");
    let removed = spares::remove_all(t.catalog()).await.expect("removed");
    assert_eq!((removed, leftovers(&t).await.schemas), (1, 1));
}

#[tokio::test]
async fn spares_of_a_later_version_are_left_to_the_release_that_built_them() {
    let t = TestDb::new().await;
    fill(&t, 2).await;
    let (there, later) = (pool(&t).await, t.template().latest() + 1);
    mark(&t, later).await;
    let none = Filled {
        later: 2,
        ..Filled::default()
    };
    assert_eq!(fill(&t, 2).await, none);
    let renewed = spares::renew(t.catalog(), t.template(), t.source()).await;
    assert_eq!(renewed.expect("nothing to do"), 0);
    assert_eq!(pool(&t).await, there);
    let acme = t.tenant("acme").await;
    assert!(!there.contains(acme.schema.as_str()), "built in place");
}

#[tokio::test]
async fn a_renewal_replaces_each_by_one_and_with_a_filling_at_once_there_are_no_more_than_wanted() {
    let t = TestDb::new().await;
    fill(&t, 3).await;
    let old = pool(&t).await;
    mark(&t, 1).await;
    let renewal = spares::renew(t.catalog(), t.template(), t.source());
    let (renewed, filled) = tokio::join!(renewal, fill(&t, 3));
    let renewed = renewed.expect("renewed");
    assert_eq!(renewed + filled.removed, 3, "{filled:?}");
    assert_eq!(renewed + filled.built, 3, "{filled:?}");
    let new = pool(&t).await;
    assert!(new.is_disjoint(&old) && new.len() == 3, "{new:?}");
    assert_eq!(leftovers(&t).await.schemas, 3);
}

#[tokio::test]
async fn no_login_of_others_keeps_the_pool_from_being_filled() {
    let t = TestDb::new().await;
    let stranger = t.as_server().await;
    let held = "begin; select pg_advisory_lock(1413829460, 2)";
    stranger.batch_execute(held).await.expect("anybody may");
    assert_eq!(fill(&t, 1).await.built, 1);
    let lock = "lock table catalog.spare_schemas in share update exclusive mode";
    let refused = stranger.batch_execute(lock).await.expect_err("the owner's alone");
    assert_eq!(
        refused.code().map(tokio_postgres::error::SqlState::code),
        Some("42501")
    );
}

#[tokio::test]
async fn two_who_claim_at_once_get_different_ones_and_two_who_fill_build_no_more_than_is_wanted() {
    let t = TestDb::new().await;
    let (one, other) = tokio::join!(fill(&t, 4), fill(&t, 4));
    assert_eq!(one.built + other.built, 4);
    let before = pool(&t).await;
    let who = t.user("ann@example.com").await;
    let db = t.owner_pool_of(4);
    let slugs = ["ant", "bee", "cat", "dog"];
    let made = slugs.map(|slug| provision(&t, &db, slug, &who));
    let made = futures_util::future::join_all(made).await;
    let schemas: BTreeSet<String> = made
        .into_iter()
        .map(|made| made.expect("a tenant").schema.to_string())
        .collect();
    assert_eq!(schemas, before);
}

#[tokio::test]
async fn a_claim_that_is_killed_at_any_message_leaves_the_spare_where_it_was() {
    let t = TestDb::new().await;
    fill(&t, 2).await;
    let proxy = t.proxy().await;
    let who = t.user("ann@example.com").await;
    let db = through(&t, &proxy).await;
    proxy.reset();
    provision(&t, &db, "ant", &who).await.expect("a tenant");
    let (messages, whole) = (proxy.tally().messages, leftovers(&t).await);
    drop(db);
    proxy.all_ended().await;
    let before = pool(&t).await;
    assert_eq!(before.len(), 1);
    for n in 1..messages {
        let db = through(&t, &proxy).await;
        proxy.cut_after(n);
        let killed = provision(&t, &db, "bee", &who).await;
        assert!(killed.is_err(), "killed after message {n} of {messages}");
        drop(db);
        proxy.all_ended().await;
        assert_eq!(pool(&t).await, before, "killed after message {n} of {messages}");
        assert_eq!(
            leftovers(&t).await,
            whole,
            "killed after message {n} of {messages}"
        );
    }
    let db = through(&t, &proxy).await;
    let bee = provision(&t, &db, "bee", &who).await.expect("a tenant");
    assert!(before.contains(bee.schema.as_str()));
    crate::tell(&format!("a claim killed after each of {messages} messages"));
}

/// Every schema is a spare's, and so is every pair of roles; says how many spares there are, and how many of these are of the
/// template's version.
async fn whole_spares(t: &TestDb, when: &str) -> (usize, usize) {
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let spares = spare_schemas::list(&mut tx).await.expect("an answer");
    tx.rollback().await.expect("nothing to do");
    let n = i64::try_from(spares.len()).expect("a few");
    assert_eq!(leftovers(t).await.schemas, n, "{when}");
    assert_eq!(tenant_roles(t).await, (2 * n, 2 * n), "{when}");
    let latest = t.template().latest();
    let ready = spares.iter().filter(|spare| spare.template_version == latest);
    (spares.len(), ready.count())
}

#[tokio::test]
async fn a_filling_that_is_killed_at_any_message_leaves_whole_spares_and_the_next_one_builds_the_rest() {
    let t = TestDb::on(Cluster::own().await).await;
    let proxy = t.proxy().await;
    let mut n = 0;
    loop {
        n += 1;
        let when = format!("killed after message {n}");
        // One is behind: it goes, and two come.
        fill(&t, 1).await;
        mark(&t, 1).await;
        let db = through(&t, &proxy).await;
        proxy.cut_after(n);
        let killed = spares::fill(&db, t.template(), 2, t.source(), |_| {}).await;
        drop(db);
        proxy.all_ended().await;
        let (spares, ready) = whole_spares(&t, &when).await;
        assert!(spares <= 2, "{when}: {spares}");
        assert_eq!(fill(&t, 2).await.built, 2 - ready, "{when}");
        assert_eq!(whole_spares(&t, &when).await, (2, 2), "{when}");
        spares::remove_all(t.catalog()).await.expect("removed");
        if killed.is_ok() {
            break;
        }
    }
    assert!(n > 20, "only {n} messages");
    assert_healthy(&t, "after all kills").await;
    crate::tell(&format!("a filling killed after each of {} messages", n - 1));
}

#[tokio::test]
async fn a_renewal_that_is_killed_at_any_message_leaves_as_many_as_there_were() {
    let t = TestDb::on(Cluster::own().await).await;
    let proxy = t.proxy().await;
    fill(&t, 2).await;
    let mut n = 0;
    loop {
        n += 1;
        let when = format!("killed after message {n}");
        mark(&t, 1).await;
        let db = through(&t, &proxy).await;
        proxy.cut_after(n);
        let killed = spares::renew(&db, t.template(), t.source()).await;
        drop(db);
        proxy.all_ended().await;
        let (spares, ready) = whole_spares(&t, &when).await;
        assert_eq!(spares, 2, "{when}");
        let renewed = spares::renew(t.catalog(), t.template(), t.source()).await;
        assert_eq!(renewed.expect("renewed"), 2 - ready, "{when}");
        assert_eq!(whole_spares(&t, &when).await, (2, 2), "{when}");
        if killed.is_ok() {
            break;
        }
    }
    assert!(n > 20, "only {n} messages");
    assert_healthy(&t, "after all kills").await;
    crate::tell(&format!("a renewal killed after each of {} messages", n - 1));
}
