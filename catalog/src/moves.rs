//! Tenants that leave this database for another, and those that have come from one.
//!
//! Two databases cannot commit together. The one that is left notes a *doubt* and lets nobody in, then the other commits with
//! an *arrival* under the same token, then the first notes that the tenant has moved. Whoever finds a doubt asks the other by
//! [`arrived`], whose answer is final. What of a tenant only the catalog has is [`carried`] along.

pub mod carried;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::actor::Actor;
use crate::audit::{self, AuditEvent};
use crate::clock::Source;
use crate::departures;
use crate::domains;
use crate::error::CatalogError;
use crate::ids::OrganizationId;
use crate::organizations::Organization;
use crate::row::Columns;
use crate::sessions::Device;
use crate::stored_text::stored_text;
use crate::tenant_schemas::{TenantSchemaState, is_home};
use crate::tx::CatalogTx;

stored_text! {
    /// How far a move is.
    MoveState {
        /// It is copied: it is read here, and nobody writes it.
        Copying = "copying",
        /// It is not known here whether it has arrived there.
        Doubt = "doubt",
        /// It has.
        Moved = "moved",
    }
}

/// A database that a tenant is moved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Host, port and name, for people.
    pub name: String,
    /// What it is, by whatever name it is reached ([`identity`]).
    pub identity: String,
}

/// A move out of this database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// What it is called in both databases.
    pub token: Uuid,
    /// Where to.
    pub target: Target,
    /// How far it is.
    pub state: MoveState,
    /// The actor.
    pub by: String,
    /// When it was begun.
    pub at: DateTime<Utc>,
}

/// What a database knows of an organization that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// Nothing.
    Unknown,
    /// It lives here.
    Living,
    /// It has moved away; its schema is kept until then.
    LeftBehind(DateTime<Utc>),
    /// It has moved away, and nothing but its rows in the catalog is left.
    MovedAway,
    /// It was deleted.
    Erased,
}

/// Which database this is, by whatever name it is reached: the system identifier of its cluster, which a physical copy keeps,
/// and its oid.
pub async fn identity(tx: &mut CatalogTx) -> Result<String, CatalogError> {
    let row = tx.row(IDENTITY, &[]).await?;
    let row = row.ok_or(CatalogError::NotFound { what: "identity" })?;
    Columns::new(&row, "pg_control_system").get("id")
}

/// The latest version of the template that a tenant of this database has.
pub async fn latest_version(tx: &mut CatalogTx) -> Result<Option<i32>, CatalogError> {
    let row = tx.row(LATEST_VERSION, &[]).await?;
    row.map_or(Ok(None), |row| {
        Columns::new(&row, "tenant_schemas").get("version")
    })
}

/// What this database knows of an organization.
pub async fn presence(tx: &mut CatalogTx, organization: OrganizationId) -> Result<Presence, CatalogError> {
    let Some(row) = tx.row(PRESENCE, &[&organization]).await? else {
        return Ok(Presence::Unknown);
    };
    let columns = Columns::new(&row, "organizations");
    let (is_deleted, has_moved): (bool, bool) = (columns.get("is_deleted")?, columns.get("has_moved")?);
    let kept: Option<DateTime<Utc>> = columns.get("purge_after")?;
    Ok(match (is_deleted, has_moved, kept) {
        (true, true, _) => Presence::MovedAway,
        (true, false, _) => Presence::Erased,
        (false, true, Some(until)) => Presence::LeftBehind(until),
        (false, ..) => Presence::Living,
    })
}

/// The move of a tenant, if there is or was one.
pub async fn find(tx: &mut CatalogTx, organization: OrganizationId) -> Result<Option<Move>, CatalogError> {
    let row = tx.row(FIND, &[&organization]).await?;
    row.as_ref().map(one).transpose()
}

/// Lets nobody remove a tenant of which it is not known in which database it is.
///
/// # Errors
/// [`CatalogError::InDoubt`].
pub(crate) async fn check_known(
    tx: &mut CatalogTx,
    organization: OrganizationId,
) -> Result<(), CatalogError> {
    match find(tx, organization).await? {
        Some(found) if found.state == MoveState::Doubt => Err(CatalogError::InDoubt {
            target: found.target.name,
        }),
        _ => Ok(()),
    }
}

/// Lets nobody change here what would have to be changed where the tenant lives: a key that is revoked here would go on there.
/// The organization is locked, so that nobody moves it meanwhile.
///
/// # Errors
/// [`CatalogError::InDoubt`], [`CatalogError::Elsewhere`].
pub async fn check_home(tx: &mut CatalogTx, organization: OrganizationId) -> Result<(), CatalogError> {
    check_known(tx, organization).await?;
    match find(tx, organization).await? {
        Some(found) if found.state == MoveState::Moved => Err(CatalogError::Elsewhere {
            target: found.target.name,
        }),
        _ => Ok(()),
    }
}

