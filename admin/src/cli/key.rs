//! `tenantry key …`.

use catalog::scope::Scope;
use catalog::slug::Slug;
use clap::{Args, Subcommand};

use super::Lifetime;

/// `key …`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Create an API key; it is shown once
    #[command(after_help = "\
Examples:
  tenantry key create acme --name 'Web site' --scope contacts:read
  tenantry key create acme --name Import --scope contacts:write companies:write --expires 30d
  tenantry key create acme --name Everything --scope '*:*'

A scope is OBJECT:ACTION: a table of the tenant or *, and read, insert, update, delete, purge, write or *. To remove
for good what was deleted, purge must be named: neither write nor * holds it.")]
    Create(KeyCreateArgs),
    /// List a tenant's keys
    #[command(after_help = "Example:\n  tenantry key list acme")]
    List {
        /// The tenant
        slug: Slug,
    },
    /// End a key for good; servers learn of it at once
    #[command(after_help = "Example:\n  tenantry key revoke acme tk_Qm3xPz")]
    Revoke {
        /// The tenant
        slug: Slug,
        /// The key's id, or its beginning as `key list` shows it
        key: String,
    },
}

/// `key create`.
#[derive(Debug, Args)]
pub(crate) struct KeyCreateArgs {
    /// The tenant
    pub(crate) slug: Slug,
    /// What people call the key
    #[arg(long)]
    pub(crate) name: String,
    /// What it may do; at least one
    #[arg(long = "scope", value_name = "OBJECT:ACTION", required = true, num_args = 1..)]
    pub(crate) scopes: Vec<Scope>,
    /// When it ends: a number and m, h, d or w, such as 30d; never, if left out
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<Lifetime>,
}
