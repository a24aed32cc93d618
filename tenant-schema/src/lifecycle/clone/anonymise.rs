//! A copy whose values about people are made up: which columns that is about, by what the template says of each, and that
//! it says anything at all.
//!
//! What is marked never reaches the copy: the statement that copies a table writes [made-up values](made_up) in the first
//! place, and what is generated of them (search vectors, full names) is generated anew. They come of a digest of the row's
//! place in the origin, or of the value where a column is linked, and a seed that PostgreSQL draws for this transaction and
//! nobody learns.

mod made_up;

use std::collections::{BTreeMap, BTreeSet};

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use tokio_postgres::Row;

use self::made_up::Form;
pub(super) use self::made_up::MadeUp;
use super::copy::NOT_COPIED;
use crate::lifecycle::{LifecycleError, Refusal};
use crate::personal::{self, Kind, Mark, Said};

/// What was made up in a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anonymised {
    /// The columns, as `table.column`.
    pub columns: Vec<String>,
    /// Columns that were copied, and whose names sound like people.
    pub unmarked: Vec<String>,
}

/// What is to be made up.
pub(super) struct Plan(Marks);

/// What a schema says about people.
#[derive(Default)]
pub(crate) struct Marks {
    /// By the quoted names of table and column.
    made_up: BTreeMap<(String, String), MadeUp>,
    /// The same, as `table.column`.
    columns: Vec<String>,
    /// Table and column that sound like people, of which nothing is said.
    pub(crate) unmarked: Vec<(String, String)>,
    /// Tables, and columns by `table.column`, of which what is said is not known, or is for another type.
    pub(crate) unclear: BTreeSet<String>,
    /// Nothing is said, or not of all tables.
    says_nothing: bool,
}

/// The columns of a tenant's `members`, if it is the platform's, that are about people whether or not the template says so.
const OF_MIRROR: [(&str, Mark); 3] = [
    ("user_id", linked(Kind::Account)),
    ("display_name", linked(Kind::Name)),
    ("email", linked(Kind::Email)),
];

const fn linked(kind: Kind) -> Mark {
    Mark {
        kind,
        is_linked: true,
    }
}

/// A table of the schema.
#[derive(Default)]
struct Table {
    /// It says that nothing in it is about people.
    is_without: bool,
    /// A column of it is marked.
    is_marked: bool,
    columns: BTreeSet<String>,
}

impl Marks {
    /// Reads them off a schema that has the template's tables and comments, with `search_path` on it.
    pub(crate) async fn of(tx: &mut Transaction, schema: &SchemaName) -> Result<Self, PgError> {
        let rows = tx
            .rows(COLUMNS, &[&schema.as_str(), &NOT_COPIED.as_slice()])
            .await?;
        let mut marks = Self::default();
        let tables = tables(&rows, &mut marks.unclear);
        marks.says_nothing =
            tables.values().all(|table| !table.is_marked) && tables.values().any(|table| !table.is_without);
        for row in rows.iter().filter(|row| !row.get::<_, bool>("is_generated")) {
            let (table, column): (&str, &str) = (row.get("table_name"), row.get("column_name"));
            marks.take(table, &tables[table], column, row);
        }
        Ok(marks)
    }

    fn take(&mut self, name: &str, table: &Table, column: &str, row: &Row) {
        let form = Form::of(row);
        let of_mirror = OF_MIRROR
            .iter()
            .find(|(known, _)| name == "members" && *known == column && table.is_mirror());
        let mark = match personal::said(row.get("comment")) {
            Some(Said::Marked(mark)) => Some(mark),
            Some(_) => {
                self.unclear.insert(format!("{name}.{column}"));
                return;
            }
            // It holds words of its row, which a trigger keeps.
            None if form == Form::Vector && table.is_marked => Some(Mark {
                kind: Kind::Text,
                is_linked: false,
            }),
            None => of_mirror.map(|(_, mark)| *mark),
        };
        match mark {
            Some(mark) if mark.kind == Kind::Keep => {}
            Some(mark) => match MadeUp::of(mark, form, row) {
                Some(made_up) => {
                    let quoted = (row.get("quoted"), row.get("quoted_column"));
                    self.made_up.insert(quoted, made_up);
                    self.columns.push(format!("{name}.{column}"));
                }
                None => drop(self.unclear.insert(format!("{name}.{column}"))),
            },
            None if table.is_without || form == Form::Other || !personal::looks_personal(column) => {}
            None => self.unmarked.push((name.to_owned(), column.to_owned())),
        }
    }
}

/// The tables by their names.
fn tables(rows: &[Row], unclear: &mut BTreeSet<String>) -> BTreeMap<String, Table> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in rows {
        let name: String = row.get("table_name");
        let table = tables.entry(name.clone()).or_default();
        match personal::said(row.get("table_comment")) {
            Some(Said::Nothing) => table.is_without = true,
            Some(_) => drop(unclear.insert(name)),
            None => {}
        }
        table.is_marked |= personal::said(row.get("comment")).is_some();
        table.columns.insert(row.get("column_name"));
    }
    tables
}

impl Table {
    fn is_mirror(&self) -> bool {
        let known = [
            "id",
            "user_id",
            "display_name",
            "email",
            "role",
            "is_owner",
            "active",
        ];
        known.iter().all(|name| self.columns.contains(*name))
    }
}

