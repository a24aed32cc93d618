//! What cannot be moved, or not there, is refused before anybody is held off.

use catalog::resolve::Resolution;
use tests::TestDb;

use super::super::leftovers::{Leftovers, leftovers};
use super::{Asked, Two, relocate, resolution};

/// Makes it impossible by a statement in one of the databases, and possible again by another.
async fn refuses(two: &Two, there: bool, sql: (&str, &str), says: &str) {
    let superuser = if there {
        two.there.as_superuser().await
    } else {
        two.here.as_superuser().await
    };
    superuser.batch_execute(sql.0).await.expect("a statement");
    let before = leftovers(&two.there).await;
    let refused = two.moves("acme").await.expect_err(says).to_string();
    assert!(refused.contains(says), "{says}: {refused}");
    assert_eq!(leftovers(&two.there).await, before, "{says}");
    superuser.batch_execute(sql.1).await.expect("a statement");
    let left = "select count(*) from catalog.moves";
    let row = two.here.as_superuser().await.query_one(left, &[]).await;
    assert_eq!(row.expect("an answer").get::<_, i64>(0), 0, "{says}");
}

#[tokio::test]
async fn whatever_the_tenant_is() {
    let two = Two::new().await;
    let acme = two.here.tenant("acme").await;
    let schema = &acme.schema;
    let state = |state: &str| format!("update catalog.tenant_schemas set state = '{state}'");
    let status = |status: &str| format!("update catalog.organizations set status = '{status}'");
    for (make, unmake, says) in [
        (state("maintenance"), state("ready"), "its state is maintenance"),
        (state("dropped"), state("ready"), "its schema is gone"),
        (status("cancelled"), status("active"), "it was dropped"),
        (
            "update catalog.tenant_schemas set engine_version = 1".to_owned(),
            "update catalog.tenant_schemas set engine_version = 2".to_owned(),
            "waits for a migration",
        ),
        (
            "update catalog.tenant_schemas set template_version = 99".to_owned(),
            as_it_was(&two.here),
            "its template version is 99",
        ),
        (
            format!(
                "create table {schema}.mine (id integer); alter table {schema}.mine owner to tenantry_owner"
            ),
            format!("drop table {schema}.mine"),
            "stands beside the template: mine",
        ),
        (
            format!("alter table {schema}.notes rename content to contents"),
            format!("alter table {schema}.notes rename contents to content"),
            "its schema lacks notes.content",
        ),
        (
            format!("comment on schema {schema} is 'somebody else''s'"),
            format!(
                "comment on schema {schema} is '{}'",
                tenant_schema::lifecycle::stamp(acme.organization)
            ),
            "does not bear the stamp",
        ),
    ] {
        refuses(&two, false, (&make, &unmake), says).await;
    }
    let beside =
        format!("create table {schema}.mine (id integer); alter table {schema}.mine owner to tenantry_owner");
    two.here
        .as_superuser()
        .await
        .batch_execute(&beside)
        .await
        .expect("a table");
    let asked = Asked {
        leave_out: true,
        ..Asked::default()
    };
    let moved = relocate(&two.here, &two.there, (None, None), "acme", asked).await;
    assert_eq!(super::copied(moved).left_out, ["mine"]);
}

fn as_it_was(t: &TestDb) -> String {
    let latest = t.template().latest();
    format!("update catalog.tenant_schemas set template_version = {latest}")
}

