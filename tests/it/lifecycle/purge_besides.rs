//! What a purge finds beside the tenant's own schema: what its roles made, what of others hangs on it, logins, failures.

use catalog::organizations;
use serde_json::{Value, json};
use tenant_schema::lifecycle::psql_login::{self, Reach};
use tenant_schema::lifecycle::purge::{self, Due, Purge};
use tenant_schema::lifecycle::{LifecycleError, Refusal};
use tests::TestDb;

use super::purge::{FEW_LOCKS, assert_gone, drop_tenant, now, proofs};

/// What somebody with psql can make: as many large objects and temporary tables as they like.
#[tokio::test]
async fn what_the_roles_made_for_themselves_goes_by_as_much_as_fits_and_is_counted() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let role = acme.schema.read_write_role();
    let superuser = t.as_superuser().await;
    let many = format!(
        "set role {role}; select lo_from_bytea(0, 'x') from generate_series(1, 1500); reset role;
         alter role {role} nologin"
    );
    superuser.batch_execute(&many).await.expect("a tenant's role may");
    let session = t.as_superuser().await;
    let temporary: Vec<String> = (1..=9)
        .map(|n| format!("create temp table t{n} (n int)"))
        .collect();
    let temporary = temporary.join(";");
    let temporary = format!("set role {role}; {temporary}");
    session
        .batch_execute(&temporary)
        .await
        .expect("a tenant's role may");
    drop_tenant(&t, &acme).await;
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let survey = purge::survey(&mut tx, &acme.schema).await.expect("counted");
    tx.rollback().await.expect("undone");
    assert!(survey.needed > 1500 + 9, "{survey:?}");
    let purged = now(&t, &acme, FEW_LOCKS).await.expect("purged");
    assert!(purged.transactions > 1500 / 260, "{}", purged.transactions);
    assert_gone(&t, &acme, "with all that its role had made").await;
    let record: Value = serde_json::from_str(&purged.erasure.record).expect("JSON");
    assert_eq!(record["large_objects"], 1500);
    let left = superuser
        .query_one("select count(*) from pg_largeobject_metadata", &[])
        .await;
    assert_eq!(left.expect("an answer").get::<_, i64>(0), 0);
}

#[tokio::test]
async fn what_of_others_hangs_on_it_is_named_and_goes_only_when_told() {
    let t = TestDb::new().await;
    let (acme, globex) = (t.tenant("acme").await, t.tenant("globex").await);
    let superuser = t.as_superuser().await;
    let reports = format!(
        "create schema reports;
         create view reports.companies as select name from {0}.companies union all select name from {1}.companies;
         create table reports.marks (tag uuid references {0}.tags (id))",
        acme.schema, globex.schema
    );
    superuser.batch_execute(&reports).await.expect("a superuser may");
    drop_tenant(&t, &acme).await;
    let named = ["table reports.marks", "view reports.companies"].map(str::to_owned);
    let mut tx = t.catalog().begin().await.expect("a transaction");
    let survey = purge::survey(&mut tx, &acme.schema).await.expect("looked at");
    tx.rollback().await.expect("undone");
    assert_eq!(survey.outside, named);
    let refused = now(&t, &acme, None).await;
    assert!(
        matches!(&refused, Err(LifecycleError::Refused(Refusal::Outside(what))) if *what == named),
        "{refused:?}"
    );
    // Only a superuser may drop what is a superuser's.
    let hand_over = "alter view reports.companies owner to tenantry_owner; alter table reports.marks owner to tenantry_owner;
        alter schema reports owner to tenantry_owner";
    superuser.batch_execute(hand_over).await.expect("handed over");
    let how = Purge {
        due: Due::Now,
        max_locks: None,
        cascade: true,
        actor: &t.actor(),
        source: t.source(),
    };
    purge::purge(t.catalog(), acme.organization, how)
        .await
        .expect("purged");
    assert_gone(&t, &acme, "with what hung on it").await;
    let left = "select to_regclass('reports.marks') is not null and to_regclass('reports.companies') is null";
    let row = superuser.query_one(left, &[]).await.expect("an answer");
    assert!(
        row.get::<_, bool>(0),
        "the view is gone, and of the table only its key"
    );
}

#[tokio::test]
async fn a_schema_under_another_name_is_not_erased_and_nothing_is_proved() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let superuser = t.as_superuser().await;
    let rename = format!("alter schema {} rename to aside", acme.schema);
    superuser.batch_execute(&rename).await.expect("a superuser may");
    drop_tenant(&t, &acme).await;
    let refused = now(&t, &acme, None).await;
    assert!(
        matches!(&refused, Err(LifecycleError::Refused(Refusal::Renamed(name))) if name == "aside"),
        "{refused:?}"
    );
    assert_eq!(proofs(&t).await, []);
    superuser
        .batch_execute("drop schema aside cascade")
        .await
        .expect("a superuser may");
    let purged = now(&t, &acme, None).await.expect("the rest of it goes");
    let record: Value = serde_json::from_str(&purged.erasure.record).expect("JSON");
    assert_eq!(
        (&record["schema_found"], &record["rows"], &record["rows_total"]),
        (&json!(false), &Value::Null, &Value::Null)
    );
}

/// `tenantry psql` locks the organization while it makes a login.
#[tokio::test]
async fn logins_made_while_it_is_removed_go_too() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    drop_tenant(&t, &acme).await;
    let db = t.owner_pool_of(1);
    let logins = async {
        let mut made = 0;
        loop {
            let mut tx = db.begin().await.expect("a transaction");
            if organizations::lock(&mut tx, acme.organization)
                .await
                .expect("an answer")
                .is_none()
            {
                break made;
            }
            psql_login::create(&mut tx, &acme.schema, Reach::ReadWrite, t.source())
                .await
                .expect("made");
            tx.commit().await.expect("committed");
            made += 1;
        }
    };
    let (purged, made) = tokio::join!(now(&t, &acme, None), logins);
    purged.expect("purged");
    assert_gone(&t, &acme, "with the logins").await;
    crate::tell(&format!("{made} logins were made while their tenant was removed"));
}

/// What PostgreSQL says of a failed migration may quote a row.
#[tokio::test]
async fn what_a_failed_migration_said_is_erased_too() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let superuser = t.as_superuser().await;
    let run = format!(
        "insert into catalog.migration_runs (id, state, target_version, pause_ms, started_by, started_at, ended_at)
           values ('{0}', 'stopped', 99, 0, 'operator:ann', now(), now());
         insert into catalog.migration_run_tenants (run_id, organization_id, wave, state, from_version, to_version, message)
           values ('{0}', '{0}', 1, 'failed', 1, 99, 'Key (name)=(Erika Mustermann) is duplicated.')",
        acme.organization
    );
    superuser.batch_execute(&run).await.expect("a superuser may");
    drop_tenant(&t, &acme).await;
    now(&t, &acme, None).await.expect("purged");
    let said = superuser
        .query_one("select message from catalog.migration_run_tenants", &[])
        .await;
    assert_eq!(
        said.expect("an answer").get::<_, &str>(0),
        "erased with the tenant"
    );
}
