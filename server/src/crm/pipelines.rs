//! Pipelines: their boards, and the writing of one with its stages.

use catalog::access::Action;
use tenant_schema::crm::{Parameters, board, pipelines};

use super::Asked;
use crate::access::{Needs, Use, VerbAccess, VerbUse};
use crate::records::Answered;

/// The columns by which pipelines and stages are known.
const PIPELINES: Needs = (
    "pipelines",
    &["is_default", "currency", "position", "deleted_at", "version"],
);
const STAGES: Needs = (
    "stages",
    &[
        "pipeline_id",
        "kind",
        "probability",
        "rot_after_days",
        "required_fields",
        "archived_at",
        "version",
    ],
);
const DEALS: Needs = (
    "deals",
    &[
        "stage_id",
        "position",
        "value",
        "currency",
        "owner_id",
        "deleted_at",
    ],
);

/// Reads a board.
pub(crate) struct ReadBoard;

impl VerbUse for ReadBoard {
    const USES: &'static [Use] = &[
        ("pipelines", Action::Read),
        ("stages", Action::Read),
        ("deals", Action::Read),
    ];
    const NEEDS: &'static [Needs] = &[PIPELINES, STAGES, DEALS];
}

/// Makes a pipeline with its stages.
pub(crate) struct CreatePipeline;

impl VerbUse for CreatePipeline {
    const USES: &'static [Use] = &[
        ("pipelines", Action::Insert),
        // Another one is the default no more.
        ("pipelines", Action::Update),
        ("stages", Action::Insert),
        ("pipelines", Action::Read),
        ("stages", Action::Read),
    ];
    const NEEDS: &'static [Needs] = &[PIPELINES, STAGES];
}

/// Replaces a pipeline with its stages.
pub(crate) struct ReplacePipeline;

impl VerbUse for ReplacePipeline {
    const USES: &'static [Use] = &[
        ("pipelines", Action::Update),
        ("stages", Action::Insert),
        ("stages", Action::Update),
        ("stages", Action::Delete),
        ("pipelines", Action::Read),
        ("stages", Action::Read),
    ];
    const NEEDS: &'static [Needs] = &[PIPELINES, STAGES, DEALS, ("deal_stage_history", &["to_stage_id"])];
}

/// Puts the stages of a pipeline in another order.
pub(crate) struct ReorderStages;

impl VerbUse for ReorderStages {
    const USES: &'static [Use] = &[
        ("stages", Action::Update),
        ("stages", Action::Read),
        ("pipelines", Action::Read),
    ];
    const NEEDS: &'static [Needs] = &[PIPELINES, STAGES];
}

/// `GET /crm/v1/pipelines/{id}/board`
pub(crate) async fn board(access: VerbAccess<ReadBoard>, asked: Asked) -> Answered {
    let verb = board::board(access.id()?, &asked.query)?;
    asked.run(&access.opened, &verb).await
}

/// `POST /crm/v1/pipelines`
pub(crate) async fn create(access: VerbAccess<CreatePipeline>, asked: Asked) -> Answered {
    Parameters::none(&asked.query)?;
    asked.conditions.refuse()?;
    let verb = pipelines::create(&asked.body)?;
    asked.run(&access.opened, &verb).await
}

/// `PUT /crm/v1/pipelines/{id}`
pub(crate) async fn replace(access: VerbAccess<ReplacePipeline>, asked: Asked) -> Answered {
    Parameters::none(&asked.query)?;
    let verb = pipelines::replace(access.id()?, &asked.conditions, &asked.body)?;
    asked.run(&access.opened, &verb).await
}

/// `POST /crm/v1/pipelines/{id}/reorder`
pub(crate) async fn reorder(access: VerbAccess<ReorderStages>, asked: Asked) -> Answered {
    Parameters::none(&asked.query)?;
    let verb = pipelines::reorder(access.id()?, &asked.conditions, &asked.body)?;
    asked.run(&access.opened, &verb).await
}
