//! Tenant schemas as the catalog knows them: whose, under which opaque name, at which template version.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::pg::tx::Queued;
use crate::row::Columns;
use crate::schema_name::SchemaName;
use crate::slug::Slug;
use crate::stored_text::stored_text;
use crate::tx::CatalogTx;

/// [`TenantSchemaState::is_home`] in SQL, of this alias of `catalog.tenant_schemas`.
macro_rules! is_home {
    ($alias:literal) => {
        concat!($alias, ".state in ('ready', 'maintenance')")
    };
}

/// The same of [`TenantSchemaState::is_here`].
macro_rules! is_here {
    ($alias:literal) => {
        concat!($alias, ".state in ('ready', 'maintenance', 'moving')")
    };
}

pub(crate) use {is_here, is_home};

stored_text! {
    /// Whether a tenant schema is served.
    TenantSchemaState {
        /// Served.
        Ready = "ready",
        /// Whole, but not served for a while.
        Maintenance = "maintenance",
        /// Not served until it is known whether it has arrived in another database.
        Moving = "moving",
        /// Left behind: the tenant is served by another database.
        Moved = "moved",
        /// Schema and roles are gone; the row is the tombstone.
        Dropped = "dropped",
    }
}

impl TenantSchemaState {
    /// Whether the tenant's records are in this schema, so that it is migrated and has to be whole.
    pub const fn is_home(self) -> bool {
        matches!(self, Self::Ready | Self::Maintenance)
    }

    /// Whether the tenant is this database's as far as is known here, so that it is counted and backed up: also one of which it
    /// is not known whether it has moved.
    pub const fn is_here(self) -> bool {
        self.is_home() || matches!(self, Self::Moving)
    }
}

/// The schema of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSchema {
    /// The tenant.
    pub organization: OrganizationId,
    /// The label the tenant lives under now.
    pub slug: Slug,
    /// The schema's opaque name.
    pub schema: SchemaName,
    /// Whether it is served.
    pub state: TenantSchemaState,
    /// The last template migration applied.
    pub template_version: i32,
    /// When it was provisioned.
    pub created_at: DateTime<Utc>,
    /// When it reached `template_version`.
    pub migrated_at: DateTime<Utc>,
    /// Why the last migration failed, unless it succeeded.
    pub last_error: Option<String>,
    /// The last template version it may be migrated to; `None`: any.
    pub pinned_version: Option<i32>,
    /// The version of the engine's own tables in it.
    pub engine_version: i32,
}

/// The version of the engine's own tables that this program makes and works with.
pub const ENGINE_VERSION: i32 = 2;

/// A tenant schema to be entered; it begins ready.
#[derive(Debug, Clone)]
pub struct NewTenantSchema {
    /// The tenant.
    pub organization: OrganizationId,
    /// The schema's opaque name.
    pub schema: SchemaName,
    /// The last template migration applied.
    pub template_version: i32,
}

/// Enters the schema of a tenant, in the transaction that makes it.
///
/// # Errors
/// [`CatalogError::NotATenant`], [`CatalogError::NotFound`].
pub async fn insert(
    tx: &mut CatalogTx,
    new: &NewTenantSchema,
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    let NewTenantSchema {
        organization,
        schema,
        template_version,
    } = new;
    let entered = tx
        .execute(
            INSERT,
            &[
                organization,
                &schema.as_str(),
                template_version,
                &now,
                &ENGINE_VERSION,
            ],
        )
        .await?;
    existing(entered, "organization")
}

/// The schema of a tenant.
pub async fn find(
    tx: &mut CatalogTx,
    organization: OrganizationId,
) -> Result<Option<TenantSchema>, CatalogError> {
    tx.row(FIND, &[&organization])
        .await?
        .as_ref()
        .map(tenant_schema)
        .transpose()
}

/// The same, locked until the transaction ends as by [`migrator::lock`](crate::pg::migrator::lock), to be sent with other
/// statements; [`found`] reads the answer, which is as the last one to hold the lock has left it.
pub fn lock_later(organization: OrganizationId) -> Queued {
    Queued {
        sql: LOCK,
        params: vec![Box::new(organization)],
    }
}

/// The schema in the answer to [`lock_later`].
pub fn found(rows: &[Row]) -> Result<Option<TenantSchema>, CatalogError> {
    rows.first().map(tenant_schema).transpose()
}

