//! Deals: moved, won, lost, reopened.

use catalog::access::Action;
use tenant_schema::crm::Parameters;
use tenant_schema::crm::deals::{Change, change};

use super::Asked;
use crate::access::{Needs, Use, VerbAccess, VerbUse};
use crate::records::Answered;

/// Changes where a deal is, and answers with it.
pub(crate) struct ChangeDeal;

impl VerbUse for ChangeDeal {
    const USES: &'static [Use] = &[
        ("deals", Action::Update),
        ("deals", Action::Read),
        ("stages", Action::Read),
    ];
    const NEEDS: &'static [Needs] = &[
        (
            "deals",
            &["stage_id", "position", "lost_reason_id", "deleted_at", "version"],
        ),
        (
            "stages",
            &["pipeline_id", "kind", "required_fields", "archived_at"],
        ),
        ("lost_reasons", &["requires_note", "archived_at"]),
        ("pipelines", &["deleted_at"]),
        ("deal_stage_history", &["to_stage_id", "entered_at"]),
    ];
}

/// `POST /crm/v1/deals/{id}/move`
pub(crate) async fn move_it(access: VerbAccess<ChangeDeal>, asked: Asked) -> Answered {
    run(&access, &asked, Change::Move).await
}

/// `POST /crm/v1/deals/{id}/win`
pub(crate) async fn win(access: VerbAccess<ChangeDeal>, asked: Asked) -> Answered {
    run(&access, &asked, Change::Win).await
}

/// `POST /crm/v1/deals/{id}/lose`
pub(crate) async fn lose(access: VerbAccess<ChangeDeal>, asked: Asked) -> Answered {
    run(&access, &asked, Change::Lose).await
}

/// `POST /crm/v1/deals/{id}/reopen`
pub(crate) async fn reopen(access: VerbAccess<ChangeDeal>, asked: Asked) -> Answered {
    run(&access, &asked, Change::Reopen).await
}

async fn run(access: &VerbAccess<ChangeDeal>, asked: &Asked, how: Change) -> Answered {
    Parameters::none(&asked.query)?;
    let verb = change(how, access.id()?, &asked.conditions, &asked.body)?;
    asked.run(&access.opened, &verb).await
}
