//! What a tenant's roles have made for themselves: large objects, and temporary tables of sessions that died. They can make
//! nothing else, but of these as many as they like, and nothing of it hangs on the tenant's schema.
//!
//! `drop owned by` locks each of them, so that somebody with psql on a tenant could make the end of it impossible, and fill
//! the lock table which all sessions share. So they are counted first, and large objects go by as many as fit. Temporary
//! tables can be dropped one by one by superusers only; where they are too many, autovacuum has to find them first, which
//! removes those of dead sessions (PostgreSQL documentation, section 25.1.6).

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;

use super::purge::budget::{self, dependents};

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

/// Removes as many large objects as a transaction with so many locks may; none if there are none. Whoever calls it is a
/// member of the roles.
pub(super) async fn unlink_some(tx: &mut Transaction, roles: &[String], room: i64) -> Result<usize, PgError> {
    let most = (room - budget::BESIDES).max(1);
    Ok(tx.rows(UNLINK, &[&roles, &most]).await?.len())
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
