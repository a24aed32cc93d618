//! Moves to another database that were begun and not finished.

use std::collections::BTreeSet;

use catalog::ids::OrganizationId;
use catalog::moves::{self, MoveState};

use super::look::Look;
use super::{Finding, Kind, Severity};
use crate::lifecycle::LifecycleError;

/// Tenants of which it is not known in which database they are, and those whose copying was cut off.
pub(super) async fn moves(look: &Look<'_>) -> Result<Vec<Finding>, LifecycleError> {
    let is_copying = |state| state == MoveState::Copying;
    let mut passages = look.residents.iter().filter_map(|one| one.passage.as_ref());
    let abandoned = if passages.any(|passage| is_copying(passage.state)) {
        abandoned(look).await?
    } else {
        BTreeSet::new()
    };
    let wanted = look
        .residents
        .iter()
        .filter(|resident| look.is_wanted(&resident.schema));
    let begun = wanted.filter_map(|resident| Some((resident, resident.passage.as_ref()?)));
    let mut findings = Vec::new();
    for (resident, passage) in begun {
        let target = &passage.target;
        let again = format!("`tenantry tenant move {resident} --to …` with the URL of {target}");
        match passage.state {
            MoveState::Doubt => findings.push(
                Finding::of(
                    Kind::Moves,
                    resident,
                    format!("it is on its way to {target}; it is not known whether it has arrived, and it is not served here"),
                )
                .next(format!(
                    "{again} asks there, and finishes the move or gives it up; if that database is lost for good, `tenantry tenant move {resident} --stay --yes`"
                )),
            ),
            MoveState::Copying if abandoned.contains(&resident.organization) => {
                let paused = passage.paused_until.filter(|until| *until > look.now);
                let served = paused.map_or_else(
                    || "it is served here".to_owned(),
                    |until| format!("it is read here, and writes are refused until {}", until.format("%H:%M:%S UTC")),
                );
                let mut finding = Finding::of(
                    Kind::Moves,
                    resident,
                    format!("its move to {target} was cut off before anything was moved; {served}"),
                )
                .next(format!(
                    "{again} moves it, and `tenantry tenant move {resident} --stay` gives it up"
                ));
                finding.severity = Severity::Warn;
                findings.push(finding);
            }
            MoveState::Copying | MoveState::Moved => {}
        }
    }
    Ok(findings)
}

/// Those whose move nobody is at work on, whatever it says.
async fn abandoned(look: &Look<'_>) -> Result<BTreeSet<OrganizationId>, LifecycleError> {
    let mut tx = look.db.begin().await?;
    let abandoned = moves::abandoned(&mut tx).await?;
    tx.rollback().await?;
    Ok(abandoned.into_iter().collect())
}