/// The schema, locked until the transaction ends as by a migration, and as the last one to hold the lock has left it.
pub async fn lock(
    tx: &mut CatalogTx,
    organization: OrganizationId,
) -> Result<Option<TenantSchema>, CatalogError> {
    let row = tx.row(LOCK, &[&organization]).await?;
    row.as_ref().map(tenant_schema).transpose()
}

/// The schemas that are older than this template version, the oldest tenant first: what a migration has to do.
/// Those of suspended and cancelled tenants are among them, since these may come back; so are schemas whose own tables of
/// the engine are older than [`ENGINE_VERSION`], whatever their version.
pub async fn list_behind(
    tx: &mut CatalogTx,
    template_version: i32,
) -> Result<Vec<TenantSchema>, CatalogError> {
    tx.rows(LIST_BEHIND, &[&template_version, &ENGINE_VERSION])
        .await?
        .iter()
        .map(tenant_schema)
        .collect()
}

/// A schema that is at this template version, if there is one.
pub async fn find_at(
    tx: &mut CatalogTx,
    template_version: i32,
) -> Result<Option<TenantSchema>, CatalogError> {
    tx.row(FIND_AT, &[&template_version])
        .await?
        .as_ref()
        .map(tenant_schema)
        .transpose()
}

/// Keeps the schema from being migrated beyond this template version, or lets it go (`None`).
///
/// # Errors
/// [`CatalogError::NotFound`].
pub async fn pin(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    template_version: Option<i32>,
) -> Result<(), CatalogError> {
    let changed = tx.execute(PIN, &[&organization, &template_version]).await?;
    existing(changed, "tenant schema")
}

fn existing(rows: u64, what: &'static str) -> Result<(), CatalogError> {
    if rows == 0 {
        Err(CatalogError::NotFound { what })
    } else {
        Ok(())
    }
}

pub(crate) fn tenant_schema(row: &Row) -> Result<TenantSchema, CatalogError> {
    let columns = Columns::new(row, "tenant_schemas");
    Ok(TenantSchema {
        organization: columns.get("organization_id")?,
        slug: columns.parse("slug")?,
        schema: columns.parse("schema_name")?,
        state: columns.parse("state")?,
        template_version: columns.get("template_version")?,
        created_at: columns.get("created_at")?,
        migrated_at: columns.get("migrated_at")?,
        last_error: columns.get("last_error")?,
        pinned_version: columns.get("pinned_version")?,
        engine_version: columns.get("engine_version")?,
    })
}

const INSERT: &str = "\
    insert into catalog.tenant_schemas \
      (organization_id, organization_kind, schema_name, template_version, created_at, migrated_at, engine_version) \
    select o.id, o.kind, $2, $3, $4, $4, $5 \
    from catalog.organizations o where o.id = $1 and o.deleted_at is null";

const FIND: &str = "\
    select t.organization_id, o.slug, t.schema_name, t.state, t.template_version, t.created_at, t.migrated_at, \
      t.last_error, t.pinned_version, t.engine_version \
    from catalog.tenant_schemas t join catalog.organizations o on o.id = t.organization_id \
    where t.organization_id = $1";

const LOCK: &str = "\
    select t.organization_id, o.slug, t.schema_name, t.state, t.template_version, t.created_at, t.migrated_at, \
      t.last_error, t.pinned_version, t.engine_version \
    from catalog.tenant_schemas t join catalog.organizations o on o.id = t.organization_id \
    where t.organization_id = $1 for no key update of t";

const LIST_BEHIND: &str = concat!(
    "\
    select t.organization_id, o.slug, t.schema_name, t.state, t.template_version, t.created_at, t.migrated_at, \
      t.last_error, t.pinned_version, t.engine_version \
    from catalog.tenant_schemas t join catalog.organizations o on o.id = t.organization_id \
    where ",
    is_home!("t"),
    " and (t.template_version < $1 or t.engine_version < $2) \
    order by t.organization_id"
);

const FIND_AT: &str = concat!(
    "\
    select t.organization_id, o.slug, t.schema_name, t.state, t.template_version, t.created_at, t.migrated_at, \
      t.last_error, t.pinned_version, t.engine_version \
    from catalog.tenant_schemas t join catalog.organizations o on o.id = t.organization_id \
    where ",
    is_home!("t"),
    " and t.template_version = $1 order by t.organization_id limit 1"
);

const PIN: &str = "update catalog.tenant_schemas set pinned_version = $2 where organization_id = $1";

pub(crate) const STATEMENTS: &[&str] = &[INSERT, FIND, LOCK, FIND_AT, LIST_BEHIND, PIN];