/// Announces a move: from COMMIT on servers refuse writes, until `paused_until` at the longest. It holds nobody off by itself.
/// The organization is locked.
pub async fn announce(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    (token, target): (Uuid, &Target),
    paused_until: DateTime<Utc>,
    actor: &Actor,
    source: &Source,
) -> Result<(), CatalogError> {
    let (by, now) = (actor.to_string(), source.now());
    let Target { name, identity } = target;
    tx.execute(
        ANNOUNCE,
        &[&organization, &token, name, identity, &by, &now, &paused_until],
    )
    .await?;
    Ok(())
}

/// Notes the doubt: from COMMIT on nobody is served here. The organization is locked.
///
/// # Errors
/// [`CatalogError::NotFound`] where it is another's move by now.
pub async fn doubt(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    token: Uuid,
) -> Result<(), CatalogError> {
    if tx.execute(DOUBT, &[&organization, &token]).await? == 0 {
        return Err(CatalogError::NotFound { what: "move" });
    }
    set_state(tx, organization, TenantSchemaState::Moving).await
}

/// It has not arrived, and never will: the tenant is served here as before. Answers whether the move was still as it was seen,
/// so that nobody gives up in doubt what was being copied when he looked. What became of the tenant meanwhile stays: only a
/// schema that is moving is ready again. The organization is locked.
pub async fn give_up(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    token: Uuid,
    seen: MoveState,
) -> Result<bool, CatalogError> {
    if tx
        .execute(GIVE_UP, &[&organization, &token, &seen.as_str()])
        .await?
        == 0
    {
        return Ok(false);
    }
    tx.execute(REOPEN, &[&organization]).await?;
    Ok(true)
}

/// The move is given up because an operator says that the tenant is not served there and never will be, whatever became of it.
/// Answers whether it was still as it was seen. The organization is locked.
pub async fn stay(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    seen: &Move,
    actor: &Actor,
    source: &Source,
) -> Result<bool, CatalogError> {
    if !give_up(tx, organization, seen.token, seen.state).await? {
        return Ok(false);
    }
    let event = AuditEvent::MoveGivenUp {
        token: seen.token,
        target: seen.target.name.clone(),
        state: seen.state,
    };
    audit::record(tx, actor, Some(organization), &event, &Device::NONE, source).await?;
    Ok(true)
}

/// Forgets a move that was killed while it copied, where something else becomes of the tenant. The organization is locked.
pub(crate) async fn forget_copying(
    tx: &mut CatalogTx,
    organization: OrganizationId,
) -> Result<(), CatalogError> {
    tx.execute(FORGET_COPYING, &[&organization]).await?;
    Ok(())
}

/// The tenants whose move says that it is copying, and which nobody is at work on. Whoever copies holds the organization's row, but
/// for the moment in which he has only just said so. To be rolled back.
pub async fn abandoned(tx: &mut CatalogTx) -> Result<Vec<OrganizationId>, CatalogError> {
    let rows = tx.rows(ABANDONED, &[]).await?;
    let id = |row: &Row| Columns::new(row, "organizations").get("id");
    rows.iter().map(id).collect()
}

/// It has arrived: here it is left behind, to be purged when the grace is over, and cannot be brought back. Answers whether
/// that was not known yet. The organization is locked.
pub async fn finish(
    tx: &mut CatalogTx,
    organization: &Organization,
    token: Uuid,
    grace: TimeDelta,
    actor: &Actor,
    source: &Source,
) -> Result<bool, CatalogError> {
    let (id, now) = (organization.id, source.now());
    let Some(row) = tx.row(FINISH, &[&id, &token, &now]).await? else {
        return Ok(false);
    };
    let target: String = Columns::new(&row, "moves").get("target")?;
    set_state(tx, id, TenantSchemaState::Moved).await?;
    // What it may take is said there now.
    tx.execute(LEAVE_PLAN, &[&id]).await?;
    // They are shown anew there, and nobody could remove them here.
    domains::leave(tx, id).await?;
    let event = AuditEvent::TenantMoved { token, target };
    audit::record(tx, actor, Some(id), &event, &Device::NONE, source).await?;
    departures::begin(tx, organization, grace, actor, source).await?;
    Ok(true)
}

/// Notes that a tenant comes by this move, in the transaction that brings it and as its first deed, so that whoever asks
/// whether it has arrived waits for the end of that transaction.
pub async fn arrive(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    token: Uuid,
    actor: &Actor,
    source: &Source,
) -> Result<(), CatalogError> {
    let (by, now) = (actor.to_string(), source.now());
    tx.execute(ARRIVE, &[&token, &organization, &by, &now]).await?;
    Ok(())
}

