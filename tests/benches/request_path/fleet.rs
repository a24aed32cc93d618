//! The cluster, its tenants, `pgbench` on it, and `tenantry serve` in front of it.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use catalog::actor::Actor;
use catalog::api_keys::{self, NewApiKey};
use catalog::clock::Source;
use catalog::organizations::{NewOrganization, OrganizationKind, OrganizationStatus};
use catalog::pg::config::PgConfig;
use catalog::pg::local::{Durability, LocalCluster, Search, Settings};
use catalog::pg::pool::PoolSettings;
use catalog::schema_name::SchemaName;
use catalog::scope::Scopes;
use catalog::seal::KeyRing;
use catalog::tx::{CatalogDb, CatalogTx};
use catalog::users::{self, NewUser};
use catalog::{init, jwks};
use secrecy::{ExposeSecret, SecretString};
use tenant_schema::lifecycle::{self, Owner};
use tenant_schema::template::Template;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use uuid::Uuid;

/// Contacts per tenant.
const CONTACTS: i64 = 100;

const DATABASE: &str = "bench";

const SERVER_PASSWORD: &str = "bench";

struct Tenant {
    slug: String,
    schema: SchemaName,
    key: String,
    contact: Uuid,
}

/// The fleet and what it runs on.
pub(crate) struct Fleet {
    cluster: LocalCluster,
    ring: SecretString,
    tenants: Vec<Tenant>,
}

impl Fleet {
    /// A cluster of its own with so many tenants, each with a hundred contacts and an API key.
    pub(crate) async fn start(n_tenants: usize) -> Result<Self> {
        let source = Source::system();
        let search = Search {
            explicit: None,
            path: std::env::var_os("PATH"),
            download_to: None,
        };
        // Only reads are measured, so nothing is lost by making the tenants faster.
        let settings = Settings::new(search)
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
        let mut tx = db.begin_unhurried().await?;
        tx.transaction().batch("analyze").await?;
        tx.commit().await?;
        Ok(Self {
            cluster,
            ring,
            tenants,
        })
    }

    /// One prepared request per tenant, for the first so many tenants.
    pub(crate) fn requests(&self, n_tenants: usize) -> Vec<Vec<u8>> {
        let request = |tenant: &Tenant| {
            format!(
                "GET /rest/v1/contacts/{} HTTP/1.1\r\nHost: {}.localhost\r\nAuthorization: Bearer {}\r\n\r\n",
                tenant.contact, tenant.slug, tenant.key
            )
            .into_bytes()
        };
        self.tenants[..n_tenants].iter().map(request).collect()
    }

    /// PostgreSQL alone: one contact by key, by prepared statement, over so many connections; per second.
    pub(crate) fn pgbench(&self, connections: usize, seconds: u64) -> Result<f64> {
        let tenant = &self.tenants[0];
        let script = self.cluster.folder().join("read.sql");
        let columns = "id, first_name, last_name, full_name, email, phone, status, company_id, owner_id, job_title, \
            source, tag_ids, created_at, updated_at, created_by, updated_by, version, deleted_at";
        let (schema, contact) = (&tenant.schema, tenant.contact);
        std::fs::write(
            &script,
            format!("select {columns} from {schema}.contacts where id = '{contact}';\n"),
        )?;
        let config: PgConfig = self.cluster.socket_url(DATABASE).expose_secret().parse()?;
        let output = std::process::Command::new(self.cluster.bin_dir().join("pgbench"))
            .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "2"])
            .args([
                "--client",
                &connections.to_string(),
                "--time",
                &seconds.to_string(),
            ])
            .arg("--file")
            .arg(&script)
            .envs(config.libpq_environment())
            .output()
            .context("pgbench belongs to PostgreSQL's programs (Debian: package postgresql)")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let tps = text
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        tps.with_context(|| format!("pgbench said: {text}{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Starts `tenantry serve`, as an operator would.
    pub(crate) async fn serve(&self) -> Result<Served> {
        let owner = self.cluster.socket_url(DATABASE);
        let (_, place) = owner
            .expose_secret()
            .rsplit_once('@')
            .context("the URL names a host")?;
        let url = format!("postgres://{}:{SERVER_PASSWORD}@{place}", init::SERVER_LOGIN);
        let mut child = Command::new(tests::binary::tenantry(tests::binary::Profile::Release)?)
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

    /// Stops the cluster.
    pub(crate) async fn stop(self) -> Result<()> {
        Ok(self.cluster.stop().await?)
    }
}

/// A running server.
pub(crate) struct Served {
    address: SocketAddr,
    child: Child,
}

impl Served {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it.
    pub(crate) async fn stop(mut self) -> Result<()> {
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
    let schema = made.schema;
    let contact = source.uuid();
    let sql = format!(
        "insert into {schema}.contacts (id, first_name, last_name, email)
         select case n when 1 then $1::uuid else gen_random_uuid() end, 'Ada', 'Lovelace', 'ada' || n || '@example.com'
           from generate_series(1, $2::bigint) n"
    );
    tx.transaction().execute(&sql, &[&contact, &CONTACTS]).await?;
    let new_key = NewApiKey {
        organization: made.organization,
        name: "bench".to_owned(),
        scopes: Scopes::parse(&["contacts:read".to_owned()])?,
        created_by: actor,
        expires_at: None,
    };
    let (_, key) = api_keys::insert(tx, new_key, source).await?;
    Ok(Tenant {
        slug,
        schema,
        key: key.reveal().to_owned(),
        contact,
    })
}
