//! How many rows each table of a schema has, for the proof of its erasure.

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use serde_json::{Map, Value};

/// How many tables are counted by one statement. Where their locks have to be let go again, so many are held at once.
const AT_ONCE: usize = 20;

/// Whether what is counted is locked until the transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Locks {
    /// Against everybody, so that what is counted is what is removed.
    Kept,
    /// Against nothing but its removal, and only while it is counted: there are not enough to keep them all.
    LetGo,
}

/// The rows of each table by its name; `null` for one that we cannot count: somebody else's, or one whose policies would
/// hide rows from us. Partitions are counted with the table they are of.
pub(super) async fn count(tx: &mut Transaction, schema: &SchemaName, locks: Locks) -> Result<Value, PgError> {
    let (mut counts, mut counted) = (Map::new(), Vec::new());
    for row in tx.rows(TABLES, &[&schema.as_str()]).await? {
        let name: String = row.get("name");
        if row.get("countable") {
            let only = if row.get("plain") { "only " } else { "" };
            let table = format!("{only}{schema}.{}", row.get::<_, &str>("quoted"));
            counted.push((name, table));
        } else {
            counts.insert(name, Value::Null);
        }
    }
    if locks == Locks::Kept && !counted.is_empty() {
        let tables: Vec<&str> = counted.iter().map(|(_, table)| table.as_str()).collect();
        let tables = tables.join(", ");
        tx.batch(&format!("lock table {tables} in access exclusive mode"))
            .await?;
    }
    for some in counted.chunks(AT_ONCE) {
        let queries = some.iter().zip(0..);
        let queries: Vec<String> = queries
            .map(|((_, table), at)| format!("select {at} as place, pg_catalog.count(*) as n from {table}"))
            .collect();
        if locks == Locks::LetGo {
            tx.batch("savepoint counting").await?;
        }
        let rows = tx.rows(&queries.join(" union all "), &[]).await?;
        if locks == Locks::LetGo {
            tx.batch("rollback to savepoint counting; release savepoint counting")
                .await?;
        }
        for row in rows {
            let at = usize::try_from(row.get::<_, i32>("place")).unwrap_or_default();
            if let Some((name, _)) = some.get(at) {
                counts.insert(name.clone(), Value::from(row.get::<_, i64>("n")));
            }
        }
    }
    Ok(Value::Object(counts))
}

// By pg_depend, since pg_class has no index on its schema.
pub(crate) const TABLES: &str = "\
select c.relname::text as name, pg_catalog.quote_ident(c.relname) as quoted, c.relkind = 'r' as plain,
       pg_catalog.pg_has_role(c.relowner, 'usage') and not c.relforcerowsecurity as countable
  from pg_catalog.pg_namespace n
  join pg_catalog.pg_depend d
    on d.refclassid = 'pg_catalog.pg_namespace'::regclass and d.refobjid = n.oid
   and d.classid = 'pg_catalog.pg_class'::regclass
  join pg_catalog.pg_class c on c.oid = d.objid
 where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition
 order by c.relname";