/// Whether the tenant has come here by this move. Waits for a transaction that is bringing it (55P03 when that takes too long).
///
/// It enters the token as if the tenant had come: where that is possible, nobody has, and until this transaction is rolled back,
/// as it must be, nobody can.
pub async fn arrived(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    token: Uuid,
    actor: &Actor,
    source: &Source,
) -> Result<bool, CatalogError> {
    let (by, now) = (actor.to_string(), source.now());
    let entered = tx.execute(ASK, &[&token, &organization, &by, &now]).await?;
    Ok(entered == 0)
}

async fn set_state(
    tx: &mut CatalogTx,
    organization: OrganizationId,
    state: TenantSchemaState,
) -> Result<(), CatalogError> {
    tx.execute(SET_STATE, &[&organization, &state.as_str()]).await?;
    Ok(())
}

fn one(row: &Row) -> Result<Move, CatalogError> {
    let columns = Columns::new(row, "moves");
    Ok(Move {
        token: columns.get("token")?,
        target: Target {
            name: columns.get("target")?,
            identity: columns.get("target_id")?,
        },
        state: columns.parse("state")?,
        by: columns.get("begun_by")?,
        at: columns.get("begun_at")?,
    })
}

const IDENTITY: &str = "\
    select s.system_identifier || '/' || d.oid as id from pg_catalog.pg_control_system() s, pg_catalog.pg_database d \
    where d.datname = pg_catalog.current_database()";

const LATEST_VERSION: &str = concat!(
    "\
    select max(t.template_version) as version from catalog.tenant_schemas t where ",
    is_home!("t"),
    ""
);

const PRESENCE: &str = "\
    select o.deleted_at is not null as is_deleted, coalesce(m.state = 'moved', false) as has_moved, d.purge_after \
    from catalog.organizations o \
    left join catalog.moves m on m.organization_id = o.id \
    left join catalog.departures d on d.organization_id = o.id \
    where o.id = $1";

const FIND: &str = "\
    select token, target, target_id, state, begun_by, begun_at from catalog.moves where organization_id = $1";

// A row of somebody who was killed while he copied means nothing.
const ANNOUNCE: &str = "\
    insert into catalog.moves \
      (organization_id, token, target, target_id, state, begun_by, begun_at, paused_until) \
    values ($1, $2, $3, $4, 'copying', $5, $6, $7) \
    on conflict on constraint moves_pkey do update set token = excluded.token, target = excluded.target, \
      target_id = excluded.target_id, begun_by = excluded.begun_by, begun_at = excluded.begun_at, \
      paused_until = excluded.paused_until where moves.state = 'copying'";

const DOUBT: &str = "\
    update catalog.moves set state = 'doubt', paused_until = null \
    where organization_id = $1 and token = $2 and state = 'copying'";

const GIVE_UP: &str = "\
    delete from catalog.moves where organization_id = $1 and token = $2 and state = $3 and state <> 'moved'";

const REOPEN: &str =
    "update catalog.tenant_schemas set state = 'ready' where organization_id = $1 and state = 'moving'";

const FORGET_COPYING: &str = "delete from catalog.moves where organization_id = $1 and state = 'copying'";

const ABANDONED: &str = "\
    select o.id from catalog.organizations o \
    where o.id in (select m.organization_id from catalog.moves m where m.state = 'copying') \
    for no key update of o skip locked";

const LEAVE_PLAN: &str = "delete from catalog.tenant_plans where organization_id = $1";

const FINISH: &str = "\
    update catalog.moves set state = 'moved', moved_at = $3 \
    where organization_id = $1 and token = $2 and state = 'doubt' returning target";

const SET_STATE: &str = "update catalog.tenant_schemas set state = $2 where organization_id = $1";

const ARRIVE: &str = "\
    insert into catalog.arrivals (token, organization_id, arrived_by, arrived_at) values ($1, $2, $3, $4)";

const ASK: &str = "\
    insert into catalog.arrivals (token, organization_id, arrived_by, arrived_at) values ($1, $2, $3, $4) \
    on conflict on constraint arrivals_pkey do nothing";

pub(crate) const STATEMENTS: &[&str] = &[
    IDENTITY,
    LATEST_VERSION,
    PRESENCE,
    FIND,
    ANNOUNCE,
    DOUBT,
    GIVE_UP,
    REOPEN,
    FORGET_COPYING,
    ABANDONED,
    LEAVE_PLAN,
    FINISH,
    SET_STATE,
    ARRIVE,
    ASK,
];
