//! `tenantry init`: makes a database fit.

use anyhow::Context as _;
use catalog::init::{self, SERVER_LOGIN};
use catalog::jwks;
use catalog::seal::KeyRing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::accounts;
use crate::cli::InitArgs;
use crate::exit::ExitStatus;
use crate::operator::Operator;

#[derive(Serialize)]
struct InitDone {
    catalog_version: i32,
    applied: Vec<i32>,
    server_login: &'static str,
    server_password_set: bool,
    signing_key: bool,
    next: Vec<String>,
}

/// Catalog, extensions, the server's login, and the first signing key where there is a key ring to seal it.
pub(super) async fn run(args: &InitArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let password = if args.server_password_stdin {
        Some(SecretString::from(accounts::secret_from_stdin()?))
    } else {
        operator.config.server_password.clone()
    };
    let database = operator.database.database();
    let done = init::init(&operator.db, password.as_ref())
        .await
        .with_context(|| format!("could not make database {database} fit"))?;
    if let Some(ring) = &operator.config.key_ring {
        ensure_signing_key(operator, ring)
            .await
            .context("could not make the first signing key")?;
    }
    let document = InitDone {
        catalog_version: done.version,
        applied: done.applied,
        server_login: SERVER_LOGIN,
        server_password_set: password.is_some(),
        signing_key: operator.config.key_ring.is_some(),
        next: next(operator, password.is_some()),
    };
    operator
        .output
        .document(&document, |document| text(document, database))?;
    Ok(ExitStatus::Done)
}

async fn ensure_signing_key(operator: &Operator, ring: &KeyRing) -> anyhow::Result<()> {
    let mut tx = operator.db.begin().await?;
    jwks::ensure_active(&mut tx, ring, &operator.actor, &operator.source).await?;
    tx.commit().await?;
    Ok(())
}

fn next(operator: &Operator, password_set: bool) -> Vec<String> {
    let mut next = Vec::new();
    if operator.config.key_ring.is_none() {
        // A suggestion, made anew each time and used by nobody yet.
        let ring = KeyRing::generate_text("k1", &operator.source);
        next.push(format!("export TENANTRY_KEYRING={}", ring.expose_secret()));
        next.push("tenantry init".to_owned());
    }
    if !password_set {
        next.push("tenantry init --server-password-stdin < password".to_owned());
    }
    next.push("tenantry tenant create acme --name Acme --owner-email ann@acme.example".to_owned());
    next.push("SERVER_DATABASE_URL=postgres://tenantry_server:…@host/database tenantry serve".to_owned());
    next
}

fn text(document: &InitDone, database: &str) -> String {
    let applied = match document.applied.len() {
        0 => "was current".to_owned(),
        1 => "1 migration applied".to_owned(),
        count => format!("{count} migrations applied"),
    };
    let password = if document.server_password_set {
        "password set"
    } else {
        "password not changed"
    };
    let key = if document.signing_key {
        "ready"
    } else {
        "none yet: there is no key ring to seal it"
    };
    let next = document.next.join("\n  ");
    format!(
        "database {database} is fit for Tenantry\n  \
         catalog      version {} ({applied})\n  \
         server login {} ({password})\n  \
         signing key  {key}\n\nnext:\n  {next}",
        document.catalog_version, document.server_login
    )
}
