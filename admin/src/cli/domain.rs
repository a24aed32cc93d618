//! `tenantry domain …`.

use std::net::SocketAddr;

use catalog::domains::Hostname;
use catalog::slug::Slug;
use clap::{Args, Subcommand};

/// `domain …`.
#[derive(Debug, Subcommand)]
pub(crate) enum DomainCommand {
    /// Say that a domain is an organization's, and get the word that shows it
    #[command(after_help = "\
Example:
  tenantry domain add acme shop.example.com

Prints the three places where the word may stand: a TXT record, a file, the first page. One is enough. Adding a domain again
prints them again.")]
    Add(DomainArgs),
    /// Look whether the word is there
    #[command(after_help = "\
Examples:
  tenantry domain verify acme shop.example.com
  tenantry domain verify acme shop.example.com --resolver 10.0.0.53:53 --proxy http://proxy.internal:3128

Asks for the TXT record first, then for the file and the first page, by HTTP with redirects within the domain. A domain
that was verified and no longer has the word is not verified any more. Of several organizations that add the same domain, one
can have it verified.")]
    Verify(VerifyArgs),
    /// List the domains of an organization
    #[command(after_help = "\
Examples:
  tenantry domain list acme
  tenantry domain list acme --json | jq -r '.[] | select(.verified_at).hostname'")]
    List {
        /// The organization
        slug: Slug,
    },
    /// Remove a domain
    #[command(after_help = "\
Example:
  tenantry domain remove acme shop.example.com")]
    Remove(DomainArgs),
}

/// `domain add` and `domain remove`.
#[derive(Debug, Args)]
pub(crate) struct DomainArgs {
    /// The organization
    pub(crate) slug: Slug,
    /// The domain, such as shop.example.com
    pub(crate) hostname: Hostname,
}

/// `domain verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) domain: DomainArgs,
    /// The DNS server to ask, if not that of this machine
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) resolver: Option<SocketAddr>,
    /// The HTTP proxy to ask by, if there must be one
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
}
