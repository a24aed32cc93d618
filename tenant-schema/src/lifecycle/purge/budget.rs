//! How many locks it takes to remove things, counted from the system catalogs before anything is locked.
//!
//! DROP locks each object it removes: tables, indexes, TOAST tables, sequences, constraints, triggers (four for each
//! foreign key), defaults, row types, rules, functions. These are what depends on the thing dropped, by way of `pg_depend`
//! (PostgreSQL documentation, section 52.18).

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;

use crate::lifecycle::{LifecycleError, Refusal};

/// What a transaction of ours locks besides: rows of the catalog's tables, roles, the database.
const BESIDES: i64 = 64;

/// The locks that `drop schema … cascade` takes in a transaction of ours.
pub(crate) async fn of_schema(tx: &mut Transaction, schema: &SchemaName) -> Result<i64, PgError> {
    let row = tx.row(OF_SCHEMA, &[&schema.as_str()]).await?;
    Ok(BESIDES + row.map_or(0, |row| row.get("locks")))
}

/// The locks that one transaction may take: half of those nobody has now, so that others find some too.
pub(crate) async fn room(tx: &mut Transaction) -> Result<i64, PgError> {
    let row = tx.row(ROOM, &[]).await?;
    Ok(row.map_or(0, |row| row.get("room")))
}

/// Drops as many relations of the schema as fit, those that fewest others hang on first: views before tables, partitions
/// before what they are of.
pub(super) async fn drop_some(
    tx: &mut Transaction,
    schema: &SchemaName,
    room: i64,
) -> Result<(), LifecycleError> {
    let (mut taken, mut statements) = (BESIDES, Vec::new());
    for row in tx.rows(OF_RELATIONS, &[&schema.as_str()]).await? {
        taken += row.get::<_, i64>("locks");
        let name: &str = row.get("quoted");
        if taken > room {
            if statements.is_empty() {
                return Err(too_many(format!("dropping {name}"), taken, room));
            }
            break;
        }
        let kind = match row.get("kind") {
            "v" => "view",
            "m" => "materialized view",
            "f" => "foreign table",
            "S" => "sequence",
            _ => "table",
        };
        // One before may have taken it along.
        statements.push(format!("drop {kind} if exists {schema}.{name} cascade"));
    }
    if statements.is_empty() {
        let needed = of_schema(tx, schema).await?;
        return Err(too_many(
            "dropping the functions and types".to_owned(),
            needed,
            room,
        ));
    }
    Ok(tx.batch(&statements.join(";\n")).await?)
}

fn too_many(what: String, needed: i64, room: i64) -> LifecycleError {
    Refusal::TooManyLocks { what, needed, room }.into()
}

/// Everything that depends on the schema, in however many steps.
pub(crate) const OF_SCHEMA: &str = "\
with recursive gone (class, object) as (
  select 'pg_catalog.pg_namespace'::regclass::oid, n.oid from pg_catalog.pg_namespace n where n.nspname = $1
  union
  select d.classid, d.objid from gone g
    join pg_catalog.pg_depend d on d.refclassid = g.class and d.refobjid = g.object
)
select count(*) as locks from gone";

/// The same for each relation that can be dropped by itself; a sequence that a column owns goes with its table. What hangs
/// on two is counted for both, and a constraint twice: dropping a foreign key locks the other table too.
pub(crate) const OF_RELATIONS: &str = "\
with recursive root as (
  select c.oid, c.relkind, c.relname from pg_catalog.pg_class c
   where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
     and not (c.relkind = 'S' and exists (
       select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')))
), gone (root, class, object) as (
  select r.oid, 'pg_catalog.pg_class'::regclass::oid, r.oid from root r
  union
  select g.root, d.classid, d.objid from gone g
    join pg_catalog.pg_depend d on d.refclassid = g.class and d.refobjid = g.object
)
select quote_ident(r.relname) as quoted, r.relkind::text as kind,
       count(*) + count(*) filter (where g.class = 'pg_catalog.pg_constraint'::regclass) as locks
  from root r join gone g on g.root = r.oid
 group by r.oid, r.relname, r.relkind
 order by locks, r.oid desc";

pub(crate) const ROOM: &str = "\
select ((current_setting('max_locks_per_transaction')::bigint
         * (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint))
        - (select count(*) from pg_catalog.pg_locks)) / 2 as room";
