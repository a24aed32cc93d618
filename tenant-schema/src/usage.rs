//! What tenants use: disk, statements, and what runs at this moment. Read from PostgreSQL's own books, in one query for all
//! tenants; no tenant's table is looked into.

use std::collections::HashMap;
use std::str::FromStr as _;

use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;
use catalog::tx::CatalogTx;
use chrono::{DateTime, Utc};
use tokio_postgres::Row;

/// What the tables of a tenant take on disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Tables.
    pub tables: i64,
    /// Rows, as PostgreSQL estimates them.
    pub rows: i64,
    /// The tables themselves.
    pub heap: i64,
    /// Their indexes.
    pub indexes: i64,
    /// Values too long for a row, with their own index.
    pub toast: i64,
    /// All of it, with maps of free space and visibility.
    pub total: i64,
}

/// What was done to tables since their statistics were reset.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Activity {
    /// Rows that were inserted.
    pub inserted: i64,
    /// Rows that were updated.
    pub updated: i64,
    /// Rows that were deleted.
    pub deleted: i64,
    /// Scans of whole tables.
    pub sequential_scans: i64,
    /// Scans by way of an index.
    pub index_scans: i64,
    /// Rows that live.
    pub live: i64,
    /// Rows that are dead and not vacuumed yet.
    pub dead: i64,
    /// When one of the tables was last vacuumed, by hand or by itself.
    pub vacuumed_at: Option<DateTime<Utc>>,
}

/// A session that is in a transaction with a tenant's tables, or belongs to a login of one tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// The tenant's schema.
    pub schema: SchemaName,
    /// The session's process.
    pub pid: i32,
    /// Its login.
    pub login: String,
    /// What its program calls itself.
    pub program: String,
    /// active, idle in transaction, …; nothing where the owner may not see it.
    pub state: Option<String>,
    /// How long its transaction lasts, in seconds.
    pub transaction_seconds: Option<f64>,
    /// How long its statement runs, or has been over, in seconds.
    pub statement_seconds: Option<f64>,
    /// What it waits for.
    pub waits_for: Option<String>,
    /// The processes that hold what it waits for.
    pub blocked_by: Vec<i32>,
    /// How many locks on the tenant's relations it holds.
    pub locks: i64,
    /// The statement, shortened.
    pub statement: Option<String>,
}

/// What these schemas take; one without tables is left out.
pub async fn sizes(tx: &mut CatalogTx, schemas: &[String]) -> Result<HashMap<String, Size>, PgError> {
    let rows = tx.transaction().rows(SIZES, &[&schemas]).await?;
    let size = |row: &Row| Size {
        tables: row.get("tables"),
        rows: row.get("rows"),
        heap: row.get("heap"),
        indexes: row.get("indexes"),
        toast: row.get("toast"),
        total: row.get("total"),
    };
    Ok(rows.iter().map(|row| (row.get("schema"), size(row))).collect())
}

/// What was done in these schemas; one without tables is left out.
pub async fn activity(tx: &mut CatalogTx, schemas: &[String]) -> Result<HashMap<String, Activity>, PgError> {
    let rows = tx.transaction().rows(ACTIVITY, &[&schemas]).await?;
    Ok(rows.iter().map(|row| (row.get("schema"), done(row))).collect())
}

/// What was done to the tables of one schema, by name.
pub async fn activity_by_table(
    tx: &mut CatalogTx,
    schema: &SchemaName,
) -> Result<Vec<(String, Activity)>, PgError> {
    let rows = tx.transaction().rows(BY_TABLE, &[&schema.as_str()]).await?;
    Ok(rows.iter().map(|row| (row.get("name"), done(row))).collect())
}

/// What runs in tenants at this moment, the longest transaction first.
pub async fn running(tx: &mut CatalogTx) -> Result<Vec<Running>, PgError> {
    let rows = tx.transaction().rows(RUNNING, &[]).await?;
    let session = |row: &Row| {
        // The pattern of the query is that of the name.
        let schema = SchemaName::from_str(row.get("schema")).ok()?;
        Some(Running {
            schema,
            pid: row.get("pid"),
            login: row.get("login"),
            program: row.get("program"),
            state: row.get("state"),
            transaction_seconds: row.get("transaction_seconds"),
            statement_seconds: row.get("statement_seconds"),
            waits_for: row.get("waits_for"),
            blocked_by: row.get("blocked_by"),
            locks: row.get("locks"),
            statement: row.get("statement"),
        })
    };
    Ok(rows.iter().filter_map(session).collect())
}

