//! Which tables, columns and sequences a schema has, as far as rows are copied. Nothing is asked that takes longer the more
//! tenants there are: relations are found by what depends on their schema, since `pg_class` has no index on it.

use std::collections::HashMap;

use catalog::pg::migrator::HISTORY_TABLE;
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;

use super::{ContainerError, Table};
use crate::lifecycle::idempotency_keys;
use crate::records::quote::identifier;

/// What a schema has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Its tables by name.
    pub(crate) tables: Vec<TableShape>,
    /// Its sequences by name.
    pub(crate) sequences: Vec<String>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableShape {
    pub(crate) name: String,
    /// Its rows are its own, and not those of partitions.
    pub(crate) plain: bool,
    pub(crate) columns: Vec<Column>,
}

/// A column that is not generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// It holds the key of a row in `members`.
    pub(crate) is_member: bool,
}

impl TableShape {
    pub(crate) fn as_table(&self) -> Table {
        Table {
            name: self.name.clone(),
            columns: self.columns.iter().map(|column| column.name.clone()).collect(),
        }
    }
}

/// Reads it. The engine's own tables are not in it.
pub(crate) async fn of(tx: &mut Transaction, schema: &SchemaName) -> Result<Shape, PgError> {
    let own = [HISTORY_TABLE, idempotency_keys::TABLE];
    let mut shape = Shape::default();
    for row in tx.rows(SHAPE, &[&schema.as_str(), &own.as_slice()]).await? {
        let name: &str = row.get("name");
        if shape.tables.last().is_none_or(|table| table.name != name) {
            shape.tables.push(TableShape {
                name: name.to_owned(),
                plain: row.get("plain"),
                columns: Vec::new(),
            });
        }
        if let Some(table) = shape.tables.last_mut() {
            table.columns.push(Column {
                name: row.get("column_name"),
                is_member: row.get("is_member"),
            });
        }
    }
    let sequences = tx.rows(SEQUENCES, &[&schema.as_str()]).await?;
    shape.sequences = sequences.iter().map(|row| row.get("name")).collect();
    Ok(shape)
}

/// What one schema lacks of another's, and what it has besides: tables, columns as `table.column`, sequences.
pub(crate) struct Difference {
    pub(crate) missing: Vec<String>,
    pub(crate) besides: Vec<String>,
}

/// Compares what there is with what the template makes.
pub(crate) fn compare(found: &Shape, reference: &Shape) -> Difference {
    let besides = |one: &Shape, other: &Shape| {
        let known: HashMap<&str, &TableShape> = other
            .tables
            .iter()
            .map(|table| (table.name.as_str(), table))
            .collect();
        let mut names = Vec::new();
        for table in &one.tables {
            let Some(same) = known.get(table.name.as_str()) else {
                names.push(table.name.clone());
                continue;
            };
            let others = table
                .columns
                .iter()
                .filter(|column| same.columns.iter().all(|known| known.name != column.name));
            names.extend(others.map(|column| format!("{}.{}", table.name, column.name)));
        }
        names
    };
    let mut missing = besides(reference, found);
    let lacking = reference
        .sequences
        .iter()
        .filter(|name| !found.sequences.contains(name));
    missing.extend(lacking.cloned());
    Difference {
        missing,
        besides: besides(found, reference),
    }
}

/// The table's name in SQL.
pub(crate) fn qualified(schema: &SchemaName, name: &str) -> Result<String, ContainerError> {
    let name = identifier(name).map_err(|error| ContainerError::Malformed(error.to_string()))?;
    Ok(format!("{schema}.{name}"))
}

fn columns(table: &TableShape) -> Result<String, ContainerError> {
    let names = table.columns.iter().map(|column| identifier(&column.name));
    let names: Result<Vec<String>, _> = names.collect();
    let names = names.map_err(|error| ContainerError::Malformed(error.to_string()))?;
    Ok(names.join(", "))
}

/// What sends the table's rows.
pub(crate) fn copy_out(schema: &SchemaName, table: &TableShape) -> Result<String, ContainerError> {
    let (columns, name) = (columns(table)?, qualified(schema, &table.name)?);
    let only = if table.plain { "only " } else { "" };
    Ok(format!("copy (select {columns} from {only}{name}) to stdout"))
}

/// What takes them.
pub(crate) fn copy_in(schema: &SchemaName, table: &TableShape) -> Result<String, ContainerError> {
    let (columns, name) = (columns(table)?, qualified(schema, &table.name)?);
    Ok(format!("copy {name} ({columns}) from stdin"))
}

/// The columns of each table, without generated ones. A column is a member's if it is the key of `members` or a foreign key
/// to it, by itself or among others.
pub(crate) const SHAPE: &str = "\
with relation as (
  select c.oid, c.relname, c.relkind
    from pg_catalog.pg_depend i join pg_catalog.pg_class c on c.oid = i.objid
   where i.refclassid = 'pg_catalog.pg_namespace'::regclass and i.refobjid = $1::text::regnamespace
     and i.classid = 'pg_catalog.pg_class'::regclass and i.objsubid = 0
     and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> all($2::text[])
), key as (
  select r.oid as relation, a.attnum as number
    from relation r join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attname = 'id'
   where r.relname = 'members'
), member as (
  select k.relation, k.number from key k
  union
  select f.conrelid, f.conkey[p.at] from key k
    join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = k.relation
     and d.classid = 'pg_catalog.pg_constraint'::regclass
    join pg_catalog.pg_constraint f on f.oid = d.objid and f.contype = 'f' and f.confrelid = k.relation
   cross join lateral generate_subscripts(f.confkey, 1) as p (at)
   where f.confkey[p.at] = k.number
)
select r.relname::text as name, r.relkind = 'r' as plain, a.attname::text as column_name,
       exists (select from member m where m.relation = r.oid and m.number = a.attnum) as is_member
  from relation r
  join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
 order by r.relname, a.attnum";

pub(crate) const SEQUENCES: &str = "\
select c.relname::text as name
  from pg_catalog.pg_depend i join pg_catalog.pg_class c on c.oid = i.objid
 where i.refclassid = 'pg_catalog.pg_namespace'::regclass and i.refobjid = $1::text::regnamespace
   and i.classid = 'pg_catalog.pg_class'::regclass and c.relkind = 'S'
 order by c.relname";

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(tables: &[(&str, &[&str])]) -> Shape {
        let column = |name: &&str| Column {
            name: (*name).to_owned(),
            is_member: false,
        };
        let table = |(name, columns): &(&str, &[&str])| TableShape {
            name: (*name).to_owned(),
            plain: true,
            columns: columns.iter().map(column).collect(),
        };
        Shape {
            tables: tables.iter().map(table).collect(),
            sequences: Vec::new(),
        }
    }

    #[test]
    fn what_is_missing_and_what_is_besides_is_named() {
        let reference = shape(&[("a", &["id", "x"]), ("b", &["id"])]);
        let found = shape(&[("a", &["id", "y"]), ("c", &["id"])]);
        let Difference { missing, besides } = compare(&found, &reference);
        assert_eq!(missing, ["a.x", "b"]);
        assert_eq!(besides, ["a.y", "c"]);
    }

    #[test]
    fn names_are_quoted() {
        let schema = SchemaName::from_opaque(uuid::Uuid::nil());
        let hostile = &shape(&[("a; drop\" table", &["x\" y"])]).tables[0];
        let sql = copy_in(&schema, hostile).unwrap();
        assert_eq!(
            sql,
            format!("copy {schema}.\"a; drop\"\" table\" (\"x\"\" y\") from stdin")
        );
    }
}
