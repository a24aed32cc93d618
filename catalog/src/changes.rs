//! The feed of catalog changes: how a server learns within milliseconds that what it cached is no longer true.
//!
//! Triggers of the catalog send `NOTIFY tenantry_catalog, '<kind>:<uuid>'` with the transaction that changes a row;
//! a [`ChangeFeed`] listens on a connection of its own and tells its subscribers. Whoever caches must also ask
//! [`ChangeFeed::may_cache`]: while the feed is down a cache could not be invalidated, so nothing may be kept.

use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::task::JoinHandle;
use tokio_postgres::AsyncMessage;
use uuid::Uuid;

use crate::ids::{ApiKeyId, OrganizationId, SessionId, UserId};
use crate::pg::config::PgConfig;

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An organization, its tenant schema or one of its memberships.
    Organization(OrganizationId),
    /// A session was revoked or its end moved.
    Session(SessionId),
    /// An API key was changed or revoked.
    Key(ApiKeyId),
    /// A user was disabled, enabled or deleted.
    User(UserId),
    /// Unknown: the feed was interrupted, so anything may have changed.
    Anything,
}

impl FromStr for Change {
    type Err = ();

    fn from_str(payload: &str) -> Result<Self, ()> {
        let (kind, id) = payload.split_once(':').ok_or(())?;
        let id: Uuid = id.parse().map_err(|_| ())?;
        Ok(match kind {
            "organization" => Self::Organization(id.into()),
            "session" => Self::Session(id.into()),
            "key" => Self::Key(id.into()),
            "user" => Self::User(id.into()),
            _ => return Err(()),
        })
    }
}

type Subscriber = Box<dyn Fn(Change) + Send + Sync>;

/// A running feed; it stops when dropped.
pub struct ChangeFeed {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    live: AtomicBool,
    generation: AtomicU64,
    subscribers: RwLock<Vec<Subscriber>>,
}

/// A moment of the feed: what was read after it may be cached if the feed has not moved since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation(u64);

impl ChangeFeed {
    /// Starts to listen, and keeps trying for as long as the feed lives.
    pub fn start(config: &PgConfig) -> Self {
        let shared = Arc::<Shared>::default();
        let task = tokio::spawn(listen(
            config.with_application_name("tenantry feed"),
            Arc::clone(&shared),
        ));
        Self { shared, task }
    }

    /// Calls `subscriber` at every change, from the feed's own task: it must not block.
    pub fn subscribe(&self, subscriber: impl Fn(Change) + Send + Sync + 'static) {
        let mut subscribers = self
            .shared
            .subscribers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        subscribers.push(Box::new(subscriber));
    }

    /// The present moment, to be taken before reading what will be cached; `None` while the feed is down.
    pub fn generation(&self) -> Option<Generation> {
        let generation = self.shared.generation.load(Ordering::Acquire);
        self.shared
            .live
            .load(Ordering::Acquire)
            .then_some(Generation(generation))
    }

    /// Whether what was read since `then` may be cached: nothing changed meanwhile, so nothing was missed.
    pub fn may_cache(&self, then: Option<Generation>) -> bool {
        then.is_some() && then == self.generation()
    }
}

impl std::fmt::Debug for ChangeFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeFeed")
            .field("live", &self.shared.live)
            .finish_non_exhaustive()
    }
}

impl Drop for ChangeFeed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn tell(&self, change: Change) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        let subscribers = self.subscribers.read().unwrap_or_else(PoisonError::into_inner);
        subscribers.iter().for_each(|subscriber| subscriber(change));
    }
}

async fn listen(config: PgConfig, shared: Arc<Shared>) {
    let mut pause = Duration::from_millis(50);
    loop {
        if let Err(error) = follow(&config, &shared).await {
            tracing::warn!(%error, "the feed of catalog changes is down; nothing is cached until it is back");
        }
        if shared.live.swap(false, Ordering::AcqRel) {
            pause = Duration::from_millis(50);
        }
        shared.tell(Change::Anything);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// One connection's life: until it breaks.
async fn follow(config: &PgConfig, shared: &Shared) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = config.driver().connect(config.tls()).await?;
    let listening = client.batch_execute("listen tenantry_catalog");
    let silence = silence(&client);
    tokio::pin!(listening, silence);
    let mut pending = true;
    loop {
        tokio::select! {
            biased;
            message = poll_fn(|context| connection.poll_message(context)) => match message {
                Some(Ok(AsyncMessage::Notification(note))) => {
                    // A payload of a newer version is a change of something we know nothing about.
                    shared.tell(note.payload().parse().unwrap_or(Change::Anything));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            answered = &mut listening, if pending => {
                answered?;
                pending = false;
                // What changed before LISTEN was answered went unheard.
                shared.tell(Change::Anything);
                shared.live.store(true, Ordering::Release);
            }
            () = &mut silence => return Ok(()),
        }
    }
}

/// Ends when the server stops answering: a connection cut without a word would otherwise look like one on which
/// nothing happens, and revoked sessions would live on in caches.
async fn silence(client: &tokio_postgres::Client) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        match tokio::time::timeout(HEARTBEAT, client.check_connection()).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
}

const HEARTBEAT: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_read_and_foreign_ones_refused() {
        let id = Uuid::from_u128(9);
        assert_eq!(format!("session:{id}").parse(), Ok(Change::Session(id.into())));
        for payload in [
            "",
            "session",
            "session:1",
            "planet:00000000-0000-0000-0000-000000000009",
        ] {
            assert_eq!(payload.parse::<Change>(), Err(()), "{payload:?}");
        }
    }
}
