//! Logins of people, made for those who have none. What they may open is granted by the catalog.

use catalog::clock::Source;
use catalog::password;
use catalog::pg::sqlstate::PgError;
use catalog::tx::CatalogTx;
use secrecy::{ExposeSecret as _, SecretString};

use crate::records::quote;

/// Makes a login that may open nothing yet, with this password or an invented one, which is given back. PostgreSQL is
/// sent a verifier.
pub async fn create(
    tx: &mut CatalogTx,
    role: &str,
    password: Option<SecretString>,
    source: &Source,
) -> Result<SecretString, PgError> {
    let password = password.unwrap_or_else(|| password::invent(source));
    let verifier = postgres_protocol::password::scram_sha_256(password.expose_secret().as_bytes());
    let name = quote::identifier(role).map_err(|error| PgError::Protocol(error.into()))?;
    tx.transaction()
        .batch(&format!(
            "create role {name} login nosuperuser nocreatedb nocreaterole noreplication nobypassrls
               password '{verifier}';
             comment on role {name} is 'tenantry: somebody''s login to tenants'"
        ))
        .await?;
    Ok(password)
}
