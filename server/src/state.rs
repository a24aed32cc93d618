//! What every request shares: the doors to the database, the keys, the settings.

use std::sync::{Arc, RwLock};

use catalog::clock::Source;
use catalog::tx::CatalogDb;
use tokio::sync::Semaphore;

use crate::config::ServerConfig;
use crate::error::ApiError;
use crate::token::TokenKeys;

/// The parts the binary makes.
pub struct StateParts {
    /// The catalog, under the server's login.
    pub catalog: CatalogDb,
    /// The keys of access tokens.
    pub keys: TokenKeys,
    /// Clock and randomness.
    pub source: Source,
    /// The settings.
    pub config: ServerConfig,
}

/// The server's shared state; cheap to clone. Nothing in it is needed by a second instance.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    catalog: CatalogDb,
    keys: RwLock<TokenKeys>,
    source: Source,
    config: ServerConfig,
    admission: Semaphore,
}

impl AppState {
    /// Puts the parts together.
    pub fn new(parts: StateParts) -> Self {
        let StateParts {
            catalog,
            keys,
            source,
            config,
        } = parts;
        let admission = Semaphore::new(config.concurrency_limit);
        Self(Arc::new(Inner {
            catalog,
            keys: RwLock::new(keys),
            source,
            config,
            admission,
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

    /// Takes over rotated keys, without a request noticing.
    pub fn replace_keys(&self, keys: TokenKeys) {
        *self
            .0
            .keys
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = keys;
    }

    pub(crate) fn keys(&self) -> TokenKeys {
        self.0
            .keys
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn admission(&self) -> &Semaphore {
        &self.0.admission
    }

    pub(crate) async fn check_ready(&self) -> Result<(), ApiError> {
        let tx = self.0.catalog.begin().await.map_err(ApiError::unavailable)?;
        tx.rollback().await.map_err(ApiError::unavailable)
    }
}
