//! The PostgreSQL server of a test process, and the database every other is copied from.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use catalog::actor::Actor;
use catalog::clock::{Source, SystemEntropy};
use catalog::pg::config::PgConfig;
use catalog::pg::local::{Durability, LocalCluster, Search, Settings};
use catalog::pg::pool::PoolSettings;
use catalog::seal::KeyRing;
use catalog::tx::CatalogDb;
use catalog::{init, jwks};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, OnceCell};
use tokio_postgres::{Client, NoTls};

use crate::config;
use crate::fixed::FixedClock;
use crate::pooler::Pooler;

/// The role that owns the databases, as an operator's login does: no superuser, may make databases and roles.
pub const OWNER: &str = "tenantry_owner";

const TEMPLATE: &str = "tenantry_template";

/// The one cluster that nearly all tests share. It is never dropped: the guardian process beside the server stops
/// it and removes its folder when this process ends, however it ends.
static SHARED: OnceCell<Arc<Cluster>> = OnceCell::const_new();

/// A temporary local cluster with a template database in it.
#[derive(Debug)]
pub struct Cluster {
    local: Mutex<LocalCluster>,
    superuser: String,
    superuser_password: SecretString,
    password: SecretString,
    ring: SecretString,
    databases: AtomicU64,
    pooler: OnceCell<Pooler>,
    /// Outlives the runtimes of the single tests: databases are dropped on it.
    runtime: Option<Runtime>,
}

impl Cluster {
    /// The shared one, started by the first who asks.
    ///
    /// # Panics
    /// With one sentence when there is no PostgreSQL: a test that needs it fails, it is not skipped.
    pub async fn shared() -> Arc<Self> {
        let started = SHARED
            .get_or_try_init(|| async { Self::start(config::search()).await.map(Arc::new) })
            .await;
        match started {
            Ok(cluster) => Arc::clone(cluster),
            Err(error) => panic!("the tests need a PostgreSQL: {error:#}"),
        }
    }

    /// One for a test alone that will crash it.
    pub async fn own() -> Arc<Self> {
        Self::own_of(config::search()).await
    }

    /// The same by the programs of this folder.
    pub async fn own_by(programs: &Path) -> Arc<Self> {
        Self::own_of(Search {
            explicit: Some(programs.to_owned()),
            ..config::search()
        })
        .await
    }

    async fn own_of(search: Search) -> Arc<Self> {
        match Self::start(search).await {
            Ok(cluster) => Arc::new(cluster),
            Err(error) => panic!("the tests need a PostgreSQL: {error:#}"),
        }
    }

