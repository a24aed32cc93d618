//! Organizations: the customers, nested platform > agency > client, or standalone.

use chrono::{DateTime, Utc};
use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::clock::Source;
use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::row::Columns;
use crate::schema_name::SchemaName;
use crate::selection::{Selection, SelectionError};
use crate::slug::Slug;
use crate::stored_text::stored_text;
use crate::tenant_schemas::TenantSchemaState;
use crate::tx::CatalogTx;

stored_text! {
    /// What an organization is to the others.
    OrganizationKind {
        /// Runs the service; stands in nothing.
        Platform = "platform",
        /// Serves clients of its own; belongs to a platform.
        Agency = "agency",
        /// A tenant that belongs to an agency.
        Client = "client",
        /// A tenant that belongs to nobody.
        Standalone = "standalone",
    }
}

impl OrganizationKind {
    /// Whether such an organization owns a tenant schema.
    pub const fn is_tenant(self) -> bool {
        matches!(self, Self::Client | Self::Standalone)
    }
}

stored_text! {
    /// Whether an organization is served.
    OrganizationStatus {
        /// Served, not yet a paying customer.
        Trial = "trial",
        /// Served.
        Active = "active",
        /// Kept, but refused until it is resumed.
        Suspended = "suspended",
        /// Gone as far as anybody outside can tell.
        Cancelled = "cancelled",
    }
}

/// An organization that is not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Immutable.
    pub id: OrganizationId,
    /// Platform, agency, client or standalone.
    pub kind: OrganizationKind,
    /// The agency of a client, the platform of an agency.
    pub parent: Option<OrganizationId>,
    /// The DNS label; may change.
    pub slug: Slug,
    /// The name people read.
    pub name: String,
    /// Where the logo is.
    pub logo_url: Option<String>,
    /// Whom to write to.
    pub contact_email: Option<String>,
    /// Whether it is served.
    pub status: OrganizationStatus,
    /// Key of its plan.
    pub plan: String,
    /// What it has chosen; an object.
    pub settings: Value,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its row last changed.
    pub updated_at: DateTime<Utc>,
}

/// An organization to be made. Plan, settings and metadata begin at their defaults.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// Decides who may be the parent and whether there will be a tenant schema.
    pub kind: OrganizationKind,
    /// Must be an agency for a client, a platform for an agency, none for the others.
    pub parent: Option<OrganizationId>,
    /// The label it will live under.
    pub slug: Slug,
    /// 1 to 200 characters, no spaces around.
    pub name: String,
    /// Whether it is served.
    pub status: OrganizationStatus,
    /// Whom to write to.
    pub contact_email: Option<String>,
}

/// An organization with what an operator wants to see beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationSummary {
    /// The organization.
    pub organization: Organization,
    /// Its tenant schema, unless it is no tenant.
    pub schema: Option<SchemaSummary>,
    /// Active memberships.
    pub members: i64,
    /// API keys that are neither revoked nor expired.
    pub api_keys: i64,
}

/// What a list says about a tenant schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaSummary {
    /// Its opaque name.
    pub name: SchemaName,
    /// Whether it is served.
    pub state: TenantSchemaState,
    /// The last template migration applied.
    pub template_version: i32,
}

/// Enters an organization. A tenant must get its owner ([`crate::memberships::insert`]) in the same transaction:
/// COMMIT fails otherwise.
///
/// # Errors
/// [`CatalogError::SlugTaken`], [`CatalogError::SlugReserved`], [`CatalogError::SlugRetired`],
/// [`CatalogError::InvalidParent`], [`CatalogError::Invalid`].
pub async fn insert(
    tx: &mut CatalogTx,
    new: &NewOrganization,
    source: &Source,
) -> Result<Organization, CatalogError> {
    insert_as(tx, source.id(), new, source).await
}

