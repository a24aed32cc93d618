//! The end of a tenant: everything of it goes, nothing of others, whatever breaks and whoever else is at it.

use catalog::departures;
use catalog::erasures::{self, Erasure};
use catalog::organizations;
use catalog::tx::CatalogDb;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tenant_schema::lifecycle::purge::{self, Due, Purge, Purged};
use tenant_schema::lifecycle::{LifecycleError, Refusal};
use tests::tenant::TestTenant;
use tests::{Cluster, Proxy, TestDb};

use super::crash::through;
use super::leftovers::{Leftovers, leftovers, tenant_roles};

/// Fewer than the shipped template needs at once, more than its largest table does.
pub(super) const FEW_LOCKS: Option<u32> = Some(480);

pub(crate) async fn drop_tenant(t: &TestDb, tenant: &TestTenant) {
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let organization = organizations::lock(&mut tx, tenant.organization)
        .await
        .expect("an answer")
        .expect("a tenant");
    let month = TimeDelta::days(30);
    departures::begin(&mut tx, &organization, month, &t.actor(), t.source())
        .await
        .expect("an answer")
        .expect("it was not dropped before");
    tx.commit().await.expect("committed");
}

async fn purge_by(
    t: &TestDb,
    db: &CatalogDb,
    tenant: &TestTenant,
    due: Due,
    max_locks: Option<u32>,
) -> Result<Purged, LifecycleError> {
    let how = Purge {
        due,
        max_locks,
        cascade: false,
        actor: &t.actor(),
        source: t.source(),
    };
    purge::purge(db, tenant.organization, how).await
}

pub(super) async fn now(
    t: &TestDb,
    tenant: &TestTenant,
    max_locks: Option<u32>,
) -> Result<Purged, LifecycleError> {
    purge_by(t, t.catalog(), tenant, Due::Now, max_locks).await
}

pub(super) async fn proofs(t: &TestDb) -> Vec<Erasure> {
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let proofs = erasures::list(&mut tx).await.expect("an answer");
    tx.rollback().await.expect("undone");
    proofs
}

/// What is left of a tenant that is gone: tombstones, the label's rest, audit entries, the proof.
pub(super) async fn assert_gone(t: &TestDb, tenant: &TestTenant, when: &str) {
    let sql = format!(
        "select concat_ws(' ',
            (select count(*) from pg_namespace where nspname = '{0}'),
            (select count(*) from pg_authid where rolname like '{0}%'),
            (select count(*) from catalog.memberships where organization_id = '{1}'),
            (select count(*) from catalog.departures where organization_id = '{1}'),
            (select count(*) from catalog.organization_slugs where organization_id = '{1}'),
            (select concat(status, name = slug, deleted_at is not null, contact_email) from catalog.organizations
              where id = '{1}'),
            (select state from catalog.tenant_schemas where organization_id = '{1}'),
            (select count(*) from catalog.erasures where organization_id = '{1}'))",
        tenant.schema, tenant.organization
    );
    let superuser = t.as_superuser().await;
    let row = superuser.query_one(&sql, &[]).await.expect("an answer");
    assert_eq!(row.get::<_, &str>(0), "0 0 0 0 1 cancelledtt dropped 1", "{when}");
}

#[tokio::test]
async fn a_purged_tenant_leaves_a_proof_and_no_trace_and_others_stay() {
    let t = TestDb::new().await;
    let (acme, globex) = (t.tenant("acme").await, t.tenant("globex").await);
    let superuser = t.as_superuser().await;
    let add = format!(
        "insert into {}.tags (name) select 'tag ' || n from generate_series(1, 7) n",
        acme.schema
    );
    superuser.batch_execute(&add).await.expect("seven tags");
    let refused = now(&t, &acme, None).await;
    assert!(
        matches!(refused, Err(LifecycleError::Refused(Refusal::NotDropped))),
        "{refused:?}"
    );
    drop_tenant(&t, &acme).await;
    let early = purge_by(&t, t.catalog(), &acme, Due::AfterGrace, None).await;
    assert!(
        matches!(early, Err(LifecycleError::Refused(Refusal::InGrace(_)))),
        "{early:?}"
    );
    t.clock().advance(TimeDelta::days(31));
    let purged = purge_by(&t, t.catalog(), &acme, Due::AfterGrace, None)
        .await
        .expect("it is due");
    assert_eq!(purged.transactions, 1);
    assert_gone(&t, &acme, "purged").await;
    let proofs = proofs(&t).await;
    assert_eq!(proofs, [purged.erasure]);
    assert!(proofs[0].holds());
    let record: Value = serde_json::from_str(&proofs[0].record).expect("JSON");
    assert_eq!(record["rows"]["tags"], 7);
    assert_eq!(record["rows"]["stages"], 6);
    assert_eq!(
        record["catalog"],
        json!({"memberships": 1, "sessions": 0, "api_keys": 0})
    );
    let rewritten = superuser
        .batch_execute("update catalog.erasures set record = '{}'")
        .await;
    assert!(rewritten.is_err(), "a proof is written once");
    let again = now(&t, &acme, None).await;
    assert!(
        matches!(again, Err(LifecycleError::Refused(Refusal::Gone))),
        "{again:?}"
    );
    let whole = format!("select count(*) from {}.stages", globex.schema);
    let row = superuser.query_one(&whole, &[]).await.expect("it is there");
    assert_eq!(row.get::<_, i64>(0), 6);
}

