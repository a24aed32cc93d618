//! Mends what was found: each finding in a transaction of its own, under the lock of its tenant.

use std::collections::BTreeSet;

use catalog::actor::Actor;
use catalog::audit::{self, AuditEvent};
use catalog::ids::MigrationRunId;
use catalog::migration_runs::{self, RunState};
use catalog::pg::migrator;
use catalog::sessions::Device;
use catalog::tx::CatalogTx;

use super::drift::References;
use super::examine::{self, Examination};
use super::finding::Deed;
use super::look::Look;
use super::{Finding, How, Repair};
use crate::lifecycle::purge::budget;
use crate::lifecycle::{LifecycleError, Refusal, logins};

/// What was tried.
#[derive(Debug)]
pub struct Mended {
    /// What was to be mended.
    pub finding: Finding,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a repair.
#[derive(Debug)]
pub enum Outcome {
    /// It was applied.
    Done,
    /// What was found is not there any more: somebody else was faster.
    Gone,
    /// It could not be applied; nothing was changed.
    Failed(LifecycleError),
}

/// Applies the repairs that lose nothing, and where the loss is agreed to, those that remove what is nobody's. One that
/// fails keeps no other from being applied.
pub async fn repair(
    exam: &Examination<'_>,
    findings: Vec<Finding>,
    agreed: bool,
    actor: &Actor,
) -> Result<Vec<Mended>, LifecycleError> {
    let may = |finding: &Finding| match finding.repair.as_ref().map(|repair| repair.how) {
        Some(How::Fix) => true,
        Some(How::FixAgreed) => agreed,
        Some(How::Hand) | None => false,
    };
    let findings: Vec<Finding> = findings.into_iter().filter(may).collect();
    let exam = &Examination {
        kinds: findings.iter().map(|finding| finding.kind).collect(),
        ..exam.clone()
    };
    let references = examine::references(exam).await?;
    let mut mended = Vec::new();
    for finding in findings {
        let outcome = Box::pin(mend(exam, &references, &finding, actor)).await;
        let outcome = outcome.unwrap_or_else(Outcome::Failed);
        mended.push(Mended { finding, outcome });
    }
    Ok(mended)
}

async fn mend(
    exam: &Examination<'_>,
    references: &References,
    finding: &Finding,
    actor: &Actor,
) -> Result<Outcome, LifecycleError> {
    let mut tx = exam.db.begin_unhurried().await?;
    if let Some(schema) = &finding.place.schema {
        migrator::lock(tx.transaction(), schema.as_str()).await?;
    }
    let Some((found, repair)) = found_again(exam, references, &mut tx, finding).await? else {
        tx.rollback().await?;
        return Ok(Outcome::Gone);
    };
    // The lock comes after the look, which would take us for the one at work.
    if let Deed::StopRun(run) = &repair.deed
        && !is_left(&mut tx, *run).await?
    {
        tx.rollback().await?;
        return Ok(Outcome::Gone);
    }
    if let Deed::DropLogin(role) = &repair.deed {
        tx.rollback().await?;
        logins::drop(exam.db, role).await?;
        tx = exam.db.begin().await?;
    } else {
        apply(exam, &mut tx, &repair).await?;
    }
    let check = found.kind.check().name;
    let event = match found.place.organization {
        Some(_) => AuditEvent::TenantRepaired {
            check,
            repair: repair.sql,
        },
        None => AuditEvent::DatabaseRepaired {
            check,
            subject: found.subject,
            repair: repair.sql,
        },
    };
    let organization = found.place.organization;
    audit::record(&mut tx, actor, organization, &event, &Device::NONE, exam.source).await?;
    tx.commit().await?;
    Ok(Outcome::Done)
}

/// Whether a run is still open, and nobody works on one: from here on nobody can.
async fn is_left(tx: &mut CatalogTx, run: MigrationRunId) -> Result<bool, LifecycleError> {
    if !migration_runs::try_lock(tx).await? {
        return Ok(false);
    }
    let last = migration_runs::unfinished(tx).await?;
    Ok(last.is_some_and(|last| last.id == run && last.state == RunState::Open))
}

/// What is found now, under the lock, with what mends it now.
async fn found_again(
    exam: &Examination<'_>,
    references: &References,
    tx: &mut CatalogTx,
    finding: &Finding,
) -> Result<Option<(Finding, Repair)>, LifecycleError> {
    let only: Option<BTreeSet<_>> = finding
        .place
        .schema
        .as_ref()
        .map(|schema| BTreeSet::from([schema.clone()]));
    let mut look = Look::new(tx, exam, references, only.as_ref()).await?;
    let found = look.findings(finding.kind).await?;
    let found = found.into_iter().find(|found| found.is(finding));
    let before = finding.repair.as_ref().map(|repair| repair.how);
    Ok(found.and_then(|mut found| {
        // It may have become something that is not for us to mend.
        let repair = found.repair.take().filter(|repair| Some(repair.how) == before)?;
        Some((found, repair))
    }))
}

async fn apply(exam: &Examination<'_>, tx: &mut CatalogTx, repair: &Repair) -> Result<(), LifecycleError> {
    match &repair.deed {
        Deed::StopRun(run) => {
            migration_runs::end(tx, *run, RunState::Stopped, exam.source.now()).await?;
            return Ok(());
        }
        Deed::DropSchema(schema) => {
            let needed = budget::of_schema(tx.transaction(), schema).await?;
            let room = budget::room(tx.transaction()).await?;
            if needed > room {
                let what = format!("dropping {schema}");
                return Err(Refusal::TooManyLocks { what, needed, room }.into());
            }
        }
        Deed::Statements | Deed::DropLogin(_) => {}
    }
    Ok(tx.transaction().batch(&repair.sql.join(";\n")).await?)
}
