//! The schema of a tenant that leaves: shut, and opened again.
//!
//! A statement that waits for a lock has found its tables already, but its rights are looked at when it has the lock, and so is
//! the mark of the version that whatever a server sends is fenced by. So both are taken away before any lock is let go: a write
//! that waited through the move is refused, by functions with rights of their own too, and not done where nobody looks any
//! more.

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::tenant_schemas::TenantSchema;

use super::super::{grant, relations_later, version_mark};

/// The mark of a schema that is shut: that of no version.
const SHUT: &str = "_moving";

/// Lets nobody write, nor any server read.
pub(super) async fn shut(tx: &mut Transaction, schema: &TenantSchema) -> Result<(), PgError> {
    let name = &schema.schema;
    let mark = version_mark::of(schema.template_version);
    let queued = relations_later(name);
    let relations = tx.rows(queued.sql, &queued.params()).await?;
    let tables = relations.iter().filter(|row| row.get::<_, &str>("kind") != "S");
    let tables: Vec<String> = tables
        .map(|row| format!("{name}.{}", row.get::<_, &str>("quoted")))
        .collect();
    let mut statements = vec![format!("alter index {name}.{mark} rename to {SHUT}")];
    if !tables.is_empty() {
        let (tables, rw, ro) = (tables.join(", "), name.read_write_role(), name.read_only_role());
        statements.push(format!(
            "revoke insert, update, delete, truncate on {tables} from {rw}, {ro}"
        ));
    }
    tx.batch(&statements.join(";\n")).await
}

/// Gives the roles what the template says again.
pub(super) async fn open(tx: &mut Transaction, schema: &TenantSchema) -> Result<(), PgError> {
    let name = &schema.schema;
    let mark = version_mark::change(name, SHUT, schema.template_version);
    tx.batch(&mark).await?;
    grant(tx, name).await
}