    async fn start(search: Search) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let started = runtime.spawn(async {
            let source = Source::system();
            let settings = Settings::new(search)
                .durability(Durability::Unsafe)
                .configure("shared_buffers", "64MB")
                .configure("max_connections", "300")
                .configure("autovacuum", "off");
            let local = LocalCluster::ephemeral(settings, &source).await?;
            let password: SecretString = source.uuid().simple().to_string().into();
            let ring = KeyRing::generate_text("test", &source);
            make_template(&local, &password, &ring)
                .await
                .context("cannot make the template database")?;
            Ok::<_, anyhow::Error>((local, password, ring))
        });
        let (local, password, ring) = match started.await? {
            Ok(started) => started,
            Err(error) => {
                // Dropping a runtime blocks, which the test's own runtime forbids.
                runtime.shutdown_background();
                return Err(error);
            }
        };
        Ok(Self {
            superuser: local.superuser().to_owned(),
            superuser_password: local.password().clone(),
            local: Mutex::new(local),
            password,
            ring,
            databases: AtomicU64::new(1),
            pooler: OnceCell::new(),
            runtime: Some(runtime),
        })
    }

    /// The server's port on 127.0.0.1; it may change with [`Cluster::recover`].
    pub async fn port(&self) -> u16 {
        self.local.lock().await.port()
    }

    /// The folder of `psql` and its kin.
    pub async fn bin_dir(&self) -> std::path::PathBuf {
        self.local.lock().await.bin_dir().to_owned()
    }

    /// Stops it in good order and starts it again.
    pub async fn restart(&self) -> Result<()> {
        Ok(self.local.lock().await.restart().await?)
    }

    /// Kills the server and its children by SIGKILL.
    pub async fn crash(&self) -> Result<()> {
        Ok(self.local.lock().await.kill_now().await?)
    }

    /// Starts it again; it recovers from its log.
    pub async fn recover(&self) -> Result<()> {
        Ok(self.local.lock().await.start_again().await?)
    }

    /// The pooler that all servers of this cluster share.
    ///
    /// # Panics
    /// When there is none: whoever asks for it needs it.
    pub async fn pooler(&self) -> &Pooler {
        let started = self
            .pooler
            .get_or_try_init(|| self.start_pooler(20, "server_login_retry = 0"))
            .await;
        started.unwrap_or_else(|error| panic!("the test needs PgBouncer: {error:#}"))
    }

    /// One of a test's own, whose pools have so many connections, with more lines of settings.
    ///
    /// # Panics
    /// As above.
    pub async fn own_pooler(&self, size: usize, settings: &str) -> Pooler {
        let started = self.start_pooler(size, settings).await;
        started.unwrap_or_else(|error| panic!("the test needs PgBouncer: {error:#}"))
    }

    async fn start_pooler(&self, size: usize, settings: &str) -> Result<Pooler> {
        let logins = [OWNER, init::SERVER_LOGIN];
        Pooler::start(self.port().await, &logins, &self.password, size, settings).await
    }

    /// The URL of a database for the owner or the server's login, by way of this port. Both have the same password.
    pub(crate) fn url(&self, port: u16, login: &str, database: &str) -> SecretString {
        url(port, login, &self.password, database)
    }

    /// The key ring that opens the signing key of every database, as an operator's environment holds it.
    pub fn key_ring_text(&self) -> &SecretString {
        &self.ring
    }

    /// A superuser's connection, for what a test looks at or breaks from outside.
    pub async fn superuser(&self, database: &str) -> Client {
        connect(&self.superuser_url(database).await).await
    }

    /// A superuser's URL.
    pub async fn superuser_url(&self, database: &str) -> SecretString {
        url(
            self.port().await,
            &self.superuser,
            &self.superuser_password,
            database,
        )
    }

    /// Copies the template.
    pub(crate) async fn create_database(&self) -> (u64, String) {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{number}");
        let owner = connect(&self.url(self.port().await, OWNER, "postgres")).await;
        let create = format!("create database {name} template {TEMPLATE}");
        owner
            .batch_execute(&create)
            .await
            .expect("the template can be copied");
        (number, name)
    }

    /// Drops a database whoever is connected to it, without waiting: a test's end should not.
    pub(crate) fn drop_database(self: &Arc<Self>, name: String) {
        let cluster = Arc::clone(self);
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move {
                let Ok(port) = cluster.local.try_lock().map(|local| local.port()) else {
                    return;
                };
                let url = url(port, &cluster.superuser, &cluster.superuser_password, "postgres");
                // The server may be down on purpose, or go down with the process: the folder goes too.
                if let Ok((client, connection)) = tokio_postgres::connect(url.expose_secret(), NoTls).await {
                    tokio::spawn(connection);
                    let _gone = client
                        .batch_execute(&format!("drop database {name} with (force)"))
                        .await;
                }
            });
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // See above: this may be the end of a test.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A connection without TLS whose task ends with it.
///
/// # Panics
/// When it cannot be made.
pub async fn connect(url: &SecretString) -> Client {
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), NoTls)
        .await
        .expect("the cluster accepts connections");
    tokio::spawn(connection);
    client
}

fn url(port: u16, login: &str, password: &SecretString, database: &str) -> SecretString {
    let password = password.expose_secret();
    format!("postgres://{login}:{password}@127.0.0.1:{port}/{database}?sslmode=disable").into()
}

async fn make_template(local: &LocalCluster, password: &SecretString, ring: &SecretString) -> Result<()> {
    let (port, secret) = (local.port(), password.expose_secret());
    let superuser = connect(&local.url("postgres")).await;
    let make_owner = format!("create role {OWNER} login createdb createrole password '{secret}'");
    superuser.batch_execute(&make_owner).await?;
    // Databases are made from there.
    let let_in = format!("grant connect on database postgres to {OWNER}");
    superuser.batch_execute(&let_in).await?;
    superuser
        .batch_execute(&format!("create database {TEMPLATE} owner {OWNER}"))
        .await?;

    let config: PgConfig = url(port, OWNER, password, TEMPLATE).expose_secret().parse()?;
    let db = CatalogDb::new(
        config,
        PoolSettings {
            size: 1,
            ..PoolSettings::default()
        },
    );
    init::init(&db, Some(password)).await?;
    // Made at the instant at which every test's clock stands.
    let source = Source::new(FixedClock::default(), SystemEntropy::default());
    let mut tx = db.begin().await?;
    let actor = Actor::Operator("test".to_owned());
    jwks::ensure_active(&mut tx, &ring.expose_secret().parse()?, &actor, &source).await?;
    tx.commit().await?;
    Ok(())
}
