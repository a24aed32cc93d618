//! `tenantry organization …`.

use catalog::slug::Slug;
use clap::{Args, Subcommand, ValueEnum};

/// `organization …`.
#[derive(Debug, Subcommand)]
pub(crate) enum OrganizationCommand {
    /// Create a platform or an agency
    #[command(after_help = "\
Examples:
  tenantry organization create hub --kind platform --name 'Hub'
  tenantry organization create studio --kind agency --parent hub --name 'Studio'
  tenantry tenant create acme --name Acme --kind client --parent studio \\
    --owner-email ann@acme.example")]
    Create(OrganizationCreateArgs),
}

/// `organization create`.
#[derive(Debug, Args)]
pub(crate) struct OrganizationCreateArgs {
    /// The label it lives under
    pub(crate) slug: Slug,
    /// The name people read
    #[arg(long)]
    pub(crate) name: String,
    /// What it is
    #[arg(long, value_enum)]
    pub(crate) kind: GroupKind,
    /// The platform an agency belongs to
    #[arg(long, value_name = "SLUG", required_if_eq("kind", "agency"))]
    pub(crate) parent: Option<Slug>,
}

/// The kinds that own no schema.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum GroupKind {
    /// Runs the service
    Platform,
    /// Serves clients of its own
    Agency,
}
