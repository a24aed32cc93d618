//! The keys of access tokens, kept as the catalog has them while the server runs.

use std::sync::Arc;
use std::time::Duration;

use catalog::changes::{Change, ChangeFeed};
use catalog::clock::Source;
use catalog::jwks::{self, KeysError};
use catalog::seal::KeyRing;
use catalog::tx::CatalogDb;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use crate::token::{TokenKeys, UnusableKey};

/// The keys are read again this often without any news: a key begins and ends by the clock too.
const AT_LEAST_EVERY: Duration = Duration::from_mins(1);

/// The keys of this moment. Clones share them; the task that reads them again ends with the last clone.
#[derive(Clone)]
pub(crate) struct SigningKeys(Arc<Current>);

struct Current {
    keys: watch::Sender<TokenKeys>,
    reloading: JoinHandle<()>,
}

/// What reading the keys again takes.
struct Reload {
    catalog: CatalogDb,
    feed: Arc<ChangeFeed>,
    ring: KeyRing,
    source: Source,
    keys: watch::Sender<TokenKeys>,
}

/// Why the keys could not be read again.
#[derive(Debug, thiserror::Error)]
enum ReloadError {
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Unusable(#[from] UnusableKey),
}

impl SigningKeys {
    /// Begins with `keys`, and reads them again whenever the feed says so.
    pub(crate) fn start(
        keys: TokenKeys,
        ring: KeyRing,
        catalog: CatalogDb,
        feed: Arc<ChangeFeed>,
        source: Source,
    ) -> Self {
        let keys = watch::Sender::new(keys);
        let news = Arc::new(Notify::new());
        let knock = Arc::clone(&news);
        feed.subscribe(move |change| {
            if matches!(change, Change::SigningKeys | Change::Anything) {
                knock.notify_one();
            }
        });
        let reload = Reload {
            catalog,
            feed,
            ring,
            source,
            keys: keys.clone(),
        };
        let reloading = tokio::spawn(reload.forever(news));
        Self(Arc::new(Current { keys, reloading }))
    }

    /// The keys of this moment.
    pub(crate) fn now(&self) -> TokenKeys {
        self.0.keys.borrow().clone()
    }

    /// The same, for whoever waits for other keys.
    pub(crate) fn follow(&self) -> watch::Receiver<TokenKeys> {
        self.0.keys.subscribe()
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        self.reloading.abort();
    }
}

impl Reload {
    async fn forever(self, news: Arc<Notify>) {
        loop {
            // What ends the wait makes no difference.
            let _elapsed = tokio::time::timeout(AT_LEAST_EVERY, news.notified()).await;
            if let Err(error) = self.once().await {
                let error: &dyn std::error::Error = &error;
                tracing::error!(
                    error,
                    "the signing keys could not be read again; the old ones stay"
                );
            }
        }
    }

    async fn once(&self) -> Result<(), ReloadError> {
        let mut tx = self.catalog.begin().await.map_err(KeysError::from)?;
        let set = jwks::load(&mut tx, &self.ring, self.source.now()).await?;
        tx.rollback().await.map_err(KeysError::from)?;
        let keys = TokenKeys::of(&set)?;
        if keys != *self.keys.borrow() {
            tracing::info!(signs = keys.kid(), "the signing keys have changed");
            self.keys.send_replace(keys);
            // Callers whose token was checked with the keys before must be checked again.
            self.feed.note(&Change::SigningKeys);
        }
        Ok(())
    }
}
