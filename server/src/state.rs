//! What every request shares: the doors to the database, the keys, the settings.

use std::ops::RangeInclusive;
use std::sync::Arc;

use catalog::authenticate::Authenticator;
use catalog::changes::ChangeFeed;
use catalog::clock::Source;
use catalog::init;
use catalog::password::PasswordHasher;
use catalog::resolver::Resolver;
use catalog::seal::KeyRing;
use catalog::sessions::SessionLifetimes;
use catalog::tx::CatalogDb;
use tenant_schema::models::Models;
use tenant_schema::records::CursorKeys;
use tenant_schema::template::Template;
use tenant_schema::tenant_db::TenantDb;
use tokio::sync::watch;

use crate::admission::Admission;
use crate::attempts::Attempts;
use crate::callers::Callers;
use crate::config::ServerConfig;
use crate::error::ApiError;
use crate::shares::Shares;
use crate::signing_keys::SigningKeys;
use crate::token::TokenKeys;

/// The parts the binary makes.
pub struct StateParts {
    /// The catalog, under the server's login.
    pub catalog: CatalogDb,
    /// The news of the catalog.
    pub feed: Arc<ChangeFeed>,
    /// The tenants, under the same login.
    pub tenants: TenantDb,
    /// Hashes passwords.
    pub hasher: PasswordHasher,
    /// The keys of access tokens at the start; later ones are taken over as the catalog gets them.
    pub keys: TokenKeys,
    /// Opens the private parts of later ones, and gives the keys that cursors are signed with.
    pub ring: KeyRing,
    /// Clock and randomness.
    pub source: Source,
    /// What the tenants are built from.
    pub template: Template,
    /// The settings.
    pub config: ServerConfig,
}

/// The server's shared state; cheap to clone. Nothing in it is needed by a second instance.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    catalog: CatalogDb,
    resolver: Resolver,
    models: Models,
    supported: RangeInclusive<i32>,
    tenants: TenantDb,
    authenticator: Authenticator,
    callers: Callers,
    source: Source,
    config: ServerConfig,
    admission: Admission,
    shares: Shares,
    attempts: Attempts,
    cursors: CursorKeys,
}

impl AppState {
    /// Puts the parts together. Must be called within a Tokio runtime: it starts the task that follows the signing keys.
    pub fn new(parts: StateParts) -> Self {
        let StateParts {
            catalog,
            feed,
            tenants,
            hasher,
            keys,
            ring,
            source,
            template,
            config,
        } = parts;
        let cursors = CursorKeys::new(&ring);
        let keys = SigningKeys::start(keys, ring, catalog.clone(), Arc::clone(&feed), source.clone());
        let lifetimes = SessionLifetimes::DEFAULT;
        Self(Arc::new(Inner {
            resolver: Resolver::new(catalog.clone(), Arc::clone(&feed)),
            authenticator: Authenticator::new(catalog.clone(), hasher, source.clone(), lifetimes),
            callers: Callers::new(catalog.clone(), feed, source.clone(), keys, config.caller_ttl),
            admission: Admission::new(&config),
            shares: Shares::new(config.tenant_concurrency),
            attempts: Attempts::new(&config.attempts, &source),
            supported: template.supported(),
            models: Models::new(catalog.clone(), template),
            catalog,
            tenants,
            source,
            config,
            cursors,
        }))
    }

    /// The settings.
    pub fn config(&self) -> &ServerConfig {
        &self.0.config
    }

    /// Clock and randomness.
    pub fn source(&self) -> &Source {
        &self.0.source
    }

    /// The keys of access tokens, as they change.
    pub fn token_keys(&self) -> watch::Receiver<TokenKeys> {
        self.0.callers.follow_keys()
    }

    pub(crate) fn admission(&self) -> &Admission {
        &self.0.admission
    }

    pub(crate) fn shares(&self) -> &Shares {
        &self.0.shares
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }

    pub(crate) fn resolver(&self) -> &Resolver {
        &self.0.resolver
    }

    pub(crate) fn models(&self) -> &Models {
        &self.0.models
    }

    /// The template versions of the tenants that are served.
    pub(crate) fn supported(&self) -> &RangeInclusive<i32> {
        &self.0.supported
    }

    pub(crate) fn tenants(&self) -> &TenantDb {
        &self.0.tenants
    }

    pub(crate) fn cursors(&self) -> &CursorKeys {
        &self.0.cursors
    }

    pub(crate) fn authenticator(&self) -> &Authenticator {
        &self.0.authenticator
    }

    pub(crate) fn callers(&self) -> &Callers {
        &self.0.callers
    }

    /// Whether the database answers and its catalog is one this program works with: of its own version, or of a
    /// newer one while instances are replaced one by one.
    pub(crate) async fn check_ready(&self) -> Result<(), ApiError> {
        let mut tx = self.0.catalog.begin().await.map_err(ApiError::unavailable)?;
        let version = init::version(&mut tx).await.map_err(ApiError::unavailable)?;
        tx.rollback().await.map_err(ApiError::unavailable)?;
        match version {
            Some(version) if version >= init::latest() => Ok(()),
            Some(version) => {
                let needed = init::latest();
                Err(ApiError::unavailable(format!(
                    "the catalog is at version {version}, not {needed}"
                )))
            }
            None => Err(ApiError::unavailable("the database holds no catalog")),
        }
    }
}

#[cfg(test)]
pub(crate) mod without_database {
    //! A state whose database does not answer, for what needs none.

    use catalog::password::Argon2Params;
    use catalog::pg::config::PgConfig;
    use catalog::pg::pool::PoolSettings;
    use tenant_schema::tenant_db::TenantDbSettings;

    use super::*;

    /// Port 1 of this machine: refused at once.
    const NOWHERE: &str = "postgres://nobody@127.0.0.1:1/none?sslmode=disable";

    /// It opens nothing.
    const RING: &str = "test:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    pub(crate) fn state(change: impl FnOnce(&mut ServerConfig)) -> AppState {
        let nowhere: PgConfig = NOWHERE.parse().expect("a URL");
        let source = Source::system();
        let listen = "127.0.0.1:0".parse().expect("an address");
        let mut config = ServerConfig::new(listen, "example.com".parse().expect("a domain"));
        change(&mut config);
        AppState::new(StateParts {
            catalog: CatalogDb::new(nowhere.clone(), PoolSettings::default()),
            feed: Arc::new(ChangeFeed::start(&nowhere)),
            tenants: TenantDb::new(&nowhere, &TenantDbSettings::default()),
            hasher: PasswordHasher::new(Argon2Params::RECOMMENDED, source.clone()).expect("parameters"),
            keys: crate::token::for_tests(),
            ring: RING.parse().expect("a key ring"),
            source,
            template: Template::shipped(),
            config,
        })
    }
}
