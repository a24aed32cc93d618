//! `tenantry dba …`.

use catalog::slug::Slug;
use clap::{Args, Subcommand};

/// `dba …`.
#[derive(Debug, Subcommand)]
pub(crate) enum DbaCommand {
    /// Let a role open a tenant with a plain psql
    #[command(after_help = "\
Examples:
  tenantry dba grant ann acme --read-only
  tenantry dba grant ann acme --create          makes the login; its password is printed once
  tenantry dba grant analysts acme --read-only  a group: for all its members

In psql, as ann:
  select catalog.use_tenant('acme');            role and search_path are acme's from here on
  reset role; select catalog.use_tenant('globex');
  select slug, version, last_migration from catalog.tenants;

The role becomes a member of the tenant's _rw or _ro role, and may call catalog.use_tenant and read catalog.tenants, in which it
sees the tenants it was granted. Granting again changes what it may do. When the tenant is dropped, its grants end.")]
    Grant(DbaGrantArgs),
    /// Take a tenant back from a role
    #[command(after_help = "\
Examples:
  tenantry dba revoke ann acme
  tenantry dba revoke ann --all

The role itself stays, without a tenant. Sessions that have assumed the tenant's role keep it until they end: how many there
are is told.")]
    Revoke(DbaRevokeArgs),
    /// List who may open which tenant
    #[command(after_help = "\
Examples:
  tenantry dba list
  tenantry dba list --json | jq -r '.[] | select(.slug == \"acme\").role'

A grant whose role was removed or taken out of the tenant's role by hand is shown as broken; grant it again or revoke it.")]
    List,
}

/// `dba grant`.
#[derive(Debug, Args)]
pub(crate) struct DbaGrantArgs {
    /// The role: a login, or a group of logins
    pub(crate) role: String,
    /// The tenant
    pub(crate) slug: Slug,
    /// Only look
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Make the login first
    #[arg(long)]
    pub(crate) create: bool,
    /// Read the new login's password from standard input instead of making one up
    #[arg(long, requires = "create")]
    pub(crate) password_stdin: bool,
}

/// `dba revoke`.
#[derive(Debug, Args)]
pub(crate) struct DbaRevokeArgs {
    /// The role
    pub(crate) role: String,
    /// The tenant
    #[arg(required_unless_present = "all")]
    pub(crate) slug: Option<Slug>,
    /// Every tenant it was granted
    #[arg(long, conflicts_with = "slug")]
    pub(crate) all: bool,
}
