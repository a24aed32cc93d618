//! What exists of tenants, counted from outside: the measure of "nothing half-made stays".

use tests::TestDb;

/// Counts over the whole database, past row-level security.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Leftovers {
    pub(crate) organizations: i64,
    pub(crate) catalog_rows: i64,
    pub(crate) schemas: i64,
    pub(crate) relations: i64,
    pub(crate) functions: i64,
}

const COUNT: &str = "\
with tenant as (select oid from pg_namespace where nspname like 't\\_%')
select (select count(*) from catalog.organizations),
       (select count(*) from catalog.tenant_schemas) + (select count(*) from catalog.memberships)
         + (select count(*) from catalog.organization_slugs)
         + (select count(*) from catalog.catalog_audit_logs where event_type <> 'signing_key.created'),
       (select count(*) from tenant),
       (select count(*) from pg_class where relnamespace in (select oid from tenant)),
       (select count(*) from pg_proc where pronamespace in (select oid from tenant))";

/// Counts now.
pub(crate) async fn leftovers(t: &TestDb) -> Leftovers {
    let row = t
        .as_superuser()
        .await
        .query_one(COUNT, &[])
        .await
        .expect("an answer");
    Leftovers {
        organizations: row.get(0),
        catalog_rows: row.get(1),
        schemas: row.get(2),
        relations: row.get(3),
        functions: row.get(4),
    }
}

/// There is no tenant and no trace of one in this database.
pub(crate) async fn assert_nothing_is_left(t: &TestDb, when: &str) {
    assert_eq!(leftovers(t).await, Leftovers::default(), "{when}");
}

/// The roles of tenants and the server login's memberships in them. Both belong to the cluster, so only a test with a
/// cluster of its own can count them.
pub(crate) async fn tenant_roles(t: &TestDb) -> (i64, i64) {
    let row = t
        .as_superuser()
        .await
        .query_one(ROLES, &[])
        .await
        .expect("an answer");
    (row.get(0), row.get(1))
}

const ROLES: &str = "\
select (select count(*) from pg_authid where rolname like 't\\_%'),
       (select count(*) from pg_auth_members where member = 'tenantry_server'::regrole)";
