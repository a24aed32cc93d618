//! `tenantry doctor`: what is not as it should be, and what mends it.

mod document;
mod text;

use std::collections::BTreeSet;

use anyhow::Context as _;
use catalog::init;
use catalog::schema_name::SchemaName;
use tenant_schema::doctor::{self, CHECKS, Check, Examination, Kind, Mended, Reach, Scan, Severity};

use self::document::{Document, ListedCheck};
use crate::cli::{DoctorArgs, FailOn};
use crate::exit::ExitStatus;
use crate::failure::{self, Problem};
use crate::operator::Operator;
use crate::output;

/// Looks; mends and looks again, if that is asked.
pub(super) async fn run(args: &DoctorArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    if args.list {
        return list(operator);
    }
    let checks = chosen(args)?;
    check_catalog(operator).await?;
    let exam = Examination {
        db: &operator.db,
        template: &operator.config.template,
        source: &operator.source,
        kinds: checks.iter().map(|check| check.kind).collect(),
        only: schemas(args, operator).await?,
    };
    let mut scan = examine(&exam).await?;
    let mut mended = Vec::new();
    if args.fix {
        let findings = std::mem::take(&mut scan.findings);
        let repaired = Box::pin(doctor::repair(&exam, findings, args.yes, &operator.actor)).await;
        mended = repaired.context("could not mend anything")?;
        scan = examine(&exam).await?;
    }
    report(operator, args, &checks, &scan, &mended)
}

async fn examine(exam: &Examination<'_>) -> anyhow::Result<Scan> {
    let scan = Box::pin(doctor::examine(exam)).await;
    scan.context("could not look at the database")
}

fn report(
    operator: &Operator,
    args: &DoctorArgs,
    checks: &[&'static Check],
    scan: &Scan,
    mended: &[Mended],
) -> anyhow::Result<ExitStatus> {
    let document = Document::new(checks, scan, mended);
    operator
        .output
        .document(&document, |_| text::text(checks, scan, mended))?;
    let limit = match args.fail_on {
        FailOn::Warn => Severity::Warn,
        FailOn::Error => Severity::Error,
    };
    let failed = scan.findings.iter().any(|finding| finding.severity >= limit);
    Ok(if failed {
        ExitStatus::Refused
    } else {
        ExitStatus::Done
    })
}

/// The checks that are asked for. With `--only`, those that look at single tenants.
fn chosen(args: &DoctorArgs) -> anyhow::Result<Vec<&'static Check>> {
    let known = |name: &String| -> anyhow::Result<Kind> {
        let found = CHECKS.iter().find(|check| check.name == name);
        let found = found.ok_or_else(|| {
            Problem::environment(
                format!("there is no check {name}"),
                "`tenantry doctor --list` shows those there are",
            )
        })?;
        Ok(found.kind)
    };
    let asked = args.check.iter().map(known).collect::<anyhow::Result<Vec<_>>>()?;
    let skipped = args.skip.iter().map(known).collect::<anyhow::Result<Vec<_>>>()?;
    let checks: Vec<&Check> = CHECKS
        .iter()
        .filter(|check| asked.is_empty() || asked.contains(&check.kind))
        .filter(|check| !skipped.contains(&check.kind))
        .filter(|check| args.selection.or_all().is_all() || check.reach == Reach::Tenants)
        .collect();
    if checks.is_empty() {
        return Err(Problem::environment(
            "nothing is left to look for",
            "select no tenants, or skip less: of some tenants, only what concerns single tenants is looked for",
        )
        .into());
    }
    Ok(checks)
}

/// The schemas of the tenants that were selected; none where all are meant.
async fn schemas(args: &DoctorArgs, operator: &Operator) -> anyhow::Result<Option<BTreeSet<SchemaName>>> {
    let selection = args.selection.or_all();
    if selection.is_all() {
        return Ok(None);
    }
    let mut tx = operator.db.begin().await?;
    // Status 1 would say that something was found.
    let tenants = selection.tenants(&mut tx).await.map_err(|error| {
        let (failure, _) = failure::explain(&error.into());
        let next = failure
            .next
            .as_deref()
            .unwrap_or("`tenantry tenant list` shows the tenants");
        Problem::environment(failure.message, next)
    })?;
    tx.rollback().await?;
    if tenants.is_empty() {
        let next = "`tenantry tenant list` shows the tenants";
        return Err(Problem::environment(format!("no tenant matches {selection}"), next).into());
    }
    Ok(Some(tenants.into_iter().map(|tenant| tenant.schema).collect()))
}

async fn check_catalog(operator: &Operator) -> anyhow::Result<()> {
    let mut tx = operator.db.begin().await?;
    let version = init::version(&mut tx).await?;
    tx.rollback().await?;
    let own = init::latest();
    match version {
        Some(version) if version >= own => Ok(()),
        Some(version) => {
            let why = format!("the catalog is at version {version}, and this program needs version {own}");
            Err(Problem::environment(why, "run `tenantry migrate catalog` first").into())
        }
        None => Err(Problem::environment("the database has no catalog", "run `tenantry init` first").into()),
    }
}

fn list(operator: &Operator) -> anyhow::Result<ExitStatus> {
    let listed: Vec<ListedCheck> = CHECKS.iter().map(ListedCheck::of).collect();
    operator.output.document(&listed, |listed| {
        let header = ["CHECK", "SEVERITY", "LOOKS AT", "MENDED BY", "WHAT"];
        output::table(header, listed.iter().map(ListedCheck::row))
    })?;
    Ok(ExitStatus::Done)
}
