//! Resolving: from the slug of a host to the tenant it names. The only place that makes an [`ActiveTenant`].

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Row;

use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::limits::TenantLimits;
use crate::organizations::{OrganizationKind, OrganizationStatus};
use crate::row::Columns;
use crate::schema_name::SchemaName;
use crate::slug::Slug;
use crate::tenant_schemas::TenantSchemaState;
use crate::tx::CatalogTx;

/// Proof that a tenant exists and is served: without one, no transaction on a tenant's tables can be opened.
///
/// It has no public constructor and is read from nothing; only this module makes one, from a row of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveTenant {
    organization_id: OrganizationId,
    slug: Slug,
    schema: SchemaName,
    first_schema: SchemaName,
    template_version: i32,
    limits: Arc<TenantLimits>,
    paused_until: Option<DateTime<Utc>>,
}

impl ActiveTenant {
    /// The organization that is the tenant.
    pub fn organization_id(&self) -> OrganizationId {
        self.organization_id
    }

    /// The label it lives under.
    pub fn slug(&self) -> &Slug {
        &self.slug
    }

    /// Its schema.
    pub fn schema(&self) -> &SchemaName {
        &self.schema
    }

    /// The last template migration its schema has.
    pub fn template_version(&self) -> i32 {
        self.template_version
    }

    /// What it may take.
    pub fn limits(&self) -> &TenantLimits {
        &self.limits
    }

    /// What the schema was called in the database where the tenant was made: the name that no move changes.
    pub fn first_schema(&self) -> &SchemaName {
        &self.first_schema
    }

    /// How much longer nothing may be written to it, at most: it is being moved to another database.
    pub fn paused(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let left = self.paused_until? - now;
        (left > TimeDelta::zero()).then_some(left)
    }
}

/// What a slug leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// A tenant that is served.
    Active(ActiveTenant),
    /// A tenant that is refused until it is resumed.
    Suspended {
        /// Which, for the log.
        organization_id: OrganizationId,
    },
    /// A tenant that is served again soon.
    Maintenance,
    /// A tenant that is served by another database.
    Moved,
    /// No tenant, or none anybody should know of: never was, cancelled, dropped, or not of a kind that is a tenant.
    Unknown,
}

/// Looks up a slug. Works in a transaction without an organization, since that is what it finds out.
pub async fn by_slug(tx: &mut CatalogTx, slug: &Slug) -> Result<Resolution, CatalogError> {
    Ok(look_up(tx, slug).await?.1)
}

/// The same, with the organization that lives under the slug, whatever the resolution says of it.
pub(crate) async fn look_up(
    tx: &mut CatalogTx,
    slug: &Slug,
) -> Result<(Option<OrganizationId>, Resolution), CatalogError> {
    let Some(row) = tx.row(BY_SLUG, &[&slug.as_str()]).await? else {
        return Ok((None, Resolution::Unknown));
    };
    let organization_id = Columns::new(&row, "organizations").get("organization_id")?;
    Ok((Some(organization_id), resolution(&row, slug, organization_id)?))
}

fn resolution(row: &Row, slug: &Slug, organization_id: OrganizationId) -> Result<Resolution, CatalogError> {
    let organization = Columns::new(row, "organizations");
    let schema = Columns::new(row, "tenant_schemas");
    let kind: OrganizationKind = organization.parse("kind")?;
    let state: Option<TenantSchemaState> = schema.parse_nullable("tenant_state")?;
    let state = match state {
        Some(state) if kind.is_tenant() => state,
        _ => return Ok(Resolution::Unknown),
    };
    Ok(match (organization.parse("status")?, state) {
        (_, TenantSchemaState::Moved) => Resolution::Moved,
        (OrganizationStatus::Cancelled, _) | (_, TenantSchemaState::Dropped) => Resolution::Unknown,
        (OrganizationStatus::Suspended, _) => Resolution::Suspended { organization_id },
        (
            OrganizationStatus::Trial | OrganizationStatus::Active,
            TenantSchemaState::Maintenance | TenantSchemaState::Moving,
        ) => Resolution::Maintenance,
        (OrganizationStatus::Trial | OrganizationStatus::Active, TenantSchemaState::Ready) => {
            Resolution::Active(ActiveTenant {
                organization_id,
                slug: slug.clone(),
                schema: schema.parse("schema_name")?,
                first_schema: schema.parse("first_schema")?,
                template_version: schema.get("template_version")?,
                limits: Arc::new(TenantLimits::read(row)?),
                paused_until: schema.get("paused_until")?,
            })
        }
    })
}

const BY_SLUG: &str = "\
    select r.organization_id, r.kind, r.status, r.schema_name, r.template_version, r.tenant_state, \
      r.first_schema, r.paused_until, \
      l.plan, l.in_flight, l.statement_timeout_ms, l.rows_per_request, l.storage_soft_bytes, l.storage_hard_bytes, \
      l.storage_bytes, l.storage_measured_at \
    from catalog.resolve_slug($1) r left join lateral catalog.tenant_limits(r.organization_id) l on true";

pub(crate) const STATEMENTS: &[&str] = &[BY_SLUG];
