//! Tenants that were dropped: nobody sees them, everything of theirs is there, and they can be brought back until their
//! grace is over and they are purged.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio_postgres::Row;

use crate::actor::Actor;
use crate::archives;
use crate::audit::{self, AuditEvent};
use crate::clock::Source;
use crate::dba_grants;
use crate::domains;
use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::moves::{self, MoveState};
use crate::organizations::{self, Organization, OrganizationStatus};
use crate::row::Columns;
use crate::sessions::Device;
use crate::slug::Slug;
use crate::tx::CatalogTx;

/// A tenant on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// The tenant.
    pub organization: OrganizationId,
    /// Its label, which is its own until it is purged.
    pub slug: Slug,
    /// The status it gets when it is brought back.
    pub status_before: OrganizationStatus,
    /// The actor who dropped it.
    pub by: String,
    /// When it was dropped.
    pub at: DateTime<Utc>,
    /// The end of its grace.
    pub purge_after: DateTime<Utc>,
    /// When a purge in several transactions began.
    pub purge_begun_at: Option<DateTime<Utc>>,
    /// What there was at that time.
    pub counted: Option<Counted>,
}

/// What is removed with a tenant's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The rows of each table by its name, `null` for one that could not be counted; `null` for all if there was no schema.
    pub rows: Value,
    /// The large objects of its roles.
    pub large_objects: i64,
}

impl Departure {
    /// Whether it may be purged: its grace is over, or a purge has begun.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.purge_after <= now || self.purge_begun_at.is_some()
    }
}

/// What came of bringing a tenant back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undone {
    /// It is there again, with this status.
    Now(OrganizationStatus),
    /// It was not dropped.
    NotDropped,
    /// A purge has begun: part of it is gone.
    TooLate,
    /// It lives in this database now.
    Moved(String),
}

/// The departure of a tenant, if it was dropped.
pub async fn find(
    tx: &mut CatalogTx,
    organization: OrganizationId,
) -> Result<Option<Departure>, CatalogError> {
    tx.row(FIND, &[&organization])
        .await?
        .as_ref()
        .map(departure)
        .transpose()
}

/// All of them, those whose grace ends first first.
pub async fn list(tx: &mut CatalogTx) -> Result<Vec<Departure>, CatalogError> {
    tx.rows(LIST, &[]).await?.iter().map(departure).collect()
}

/// Drops a tenant, which is locked: from COMMIT on nobody sees it. Answers `None` if it was dropped already.
pub async fn begin(
    tx: &mut CatalogTx,
    organization: &Organization,
    grace: TimeDelta,
    actor: &Actor,
    source: &Source,
) -> Result<Option<Departure>, CatalogError> {
    let id = organization.id;
    if find(tx, id).await?.is_some() {
        return Ok(None);
    }
    moves::check_known(tx, id).await?;
    moves::forget_copying(tx, id).await?;
    // One that was cancelled by hand comes back as one that is served.
    let before = match organization.status {
        OrganizationStatus::Cancelled => OrganizationStatus::Active,
        status => status,
    };
    let (by, now) = (actor.to_string(), source.now());
    let purge_after = now + grace;
    let params: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&id, &before.as_str(), &by, &now, &purge_after];
    tx.execute(INSERT, &params).await?;
    organizations::set_status(tx, id, OrganizationStatus::Cancelled).await?;
    dba_grants::revoke_all(tx, id).await?;
    let event = AuditEvent::TenantDropped { purge_after };
    audit::record(tx, actor, Some(id), &event, &Device::NONE, source).await?;
    find(tx, id).await
}

/// Brings a dropped tenant back as it was: its sessions and keys work again. It is locked.
pub async fn undo(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    actor: &Actor,
    source: &Source,
) -> Result<Undone, CatalogError> {
    let Some(departure) = find(tx, organization).await? else {
        return Ok(Undone::NotDropped);
    };
    // What is left of a move that was killed while it copied means nothing.
    let moved = moves::find(tx, organization).await?;
    if let Some(moved) = moved.filter(|found| found.state == MoveState::Moved) {
        return Ok(Undone::Moved(moved.target.name));
    }
    if departure.purge_begun_at.is_some() {
        return Ok(Undone::TooLate);
    }
    // What is in a file only is not served by being undropped.
    let status = match archives::find(tx, organization).await? {
        Some(_) => OrganizationStatus::Cancelled,
        None => departure.status_before,
    };
    tx.execute(DELETE, &[&organization]).await?;
    organizations::set_status(tx, organization, status).await?;
    let event = AuditEvent::TenantRestored { status };
    audit::record(tx, actor, Some(organization), &event, &Device::NONE, source).await?;
    Ok(Undone::Now(status))
}

/// Notes that a purge has begun which takes several transactions: there is no way back from here.
pub async fn begin_purge(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    counted: &Counted,
    now: DateTime<Utc>,
) -> Result<(), CatalogError> {
    let Counted { rows, large_objects } = counted;
    tx.execute(BEGIN_PURGE, &[&organization, &now, rows, large_objects])
        .await?;
    tx.execute(SET_SCHEMA_DROPPED, &[&organization]).await?;
    Ok(())
}

