//! `tenantry migrate …`.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use tenant_schema::fleet::Waves;

use super::SelectionArgs;
use crate::config::Interval;

/// `migrate`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct MigrateArgs {
    #[command(subcommand)]
    pub(crate) command: Option<MigrateCommand>,
    /// The catalog alone, or the tenants alone; both if it is left out, the catalog first
    #[arg(value_enum, value_name = "WHAT")]
    pub(crate) subject: Option<MigrateSubject>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// All tenants that are behind: what is done anyway, for scripts that say it
    #[arg(long, conflicts_with_all = ["only", "conditions", "all"])]
    pub(crate) behind: bool,
    /// How many tenants are migrated at once, each on a connection of its own
    #[arg(long, value_name = "N", default_value = "4", value_parser = jobs)]
    pub(crate) jobs: NonZeroUsize,
    /// How many tenants are migrated when each wave is done, in numbers or in % of those to be migrated, such as
    /// 1,5%,25%,100%; all at once if it is left out
    #[arg(long, value_name = "WAVES", conflicts_with = "resume")]
    pub(crate) wave: Option<Waves>,
    /// How long to wait between two waves, such as 30s or 10m
    #[arg(long, value_name = "DURATION")]
    pub(crate) pause_between: Option<Interval>,
    /// How many tenants of a wave may fail before the run stops; if left out, none in the waves before the last and any
    /// number in the last
    #[arg(long, value_name = "N")]
    pub(crate) max_failures: Option<usize>,
    /// How long a statement waits for a lock before the tenant is tried again later
    #[arg(long, value_name = "DURATION", default_value = "2s")]
    pub(crate) lock_timeout: Interval,
    /// How often a tenant is tried that does not get its locks
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) attempts: u32,
    /// Only carry out the post-steps of the template that tenants lack
    #[arg(long, conflicts_with_all = ["dry_run", "resume", "wave", "no_post_steps"])]
    pub(crate) post_steps: bool,
    /// Leave the post-steps of the template for another time
    #[arg(long)]
    pub(crate) no_post_steps: bool,
    /// At how many tenants a post-step is carried out at once
    #[arg(long, value_name = "N", default_value = "2", value_parser = jobs)]
    pub(crate) post_step_jobs: NonZeroUsize,
    /// How long a post-step waits for other transactions to end before it is tried again later; nobody waits behind it
    #[arg(long, value_name = "DURATION", default_value = "1m")]
    pub(crate) post_step_wait: Interval,
    /// Say what would be done, and do nothing
    #[arg(long, conflicts_with_all = ["dry_run", "resume"])]
    pub(crate) plan: bool,
    /// Do it to the tenants of --only, or to the first of each version (of those of --where), say what each statement
    /// took, and roll it back
    #[arg(long, conflicts_with = "resume")]
    pub(crate) dry_run: bool,
    /// Go on with the last run, which was stopped or killed, in the waves it had; what failed is tried again
    #[arg(long, conflicts_with_all = ["only", "conditions", "all"])]
    pub(crate) resume: bool,
}

impl MigrateArgs {
    /// How long to wait between two waves, if it was said.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.pause_between.map(|pause| pause.0)
    }
}

/// What is migrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MigrateSubject {
    /// Who exists
    Catalog,
    /// The schemas of the tenants
    Tenants,
}

/// `migrate …`.
#[derive(Debug, Subcommand)]
pub(crate) enum MigrateCommand {
    /// Show the versions of the fleet, the last runs, and what failed
    #[command(after_help = "\
Examples:
  tenantry migrate status
  tenantry migrate status --json | jq '.failures[].sqlstate'

Nothing but the catalog is looked at. The exit status is 1 if a tenant failed when it was last migrated.")]
    Status,
}

/// More than that is more than a PostgreSQL has connections, and has cost more than it gained long before.
pub(super) fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse() {
        Ok(jobs @ 1..=64) => NonZeroUsize::new(jobs).ok_or_else(String::new),
        _ => Err("a number from 1 to 64 is wanted".to_owned()),
    }
}

/// The end of the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  tenantry migrate                                      the catalog, then every tenant that is behind
  tenantry migrate --plan                               what that would do
  tenantry migrate --dry-run --only acme                do it, time it, show its locks, take it back
  tenantry migrate --where plan=free --where 'created>2026-01-01'
  tenantry migrate --wave 1,5%,25%,100% --pause-between 5m --jobs 8
  tenantry migrate --post-steps --post-step-wait 30m    only what is outside of transactions, and takes its time
  tenantry migrate --resume                             after it was stopped or killed
  tenantry migrate status

Each tenant is migrated in a transaction of its own, in which the catalog learns of it. One that fails keeps its
version and stops no other of its wave unless --max-failures says so; the exit status is then 1. A tenant whose locks
are not to be had within --lock-timeout is tried again later, after a growing pause, while the others go on. Ctrl-C lets
the tenants at work finish and begins no other. When all are done, spare schemas of an earlier version are replaced. It may
be killed at any moment: what is done is done.

What cannot be in a transaction (P9__index.sql in the template: create index concurrently) comes behind the last wave, at
tenants that have reached its version. What loses against other transactions stays pending, and what PostgreSQL refuses is
recorded; both are tried again the next time. docs/upgrades.md has more.";
