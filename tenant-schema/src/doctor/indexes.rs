//! Indexes that are not there, or there and good for nothing.

use std::collections::BTreeMap;

use super::look::Look;
use super::{Finding, Kind, Repair, drift};
use crate::lifecycle::LifecycleError;

/// Tenants that lack an index of the template, or have one that PostgreSQL does not use: it was to be made without locking and
/// that failed.
pub(super) async fn indexes(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let tenants = look.by_schema();
    let mut wrong: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
    let names: Vec<&str> = tenants.keys().map(String::as_str).collect();
    for row in look.tx.transaction().rows(INVALID, &[&names]).await? {
        let (schema, index): (&str, &str) = (row.get("schema"), row.get("name"));
        // What is left of an attempt at a post-step is removed by the next one.
        let lacked = look.lacking.get(schema).into_iter().flatten();
        if lacked.into_iter().any(|lacked| lacked.makes(index)) {
            continue;
        }
        let full: &str = row.get("named");
        let (says, sql) = wrong.entry(schema.to_owned()).or_default();
        let table: &str = row.get("table_name");
        says.push(format!(
            "index {index} of {table} is invalid: PostgreSQL does not use it"
        ));
        // What REINDEX CONCURRENTLY leaves when it fails stands beside the real one.
        sql.push(if row.get("is_copy") {
            format!("drop index {full}")
        } else {
            format!("reindex index {full}")
        });
    }
    for drifted in drift::all(look).await?.iter() {
        for (name, make) in drifted.missing_indexes() {
            let schema = drifted.tenant.schema.as_str().to_owned();
            let (says, sql) = wrong.entry(schema).or_default();
            says.push(format!("index {name} is missing"));
            sql.push(make);
        }
    }
    let findings = wrong.into_iter().filter_map(|(schema, (says, sql))| {
        let tenant = tenants.get(&schema)?;
        Some(Finding::of(Kind::Indexes, tenant, says.join("; ")).with(Repair::safe(sql)))
    });
    Ok(findings.collect())
}

/// Indexes that are not valid, but those that somebody is making at this moment: who does so without locking holds this lock on
/// the table.
pub(crate) const INVALID: &str = "\
select n.nspname::text as schema, c.relname::text as name, t.relname::text as table_name,
       format('%I.%I', n.nspname, c.relname) as named, c.relname ~ '_cc(new|old)[0-9]*$' as is_copy
  from pg_catalog.pg_index i
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  join pg_catalog.pg_class t on t.oid = i.indrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = any($1::text[]) and c.relkind = 'i' and not (i.indisvalid and i.indisready)
   and not exists (
     select from pg_catalog.pg_locks l join pg_catalog.pg_database d on d.oid = l.database
      where d.datname = current_database() and l.relation = i.indrelid and l.mode = 'ShareUpdateExclusiveLock')
 order by n.nspname, c.relname";
