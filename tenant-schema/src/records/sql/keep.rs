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

/// `_a as (`: what follows makes the row.
pub(super) fn open(sql: &mut Writer) {
    sql.push("_a as (");
}

/// The end of that, and of the statement: the row is kept, and given. It has an `extra` column of this name.
pub(super) fn close(sql: &mut Writer, keep: Keep<'_>, extra: Option<&str>) -> Result<(), RecordError> {
    sql.push(
        "), _kept as (insert into _idempotency_keys \
         (day, digest, fingerprint, kept_at, body, count, version, key, extra) \
         select floor(extract(epoch from now()) / 86400)::integer, decode(",
    );
    sql.bind("Idempotency-Key", keep.claim.digest.clone())?;
    sql.push("::text, 'hex'), decode(");
    sql.bind("Idempotency-Key", keep.claim.fingerprint.clone())?;
    sql.push("::text, 'hex'), now(), _a.body, _a.count, _a.version, _a.key, ");
    match extra {
        Some(extra) => {
            sql.push("_a.");
            sql.push(extra);
        }
        None => sql.push("null"),
    }
    sql.push(" from _a");
    if keep.written_only {
        sql.push(" where _a.count > 0");
    }
    sql.push(") select _a.body, _a.count, _a.version, _a.key");
    if let Some(extra) = extra {
        sql.push(", _a.");
        sql.push(extra);
    }
    sql.push(" from _a");
    Ok(())
}
