//! Tenants whose schema is in a file and nowhere else: where it is, and how to know it again.
//!
//! Memberships, keys and settings stay in the catalog, and are good again when the tenant is brought back.

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio_postgres::Row;

use crate::actor::Actor;
use crate::audit::{self, AuditEvent};
use crate::clock::Source;
use crate::dba_grants;
use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::moves;
use crate::organizations::{self, Organization, OrganizationStatus};
use crate::row::Columns;
use crate::sessions::Device;
use crate::tx::CatalogTx;

/// What is left of an archived tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Archive {
    /// The status it gets when it is brought back.
    pub status_before: OrganizationStatus,
    /// Where the container was written.
    pub location: String,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
    /// Content hash of the tenant, in hexadecimal digits.
    pub content: String,
    /// Length of the file.
    pub bytes: i64,
    /// Records in it.
    pub rows: i64,
    /// The version of the template that it has.
    pub template_version: i32,
    /// The actor.
    pub by: String,
    /// When the schema was removed.
    pub at: DateTime<Utc>,
}

/// The archive of a tenant, if it is archived.
pub async fn find(tx: &mut CatalogTx, organization: OrganizationId) -> Result<Option<Archive>, CatalogError> {
    tx.row(FIND, &[&organization])
        .await?
        .as_ref()
        .map(archive)
        .transpose()
}

/// Notes that a tenant, which is locked, is in a file; from COMMIT on nobody sees it. Its schema is removed in the same
/// transaction. `by` and `at` are the actor's and the source's.
pub async fn begin(
    tx: &mut CatalogTx,
    organization: &Organization,
    archive: &Archive,
    actor: &Actor,
    source: &Source,
) -> Result<(), CatalogError> {
    let id = organization.id;
    moves::check_known(tx, id).await?;
    moves::forget_copying(tx, id).await?;
    tx.execute(
        INSERT,
        &[
            &id,
            &organization.status.as_str(),
            &archive.location,
            &archive.sha256,
            &archive.content,
            &archive.bytes,
            &archive.rows,
            &archive.template_version,
            &actor.to_string(),
            &source.now(),
        ],
    )
    .await?;
    tx.execute(SET_SCHEMA_DROPPED, &[&id]).await?;
    organizations::set_status(tx, id, OrganizationStatus::Cancelled).await?;
    dba_grants::revoke_all(tx, id).await?;
    let event = AuditEvent::TenantArchived {
        location: archive.location.clone(),
        sha256: archive.sha256.clone(),
    };
    audit::record(tx, actor, Some(id), &event, &Device::NONE, source).await
}

/// Notes that an archived tenant's schema is there again, at this version of the template: it is served as before.
pub async fn end(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    archive: &Archive,
    template_version: i32,
    actor: &Actor,
    source: &Source,
) -> Result<(), CatalogError> {
    let status = archive.status_before;
    tx.execute(DELETE, &[&organization]).await?;
    tx.execute(
        SET_SCHEMA_READY,
        &[&organization, &template_version, &source.now()],
    )
    .await?;
    organizations::set_status(tx, organization, status).await?;
    let event = AuditEvent::TenantUnarchived {
        sha256: archive.sha256.clone(),
        status,
    };
    audit::record(tx, actor, Some(organization), &event, &Device::NONE, source).await
}

/// Forgets where the container of a tenant is that is purged for good.
pub(crate) async fn forget(tx: &mut CatalogTx, organization: OrganizationId) -> Result<(), CatalogError> {
    tx.execute(DELETE, &[&organization]).await?;
    Ok(())
}

fn archive(row: &Row) -> Result<Archive, CatalogError> {
    let columns = Columns::new(row, "archives");
    Ok(Archive {
        status_before: columns.parse("status_before")?,
        location: columns.get("location")?,
        sha256: columns.get("sha256")?,
        content: columns.get("content")?,
        bytes: columns.get("bytes")?,
        rows: columns.get("row_count")?,
        template_version: columns.get("template_version")?,
        by: columns.get("archived_by")?,
        at: columns.get("archived_at")?,
    })
}

const FIND: &str = "\
    select status_before, location, sha256, content, bytes, row_count, template_version, archived_by, archived_at \
    from catalog.archives where organization_id = $1";

const INSERT: &str = "\
    insert into catalog.archives \
      (organization_id, status_before, location, sha256, content, bytes, row_count, template_version, archived_by, \
       archived_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const DELETE: &str = "delete from catalog.archives where organization_id = $1";

const SET_SCHEMA_DROPPED: &str = "\
    update catalog.tenant_schemas set state = 'dropped', last_error = null where organization_id = $1";

const SET_SCHEMA_READY: &str = "\
    update catalog.tenant_schemas set state = 'ready', template_version = $2, migrated_at = $3, last_error = null \
    where organization_id = $1";

pub(crate) const STATEMENTS: &[&str] = &[FIND, INSERT, DELETE, SET_SCHEMA_DROPPED, SET_SCHEMA_READY];
