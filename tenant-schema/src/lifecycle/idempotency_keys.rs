//! The engine's own table in every tenant schema: the answers that are kept for idempotency keys. A template knows nothing
//! of it, and its name keeps it out of the API.

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;

use super::version_mark;

/// Its name.
pub(crate) const TABLE: &str = "_idempotency_keys";

/// Its columns, as its rows are copied.
pub(crate) const COLUMNS: &str = "day, digest, fingerprint, kept_at, body, count, version, key, extra";

/// Makes the table where it is missing, for the read-write role alone: the requests of one caller are not for others, and
/// whoever may only look has no use for them. `search_path` is on the schema.
///
/// One index serves all: a key is looked up on two days at most, and what is over is found from the beginning. A key and
/// its caller are in it as a digest only. The index bears the mark of the template version.
pub(crate) async fn create(
    tx: &mut Transaction,
    schema: &SchemaName,
    template_version: i32,
) -> Result<(), PgError> {
    let (rw, mark) = (schema.read_write_role(), version_mark::of(template_version));
    tx.batch(&format!(
        "create table if not exists {schema}.{TABLE} (
             day integer not null,
             digest bytea not null,
             fingerprint bytea not null,
             kept_at timestamptz not null,
             body text,
             count bigint not null,
             version text,
             key text,
             extra bigint,
             constraint {mark} primary key (day, digest)
         );
         comment on table {schema}.{TABLE} is 'Answers to writes with an Idempotency-Key, kept for a day. The engine''s own.';
         comment on column {schema}.{TABLE}.day is 'The day of kept_at in UTC, counted from 1970.';
         comment on column {schema}.{TABLE}.digest is 'SHA-256 of the tenant, the caller and the key.';
         comment on column {schema}.{TABLE}.fingerprint is 'SHA-256 of the request.';
         comment on column {schema}.{TABLE}.kept_at is 'When the request was answered.';
         comment on column {schema}.{TABLE}.body is 'The body of the answer.';
         comment on column {schema}.{TABLE}.count is 'How many records were written.';
         comment on column {schema}.{TABLE}.version is 'The version of the one record that was written.';
         comment on column {schema}.{TABLE}.key is 'The key of the one record that was added.';
         comment on column {schema}.{TABLE}.extra is 'How many of the records were new.';
         revoke all on {schema}.{TABLE} from public;
         grant select, insert, update, delete on {schema}.{TABLE} to {rw}"
    ))
    .await
}
