//! `tenantry tenant seed`: a tenant without records is filled, once and whole.

use serde_json::Value;
use tests::TestDb;

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
