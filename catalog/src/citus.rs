//! Citus: whether it is there, on which node each tenant's schema is, and the functions of its own that move them.

use tokio_postgres::types::ToSql;

use crate::error::CatalogError;
use crate::pg::sqlstate::PgError;
use crate::row::Columns;
use crate::schema_name::SchemaName;
use crate::tx::CatalogTx;

/// The first version that distributes schemas.
pub const OLDEST: i32 = 12;

/// A tenant and where its schema is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The tenant's label.
    pub slug: String,
    /// Its schema.
    pub schema: String,
    /// Whether Citus distributes it.
    pub is_distributed: bool,
    /// Node and port; `None` where it is not distributed, or has no table yet.
    pub node: Option<(String, i32)>,
}

/// A node that may have schemas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its host.
    pub name: String,
    /// Its port.
    pub port: i32,
    /// Whether it takes shards.
    pub takes_shards: bool,
}

/// The version of Citus in this database as it calls it itself, such as `12.1-1`, and its first number; `None` without it.
pub async fn version(tx: &mut CatalogTx) -> Result<Option<(String, i32)>, PgError> {
    let row = tx.row(VERSION, &[]).await?;
    Ok(row.map(|row| (row.get("version"), row.get("major"))))
}

/// The tenants and where their schemas are, by slug.
pub async fn placed(tx: &mut CatalogTx) -> Result<Vec<Placed>, CatalogError> {
    let mut placed = Vec::new();
    for row in tx.rows(PLACED, &[]).await? {
        let columns = Columns::new(&row, "tenant_schemas");
        let name: Option<String> = columns.get("node_name")?;
        placed.push(Placed {
            slug: columns.get("slug")?,
            schema: columns.get("schema_name")?,
            is_distributed: columns.get("is_distributed")?,
            node: name.zip(columns.get("node_port")?),
        });
    }
    Ok(placed)
}

/// The nodes, by name.
pub async fn nodes(tx: &mut CatalogTx) -> Result<Vec<Node>, CatalogError> {
    let mut nodes = Vec::new();
    for row in tx.rows(NODES, &[]).await? {
        let columns = Columns::new(&row, "pg_dist_node");
        nodes.push(Node {
            name: columns.get("node_name")?,
            port: columns.get("node_port")?,
            takes_shards: columns.get("takes_shards")?,
        });
    }
    Ok(nodes)
}

/// Distributes a schema that is not, with the tables in it.
pub async fn distribute(tx: &mut CatalogTx, schema: &SchemaName) -> Result<(), PgError> {
    called(tx, DISTRIBUTE, &[&schema.as_str()]).await
}

/// Moves a distributed schema to another node. Citus copies it while it is written to, where the tables allow that.
pub async fn move_to(tx: &mut CatalogTx, schema: &SchemaName, node: &str, port: i32) -> Result<(), PgError> {
    called(tx, MOVE, &[&schema.as_str(), &node, &port]).await
}

/// Begins to spread the schemas evenly over the nodes, in the background, and gives the number of the job; `None` where
/// nothing is to be moved.
pub async fn rebalance(tx: &mut CatalogTx) -> Result<Option<i64>, PgError> {
    let row = tx.row(REBALANCE, &[]).await?;
    Ok(row.and_then(|row| row.get("job")))
}

async fn called(tx: &mut CatalogTx, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<(), PgError> {
    tx.row(sql, params).await?;
    Ok(())
}

const VERSION: &str = "\
    select e.extversion as version, pg_catalog.split_part(e.extversion, '.', 1)::integer as major \
    from pg_catalog.pg_extension e where e.extname = 'citus'";

const PLACED: &str = "\
    select o.slug, t.schema_name, d.schemaid is not null as is_distributed, \
      pg_catalog.min(node.nodename) as node_name, pg_catalog.min(node.nodeport) as node_port \
    from catalog.tenant_schemas t \
    join catalog.organizations o on o.id = t.organization_id \
    join pg_catalog.pg_namespace n on n.nspname = t.schema_name \
    left join pg_catalog.pg_dist_schema d on d.schemaid = n.oid \
    left join pg_catalog.pg_dist_partition p on p.colocationid = d.colocationid \
    left join pg_catalog.pg_dist_shard s on s.logicalrelid = p.logicalrelid \
    left join pg_catalog.pg_dist_placement l on l.shardid = s.shardid \
    left join pg_catalog.pg_dist_node node on node.groupid = l.groupid and node.noderole = 'primary' \
    where t.state <> 'dropped' \
    group by o.slug, t.schema_name, d.schemaid order by o.slug";

const NODES: &str = "\
    select n.nodename as node_name, n.nodeport as node_port, n.shouldhaveshards as takes_shards \
    from pg_catalog.pg_dist_node n where n.noderole = 'primary' and n.isactive order by n.nodename, n.nodeport";

const DISTRIBUTE: &str = "select pg_catalog.citus_schema_distribute($1::text::regnamespace)::text as done";

const MOVE: &str =
    "select pg_catalog.citus_schema_move($1::text::regnamespace, $2::text, $3::integer)::text as done";

const REBALANCE: &str = "select pg_catalog.citus_rebalance_start() as job";

/// The statement that can be prepared without Citus too.
pub(crate) const STATEMENTS: &[&str] = &[VERSION];

/// Those that need it, for the test that runs where it is.
#[doc(hidden)]
pub const ON_CITUS: &[&str] = &[PLACED, NODES, DISTRIBUTE, MOVE, REBALANCE];
