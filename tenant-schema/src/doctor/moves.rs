//! Moves to another database that were begun and not finished.

use catalog::moves::MoveState;

use super::look::Look;
use super::{Finding, Kind, Severity};

/// Tenants of which it is not known in which database they are, and those whose copying was cut off.
pub(super) fn moves(look: &Look<'_>) -> Vec<Finding> {
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
                .next(format!("{again} asks there, and finishes the move or gives it up")),
            ),
            MoveState::Copying if passage.paused_until.is_none_or(|until| until < look.now) => {
                let mut finding = Finding::of(
                    Kind::Moves,
                    resident,
                    format!("its move to {target} was cut off before anything was moved; it is served here"),
                )
                .next(format!("{again} moves it"));
                finding.severity = Severity::Warn;
                findings.push(finding);
            }
            MoveState::Copying | MoveState::Moved => {}
        }
    }
    findings
}
