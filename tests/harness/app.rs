//! The server in process: the real router over a database of the test's own, under the server's login.
//!
//! ```ignore
//! let app = TestApp::new().await;
//! let acme = app.tenant("acme").await;
//! let ann = acme.member("ann", MemberRole::Member).await;
//! let answer = ann.get("/rest/v1/contacts").await;
//! assert_eq!(answer.status(), 200);
//! ```

mod client;
mod people;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use catalog::changes::{Change, ChangeFeed};
use catalog::ids::OrganizationId;
use catalog::jwks;
use catalog::password::{Argon2Params, PasswordHasher};
use catalog::pg::config::PgConfig;
use catalog::pg::pool::PoolSettings;
use catalog::tx::CatalogDb;
use server::token::TokenKeys;
use server::{AppState, ServerConfig, StateParts};
use tenant_schema::tenant_db::{TenantDb, TenantDbSettings};
use tokio::sync::watch;

use crate::config;
use crate::database::TestDb;
use crate::fixed::FixedClock;

pub use self::client::{Answer, Ask, Client};
pub use self::people::{AppTenant, Key, PASSWORD, Person};

/// The platform's host in tests.
pub const BASE: &str = "tenantry.test";

/// One server instance. Clones are the same instance.
#[derive(Clone)]
pub struct TestApp(Arc<Inner>);

struct Inner {
    db: Arc<TestDb>,
    state: AppState,
    router: Router,
    tenants: TenantDb,
    keys: TokenKeys,
    hasher: PasswordHasher,
    heard: watch::Sender<Vec<Change>>,
    _feed: Arc<ChangeFeed>,
}

/// What a test may set before the server starts.
pub struct AppSettings {
    /// The server's own settings.
    pub server: ServerConfig,
    /// The tenants' lanes.
    pub tenants: TenantDbSettings,
    /// The catalog's pool.
    pub catalog: PoolSettings,
    /// How the server reaches its database.
    pub database: PgConfig,
    /// How it listens for changes, where that is another way.
    pub feed: Option<PgConfig>,
}

/// Changes of the catalog as the instance hears them, from one moment on.
pub struct News {
    heard: watch::Receiver<Vec<Change>>,
    from: usize,
}

impl TestApp {
    /// An instance on a fresh database of the shared cluster, everything by default.
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn with(set: impl FnOnce(&mut AppSettings)) -> Self {
        // Boxed here and below, so that a test's own future stays small.
        let db = Arc::new(Box::pin(TestDb::new()).await);
        Box::pin(Self::on(db, set)).await
    }

    /// An instance on this database.
    pub async fn on(db: Arc<TestDb>, set: impl FnOnce(&mut AppSettings)) -> Self {
        let mut tx = db.server_catalog().begin().await.expect("a transaction");
        let keys = jwks::load(&mut tx, &db.key_ring(), db.source().now())
            .await
            .expect("the signing key opens");
        tx.commit().await.expect("committed");
        Self::start(db, TokenKeys::of(&keys).expect("usable keys"), set).await
    }

    /// A second instance beside this one, on the same database with the same keys.
    pub async fn beside(&self) -> Self {
        Self::start(Arc::clone(&self.0.db), self.keys().clone(), |_| {}).await
    }

    /// The same with other settings.
    pub async fn beside_with(&self, set: impl FnOnce(&mut AppSettings)) -> Self {
        Self::start(Arc::clone(&self.0.db), self.keys().clone(), set).await
    }

