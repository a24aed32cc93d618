//! `tenantry tenant …`.

use catalog::email::EmailAddress;
use catalog::slug::Slug;
use clap::{Args, Subcommand, ValueEnum};

/// The kinds that own a schema.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum TenantKind {
    /// Belongs to nobody
    #[default]
    Standalone,
    /// Belongs to an agency
    Client,
}

/// `tenant …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Create a tenant: organization, schema, roles, tables and owner, all at once or not at all
    #[command(after_help = "\
Examples:
  tenantry tenant create acme --name 'Acme Industrial' --owner-email ann@acme.example
  tenantry tenant create acme --name Acme \\
    --owner-email ann@acme.example --owner-password-stdin < password
  tenantry tenant create acme --name Acme \\
    --owner-email ann@acme.example --kind client --parent studio

The owner's account is made if there is none, with a password that is printed once. An account that exists keeps its
password, unless its address was never verified: then somebody else may have chosen it, and it is replaced.")]
    Create(TenantCreateArgs),
    /// List all organizations, with the schema of those that are tenants
    #[command(after_help = "Example:\n  tenantry tenant list --json | jq -r '.[].slug'")]
    List,
    /// Keep a tenant at the template version it has, or from going beyond another
    #[command(after_help = "\
Examples:
  tenantry tenant pin acme               it stays where it is
  tenantry tenant pin acme --version 12  it may go up to 12

`tenantry migrate` leaves it out, and says so. The server goes on serving it as long as it knows its version.")]
    Pin {
        /// The tenant
        slug: Slug,
        /// The last version it may be migrated to, if not the one it has
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(0..))]
        version: Option<i32>,
    },
    /// Let a pinned tenant be migrated again
    #[command(after_help = "Example:\n  tenantry tenant unpin acme")]
    Unpin {
        /// The tenant
        slug: Slug,
    },
    /// Show one tenant: kind, status, schema, version, members, size
    #[command(after_help = "Example:\n  tenantry tenant show acme")]
    Show {
        /// The tenant
        slug: Slug,
    },
}

/// `tenant create`.
#[derive(Debug, Args)]
pub(crate) struct TenantCreateArgs {
    /// The label it lives under, which is its subdomain too
    pub(crate) slug: Slug,
    /// The name people read
    #[arg(long)]
    pub(crate) name: String,
    /// The address of the person who will own it
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) owner_email: EmailAddress,
    /// The name of that person, if the account is new
    #[arg(long, value_name = "NAME")]
    pub(crate) owner_name: Option<String>,
    /// Read the owner's password from standard input instead of making one up
    #[arg(long)]
    pub(crate) owner_password_stdin: bool,
    /// Whether it belongs to an agency
    #[arg(long, value_enum, default_value_t)]
    pub(crate) kind: TenantKind,
    /// The agency a client belongs to
    #[arg(long, value_name = "SLUG", required_if_eq("kind", "client"))]
    pub(crate) parent: Option<Slug>,
}
