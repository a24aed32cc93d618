//! How logins that Tenantry made are removed.

use catalog::pg::sqlstate::PgError;
use catalog::pg::tx::Transaction;
use catalog::tx::{CatalogDb, CatalogTx};

use super::purge::budget;
use super::{LifecycleError, Refusal, belongings};

/// How long a session is waited for after it was told to end, in milliseconds.
const ENDING: i64 = 5_000;

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

pub(crate) const END_SESSIONS: &str = "\
select pg_catalog.pg_terminate_backend(a.pid, $2) as ended from pg_catalog.pg_stat_activity a where a.usename = $1::text::name";
