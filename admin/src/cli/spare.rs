//! `tenantry spare …`.

use clap::{Args, Subcommand};

/// `spare …`.
#[derive(Debug, Subcommand)]
pub(crate) enum SpareCommand {
    /// Build spare schemas until there are so many
    #[command(after_help = "\
Examples:
  tenantry spare fill --target 20
  * * * * *  tenantry spare fill --target 20      from cron: done in milliseconds when nothing is missing

`tenant create` takes a spare where there is one, and builds a schema where there is none. Spares of an earlier
template version are removed and built anew: run it after `tenantry migrate`. Several may run at once: no more are built
than the target says. It may be killed at any moment.")]
    Fill(SpareFillArgs),
    /// List the spare schemas
    #[command(after_help = "\
Example:
  tenantry spare list")]
    List,
    /// Remove all spare schemas
    #[command(after_help = "\
Example:
  tenantry spare drop --yes

Nobody's records are in them.")]
    Drop(SpareDropArgs),
}

/// `spare fill`.
#[derive(Debug, Args)]
pub(crate) struct SpareFillArgs {
    /// How many there should be
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) target: u32,
}

/// `spare drop`.
#[derive(Debug, Args)]
pub(crate) struct SpareDropArgs {
    /// Do it
    #[arg(long)]
    pub(crate) yes: bool,
}
