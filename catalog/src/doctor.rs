//! What the doctor asks of the catalog: who should have a schema, and where. [`database`] is about what all share.

pub mod database;

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::moves::MoveState;
use crate::row::Columns;
use crate::schema_name::SchemaName;
use crate::slug::Slug;
use crate::tenant_schemas::TenantSchemaState;
use crate::tx::CatalogTx;

/// A tenant schema as the catalog has it, tombstones and spares included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resident {
    /// Whose it is; of a spare, whose it will be.
    pub organization: OrganizationId,
    /// The label of that organization; a spare has none yet.
    pub slug: Option<Slug>,
    /// The schema's name.
    pub schema: SchemaName,
    /// Whether it is served, or gone.
    pub state: TenantSchemaState,
    /// The last template migration applied.
    pub template_version: i32,
    /// When a purge in several transactions began that has not ended.
    pub purge_begun_at: Option<DateTime<Utc>>,
    /// The move to another database that was begun, or is over.
    pub passage: Option<Passage>,
}

/// A move to another database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// How far it is.
    pub state: MoveState,
    /// Host, port and name of the other database.
    pub target: String,
    /// Until when it may be copied.
    pub paused_until: Option<DateTime<Utc>>,
}

impl Resident {
    /// Whether schema and roles should be there, whole.
    pub fn is_living(&self) -> bool {
        self.state.is_home()
    }

    /// Whether the schema is this tenant's, whole or not: what a purge has begun with, or a move left behind, is.
    pub fn claims_schema(&self) -> bool {
        self.state != TenantSchemaState::Dropped || self.purge_begun_at.is_some()
    }
}

impl fmt::Display for Resident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.slug {
            Some(slug) => slug.fmt(f),
            None => write!(f, "the spare {}", self.schema),
        }
    }
}

/// A tenant for which the catalog has no schema at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Homeless {
    /// The organization.
    pub organization: OrganizationId,
    /// Its label.
    pub slug: Slug,
}

/// All tenant schemas by the labels of their tenants, then the spares.
pub async fn residents(tx: &mut CatalogTx) -> Result<Vec<Resident>, CatalogError> {
    tx.rows(RESIDENTS, &[]).await?.iter().map(resident).collect()
}

/// The tenants without a row for a schema.
pub async fn homeless(tx: &mut CatalogTx) -> Result<Vec<Homeless>, CatalogError> {
    let rows = tx.rows(HOMELESS, &[]).await?;
    let homeless = rows.iter().map(|row| {
        let columns = Columns::new(row, "organizations");
        Ok(Homeless {
            organization: columns.get("id")?,
            slug: columns.parse("slug")?,
        })
    });
    homeless.collect()
}

/// Who was let into a tenant on purpose: the tenant's role, and the role of people that may assume it.
pub async fn dba_grants(tx: &mut CatalogTx) -> Result<BTreeSet<(String, String)>, CatalogError> {
    let rows = tx.rows(DBA_GRANTS, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| (row.get("tenant_role"), row.get("role_name")))
        .collect())
}

fn resident(row: &Row) -> Result<Resident, CatalogError> {
    let columns = Columns::new(row, "tenant_schemas");
    let passage = match columns.parse_nullable("move_state")? {
        Some(state) => Some(Passage {
            state,
            target: columns.get("target")?,
            paused_until: columns.get("paused_until")?,
        }),
        None => None,
    };
    Ok(Resident {
        organization: columns.get("organization_id")?,
        slug: columns.parse_nullable("slug")?,
        schema: columns.parse("schema_name")?,
        state: columns.parse("state")?,
        template_version: columns.get("template_version")?,
        purge_begun_at: columns.get("purge_begun_at")?,
        passage,
    })
}

const RESIDENTS: &str = "\
    select t.organization_id, o.slug, t.schema_name, t.state, t.template_version, d.purge_begun_at, \
      m.state as move_state, m.target, m.paused_until \
    from catalog.tenant_schemas t join catalog.organizations o on o.id = t.organization_id \
    left join catalog.departures d on d.organization_id = t.organization_id \
    left join catalog.moves m on m.organization_id = t.organization_id \
    union all \
    select s.organization_id, null, s.schema_name, 'ready', s.template_version, null, null, null, null from catalog.spare_schemas s \
    order by slug, organization_id";

const HOMELESS: &str = "\
    select o.id, o.slug from catalog.organizations o \
    where o.kind in ('client', 'standalone') and o.deleted_at is null and not exists ( \
      select from catalog.tenant_schemas t where t.organization_id = o.id) \
    order by o.id";

const DBA_GRANTS: &str = "\
    select t.schema_name || '_' || g.reach as tenant_role, g.role_name \
    from catalog.dba_grants g join catalog.tenant_schemas t on t.organization_id = g.organization_id";

pub(crate) const STATEMENTS: &[&str] = &[RESIDENTS, HOMELESS, DBA_GRANTS];
