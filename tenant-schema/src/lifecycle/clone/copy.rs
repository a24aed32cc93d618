//! Records from one schema into another of the same template version.

use std::collections::HashMap;

use catalog::ids::MembershipId;
use catalog::pg::migrator::HISTORY_TABLE;
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use tokio_postgres::Row;
use uuid::Uuid;

use super::anonymise::{self, Plan};
use super::open;
use crate::lifecycle::idempotency_keys;
use crate::tenant_db::quote_literal;

/// What is the engine's own: the history was written when the schema was made, and answers that are kept for requests to the
/// origin are none of the copy's.
pub(super) const NOT_COPIED: [&str; 2] = [HISTORY_TABLE, idempotency_keys::TABLE];

/// What was copied.
pub(super) struct Copied {
    pub(super) rows: u64,
    pub(super) left_out: Vec<String>,
}

/// Puts the origin's records in the place of those that the template made. `search_path` is on the clone; `members` are the
/// clone's ids for the origin's, and where there is a plan, values are made up by it.
pub(super) async fn copy(
    tx: &mut Transaction,
    origin: &SchemaName,
    clone: &SchemaName,
    members: &HashMap<MembershipId, MembershipId>,
    plan: Option<&Plan>,
) -> Result<Copied, PgError> {
    let opened = open::open(tx, clone).await?;
    // A policy that would hide rows from us is an error, not a copy with holes.
    tx.batch("set local row_security = off").await?;
    let (old, new): (Vec<Uuid>, Vec<Uuid>) =
        members.iter().map(|(old, new)| (old.uuid(), new.uuid())).unzip();
    let mut rows = 0;
    let columns = tx
        .rows(
            COLUMNS,
            &[&clone.as_str(), &origin.as_str(), &NOT_COPIED.as_slice()],
        )
        .await?;
    for table in columns.chunk_by(|one, next| one.get::<_, &str>("quoted") == next.get::<_, &str>("quoted")) {
        let (sql, is_mapped) = insert(table, origin, clone, plan);
        rows += if is_mapped {
            tx.execute(&sql, &[&old, &new]).await?
        } else {
            tx.execute(&sql, &[]).await?
        };
    }
    for row in tx.rows(SEQUENCES, &[&clone.as_str(), &origin.as_str()]).await? {
        let sequence: &str = row.get("quoted");
        let named = quote_literal(&format!("{clone}.{sequence}"));
        let sql = format!(
            "select pg_catalog.setval({named}, s.last_value, s.is_called) as value from {origin}.{sequence} s"
        );
        tx.rows(&sql, &[]).await?;
    }
    tx.batch("set local row_security = on").await?;
    open::close(tx, opened).await?;
    let left_out = tx
        .rows(
            LEFT_OUT,
            &[&clone.as_str(), &origin.as_str(), &NOT_COPIED.as_slice()],
        )
        .await?;
    Ok(Copied {
        rows,
        left_out: left_out.iter().map(|row| row.get("name")).collect(),
    })
}

/// The statement that copies a table, and whether it takes the members' ids. A value of a type of the schema's own is another
/// type in the clone, and goes by way of its text.
fn insert(columns: &[Row], origin: &SchemaName, clone: &SchemaName, plan: Option<&Plan>) -> (String, bool) {
    let table: &str = columns[0].get("quoted");
    let (mut names, mut values, mut joins, mut made_up) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (at, column) in columns.iter().enumerate() {
        let name: &str = column.get("column_name");
        names.push(name);
        values.push(if column.get("is_member") {
            joins.push(format!(
                " left join unnest($1::uuid[], $2::uuid[]) as m{at} (old, new) on m{at}.old = o.{name}"
            ));
            format!("coalesce(m{at}.new, o.{name})")
        } else if let Some(value) = plan.and_then(|plan| plan.made_up(table, name)) {
            made_up.push(value.join());
            value.value()
        } else {
            match column.get::<_, Option<&str>>("own_type") {
                Some(own) => format!("o.{name}::text::{own}"),
                None => format!("o.{name}"),
            }
        });
    }
    if !made_up.is_empty() {
        made_up.insert(0, anonymise::FROM_SEED.to_owned());
    }
    let only = if columns[0].get("plain") { "only " } else { "" };
    let sql = format!(
        "insert into {clone}.{table} ({}) overriding system value select {} from {only}{origin}.{table} o{}",
        names.join(", "),
        values.join(", "),
        joins.concat() + &made_up.concat()
    );
    (sql, !joins.is_empty())
}

/// The columns that both have, table by table; generated ones are computed again. A column is a member's if it is the key of
/// `members` or a foreign key to it, by itself or among others.
pub(crate) const COLUMNS: &str = "\
with key as (
  select c.oid as relation, a.attnum as number
    from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = 'id'
   where c.relnamespace = $2::text::regnamespace and c.relname = 'members' and c.relkind in ('r', 'p')
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
select pg_catalog.quote_ident(c.relname) as quoted, c.relkind = 'r' as plain, pg_catalog.quote_ident(a.attname) as column_name,
       case when a.atttypid <> b.atttypid then pg_catalog.format_type(a.atttypid, a.atttypmod) end as own_type,
       exists (select from member m where m.relation = o.oid and m.number = b.attnum) as is_member
  from pg_catalog.pg_depend i join pg_catalog.pg_class c on c.oid = i.objid
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  join pg_catalog.pg_class o on o.relnamespace = $2::text::regnamespace and o.relname = c.relname
   and o.relkind in ('r', 'p') and not o.relispartition
  join pg_catalog.pg_attribute b on b.attrelid = o.oid and b.attname = a.attname and b.attnum > 0 and not b.attisdropped
 where i.refclassid = 'pg_catalog.pg_namespace'::regclass and i.refobjid = $1::text::regnamespace
   and i.classid = 'pg_catalog.pg_class'::regclass
   and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> all($3::text[])
 order by c.relname, a.attnum";

pub(crate) const SEQUENCES: &str = "\
select pg_catalog.quote_ident(c.relname) as quoted
  from pg_catalog.pg_depend i join pg_catalog.pg_class c on c.oid = i.objid
  join pg_catalog.pg_class o on o.relnamespace = $2::text::regnamespace and o.relname = c.relname and o.relkind = 'S'
 where i.refclassid = 'pg_catalog.pg_namespace'::regclass and i.refobjid = $1::text::regnamespace
   and i.classid = 'pg_catalog.pg_class'::regclass and c.relkind = 'S'
 order by c.relname";

/// Tables that the origin has and the clone has not.
pub(crate) const LEFT_OUT: &str = "\
select o.relname::text as name from pg_catalog.pg_depend i
  join pg_catalog.pg_class o on o.oid = i.objid
 where i.refclassid = 'pg_catalog.pg_namespace'::regclass and i.refobjid = $2::text::regnamespace
   and i.classid = 'pg_catalog.pg_class'::regclass
   and o.relkind in ('r', 'p') and not o.relispartition
   and o.relname <> all($3::text[])
   and not exists (
     select from pg_catalog.pg_class c
      where c.relnamespace = $1::text::regnamespace and c.relname = o.relname and c.relkind in ('r', 'p'))
 order by o.relname";
