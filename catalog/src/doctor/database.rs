//! What the doctor asks of the database that all tenants share.

use std::collections::BTreeMap;

use crate::error::CatalogError;
use crate::row::Columns;
use crate::tx::CatalogTx;

/// Objects in the schema `public` that are no extension's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicObjects {
    /// How many there are.
    pub count: i64,
    /// The first of them.
    pub names: Vec<String>,
}

/// An extension and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// The schema of its objects.
    pub schema: String,
}

/// How many transactions ago the oldest rows were written that were not frozen since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransactionAge {
    /// In transactions.
    pub transactions: i64,
    /// In multixacts: groups of transactions that locked one row together.
    pub multixacts: i64,
    /// The age from which on PostgreSQL freezes whatever else it has to do.
    pub limit: i64,
}

/// A table of PostgreSQL's own catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemTable {
    /// Its name.
    pub name: String,
    /// Rows that there are, as far as PostgreSQL knows.
    pub live: i64,
    /// Rows that are gone and take up room still.
    pub dead: i64,
    /// What it takes on disk, in bytes, without its indexes.
    pub bytes: i64,
}

/// What all schemas of tenants take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measures {
    /// Schemas.
    pub schemas: i64,
    /// Tables in them.
    pub tables: i64,
    /// Tables, indexes, sequences, views, and what long values are kept in.
    pub relations: i64,
    /// How many of these the largest schema has.
    pub most_relations: i64,
    /// Bytes on disk, estimated from the pages that PostgreSQL counted last.
    pub bytes: i64,
    /// Locks that all transactions together may take.
    pub locks: i64,
    /// Connections and prepared transactions that there may be.
    pub connections: i64,
}

/// What is in `public`.
pub async fn public_objects(tx: &mut CatalogTx) -> Result<PublicObjects, CatalogError> {
    let rows = tx.rows(PUBLIC_OBJECTS, &[]).await?;
    let count = rows.first().map_or(0, |row| row.get("count"));
    let names = rows.iter().map(|row| row.get("what")).collect();
    Ok(PublicObjects { count, names })
}

/// All extensions, by name.
pub async fn extensions(tx: &mut CatalogTx) -> Result<Vec<Extension>, CatalogError> {
    let rows = tx.rows(EXTENSIONS, &[]).await?;
    let extensions = rows.iter().map(|row| Extension {
        name: row.get("name"),
        schema: row.get("schema"),
    });
    Ok(extensions.collect())
}

/// The age of this database.
pub async fn transaction_age(tx: &mut CatalogTx) -> Result<Option<TransactionAge>, CatalogError> {
    let row = tx.row(TRANSACTION_AGE, &[]).await?;
    let age = row.map(|row| {
        let columns = Columns::new(&row, "pg_database");
        Ok::<_, CatalogError>(TransactionAge {
            transactions: columns.get("transactions")?,
            multixacts: columns.get("multixacts")?,
            limit: columns.get("limit")?,
        })
    });
    age.transpose()
}

/// The tables of the system catalog that have more dead rows than this.
pub async fn bloated(tx: &mut CatalogTx, dead: i64) -> Result<Vec<SystemTable>, CatalogError> {
    let rows = tx.rows(BLOATED, &[&dead]).await?;
    let tables = rows.iter().map(|row| SystemTable {
        name: row.get("name"),
        live: row.get("live"),
        dead: row.get("dead"),
        bytes: row.get("bytes"),
    });
    Ok(tables.collect())
}

/// What the schemas of all tenants take.
pub async fn measures(tx: &mut CatalogTx) -> Result<Option<Measures>, CatalogError> {
    let row = tx.row(MEASURES, &[]).await?;
    Ok(row.map(|row| Measures {
        schemas: row.get("schemas"),
        tables: row.get("tables"),
        relations: row.get("relations"),
        most_relations: row.get("most_relations"),
        bytes: row.get("bytes"),
        locks: row.get("locks"),
        connections: row.get("connections"),
    }))
}

