//! A database for one test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::actor::Actor;
use catalog::clock::Source;
use catalog::init::SERVER_LOGIN;
use catalog::pg::config::PgConfig;
use catalog::pg::pool::PoolSettings;
use catalog::seal::KeyRing;
use catalog::tx::CatalogDb;
use catalog::users::{self, NewUser, User};
use secrecy::{ExposeSecret as _, SecretString};
use tenant_schema::models::Models;
use tenant_schema::template::Template;
use tenant_schema::tenant_db::{LaneSettings, TenantDb, TenantDbSettings};
use tokio_postgres::Client;

use crate::cluster::{self, Cluster, OWNER};
use crate::fixed::{FixedClock, SeededEntropy};
use crate::pooler::Pooler;
use crate::proxy::Proxy;
use crate::tenant::{self, TestTenant};

/// A migrated database nobody else knows of, dropped with this value, also when the test panics.
pub struct TestDb {
    cluster: Arc<Cluster>,
    name: String,
    port: u16,
    clock: FixedClock,
    source: Source,
    template: Template,
    owner: CatalogDb,
    server: CatalogDb,
}

impl TestDb {
    /// A fresh database on the shared cluster.
    pub async fn new() -> Self {
        Box::pin(Self::on(Cluster::shared().await)).await
    }

    /// The same, for tenants of the template in `tests/template`, which has everything that one can have.
    pub async fn workshop() -> Self {
        Self::of(&workshop_folder()).await
    }

    /// The same, for tenants of the template in `tests/reference_template`, which comes with records for the examples of
    /// PostgREST's reference.
    pub async fn reference() -> Self {
        Self::of(&Path::new(env!("CARGO_MANIFEST_DIR")).join("reference_template")).await
    }

    /// The same, for tenants of the template in this folder.
    pub async fn of(folder: &Path) -> Self {
        let template = Template::read(folder).expect("a folder of migrations");
        Self::new().await.with_template(template)
    }

    /// The same, for tenants of another template.
    #[must_use]
    pub fn with_template(mut self, template: Template) -> Self {
        self.template = template;
        self
    }

