//! The doctor: finds every fault that is made, mends what it says it mends, and finds nothing where nothing is wrong.

use catalog::slug::Slug;
use tenant_schema::doctor::{self, CHECKS, Examination, Finding, Kind, Outcome, Scan};
use tests::TestDb;

mod clean;
mod faults;

/// All but those that look at the server, which a test's server is not meant to pass.
pub(crate) fn kinds() -> Vec<Kind> {
    CHECKS.iter().map(|check| check.kind).collect()
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
    assert!(scan.findings.is_empty(), "{when}: {:#?}", scan.findings);
    assert!(scan.busy.is_empty(), "{when}: {:?}", scan.busy);
}

/// Applies what may be applied, and says how many that were; everything must work.
pub(crate) async fn mend(t: &TestDb, findings: Vec<Finding>, agreed: bool) -> Result<usize, String> {
    let mended = doctor::repair(&examination(t), findings, agreed, &t.actor()).await;
    match mended.iter().find(|one| !matches!(one.outcome, Outcome::Done)) {
        Some(failed) => Err(format!("{failed:#?}")),
        None => Ok(mended.len()),
    }
}
