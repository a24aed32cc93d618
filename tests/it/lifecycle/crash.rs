//! Crashes while a tenant is made, at every place there is: nothing half-made stays.
//!
//! Three kinds: the client's connection is cut after each of its messages; its backend is killed at each command
//! that makes something (from within, by an event trigger); the whole server is killed after each message.

use catalog::organizations::NewOrganization;
use catalog::pg::pool::PoolSettings;
use catalog::tx::CatalogDb;
use catalog::users::User;
use tenant_schema::lifecycle::{self, LifecycleError, Provisioned};
use tests::tenant::{owner, standalone};
use tests::{Cluster, Proxy, TestDb};

/// What exists of tenants, counted as superuser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Leftovers {
    organizations: i64,
    rows: i64,
    pub(super) schemas: i64,
    tables: i64,
    roles: i64,
}

pub(super) async fn leftovers(t: &TestDb) -> Leftovers {
    let row = t
        .as_superuser()
        .await
        .query_one(LEFTOVERS, &[])
        .await
        .expect("an answer");
    Leftovers {
        organizations: row.get(0),
        rows: row.get(1),
        schemas: row.get(2),
        tables: row.get(3),
        roles: row.get(4),
    }
}

/// Roles belong to the cluster, so only those count that this database's server login could use here: the ones that
/// no other test's schema can claim are told by the ids this test drew, see `roles_of`.
const LEFTOVERS: &str = "\
select (select count(*) from catalog.organizations),
       (select count(*) from catalog.tenant_schemas) + (select count(*) from catalog.memberships)
         + (select count(*) from catalog.organization_slugs) + (select count(*) from catalog.catalog_audit_logs),
       (select count(*) from pg_namespace where nspname like 't\\_%'),
       (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname like 't\\_%'),
       (select count(*) from pg_shdepend d join pg_authid a on a.oid = d.refobjid
         where d.dbid = (select oid from pg_database where datname = current_database())
           and d.deptype = 'a' and a.rolname like 't\\_%')";

#[track_caller]
fn is_nothing(left: Leftovers, when: &str) {
    assert_eq!(left, Leftovers::default(), "{when}");
}

pub(super) async fn assert_nothing_is_left(t: &TestDb) {
    is_nothing(leftovers(t).await, "afterwards");
}

fn through(t: &TestDb, proxy: &Proxy) -> CatalogDb {
    CatalogDb::new(
        t.owner_config_through(proxy),
        PoolSettings {
            size: 1,
            ..PoolSettings::default()
        },
    )
}

async fn provision(
    t: &TestDb,
    db: &CatalogDb,
    new: &NewOrganization,
    person: &User,
) -> Result<Provisioned, LifecycleError> {
    let mut tx = db.begin_unhurried().await?;
    let made = lifecycle::provision(&mut tx, new, &owner(person), &t.actor(), t.source()).await?;
    tx.commit().await?;
    Ok(made)
}
