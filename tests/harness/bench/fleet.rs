//! The cluster, its tenants, and `tenantry serve` in front of it.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use catalog::actor::Actor;
use catalog::api_keys::{self, NewApiKey};
use catalog::clock::Source;
use catalog::ids::OrganizationId;
use catalog::limits::Limit;
use catalog::organizations::{NewOrganization, OrganizationKind, OrganizationStatus};
use catalog::pg::config::PgConfig;
use catalog::pg::local::{Durability, LocalCluster, Settings};
use catalog::pg::pool::PoolSettings;
use catalog::plans;
use catalog::schema_name::SchemaName;
use catalog::scope::Scopes;
use catalog::seal::KeyRing;
use catalog::tx::{CatalogDb, CatalogTx};
use catalog::users::{self, NewUser};
use catalog::{init, jwks};
use secrecy::{ExposeSecret, SecretString};
use tenant_schema::lifecycle::{self, Owner};
use tenant_schema::models::Models;
use tenant_schema::records::SchemaModel;
use tenant_schema::template::Template;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::link::Link;
use super::pgbench::Transactions;
use crate::binary::{self, Profile};
use crate::config;

const DATABASE: &str = "bench";

const SERVER_PASSWORD: &str = "bench";

/// A tenant without records.
#[derive(Debug)]
pub struct Tenant {
    /// Its label.
    pub slug: String,
    /// Which organization it is.
    pub organization: OrganizationId,
    /// Its schema.
    pub schema: SchemaName,
    /// An API key that may do everything with its records.
    key: String,
}

impl Tenant {
    /// A request as bytes: `line` is the method and the address, `head` more lines, each with its end.
    pub fn request(&self, line: &str, head: &str, body: &str) -> Vec<u8> {
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {}\r\n", body.len())
        };
        let Self { slug, key, .. } = self;
        format!("{line} HTTP/1.1\r\nHost: {slug}.localhost\r\nAuthorization: Bearer {key}\r\n{head}{length}\r\n{body}")
            .into_bytes()
    }
}

/// The fleet and what it runs on.
#[expect(missing_debug_implementations, reason = "it holds what must not be shown")]
pub struct Fleet {
    db: CatalogDb,
    cluster: LocalCluster,
    ring: SecretString,
    tenants: Vec<Tenant>,
}

impl Fleet {
    /// A cluster of its own with so many tenants, each with an API key.
    pub async fn start(n_tenants: usize) -> Result<Self> {
        let source = Source::system();
        // What is measured is the work of processors; a disk would hide it.
        let settings = Settings::new(config::search())
            .durability(Durability::Unsafe)
            .configure("shared_buffers", "1GB");
        let cluster = LocalCluster::ephemeral(settings, &source).await?;
        let config: PgConfig = cluster.url("postgres").expose_secret().parse()?;
        init::ensure_database(&config, DATABASE).await?;
        let config: PgConfig = cluster.url(DATABASE).expose_secret().parse()?;
        let db = CatalogDb::new(
            config,
            PoolSettings {
                size: 2,
                ..PoolSettings::default()
            },
        );
        init::init(&db, Some(&SERVER_PASSWORD.to_owned().into())).await?;
        let ring = KeyRing::generate_text("bench", &source);
        let mut tx = db.begin().await?;
        let actor = Actor::Operator("bench".to_owned());
        jwks::ensure_active(&mut tx, &ring.expose_secret().parse()?, &actor, &source).await?;
        tx.commit().await?;

        let started = Instant::now();
        let (odd, even) = tokio::try_join!(
            provision_all(&db, &source, (0..n_tenants).filter(|n| n % 2 == 1)),
            provision_all(&db, &source, (0..n_tenants).filter(|n| n % 2 == 0)),
        )?;
        let tenants: Vec<Tenant> = even.into_iter().chain(odd).collect();
        eprintln!(
            "provisioned {n_tenants} tenants in {:.1} s",
            started.elapsed().as_secs_f64()
        );
        Ok(Self {
            db,
            cluster,
            ring,
            tenants,
        })
    }

    /// The tenants.
    pub fn tenants(&self) -> &[Tenant] {
        &self.tenants
    }