/// The same with an id that was given beforehand, by [`crate::spare_schemas`].
///
/// # Errors
/// Those of [`insert`].
pub async fn insert_as(
    tx: &mut CatalogTx,
    id: OrganizationId,
    new: &NewOrganization,
    source: &Source,
) -> Result<Organization, CatalogError> {
    let row = tx
        .row(
            INSERT,
            &[
                &id,
                &new.kind.as_str(),
                &new.parent,
                &new.slug.as_str(),
                &new.name,
                &new.status.as_str(),
                &new.contact_email,
                &source.now(),
            ],
        )
        .await?;
    changed(row)
}

/// The organization with this id.
pub async fn find(tx: &mut CatalogTx, id: OrganizationId) -> Result<Option<Organization>, CatalogError> {
    tx.row(FIND, &[&id]).await?.as_ref().map(organization).transpose()
}

/// The organization that lives under this slug. For operators: a request resolves its host by
/// [`crate::resolve::by_slug`].
pub async fn find_by_slug(tx: &mut CatalogTx, slug: &Slug) -> Result<Option<Organization>, CatalogError> {
    tx.row(FIND_BY_SLUG, &[&slug.as_str()])
        .await?
        .as_ref()
        .map(organization)
        .transpose()
}

/// The same, locked until the transaction ends: of two who change an organization the second waits and then sees what
/// the first has made of it.
pub async fn lock_by_slug(tx: &mut CatalogTx, slug: &Slug) -> Result<Option<Organization>, CatalogError> {
    tx.row(LOCK_BY_SLUG, &[&slug.as_str()])
        .await?
        .as_ref()
        .map(organization)
        .transpose()
}

/// The organization with this id, locked in the same way.
pub async fn lock(tx: &mut CatalogTx, id: OrganizationId) -> Result<Option<Organization>, CatalogError> {
    tx.row(LOCK, &[&id]).await?.as_ref().map(organization).transpose()
}

/// Gives an organization another status. [`crate::standing`] and [`crate::departures`] say when.
pub(crate) async fn set_status(
    tx: &mut CatalogTx,
    id: OrganizationId,
    status: OrganizationStatus,
) -> Result<(), CatalogError> {
    tx.execute(SET_STATUS, &[&id, &status.as_str()]).await?;
    Ok(())
}

/// Gives an organization another name.
pub(crate) async fn set_name(tx: &mut CatalogTx, id: OrganizationId, name: &str) -> Result<(), CatalogError> {
    tx.execute(SET_NAME, &[&id, &name]).await?;
    Ok(())
}

/// Moves an organization to another slug; triggers keep the one it leaves from others and refuse one that is not free.
pub(crate) async fn set_slug(
    tx: &mut CatalogTx,
    id: OrganizationId,
    slug: &Slug,
) -> Result<(), CatalogError> {
    tx.execute(SET_SLUG, &[&id, &slug.as_str()]).await?;
    Ok(())
}

/// The organizations of a selection, by slug; those that are no tenants too. `now` decides which keys have expired.
///
/// # Errors
/// [`SelectionError::Unknown`].
pub async fn list(
    tx: &mut CatalogTx,
    selection: &Selection,
    now: DateTime<Utc>,
) -> Result<Vec<OrganizationSummary>, SelectionError> {
    let compiled = selection.compiled(2);
    let mut params: Vec<&(dyn ToSql + Sync)> = vec![&now];
    params.extend(compiled.params());
    let rows = tx.rows(&compiled.after(LIST, LIST_ORDER), &params).await;
    let rows = rows.map_err(CatalogError::from)?;
    if let Selection::Only(slugs) = selection
        && rows.len() < slugs.len()
    {
        let slugs: Vec<&Slug> = slugs.iter().collect();
        selection.check(tx, &slugs).await?;
    }
    Ok(rows.iter().map(summary).collect::<Result<_, _>>()?)
}

fn changed(row: Option<Row>) -> Result<Organization, CatalogError> {
    let row = row.ok_or(CatalogError::NotFound { what: "organization" })?;
    organization(&row)
}

