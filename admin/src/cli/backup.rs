//! `tenantry backup`: all tenants into a folder, and the proof that they can be restored.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use catalog::slug::Slug;
use clap::{Args, Subcommand};

use super::SelectionArgs;

pub(super) const EXAMPLES: &str = "\
Examples:
  tenantry backup /srv/backup
  tenantry backup /srv/backup --jobs 4
  tenantry backup /srv/backup --only acme,globex   these anew, the others as they are
  tenantry backup /srv/backup --resume             after a run that was stopped or killed
  tenantry backup drill /srv/backup                restore it somewhere else, and compare

Each tenant is a container of its own, as `tenantry tenant export` writes it, of one moment of that tenant. What a folder holds
is said by its manifest.json, which is replaced when the last container is written, and only then the containers before are
removed: a run that ends early takes nothing from the backup that was there. A tenant that cannot be exported keeps the container
it had, and the exit status is 1. What the catalog alone knows (accounts, keys, settings) is in no container: back that up by
pg_dump --schema catalog.";

pub(super) const DRILL: &str = "\
Examples:
  tenantry backup drill /srv/backup
  tenantry backup drill /srv/backup --only acme

Each container is held against the manifest, restored in a database made for this on the same server, brought to the latest
version of the template, read back and compared by content hash; then everything is rolled back, and the database is dropped.
The owner needs CREATEDB. The exit status is 1 if any container is not what it should be.";

/// `backup`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct BackupArgs {
    #[command(subcommand)]
    pub(crate) command: Option<BackupCommand>,
    /// The folder; it is made if it is not there
    #[arg(value_name = "DIR", required = true)]
    pub(crate) folder: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// How many tenants at once
    #[arg(long, value_name = "N", default_value = "2")]
    pub(crate) jobs: NonZeroUsize,
    /// Go on with a run that was stopped: what it has written is not written again
    #[arg(long)]
    pub(crate) resume: bool,
}

/// `backup …`.
#[derive(Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// Restore the containers of a backup in a scratch database, and compare
    #[command(after_help = DRILL)]
    Drill {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Only these tenants
        #[arg(long, value_name = "SLUG", value_delimiter = ',')]
        only: Vec<Slug>,
    },
}
