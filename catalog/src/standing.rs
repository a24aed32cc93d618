//! Whether an organization is served, and under which name and label: what an operator changes of one that stays.
//!
//! Each function takes the organization as [`organizations::lock_by_slug`] gave it, in the same transaction, so that of
//! two operators the second is told what the first has done. What changes is told to every server by the triggers of the
//! row.

use chrono::{DateTime, Utc};
use tokio_postgres::Row;

use crate::actor::Actor;
use crate::audit::{self, AuditEvent};
use crate::clock::Source;
use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::organizations::{self, Organization, OrganizationStatus};
use crate::row::Columns;
use crate::sessions::Device;
use crate::slug::Slug;
use crate::tx::CatalogTx;

/// What came of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is done.
    Now,
    /// It was so already; nothing was written.
    Already,
    /// It cannot be: the organization has been dropped.
    Dropped,
}

/// A suspension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// The status it returns to.
    pub status_before: OrganizationStatus,
    /// Why.
    pub reason: Option<String>,
    /// The actor.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// The suspension of an organization, if one is on record.
pub async fn suspension(
    tx: &mut CatalogTx,
    organization: OrganizationId,
) -> Result<Option<Suspension>, CatalogError> {
    tx.row(FIND_SUSPENSION, &[&organization])
        .await?
        .as_ref()
        .map(read_suspension)
        .transpose()
}

/// Has an organization refused (its members are told 403 `organization_suspended`) until it is resumed.
///
/// # Errors
/// [`CatalogError::Invalid`] for a reason of no or more than 500 characters.
pub async fn suspend(
    tx: &mut CatalogTx,
    organization: &Organization,
    reason: Option<&str>,
    actor: &Actor,
    source: &Source,
) -> Result<Changed, CatalogError> {
    match organization.status {
        OrganizationStatus::Suspended => return Ok(Changed::Already),
        OrganizationStatus::Cancelled => return Ok(Changed::Dropped),
        OrganizationStatus::Trial | OrganizationStatus::Active => {}
    }
    let (id, before) = (organization.id, organization.status.as_str());
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&id, &before, &reason, &actor.to_string(), &source.now()];
    tx.execute(INSERT_SUSPENSION, &params).await?;
    organizations::set_status(tx, id, OrganizationStatus::Suspended).await?;
    let event = AuditEvent::OrganizationSuspended {
        reason: reason.map(str::to_owned),
    };
    audit::record(tx, actor, Some(id), &event, &Device::NONE, source).await?;
    Ok(Changed::Now)
}

/// Enters the suspension of an organization that comes suspended from another database.
pub(crate) async fn enter_suspension(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    suspension: &Suspension,
) -> Result<(), CatalogError> {
    let Suspension {
        status_before,
        reason,
        by,
        at,
    } = suspension;
    let before = status_before.as_str();
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 5] = [&organization, &before, reason, by, at];
    tx.execute(INSERT_SUSPENSION, &params).await?;
    Ok(())
}

/// Has a suspended organization served again, with the status it had.
pub async fn resume(
    tx: &mut CatalogTx,
    organization: &Organization,
    actor: &Actor,
    source: &Source,
) -> Result<Changed, CatalogError> {
    match organization.status {
        OrganizationStatus::Trial | OrganizationStatus::Active => return Ok(Changed::Already),
        OrganizationStatus::Cancelled => return Ok(Changed::Dropped),
        OrganizationStatus::Suspended => {}
    }
    let id = organization.id;
    // One that was suspended before there were records of it, or by hand, has none.
    let status = suspension(tx, id)
        .await?
        .map_or(OrganizationStatus::Active, |suspension| suspension.status_before);
    tx.execute(DELETE_SUSPENSION, &[&id]).await?;
    organizations::set_status(tx, id, status).await?;
    let event = AuditEvent::OrganizationResumed { status };
    audit::record(tx, actor, Some(id), &event, &Device::NONE, source).await?;
    Ok(Changed::Now)
}

/// Gives an organization another name: 1 to 200 characters, no spaces around.
///
/// # Errors
/// [`CatalogError::Invalid`].
pub async fn rename(
    tx: &mut CatalogTx,
    organization: &Organization,
    name: &str,
    actor: &Actor,
    source: &Source,
) -> Result<Changed, CatalogError> {
    if organization.name == name {
        return Ok(Changed::Already);
    }
    organizations::set_name(tx, organization.id, name).await?;
    let event = AuditEvent::OrganizationRenamed;
    audit::record(tx, actor, Some(organization.id), &event, &Device::NONE, source).await?;
    Ok(Changed::Now)
}

/// Moves an organization to another label. The one it leaves is nobody's for 90 days, in which only this organization can
/// take it back: it is answered with 404, as what it led to must not be told to whoever asks.
///
/// # Errors
/// [`CatalogError::SlugTaken`], [`CatalogError::SlugReserved`], [`CatalogError::SlugRetired`].
pub async fn change_slug(
    tx: &mut CatalogTx,
    organization: &Organization,
    slug: &Slug,
    actor: &Actor,
    source: &Source,
) -> Result<Changed, CatalogError> {
    if organization.slug == *slug {
        return Ok(Changed::Already);
    }
    if organization.status == OrganizationStatus::Cancelled {
        return Ok(Changed::Dropped);
    }
    organizations::set_slug(tx, organization.id, slug).await?;
    let event = AuditEvent::SlugChanged {
        from: organization.slug.clone(),
        to: slug.clone(),
    };
    audit::record(tx, actor, Some(organization.id), &event, &Device::NONE, source).await?;
    Ok(Changed::Now)
}

/// Whether a label rests because an organization other than this one left it less than 90 days ago. The database refuses
/// such a label; this is for a transaction whose snapshot is older than the leaving.
pub async fn rests(
    tx: &mut CatalogTx,
    slug: &Slug,
    organization: OrganizationId,
) -> Result<bool, CatalogError> {
    let row = tx.row(RESTS, &[&slug.as_str(), &organization]).await?;
    Ok(row.is_some())
}

fn read_suspension(row: &Row) -> Result<Suspension, CatalogError> {
    let columns = Columns::new(row, "suspensions");
    Ok(Suspension {
        status_before: columns.parse("status_before")?,
        reason: columns.get("reason")?,
        by: columns.get("suspended_by")?,
        at: columns.get("suspended_at")?,
    })
}

const FIND_SUSPENSION: &str = "\
    select status_before, reason, suspended_by, suspended_at from catalog.suspensions where organization_id = $1";

// A row of before stands where the status was changed by hand.
const INSERT_SUSPENSION: &str = "\
    insert into catalog.suspensions (organization_id, status_before, reason, suspended_by, suspended_at) \
    values ($1, $2, $3, $4, $5) \
    on conflict on constraint suspensions_pkey do update set status_before = excluded.status_before, \
      reason = excluded.reason, suspended_by = excluded.suspended_by, suspended_at = excluded.suspended_at";

const DELETE_SUSPENSION: &str = "delete from catalog.suspensions where organization_id = $1";

const RESTS: &str = "\
    select s.slug from catalog.organization_slugs s \
    where s.slug = $1 and s.organization_id <> $2 and s.retired_at > now() - interval '90 days'";

pub(crate) const STATEMENTS: &[&str] = &[FIND_SUSPENSION, INSERT_SUSPENSION, DELETE_SUSPENSION, RESTS];