fn organization(row: &Row) -> Result<Organization, CatalogError> {
    let columns = Columns::new(row, "organizations");
    Ok(Organization {
        id: columns.get("id")?,
        kind: columns.parse("kind")?,
        parent: columns.get("parent_id")?,
        slug: columns.parse("slug")?,
        name: columns.get("name")?,
        logo_url: columns.get("logo_url")?,
        contact_email: columns.get("contact_email")?,
        status: columns.parse("status")?,
        plan: columns.get("plan")?,
        settings: columns.get("settings")?,
        created_at: columns.get("created_at")?,
        updated_at: columns.get("updated_at")?,
    })
}

fn summary(row: &Row) -> Result<OrganizationSummary, CatalogError> {
    let columns = Columns::new(row, "tenant_schemas");
    let schema = match columns.parse_nullable("schema_name")? {
        Some(name) => Some(SchemaSummary {
            name,
            state: columns.parse("state")?,
            template_version: columns.get("template_version")?,
        }),
        None => None,
    };
    Ok(OrganizationSummary {
        organization: organization(row)?,
        schema,
        members: columns.get("members")?,
        api_keys: columns.get("api_keys")?,
    })
}

const INSERT: &str = "\
    insert into catalog.organizations \
      (id, kind, parent_id, slug, name, status, contact_email, created_at, updated_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $8) \
    returning id, kind, parent_id, slug, name, logo_url, contact_email, status, plan, settings, created_at, updated_at";

const FIND: &str = "\
    select id, kind, parent_id, slug, name, logo_url, contact_email, status, plan, settings, created_at, updated_at \
    from catalog.organizations where id = $1 and deleted_at is null";

const FIND_BY_SLUG: &str = "\
    select id, kind, parent_id, slug, name, logo_url, contact_email, status, plan, settings, created_at, updated_at \
    from catalog.organizations where slug = $1 and deleted_at is null";

const LOCK_BY_SLUG: &str = "\
    select id, kind, parent_id, slug, name, logo_url, contact_email, status, plan, settings, created_at, updated_at \
    from catalog.organizations where slug = $1 and deleted_at is null for no key update";

const LOCK: &str = "\
    select id, kind, parent_id, slug, name, logo_url, contact_email, status, plan, settings, created_at, updated_at \
    from catalog.organizations where id = $1 and deleted_at is null for no key update";

const SET_STATUS: &str = "update catalog.organizations set status = $2 where id = $1";

const SET_NAME: &str = "update catalog.organizations set name = $2 where id = $1";

const SET_SLUG: &str = "update catalog.organizations set slug = $2 where id = $1";

// Two grouped subqueries, joined once each, cost two scans however many organizations there are.
const LIST: &str = "\
    select o.id, o.kind, o.parent_id, o.slug, o.name, o.logo_url, o.contact_email, o.status, o.plan, o.settings, \
      o.created_at, o.updated_at, t.schema_name, t.state, t.template_version, \
      coalesce(m.members, 0) as members, coalesce(k.api_keys, 0) as api_keys \
    from catalog.organizations o \
    left join catalog.tenant_schemas t on t.organization_id = o.id \
    left join (\
      select organization_id, count(*) as members from catalog.memberships where active group by organization_id\
    ) m on m.organization_id = o.id \
    left join (\
      select organization_id, count(*) as api_keys from catalog.api_keys \
      where revoked_at is null and (expires_at is null or expires_at > $1) group by organization_id\
    ) k on k.organization_id = o.id \
    where o.deleted_at is null";

const LIST_ORDER: &str = " order by o.slug";

pub(crate) const STATEMENTS: &[&str] = &[
    INSERT,
    FIND,
    FIND_BY_SLUG,
    LOCK_BY_SLUG,
    LOCK,
    SET_STATUS,
    SET_NAME,
    SET_SLUG,
    LIST,
];
