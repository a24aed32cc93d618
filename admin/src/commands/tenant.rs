//! Tenants; this file picks what was typed.

mod archive;
mod clone;
mod create;
mod departure;
mod erasures;
mod export;
mod import;
mod limits;
mod list;
mod pin;
mod relocate;
mod seed;
mod show;
mod sizes;
mod standing;
mod stats;
mod top;

use crate::cli::TenantCommand;
use crate::exit::ExitStatus;
use crate::operator::Operator;

/// Runs one command.
pub(super) async fn run(command: TenantCommand, operator: &Operator) -> anyhow::Result<ExitStatus> {
    match command {
        TenantCommand::Create(args) => create::run(args, operator).await,
        TenantCommand::List(args) => list::run(&args, operator).await,
        TenantCommand::Sizes(args) => sizes::run(&args, operator).await,
        TenantCommand::Stats(args) => stats::run(&args, operator).await,
        TenantCommand::Top { once } => top::run(once, operator).await,
        TenantCommand::Show { slug } => show::run(&slug, operator).await,
        TenantCommand::Pin { slug, version } => pin::run(&slug, version, operator).await,
        TenantCommand::Unpin { slug } => pin::undo(&slug, operator).await,
        TenantCommand::Suspend { slug, reason } => {
            standing::suspend(&slug, reason.as_deref(), operator).await
        }
        TenantCommand::Resume { slug } => standing::resume(&slug, operator).await,
        TenantCommand::Rename { slug, name } => standing::rename(&slug, &name, operator).await,
        TenantCommand::Slug { slug, new_slug } => standing::change_slug(&slug, &new_slug, operator).await,
        TenantCommand::Clone(args) => Box::pin(clone::run(args, operator)).await,
        TenantCommand::Seed { slug, size } => Box::pin(seed::run(&slug, size, operator)).await,
        TenantCommand::Archive(args) => Box::pin(archive::run(&args, operator)).await,
        TenantCommand::Unarchive { slug, file } => Box::pin(archive::undo(&slug, &file, operator)).await,
        TenantCommand::Export(args) => Box::pin(export::run(args, operator)).await,
        TenantCommand::Import(args) => Box::pin(import::run(args, operator)).await,
        TenantCommand::Move(args) => Box::pin(relocate::run(&args, operator)).await,
        TenantCommand::Drop(args) => departure::drop(&args, operator).await,
        TenantCommand::Undrop { slug } => departure::undrop(&slug, operator).await,
        TenantCommand::PurgeDropped(args) => departure::purge(&args, operator).await,
        TenantCommand::Erasures => erasures::run(operator).await,
        TenantCommand::Plan { slug, plan, none: _ } => limits::put_on(&slug, plan.as_deref(), operator).await,
        TenantCommand::Limit { slug, limits: said } => limits::limit(&slug, &said, operator).await,
        TenantCommand::Measure => limits::measure(operator).await,
    }
}
