//! `tenantry spare …`: schemas that are built before anybody wants them.

pub(super) mod keeper;

use anyhow::Context as _;
use catalog::spare_schemas;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tenant_schema::lifecycle::spares;

use self::keeper::Keeper;
use crate::cli::{SpareCommand, SpareDropArgs, SpareFillArgs};
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;
use crate::output::{self, Output};
use crate::signals::Stop;

#[derive(Serialize)]
struct Filled {
    target: u32,
    built: usize,
    removed: usize,
    later: usize,
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
    if args.watch {
        return watch(args, operator).await;
    }
    let template = &operator.config.template;
    let target = usize::try_from(args.target)?;
    let output = operator.output;
    let told = |number| output.progress(format_args!("spare schema {number}"));
    let filled = spares::fill(&operator.db, template, target, &operator.source, told)
        .await
        .context("could not fill the pool of spare schemas")?;
    tell(filled, args.target, output)?;
    Ok(ExitStatus::Done)
}

/// Until somebody stops it. What it is building then is undone with its transaction.
async fn watch(args: &SpareFillArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut stop = Stop::listen().context("could not listen for signals")?;
    let (target, every) = (args.target, args.every.0);
    let output = operator.output;
    output.progress(format_args!(
        "keeping {target} spare schemas, looking every {}; Ctrl-C ends it",
        args.every
    ));
    let keeper = Keeper {
        db: &operator.db,
        template: &operator.config.template,
        source: &operator.source,
        target: usize::try_from(target)?,
        every,
    };
    tokio::select! {
        () = stop.next() => Ok(ExitStatus::Done),
        ended = keeper.keep(|filled| tell(filled, target, output)) => {
            let Err(error) = ended;
            Err(error.context("could not fill the pool of spare schemas"))
        }
    }
}

fn tell(filled: spares::Filled, target: u32, output: Output) -> anyhow::Result<()> {
    let spares::Filled {
        built,
        removed,
        later,
    } = filled;
    let document = Filled {
        target,
        built,
        removed,
        later,
    };
    output.document(&document, |filled| {
        let later = match filled.later {
            0 => String::new(),
            later => format!(", {later} of a later version left to its release"),
        };
        let Filled { built, removed, .. } = filled;
        format!("{built} built, {removed} of an earlier version removed{later}")
    })
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
