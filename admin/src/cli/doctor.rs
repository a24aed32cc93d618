//! `tenantry doctor`.

use clap::{Args, ValueEnum};

use super::SelectionArgs;

/// `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tenantry doctor                                   look at everything, change nothing
  tenantry doctor --only acme                       at one tenant
  tenantry doctor --where 'version<8'               at some
  tenantry doctor --check grants,stamps             for some things
  tenantry doctor --skip settings --fail-on error   for a monitoring system
  tenantry doctor --fix                             mend what can be mended without losing anything
  tenantry doctor --fix --yes                       remove as well what is nobody's
  tenantry doctor --list                            what is looked for

Each repair is shown as SQL. With --fix, those that lose nothing are applied, each in a transaction under its tenant's
lock with an entry in the audit log, and everything is looked at again. The fleet may be served, migrated and added to
meanwhile.

Exit status: 0 healthy; 1 something was found (see --fail-on); 2 it could not be looked at.")]
pub(crate) struct DoctorArgs {
    /// Apply the repairs that lose nothing, then look again
    #[arg(long)]
    pub(crate) fix: bool,
    /// With --fix: also remove schemas and roles that are nobody's, with what is in them
    #[arg(long, requires = "fix")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// Look for this only (may be repeated; see --list)
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub(crate) check: Vec<String>,
    /// Do not look for this (may be repeated; see --list)
    #[arg(long, value_name = "CHECK", value_delimiter = ',', conflicts_with = "check")]
    pub(crate) skip: Vec<String>,
    /// From which severity on the exit status is 1
    #[arg(long, value_enum, default_value_t, value_name = "SEVERITY")]
    pub(crate) fail_on: FailOn,
    /// Show what is looked for, and look at nothing
    #[arg(long, conflicts_with_all = ["fix", "check", "skip"])]
    pub(crate) list: bool,
}

/// From which severity on the exit status is 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Warnings and errors
    #[default]
    Warn,
    /// Errors
    Error,
}