#[tokio::test]
async fn the_budget_is_what_postgresql_really_locks() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let survey = purge::survey(&mut tx, &acme.schema).await.expect("counted");
    let (needed, room) = (survey.needed, survey.room);
    tx.rollback().await.expect("undone");
    let owner = t.as_owner().await;
    let sql = format!("begin; drop schema {} cascade", acme.schema);
    owner.batch_execute(&sql).await.expect("dropped");
    let held = owner
        .query_one("select count(*) from pg_locks where pid = pg_backend_pid()", &[])
        .await
        .expect("an answer")
        .get::<_, i64>(0);
    owner.batch_execute("rollback").await.expect("undone");
    assert!(
        held <= needed && needed < held * 6 / 5,
        "{held} are held, {needed} were counted"
    );
    assert!(room > needed, "{room}");
    crate::tell(&format!(
        "dropping the CRM's schema takes {held} locks, {needed} by our count"
    ));
}

/// Cuts a purge in several transactions off when the first of them is committed.
async fn begin_purge(t: &TestDb, proxy: &Proxy, tenant: &TestTenant) {
    for n in 1.. {
        let db = through(t, proxy).await;
        proxy.cut_after(n);
        let outcome = purge_by(t, &db, tenant, Due::Now, FEW_LOCKS).await;
        drop(db);
        proxy.all_ended().await;
        assert!(outcome.is_err(), "cut after {n} messages");
        let mut tx = t.catalog().begin().await.expect("a transaction");
        let departure = departures::find(&mut tx, tenant.organization).await;
        tx.rollback().await.expect("undone");
        let departure = departure.expect("an answer").expect("it is not purged");
        if departure.purge_begun_at.is_some() {
            return;
        }
    }
}

#[tokio::test]
async fn a_schema_that_does_not_fit_goes_in_several_transactions_and_cannot_come_back() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    drop_tenant(&t, &acme).await;
    let too_few = now(&t, &acme, Some(70)).await;
    assert!(
        matches!(
            too_few,
            Err(LifecycleError::Refused(Refusal::TooManyLocks { .. }))
        ),
        "{too_few:?}"
    );
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let undone = departures::undo(&mut tx, acme.organization, &t.actor(), t.source()).await;
    assert!(
        matches!(undone, Ok(departures::Undone::Now(_))),
        "nothing has begun that cannot be ended: {undone:?}"
    );
    tx.rollback().await.expect("undone");
    let proxy = t.proxy().await;
    Box::pin(begin_purge(&t, &proxy, &acme)).await;
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let undone = departures::undo(&mut tx, acme.organization, &t.actor(), t.source()).await;
    assert_eq!(undone.expect("an answer"), departures::Undone::TooLate);
    tx.rollback().await.expect("undone");
    // It has begun, so its grace counts no more.
    let purged = purge_by(&t, t.catalog(), &acme, Due::AfterGrace, FEW_LOCKS)
        .await
        .expect("purged");
    assert!(purged.transactions > 3, "{}", purged.transactions);
    assert_gone(&t, &acme, "in several transactions").await;
    let record: Value = serde_json::from_str(&purged.erasure.record).expect("JSON");
    assert_eq!(record["rows"]["stages"], 6, "counted before the first table went");
}

#[tokio::test]
async fn of_two_who_purge_one_does_it_and_one_is_told() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    drop_tenant(&t, &acme).await;
    for max_locks in [None, FEW_LOCKS] {
        let tenant = if max_locks.is_none() {
            acme.clone()
        } else {
            let globex = t.tenant("globex").await;
            drop_tenant(&t, &globex).await;
            globex
        };
        let two = [t.owner_pool_of(1), t.owner_pool_of(1)];
        let [one, other] = &two;
        let (one, other) = tokio::join!(
            purge_by(&t, one, &tenant, Due::Now, max_locks),
            purge_by(&t, other, &tenant, Due::Now, max_locks)
        );
        let told = [one, other].into_iter().filter_map(Result::err);
        let told: Vec<LifecycleError> = told.collect();
        assert!(
            matches!(told.as_slice(), [LifecycleError::Refused(Refusal::Gone)]),
            "{told:?}"
        );
        assert_gone(&t, &tenant, "by one of two").await;
    }
}