/// The values of these settings as PostgreSQL writes them (`128MB`, `1min`, `on`) and as numbers; those that sessions begin
/// with, whatever this transaction has set.
pub async fn settings(
    tx: &mut CatalogTx,
    names: &[&str],
) -> Result<BTreeMap<String, (String, f64)>, CatalogError> {
    let rows = tx.rows(SETTINGS, &[&names]).await?;
    let settings = rows.iter().map(|row| {
        let number: Option<f64> = row.get("number");
        (row.get("name"), (row.get("shown"), number.unwrap_or_default()))
    });
    Ok(settings.collect())
}

const PUBLIC_OBJECTS: &str = "\
    with object as ( \
      select 'pg_catalog.pg_class'::regclass as class, c.oid, case c.relkind when 'v' then 'view' \
        when 'm' then 'materialized view' when 'S' then 'sequence' when 'f' then 'foreign table' else 'table' end as kind, \
        c.relname as name \
      from pg_catalog.pg_class c where c.relnamespace = to_regnamespace('public') \
        and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') \
      union all \
      select 'pg_catalog.pg_proc'::regclass, p.oid, 'function', p.proname \
      from pg_catalog.pg_proc p where p.pronamespace = to_regnamespace('public') \
      union all \
      select 'pg_catalog.pg_type'::regclass, t.oid, 'type', t.typname \
      from pg_catalog.pg_type t where t.typnamespace = to_regnamespace('public') and t.typtype in ('e', 'd', 'r')) \
    select format('%s %s', o.kind, o.name) as what, count(*) over () as count from object o \
    where not exists (select from pg_catalog.pg_depend d \
      where d.classid = o.class and d.objid = o.oid and d.deptype in ('e', 'i', 'a') \
        and (d.deptype = 'e' or o.kind = 'sequence')) \
    order by o.kind desc, o.name limit 20";

const EXTENSIONS: &str = "\
    select e.extname::text as name, n.nspname::text as schema \
    from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace order by e.extname";

const TRANSACTION_AGE: &str = "\
    select age(d.datfrozenxid)::bigint as transactions, mxid_age(d.datminmxid)::bigint as multixacts, \
      current_setting('autovacuum_freeze_max_age')::bigint as limit \
    from pg_catalog.pg_database d where d.datname = current_database()";

const BLOATED: &str = "\
    select s.relname::text as name, s.n_live_tup as live, s.n_dead_tup as dead, pg_relation_size(s.relid) as bytes \
    from pg_catalog.pg_stat_sys_tables s where s.schemaname = 'pg_catalog' and s.n_dead_tup > $1 \
    order by s.n_dead_tup desc";

const MEASURES: &str = "\
    with schema as ( \
      select count(*) filter (where c.relkind in ('r', 'p')) as tables, \
        count(*) + 2 * count(*) filter (where c.reltoastrelid <> 0) as relations, \
        sum(case when c.relkind in ('r', 'i', 'm', 'S', 't') then greatest(c.relpages, 1) else 0 end \
          + case when c.reltoastrelid <> 0 then 1 else 0 end) as pages \
      from pg_catalog.pg_namespace n join pg_catalog.pg_class c on c.relnamespace = n.oid \
      where n.nspname ~ '^t_[0-9a-f]{32}$' group by n.oid) \
    select count(*) as schemas, coalesce(sum(s.tables), 0)::bigint as tables, \
      coalesce(sum(s.relations), 0)::bigint as relations, coalesce(max(s.relations), 0)::bigint as most_relations, \
      (coalesce(sum(s.pages), 0) * current_setting('block_size')::bigint)::bigint as bytes, \
      current_setting('max_locks_per_transaction')::bigint * (current_setting('max_connections')::bigint \
        + current_setting('max_prepared_transactions')::bigint) as locks, \
      current_setting('max_connections')::bigint \
        + current_setting('max_prepared_transactions')::bigint as connections \
    from schema s";

const SETTINGS: &str = "\
    select s.name, case when s.unit is null then s.reset_val else current_setting(s.name) end as shown, \
      case when s.vartype in ('integer', 'real') then s.reset_val::float8 end as number \
    from pg_catalog.pg_settings s where s.name = any($1::text[])";

pub(crate) const STATEMENTS: &[&str] = &[
    PUBLIC_OBJECTS,
    EXTENSIONS,
    TRANSACTION_AGE,
    BLOATED,
    MEASURES,
    SETTINGS,
];
