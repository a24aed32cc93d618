//! `tenantry spare …`: schemas that are built before anybody wants them.

use anyhow::Context as _;
use catalog::spare_schemas;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tenant_schema::lifecycle::spares;

use crate::cli::{SpareCommand, SpareDropArgs, SpareFillArgs};
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct Filled {
    target: u32,
    built: usize,
    removed: usize,
}

#[derive(Serialize)]
struct Listed {
    schema: String,
    template_version: i32,
    created_at: DateTime<Utc>,
    /// A new tenant may get it.
    ready: bool,
}

#[derive(Serialize)]
struct Dropped {
    removed: usize,
}

pub(super) async fn run(command: SpareCommand, operator: &Operator) -> anyhow::Result<ExitStatus> {
    match command {
        SpareCommand::Fill(args) => fill(&args, operator).await,
        SpareCommand::List => list(operator).await,
        SpareCommand::Drop(args) => drop_all(&args, operator).await,
    }
}

async fn fill(args: &SpareFillArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let template = &operator.config.template;
    let target = usize::try_from(args.target)?;
    let output = operator.output;
    let told = |number| output.progress(format_args!("spare schema {number}"));
    let filled = spares::fill(&operator.db, template, target, &operator.source, told)
        .await
        .context("could not fill the pool of spare schemas")?;
    let document = Filled {
        target: args.target,
        built: filled.built,
        removed: filled.removed,
    };
    output.document(&document, |filled| {
        format!(
            "{} built, {} of another version removed",
            filled.built, filled.removed
        )
    })?;
    Ok(ExitStatus::Done)
}

async fn list(operator: &Operator) -> anyhow::Result<ExitStatus> {
    let listed = async {
        let mut tx = operator.db.begin().await?;
        let spares = spare_schemas::list(&mut tx).await?;
        tx.rollback().await?;
        anyhow::Ok(spares)
    };
    let latest = operator.config.template.latest();
    let spares = listed.await.context("could not list the spare schemas")?;
    let documents: Vec<Listed> = spares
        .into_iter()
        .map(|spare| Listed {
            schema: spare.schema.to_string(),
            ready: spare.template_version == latest,
            template_version: spare.template_version,
            created_at: spare.created_at,
        })
        .collect();
    operator.output.document(&documents, |documents| {
        if documents.is_empty() {
            return "there are no spare schemas".to_owned();
        }
        let header = ["SCHEMA", "VERSION", "BUILT", "READY"];
        output::table(header, documents.iter().map(row))
    })?;
    Ok(ExitStatus::Done)
}

fn row(spare: &Listed) -> [String; 4] {
    [
        spare.schema.clone(),
        spare.template_version.to_string(),
        output::instant(spare.created_at),
        if spare.ready { "yes" } else { "no" }.to_owned(),
    ]
}

async fn drop_all(args: &SpareDropArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    if !args.yes {
        return Err(Problem::refused(
            "all spare schemas would be removed",
            "say --yes if that is meant; `tenantry spare list` shows them",
        )
        .into());
    }
    let removed = spares::remove_all(&operator.db)
        .await
        .context("could not remove the spare schemas")?;
    operator.output.document(&Dropped { removed }, |dropped| {
        format!("{} removed", dropped.removed)
    })?;
    Ok(ExitStatus::Done)
}
