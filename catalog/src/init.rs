//! Preparing a database for Tenantry: makes the schemas, the extensions and the server's login, and applies the
//! catalog's migrations.

use std::sync::LazyLock;

use futures_util::future::join;
use secrecy::{ExposeSecret, SecretString};
use tokio_postgres::error::SqlState;

use crate::pg::config::PgConfig;
use crate::pg::migrator::{MigrateError, Migrations, Sending};
use crate::pg::sqlstate::PgError;
use crate::tx::{CatalogDb, CatalogTx};

/// The server's login role: `NOINHERIT`, no rights of its own on any tenant table.
pub const SERVER_LOGIN: &str = "tenantry_server";

/// The oldest PostgreSQL that will do (`server_version_num`).
const OLDEST: i32 = 140_000;

mod embedded {
    refinery::embed_migrations!("migrations");
}

static MIGRATIONS: LazyLock<Migrations> =
    LazyLock::new(|| Migrations::new(embedded::migrations::runner().get_migrations().clone()));

/// The catalog version this program works with.
pub fn latest() -> i32 {
    MIGRATIONS.latest()
}

/// Why a database could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// PostgreSQL is too old.
    #[error("this PostgreSQL is version {found}; Tenantry needs 14 or newer")]
    TooOld {
        /// What `server_version` says.
        found: String,
    },
    /// An extension is installed where tenants cannot see it.
    #[error(
        "extension {name} is installed in schema {schema}: move it with `alter extension {name} set schema extensions`"
    )]
    ExtensionElsewhere {
        /// The extension.
        name: String,
        /// Where it is.
        schema: String,
    },
    /// The login exists with rights that would break the wall between tenants.
    #[error(
        "role {SERVER_LOGIN} must not be a superuser, bypass row-level security or inherit: alter role {SERVER_LOGIN} nosuperuser nobypassrls noinherit"
    )]
    LoginTooStrong,
    /// A migration of the catalog did not work.
    #[error("the catalog could not be migrated")]
    Migrate(#[from] MigrateError),
    /// PostgreSQL refused something else.
    #[error(transparent)]
    Database(#[from] PgError),
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initialized {
    /// The catalog migrations applied now; none if it was current.
    pub applied: Vec<i32>,
    /// The catalog's version afterwards.
    pub version: i32,
}

/// Prepares the database, or brings it up to date: one transaction, safe to repeat. With a password, the server's
/// login gets it; PostgreSQL is sent a SCRAM verifier (RFC 5803), never the password.
pub async fn init(db: &CatalogDb, password: Option<&SecretString>) -> Result<Initialized, InitError> {
    let mut tx = db.begin_unhurried().await?;
    tx.transaction().batch(LOCK).await?;
    check_version(&mut tx).await?;
    tx.transaction().batch(GROUND).await?;
    check_ground(&mut tx).await?;
    if let Some(password) = password {
        let verifier = postgres_protocol::password::scram_sha_256(password.expose_secret().as_bytes());
        tx.transaction()
            .batch(&format!("alter role {SERVER_LOGIN} password '{verifier}'"))
            .await?;
    }
    let applied = MIGRATIONS
        .apply(tx.transaction(), "catalog", Sending::FileByFile)
        .await?;
    tx.transaction().batch(HISTORY_GRANT).await?;
    tx.commit().await?;
    Ok(Initialized {
        applied,
        version: latest(),
    })
}

/// Makes the database if it is not there. `config` names another database of the same cluster, such as `postgres`,
/// and a login that may create databases; the new one has the cluster's encoding and locale.
pub async fn ensure_database(config: &PgConfig, name: &str) -> Result<(), PgError> {
    let connected = config.driver().connect(config.tls()).await;
    let (client, connection) = connected.map_err(|error| PgError::Unavailable(error.into()))?;
    let work = async {
        let row = client.query_one(DATABASE_KNOWN, &[&name]).await?;
        if !row.get::<_, bool>("known") {
            let quoted: &str = row.get("quoted");
            // It cannot run inside a transaction, hence not on a pooled transaction.
            match client.batch_execute(&format!("create database {quoted}")).await {
                Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => {}
                other => other?,
            }
        }
        // The connection ends when its client does.
        drop(client);
        Ok(())
    };
    let (done, _) = join(work, connection).await;
    done.map_err(PgError::of_statement)
}

/// The catalog's version in the database; `None` where there is no catalog. The server compares it with [`latest`].
pub async fn version(tx: &mut CatalogTx) -> Result<Option<i32>, PgError> {
    let there = tx
        .row(HAS_HISTORY, &[])
        .await?
        .is_some_and(|row| row.get("there"));
    if !there {
        return Ok(None);
    }
    Ok(tx.row(VERSION, &[]).await?.and_then(|row| row.get("version")))
}

async fn check_version(tx: &mut CatalogTx) -> Result<(), InitError> {
    match tx.row(SERVER_VERSION, &[]).await? {
        Some(row) if row.get::<_, i32>("number") < OLDEST => Err(InitError::TooOld {
            found: row.get("text"),
        }),
        _ => Ok(()),
    }
}

async fn check_ground(tx: &mut CatalogTx) -> Result<(), InitError> {
    if let Some(row) = tx.row(EXTENSION_ELSEWHERE, &[]).await? {
        return Err(InitError::ExtensionElsewhere {
            name: row.get("name"),
            schema: row.get("schema"),
        });
    }
    match tx.row(LOGIN_TOO_STRONG, &[&SERVER_LOGIN]).await? {
        Some(_) => Err(InitError::LoginTooStrong),
        None => Ok(()),
    }
}

/// The lock under which the catalog is migrated: its history, which nobody but the owner can lock. Where there is none yet, an
/// advisory lock must do (the seed is `TENT` in ASCII); whoever waited for it finds the history and locks that.
const LOCK: &str = "\
do $$
begin
  if pg_catalog.to_regclass('catalog.refinery_schema_history') is null then
    perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('catalog', 1413829460));
  end if;
  if pg_catalog.to_regclass('catalog.refinery_schema_history') is not null then
    lock table catalog.refinery_schema_history in share row exclusive mode;
  end if;
end
$$";

const SERVER_VERSION: &str = "\
select current_setting('server_version_num')::int as number, current_setting('server_version') as text";

/// Roles belong to the cluster, not to the database: another database may be making the same login at this moment,
/// and advisory locks do not reach across databases, hence the exception handler.
const GROUND: &str = "\
create schema if not exists catalog;
create schema if not exists extensions;
create extension if not exists pg_trgm with schema extensions;
create extension if not exists btree_gist with schema extensions;
create extension if not exists unaccent with schema extensions;
do $$
begin
  if not exists (select from pg_catalog.pg_roles r where r.rolname = 'tenantry_server') then
    create role tenantry_server login noinherit nosuperuser nocreatedb nocreaterole nobypassrls;
    alter role tenantry_server set idle_in_transaction_session_timeout = '60s';
  end if;
exception when duplicate_object or unique_violation then
  null;
end
$$";

const EXTENSION_ELSEWHERE: &str = "\
select e.extname::text as name, n.nspname::text as schema
  from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
 where e.extname in ('pg_trgm', 'btree_gist', 'unaccent') and n.nspname <> 'extensions'
 order by e.extname limit 1";

const LOGIN_TOO_STRONG: &str = "\
select r.rolname from pg_catalog.pg_roles r
 where r.rolname = $1 and (r.rolsuper or r.rolbypassrls or r.rolinherit)";

const HISTORY_GRANT: &str = "grant select on catalog.refinery_schema_history to tenantry_server";

const DATABASE_KNOWN: &str = "\
select quote_ident($1) as quoted,
       exists (select from pg_catalog.pg_database d where d.datname = $1) as known";

const HAS_HISTORY: &str = "select to_regclass('catalog.refinery_schema_history') is not null as there";

const VERSION: &str = "select max(h.version) as version from catalog.refinery_schema_history h";

/// Every statement of this module that can be prepared in a migrated database.
pub(crate) const STATEMENTS: &[&str] = &[
    SERVER_VERSION,
    EXTENSION_ELSEWHERE,
    LOGIN_TOO_STRONG,
    HISTORY_GRANT,
    DATABASE_KNOWN,
    HAS_HISTORY,
    VERSION,
];
