//! The doctor: finds every fault that is made, mends what it says it mends, and finds nothing where nothing is wrong.

use catalog::slug::Slug;
use tenant_schema::doctor::{self, CHECKS, Examination, Finding, Kind, Outcome, Scan};
use tests::TestDb;

mod clean;
mod faults;
mod server;

/// All but those that look at the server, which a test's server is not meant to pass.
pub(crate) fn kinds() -> Vec<Kind> {
    let kinds = CHECKS.iter().map(|check| check.kind);
    kinds.filter(|kind| *kind != Kind::Settings).collect()
}

pub(crate) fn examination(t: &TestDb) -> Examination<'_> {
    Examination {
        db: t.catalog(),
        template: t.template(),
        source: t.source(),
        kinds: kinds(),
        only: None,
    }
}

pub(crate) async fn scan(t: &TestDb) -> Scan {
    let scan = Box::pin(doctor::examine(&examination(t))).await;
    scan.expect("everything can be looked at")
}

/// A finding in few words: check, severity, tenant, what mends it.
pub(crate) fn short(finding: &Finding) -> String {
    let tenant = finding.tenant.as_ref().map_or("-", Slug::as_str);
    let repair = finding.repair.as_ref().map_or("-", |repair| repair.how.as_str());
    let severity = finding.severity.as_str();
    format!("{} {severity} {tenant} {repair}", finding.kind.check().name)
}

pub(crate) fn shorts(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(short).collect()
}

/// There is nothing to find. The roles of a cluster are looked at too: only for a test with one of its own.
pub(crate) async fn assert_healthy(t: &TestDb, when: &str) {
    let scan = scan(t).await;
    let found = scan.findings.iter().filter(|finding| !is_of_the_test(finding));
    assert_eq!(found.count(), 0, "{when}: {:#?}", scan.findings);
    assert!(scan.busy.is_empty(), "{when}: {:?}", scan.busy);
}

/// The same where there is no tenant but one whose purge may have been begun: that is all there is to find. Nobody is held
/// against the template, whose schema would have to be made for it each time.
pub(crate) async fn assert_nothing_but_a_purge(t: &TestDb, when: &str) {
    let mut exam = examination(t);
    exam.kinds
        .retain(|kind| ![Kind::Drift, Kind::Indexes].contains(kind));
    let scan = Box::pin(doctor::examine(&exam)).await;
    let found = scan.expect("everything can be looked at").findings;
    let others = found
        .iter()
        .filter(|finding| finding.kind != Kind::Purges && !is_of_the_test(finding));
    assert_eq!(others.count(), 0, "{when}: {found:#?}");
}

/// A test's server has no autovacuum: what many attempts leave in the catalogs stays there.
fn is_of_the_test(finding: &Finding) -> bool {
    finding.kind == Kind::CatalogBloat
}

/// Applies what may be applied, and says how many that were; nothing may fail.
pub(crate) async fn mend(t: &TestDb, findings: Vec<Finding>, agreed: bool) -> Result<usize, String> {
    let mended = Box::pin(doctor::repair(&examination(t), findings, agreed, &t.actor())).await;
    let mended = mended.map_err(|error| error.explain())?;
    let done = mended.iter().filter(|one| matches!(one.outcome, Outcome::Done));
    match mended
        .iter()
        .find(|one| matches!(one.outcome, Outcome::Failed(_)))
    {
        Some(failed) => Err(format!("{failed:#?}")),
        None => Ok(done.count()),
    }
}