fn done(row: &Row) -> Activity {
    Activity {
        inserted: row.get("inserted"),
        updated: row.get("updated"),
        deleted: row.get("deleted"),
        sequential_scans: row.get("sequential_scans"),
        index_scans: row.get("index_scans"),
        live: row.get("live"),
        dead: row.get("dead"),
        vacuumed_at: row.get("vacuumed_at"),
    }
}

// A table that was never analyzed has -1 rows.
pub(crate) const SIZES: &str = "\
select n.nspname::text as schema, count(*) as tables,
       coalesce(sum(case when c.reltuples >= 0 then c.reltuples else pg_stat_get_live_tuples(c.oid) end), 0)::bigint as rows,
       coalesce(sum(pg_relation_size(c.oid)), 0)::bigint as heap,
       coalesce(sum(pg_indexes_size(c.oid)), 0)::bigint as indexes,
       coalesce(sum(pg_total_relation_size(nullif(c.reltoastrelid, 0))), 0)::bigint as toast,
       coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint as total
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = any($1::text[]) and c.relkind in ('r', 'm')
 group by n.nspname";

pub(crate) const ACTIVITY: &str = "\
select s.schemaname::text as schema, coalesce(sum(s.n_tup_ins), 0)::bigint as inserted,
       coalesce(sum(s.n_tup_upd), 0)::bigint as updated, coalesce(sum(s.n_tup_del), 0)::bigint as deleted,
       coalesce(sum(s.seq_scan), 0)::bigint as sequential_scans, coalesce(sum(s.idx_scan), 0)::bigint as index_scans,
       coalesce(sum(s.n_live_tup), 0)::bigint as live, coalesce(sum(s.n_dead_tup), 0)::bigint as dead,
       max(greatest(s.last_vacuum, s.last_autovacuum)) as vacuumed_at
  from pg_catalog.pg_stat_all_tables s where s.schemaname = any($1::text[])
 group by s.schemaname";

pub(crate) const BY_TABLE: &str = "\
select s.relname::text as name, coalesce(s.n_tup_ins, 0) as inserted, coalesce(s.n_tup_upd, 0) as updated,
       coalesce(s.n_tup_del, 0) as deleted, coalesce(s.seq_scan, 0) as sequential_scans,
       coalesce(s.idx_scan, 0) as index_scans, coalesce(s.n_live_tup, 0) as live, coalesce(s.n_dead_tup, 0) as dead,
       greatest(s.last_vacuum, s.last_autovacuum) as vacuumed_at
  from pg_catalog.pg_stat_all_tables s where s.schemaname = $1::text::name
 order by s.relname";

// A session is a tenant's by the relations it has locked, which every statement does, or by its login. What it runs is
// shown as far as the owner may see other logins' statements.
pub(crate) const RUNNING: &str = "\
select l.schema, a.pid, coalesce(a.usename, '')::text as login, coalesce(a.application_name, '') as program, a.state,
       extract(epoch from clock_timestamp() - a.xact_start)::float8 as transaction_seconds,
       extract(epoch from clock_timestamp() - coalesce(case when a.state = 'active' then a.query_start end, a.state_change))::float8
         as statement_seconds,
       case when a.state = 'active' then a.wait_event_type || ': ' || a.wait_event end as waits_for,
       pg_blocking_pids(a.pid) as blocked_by, l.locks,
       case when a.state is not null then left(regexp_replace(a.query, '\\s+', ' ', 'g'), 120) end as statement
  from pg_catalog.pg_stat_activity a
  join (select k.pid, n.nspname::text as schema, count(*) as locks
          from pg_catalog.pg_locks k join pg_catalog.pg_class c on c.oid = k.relation
          join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where k.locktype = 'relation' and n.nspname ~ '^t_[0-9a-f]{32}$'
           and k.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
         group by k.pid, n.nspname
        union all
        select p.pid, left(p.usename, 34), 0 from pg_catalog.pg_stat_activity p
         where p.usename ~ '^t_[0-9a-f]{32}_psql_' and p.state = 'active'
           and not exists (select from pg_catalog.pg_locks k where k.pid = p.pid and k.locktype = 'relation')) l
    on l.pid = a.pid
 where a.datname = current_database() and a.pid <> pg_backend_pid()
 order by a.xact_start, a.pid, l.schema";
