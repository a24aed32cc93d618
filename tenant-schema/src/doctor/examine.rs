//! A scan: one look at everything, and a second one at what was found.

use std::collections::BTreeSet;

use catalog::clock::Source;
use catalog::doctor;
use catalog::pg::migrator;
use catalog::schema_name::SchemaName;
use catalog::slug::Slug;
use catalog::tx::CatalogDb;

use super::capacity::Forecast;
use super::drift::References;
use super::look::Look;
use super::{Finding, Kind};
use crate::lifecycle::LifecycleError;
use crate::template::Template;

/// What is to be examined, by what.
#[derive(Debug, Clone)]
pub struct Examination<'a> {
    /// The owner's connections.
    pub db: &'a CatalogDb,
    /// What tenants are made of.
    pub template: &'a Template,
    /// Clock and randomness.
    pub source: &'a Source,
    /// What is looked for.
    pub kinds: Vec<Kind>,
    /// The schemas that are looked at; all if there is none.
    pub only: Option<BTreeSet<SchemaName>>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    /// How many tenants were looked at.
    pub tenants: usize,
    /// What is not as it should be, in the order of the checks.
    pub findings: Vec<Finding>,
    /// Tenants that somebody is at work on, so that what seemed wrong with them may be what is being done.
    pub busy: Vec<Slug>,
    /// What the fleet takes and would take at twice its size, if that was asked.
    pub forecast: Vec<Forecast>,
}

/// How often a scan is begun anew because something it described was removed meanwhile.
const TRIES: usize = 5;

/// How many tenants are kept still at once for the second look.
const STILL: usize = 50;

/// Looks, and looks again at what seemed wrong. Nothing is changed.
pub async fn examine(exam: &Examination<'_>) -> Result<Scan, LifecycleError> {
    let references = references(exam).await?;
    let mut tries = 0;
    loop {
        tries += 1;
        match scan(exam, &references).await {
            // "cache lookup failed": PostgreSQL describes by its newest state what we see in an older one.
            Err(error) if tries < TRIES && error.pg().and_then(|pg| pg.sqlstate()) == Some("XX000") => {}
            done => return done,
        }
    }
}

/// What the schemas of the fleet's versions should be like, if that is asked.
pub(super) async fn references(exam: &Examination<'_>) -> Result<References, LifecycleError> {
    let compares = |kind: &Kind| [Kind::Drift, Kind::Indexes].contains(kind);
    if !exam.kinds.iter().any(compares) {
        return Ok(References::default());
    }
    let mut tx = exam.db.begin().await?;
    let residents = doctor::residents(&mut tx).await?;
    tx.rollback().await?;
    let wanted = residents.iter().filter(|resident| {
        let only = exam.only.as_ref();
        resident.is_living() && only.is_none_or(|only| only.contains(&resident.schema))
    });
    let versions = wanted.map(|resident| resident.template_version);
    // Who is migrated meanwhile has the latest.
    let versions = versions.chain([exam.template.latest()]).collect();
    References::build(exam.db, exam.template, exam.source, versions).await
}

async fn scan(exam: &Examination<'_>, references: &References) -> Result<Scan, LifecycleError> {
    let mut scan = Scan::default();
    let mut first = Vec::new();
    let mut tx = exam.db.begin_survey().await?;
    let mut look = Look::new(&mut tx, exam, references, exam.only.as_ref()).await?;
    scan.tenants = look.living().filter(|resident| resident.slug.is_some()).count();
    for kind in &exam.kinds {
        first.extend(look.findings(*kind).await?);
    }
    scan.forecast = std::mem::take(&mut look.forecast);
    tx.rollback().await?;
    let (still, others): (Vec<Finding>, Vec<Finding>) = first
        .into_iter()
        .partition(|finding| finding.place.schema.is_some());
    let schemas: BTreeSet<SchemaName> = still
        .iter()
        .filter_map(|finding| finding.place.schema.clone())
        .collect();
    let schemas: Vec<SchemaName> = schemas.into_iter().collect();
    for some in schemas.chunks(STILL) {
        look_again(exam, references, &still, some, &mut scan).await?;
    }
    if !others.is_empty() {
        let again = look_once(exam, references, &others).await?;
        scan.findings.extend(again);
    }
    scan.findings.sort_by_key(|finding| {
        let place = exam.kinds.iter().position(|kind| *kind == finding.kind);
        (
            place,
            finding.tenant.as_ref().map(ToString::to_string),
            finding.subject.clone(),
        )
    });
    scan.busy.sort();
    scan.busy.dedup();
    Ok(scan)
}

/// The second look at tenants, which nobody may change meanwhile but by hand.
async fn look_again(
    exam: &Examination<'_>,
    references: &References,
    first: &[Finding],
    schemas: &[SchemaName],
    scan: &mut Scan,
) -> Result<(), LifecycleError> {
    let names: Vec<&str> = schemas.iter().map(SchemaName::as_str).collect();
    // Every statement sees what was committed before it, unlike the first look: the lock comes first.
    let mut tx = exam.db.begin_unhurried().await?;
    let free = migrator::try_lock_shared(tx.transaction(), &names).await?;
    let free: BTreeSet<SchemaName> = schemas
        .iter()
        .filter(|schema| free.iter().any(|name| name == schema.as_str()))
        .cloned()
        .collect();
    let here = |finding: &&Finding| {
        let schema = finding.place.schema.as_ref();
        schema.is_some_and(|schema| schemas.contains(schema))
    };
    let doubted: Vec<&Finding> = first.iter().filter(here).collect();
    let kinds: BTreeSet<Kind> = doubted.iter().map(|finding| finding.kind).collect();
    let mut look = Look::new(&mut tx, exam, references, Some(&free)).await?;
    for kind in kinds {
        let again = look.findings(kind).await?.into_iter();
        let still = again.filter(|finding| doubted.iter().any(|doubted| doubted.is(finding)));
        scan.findings.extend(still);
    }
    tx.rollback().await?;
    let held = doubted.into_iter().filter(|finding| {
        let schema = finding.place.schema.as_ref();
        schema.is_some_and(|schema| !free.contains(schema))
    });
    scan.busy
        .extend(held.filter_map(|finding| finding.tenant.clone()));
    Ok(())
}

/// The second look at what is no tenant's.
async fn look_once(
    exam: &Examination<'_>,
    references: &References,
    first: &[Finding],
) -> Result<Vec<Finding>, LifecycleError> {
    let kinds: BTreeSet<Kind> = first.iter().map(|finding| finding.kind).collect();
    let mut tx = exam.db.begin_survey().await?;
    let mut look = Look::new(&mut tx, exam, references, None).await?;
    let mut findings = Vec::new();
    for kind in kinds {
        let again = look.findings(kind).await?.into_iter();
        findings.extend(again.filter(|finding| first.iter().any(|first| first.is(finding))));
    }
    tx.rollback().await?;
    Ok(findings)
}
