//! What tables a schema has and how they refer to each other, read from the live schema: the model behind
//! `tenantry erd`.

mod mermaid;

use tokio_postgres::Row;

use super::migrator::HISTORY_TABLE;
use super::sqlstate::PgError;
use super::tx::Transaction;
use crate::tx::CatalogTx;

/// The tables of one schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// By name.
    pub tables: Vec<Table>,
    /// By referring table, then by name.
    pub references: Vec<Reference>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name within the schema.
    pub name: String,
    /// What its comment says.
    pub comment: Option<String>,
    /// In their order.
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type without length or precision, as PostgreSQL prints it.
    pub type_name: String,
    /// It is `not null`.
    pub required: bool,
    /// The keys it is part of, each once, in the order of [`Key`].
    pub keys: Vec<Key>,
    /// What its comment says.
    pub comment: Option<String>,
}

/// What a column is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The primary key.
    Primary,
    /// A foreign key.
    Foreign,
    /// A unique key of this column alone.
    Unique,
}

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The constraint's name.
    pub name: String,
    /// The table that refers.
    pub from: String,
    /// Its columns, in the key's order.
    pub columns: Vec<String>,
    /// The table referred to.
    pub to: String,
    /// Every row refers to one: no column of the key may be null.
    pub required: bool,
    /// At most one row refers to the same: the columns are unique.
    pub unique: bool,
}

/// The tables of the catalog.
pub async fn of_catalog(tx: &mut CatalogTx) -> Result<Model, PgError> {
    read(tx.transaction(), "catalog").await
}

/// Reads the model of a schema; a schema that is not there has no tables. The history of migrations is left out.
pub async fn read(tx: &mut Transaction, schema: &str) -> Result<Model, PgError> {
    let mut tables: Vec<Table> = Vec::new();
    for row in tx.rows(COLUMNS, &[&schema, &HISTORY_TABLE]).await? {
        let name: &str = row.get("table_name");
        if tables.last().is_none_or(|table| table.name != name) {
            tables.push(Table {
                name: name.to_owned(),
                comment: row.get("table_comment"),
                columns: Vec::new(),
            });
        }
        if let Some(table) = tables.last_mut() {
            table.columns.push(column(&row));
        }
    }
    let references = tx.rows(REFERENCES, &[&schema]).await?;
    Ok(Model {
        tables,
        references: references.iter().map(reference).collect(),
    })
}

fn column(row: &Row) -> Column {
    let keys = [
        ("primary_key", Key::Primary),
        ("foreign_key", Key::Foreign),
        ("unique_key", Key::Unique),
    ];
    Column {
        name: row.get("column_name"),
        type_name: row.get("type_name"),
        required: row.get("required"),
        keys: keys
            .into_iter()
            .filter_map(|(column, key)| row.get::<_, bool>(column).then_some(key))
            .collect(),
        comment: row.get("column_comment"),
    }
}

fn reference(row: &Row) -> Reference {
    Reference {
        name: row.get("name"),
        from: row.get("from_table"),
        columns: row.get("columns"),
        to: row.get("to_table"),
        required: row.get("required"),
        unique: row.get("is_unique"),
    }
}

const COLUMNS: &str = "\
select c.relname::text as table_name, pg_catalog.obj_description(c.oid, 'pg_class') as table_comment,
       a.attname::text as column_name, pg_catalog.format_type(a.atttypid, null) as type_name,
       a.attnotnull as required, pg_catalog.col_description(c.oid, a.attnum) as column_comment,
       exists (select from pg_catalog.pg_constraint k
                where k.conrelid = c.oid and k.contype = 'p' and a.attnum = any (k.conkey)) as primary_key,
       exists (select from pg_catalog.pg_constraint k
                where k.conrelid = c.oid and k.contype = 'f' and a.attnum = any (k.conkey)) as foreign_key,
       exists (select from pg_catalog.pg_index i
                where i.indrelid = c.oid and i.indisunique and not i.indisprimary and i.indpred is null
                  and i.indnkeyatts = 1 and i.indkey[0] = a.attnum) as unique_key
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> $2
 order by c.relname, a.attnum";

const REFERENCES: &str = "\
select k.conname::text as name, c.relname::text as from_table, p.relname::text as to_table,
       array(select a.attname::text
               from unnest(k.conkey) with ordinality as key (attnum, position)
               join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = key.attnum
              order by key.position) as columns,
       not exists (select from pg_catalog.pg_attribute a
                    where a.attrelid = k.conrelid and a.attnum = any (k.conkey) and not a.attnotnull) as required,
       exists (select from pg_catalog.pg_index i
                where i.indrelid = k.conrelid and i.indisunique and i.indpred is null
                  and (i.indkey::int2[])[0:i.indnkeyatts - 1] <@ k.conkey) as is_unique
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_namespace n on n.oid = k.connamespace
  join pg_catalog.pg_class c on c.oid = k.conrelid
  join pg_catalog.pg_class p on p.oid = k.confrelid
 where n.nspname = $1 and k.contype = 'f' and k.conparentid = 0
 order by c.relname, k.conname";

/// Every statement of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[COLUMNS, REFERENCES];
