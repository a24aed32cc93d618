//! What a tenant's roles have made for themselves: large objects, and temporary tables of sessions that died. They can make
//! nothing else, but of these as many as they like, and nothing of it hangs on the tenant's schema.
//!
//! `drop owned by` locks each of them, so that somebody with psql on a tenant could make the end of it impossible, and fill
//! the lock table which all sessions share. So they are counted first, and go by as many as fit.

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;

use super::LifecycleError;
use super::purge::budget::{self, dependents, droppable};

/// The locks that removing them takes.
pub(super) async fn locks(tx: &mut Transaction, roles: &[String]) -> Result<i64, PgError> {
    let row = tx.row(LOCKS, &[&roles]).await?;
    Ok(row.map_or(0, |row| row.get("locks")))
}

/// How many large objects there are.
pub(super) async fn large_objects(tx: &mut Transaction, roles: &[String]) -> Result<i64, PgError> {
    let row = tx.row(LARGE_OBJECTS, &[&roles]).await?;
    Ok(row.map_or(0, |row| row.get("n")))
}

/// Removes as many as fit, large objects first. Whoever calls it is a member of the roles.
pub(super) async fn drop_some(
    tx: &mut Transaction,
    roles: &[String],
    room: i64,
) -> Result<(), LifecycleError> {
    if large_objects(tx, roles).await? > 0 {
        let most = (room - budget::BESIDES).max(1);
        tx.rows(UNLINK, &[&roles, &most]).await?;
        return Ok(());
    }
    let tables = budget::relations(tx, TEMPORARY, &roles).await?;
    budget::check(&tables, room)?;
    Ok(budget::drop_some(tx, &tables, room).await?)
}

pub(crate) const LOCKS: &str = dependents!(
    "select d.classid, d.objid from pg_catalog.pg_shdepend d
   where d.refclassid = 'pg_catalog.pg_authid'::regclass and d.deptype = 'o'
     and d.refobjid in (select r.oid from pg_catalog.pg_roles r where r.rolname = any($1::text[]))
     and d.dbid = (select b.oid from pg_catalog.pg_database b where b.datname = pg_catalog.current_database())",
    "select pg_catalog.count(*) as locks from gone"
);

pub(crate) const LARGE_OBJECTS: &str = "\
select pg_catalog.count(*) as n from pg_catalog.pg_largeobject_metadata m
 where m.lomowner in (select r.oid from pg_catalog.pg_roles r where r.rolname = any($1::text[]))";

pub(crate) const UNLINK: &str = "\
select pg_catalog.lo_unlink(m.oid) as unlinked from (
  select m.oid from pg_catalog.pg_largeobject_metadata m
   where m.lomowner in (select r.oid from pg_catalog.pg_roles r where r.rolname = any($1::text[]))
   limit $2) m";

pub(crate) const TEMPORARY: &str = droppable!(
    "select c.oid from pg_catalog.pg_class c
    where c.relowner in (select r.oid from pg_catalog.pg_roles r where r.rolname = any($1::text[]))
      and c.relpersistence = 't' and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and not (c.relkind = 'S' and exists (
        select from pg_catalog.pg_depend d
         where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')))"
);
