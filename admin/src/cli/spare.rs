//! `tenantry spare …`.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::config::Interval;

/// `spare …`.
#[derive(Debug, Subcommand)]
pub(crate) enum SpareCommand {
    /// Build spare schemas until there are so many
    #[command(after_help = "\
Examples:
  tenantry spare fill --target 20              once
  tenantry spare fill --target 20 --watch      as a service: looks every 30 seconds until SIGTERM or Ctrl-C

`tenant create` takes a spare where there is one, and builds a schema where there is none. Spares of an earlier
template version are removed and built anew. Those of a later version are left to the release that built them, and count.
Several may run at once: no more are built than the target says. It may be killed at any moment. With --watch, it waits
for a database that is away, and tries again after a growing pause.")]
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
    /// Go on: fill up what was taken, until somebody stops it
    #[arg(long)]
    pub(crate) watch: bool,
    /// How often to look, such as 5s or 1m; at least 1s
    #[arg(long, value_name = "DURATION", default_value = "30s", requires = "watch", value_parser = at_least_a_second)]
    pub(crate) every: Interval,
}

/// `spare drop`.
#[derive(Debug, Args)]
pub(crate) struct SpareDropArgs {
    /// Do it
    #[arg(long)]
    pub(crate) yes: bool,
}

/// To look more often would only cost.
fn at_least_a_second(text: &str) -> Result<Interval, String> {
    match text.parse::<Interval>() {
        Ok(every) if every.0 >= Duration::from_secs(1) => Ok(every),
        Ok(_) => Err("at least 1s is wanted".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
