//! How many locks it takes to remove things, counted from the system catalogs before anything is locked.
//!
//! DROP locks each object it removes: tables, indexes, TOAST tables, sequences, constraints, triggers (four for each
//! foreign key), defaults, row types, rules, functions. These are what depends on the thing dropped, by way of `pg_depend`
//! (PostgreSQL documentation, section 52.18).

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use tokio_postgres::Row;

use crate::lifecycle::{LifecycleError, Refusal};

/// What a transaction of ours locks besides: rows of the catalog's tables, roles, the database.
pub(in crate::lifecycle) const BESIDES: i64 = 64;

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

/// A relation that can be dropped by itself.
#[derive(Debug)]
pub(super) struct Droppable {
    /// `drop …`
    statement: String,
    /// Its quoted name.
    name: String,
    /// The locks that takes.
    locks: i64,
}

impl Droppable {
    fn of(row: &Row) -> Self {
        let name: String = row.get("quoted");
        let kind = match row.get("kind") {
            "v" => "view",
            "m" => "materialized view",
            "f" => "foreign table",
            "S" => "sequence",
            _ => "table",
        };
        Self {
            // One before may have taken it along.
            statement: format!("drop {kind} if exists {name} cascade"),
            name,
            locks: row.get("locks"),
        }
    }
}

/// What there is to drop in a schema, those first that fewest others hang on: views before tables, partitions before what they are
/// of.
pub(super) async fn relations(tx: &mut Transaction, schema: &SchemaName) -> Result<Vec<Droppable>, PgError> {
    let rows = tx.rows(OF_RELATIONS, &[&schema.as_str()]).await?;
    Ok(rows.iter().map(Droppable::of).collect())
}

/// Whether each of these can be dropped by a transaction with so many locks.
///
/// # Errors
/// [`Refusal::TooManyLocks`] names the one that cannot.
pub(super) fn check(relations: &[Droppable], room: i64) -> Result<(), LifecycleError> {
    match relations.iter().max_by_key(|relation| relation.locks) {
        Some(costliest) if BESIDES + costliest.locks > room => {
            let what = format!("dropping {}", costliest.name);
            Err(too_many(what, BESIDES + costliest.locks, room))
        }
        _ => Ok(()),
    }
}

/// Drops as many as fit. There is at least one, and it fits.
pub(super) async fn drop_some(
    tx: &mut Transaction,
    relations: &[Droppable],
    room: i64,
) -> Result<(), PgError> {
    let mut taken = BESIDES;
    let fits = |relation: &&Droppable| {
        taken += relation.locks;
        taken <= room
    };
    let some = relations.iter().take_while(fits);
    let statements: Vec<&str> = some.map(|relation| relation.statement.as_str()).collect();
    tx.batch(&statements.join(";\n")).await
}

pub(super) fn too_many(what: String, needed: i64, room: i64) -> LifecycleError {
    Refusal::TooManyLocks { what, needed, room }.into()
}

/// What of others depends on the schema, and would go or lose something with it: views, tables with a foreign key or a
/// column, functions.
pub(super) async fn outside(tx: &mut Transaction, schema: &SchemaName) -> Result<Vec<String>, PgError> {
    let rows = tx.rows(OUTSIDE, &[&schema.as_str()]).await?;
    Ok(rows.iter().map(|row| row.get("what")).collect())
}

/// Everything that depends on what the first part finds, in however many steps.
macro_rules! dependents {
    ($first:literal, $rest:literal) => {
        concat!(
            "with recursive gone (class, object) as (",
            $first,
            " union
  select d.classid, d.objid from gone g
    join pg_catalog.pg_depend d on d.refclassid = g.class and d.refobjid = g.object
) ",
            $rest
        )
    };
}
pub(in crate::lifecycle) use dependents;

pub(crate) const OF_SCHEMA: &str = dependents!(
    "select 'pg_catalog.pg_namespace'::regclass::oid, n.oid from pg_catalog.pg_namespace n where n.nspname = $1",
    "select pg_catalog.count(*) as locks from gone"
);

// A rule is a view's, a trigger, a default and most constraints are a table's.
pub(crate) const OUTSIDE: &str = dependents!(
    "select 'pg_catalog.pg_namespace'::regclass::oid, n.oid from pg_catalog.pg_namespace n where n.nspname = $1",
    "select distinct case when c.oid is null then 'function' when c.relkind in ('v', 'm') then 'view' else 'table' end
         || ' ' || pg_catalog.quote_ident(n.nspname) || '.'
         || pg_catalog.quote_ident(coalesce(c.relname, p.proname)) as what
  from gone g
  left join pg_catalog.pg_rewrite w on g.class = 'pg_catalog.pg_rewrite'::regclass and w.oid = g.object
  left join pg_catalog.pg_trigger t on g.class = 'pg_catalog.pg_trigger'::regclass and t.oid = g.object
  left join pg_catalog.pg_attrdef a on g.class = 'pg_catalog.pg_attrdef'::regclass and a.oid = g.object
  left join pg_catalog.pg_constraint k on g.class = 'pg_catalog.pg_constraint'::regclass and k.oid = g.object
  left join pg_catalog.pg_class c on c.oid = coalesce(
    w.ev_class, t.tgrelid, a.adrelid, k.conrelid,
    case when g.class = 'pg_catalog.pg_class'::regclass then g.object end)
  left join pg_catalog.pg_proc p on g.class = 'pg_catalog.pg_proc'::regclass and p.oid = g.object
  join pg_catalog.pg_namespace n on n.oid = coalesce(c.relnamespace, p.pronamespace)
 where n.nspname <> $1 and n.nspname !~ '^pg_(toast|temp)'
 order by what"
);

// By pg_depend, since pg_class has no index on its schema. A sequence that a column owns goes with its table. What hangs on
// two is counted for both, and a constraint twice: dropping a foreign key locks the other table too.
pub(crate) const OF_RELATIONS: &str = "\
with recursive root as (
  select c.oid from pg_catalog.pg_namespace n
    join pg_catalog.pg_depend s
      on s.refclassid = 'pg_catalog.pg_namespace'::regclass and s.refobjid = n.oid
     and s.classid = 'pg_catalog.pg_class'::regclass
    join pg_catalog.pg_class c on c.oid = s.objid
   where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
     and not (c.relkind = 'S' and exists (
       select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype in ('a', 'i')))
), gone (root, class, object) as (
  select r.oid, 'pg_catalog.pg_class'::regclass::oid, r.oid from root r
  union
  select g.root, d.classid, d.objid from gone g
    join pg_catalog.pg_depend d on d.refclassid = g.class and d.refobjid = g.object
)
select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname) as quoted, c.relkind::text as kind,
       pg_catalog.count(*)
         + pg_catalog.count(*) filter (where g.class = 'pg_catalog.pg_constraint'::regclass) as locks
  from gone g join pg_catalog.pg_class c on c.oid = g.root join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 group by c.oid, n.nspname, c.relname, c.relkind
 order by locks, c.oid desc";

pub(crate) const ROOM: &str = "\
select ((pg_catalog.current_setting('max_locks_per_transaction')::bigint
         * (pg_catalog.current_setting('max_connections')::bigint
            + pg_catalog.current_setting('max_prepared_transactions')::bigint))
        - (select pg_catalog.count(*) from pg_catalog.pg_locks)) / 2 as room";
