//! `tenantry shard …`.

use std::str::FromStr;

use catalog::slug::Slug;
use clap::Subcommand;

/// `shard …`.
#[derive(Debug, Subcommand)]
pub(crate) enum ShardCommand {
    /// Show the nodes of a Citus cluster, and on which each tenant is
    #[command(
        after_help = "Example:\n  tenantry shard status --json | jq -r '.tenants[] | select(.distributed | not) | .slug'"
    )]
    Status,
    /// Have Citus distribute a tenant's schema that was made before Citus was there
    #[command(
        after_help = "Example:\n  tenantry shard distribute acme\n\nIts tables are copied to a node, and locked for writing meanwhile."
    )]
    Distribute {
        /// The tenant
        slug: Slug,
    },
    /// Move a tenant to another node of a Citus cluster
    #[command(
        after_help = "Example:\n  tenantry shard move acme --to worker-2.example.com:5432\n\nIt is served meanwhile; the last of it is copied under a short lock."
    )]
    Move {
        /// The tenant
        slug: Slug,
        /// The node, as `tenantry shard status` shows it
        #[arg(long, value_name = "HOST:PORT")]
        to: NodeAddress,
    },
    /// Have Citus spread the tenants evenly over its nodes, in the background
    #[command(
        after_help = "Example:\n  tenantry shard rebalance\n\nCitus goes on with it by itself; citus_rebalance_status() shows how far it is."
    )]
    Rebalance,
}

/// A node's host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NodeAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl FromStr for NodeAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let form = "a host and a port is the form, such as worker-2.example.com:5432";
        let (host, port) = text
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty())
            .ok_or(form)?;
        Ok(Self {
            host: host.to_owned(),
            port: port.parse().map_err(|_| form)?,
        })
    }
}
