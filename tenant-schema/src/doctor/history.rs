//! The history table of each schema against the catalog and the template's files.

use std::collections::BTreeMap;

use catalog::doctor::Resident;
use catalog::pg::migrator::HISTORY_TABLE;
use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;

use super::look::Look;
use super::{Finding, Kind, Severity};
use crate::lifecycle::LifecycleError;

/// How many tables are read by one statement; what it locks is let go of before the next.
const AT_ONCE: usize = 200;

/// What a schema says it was made of: numbers, names and checksums, a line each.
type Histories = BTreeMap<SchemaName, String>;

/// Tenants whose history is not that of their version.
pub(super) async fn history(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let tenants = look.tenants();
    let histories = read(look, &tenants).await?;
    let mut expected: BTreeMap<i32, String> = BTreeMap::new();
    let mut findings = Vec::new();
    for tenant in tenants {
        let version = tenant.template_version;
        let latest = look.template.latest();
        if version > latest {
            let says = format!("it is at version {version}, and this program's template ends at {latest}");
            findings.push(
                Finding::of(Kind::History, &tenant, says)
                    .graded(Severity::Warn)
                    .next("use the program and the template that migrated it"),
            );
            continue;
        }
        let files = expected.entry(version).or_insert_with(|| {
            let files = look.template.migrations().history(version);
            let lines = files.map(|(number, name, checksum)| format!("{number} {name} {checksum}"));
            lines.collect::<Vec<_>>().join("\n")
        });
        let found = histories.get(&tenant.schema);
        if found.is_some_and(|found| found == files) {
            continue;
        }
        findings.push(finding(&tenant, files, found.map(String::as_str)));
    }
    Ok(findings)
}

fn finding(tenant: &Resident, files: &str, found: Option<&str>) -> Finding {
    let Some(found) = found else {
        return Finding::of(Kind::History, tenant, format!("it has no table {HISTORY_TABLE}"))
            .next("restore the table from a backup");
    };
    let version = tenant.template_version;
    let reached = found.lines().filter_map(number).max().unwrap_or(0);
    if reached != version {
        return Finding::of(
            Kind::History,
            tenant,
            format!("the catalog has it at version {version}, its history at {reached}"),
        )
        .next("find out which is true (a backup that was restored?) before it is migrated again");
    }
    let (files, found): (Vec<&str>, Vec<&str>) = (files.lines().collect(), found.lines().collect());
    let mut details = Vec::new();
    for line in &files {
        if !found.contains(line) {
            let applied = found.iter().find(|other| number(other) == number(line));
            details.push(match applied {
                Some(applied) => format!("applied {}, and the file is {}", shown(applied), shown(line)),
                None => format!("{} was not applied", shown(line)),
            });
        }
    }
    for line in &found {
        if !files.iter().any(|file| number(file) == number(line)) {
            details.push(format!("applied {}, and there is no such file", shown(line)));
        }
    }
    Finding::of(
        Kind::History,
        tenant,
        "what it was made of is not what the template says",
    )
    .detailed(details)
    .next("name the template it was made of (--template), or give its files back as they were")
}

fn number(line: &str) -> Option<i32> {
    line.split(' ').next()?.parse().ok()
}

/// `3 people 123` as `V3__people (checksum 123)`.
fn shown(line: &str) -> String {
    let mut parts = line.splitn(3, ' ');
    let mut part = || parts.next().unwrap_or_default();
    let (number, name, checksum) = (part(), part(), part());
    format!("V{number}__{name} (checksum {checksum})")
}

/// Reads all of them, a few hundred tables at a time: each table that is read is locked until the transaction ends or goes
/// back to a savepoint.
async fn read(look: &mut Look<'_>, tenants: &[Resident]) -> Result<Histories, LifecycleError> {
    let names: Vec<&str> = tenants.iter().map(|tenant| tenant.schema.as_str()).collect();
    let tx = look.tx.transaction();
    let rows = tx.rows(TABLES, &[&names, &HISTORY_TABLE]).await?;
    let schemas: Vec<&str> = rows.iter().map(|row| row.get("schema")).collect();
    let mut histories = Histories::new();
    for some in schemas.chunks(AT_ONCE) {
        match read_some(look, some, &mut histories).await {
            Ok(()) => {}
            // One of them was removed at this moment.
            Err(error) if is_gone(&error) => {
                for one in some {
                    match read_some(look, std::slice::from_ref(one), &mut histories).await {
                        Err(error) if !is_gone(&error) => return Err(error.into()),
                        _ => {}
                    }
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(histories)
}

fn is_gone(error: &PgError) -> bool {
    matches!(error.sqlstate(), Some("42P01" | "3F000" | "XX000" | "42703"))
}

async fn read_some(look: &mut Look<'_>, schemas: &[&str], histories: &mut Histories) -> Result<(), PgError> {
    let selects = schemas.iter().map(|schema| {
        format!(
            "select '{schema}', string_agg(concat_ws(' ', h.version, h.name, h.checksum), E'\\n' order by h.version)
               from {schema}.{HISTORY_TABLE} h"
        )
    });
    let union = selects.collect::<Vec<_>>().join(" union all ");
    let tx = look.tx.transaction();
    tx.batch("savepoint histories").await?;
    let read = tx.texts(&union).await;
    tx.batch("rollback to savepoint histories; release savepoint histories")
        .await?;
    for row in read? {
        if let [Some(schema), history] = row.as_slice()
            && let Ok(schema) = schema.parse()
        {
            histories.insert(schema, history.clone().unwrap_or_default());
        }
    }
    Ok(())
}

pub(crate) const TABLES: &str = "\
select n.nspname::text as schema
  from pg_catalog.pg_namespace n join pg_catalog.pg_class c on c.relnamespace = n.oid
 where n.nspname = any($1::text[]) and c.relname = $2::text and c.relkind = 'r'
 order by n.nspname";