/// What the catalog had of a tenant that was purged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogRows {
    /// Memberships; the accounts stay, since people may belong elsewhere too.
    pub memberships: u64,
    /// Sessions, with their refresh tokens.
    pub sessions: u64,
    /// API keys.
    pub api_keys: u64,
    /// Domains, which others can have from now on.
    pub domains: u64,
}

/// Removes what the catalog has of a tenant, whose schema goes in the same transaction. Its two rows stay as tombstones, with
/// nothing in them but ids and the label, which nobody else can take for 90 days; and so does the audit log.
pub async fn finish(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    now: DateTime<Utc>,
) -> Result<CatalogRows, CatalogError> {
    let gone = CatalogRows {
        sessions: tx.execute(DELETE_SESSIONS, &[&organization]).await?,
        api_keys: tx.execute(DELETE_KEYS, &[&organization]).await?,
        memberships: tx.execute(DELETE_MEMBERSHIPS, &[&organization]).await?,
        domains: domains::leave(tx, organization).await?,
    };
    for delete in [DELETE_SUSPENSION, DELETE_PLAN, DELETE_SIZE] {
        tx.execute(delete, &[&organization]).await?;
    }
    dba_grants::revoke_all(tx, organization).await?;
    archives::forget(tx, organization).await?;
    tx.execute(DELETE, &[&organization]).await?;
    tx.execute(FORGET_FAILURES, &[&organization]).await?;
    tx.execute(SET_SCHEMA_DROPPED, &[&organization]).await?;
    tx.execute(BURY, &[&organization, &now]).await?;
    Ok(gone)
}

fn departure(row: &Row) -> Result<Departure, CatalogError> {
    let columns = Columns::new(row, "departures");
    let rows: Option<Value> = columns.get("row_counts")?;
    let large_objects: Option<i64> = columns.get("large_objects")?;
    let counted = rows.zip(large_objects);
    Ok(Departure {
        organization: columns.get("organization_id")?,
        slug: columns.parse("slug")?,
        status_before: columns.parse("status_before")?,
        by: columns.get("dropped_by")?,
        at: columns.get("dropped_at")?,
        purge_after: columns.get("purge_after")?,
        purge_begun_at: columns.get("purge_begun_at")?,
        counted: counted.map(|(rows, large_objects)| Counted { rows, large_objects }),
    })
}

const FIND: &str = "\
    select d.organization_id, o.slug, d.status_before, d.dropped_by, d.dropped_at, d.purge_after, d.purge_begun_at, \
      d.row_counts, d.large_objects \
    from catalog.departures d join catalog.organizations o on o.id = d.organization_id \
    where d.organization_id = $1";

const LIST: &str = "\
    select d.organization_id, o.slug, d.status_before, d.dropped_by, d.dropped_at, d.purge_after, d.purge_begun_at, \
      d.row_counts, d.large_objects \
    from catalog.departures d join catalog.organizations o on o.id = d.organization_id \
    order by d.purge_after, d.organization_id";

const INSERT: &str = "\
    insert into catalog.departures (organization_id, status_before, dropped_by, dropped_at, purge_after) \
    values ($1, $2, $3, $4, $5)";

const DELETE: &str = "delete from catalog.departures where organization_id = $1";

const BEGIN_PURGE: &str = "\
    update catalog.departures set purge_begun_at = $2, row_counts = $3, large_objects = $4 \
    where organization_id = $1";

const SET_SCHEMA_DROPPED: &str = "\
    update catalog.tenant_schemas set state = 'dropped', last_error = null where organization_id = $1";

const DELETE_SESSIONS: &str = "delete from catalog.sessions where organization_id = $1";

const DELETE_KEYS: &str = "delete from catalog.api_keys where organization_id = $1";

const DELETE_MEMBERSHIPS: &str = "delete from catalog.memberships where organization_id = $1";

const DELETE_SUSPENSION: &str = "delete from catalog.suspensions where organization_id = $1";

// A plan that it has could never be removed.
const DELETE_PLAN: &str = "delete from catalog.tenant_plans where organization_id = $1";

const DELETE_SIZE: &str = "delete from catalog.tenant_sizes where organization_id = $1";

// What PostgreSQL said of a failed migration may hold a value of a row.
const FORGET_FAILURES: &str = "\
    update catalog.migration_run_tenants set message = 'erased with the tenant' \
    where organization_id = $1 and message is not null";

// A name, an address or a note may be personal data.
const BURY: &str = "\
    update catalog.organizations set deleted_at = $2, status = 'cancelled', name = slug, logo_url = null, \
      contact_email = null, settings = '{}', metadata = '{}', password_policy = null \
    where id = $1";

pub(crate) const STATEMENTS: &[&str] = &[
    FIND,
    LIST,
    INSERT,
    DELETE,
    BEGIN_PURGE,
    SET_SCHEMA_DROPPED,
    DELETE_SESSIONS,
    DELETE_KEYS,
    DELETE_MEMBERSHIPS,
    DELETE_SUSPENSION,
    DELETE_PLAN,
    DELETE_SIZE,
    FORGET_FAILURES,
    BURY,
];
