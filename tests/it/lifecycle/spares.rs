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
use super::leftovers::leftovers;

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
    assert_eq!(fill(&t, 2).await, Filled { built: 2, removed: 0 });
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

#[tokio::test]
async fn spares_of_another_version_are_left_and_then_replaced() {
    let t = TestDb::new().await;
    fill(&t, 2).await;
    let old = pool(&t).await;
    let back = "update catalog.spare_schemas set template_version = 1";
    t.as_owner().await.batch_execute(back).await.expect("version 1");
    let acme = t.tenant("acme").await;
    assert!(!old.contains(acme.schema.as_str()));
    assert_eq!(fill(&t, 1).await, Filled { built: 1, removed: 2 });
    let new = pool(&t).await;
    assert!(new.is_disjoint(&old) && new.len() == 1);
    assert_eq!(leftovers(&t).await.schemas, 2, "acme's and the spare");
    let removed = spares::remove_all(t.catalog()).await.expect("removed");
    assert_eq!((removed, leftovers(&t).await.schemas), (1, 1));
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
