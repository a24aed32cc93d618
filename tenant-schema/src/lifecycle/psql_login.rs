//! Logins for people who open psql on one tenant: short-lived roles that can see that tenant and nothing else.
//!
//! A login is a member of the tenant's own role, assumes it when it connects and finds the tenant's tables on its
//! path. `set role none` falls back to the login, whose only rights are those it inherits from that membership; no
//! other tenant's role can be assumed, and the catalog has granted it nothing.

use std::fmt;

use catalog::clock::Source;
use catalog::password;
use catalog::pg::sqlstate::PgError;
use catalog::schema_name::SchemaName;
use catalog::tx::{CatalogDb, CatalogTx};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};

use super::{LifecycleError, logins};

/// How long a login's password is good for: a working day, so that a forgotten one is worthless tomorrow.
const LIFETIME: TimeDelta = TimeDelta::hours(12);

/// How long a session may leave a transaction open without a word: its locks keep the tenant's API waiting, and what
/// it could still see keeps the whole database from being vacuumed.
const IDLE_IN_TRANSACTION: &str = "15min";

/// What a login may do with the tenant's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// What the tenant's API may do.
    ReadWrite,
    /// Look.
    ReadOnly,
}

/// The name of such a login: `t_<id>_psql_` and eight hexadecimal digits. Only this module makes one, so that its
/// text may stand in SQL as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PsqlRole(String);

impl fmt::Display for PsqlRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A login that was just made.
#[derive(Debug, Clone)]
pub struct PsqlLogin {
    /// Its name.
    pub role: PsqlRole,
    /// Its password, known to nobody else: PostgreSQL was sent a verifier.
    pub password: SecretString,
    /// Good until then.
    pub valid_until: DateTime<Utc>,
}

/// Makes a login for the tenant's schema. Whoever makes it is a member, who sees what its sessions do and may end them. It is there when `tx` is committed, and should be [`drop`]ped after use.
pub async fn create(
    tx: &mut CatalogTx,
    schema: &SchemaName,
    reach: Reach,
    source: &Source,
) -> Result<PsqlLogin, PgError> {
    let random = u32::from_be_bytes(source.bytes());
    let login = PsqlLogin {
        role: PsqlRole(format!("{schema}_psql_{random:08x}")),
        password: password::invent(source),
        valid_until: source.now() + LIFETIME,
    };
    let granted = match reach {
        Reach::ReadWrite => schema.read_write_role(),
        Reach::ReadOnly => schema.read_only_role(),
    };
    let verifier = postgres_protocol::password::scram_sha_256(login.password.expose_secret().as_bytes());
    let (role, until, path) = (&login.role, login.valid_until.to_rfc3339(), schema.search_path());
    tx.transaction()
        .batch(&format!(
            "create role {role} login inherit nosuperuser nocreatedb nocreaterole noreplication nobypassrls
               connection limit 3 password '{verifier}' valid until '{until}' in role {granted};
             comment on role {role} is 'tenantry: somebody''s psql on {schema}';
             alter role {role} set role = {granted};
             alter role {role} set idle_in_transaction_session_timeout = '{IDLE_IN_TRANSACTION}';
             alter role {role} set search_path = {path};
             grant {role} to current_user"
        ))
        .await?;
    Ok(login)
}

/// Ends the sessions of a login and removes it with what it made for itself (it can make nothing but large objects and
/// temporary tables). Should this end halfway, the login is shut and its next removal ends it.
pub async fn drop(db: &CatalogDb, role: &PsqlRole) -> Result<(), LifecycleError> {
    logins::remove(db, &role.0).await
}

/// The logins to one tenant that there are.
pub(super) async fn of_schema(tx: &mut CatalogTx, schema: &SchemaName) -> Result<Vec<PsqlRole>, PgError> {
    let rows = tx.transaction().rows(OF_SCHEMA, &[&schema.as_str()]).await?;
    Ok(rows.iter().map(|row| PsqlRole(row.get("role"))).collect())
}

// The pattern is what makes the names fit for SQL text.
pub(crate) const OF_SCHEMA: &str = "\
select r.rolname::text as role from pg_catalog.pg_roles r
 where r.rolname ~ '^t_[0-9a-f]{32}_psql_[0-9a-f]{8}$' and pg_catalog.starts_with(r.rolname, $1::text || '_')
 order by r.rolname";