#[tokio::test]
async fn somebody_elses_schema_is_not_removed_and_one_that_is_missing_is_no_hindrance() {
    let t = TestDb::new().await;
    let (acme, globex) = (t.tenant("acme").await, t.tenant("globex").await);
    let superuser = t.as_superuser().await;
    let sql = format!(
        "comment on schema {} is 'mine'; drop schema {} cascade",
        acme.schema, globex.schema
    );
    superuser.batch_execute(&sql).await.expect("a superuser may");
    drop_tenant(&t, &acme).await;
    drop_tenant(&t, &globex).await;
    let refused = now(&t, &acme, None).await;
    assert!(
        matches!(refused, Err(LifecycleError::Stamp { .. })),
        "{refused:?}"
    );
    now(&t, &globex, None).await.expect("the rest of it goes");
    assert_gone(&t, &globex, "its schema was gone").await;
}

/// Kills the client after each message of a purge, in one transaction and in several. Each time the tenant is as it was,
/// or a run more finishes it.
#[tokio::test]
async fn a_client_killed_after_any_message_leaves_all_or_what_the_next_run_finishes() {
    let t = TestDb::on(Cluster::own().await).await;
    let proxy = t.proxy().await;
    let mut told = Vec::new();
    for (slug, max_locks) in [("acme", None), ("globex", FEW_LOCKS)] {
        let tenant = t.tenant(slug).await;
        drop_tenant(&t, &tenant).await;
        let whole = leftovers(&t).await;
        let roles = tenant_roles(&t).await;
        let mut n = 0;
        loop {
            n += 1;
            let db = through(&t, &proxy).await;
            proxy.cut_after(n);
            let outcome = purge_by(&t, &db, &tenant, Due::Now, max_locks).await;
            drop(db);
            proxy.all_ended().await;
            let left = leftovers(&t).await;
            if outcome.is_ok() || proofs(&t).await.iter().any(|proof| proof.slug == tenant.slug) {
                break;
            }
            assert_eq!(tenant_roles(&t).await, roles, "cut after message {n}");
            if max_locks.is_none() {
                assert_eq!(left, whole, "cut after message {n}");
            }
            crate::doctor::assert_nothing_but_a_purge(&t, &format!("cut after message {n}")).await;
        }
        assert!(n > 10, "only {n} messages");
        assert_gone(&t, &tenant, "after all the cuts").await;
        let fewer = Leftovers {
            schemas: whole.schemas - 1,
            ..leftovers(&t).await
        };
        assert_eq!(leftovers(&t).await, fewer);
        told.push(n);
    }
    assert_eq!(tenant_roles(&t).await, (0, 0));
    crate::doctor::assert_healthy(&t, "after all the cuts").await;
    crate::tell(&format!("a purge was cut after each of {told:?} messages"));
}

/// The same with the whole server killed.
#[tokio::test]
async fn a_server_killed_after_any_message_leaves_all_or_what_the_next_run_finishes() {
    let t = TestDb::on(Cluster::own().await).await;
    let proxy = t.proxy().await;
    let acme = t.tenant("acme").await;
    drop_tenant(&t, &acme).await;
    let mut n = 0;
    while proofs(&t).await.is_empty() {
        n += 1;
        let db = through(&t, &proxy).await;
        let reached = proxy.hold_after(n);
        let mut purge = Box::pin(purge_by(&t, &db, &acme, Due::Now, FEW_LOCKS));
        tokio::select! {
            // What earlier rounds have left takes fewer messages.
            purged = &mut purge => {
                purged.expect("it is purged");
                break;
            }
            sent = reached => sent.expect("the message is sent"),
        }
        t.cluster().crash().await.expect("killed");
        assert!(purge.await.is_err(), "killed after message {n}");
        drop(db);
        t.cluster().recover().await.expect("it recovers");
        crate::doctor::assert_nothing_but_a_purge(&t, &format!("killed after message {n}")).await;
    }
    assert!(n > 10, "only {n} messages");
    assert_gone(&t, &acme, "after all the kills").await;
    assert_eq!(tenant_roles(&t).await, (0, 0));
}
