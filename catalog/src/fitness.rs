//! Whether a server may run on this database under this login.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::init::{self, SERVER_LOGIN};
use crate::pg::config::PgConfig;
use crate::pg::flight::{Failed, FlightConnection, Step};
use crate::pg::sqlstate::PgError;
use crate::tx::CatalogTx;

/// Why a server may not run on this database, or not under this login.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// The login could see every tenant at once, so that one forgotten scope would show one tenant's data to another.
    #[error("the login {login} {reason}")]
    TooStrong {
        /// The login.
        login: String,
        /// What it must not be.
        reason: &'static str,
    },
    /// The database was never prepared by `tenantry init`.
    #[error("the database has no catalog")]
    NoCatalog,
    /// The catalog is older than this program.
    #[error("the catalog is at version {found}, and this program needs {needed}")]
    Behind {
        /// What the database has.
        found: i32,
        /// What the program needs.
        needed: i32,
    },
    /// A pooler stands between, and the URL does not say so.
    #[error("a session does not keep what it was opened with: a pooler stands before PostgreSQL{}", said(.0.as_deref()))]
    Pooler(Option<String>),
    /// The question could not be asked.
    #[error(transparent)]
    Database(#[from] PgError),
}

/// Checks the login of `tx` and the catalog it sees. A catalog newer than the program is fit: it is how a fleet of
/// servers is upgraded without a pause.
pub async fn check(tx: &mut CatalogTx) -> Result<(), Unfit> {
    if let Some(row) = tx.row(LOGIN, &[]).await? {
        let reasons = [
            ("superuser", "is a superuser"),
            ("bypass", "bypasses row-level security"),
            ("owner", "owns the catalog or is a member of its owner"),
            ("inherit", "inherits the rights of the tenants' roles"),
        ];
        if let Some((_, reason)) = reasons.into_iter().find(|(column, _)| row.get(*column)) {
            return Err(Unfit::TooStrong {
                login: row.get("login"),
                reason,
            });
        }
    }
    let needed = init::latest();
    match init::version(tx).await? {
        None => Err(Unfit::NoCatalog),
        Some(found) if found < needed => Err(Unfit::Behind { found, needed }),
        Some(_) => Ok(()),
    }
}

/// Checks that a session is opened with the settings that it is asked for, as far as it is to be: behind a pooler that
/// leaves them out, no statement would have a bound.
pub async fn check_sessions(config: &PgConfig) -> Result<(), Unfit> {
    if config.is_pooled() {
        return Ok(());
    }
    let config = config.for_tenants(ASKED, ASKED);
    let mut session = match FlightConnection::connect(&config, NonZeroUsize::MIN).await {
        Ok(session) => session,
        // PgBouncer's words, where it is not told to ignore them.
        Err(error) => {
            let said = error.db().map(|said| said.message.to_string());
            let is_pooler = |said: &String| said.contains("unsupported startup parameter");
            return Err(match said.filter(is_pooler) {
                Some(said) => Unfit::Pooler(Some(said)),
                None => Unfit::Database(error),
            });
        }
    };
    let scope = "fitness".into();
    let asked = Step {
        scope: &scope,
        sql: TIMEOUT,
        params: &[],
    };
    let answer = session.fly(&[asked], 0..1).await.map_err(|failed| match failed {
        Failed::Refused { said, .. } => PgError::refused(said, PgError::Statement),
        Failed::Broken(error) => error,
    })?;
    let timeout = answer.first().and_then(|rows| rows.first()?.text(0));
    match timeout.and_then(|millis| millis.parse::<u128>().ok()) {
        Some(millis) if millis == ASKED.as_millis() => Ok(()),
        _ => Err(Unfit::Pooler(None)),
    }
}

/// A length of time that nobody would choose.
const ASKED: Duration = Duration::from_millis(14_327);

fn said(text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| format!(" ({text})"))
}

impl Unfit {
    /// What an operator should do next.
    pub fn advice(&self) -> String {
        match self {
            Self::TooStrong { .. } => format!("log in as {SERVER_LOGIN}, which `tenantry init` makes"),
            Self::NoCatalog => "run `tenantry init` as the database's owner".to_owned(),
            Self::Behind { .. } => "run `tenantry migrate` as the database's owner".to_owned(),
            Self::Pooler(_) => {
                "add pooler=transaction to SERVER_DATABASE_URL if it pools transactions, or name \
                                PostgreSQL itself; docs/pgbouncer.md has more"
                    .to_owned()
            }
            Self::Database(_) => "check that PostgreSQL runs and that the connection URL is right".to_owned(),
        }
    }
}

const LOGIN: &str = "\
select r.rolname::text as login, r.rolsuper as superuser, r.rolbypassrls as bypass, r.rolinherit as inherit,
       exists (select from pg_catalog.pg_namespace n
                where n.nspname = 'catalog' and pg_catalog.pg_has_role(r.oid, n.nspowner, 'member')) as owner
  from pg_catalog.pg_roles r
 where r.rolname = session_user";

const TIMEOUT: &str = "select s.setting from pg_catalog.pg_settings s where s.name = 'statement_timeout'";

/// Every statement of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[LOGIN, TIMEOUT];
