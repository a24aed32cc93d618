//! Drift: schemas that are not what the template says at their version.
//!
//! Each tenant is held against a schema that is made of its own version's files for this purpose, looked at and rolled back.
//! One query gives the fingerprints of all; of those that are alike one is looked at line by line.

mod difference;
mod fingerprint;
mod lines;
mod reference;

use std::collections::BTreeMap;
use std::sync::Arc;

use catalog::doctor::Resident;
use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;

use self::difference::{Change, difference};
use self::fingerprint::Fingerprint;
use self::lines::{Lines, Thing};
pub(super) use self::reference::References;
use super::look::Look;
use super::post_steps::Lacked;
use super::{Finding, Kind, Repair, Severity};
use crate::lifecycle::LifecycleError;

pub(crate) const STATEMENTS: &[&str] = &[fingerprint::ROUGH, fingerprint::EXACT, lines::LINES];

/// How many schemas are read line by line at once.
const AT_ONCE: usize = 50;

/// What is different in a tenant; never nothing.
#[derive(Debug)]
pub(super) struct Drifted {
    pub(super) tenant: Resident,
    changes: Vec<Change>,
}

impl Drifted {
    /// The statements that make the indexes that are missing, each with its name.
    pub(super) fn missing_indexes(&self) -> impl Iterator<Item = (&str, String)> {
        let missing = self.changes.iter().filter(|change| change.is_missing_index());
        missing.map(|change| (change.name(), change.repair(&self.tenant.schema).concat()))
    }
}

/// Tenants whose schema differs in anything but an index that is missing, which has a check of its own.
pub(super) async fn drift(look: &mut Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let mut findings = Vec::new();
    for drifted in all(look).await?.iter() {
        let changes: Vec<&Change> = drifted
            .changes
            .iter()
            .filter(|change| !change.is_missing_index())
            .collect();
        if changes.is_empty() {
            continue;
        }
        let (mut missing, mut extra, mut other) = (0, 0, 0);
        for change in &changes {
            match change {
                Change::Missing { .. } => missing += 1,
                Change::Extra { .. } => extra += 1,
                Change::Changed { .. } => other += 1,
            }
        }
        let says = format!(
            "it is not what the template says at version {}: {missing} missing, {extra} more, {other} changed",
            drifted.tenant.template_version
        );
        let harmless = missing == 0
            && changes
                .iter()
                .all(|change| matches!(change, Change::Extra { .. }) || change.thing() == Thing::Comment);
        let severity = if harmless { Severity::Warn } else { Severity::Error };
        let schema = &drifted.tenant.schema;
        let sql = changes.iter().flat_map(|change| change.repair(schema)).collect();
        let finding = Finding::of(Kind::Drift, &drifted.tenant, says).graded(severity);
        findings.push(
            finding
                .detailed(changes.iter().map(|change| change.told()).collect())
                .with(Repair::by_hand(sql)),
        );
    }
    Ok(findings)
}

/// Every tenant that differs. Looked for once in each look, since several checks ask.
pub(super) async fn all(look: &mut Look<'_>) -> Result<Arc<Vec<Drifted>>, LifecycleError> {
    if let Some(known) = &look.drifted {
        return Ok(Arc::clone(known));
    }
    // Of a tenant whose history is not its version's nobody knows what it should be like.
    let mut tenants = look.by_schema();
    tenants.retain(|schema, tenant| {
        !look.doubtful.contains(schema) && look.references.of(tenant.template_version).is_some()
    });
    let drifted = Arc::new(compare(look, &tenants).await?);
    look.drifted = Some(Arc::clone(&drifted));
    Ok(drifted)
}

/// Tenants that are alike, by version and fingerprint.
type Groups = BTreeMap<(i32, Fingerprint), Vec<Resident>>;

async fn compare(
    look: &mut Look<'_>,
    tenants: &BTreeMap<String, Resident>,
) -> Result<Vec<Drifted>, LifecycleError> {
    let names: Vec<&str> = tenants.keys().map(String::as_str).collect();
    let rough = fingerprint::rough(look.tx.transaction(), &names).await?;
    let rough = grouped(tenants, rough);
    let heads: Vec<&str> = rough.values().map(|group| group[0].schema.as_str()).collect();
    let exact = fingerprint::exact(look.tx.transaction(), &heads).await?;
    let mut groups = Groups::new();
    for (version, fingerprint, head) in with_versions(tenants, exact) {
        let alike = rough.values().find(|group| group[0].schema == head.schema);
        let group = groups.entry((version, fingerprint)).or_default();
        group.extend(alike.into_iter().flatten().cloned());
    }
    let heads: Vec<&str> = groups.values().map(|group| group[0].schema.as_str()).collect();
    let lines = read_lines(look, &heads).await?;
    let nothing = Lines::new();
    let mut drifted = Vec::new();
    for ((version, _), group) in &groups {
        let found = lines.get(&group[0].schema).unwrap_or(&nothing);
        let Some(reference) = look.references.of(*version) else {
            continue;
        };
        let changes = difference(reference, found, &group[0].schema);
        if changes.is_empty() {
            continue;
        }
        for tenant in group {
            let lacked = look.lacking.get(tenant.schema.as_str());
            let lacked: Vec<&Lacked> = lacked.into_iter().flatten().collect();
            let mut changes = changes.clone();
            changes.retain(|change| !lacked.iter().any(|lacked| change.is_for_lack_of(lacked)));
            if !changes.is_empty() {
                let tenant = tenant.clone();
                drifted.push(Drifted { tenant, changes });
            }
        }
    }
    Ok(drifted)
}

fn grouped(tenants: &BTreeMap<String, Resident>, fingerprints: Vec<(SchemaName, Fingerprint)>) -> Groups {
    let mut groups = Groups::new();
    for (version, fingerprint, tenant) in with_versions(tenants, fingerprints) {
        let group = groups.entry((version, fingerprint)).or_default();
        group.push(tenant.clone());
    }
    groups
}

fn with_versions(
    tenants: &BTreeMap<String, Resident>,
    fingerprints: Vec<(SchemaName, Fingerprint)>,
) -> impl Iterator<Item = (i32, Fingerprint, &Resident)> {
    fingerprints.into_iter().filter_map(|(schema, fingerprint)| {
        let tenant = tenants.get(schema.as_str())?;
        Some((tenant.template_version, fingerprint, tenant))
    })
}

async fn read_lines(look: &mut Look<'_>, schemas: &[&str]) -> Result<BTreeMap<SchemaName, Lines>, PgError> {
    let mut read = BTreeMap::new();
    for some in schemas.chunks(AT_ONCE) {
        read.extend(lines::read(look.tx.transaction(), some).await?);
    }
    Ok(read)
}
