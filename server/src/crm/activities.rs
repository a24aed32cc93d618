//! Activities: done, open again, and what is due.

use catalog::access::Action;
use tenant_schema::crm::Parameters;
use tenant_schema::crm::activities::{Change, change, due};

use super::Asked;
use crate::access::{Needs, Use, VerbAccess, VerbUse};
use crate::records::Answered;

/// The columns by which activities are known.
const ACTIVITIES: Needs = (
    "activities",
    &[
        "completed_at",
        "completed_by",
        "due_at",
        "outcome",
        "duration_minutes",
        "deleted_at",
        "version",
    ],
);

/// Completes or reopens an activity, and answers with it.
pub(crate) struct ChangeActivity;

impl VerbUse for ChangeActivity {
    const USES: &'static [Use] = &[("activities", Action::Update), ("activities", Action::Read)];
    const NEEDS: &'static [Needs] = &[ACTIVITIES, ("members", &["user_id"])];
}

/// Reads activities.
pub(crate) struct ReadActivities;

impl VerbUse for ReadActivities {
    const USES: &'static [Use] = &[("activities", Action::Read)];
    const NEEDS: &'static [Needs] = ChangeActivity::NEEDS;
}

/// `POST /crm/v1/activities/{id}/complete`
pub(crate) async fn complete(access: VerbAccess<ChangeActivity>, asked: Asked) -> Answered {
    run(&access, &asked, Change::Complete).await
}

/// `POST /crm/v1/activities/{id}/reopen`
pub(crate) async fn reopen(access: VerbAccess<ChangeActivity>, asked: Asked) -> Answered {
    run(&access, &asked, Change::Reopen).await
}

async fn run(access: &VerbAccess<ChangeActivity>, asked: &Asked, how: Change) -> Answered {
    Parameters::none(&asked.query)?;
    let actor = access.opened.caller.actor();
    let verb = change(how, access.id()?, &actor, &asked.conditions, &asked.body)?;
    asked.run(&access.opened, &verb).await
}

/// `GET /crm/v1/activities/due`
pub(crate) async fn list_due(access: VerbAccess<ReadActivities>, asked: Asked) -> Answered {
    let actor = access.opened.caller.actor();
    let verb = due(&actor, &asked.query, asked.preferred_zone(&access.opened))?;
    asked.run(&access.opened, &verb).await
}
