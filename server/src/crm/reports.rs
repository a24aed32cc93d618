//! Reports.

use catalog::access::Action;
use tenant_schema::crm::reports::Report;

use super::Asked;
use crate::access::{Needs, Opened, Use, VerbAccess, VerbUse};
use crate::records::Answered;

const DEALS: Needs = (
    "deals",
    &[
        "stage_id",
        "value",
        "currency",
        "probability",
        "expected_close_date",
        "closed_at",
        "owner_id",
        "deleted_at",
    ],
);
const STAGES: Needs = (
    "stages",
    &["pipeline_id", "kind", "position", "probability", "archived_at"],
);

/// Sums over deals.
pub(crate) struct SumDeals;

impl VerbUse for SumDeals {
    const USES: &'static [Use] = &[("deals", Action::Read), ("stages", Action::Read)];
    const NEEDS: &'static [Needs] = &[DEALS, STAGES];
}

/// Follows deals through the stages.
pub(crate) struct FollowDeals;

impl VerbUse for FollowDeals {
    const USES: &'static [Use] = &[
        ("deals", Action::Read),
        ("stages", Action::Read),
        ("pipelines", Action::Read),
        ("deal_stage_history", Action::Read),
    ];
    const NEEDS: &'static [Needs] = &[
        DEALS,
        STAGES,
        ("pipelines", &["is_default", "deleted_at"]),
        ("deal_stage_history", &["to_stage_id", "entered_at", "left_at"]),
    ];
}

/// Counts activities.
pub(crate) struct CountActivities;

impl VerbUse for CountActivities {
    const USES: &'static [Use] = &[("activities", Action::Read)];
    const NEEDS: &'static [Needs] = &[(
        "activities",
        &["type", "owner_id", "due_at", "completed_at", "deleted_at"],
    )];
}

/// `GET /crm/v1/reports/forecast`
pub(crate) async fn forecast(access: VerbAccess<SumDeals>, asked: Asked) -> Answered {
    read(&access.opened, &asked, Report::Forecast).await
}

/// `GET /crm/v1/reports/win-rate`
pub(crate) async fn win_rate(access: VerbAccess<SumDeals>, asked: Asked) -> Answered {
    read(&access.opened, &asked, Report::WinRate).await
}

/// `GET /crm/v1/reports/cycle-time`
pub(crate) async fn cycle_time(access: VerbAccess<SumDeals>, asked: Asked) -> Answered {
    read(&access.opened, &asked, Report::CycleTime).await
}

/// `GET /crm/v1/reports/funnel`
pub(crate) async fn funnel(access: VerbAccess<FollowDeals>, asked: Asked) -> Answered {
    read(&access.opened, &asked, Report::Funnel).await
}

/// `GET /crm/v1/reports/activities`
pub(crate) async fn activities(access: VerbAccess<CountActivities>, asked: Asked) -> Answered {
    read(&access.opened, &asked, Report::Activities).await
}

async fn read(opened: &Opened, asked: &Asked, report: Report) -> Answered {
    let verb = report.read(&asked.query, asked.preferred_zone(opened))?;
    asked.run(opened, &verb).await
}
