//! Whether a server may run on this database under this login.

use crate::init::{self, SERVER_LOGIN};
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

impl Unfit {
    /// What an operator should do next.
    pub fn advice(&self) -> String {
        match self {
            Self::TooStrong { .. } => format!("log in as {SERVER_LOGIN}, which `tenantry init` makes"),
            Self::NoCatalog => "run `tenantry init` as the database's owner".to_owned(),
            Self::Behind { .. } => "run `tenantry migrate` as the database's owner".to_owned(),
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

/// Every statement of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[LOGIN];
