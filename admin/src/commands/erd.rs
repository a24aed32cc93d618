//! `tenantry erd`: the tables as a Mermaid diagram, read from the live schema.

use anyhow::Context as _;
use catalog::clock::Source;
use catalog::init;
use catalog::pg::erd::{self, Model};
use catalog::pg::local::{Durability, LocalCluster};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::cli::{ErdArgs, ErdSubject};
use crate::config::Config;
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::{Opened, Operator};
use crate::output::Output;

#[derive(Serialize)]
struct Diagram<'a> {
    subject: &'a str,
    mermaid: String,
}

/// Draws on the operator's database, or on a temporary one.
pub(super) async fn run(args: ErdArgs, config: Config, output: Output) -> anyhow::Result<ExitStatus> {
    let model = match Operator::open_if_any(config, output)? {
        Opened::Database(operator) => model(&args, &operator).await,
        Opened::Nothing(_) if args.tenant.is_some() => Err(Problem::environment(
            "no database is named, and no demo is running",
            "set DATABASE_URL, or leave out --tenant to draw the template",
        )
        .into()),
        Opened::Nothing(config) => Box::pin(model_of_temporary(&args, *config, output)).await,
    };
    let subject = match (&args.tenant, args.subject) {
        (Some(slug), _) => slug.as_str(),
        (None, ErdSubject::Catalog) => "catalog",
        (None, ErdSubject::Template) => "template",
    };
    let model = model.with_context(|| format!("could not draw {subject}"))?;
    let document = Diagram {
        subject,
        mermaid: model.to_mermaid(),
    };
    output.document(&document, |document| document.mermaid.clone())?;
    Ok(ExitStatus::Done)
}

async fn model(args: &ErdArgs, operator: &Operator) -> anyhow::Result<Model> {
    if args.tenant.is_none() && matches!(args.subject, ErdSubject::Template) {
        return Ok(tenant_schema::erd::of_template(&operator.db, &operator.config.template).await?);
    }
    let mut tx = operator.db.begin().await?;
    let model = match &args.tenant {
        Some(slug) => {
            let (_, schema) = operator.tenant(&mut tx, slug).await?;
            tenant_schema::erd::of_tenant(&mut tx, &schema.schema).await?
        }
        None => erd::of_catalog(&mut tx).await?,
    };
    tx.rollback().await?;
    if model.tables.is_empty() {
        return Err(Problem::environment("the database has no catalog", "run `tenantry init` first").into());
    }
    Ok(model)
}

async fn model_of_temporary(args: &ErdArgs, config: Config, output: Output) -> anyhow::Result<Model> {
    output.progress("starting a temporary PostgreSQL (DATABASE_URL is not set, no demo is running)");
    let settings = config.postgres.clone().durability(Durability::Unsafe);
    let cluster = LocalCluster::ephemeral(settings, &Source::system()).await?;
    let database = cluster
        .url("postgres")
        .expose_secret()
        .parse()
        .context("could not read the cluster's URL")?;
    let operator = Operator::on(database, None, config, output);
    let drawn = async {
        init::init(&operator.db, None).await?;
        model(args, &operator).await
    };
    let drawn = drawn.await;
    drop(operator);
    cluster.stop().await?;
    drawn
}
