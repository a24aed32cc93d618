//! Sequences that are nearly used up.

use std::collections::BTreeMap;

use catalog::pg::sqlstate::PgError;

use super::look::Look;
use super::{Finding, Kind, Severity};
use crate::lifecycle::LifecycleError;

/// How many are read by one transaction: each that is read is locked until it ends.
const AT_ONCE: usize = 500;

/// From which share on it is told, and from which on it is an error, in percent.
const MUCH: i64 = 75;
const TOO_MUCH: i64 = 95;

/// Tenants with a sequence whose end is near.
pub(super) async fn sequences(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let tenants = look.by_schema();
    let names: Vec<&str> = tenants.keys().map(String::as_str).collect();
    let rows = look.tx.transaction().rows(SEQUENCES, &[&names]).await?;
    let all: Vec<u32> = rows.iter().map(|row| row.get("id")).collect();
    let mut near: BTreeMap<String, Vec<(String, i64)>> = BTreeMap::new();
    for some in all.chunks(AT_ONCE) {
        for (schema, name, percent) in used(look, some).await? {
            near.entry(schema).or_default().push((name, percent));
        }
    }
    let findings = near.into_iter().filter_map(|(schema, sequences)| {
        let tenant = tenants.get(&schema)?;
        let most = sequences.iter().map(|(_, percent)| *percent).max()?;
        let severity = if most >= TOO_MUCH {
            Severity::Error
        } else {
            Severity::Warn
        };
        let says = sequences
            .iter()
            .map(|(name, percent)| format!("sequence {name} is used up to {percent} %"));
        let says: Vec<String> = says.collect();
        let next = "give the column a wider type (bigint) before it ends";
        Some(
            Finding::of(Kind::Sequences, tenant, says.join("; "))
                .graded(severity)
                .next(next),
        )
    });
    Ok(findings.collect())
}

async fn used(look: &Look<'_>, some: &[u32]) -> Result<Vec<(String, String, i64)>, PgError> {
    let mut tx = look.db.begin_survey().await?;
    let rows = tx.transaction().rows(USED, &[&some, &MUCH]).await?;
    let used = rows
        .iter()
        .map(|row| (row.get("schema"), row.get("name"), row.get("percent")))
        .collect();
    tx.rollback().await?;
    Ok(used)
}

/// Those that end, and that we may read.
pub(crate) const SEQUENCES: &str = "\
select c.oid as id
  from pg_catalog.pg_namespace n
  join pg_catalog.pg_class c on c.relnamespace = n.oid
  join pg_catalog.pg_sequence q on q.seqrelid = c.oid
 where n.nspname = any($1::text[]) and not q.seqcycle and pg_catalog.pg_has_role(c.relowner, 'usage')
 order by c.oid";

pub(crate) const USED: &str = "\
with used as (
  select q.seqrelid, case when q.seqincrement > 0
           then (pg_sequence_last_value(q.seqrelid)::numeric - q.seqmin) / nullif(q.seqmax::numeric - q.seqmin, 0)
           else (q.seqmax - pg_sequence_last_value(q.seqrelid)::numeric) / nullif(q.seqmax::numeric - q.seqmin, 0) end * 100
           as percent
    from pg_catalog.pg_sequence q where q.seqrelid = any($1::oid[])
)
select n.nspname::text as schema, c.relname::text as name, trunc(u.percent)::bigint as percent
  from used u
  join pg_catalog.pg_class c on c.oid = u.seqrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where u.percent >= $2::bigint
 order by n.nspname, c.relname";
