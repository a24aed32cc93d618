//! The schema of a tenant that leaves: shut, and opened again.
//!
//! A statement that waits for a lock has found its tables already, but its rights and the table's triggers are looked at when it
//! has the lock, and so is the mark of the version that whatever a server sends is fenced by. So rights and mark are taken away
//! before any lock is let go, and a trigger refuses whoever needs no right, as a function that runs with its owner's: a write that
//! waited through the move is refused, and not done where nobody looks any more.

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::tenant_schemas::TenantSchema;

use super::super::{grant, relations_later, version_mark};

/// The mark of a schema that is shut: that of no version.
const SHUT: &str = "_moving";

/// The function that refuses every write, and the trigger on each table that calls it.
const REFUSES: &str = "_moving";

/// Lets nobody write, nor any server read.
pub(super) async fn shut(tx: &mut Transaction, schema: &TenantSchema) -> Result<(), PgError> {
    let name = &schema.schema;
    let mark = version_mark::of(schema.template_version);
    let queued = relations_later(name);
    let relations = tx.rows(queued.sql, &queued.params()).await?;
    let of_kind = |kinds: &[&str]| -> Vec<String> {
        let rows = relations.iter().filter(|row| kinds.contains(&row.get("kind")));
        rows.map(|row| format!("{name}.{}", row.get::<_, &str>("quoted")))
            .collect()
    };
    let mut statements = vec![
        format!("alter index {name}.{mark} rename to {SHUT}"),
        format!(
            "create function {name}.{REFUSES}() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$ begin
               raise exception 'this tenant is moved to another database' using errcode = 'insufficient_privilege';
             end $$"
        ),
    ];
    let readable = of_kind(&["r", "p", "v", "m", "f"]);
    if !readable.is_empty() {
        let (tables, rw, ro) = (readable.join(", "), name.read_write_role(), name.read_only_role());
        statements.push(format!(
            "revoke insert, update, delete, truncate on {tables} from {rw}, {ro}"
        ));
    }
    for table in of_kind(&["r", "p"]) {
        statements.push(format!(
            "create trigger {REFUSES} before insert or update or delete or truncate on {table}
               for each statement execute function {name}.{REFUSES}();
             alter table {table} enable always trigger {REFUSES}"
        ));
    }
    tx.batch(&statements.join(";\n")).await
}

/// Gives the roles what the template says again.
pub(super) async fn open(tx: &mut Transaction, schema: &TenantSchema) -> Result<(), PgError> {
    let name = &schema.schema;
    let mark = version_mark::change(name, SHUT, schema.template_version);
    tx.batch(&format!("{mark}; drop function {name}.{REFUSES}() cascade"))
        .await?;
    grant(tx, name).await
}
