//! The feed of catalog changes: how a server learns within milliseconds that what it cached is no longer true.
//!
//! Triggers of the catalog notify `<kind>:<id>` with the transaction that changes a row, on a channel whose name other
//! logins of the database cannot know; a [`ChangeFeed`] listens on a connection of its own. A cache keeps the [`Generation`] at which it read a value beside
//! the value, and asks [`ChangeFeed::holds`] at every use whether anything the value was made of has changed since.
//! That costs a change one entry in a table, however much is cached and however many changes there are.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::task::JoinHandle;
use tokio_postgres::AsyncMessage;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::ids::{ApiKeyId, OrganizationId, SessionId, UserId};
use crate::pg::config::PgConfig;
use crate::slug::Slug;

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Change {
    /// An organization, its tenant schema or one of its memberships.
    Organization(OrganizationId),
    /// A session was revoked or its end moved.
    Session(SessionId),
    /// An API key was changed or revoked.
    Key(ApiKeyId),
    /// A user was disabled, enabled or deleted.
    User(UserId),
    /// An organization lives under this slug from now on: a new one, or one that has moved or come back.
    Slug(Slug),
    /// A signing key was made, retired or removed.
    SigningKeys,
    /// Unknown: the feed was interrupted, so anything may have changed.
    Anything,
}

impl FromStr for Change {
    type Err = ();

    fn from_str(payload: &str) -> Result<Self, ()> {
        let (kind, id) = payload.split_once(':').ok_or(())?;
        let uuid = || id.parse::<Uuid>().map_err(|_| ());
        Ok(match kind {
            "organization" => Self::Organization(uuid()?.into()),
            "session" => Self::Session(uuid()?.into()),
            "key" => Self::Key(uuid()?.into()),
            "user" => Self::User(uuid()?.into()),
            "slug" => Self::Slug(id.parse().map_err(|_| ())?),
            "signing_key" => Self::SigningKeys,
            // A plan is many tenants'.
            "plan" => Self::Anything,
            _ => return Err(()),
        })
    }
}

/// How many things are remembered as changed. One more, and everything counts as changed: that is sound, bounds the
/// memory (about 4 MB), and costs a server some questions once in 65,536 changes.
const REMEMBERED: usize = 65_536;

type Subscriber = Box<dyn Fn(&Change) + Send + Sync>;

/// A running feed; it stops when dropped.
pub struct ChangeFeed {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    live: AtomicBool,
    /// The number of changes so far; raised under the lock of `changed`.
    generation: AtomicU64,
    changed: RwLock<Changed>,
    subscribers: RwLock<Vec<Subscriber>>,
}

/// When things last changed, as generations of the feed.
#[derive(Default)]
struct Changed {
    anything: u64,
    at: HashMap<Change, u64>,
}

/// A moment of the feed, to be kept beside what was read after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(u64);

impl ChangeFeed {
    /// Starts to listen, and keeps trying for as long as the feed lives. Behind a pooler of transactions nobody can: the
    /// session that listens would be somebody else's. Then the feed is down for good, and nothing is cached.
    pub fn start(config: &PgConfig) -> Self {
        let shared = Arc::<Shared>::default();
        let config = config.with_application_name("tenantry feed");
        let task = if config.is_pooled() {
            tokio::spawn(std::future::ready(()))
        } else {
            tokio::spawn(listen(config, Arc::clone(&shared)))
        };
        Self { shared, task }
    }

    /// Calls `subscriber` at every change, from the feed's own task: it must not block.
    pub fn subscribe(&self, subscriber: impl Fn(&Change) + Send + Sync + 'static) {
        let mut subscribers = self
            .shared
            .subscribers
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        subscribers.push(Box::new(subscriber));
    }

    /// The present moment, to be taken before reading what will be cached; `None` while the feed is down, when nothing
    /// may be cached.
    pub fn generation(&self) -> Option<Generation> {
        let generation = self.shared.generation.load(Ordering::Acquire);
        self.shared
            .live
            .load(Ordering::Acquire)
            .then_some(Generation(generation))
    }

    /// Whether what was read after `then` and is made of nothing but `parts` is still true, as far as the feed has
    /// heard. Never while it is down.
    pub fn holds(&self, then: Generation, parts: &[Change]) -> bool {
        let Some(now) = self.generation() else {
            return false;
        };
        if now == then {
            return true;
        }
        let changed = self.shared.changed.read().unwrap_or_else(PoisonError::into_inner);
        let before = |moment: &u64| *moment <= then.0;
        before(&changed.anything) && parts.iter().all(|part| changed.at.get(part).is_none_or(before))
    }