    /// Runs each of these as the owner of all schemas, in a transaction of its own: one has no room for the locks on all
    /// tenants' tables, and so each analyzes what it fills.
    pub async fn prepare(&self, statements: impl IntoIterator<Item = String>) -> Result<()> {
        for sql in statements {
            let mut tx = self.db.begin_unhurried().await?;
            tx.transaction().batch(&sql).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Lets a tenant have so many requests in flight; the servers hear of it.
    pub async fn limit(&self, tenant: &Tenant, in_flight: i64) -> Result<()> {
        let mut tx = self.db.begin().await?;
        let mut assignment = plans::assignment(&mut tx, tenant.organization).await?;
        assignment.exceptions.set(Limit::InFlight, Some(in_flight));
        plans::assign(&mut tx, tenant.organization, &assignment, Source::system().now()).await?;
        Ok(tx.commit().await?)
    }

    /// The schema model of all tenants.
    pub async fn model(&self) -> Result<Arc<SchemaModel>> {
        let template = Template::shipped();
        let version = template.latest();
        Ok(Models::new(self.db.clone(), template).get(version).await?)
    }

    /// `pgbench`, on the fleet's database.
    pub fn pgbench(&self) -> Result<Transactions<'_>> {
        Ok(Transactions {
            bin_dir: self.cluster.bin_dir(),
            folder: self.cluster.folder(),
            config: self.cluster.socket_url(DATABASE).expose_secret().parse()?,
        })
    }

    /// The same database by way of a network that takes so long each way.
    pub async fn far_away(&self, each_way: Duration) -> Result<(Link, PgConfig)> {
        let near = self.cluster.url(DATABASE);
        let config: PgConfig = near.expose_secret().parse()?;
        let environment = config.libpq_environment();
        let port = environment.iter().find(|(name, _)| *name == "PGPORT");
        let (_, port) = port.context("a URL of a cluster has a port")?;
        let link = Link::open(port.parse()?, each_way).await?;
        let far = near
            .expose_secret()
            .replace(&format!(":{port}/"), &format!(":{}/", link.port()));
        Ok((link, far.parse()?))
    }

    /// Starts `tenantry serve`, as an operator would.
    pub async fn serve(&self) -> Result<Served> {
        let owner = self.cluster.socket_url(DATABASE);
        let (_, place) = owner
            .expose_secret()
            .rsplit_once('@')
            .context("the URL names a host")?;
        let url = format!("postgres://{}:{SERVER_PASSWORD}@{place}", init::SERVER_LOGIN);
        let mut child = Command::new(binary::tenantry(Profile::Release)?)
            .args(["serve", "--json"])
            .env("TENANTRY_LISTEN", "127.0.0.1:0")
            .env("SERVER_DATABASE_URL", url)
            .env("TENANTRY_KEYRING", self.ring.expose_secret())
            .env("RUST_LOG", "warn")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output is piped")?)
            .read_line(&mut line)
            .await?;
        let said: serde_json::Value =
            serde_json::from_str(&line).with_context(|| format!("serve said {line:?}"))?;
        let Some(address) = said["listening"]
            .as_str()
            .and_then(|url| url.strip_prefix("http://"))
        else {
            bail!("serve printed no address: {line}")
        };
        Ok(Served {
            address: address.parse()?,
            child,
        })
    }

    /// The processes that serve the server's connections.
    pub async fn backends(&self) -> Result<Vec<u32>> {
        let mut tx = self.db.begin().await?;
        let sql = "select pid from pg_stat_activity where usename = $1 order by pid";
        let rows = tx.transaction().rows(sql, &[&init::SERVER_LOGIN]).await?;
        tx.rollback().await?;
        rows.iter()
            .map(|row| Ok(u32::try_from(row.get::<_, i32>("pid"))?))
            .collect()
    }

    /// Stops the cluster.
    pub async fn stop(self) -> Result<()> {
        Ok(self.cluster.stop().await?)
    }
}

/// A running server.
#[derive(Debug)]
pub struct Served {
    address: SocketAddr,
    child: Child,
}

impl Served {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub fn pid(&self) -> Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// Stops it.
    pub async fn stop(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

async fn provision_all(
    db: &CatalogDb,
    source: &Source,
    numbers: impl Iterator<Item = usize>,
) -> Result<Vec<Tenant>> {
    let mut tenants = Vec::new();
    for n in numbers {
        let mut tx = db.begin_unhurried().await?;
        tenants.push(
            provision(&mut tx, source, n)
                .await
                .with_context(|| format!("provisioning tenant {n}"))?,
        );
        tx.commit().await?;
    }
    Ok(tenants)
}

async fn provision(tx: &mut CatalogTx, source: &Source, n: usize) -> Result<Tenant> {
    let slug = format!("bench{n}");
    let email = format!("owner{n}@example.com");
    let user = users::insert(tx, &NewUser::with_email(email.parse()?), source).await?;
    let new = NewOrganization {
        kind: OrganizationKind::Standalone,
        parent: None,
        slug: slug.parse()?,
        name: format!("Bench {n}"),
        status: OrganizationStatus::Active,
        contact_email: None,
    };
    let actor = Actor::Operator("bench".to_owned());
    let owner = Owner {
        user: user.id,
        display_name: format!("Owner {n}"),
        email,
    };
    let made = lifecycle::provision(tx, &Template::shipped(), &new, &owner, &actor, source).await?;
    let new_key = NewApiKey {
        organization: made.organization,
        name: "bench".to_owned(),
        scopes: Scopes::parse(&["*:*".to_owned()])?,
        created_by: actor,
        expires_at: None,
    };
    let (_, key) = api_keys::insert(tx, new_key, source).await?;
    Ok(Tenant {
        slug,
        organization: made.organization,
        schema: made.schema,
        key: key.reveal().to_owned(),
    })
}
