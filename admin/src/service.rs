//! The server put together from its settings, and run until somebody stops it. `serve` and `demo` share it.

use std::io;
use std::sync::Arc;

use anyhow::Context as _;
use catalog::changes::ChangeFeed;
use catalog::clock::Source;
use catalog::fitness::{self, Unfit};
use catalog::jwks;
use catalog::password::{Argon2Params, PasswordHasher};
use catalog::pg::config::PgConfig;
use catalog::seal::KeyRing;
use catalog::tx::CatalogDb;
use server::token::TokenKeys;
use server::{AppState, Server, ServerConfig, StateParts};
use tenant_schema::template::Template;
use tenant_schema::tenant_db::TenantDb;
use tokio::sync::oneshot;

use crate::config::Sizing;
use crate::failure::Problem;
use crate::signals::Stop;

/// How a server reaches its database.
pub(crate) struct Ways {
    /// Its ordinary connections.
    pub(crate) database: PgConfig,
    /// The one that listens for changes, where that goes another way: past a pooler.
    pub(crate) direct: Option<PgConfig>,
}

/// A server that listens, on a database and under a login that were found fit for it.
pub(crate) async fn bind(
    ways: &Ways,
    ring: &KeyRing,
    config: ServerConfig,
    sizing: &Sizing,
    template: &Template,
    source: &Source,
) -> anyhow::Result<Server> {
    let Ways { database, direct } = ways;
    fitness::check_sessions(database).await?;
    let catalog = CatalogDb::new(database.clone(), sizing.catalog.clone());
    let keys = prepare(&catalog, ring, source).await?;
    let listens = direct.as_ref().unwrap_or(database);
    if listens.is_pooled() {
        tracing::warn!(
            "nothing is cached: through a pooler nobody hears of changes; set SERVER_DIRECT_DATABASE_URL"
        );
    }
    let state = AppState::new(StateParts {
        catalog,
        feed: Arc::new(ChangeFeed::start(listens)),
        tenants: TenantDb::new(database, &sizing.tenants),
        hasher: PasswordHasher::new(Argon2Params::RECOMMENDED, source.clone())?,
        keys,
        ring: ring.clone(),
        source: source.clone(),
        template: template.clone(),
        config,
    });
    let listen = state.config().listen;
    Server::bind(state)
        .await
        .map_err(|error| cannot_listen(&error, listen))
}

async fn prepare(catalog: &CatalogDb, ring: &KeyRing, source: &Source) -> anyhow::Result<TokenKeys> {
    let mut tx = catalog.begin().await.map_err(Unfit::Database)?;
    fitness::check(&mut tx).await?;
    let keys = jwks::load(&mut tx, ring, source.now()).await;
    let keys = keys.context("could not load the signing keys")?;
    tx.rollback().await?;
    Ok(TokenKeys::of(&keys)?)
}

/// What to say when the address cannot be had.
pub(crate) fn cannot_listen(error: &io::Error, listen: std::net::SocketAddr) -> anyhow::Error {
    let (address, port) = (listen.ip(), listen.port());
    if error.kind() == io::ErrorKind::AddrInUse {
        let other = port.checked_add(1).unwrap_or(8080);
        let next = format!(
            "stop that program, or choose another port, such as {other} (demo: --port, serve: TENANTRY_LISTEN)"
        );
        return Problem::refused(
            format!("port {port} on {address} is in use by another program"),
            next,
        )
        .into();
    }
    let why = format!("{listen} cannot be listened on: {error}");
    Problem::environment(why, "choose an address of this machine and a port you may use").into()
}

/// Serves until the first signal, then finishes the requests in flight; a second signal cuts them.
pub(crate) async fn run(server: Server, stop: &mut Stop) {
    let (tell, told) = oneshot::channel::<()>();
    let running = server.run(async {
        // A dropped sender is an error to the receiver, and means the same: stop.
        let _stopped = told.await;
    });
    tokio::pin!(running);
    tokio::select! {
        () = &mut running => return,
        () = stop.next() => {}
    }
    drop(tell);
    tokio::select! {
        () = &mut running => {}
        () = stop.next() => tracing::warn!("stopped again: the requests in flight are cut"),
    }
}
