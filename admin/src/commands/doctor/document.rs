//! What the doctor found, for machines. Fields are added, never renamed.

use serde::Serialize;
use tenant_schema::doctor::{
    Check, Finding, Forecast, Mended, Mends, Outcome, Reach, Repair, Scan, Severity,
};

#[derive(Serialize)]
pub(super) struct Document {
    verdict: &'static str,
    tenants: usize,
    errors: usize,
    warnings: usize,
    advice: usize,
    checks: Vec<Ran>,
    findings: Vec<Found>,
    /// Tenants that somebody was at work on: they were not judged.
    busy: Vec<String>,
    mended: Vec<Tried>,
    forecast: Vec<Figure>,
}

#[derive(Serialize)]
struct Figure {
    what: &'static str,
    unit: &'static str,
    now: i64,
    at_twice_the_fleet: i64,
    limit: Option<i64>,
}

#[derive(Serialize)]
struct Ran {
    name: &'static str,
    findings: usize,
}

#[derive(Serialize)]
struct Found {
    check: &'static str,
    severity: &'static str,
    tenant: Option<String>,
    subject: String,
    message: String,
    details: Vec<String>,
    next: Option<String>,
    repair: Option<Mending>,
}

#[derive(Serialize)]
struct Mending {
    applied_by: &'static str,
    sql: Vec<String>,
}

#[derive(Serialize)]
struct Tried {
    check: &'static str,
    tenant: Option<String>,
    subject: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
pub(super) struct ListedCheck {
    name: &'static str,
    severity: &'static str,
    looks_at: &'static str,
    mended_by: &'static str,
    means: &'static str,
}

/// How many findings are of a severity.
pub(super) fn count(scan: &Scan, severity: Severity) -> usize {
    let findings = scan.findings.iter();
    findings.filter(|finding| finding.severity == severity).count()
}

impl Document {
    pub(super) fn new(checks: &[&'static Check], scan: &Scan, mended: &[Mended]) -> Self {
        let worst = scan.findings.iter().map(|finding| finding.severity).max();
        let of = |check: &&&'static Check| {
            let findings = scan.findings.iter();
            findings.filter(|finding| finding.kind == check.kind).count()
        };
        Self {
            verdict: match worst {
                Some(Severity::Error) => "error",
                Some(Severity::Warn) => "warn",
                Some(Severity::Advice) | None => "healthy",
            },
            tenants: scan.tenants,
            errors: count(scan, Severity::Error),
            warnings: count(scan, Severity::Warn),
            advice: count(scan, Severity::Advice),
            checks: checks
                .iter()
                .map(|check| Ran {
                    name: check.name,
                    findings: of(&check),
                })
                .collect(),
            findings: scan.findings.iter().map(found).collect(),
            busy: scan.busy.iter().map(ToString::to_string).collect(),
            mended: mended.iter().map(tried).collect(),
            forecast: scan.forecast.iter().map(figure).collect(),
        }
    }
}

fn found(finding: &Finding) -> Found {
    Found {
        check: finding.kind.check().name,
        severity: finding.severity.as_str(),
        tenant: finding.tenant.as_ref().map(ToString::to_string),
        subject: finding.subject.clone(),
        message: finding.says.clone(),
        details: finding.details.clone(),
        next: finding.next.clone(),
        repair: finding.repair.as_ref().map(mending),
    }
}

fn figure(forecast: &Forecast) -> Figure {
    Figure {
        what: forecast.what,
        unit: forecast.unit,
        now: forecast.now,
        at_twice_the_fleet: forecast.twice,
        limit: forecast.limit,
    }
}

fn mending(repair: &Repair) -> Mending {
    Mending {
        applied_by: repair.how.as_str(),
        sql: repair.sql.clone(),
    }
}

fn tried(mended: &Mended) -> Tried {
    let (outcome, error) = match &mended.outcome {
        Outcome::Done => ("mended", None),
        Outcome::Gone => ("gone", None),
        Outcome::Failed(error) => ("failed", Some(error.explain())),
    };
    Tried {
        check: mended.finding.kind.check().name,
        tenant: mended.finding.tenant.as_ref().map(ToString::to_string),
        subject: mended.finding.subject.clone(),
        outcome,
        error,
    }
}

impl ListedCheck {
    pub(super) fn of(check: &Check) -> Self {
        Self {
            name: check.name,
            severity: check.severity.as_str(),
            looks_at: match check.reach {
                Reach::Tenants => "tenants",
                Reach::Fleet => "fleet",
                Reach::Database => "database",
            },
            mended_by: match check.mends {
                Mends::All => "--fix",
                Mends::Some => "--fix (some)",
                Mends::Agreed => "--fix --yes",
                Mends::None => "by hand",
            },
            means: check.means,
        }
    }

    pub(super) fn row(&self) -> [String; 5] {
        [
            self.name,
            self.severity,
            self.looks_at,
            self.mended_by,
            self.means,
        ]
        .map(str::to_owned)
    }
}
