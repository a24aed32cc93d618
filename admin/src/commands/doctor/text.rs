//! What the doctor found, for people: the verdict first, then check by check.

use tenant_schema::doctor::{Check, Finding, Forecast, How, Mended, Outcome, Scan, Severity};

use super::document::count;
use crate::output;

/// How many findings of one check are told, and how many lines of a finding's details and repair.
const FINDINGS: usize = 20;
const LINES: usize = 12;

pub(super) fn text(checks: &[&'static Check], scan: &Scan, mended: &[Mended]) -> String {
    let mut parts = vec![verdict(checks, scan)];
    if !mended.is_empty() {
        let lines: Vec<String> = mended.iter().map(mended_line).collect();
        parts.push(lines.join("\n"));
    }
    for check in checks {
        let findings: Vec<&Finding> = scan
            .findings
            .iter()
            .filter(|finding| finding.kind == check.kind)
            .collect();
        if !findings.is_empty() {
            parts.push(group(check, &findings));
        }
    }
    if !scan.busy.is_empty() {
        let busy: Vec<String> = scan.busy.iter().map(ToString::to_string).collect();
        parts.push(format!(
            "not judged, since somebody is at work on them: {}",
            busy.join(", ")
        ));
    }
    if !scan.forecast.is_empty() {
        let header = ["CAPACITY", "NOW", "AT TWICE THE FLEET", "LIMIT"];
        parts.push(output::table(header, scan.forecast.iter().map(figures)));
    }
    parts.extend(next(scan));
    parts.join("\n\n")
}

fn figures(forecast: &Forecast) -> [String; 4] {
    let shown = |figure: i64| match forecast.unit {
        "bytes" => output::bytes(figure),
        _ => figure.to_string(),
    };
    [
        forecast.what.to_owned(),
        shown(forecast.now),
        shown(forecast.twice),
        forecast.limit.map_or_else(String::new, shown),
    ]
}

fn verdict(checks: &[&'static Check], scan: &Scan) -> String {
    let (errors, warnings) = (count(scan, Severity::Error), count(scan, Severity::Warn));
    let mut found = Vec::new();
    for (count, what) in [
        (errors, "error"),
        (warnings, "warning"),
        (count(scan, Severity::Advice), "hint"),
    ] {
        if count > 0 {
            found.push(counted(count, what));
        }
    }
    let verdict = match (errors, warnings) {
        (0, 0) => "healthy",
        (0, _) => "not quite healthy",
        _ => "not healthy",
    };
    let found = match found.as_slice() {
        [] => "nothing found".to_owned(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    };
    let looked = format!(
        "{}, {}",
        counted(scan.tenants, "tenant"),
        counted(checks.len(), "check")
    );
    format!("{verdict}: {found}; {looked}")
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn mended_line(mended: &Mended) -> String {
    let finding = &mended.finding;
    let what = format!("{} {}", finding.kind.check().name, whose(finding));
    match &mended.outcome {
        Outcome::Done => format!("mended: {what}"),
        Outcome::Gone => format!("gone by itself: {what}"),
        Outcome::Failed(error) => format!("could not be mended: {what}: {}", error.explain()),
    }
}

fn whose(finding: &Finding) -> String {
    finding
        .tenant
        .as_ref()
        .map_or_else(|| finding.subject.clone(), ToString::to_string)
}

fn group(check: &Check, findings: &[&Finding]) -> String {
    let worst = findings.iter().map(|finding| finding.severity).max();
    let severity = worst.unwrap_or(check.severity).as_str();
    let mut lines = vec![format!("{} ({severity}): {}", check.name, check.means)];
    for finding in &findings[..findings.len().min(FINDINGS)] {
        lines.push(format!("  {}: {}", whose(finding), finding.says));
        lines.extend(some(&finding.details).map(|line| format!("    {line}")));
        if let Some(next) = &finding.next {
            lines.push(format!("    next: {next}"));
        }
        if let Some(repair) = finding.repair.as_ref().filter(|repair| !repair.sql.is_empty()) {
            lines.push(format!("    repair, {}:", repair.how.as_str()));
            let sql: Vec<String> = repair.sql.iter().map(|sql| format!("{sql};")).collect();
            lines.extend(some(&sql).map(|line| format!("      {}", line.replace('\n', "\n      "))));
        }
    }
    if findings.len() > FINDINGS {
        lines.push(format!(
            "  … and {} more; --json has all",
            findings.len() - FINDINGS
        ));
    }
    lines.join("\n")
}

/// The first of many lines, and how many more there are.
fn some(lines: &[String]) -> impl Iterator<Item = String> {
    let more = lines.len().saturating_sub(LINES);
    let shown = lines.iter().take(LINES).cloned();
    shown.chain((more > 0).then(|| format!("… and {more} more; --json has all")))
}

fn next(scan: &Scan) -> Option<String> {
    let by = |how: How| {
        let findings = scan.findings.iter();
        let repairs = findings.filter_map(|finding| finding.repair.as_ref());
        repairs.filter(|repair| repair.how == how).count()
    };
    let (safe, agreed) = (by(How::Fix), by(How::FixAgreed));
    match (safe, agreed) {
        (0, 0) => None,
        (safe, 0) => Some(format!("next: `tenantry doctor --fix` mends {safe} of these")),
        (0, agreed) => Some(format!(
            "next: `tenantry doctor --fix --yes` removes {agreed} of these for good"
        )),
        (safe, agreed) => Some(format!(
            "next: `tenantry doctor --fix` mends {safe} of these, with --yes it removes {agreed} for good"
        )),
    }
}
