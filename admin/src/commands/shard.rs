//! Citus: where tenants are, and moving them by its own functions.

use anyhow::Context as _;
use catalog::citus::{self, Node, Placed};
use catalog::slug::Slug;
use catalog::tx::CatalogTx;
use serde::Serialize;

use crate::cli::{NodeAddress, ShardCommand};
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct Status {
    citus: String,
    nodes: Vec<ShownNode>,
    tenants: Vec<ShownTenant>,
}

#[derive(Serialize)]
struct ShownNode {
    node: String,
    takes_shards: bool,
    tenants: usize,
}

#[derive(Serialize)]
struct ShownTenant {
    slug: String,
    schema: String,
    distributed: bool,
    node: Option<String>,
}

#[derive(Serialize)]
struct Done {
    slug: String,
    node: Option<String>,
}

#[derive(Serialize)]
struct Rebalancing {
    job: Option<i64>,
}

/// Runs one command.
pub(super) async fn run(command: ShardCommand, operator: &Operator) -> anyhow::Result<ExitStatus> {
    match command {
        ShardCommand::Status => status(operator).await.context("could not show the shards"),
        ShardCommand::Distribute { slug } => distribute(&slug, operator)
            .await
            .with_context(|| format!("could not distribute tenant {slug}")),
        ShardCommand::Move { slug, to } => move_to(&slug, &to, operator)
            .await
            .with_context(|| format!("could not move tenant {slug}")),
        ShardCommand::Rebalance => rebalance(operator).await.context("could not rebalance"),
    }
}

/// Citus' version, where it is there and distributes schemas.
async fn citus(tx: &mut CatalogTx) -> anyhow::Result<String> {
    match citus::version(tx).await? {
        Some((version, major)) if major >= citus::OLDEST => Ok(version),
        Some((version, _)) => {
            let why = format!("this is Citus {version}, which distributes no schemas");
            Err(Problem::refused(why, "bring it to 12 or newer").into())
        }
        None => Err(Problem::refused(
            "this database has no Citus",
            "docs/citus.md says when it is worth it, and how to begin",
        )
        .into()),
    }
}

fn address(name: &str, port: i32) -> String {
    format!("{name}:{port}")
}

async fn status(operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut tx = operator.db.begin().await?;
    let citus = citus(&mut tx).await?;
    let nodes = citus::nodes(&mut tx).await?;
    let tenants = citus::placed(&mut tx).await?;
    tx.rollback().await?;
    let shown = |placed: Placed| ShownTenant {
        slug: placed.slug,
        schema: placed.schema,
        distributed: placed.is_distributed,
        node: placed.node.map(|(name, port)| address(&name, port)),
    };
    let tenants: Vec<ShownTenant> = tenants.into_iter().map(shown).collect();
    let counted = |node: Node| {
        let node_address = address(&node.name, node.port);
        let is_there = |tenant: &&ShownTenant| tenant.node.as_ref() == Some(&node_address);
        ShownNode {
            tenants: tenants.iter().filter(is_there).count(),
            takes_shards: node.takes_shards,
            node: node_address.clone(),
        }
    };
    let nodes = nodes.into_iter().map(counted).collect();
    let document = Status {
        citus,
        nodes,
        tenants,
    };
    operator.output.document(&document, text)?;
    Ok(ExitStatus::Done)
}

fn text(status: &Status) -> String {
    let nodes = status.nodes.iter().map(|node| {
        let shards = if node.takes_shards { "yes" } else { "no" };
        [node.node.clone(), shards.to_owned(), node.tenants.to_string()]
    });
    let tenants = status.tenants.iter().map(|tenant| {
        let node = match (&tenant.node, tenant.distributed) {
            (Some(node), _) => node.clone(),
            (None, true) => "no tables yet".to_owned(),
            (None, false) => "not distributed".to_owned(),
        };
        [tenant.slug.clone(), tenant.schema.clone(), node]
    });
    format!(
        "Citus {}\n\n{}\n\n{}",
        status.citus,
        output::table(["NODE", "TAKES SHARDS", "TENANTS"], nodes),
        output::table(["TENANT", "SCHEMA", "NODE"], tenants)
    )
}

async fn distribute(slug: &Slug, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut tx = operator.db.begin_unhurried().await?;
    citus(&mut tx).await?;
    let (_, schema) = operator.tenant(&mut tx, slug).await?;
    citus::distribute(&mut tx, &schema.schema).await?;
    tx.commit().await?;
    done(slug, None, operator)
}

async fn move_to(slug: &Slug, to: &NodeAddress, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut tx = operator.db.begin_unhurried().await?;
    citus(&mut tx).await?;
    let (_, schema) = operator.tenant(&mut tx, slug).await?;
    citus::move_to(&mut tx, &schema.schema, &to.host, i32::from(to.port)).await?;
    tx.commit().await?;
    done(slug, Some(address(&to.host, i32::from(to.port))), operator)
}

fn done(slug: &Slug, node: Option<String>, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let document = Done {
        slug: slug.to_string(),
        node,
    };
    operator.output.document(&document, |done| match &done.node {
        Some(node) => format!("{} is on {node}", done.slug),
        None => format!("{} is distributed", done.slug),
    })?;
    Ok(ExitStatus::Done)
}

async fn rebalance(operator: &Operator) -> anyhow::Result<ExitStatus> {
    let mut tx = operator.db.begin_unhurried().await?;
    citus(&mut tx).await?;
    let job = citus::rebalance(&mut tx).await?;
    tx.commit().await?;
    operator
        .output
        .document(&Rebalancing { job }, |rebalancing| match rebalancing.job {
            Some(job) => format!("Citus moves tenants in the background, as job {job}"),
            None => "the tenants are spread evenly; nothing is moved".to_owned(),
        })?;
    Ok(ExitStatus::Done)
}