    async fn start(db: Arc<TestDb>, keys: TokenKeys, set: impl FnOnce(&mut AppSettings)) -> Self {
        let anywhere: SocketAddr = ([127, 0, 0, 1], 0).into();
        let mut settings = AppSettings {
            server: ServerConfig::new(anywhere, BASE.parse().expect("a domain")),
            tenants: TenantDbSettings::default(),
            catalog: PoolSettings::default(),
            database: db.server_config(),
            feed: None,
        };
        if config::is_pooled() {
            let pooler = db.cluster().pooler().await;
            settings.database = db.server_config_pooled_by(pooler);
            settings.feed = Some(db.server_config());
        }
        set(&mut settings);
        let hasher = PasswordHasher::new(Argon2Params::CHEAPEST, db.source().clone());
        let hasher = hasher.expect("Argon2 takes its least parameters");
        let feed = settings.feed.as_ref().unwrap_or(&settings.database);
        let has_feed = !feed.is_pooled();
        let feed = Arc::new(ChangeFeed::start(feed));
        let tenants = TenantDb::new(&settings.database, &settings.tenants);
        let state = AppState::new(StateParts {
            catalog: CatalogDb::new(settings.database.clone(), settings.catalog),
            feed: Arc::clone(&feed),
            tenants: tenants.clone(),
            hasher: hasher.clone(),
            keys: keys.clone(),
            ring: db.key_ring(),
            source: db.source().clone(),
            template: db.template().clone(),
            config: settings.server,
        });
        // Subscribed after the server's caches, so that they have forgotten when the test hears of a change.
        let heard = watch::Sender::new(Vec::new());
        let teller = heard.clone();
        feed.subscribe(move |change| teller.send_modify(|all| all.push(change.clone())));
        let app = Self(Arc::new(Inner {
            router: server::router(state.clone()),
            db,
            state,
            tenants,
            keys,
            hasher,
            heard,
            _feed: feed,
        }));
        if has_feed {
            app.until_the_feed_is_live().await;
        }
        app
    }

    /// The feed says [`Change::Anything`] in the same step in which it goes live; what it hears next, it hears live.
    async fn until_the_feed_is_live(&self) {
        let from_the_start = News {
            heard: self.0.heard.subscribe(),
            from: 0,
        };
        from_the_start.tell(Change::Anything).await;
        let nobody: OrganizationId = self.db().source().id();
        let knock = format!("select pg_notify(name, 'organization:{nobody}') from catalog.change_channel");
        self.change(&knock, Change::Organization(nobody)).await;
    }

    /// The database.
    pub fn db(&self) -> &TestDb {
        &self.0.db
    }

    /// The same, for a task of its own.
    pub fn shared_db(&self) -> Arc<TestDb> {
        Arc::clone(&self.0.db)
    }

    /// The clock the server reads.
    pub fn clock(&self) -> &FixedClock {
        self.0.db.clock()
    }

    /// The server's connections to its tenants.
    pub fn tenants(&self) -> &TenantDb {
        &self.0.tenants
    }

    /// What the clock shows, in seconds since 1970.
    pub fn clock_seconds(&self) -> i64 {
        self.db().source().now().timestamp()
    }

    /// The server's state, for a socket of its own.
    pub fn state(&self) -> &AppState {
        &self.0.state
    }

    /// The keys it signs with.
    pub fn keys(&self) -> &TokenKeys {
        &self.0.keys
    }

    pub(crate) fn router(&self) -> Router {
        self.0.router.clone()
    }

    pub(crate) fn hasher(&self) -> &PasswordHasher {
        &self.0.hasher
    }

    /// A tenant, active and served.
    pub async fn tenant(&self, slug: &str) -> AppTenant {
        AppTenant::new(self.clone(), Box::pin(self.db().tenant(slug)).await)
    }

    /// A client that asks this host and presents nothing.
    pub fn client(&self, host: &str) -> Client {
        Client::new(self.clone(), host)
    }

    /// Begins to listen to the instance's feed.
    pub fn news(&self) -> News {
        let heard = self.0.heard.subscribe();
        let from = heard.borrow().len();
        News { heard, from }
    }

    /// Runs statements as the owner, and waits until the instance has heard of the change they make.
    pub async fn change(&self, sql: &str, change: Change) {
        let news = self.news();
        self.db()
            .as_owner()
            .await
            .batch_execute(sql)
            .await
            .expect("the owner may do this");
        news.tell(change).await;
    }
}

impl News {
    /// Waits for this change.
    pub async fn tell(mut self, change: Change) {
        let from = self.from;
        let heard = self.heard.wait_for(|all| all[from..].contains(&change)).await;
        heard.expect("the instance holds the other end");
    }

    /// Waits for this change, and gives everything heard until then.
    pub async fn until(mut self, change: Change) -> Vec<Change> {
        let from = self.from;
        let heard = self.heard.wait_for(|all| all[from..].contains(&change)).await;
        heard.expect("the instance holds the other end")[from..].to_vec()
    }
}
