//! A new schema is opened for rows as they are, in any order, and closed again.
//!
//! Triggers would stamp the copies anew, and foreign keys would want an order that need not exist. `session_replication_role`
//! would silence both, but is for superusers. The owner of a table may disable its triggers, and drop its foreign keys and
//! make them again, which checks each by one join instead of one query for each row. All of it is on a schema that nobody
//! else can see yet.

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;

use super::copy::NOT_COPIED;

/// What closes the schema again.
pub(crate) struct Opened(Vec<String>);

/// Empties the tables, and takes triggers and foreign keys off them. `search_path` is on the schema, so that what PostgreSQL
/// writes of it names its own tables.
pub(crate) async fn open(tx: &mut Transaction, schema: &SchemaName) -> Result<Opened, PgError> {
    let (mut opening, mut closing) = (Vec::new(), Vec::new());
    // What waits for COMMIT is checked now, and from here on at once: a table with a check pending cannot be altered.
    let deferrable = names(tx, DEFERRABLE, schema).await?;
    if !deferrable.is_empty() {
        opening.push(format!("set constraints {} immediate", deferrable.join(", ")));
    }
    for key in tx.rows(FOREIGN_KEYS, &[&schema.as_str()]).await? {
        let table = format!("{schema}.{}", key.get::<_, &str>("quoted_table"));
        let (name, definition): (&str, &str) = (key.get("quoted"), key.get("definition"));
        opening.push(format!("alter table {table} drop constraint {name}"));
        closing.push(format!("alter table {table} add constraint {name} {definition}"));
        if let Some(comment) = key.get::<_, Option<&str>>("quoted_comment") {
            closing.push(format!("comment on constraint {name} on {table} is {comment}"));
        }
    }
    let (mut emptied, mut filled) = (Vec::new(), Vec::new());
    for table in tx
        .rows(TABLES, &[&schema.as_str(), &NOT_COPIED.as_slice()])
        .await?
    {
        let name = format!("{schema}.{}", table.get::<_, &str>("quoted"));
        if table.get("is_view") {
            filled.push(format!("refresh materialized view {name}"));
        } else {
            opening.push(format!("alter table {name} disable trigger user"));
            closing.push(format!("alter table {name} enable trigger user"));
            emptied.push(name);
        }
    }
    // Those the template itself has disabled, or made to fire for replication.
    for trigger in tx.rows(TRIGGERS, &[&schema.as_str()]).await? {
        let table = format!("{schema}.{}", trigger.get::<_, &str>("quoted_table"));
        let (how, name): (&str, &str) = (trigger.get("how"), trigger.get("quoted"));
        closing.push(format!("alter table {table} {how} trigger {name}"));
    }
    if !emptied.is_empty() {
        opening.push(format!("truncate {}", emptied.join(", ")));
    }
    closing.append(&mut filled);
    tx.batch(&opening.join(";\n")).await?;
    Ok(Opened(closing))
}

/// Puts everything back, which checks the foreign keys.
pub(crate) async fn close(tx: &mut Transaction, opened: Opened) -> Result<(), PgError> {
    tx.batch(&opened.0.join(";\n")).await
}

async fn names(tx: &mut Transaction, sql: &str, schema: &SchemaName) -> Result<Vec<String>, PgError> {
    let rows = tx.rows(sql, &[&schema.as_str()]).await?;
    let quoted = rows.iter().map(|row| row.get::<_, &str>("quoted"));
    Ok(quoted.map(|name| format!("{schema}.{name}")).collect())
}

// Relations are found by what depends on their schema, and what is theirs by them: `pg_class` and `pg_constraint` have no
// index by schema, and to look through those of all tenants would make a copy cost more the more there are.

pub(crate) const DEFERRABLE: &str = "\
select distinct pg_catalog.quote_ident(k.conname) as quoted from pg_catalog.pg_depend i
  join pg_catalog.pg_constraint k on k.conrelid = i.objid
 where i.refclassid = 'pg_catalog.pg_namespace'::regclass and i.refobjid = $1::text::regnamespace
   and i.classid = 'pg_catalog.pg_class'::regclass and k.condeferrable
 order by quoted";

/// Those of partitions follow their table's.
pub(crate) const FOREIGN_KEYS: &str = "\
select pg_catalog.quote_ident(c.relname) as quoted_table, pg_catalog.quote_ident(k.conname) as quoted,
       pg_catalog.pg_get_constraintdef(k.oid) as definition,
       pg_catalog.quote_literal(pg_catalog.obj_description(k.oid, 'pg_constraint')) as quoted_comment
  from pg_catalog.pg_depend i join pg_catalog.pg_class c on c.oid = i.objid
  join pg_catalog.pg_constraint k on k.conrelid = c.oid
 where i.refclassid = 'pg_catalog.pg_namespace'::regclass and i.refobjid = $1::text::regnamespace
   and i.classid = 'pg_catalog.pg_class'::regclass
   and k.contype = 'f' and k.conparentid = 0
 order by k.oid";

pub(crate) const TABLES: &str = "\
select pg_catalog.quote_ident(c.relname) as quoted, c.relkind = 'm' as is_view from pg_catalog.pg_depend i
  join pg_catalog.pg_class c on c.oid = i.objid
 where i.refclassid = 'pg_catalog.pg_namespace'::regclass and i.refobjid = $1::text::regnamespace
   and i.classid = 'pg_catalog.pg_class'::regclass
   and c.relkind in ('r', 'p', 'm') and c.relname <> all($2::text[])
 order by c.oid";

pub(crate) const TRIGGERS: &str = "\
select pg_catalog.quote_ident(c.relname) as quoted_table, pg_catalog.quote_ident(t.tgname) as quoted,
       case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end as how
  from pg_catalog.pg_depend i join pg_catalog.pg_class c on c.oid = i.objid
  join pg_catalog.pg_trigger t on t.tgrelid = c.oid
 where i.refclassid = 'pg_catalog.pg_namespace'::regclass and i.refobjid = $1::text::regnamespace
   and i.classid = 'pg_catalog.pg_class'::regclass
   and not t.tgisinternal and t.tgenabled <> 'O'
 order by t.oid";
