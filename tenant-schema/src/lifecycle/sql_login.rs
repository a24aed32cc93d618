//! Logins for statements that go through the fleet: each may assume one tenant's role at a time.
//!
//! An operator's connection could leave a tenant's role again from within a statement (`set_config('role', …)` is a
//! function), and would then be the owner of everything. So such statements have a login of their own, which has no right
//! on anything, inherits none, and is a member of the one role whose tenant's turn it is. Whatever a statement does to its
//! role, there is nothing else for it to be.

use std::fmt;

use catalog::clock::Source;
use catalog::password;
use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;
use catalog::tx::{CatalogDb, CatalogTx};
use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};

use super::psql_login::Reach;
use super::{LifecycleError, logins};

/// How long a login's password is good for: no session is begun later, and what a killed program leaves is worthless soon.
const LIFETIME: TimeDelta = TimeDelta::hours(12);

/// The name of such a login: `tenantry_sql_` and eight hexadecimal digits. Only this module makes one, so that its text
/// may stand in SQL as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SqlRole(String);

impl fmt::Display for SqlRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A login that was just made.
#[derive(Debug)]
pub(crate) struct SqlLogin {
    pub(crate) role: SqlRole,
    pub(crate) password: SecretString,
}

/// Makes a login that is a member of nothing. It is there when `tx` is committed, and should be [`drop`]ped after use.
pub(crate) async fn create(tx: &mut CatalogTx, source: &Source) -> Result<SqlLogin, PgError> {
    let random = u32::from_be_bytes(source.bytes());
    let login = SqlLogin {
        role: SqlRole(format!("tenantry_sql_{random:08x}")),
        password: password::invent(source),
    };
    let verifier = postgres_protocol::password::scram_sha_256(login.password.expose_secret().as_bytes());
    let (role, until) = (&login.role, (source.now() + LIFETIME).to_rfc3339());
    tx.transaction()
        .batch(&format!(
            "create role {role} login noinherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls
               connection limit 2 password '{verifier}' valid until '{until}';
             comment on role {role} is 'tenantry: a statement on its way through the fleet'"
        ))
        .await?;
    Ok(login)
}

/// The role a tenant's statements have.
pub(crate) fn assumed(schema: &SchemaName, reach: Reach) -> String {
    match reach {
        Reach::ReadWrite => schema.read_write_role(),
        Reach::ReadOnly => schema.read_only_role(),
    }
}

/// Makes the login a member of one tenant's role, and no longer of the one before.
pub(crate) async fn enter(
    db: &CatalogDb,
    role: &SqlRole,
    before: Option<&str>,
    now: &str,
) -> Result<(), PgError> {
    let grant = format!("grant {now} to {role}");
    if let Some(before) = before {
        let both = format!("revoke {before} from {role}; {grant}");
        match committed(db, &both).await {
            // The tenant before was purged meanwhile, and its role with it.
            Err(error) if error.sqlstate() == Some("42704") => {}
            done => return done,
        }
    }
    committed(db, &grant).await
}

/// Nobody waits for it to be on disk: after a crash there is no session that it could have been for.
async fn committed(db: &CatalogDb, sql: &str) -> Result<(), PgError> {
    let mut tx = db.begin().await?;
    tx.transaction()
        .batch(&format!("set local synchronous_commit = off; {sql}"))
        .await?;
    tx.commit().await
}

/// Ends the sessions of a login and removes it.
pub(crate) async fn drop(db: &CatalogDb, role: &SqlRole) -> Result<(), LifecycleError> {
    logins::remove(db, &role.0).await
}