#[tokio::test]
async fn whatever_the_other_database_is() {
    let two = Two::new().await;
    let acme = two.here.tenant("acme").await;
    let other = two.there.tenant("other").await;
    let slug = |slug: &str| {
        format!(
            "update catalog.organizations set slug = '{slug}' where id = '{}'",
            other.organization
        )
    };
    let free = "delete from catalog.organization_slugs";
    let known = format!(
        "insert into catalog.organizations (id, kind, slug, name) values ('{}', 'platform', 'known', 'K')",
        acme.organization
    );
    let known =
        format!("set session_replication_role = replica; {known}; set session_replication_role = origin");
    let unknown = format!(
        "delete from catalog.organizations where id = '{}'; {free}",
        acme.organization
    );
    let erased = format!(
        "{known}; update catalog.organizations set deleted_at = now() where id = '{}'",
        acme.organization
    );
    for (make, unmake, says) in [
        (
            "alter table catalog.refinery_schema_history rename to h".to_owned(),
            "alter table catalog.h rename to refinery_schema_history".to_owned(),
            "has no catalog",
        ),
        (
            "insert into catalog.refinery_schema_history select 999, 'x', 'x', 'x'".to_owned(),
            "delete from catalog.refinery_schema_history where version = 999".to_owned(),
            "the catalog of the other database is at version 999",
        ),
        (
            "update catalog.tenant_schemas set template_version = 99".to_owned(),
            as_it_was(&two.there),
            "has tenants at version 99",
        ),
        (known, unknown.clone(), "has this tenant already"),
        (erased, unknown, "was erased in the other database"),
        (
            slug("acme"),
            format!("{}; {free}", slug("other")),
            "the slug is taken",
        ),
        (
            format!("{}; {}", slug("acme"), slug("other")),
            free.to_owned(),
            "rests for 90 days",
        ),
        (
            "insert into catalog.reserved_slugs (slug, reason) values ('acme', 'x')".to_owned(),
            "delete from catalog.reserved_slugs where slug = 'acme'".to_owned(),
            "the slug is reserved",
        ),
    ] {
        refuses(&two, true, (&make, &unmake), says).await;
    }
}

#[tokio::test]
async fn one_without_the_plan_and_the_very_same_one() {
    let two = Two::new().await;
    two.here.tenant("acme").await;
    two.here
        .as_superuser()
        .await
        .batch_execute(
            "insert into catalog.plans (name, updated_at) values ('pro', now());
             insert into catalog.tenant_plans (organization_id, plan, updated_at)
               select organization_id, 'pro', now() from catalog.tenant_schemas",
        )
        .await
        .expect("a plan");
    refuses(
        &two,
        true,
        (
            "",
            "insert into catalog.plans (name, updated_at) values ('pro', now())",
        ),
        "is on the plan pro",
    )
    .await;
    let itself = relocate(&two.here, &two.here, (None, None), "acme", Asked::default()).await;
    let refused = itself.expect_err("it is there").to_string();
    assert_eq!(refused, "the other database is this one, or a copy of it");
    super::copied(two.moves("acme").await);
}

#[tokio::test]
async fn a_client_finds_its_agency_there_or_stays() {
    let two = Two::new().await;
    let acme = two.here.tenant("acme").await;
    let agency = "insert into catalog.organizations (id, kind, slug, name) values (gen_random_uuid(), 'platform', 'plat', 'P');
        insert into catalog.organizations (id, kind, parent_id, slug, name)
          select gen_random_uuid(), 'agency', id, 'studio', 'S' from catalog.organizations where slug = 'plat'";
    let client = format!(
        "{agency}; update catalog.organizations set kind = 'client',
           parent_id = (select id from catalog.organizations where slug = 'studio') where id = '{}'",
        acme.organization
    );
    two.here
        .as_superuser()
        .await
        .batch_execute(&client)
        .await
        .expect("a client");
    refuses(&two, true, ("", agency), "belongs to the agency studio").await;
    super::copied(two.moves("acme").await);
    let parent = "select p.slug from catalog.organizations o join catalog.organizations p on p.id = o.parent_id where o.slug = 'acme'";
    let row = two.there.as_superuser().await.query_one(parent, &[]).await;
    assert_eq!(row.expect("a parent").get::<_, &str>(0), "studio");
}

#[tokio::test]
async fn a_database_that_was_never_prepared() {
    let two = Two::new().await;
    two.here.tenant("acme").await;
    let bare: &TestDb = &two.there;
    let drop = "drop schema catalog cascade";
    bare.as_superuser().await.batch_execute(drop).await.expect("gone");
    let refused = two.moves("acme").await.expect_err("no catalog").to_string();
    assert_eq!(refused, "the other database has no catalog");
    assert!(matches!(
        resolution(&two.here, "acme").await,
        Resolution::Active(_)
    ));
    let none = Leftovers::default();
    assert_eq!(none.schemas, 0);
}