impl Plan {
    /// Reads what the template says, off the schema that it has just made, and draws the seed.
    ///
    /// # Errors
    /// [`Refusal::NothingPersonal`], [`Refusal::Unclear`].
    pub(super) async fn of(tx: &mut Transaction, clone: &SchemaName) -> Result<Self, LifecycleError> {
        let marks = Marks::of(tx, clone).await?;
        if !marks.unclear.is_empty() {
            return Err(Refusal::Unclear(marks.unclear.into_iter().collect()).into());
        }
        if marks.says_nothing {
            return Err(Refusal::NothingPersonal.into());
        }
        tx.rows(SEED, &[]).await?;
        Ok(Self(marks))
    }

    /// What takes the place of a column's values; both names are quoted.
    pub(super) fn made_up(&self, table: &str, column: &str) -> Option<&MadeUp> {
        self.0.made_up.get(&(table.to_owned(), column.to_owned()))
    }

    /// What is told of it.
    pub(super) fn into_told(self) -> Anonymised {
        let unmarked = self.0.unmarked.iter();
        Anonymised {
            columns: self.0.columns,
            unmarked: unmarked
                .map(|(table, column)| format!("{table}.{column}"))
                .collect(),
        }
    }
}

/// A value that was made up and does not fit is no fault of the database's.
pub(super) fn refused(error: PgError) -> LifecycleError {
    let PgError::Statement(said) = &error else {
        return error.into();
    };
    if !said.sqlstate.starts_with("22") && !said.sqlstate.starts_with("23") {
        return error.into();
    }
    let by = [&said.constraint, &said.column].into_iter().flatten().next();
    let by = by.map_or_else(|| said.sqlstate.to_string(), ToString::to_string);
    let table = said.table.as_deref().unwrap_or("a table");
    Refusal::DoesNotFit(format!("{by} of {table}")).into()
}

/// For this transaction only, and never sent: who has it could tell, of a value, what a linked column makes of it.
pub(crate) const SEED: &str = "\
select pg_catalog.length(pg_catalog.set_config('tenantry.seed',
         pg_catalog.gen_random_uuid()::text || pg_catalog.gen_random_uuid()::text, true)) as length";

/// Gives it to a statement, as `s.seed`.
pub(super) const FROM_SEED: &str =
    " cross join (select pg_catalog.current_setting('tenantry.seed') as seed offset 0) s";

/// The columns of a schema: what is said of each, of what type it is below domains, how long its values may be as far as the
/// type or a check such as `length(…) <= 200` says so, and whether a unique index has a part in it.
pub(crate) const COLUMNS: &str = "\
select c.relname::text as table_name, pg_catalog.quote_ident(c.relname) as quoted,
       a.attname::text as column_name, pg_catalog.quote_ident(a.attname) as quoted_column, a.attnum::integer as number,
       pg_catalog.obj_description(c.oid, 'pg_class') as table_comment, pg_catalog.col_description(c.oid, a.attnum) as comment,
       a.attgenerated <> '' as is_generated, a.attnotnull as is_required,
       pg_catalog.format_type(a.atttypid, a.atttypmod) as type_name, pg_catalog.format_type(b.oid, null) as base_type,
       t.typcategory::text as category, e.typcategory::text as element_category,
       least(case when t.typcategory = 'S' and b.modifier > 4 then b.modifier - 4 end,
             (select pg_catalog.min(m.found[2]::integer - (m.found[1] = '<')::integer)
                from pg_catalog.pg_constraint k
               cross join lateral pg_catalog.regexp_matches(pg_catalog.pg_get_constraintdef(k.oid),
                       'length\\(+' || pg_catalog.regexp_replace(pg_catalog.quote_ident(a.attname), '(\\W)', '\\\\\\1', 'g')
                         || '\\)*(?:::[a-z ]+)?\\)* (<=|<) ([0-9]{1,8})', 'g') m (found)
               where k.conrelid = c.oid and k.contype = 'c' and a.attnum = any (k.conkey))) as max_length,
       exists (select from pg_catalog.pg_index i
                where i.indrelid = c.oid and i.indisunique
                  and (a.attnum = any (i.indkey)
                       or exists (select from pg_catalog.pg_depend x
                                   where x.classid = 'pg_catalog.pg_class'::regclass and x.objid = i.indexrelid
                                     and x.refclassid = 'pg_catalog.pg_class'::regclass and x.refobjid = c.oid
                                     and x.refobjsubid = a.attnum))) as is_unique
  from pg_catalog.pg_depend d
  join pg_catalog.pg_class c on c.oid = d.objid and c.relkind in ('r', 'p') and not c.relispartition
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
 cross join lateral (
       with recursive below as (
         select y.oid, y.typtype, y.typbasetype, greatest(a.atttypmod, y.typtypmod) as modifier
           from pg_catalog.pg_type y where y.oid = a.atttypid
         union all
         select y.oid, y.typtype, y.typbasetype, greatest(w.modifier, y.typtypmod)
           from below w join pg_catalog.pg_type y on w.typtype = 'd' and y.oid = w.typbasetype)
       select w.oid, w.modifier from below w where w.typtype <> 'd') b
  join pg_catalog.pg_type t on t.oid = b.oid
  left join pg_catalog.pg_type e on t.typcategory = 'A' and e.oid = t.typelem
 where d.refclassid = 'pg_catalog.pg_namespace'::regclass and d.refobjid = $1::text::regnamespace
   and d.classid = 'pg_catalog.pg_class'::regclass and c.relname <> all($2::text[])
 order by c.relname, a.attnum";
