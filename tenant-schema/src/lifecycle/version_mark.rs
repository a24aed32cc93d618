//! The mark of a template version: what a statement holds on to while its tenant may be migrated.
//!
//! A request is planned for the version that its tenant had when it was resolved. Until its transaction ends, the tenant may be
//! migrated, and the statement would then run on tables that it was not planned for: most fail, and some succeed with a wrong
//! answer. So every tenant schema bears a name that changes with its version, in the transaction of the migration: that of the
//! index of the engine's own table, since an index that is there anyway costs nothing. Whoever runs a statement looks the
//! name up *after* the statement's tables are locked ([`held`] within it, [`CHECK`] behind it): whoever has waited for
//! a migration's lock, or came after it, does not find the name, and nothing of the transaction remains. The lookup is in
//! PostgreSQL's own cache, which every lock that is taken brings up to date; it takes no plan of its own for each tenant.
//!
//! A schema without a mark (or without the table), made by an earlier release, is let through until `tenantry migrate` has marked it.

use catalog::pg::server_error::ServerError;
use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::{Queued, Transaction};
use catalog::schema_name::SchemaName;

use super::idempotency_keys::{self, TABLE};

/// The name of the index in a schema that has no mark. PostgreSQL gave it, by the name of its constraint.
const UNMARKED: &str = "_idempotency_keys_pkey";

/// What is let through without the mark. What is missing is named in the error.
macro_rules! or_unmarked {
    () => {
        "pg_catalog.to_regclass('_idempotency_keys_pkey'), \
         case when pg_catalog.to_regclass('_idempotency_keys') is null then 0::pg_catalog.regclass \
           else '_idempotency_keys_pkey'::text::pg_catalog.regclass end) is not null"
    };
}

/// The mark of a version.
pub(crate) fn of(version: i32) -> String {
    format!("_template_version_{version}")
}

/// A statement that reads, the same but for this: it fails where the schema of the `search_path` has not the version's mark.
/// The condition depends on no row, so PostgreSQL evaluates it once, when all tables are locked. `columns` are those of the
/// statement.
pub(crate) fn held(version: i32, statement: &str, columns: &str) -> String {
    let mark = of(version);
    format!(
        "select {columns} from ({statement}) _m where coalesce(pg_catalog.to_regclass('{mark}'), {OR_UNMARKED}"
    )
}

/// The same as a statement of its own, with the mark as its parameter: it names nothing that depends on a tenant.
pub(crate) const CHECK: &str = concat!(
    "select coalesce(pg_catalog.to_regclass($1::text), ",
    or_unmarked!(),
    " as held"
);

const OR_UNMARKED: &str = or_unmarked!();

/// Whether it was this that refused.
pub(crate) fn is_gone(said: &ServerError) -> bool {
    said.sqlstate.as_ref() == "42P01" && said.message.contains(UNMARKED)
}

/// Whether a refusal may come of a schema that is of another version than the statement: names that are not there, results
/// of another type, relations that went while they were looked at. Whoever is told such a thing is told it only when the
/// schema still bears its mark.
///
/// By 42704 the engine's own checks of an outcome refuse: a version that is another by now, more records than were to be
/// changed. Nothing was done then, in whatever version, and it costs no question. No statement names anything else of a
/// template's for which PostgreSQL has this code: types, text search configurations.
pub(crate) fn may_be_gone(said: &ServerError) -> bool {
    let suspects = ["42", "0A", "XX"];
    let suspect = suspects.iter().any(|class| said.sqlstate.starts_with(class));
    suspect && said.sqlstate.as_ref() != "42704" && !is_gone(said)
}

/// Asks for the mark that a schema bears; [`found`] reads the answer.
pub(crate) fn find_later(schema: &SchemaName) -> Queued {
    Queued {
        sql: FIND,
        params: vec![Box::new(schema.as_str().to_owned()), Box::new(TABLE)],
    }
}

/// The name in the answer: nothing where the engine's table is missing.
pub(crate) fn found(rows: &[tokio_postgres::Row]) -> Option<String> {
    rows.first().map(|row| row.get("mark"))
}

/// The statement that gives a schema the mark of a version in place of the one that it bears; nothing where that is it.
pub(crate) fn change(schema: &SchemaName, from: &str, version: i32) -> String {
    let mark = of(version);
    if from == mark {
        return String::new();
    }
    format!("alter index {schema}.{from} rename to {mark};\n")
}

/// Sees to it that a schema has the engine's table and the mark of a version. `search_path` is on the schema.
pub(crate) async fn settle(
    tx: &mut Transaction,
    schema: &SchemaName,
    borne: Option<&str>,
    version: i32,
) -> Result<(), PgError> {
    match borne {
        None => idempotency_keys::create(tx, schema, version).await,
        Some(borne) => tx.batch(&change(schema, borne, version)).await,
    }
}

/// Quoted where it must be: somebody may have named the index otherwise.
pub(crate) const FIND: &str = "\
select pg_catalog.quote_ident(p.relname) as mark
  from pg_catalog.pg_namespace n
  join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = $2
  join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary
  join pg_catalog.pg_class p on p.oid = i.indexrelid
 where n.nspname = $1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_changed_where_it_is_another() {
        let schema = SchemaName::from_opaque(uuid::Uuid::nil());
        assert_eq!(change(&schema, "_template_version_8", 8), "");
        assert_eq!(
            change(&schema, "_template_version_8", 9),
            format!("alter index {schema}._template_version_8 rename to _template_version_9;\n")
        );
    }

    #[test]
    fn a_statement_is_held_by_what_is_checked_behind_others() {
        let held = held(7, "select 1 as a", "a");
        let begins =
            "select a from (select 1 as a) _m where coalesce(pg_catalog.to_regclass('_template_version_7'), ";
        assert!(
            held.starts_with(begins) && held.ends_with(" is not null"),
            "{held}"
        );
        assert!(CHECK.contains(UNMARKED) && CHECK.contains(TABLE));
    }
}
