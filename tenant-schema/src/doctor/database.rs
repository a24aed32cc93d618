//! The database that all tenants share.

use catalog::doctor::database;

use super::ground::schema_of;
use super::look::Look;
use super::{Finding, Kind, Repair, Severity};
use crate::lifecycle::LifecycleError;

/// The extensions that templates and the engine find in `extensions`.
const NEEDED: [&str; 3] = ["btree_gist", "pg_trgm", "unaccent"];

/// Dead rows of a system catalog that are no matter.
const FEW_DEAD: i64 = 50_000;

/// PostgreSQL stops writing at about 2,100 million.
const FAR_TOO_OLD: i64 = 1_500_000_000;

/// Objects in `public`: no tenant sees them, so whoever made them meant another schema, or shares the database.
pub(super) async fn public_objects(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let found = database::public_objects(look.tx).await?;
    if found.count == 0 {
        return Ok(Vec::new());
    }
    let finding = Finding::new(
        Kind::PublicObjects,
        "public",
        format!("{} objects that no tenant sees", found.count),
    );
    let next = "if a script ran without its tenant's path, run it again by `tenantry psql`; if another program shares the database, \
                leave this check out (--skip public)";
    Ok(vec![finding.detailed(found.names).next(next)])
}

/// Extensions that are missing, or where they should not be.
pub(super) async fn extensions(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let found = database::extensions(look.tx).await?;
    let mut findings = Vec::new();
    for name in NEEDED {
        if !found.iter().any(|extension| extension.name == name) {
            let sql = format!("create extension {name} with schema extensions");
            findings.push(
                Finding::new(Kind::Extensions, name, "the extension is missing")
                    .with(Repair::by_hand(vec![sql])),
            );
        }
    }
    for extension in &found {
        let (name, schema) = (&extension.name, &extension.schema);
        let severity = match schema.as_str() {
            "extensions" => continue,
            _ if NEEDED.contains(&name.as_str()) || schema_of(schema).is_some() => Severity::Error,
            "catalog" => Severity::Warn,
            "public" => Severity::Advice,
            // Some have a schema of their own.
            _ => continue,
        };
        let sql = format!("alter extension \"{name}\" set schema extensions");
        let says = format!("the extension is in schema {schema}, where tenants do not find it");
        findings.push(
            Finding::new(Kind::Extensions, name, says)
                .graded(severity)
                .with(Repair::by_hand(vec![sql])),
        );
    }
    Ok(findings)
}

/// Rows that have not been frozen for long: at two thousand million transactions PostgreSQL stops writing.
pub(super) async fn transaction_age(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let Some(age) = database::transaction_age(look.tx).await? else {
        return Ok(Vec::new());
    };
    let oldest = age.transactions.max(age.multixacts);
    // Freezing begins at the limit; somewhat later it should have got there.
    let severity = match oldest {
        oldest if oldest >= FAR_TOO_OLD => Severity::Error,
        oldest if oldest >= age.limit.saturating_mul(2) => Severity::Warn,
        _ => return Ok(Vec::new()),
    };
    let says = format!(
        "the oldest rows are {} million transactions old, and autovacuum_freeze_max_age is {} million",
        oldest / 1_000_000,
        age.limit / 1_000_000
    );
    let finding = Finding::new(Kind::TransactionAge, "transaction age", says).graded(severity);
    let next = "look for what keeps vacuum from its work: a transaction open for days, a prepared one, a replication slot, \
                autovacuum switched off; then `vacuum freeze`";
    Ok(vec![finding.next(next)])
}

/// System catalogs with more dead rows than live ones: tenants that came and went.
pub(super) async fn catalog_bloat(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let tables = database::bloated(look.tx, FEW_DEAD).await?;
    let bloated = tables.into_iter().filter(|table| table.dead * 2 > table.live);
    let findings = bloated.map(|table| {
        let says = format!("{} dead rows beside {} live ones", table.dead, table.live);
        let sql = format!("vacuum (analyze) pg_catalog.{}", table.name);
        Finding::new(Kind::CatalogBloat, table.name, says).with(Repair::by_hand(vec![sql]))
    });
    Ok(findings.collect())
}
