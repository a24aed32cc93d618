//! How logins that Tenantry made are removed: those of somebody's psql and of statements that go through the fleet.
//!
//! What bounds such a session is only a default, which it may change. So it is ended from outside, too, by whoever next makes
//! such a login and by the doctor.

use std::fmt;

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::tx::{CatalogDb, CatalogTx};
use chrono::{DateTime, Utc};

use super::purge::budget;
use super::{LifecycleError, Refusal, belongings};

/// How long a session is waited for after it was told to end, in milliseconds.
const ENDING: i64 = 5_000;

/// The name of a login whose time is over. Only this module finds one, so that its text may stand in SQL as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    role: String,
    /// Its password is worthless; otherwise a session of it has left a transaction open for longer than it was allowed.
    pub is_expired: bool,
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.role)
    }
}

/// The logins that programs which were killed have left behind, and those of which a session has taken off its bounds: it
/// keeps the whole database from being vacuumed.
pub async fn overdue(tx: &mut CatalogTx, now: DateTime<Utc>) -> Result<Vec<Overdue>, PgError> {
    let rows = tx.transaction().rows(OVERDUE, &[&now]).await?;
    let login = rows.iter().map(|row| Overdue {
        role: row.get("role"),
        is_expired: row.get("is_expired"),
    });
    Ok(login.collect())
}

/// Ends the sessions of such a login and removes it.
pub async fn drop(db: &CatalogDb, login: &Overdue) -> Result<(), LifecycleError> {
    remove(db, &login.role).await
}

/// Removes all of them. One that cannot be removed is skipped.
pub async fn sweep(db: &CatalogDb, now: DateTime<Utc>) -> Result<(), PgError> {
    let mut tx = db.begin().await?;
    let overdue = overdue(&mut tx, now).await?;
    tx.rollback().await?;
    for login in overdue {
        if let Err(error) = drop(db, &login).await {
            tracing::debug!(%login, %error, "a login whose time is over could not be removed");
        }
    }
    Ok(())
}

/// Ends the sessions of a login and removes it, with what it made for itself by as many at once as the server has locks
/// for. Its name is one of ours, so that it may stand in SQL as it is.
///
/// Should this end halfway, the login is shut and its next removal ends it.
pub(super) async fn remove(db: &CatalogDb, role: &str) -> Result<(), LifecycleError> {
    // In a transaction of its own: only what is committed keeps new sessions out while the old ones are ended. Who made
    // a role may become its member, and only a member may end its sessions and drop what it owns.
    let shut = format!("alter role {role} nologin valid until '-infinity'; grant {role} to current_user");
    let mut tx = db.begin().await?;
    let outcome = tx.transaction().batch(&shut).await;
    end(tx, outcome).await?;
    let own = [role.to_owned()];
    loop {
        let mut tx = db.begin_unhurried().await?;
        end_sessions(tx.transaction(), role).await?;
        let needed = budget::BESIDES + belongings::locks(tx.transaction(), &own).await?;
        let room = budget::room(tx.transaction()).await?;
        if needed <= room {
            let removal = format!("drop owned by {role}; drop role {role}");
            let outcome = tx.transaction().batch(&removal).await;
            return Ok(end(tx, outcome).await?);
        }
        if belongings::unlink_some(tx.transaction(), &own, room).await? == 0 {
            let what = format!("dropping the temporary tables of {role}");
            return Err(Refusal::TooManyLocks { what, needed, room }.into());
        }
        tx.commit().await?;
    }
}

/// Ends the sessions of a login, of which the caller is a member.
pub(super) async fn end_sessions(tx: &mut Transaction, role: &str) -> Result<(), PgError> {
    tx.rows(END_SESSIONS, &[&role, &ENDING]).await?;
    Ok(())
}

/// Ends a transaction by its last statement's outcome. A login that is shut has expired, so that another program that
/// tidies up may have removed it first: that is as good.
async fn end(tx: CatalogTx, outcome: Result<(), PgError>) -> Result<(), PgError> {
    match outcome {
        Ok(()) => tx.commit().await,
        Err(error) if error.sqlstate() == Some("42704") => tx.rollback().await,
        Err(error) => Err(error),
    }
}

// The pattern is what makes the names fit for SQL text. A session's own bound is half as long.
pub(crate) const OVERDUE: &str = "\
select r.rolname::text as role, coalesce(r.rolvaliduntil < $1, false) as is_expired from pg_catalog.pg_roles r
 where r.rolname ~ '^(t_[0-9a-f]{32}_psql|tenantry_sql)_[0-9a-f]{8}$'
   and (r.rolvaliduntil < $1
        or exists (select from pg_catalog.pg_stat_activity a
                    where a.usename = r.rolname and pg_catalog.starts_with(a.state, 'idle in transaction')
                      and a.state_change < $1 - interval '30 minutes'))
 order by r.rolname";

pub(crate) const END_SESSIONS: &str = "\
select pg_catalog.pg_terminate_backend(a.pid, $2) as ended from pg_catalog.pg_stat_activity a where a.usename = $1::text::name";
