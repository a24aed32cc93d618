//! The row of an answer, kept under its idempotency key by the statement that makes it.

use super::writer::Writer;
use crate::records::claim::Claim;
use crate::records::error::RecordError;

/// What is kept, and when.
#[derive(Clone, Copy)]
pub struct Keep<'a> {
    /// Under which key.
    pub(in crate::records) claim: &'a Claim,
    /// Only if something was written: else the answer is an error.
    pub(in crate::records) written_only: bool,
}

/// `a0 as (`: what follows makes the row.
pub(super) fn open(sql: &mut Writer) {
    sql.push("a0 as (");
}

/// The end of that, and of the statement: the row is kept, and given. It has an `extra` column of this name.
pub(super) fn close(sql: &mut Writer, keep: Keep<'_>, extra: Option<&str>) -> Result<(), RecordError> {
    sql.push(
        "), kept as (insert into _idempotency_keys \
         (day, digest, fingerprint, kept_at, body, count, version, key, extra) \
         select floor(extract(epoch from now()) / 86400)::integer, decode(",
    );
    sql.bind("Idempotency-Key", keep.claim.digest.clone())?;
    sql.push("::text, 'hex'), decode(");
    sql.bind("Idempotency-Key", keep.claim.fingerprint.clone())?;
    sql.push("::text, 'hex'), now(), a0.body, a0.count, a0.version, a0.key, ");
    match extra {
        Some(extra) => {
            sql.push("a0.");
            sql.push(extra);
        }
        None => sql.push("null"),
    }
    sql.push(" from a0");
    if keep.written_only {
        sql.push(" where a0.count > 0");
    }
    sql.push(") select a0.body, a0.count, a0.version, a0.key");
    if let Some(extra) = extra {
        sql.push(", a0.");
        sql.push(extra);
    }
    sql.push(" from a0");
    Ok(())
}
