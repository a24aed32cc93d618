//! `tenantry plan …`, and the limits that a plan and a tenant have.

use clap::{Args, Subcommand};

use super::ceiling::{Ceiling, count, size, time};

/// `plan …`.
#[derive(Debug, Subcommand)]
pub(crate) enum PlanCommand {
    /// List the plans, with their limits and how many tenants are on them
    #[command(after_help = "Example:\n  tenantry plan list")]
    List,
    /// Show one plan
    #[command(after_help = "Example:\n  tenantry plan show pro --json")]
    Show {
        /// The plan
        name: String,
    },
    /// Make a plan, or change the limits of one
    #[command(after_help = "\
Examples:
  tenantry plan set pro --in-flight 50 --statement-timeout 5s --storage-soft 8GiB --storage-hard 10GiB
  tenantry plan set pro --rows none      no limit but the server's own
  tenantry plan set default --in-flight 20

Limits that are not named stay as they are; a new plan has none. The plan named default is that of all tenants without
another. Servers know at once; requests in flight are not touched.")]
    Set {
        /// The plan: lower-case letters, digits, _ and -, a letter first
        name: String,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Remove a plan that no tenant is on
    #[command(after_help = "Example:\n  tenantry plan remove trial-2025")]
    Remove {
        /// The plan
        name: String,
    },
}

/// Limits, each if it is to be changed.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct LimitArgs {
    /// Requests at once on one server, 1 to 10000; one more is answered with 429
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) in_flight: Option<Ceiling>,
    /// How long one SQL statement may run, 10ms to 60m, where that is shorter than the server's
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) statement_timeout: Option<Ceiling>,
    /// Records in one page of an answer and in one insert, 1 to 10000
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) rows: Option<Ceiling>,
    /// The room on disk from which on answers tell how much is taken, such as 500MiB or 8GiB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) storage_soft: Option<Ceiling>,
    /// The room on disk from which on only reading and deleting is allowed
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) storage_hard: Option<Ceiling>,
}
