//! TLS to PostgreSQL: what each `sslmode` accepts, on a server of its own with certificates made here.

use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use catalog::pg::config::PgConfig;
use catalog::pg::flight::{FlightConnection, Step};
use catalog::pg::pool::PoolSettings;
use catalog::private_file;
use catalog::tx::CatalogDb;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tests::Cluster;

const LOGIN: &str = "create role tls_client login password 'only-for-this-test'; grant connect on database postgres to tls_client";

/// A certificate authority and what it signed for the host `localhost`, as PEM.
struct Certificates {
    authority: String,
    server: String,
    key: String,
}

impl Certificates {
    fn make() -> Result<Self> {
        let authority_key = KeyPair::generate()?;
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = authority.self_signed(&authority_key)?;
        let issuer = Issuer::new(authority, authority_key);
        let key = KeyPair::generate()?;
        let server = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &issuer)?;
        Ok(Self {
            authority: root.pem(),
            server: server.pem(),
            key: key.serialize_pem(),
        })
    }

    /// Puts the server's half where PostgreSQL looks for it, readable by the account it runs as only.
    fn install(&self, data_dir: &Path) -> Result<()> {
        let account = fs::metadata(data_dir)?;
        for (name, text) in [("server.crt", &self.server), ("server.key", &self.key)] {
            let path = data_dir.join(name);
            private_file::write(&path, text)?;
            assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
            chown(&path, Some(account.uid()), Some(account.gid()))?;
        }
        Ok(())
    }
}

const ENCRYPTED: &str =
    "select s.ssl from pg_catalog.pg_stat_ssl s where s.pid = pg_catalog.pg_backend_pid()";

/// Whether a connection by this URL is encrypted, as the server sees it, for the catalog and for tenants alike.
async fn is_encrypted(url: &str) -> Result<bool> {
    let pooled = in_a_pool(url).await;
    let flown = in_a_lane(url).await;
    assert_eq!(
        pooled.as_ref().ok(),
        flown.as_ref().ok(),
        "{pooled:?} and {flown:?}"
    );
    pooled
}

async fn in_a_lane(url: &str) -> Result<bool> {
    let mut lane = FlightConnection::connect(&url.parse()?, NonZeroUsize::MIN).await?;
    let scope = "test".into();
    let step = |sql| {
        [Step {
            scope: &scope,
            sql,
            params: &[],
        }]
    };
    // Given up, it is cancelled by a connection that is made in the same way.
    assert!(futures_util::poll!(Box::pin(lane.fly(&step("select pg_sleep(600)"), 0..1))).is_pending());
    lane.settle().await?;
    let rows = lane.fly(&step(ENCRYPTED), 0..1).await;
    let rows = rows.map_err(|failed| anyhow!("{failed:?}"))?;
    Ok(rows[0][0].text(0) == Some("t"))
}

async fn in_a_pool(url: &str) -> Result<bool> {
    let config: PgConfig = url.parse()?;
    let settings = PoolSettings {
        size: 1,
        ..PoolSettings::default()
    };
    let mut tx = CatalogDb::new(config, settings).begin().await?;
    let row = tx
        .transaction()
        .row(ENCRYPTED, &[])
        .await?
        .context("the server knows us")?;
    tx.rollback().await?;
    Ok(row.get("ssl"))
}

/// Why a connection by this URL is refused, with all causes.
async fn refusal(url: &str) -> String {
    match is_encrypted(url).await {
        Ok(encrypted) => panic!("{url} was accepted (encrypted: {encrypted})"),
        Err(error) => format!("{error:#}"),
    }
}

fn url(host: &str, port: u16, mode: &str) -> String {
    format!("postgres://tls_client:only-for-this-test@{host}:{port}/postgres?sslmode={mode}")
}

#[tokio::test]
async fn every_sslmode_accepts_what_it_says_and_no_more() -> Result<()> {
    let cluster = Cluster::own().await;
    let superuser = cluster.superuser("postgres").await;
    superuser.batch_execute(LOGIN).await?;

    let port = cluster.port().await;
    for mode in ["disable", "prefer"] {
        assert!(
            !is_encrypted(&url("localhost", port, mode)).await?,
            "{mode} without TLS"
        );
    }
    for mode in ["require", "verify-full"] {
        let why = refusal(&url("localhost", port, mode)).await;
        assert!(why.contains("TLS"), "{mode}: {why}");
    }

    let certificates = Certificates::make()?;
    let data_dir: String = superuser.query_one("show data_directory", &[]).await?.get(0);
    certificates.install(Path::new(&data_dir))?;
    superuser.batch_execute("alter system set ssl = on").await?;
    drop(superuser);
    cluster.restart().await?;
    with_tls(cluster.port().await, &certificates).await
}

async fn with_tls(port: u16, certificates: &Certificates) -> Result<()> {
    assert!(
        !is_encrypted(&url("localhost", port, "disable")).await?,
        "disable"
    );
    for host in ["localhost", "127.0.0.1"] {
        for mode in ["prefer", "require"] {
            // Neither asks who signed the certificate, nor for which host.
            assert!(is_encrypted(&url(host, port, mode)).await?, "{mode} to {host}");
        }
    }

    let verified = |host: &str, root: &Path| {
        format!(
            "{}&sslrootcert={}",
            url(host, port, "verify-full"),
            root.display()
        )
    };
    let folder = TempDir::new()?;
    let (root, other) = (folder.path().join("root.pem"), folder.path().join("other.pem"));
    fs::write(&root, &certificates.authority)?;
    fs::write(&other, Certificates::make()?.authority)?;
    assert!(is_encrypted(&verified("localhost", &root)).await?);
    for (url, part) in [
        // The operating system trusts authorities, or none at all, but not the one made here.
        (url("localhost", port, "verify-full"), "certificate"),
        (verified("localhost", &other), "invalid peer certificate"),
        (verified("127.0.0.1", &root), "not valid for name"),
    ] {
        let why = refusal(&url).await;
        assert!(why.contains(part), "{why}");
    }
    Ok(())
}
