//! `tenantry tenant seed`: a tenant without records is filled, once and whole.

use serde_json::Value;
use tests::{Cluster, TestDb};

use super::program::{Ran, Tenantry};

async fn with_tenant(t: &TestDb, slug: &str) -> Tenantry {
    let tenantry = Tenantry::on(t).await;
    create(&tenantry, slug).await;
    tenantry
}

async fn create(tenantry: &Tenantry, slug: &str) {
    let create = format!("tenant create {slug} --name A --owner-email ann@{slug}.example");
    tenantry.does(&create).await;
}

/// What was refused, and what is to be done.
fn refusal(ran: &Ran) -> (Option<i32>, String) {
    (ran.status, ran.failure().to_string())
}

/// Whether members of the tenant own all contacts.
async fn all_are_owned(t: &TestDb) -> bool {
    let superuser = t.as_superuser().await;
    let schema = "select schema_name from catalog.tenant_schemas";
    let schema: String = superuser.query_one(schema, &[]).await.expect("a tenant").get(0);
    let owned = format!("select bool_and(owner_id is not null) from {schema}.contacts");
    superuser.query_one(&owned, &[]).await.expect("contacts").get(0)
}

/// What each table has that was told, counted one by one; and whether PostgreSQL knows of each how large it is.
async fn counted(t: &TestDb, told: &Value) -> (Value, bool) {
    let superuser = t.as_superuser().await;
    let schema = "select schema_name from catalog.tenant_schemas";
    let schema: String = superuser.query_one(schema, &[]).await.expect("a tenant").get(0);
    let (mut counted, mut is_analyzed) = (serde_json::Map::new(), true);
    for table in told.as_object().expect("an object").keys() {
        let count = format!(
            "select count(*), (select reltuples >= 0 from pg_class where oid = '{schema}.{table}'::regclass) from {schema}.{table}"
        );
        let row = superuser.query_one(&count, &[]).await.expect("a table");
        counted.insert(table.clone(), row.get::<_, i64>(0).into());
        is_analyzed &= row.get::<_, bool>(1);
    }
    (counted.into(), is_analyzed)
}

#[tokio::test]
async fn what_is_told_is_what_is_there() {
    let t = TestDb::new().await;
    let tenantry = with_tenant(&t, "acme").await;
    let seeded = tenantry.json("tenant seed acme --size medium").await;
    let (counted, is_analyzed) = counted(&t, &seeded["tables"]).await;
    assert_eq!(seeded["tables"], counted);
    assert!(is_analyzed, "the first queries are not planned for empty tables");
    for table in ["staff", "schedules", "deal_stage_history", "appointment_events"] {
        assert!(counted[table].as_i64() > Some(0), "{table}: {counted}");
    }
    let more = counted["contacts"].as_i64();
    assert!(more > Some(5_000), "more than one statement takes: {counted}");
    let noted = "select (to_jsonb(l) #>> '{}') from catalog.catalog_audit_logs l where event_type = 'organization.seeded'";
    let noted: String = t
        .as_superuser()
        .await
        .query_one(noted, &[])
        .await
        .expect("an entry")
        .get(0);
    assert!(noted.contains(&seeded["rows"].to_string()), "{noted}");
}

/// Neither by what fills it nor by who is let in.
#[tokio::test]
async fn what_others_have_made_there_is_not_run() {
    let t = TestDb::on(Cluster::own().await).await;
    let tenantry = with_tenant(&t, "acme").await;
    let superuser = t.as_superuser().await;
    let schema = "select schema_name from catalog.tenant_schemas";
    let schema: String = superuser.query_one(schema, &[]).await.expect("a tenant").get(0);
    let make = format!(
        "create role dba; create schema mine authorization dba; grant usage on schema {schema} to dba;
         grant trigger on {schema}.contacts, {schema}.members to dba;
         set role dba; create table mine.ran (who name); grant all on schema mine to public; grant all on mine.ran to public;
         create function mine.ran() returns trigger language plpgsql as
           'begin insert into mine.ran values (current_user); return new; end';
         create trigger ran before insert on {schema}.contacts for each row execute function mine.ran();
         create trigger ran before insert on {schema}.members for each row execute function mine.ran()"
    );
    superuser.batch_execute(&make).await.expect("made");
    for command in [
        "tenant seed acme --json",
        "user create --email bo@acme.example --organization acme --json",
    ] {
        let (status, why) = refusal(&tenantry.run(command).await);
        assert_eq!(status, Some(1), "{why}");
        assert!(
            why.contains("what would run with its owner's rights") && why.contains("of dba"),
            "{command}: {why}"
        );
    }
    let ran = "select count(*) from mine.ran";
    let ran: i64 = superuser.query_one(ran, &[]).await.expect("an answer").get(0);
    assert_eq!(ran, 0);
}

#[tokio::test]
async fn a_tenant_is_filled_once() {
    let t = TestDb::new().await;
    let tenantry = with_tenant(&t, "acme").await;
    let seeded = tenantry.json("tenant seed acme").await;
    let of = |table: &str| seeded["tables"][table].as_u64().unwrap_or_default();
    assert_eq!(
        (of("contacts"), of("companies"), of("deals")),
        (180, 40, 90),
        "{seeded}"
    );
    let tables = seeded["tables"].as_object().expect("an object").values();
    let sum: u64 = tables.filter_map(Value::as_u64).sum();
    assert_eq!(seeded["rows"].as_u64(), Some(sum));
    assert!(sum > 1_000, "{seeded}");
    assert!(all_are_owned(&t).await, "its members own the records");

    let again = tenantry.run("tenant seed acme --size medium --json").await;
    let (status, why) = refusal(&again);
    assert_eq!(status, Some(1));
    assert!(why.contains("acme has records already (in contacts)"), "{why}");
}

#[tokio::test]
async fn of_two_who_fill_a_tenant_one_is_told() {
    let t = TestDb::new().await;
    let tenantry = with_tenant(&t, "acme").await;
    let seed = "tenant seed acme --json";
    let (one, other) = tokio::join!(tenantry.run(seed), tenantry.run(seed));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [Some(0), Some(1)], "{one}{other}");
}

#[tokio::test]
async fn what_cannot_be_filled_is_refused_with_the_reason() {
    let t = TestDb::new().await;
    let tenantry = with_tenant(&t, "acme").await;
    let own = tempfile::tempdir().expect("a folder");
    std::fs::write(own.path().join("V1__a.sql"), "create table a (id integer)").expect("a file");
    create(&tenantry, "gone").await;
    tenantry.does("tenant drop gone --yes").await;
    create(&tenantry, "late").await;
    let lower = "update catalog.tenant_schemas s set template_version = template_version - 1 \
                   from catalog.organizations o where o.id = s.organization_id and o.slug = 'late'";
    t.as_owner().await.batch_execute(lower).await.expect("lowered");
    let own = format!("tenant seed acme --template {}", own.path().display());
    for (asked, says) in [
        ("tenant seed nobody", "there is no organization nobody"),
        ("tenant seed gone", "gone was dropped"),
        ("tenant seed late", "late is at version"),
        (own.as_str(), "not of a template of your own"),
    ] {
        let (status, why) = refusal(&tenantry.run(&format!("{asked} --json")).await);
        assert_eq!(status, Some(1), "{asked}");
        assert!(why.contains(says), "{asked}: {why}");
    }
    let usage = tenantry.run("tenant seed acme --size huge").await;
    assert_eq!(usage.status, Some(1));
    assert!(
        usage.stderr.contains("[possible values: small, medium, large]"),
        "{usage}"
    );
}
