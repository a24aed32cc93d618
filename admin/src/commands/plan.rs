//! Plans: what tenants may take.

use anyhow::Context as _;
use catalog::audit::{self, AuditEvent};
use catalog::error::CatalogError;
use catalog::limits::{Limit, Limits};
use catalog::plans::{self, Plan};
use catalog::sessions::Device;
use serde::Serialize;

use crate::cli::{Ceiling, LimitArgs, PlanCommand};
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct ShownPlan {
    name: String,
    tenants: i64,
    limits: Limits,
}

impl From<Plan> for ShownPlan {
    fn from(plan: Plan) -> Self {
        Self {
            name: plan.name,
            tenants: plan.tenants,
            limits: plan.limits,
        }
    }
}

/// Runs one command.
pub(super) async fn run(command: PlanCommand, operator: &Operator) -> anyhow::Result<ExitStatus> {
    match command {
        PlanCommand::List => list(operator).await.context("could not list the plans"),
        PlanCommand::Show { name } => show(&name, operator)
            .await
            .with_context(|| format!("could not show plan {name}")),
        PlanCommand::Set { name, limits } => set(&name, &limits, operator)
            .await
            .with_context(|| format!("could not set plan {name}")),
        PlanCommand::Remove { name } => remove(&name, operator)
            .await
            .with_context(|| format!("could not remove plan {name}")),
    }
}

async fn list(operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut tx = operator.db.begin().await?;
    let all = plans::list(&mut tx).await?;
    tx.rollback().await?;
    let document: Vec<ShownPlan> = all.into_iter().map(ShownPlan::from).collect();
    operator.output.document(&document, |plans| {
        if plans.is_empty() {
            return "there are no plans: `tenantry plan set default --in-flight 50` makes one for all tenants".to_owned();
        }
        let rows = plans.iter().map(|plan| {
            let [in_flight, statement, rows, soft, hard] = texts(&plan.limits);
            [
                plan.name.clone(),
                plan.tenants.to_string(),
                in_flight,
                statement,
                rows,
                soft,
                hard,
            ]
        });
        output::table(
            ["PLAN", "TENANTS", "IN FLIGHT", "STATEMENT", "ROWS", "SOFT", "HARD"],
            rows,
        )
    })?;
    Ok(ExitStatus::Done)
}

async fn show(name: &str, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut tx = operator.db.begin().await?;
    let plan = plans::lock(&mut tx, name).await?;
    tx.rollback().await?;
    let plan = plan.ok_or_else(|| unknown(name))?;
    operator.output.document(&ShownPlan::from(plan), text)?;
    Ok(ExitStatus::Done)
}

async fn set(name: &str, said: &LimitArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let (source, actor) = (&operator.source, &operator.actor);
    let mut tx = operator.db.begin().await?;
    let before = plans::lock(&mut tx, name).await?;
    let (mut limits, tenants) = before.map_or((Limits::default(), None), |plan| {
        (plan.limits, Some(plan.tenants))
    });
    for (limit, ceiling) in changes(said) {
        limits.set(
            limit,
            match ceiling {
                Ceiling::Unlimited => None,
                Ceiling::At(number) => Some(number),
                Ceiling::OfPlan => {
                    return Err(Problem::refused(
                        "plan is a word for the limits of a tenant",
                        "give a plan's limit a number, or none",
                    )
                    .into());
                }
            },
        );
    }
    plans::set(&mut tx, name, &limits, source.now())
        .await
        .map_err(|error| {
            refused(
                error,
                "a name is lower-case letters, digits, _ and -, a letter first, 40 at most",
            )
        })?;
    let event = AuditEvent::PlanSet {
        name: name.to_owned(),
        limits,
    };
    audit::record(&mut tx, actor, None, &event, &Device::NONE, source).await?;
    let tenants = match tenants {
        Some(tenants) => tenants,
        None => plans::lock(&mut tx, name).await?.map_or(0, |plan| plan.tenants),
    };
    tx.commit().await.map_err(CatalogError::from)?;
    let document = ShownPlan {
        name: name.to_owned(),
        tenants,
        limits,
    };
    operator.output.document(&document, text)?;
    Ok(ExitStatus::Done)
}

async fn remove(name: &str, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let (source, actor) = (&operator.source, &operator.actor);
    let mut tx = operator.db.begin().await?;
    let plan = plans::lock(&mut tx, name).await?.ok_or_else(|| unknown(name))?;
    if plan.tenants > 0 && name != plans::DEFAULT {
        let why = format!("there are tenants on it: {}", plan.tenants);
        return Err(Problem::refused(why, "give them another by `tenantry tenant plan`").into());
    }
    plans::remove(&mut tx, name).await.map_err(|error| {
        refused(
            error,
            "give tenants that name it another plan by `tenantry tenant plan`",
        )
    })?;
    let event = AuditEvent::PlanRemoved {
        name: name.to_owned(),
    };
    audit::record(&mut tx, actor, None, &event, &Device::NONE, source).await?;
    tx.commit().await.map_err(CatalogError::from)?;
    operator.output.document(&ShownPlan::from(plan), |plan| {
        format!("plan {} is removed", plan.name)
    })?;
    Ok(ExitStatus::Done)
}

fn unknown(name: &str) -> Problem {
    Problem::refused(
        format!("there is no plan {name}"),
        "`tenantry plan list` shows those there are",
    )
}

/// What the catalog's rules say against it, and what would be right.
pub(super) fn refused(error: CatalogError, name: &'static str) -> anyhow::Error {
    let next = match &error {
        CatalogError::Invalid { constraint } if constraint.ends_with("plans_storage_check") => {
            "the soft limit of storage is at most the hard one"
        }
        CatalogError::Invalid { .. } | CatalogError::PlanInUse => name,
        _ => return error.into(),
    };
    Problem::refused(error.to_string(), next).into()
}

/// The limits that were named, and what each is to be.
pub(super) fn changes(said: &LimitArgs) -> impl Iterator<Item = (Limit, Ceiling)> {
    [
        (Limit::InFlight, said.in_flight),
        (Limit::StatementTimeout, said.statement_timeout),
        (Limit::Rows, said.rows),
        (Limit::StorageSoft, said.storage_soft),
        (Limit::StorageHard, said.storage_hard),
    ]
    .into_iter()
    .filter_map(|(limit, ceiling)| Some((limit, ceiling?)))
}

/// Each limit as people read it.
pub(super) fn texts(limits: &Limits) -> [String; 5] {
    [
        Limit::InFlight,
        Limit::StatementTimeout,
        Limit::Rows,
        Limit::StorageSoft,
        Limit::StorageHard,
    ]
    .map(|limit| {
        let Some(number) = limits.get(limit) else {
            return "-".to_owned();
        };
        match limit {
            Limit::InFlight | Limit::Rows => number.to_string(),
            Limit::StatementTimeout => format!("{number} ms"),
            Limit::StorageSoft | Limit::StorageHard => output::bytes(number),
        }
    })
}

fn text(plan: &ShownPlan) -> String {
    let [in_flight, statement, rows, soft, hard] = texts(&plan.limits);
    output::pairs(vec![
        ("plan", plan.name.clone()),
        ("tenants", plan.tenants.to_string()),
        ("in flight", in_flight),
        ("statement", statement),
        ("rows", rows),
        ("storage soft", soft),
        ("storage hard", hard),
    ])
}