    /// Notes a change this program has just made, without waiting to hear of it.
    pub fn note(&self, change: &Change) {
        self.shared.note(change);
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
    fn note(&self, change: &Change) {
        let mut changed = self.changed.write().unwrap_or_else(PoisonError::into_inner);
        let moment = self.generation.fetch_add(1, Ordering::AcqRel) + 1;
        if *change == Change::Anything || changed.at.len() >= REMEMBERED {
            changed.anything = moment;
            changed.at.clear();
        } else {
            changed.at.insert(change.clone(), moment);
        }
    }

    fn tell(&self, change: &Change) {
        self.note(change);
        let subscribers = self.subscribers.read().unwrap_or_else(PoisonError::into_inner);
        subscribers.iter().for_each(|subscriber| subscriber(change));
    }
}

async fn listen(config: PgConfig, shared: Arc<Shared>) {
    let mut pause = Duration::from_millis(50);
    loop {
        if let Err(error) = follow(&config, &shared).await {
            // A server that is being stopped says so (57P01): somebody meant it, so it is no warning.
            if error.code() == Some(&SqlState::ADMIN_SHUTDOWN) {
                tracing::info!("PostgreSQL is stopping; nothing is cached until it is back");
            } else {
                tracing::warn!(%error, "the feed of catalog changes is down; nothing is cached until it is back");
            }
        }
        if shared.live.swap(false, Ordering::AcqRel) {
            pause = Duration::from_millis(50);
        }
        shared.tell(&Change::Anything);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

/// The function knows the channel; its name never leaves the database.
const LISTEN: &str = "select catalog.listen_to_changes()";

/// One connection's life: until it breaks.
async fn follow(config: &PgConfig, shared: &Shared) -> Result<(), tokio_postgres::Error> {
    let (client, mut connection) = config.driver().connect(config.tls()).await?;
    let listening = client.batch_execute(LISTEN);
    let silence = silence(&client);
    tokio::pin!(listening, silence);
    let mut pending = true;
    loop {
        tokio::select! {
            biased;
            message = poll_fn(|context| connection.poll_message(context)) => match message {
                Some(Ok(AsyncMessage::Notification(note))) => {
                    // A payload of a newer version is a change of something we know nothing about.
                    shared.tell(&note.payload().parse().unwrap_or(Change::Anything));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            answered = &mut listening, if pending => {
                answered?;
                pending = false;
                // What changed before LISTEN was answered went unheard.
                shared.tell(&Change::Anything);
                shared.live.store(true, Ordering::Release);
            }
            () = &mut silence => return Ok(()),
        }
    }
}

/// Ends when the server stops answering. A connection that was cut without notice is otherwise no different from one
/// on which nothing happens, and revoked sessions would stay in caches.
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

/// Every statement of this module, for the test that prepares them all.
pub(crate) const STATEMENTS: &[&str] = &[LISTEN];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_read_and_foreign_ones_refused() {
        let id = Uuid::from_u128(9);
        assert_eq!(format!("session:{id}").parse(), Ok(Change::Session(id.into())));
        assert_eq!(
            "slug:acme".parse(),
            Ok(Change::Slug("acme".parse().expect("a slug")))
        );
        assert_eq!("signing_key:k_1".parse(), Ok(Change::SigningKeys));
        for payload in [
            "",
            "session",
            "session:1",
            "slug:A",
            "planet:00000000-0000-0000-0000-000000000009",
        ] {
            assert_eq!(payload.parse::<Change>(), Err(()), "{payload:?}");
        }
    }

    fn feed() -> ChangeFeed {
        let shared = Arc::<Shared>::default();
        shared.live.store(true, Ordering::Release);
        let task = tokio::spawn(std::future::ready(()));
        ChangeFeed { shared, task }
    }

    fn session(n: u128) -> Change {
        Change::Session(Uuid::from_u128(n).into())
    }

    #[tokio::test]
    async fn what_was_read_holds_until_one_of_its_parts_changes() {
        let feed = feed();
        let then = feed.generation().expect("live");
        assert!(feed.holds(then, &[session(1)]));
        feed.note(&session(2));
        assert!(feed.holds(then, &[session(1)]));
        assert!(!feed.holds(then, &[session(1), session(2)]));
        let later = feed.generation().expect("live");
        assert!(feed.holds(later, &[session(2)]));
        feed.note(&Change::Anything);
        assert!(!feed.holds(later, &[session(1)]));
    }

    #[tokio::test]
    async fn nothing_holds_while_the_feed_is_down() {
        let feed = feed();
        let then = feed.generation().expect("live");
        feed.shared.live.store(false, Ordering::Release);
        assert_eq!(feed.generation(), None);
        assert!(!feed.holds(then, &[]));
    }

    #[tokio::test]
    async fn more_changes_than_are_remembered_change_everything() {
        let feed = feed();
        let then = feed.generation().expect("live");
        for n in 0..=REMEMBERED as u128 {
            assert!(feed.holds(then, &[session(u128::MAX)]));
            feed.note(&session(n));
        }
        assert!(!feed.holds(then, &[session(u128::MAX)]));
    }
}