    /// A fresh database on a cluster of the test's own.
    pub async fn on(cluster: Arc<Cluster>) -> Self {
        let (number, name) = cluster.create_database().await;
        let port = cluster.port().await;
        let clock = FixedClock::default();
        // Roles belong to the cluster, not to the database: two databases must not invent the same schema name.
        let source = Source::new(clock.clone(), SeededEntropy::new(number));
        let db = |login| CatalogDb::new(config(&cluster.url(port, login, &name)), PoolSettings::default());
        Self {
            owner: db(OWNER),
            server: db(SERVER_LOGIN),
            cluster,
            name,
            port,
            clock,
            source,
            template: Template::shipped(),
        }
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cluster it is in.
    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    /// The clock behind [`TestDb::source`].
    pub fn clock(&self) -> &FixedClock {
        &self.clock
    }

    /// Fixed time and repeatable randomness.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What its tenants are built from.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// Who does what a test does.
    pub fn actor(&self) -> Actor {
        Actor::Operator("test".to_owned())
    }

    /// The owner's URL, as for `DATABASE_URL` of an operator.
    pub fn owner_url(&self) -> SecretString {
        self.cluster.url(self.port, OWNER, &self.name)
    }

    /// The server login's URL.
    pub fn server_url(&self) -> SecretString {
        self.cluster.url(self.port, SERVER_LOGIN, &self.name)
    }

    /// The owner's configuration.
    pub fn owner_config(&self) -> PgConfig {
        config(&self.owner_url())
    }

    /// The server login's configuration.
    pub fn server_config(&self) -> PgConfig {
        config(&self.server_url())
    }

    /// The owner's configuration by way of a proxy.
    pub fn owner_config_through(&self, proxy: &Proxy) -> PgConfig {
        config(&self.cluster.url(proxy.port(), OWNER, &self.name))
    }

    /// The server login's configuration by way of a proxy.
    pub fn server_config_through(&self, proxy: &Proxy) -> PgConfig {
        config(&self.cluster.url(proxy.port(), SERVER_LOGIN, &self.name))
    }

    /// The server login's URL by way of whatever listens on this port.
    pub fn server_url_through_port(&self, port: u16) -> SecretString {
        self.cluster.url(port, SERVER_LOGIN, &self.name)
    }

    /// The server login's URL by way of a pooler of transactions, as for `SERVER_DATABASE_URL`.
    pub fn server_url_pooled_by(&self, pooler: &Pooler) -> SecretString {
        let url = self.server_url_through_port(pooler.port());
        format!("{}&pooler=transaction", url.expose_secret()).into()
    }

    /// The server login's configuration by way of a pooler of transactions.
    pub fn server_config_pooled_by(&self, pooler: &Pooler) -> PgConfig {
        config(&self.server_url_pooled_by(pooler))
    }

    /// The ring that opens the database's signing key.
    pub fn key_ring(&self) -> KeyRing {
        self.cluster
            .key_ring_text()
            .expose_secret()
            .parse()
            .expect("the harness makes good key rings")
    }

    /// A proxy in front of the cluster.
    pub async fn proxy(&self) -> Proxy {
        Proxy::to(self.port).await
    }

    /// The catalog under the owner, who sees everything.
    pub fn catalog(&self) -> &CatalogDb {
        &self.owner
    }

    /// The catalog under the server's login, as row-level security shows it.
    pub fn server_catalog(&self) -> &CatalogDb {
        &self.server
    }

    /// The catalog under the owner by a pool of its own, of this many connections.
    pub fn owner_pool_of(&self, size: usize) -> CatalogDb {
        CatalogDb::new(
            self.owner_config(),
            PoolSettings {
                size,
                ..PoolSettings::default()
            },
        )
    }

    /// The tenants under the server's login.
    pub fn tenants(&self) -> TenantDb {
        self.tenants_with(&TenantDbSettings::default())
    }

    /// The same with other numbers.
    pub fn tenants_with(&self, settings: &TenantDbSettings) -> TenantDb {
        TenantDb::new(&self.server_config(), settings)
    }

    /// The models that the server plans by, with none read yet.
    pub fn models(&self) -> Models {
        Models::new(self.server.clone(), self.template.clone())
    }

    /// A plain connection as the owner.
    pub async fn as_owner(&self) -> Client {
        cluster::connect(&self.owner_url()).await
    }

    /// A plain connection as the server's login.
    pub async fn as_server(&self) -> Client {
        cluster::connect(&self.server_url()).await
    }

    /// A plain connection as superuser, for what no role of the product may see or break.
    pub async fn as_superuser(&self) -> Client {
        self.cluster.superuser(&self.name).await
    }

    /// A person.
    pub async fn user(&self, email: &str) -> User {
        let mut new = NewUser::with_email(email.parse().expect("an e-mail address"));
        new.display_name = email.split('@').next().map(str::to_owned);
        let mut tx = self.owner.begin().await.expect("a transaction");
        let user = users::insert(&mut tx, &new, &self.source)
            .await
            .expect("a new user");
        tx.commit().await.expect("committed");
        user
    }

    /// An active, standalone organization with its tenant schema, owned by `owner@{slug}.test`.
    pub async fn tenant(&self, slug: &str) -> TestTenant {
        // Boxed here, so that no test has to carry the whole of provisioning in its own future.
        Box::pin(tenant::provision(self, slug, self.template())).await
    }

    /// The same, made of another template, such as an earlier version of this one.
    pub async fn tenant_of(&self, slug: &str, template: &Template) -> TestTenant {
        Box::pin(tenant::provision(self, slug, template)).await
    }
}

/// One lane, for what must happen on the same one.
pub fn one_connection() -> TenantDbSettings {
    TenantDbSettings {
        lanes: LaneSettings {
            lanes: 1,
            ..LaneSettings::default()
        },
        ..TenantDbSettings::default()
    }
}

/// The folder of the template that has everything that one can have.
pub fn workshop_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("template")
}

impl Drop for TestDb {
    fn drop(&mut self) {
        self.cluster.drop_database(std::mem::take(&mut self.name));
    }
}

fn config(url: &SecretString) -> PgConfig {
    url.expose_secret().parse().expect("the harness makes good URLs")
}
