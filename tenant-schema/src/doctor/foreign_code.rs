//! What others have made in a tenant's schema that could run with its owner's rights.

use std::collections::BTreeMap;

use super::look::Look;
use super::{Finding, Kind, Repair};
use crate::lifecycle::{LifecycleError, foreign};

/// Tenants whose schema holds such things, which keep them from being migrated.
pub(super) async fn foreign(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let tenants = look.by_schema();
    let names: Vec<&str> = tenants.keys().map(String::as_str).collect();
    let mut wrong: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for row in look.tx.transaction().rows(foreign::FOUND, &[&names]).await? {
        let (kind, identity, owner): (&str, &str, &str) =
            (row.get("type"), row.get("identity"), row.get("owner"));
        let (says, sql) = wrong.entry(row.get("schema")).or_default();
        says.push(format!("{kind} {identity} is {owner}'s"));
        sql.push(format!("drop {kind} {identity}"));
    }
    let findings = wrong.into_iter().filter_map(|(schema, (says, sql))| {
        let finding = Finding::of(
            Kind::ForeignCode,
            tenants.get(&schema)?,
            "what others have made in the schema could run with its owner's rights, so that it is not migrated",
        );
        let next = "look at what it does first; what is to stay can be given to the schema's owner by `alter … owner to`";
        Some(finding.detailed(says).next(next).with(Repair::by_hand(sql)))
    });
    Ok(findings.collect())
}
