//! How many rows each table of a schema has, for the proof of its erasure.

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;
use serde_json::{Map, Value};

/// How many tables are counted by one statement.
const AT_ONCE: usize = 50;

/// The rows of each table by its name; `null` for one that we cannot count: somebody else's, or one whose policies would
/// hide rows from us. Partitions are counted with the table they are of. The tables are locked first if they are to be
/// `locked`, so that what is counted is what is removed.
pub(super) async fn count(tx: &mut Transaction, schema: &SchemaName, locked: bool) -> Result<Value, PgError> {
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
    if locked && !counted.is_empty() {
        let tables: Vec<&str> = counted.iter().map(|(_, table)| table.as_str()).collect();
        tx.batch(&format!(
            "lock table {} in access exclusive mode",
            tables.join(", ")
        ))
        .await?;
    }
    for some in counted.chunks(AT_ONCE) {
        let queries = some.iter().zip(0..);
        let queries: Vec<String> = queries
            .map(|((_, table), at)| format!("select {at} as place, count(*) as n from {table}"))
            .collect();
        for row in tx.rows(&queries.join(" union all "), &[]).await? {
            let at = usize::try_from(row.get::<_, i32>("place")).unwrap_or_default();
            if let Some((name, _)) = some.get(at) {
                counts.insert(name.clone(), Value::from(row.get::<_, i64>("n")));
            }
        }
    }
    Ok(Value::Object(counts))
}

pub(crate) const TABLES: &str = "\
select c.relname::text as name, quote_ident(c.relname) as quoted, c.relkind = 'r' as plain,
       pg_has_role(c.relowner, 'usage') and not c.relforcerowsecurity as countable
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1 and c.relkind in ('r', 'p') and not c.relispartition
 order by c.relname";
