//! Where PostgreSQL is and how to speak to it: a URL and a TLS mode.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::schema_name::SchemaName;

/// The name of the sessions of exports, as `pg_stat_activity` tells it.
pub const EXPORTS: &str = "tenantry export";

/// A connection setting read from a URL such as `postgres://user:password@host:5432/database?sslmode=verify-full`.
///
/// `sslmode` is `disable`, `prefer` (the default), `require` or `verify-full`, with libpq's meaning (PostgreSQL
/// documentation, section 34.19.1): only `verify-full` checks the certificate, against the operating system's
/// trust store or the file named by `sslrootcert`. `pooler=transaction` says that a pooler stands before the server
/// which gives every transaction another session of it. `Debug` shows no password.
#[derive(Clone)]
pub struct PgConfig {
    driver: tokio_postgres::Config,
    tls: MakeRustlsConnect,
    verified: bool,
    root: Option<String>,
    pooled: bool,
}

/// A connection URL that cannot be used. No message repeats the URL: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum PgConfigError {
    /// Not a URL of PostgreSQL's.
    #[error(
        "a connection URL begins with postgres:// or postgresql://, as in postgres://user@host:5432/database"
    )]
    NotAUrl,
    /// The driver cannot read it.
    #[error("the connection URL cannot be read: {}", source_text(.0))]
    Malformed(#[source] tokio_postgres::Error),
    /// No database is named.
    #[error("the connection URL names no database: add /database after the host")]
    NoDatabase,
    /// An `sslmode` that is not one of the four.
    #[error("sslmode={0} is not supported: use disable, prefer, require or verify-full")]
    UnknownSslMode(String),
    /// A `pooler` that is not known.
    #[error(
        "pooler={0} is not supported: use transaction, or leave it out where no pooler pools transactions"
    )]
    UnknownPooler(String),
    /// `sslrootcert` without `verify-full`, or a file that holds no certificate.
    #[error("sslrootcert: {0}")]
    RootCertificate(String),
}

fn source_text(error: &tokio_postgres::Error) -> String {
    std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum TlsMode {
    Disable,
    Prefer,
    Require,
    VerifyFull,
}

impl PgConfig {
    /// The driver's configuration.
    pub(crate) fn driver(&self) -> &tokio_postgres::Config {
        &self.driver
    }

    /// The TLS connector that goes with it.
    pub(crate) fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// Whether a pooler gives every transaction another session (`pooler=transaction`): then nothing may be kept in a
    /// session, neither prepared statements nor settings, and nobody can listen in one.
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }

    /// The login role's name.
    pub fn user(&self) -> Option<&str> {
        self.driver.get_user()
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        self.driver
            .get_dbname()
            .expect("a PgConfig always names its database")
    }

    /// Host, port and database, for people and records: without login and password.
    pub fn place(&self) -> String {
        let host = match self.driver.get_hosts().first() {
            Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
            #[cfg(unix)]
            Some(tokio_postgres::config::Host::Unix(path)) => path.to_string_lossy().into_owned(),
            None => "localhost".to_owned(),
        };
        let port = self.driver.get_ports().first().copied().unwrap_or(5432);
        format!("{host}:{port}/{}", self.database())
    }

    /// The same server and database, another login.
    #[must_use]
    pub fn with_login(&self, user: &str, password: &str) -> Self {
        let mut other = self.clone();
        other.driver.user(user).password(password);
        other
    }

    /// The same server and login, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.driver.dbname(name);
        other
    }

    /// The same with a name that shows in `pg_stat_activity`.
    #[must_use]
    pub fn with_application_name(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.driver.application_name(name);
        other
    }

    /// The same for sessions that serve tenants: a statement and a lock timeout, and a `search_path` on which no table of
    /// anybody's is found, sent in the start-up packet (PostgreSQL documentation, section 20.1.3). Every session begins
    /// with them, and every transaction comes back to them. Behind a pooler of transactions a session is not ours to set:
    /// there it is the same, and each transaction says what it is bounded by.
    #[must_use]
    pub fn for_tenants(&self, statement: Duration, lock: Duration) -> Self {
        let (statement, lock) = (statement.as_millis(), lock.as_millis());
        self.with_settings(&format!(
            "-c statement_timeout={statement} -c lock_timeout={lock} -c search_path=pg_catalog"
        ))
    }

    /// The same for sessions that export: how long a transaction may wait for its next statement is told too, whatever
    /// the server's own setting is, since a client that reads slowly makes it wait; and a statement that is long in coming
    /// looks for its client every ten seconds, so that it does not outlive a program that was killed (PostgreSQL
    /// documentation, section 20.3.2).
    #[must_use]
    pub fn for_exports(&self, statement: Duration, lock: Duration, idle: Duration) -> Self {
        let idle = idle.as_millis();
        self.for_tenants(statement, lock)
            .with_settings(&format!(
                "-c idle_in_transaction_session_timeout={idle} -c client_connection_check_interval=10s"
            ))
            .with_application_name(EXPORTS)
    }

    /// The same for a session that works in one schema outside of any transaction: a statement may take any time, waits so
    /// long for others, and ends with the program that sent it.
    #[must_use]
    pub(crate) fn for_steps(&self, schema: &SchemaName, wait: Duration) -> Self {
        let path = schema.search_path().replace(' ', "");
        // Zero would mean for ever.
        let wait = wait.as_millis().max(1);
        self.with_settings(&format!(
            "-c search_path={path} -c statement_timeout=0 -c lock_timeout={wait} -c client_connection_check_interval=1s"
        ))
    }

    /// The same with more settings in the start-up packet, where the session is ours to set.
    fn with_settings(&self, settings: &str) -> Self {
        let mut other = self.clone();
        if self.pooled {
            return other;
        }
        let before = self.driver.get_options();
        let before = before.map(|options| format!("{options} ")).unwrap_or_default();
        other.driver.options(format!("{before}{settings}"));
        other
    }

    /// The environment that points libpq's programs (`psql`) at the same server with the same login.
    pub fn libpq_environment(&self) -> Vec<(&'static str, String)> {
        let mut environment = vec![("PGDATABASE", self.database().to_owned())];
        match self.driver.get_hosts().first() {
            Some(tokio_postgres::config::Host::Tcp(host)) => environment.push(("PGHOST", host.clone())),
            #[cfg(unix)]
            Some(tokio_postgres::config::Host::Unix(path)) => {
                environment.push(("PGHOST", path.to_string_lossy().into_owned()));
            }
            None => {}
        }
        if let Some(port) = self.driver.get_ports().first() {
            environment.push(("PGPORT", port.to_string()));
        }
        if let Some(user) = self.user() {
            environment.push(("PGUSER", user.to_owned()));
        }
        if let Some(password) = self.driver.get_password() {
            environment.push(("PGPASSWORD", String::from_utf8_lossy(password).into_owned()));
        }
        let mode = match (self.driver.get_ssl_mode(), self.verified) {
            (SslMode::Disable, _) => "disable",
            (_, true) => "verify-full",
            (SslMode::Require, false) => "require",
            (_, false) => "prefer",
        };
        environment.push(("PGSSLMODE", mode.to_owned()));
        if self.verified {
            // `system` is libpq's word for the operating system's trust store, since PostgreSQL 16.
            environment.push((
                "PGSSLROOTCERT",
                self.root.clone().unwrap_or_else(|| "system".to_owned()),
            ));
        }
        environment
    }
}

impl FromStr for PgConfig {
    type Err = PgConfigError;

    fn from_str(url: &str) -> Result<Self, PgConfigError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(PgConfigError::NotAUrl);
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let mut mode = TlsMode::Prefer;
        let mut root = None;
        let mut pooled = false;
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = parse_mode(value)?,
                Some(("sslrootcert", value)) => root = Some(value),
                Some(("pooler", "transaction")) => pooled = true,
                Some(("pooler", other)) => return Err(PgConfigError::UnknownPooler(other.to_owned())),
                _ => rest.push(pair),
            }
        }
        let url = if rest.is_empty() {
            base.to_owned()
        } else {
            format!("{base}?{}", rest.join("&"))
        };
        let mut driver: tokio_postgres::Config = url.parse().map_err(PgConfigError::Malformed)?;
        if driver.get_dbname().is_none_or(str::is_empty) {
            return Err(PgConfigError::NoDatabase);
        }
        driver
            .ssl_mode(match mode {
                TlsMode::Disable => SslMode::Disable,
                TlsMode::Prefer => SslMode::Prefer,
                TlsMode::Require | TlsMode::VerifyFull => SslMode::Require,
            })
            .connect_timeout(Duration::from_secs(5))
            .tcp_user_timeout(Duration::from_secs(30))
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3);
        if driver.get_application_name().is_none() {
            driver.application_name("tenantry");
        }
        let tls = MakeRustlsConnect::new(tls_config(mode, root)?);
        Ok(Self {
            driver,
            tls,
            verified: mode == TlsMode::VerifyFull,
            root: root.map(str::to_owned),
            pooled,
        })
    }
}

impl fmt::Debug for PgConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgConfig")
            .field("hosts", &self.driver.get_hosts())
            .field("ports", &self.driver.get_ports())
            .field("database", &self.driver.get_dbname())
            .field("user", &self.driver.get_user())
            .finish_non_exhaustive()
    }
}

fn parse_mode(text: &str) -> Result<TlsMode, PgConfigError> {
    Ok(match text {
        "disable" => TlsMode::Disable,
        "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-full" => TlsMode::VerifyFull,
        other => return Err(PgConfigError::UnknownSslMode(other.to_owned())),
    })
}

fn tls_config(mode: TlsMode, root: Option<&str>) -> Result<ClientConfig, PgConfigError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3");
    if mode != TlsMode::VerifyFull {
        if root.is_some() {
            return Err(PgConfigError::RootCertificate(
                "goes with sslmode=verify-full only".into(),
            ));
        }
        let verifier = Arc::new(Unverified(provider));
        return Ok(builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth());
    }
    let mut roots = RootCertStore::empty();
    match root {
        Some(path) => {
            let read = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| PgConfigError::RootCertificate(format!("{path}: {error}")))?;
            roots.add_parsable_certificates(read);
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(PgConfigError::RootCertificate(format!(
            "{} holds no certificate",
            root.unwrap_or("the system's trust store")
        )));
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Accepts any certificate: what `sslmode=prefer` and `require` mean. It keeps a passive listener out, not an
/// active one; `verify-full` does.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_read_and_its_password_hidden() {
        let config: PgConfig = "postgres://ann:s3cret@db.example.com:6432/app?sslmode=require"
            .parse()
            .expect("a URL");
        assert_eq!((config.user(), config.database()), (Some("ann"), "app"));
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn a_session_that_a_pooler_lends_is_not_set() {
        let bounded = |url: &str| {
            let config: PgConfig = url.parse().expect("a URL");
            let bounded = config.for_tenants(Duration::from_secs(1), Duration::from_secs(1));
            (
                config.is_pooled(),
                bounded.driver.get_options().map(str::to_owned),
            )
        };
        assert!(matches!(bounded("postgres://h/db"), (false, Some(_))));
        assert_eq!(bounded("postgres://h/db?pooler=transaction"), (true, None));
    }

    #[test]
    fn what_cannot_be_used_is_named_without_repeating_the_url() {
        for (url, part) in [
            ("mysql://u:hunter2@h/db", "postgres://"),
            ("postgres://u:hunter2@h", "names no database"),
            ("postgres://u:hunter2@h/db?sslmode=maybe", "sslmode=maybe"),
            ("postgres://u:hunter2@h:notaport/db", "cannot be read"),
            ("postgres://u:hunter2@h/db?pooler=session", "pooler=session"),
            ("postgres://u:hunter2@h/db?sslrootcert=/x", "verify-full"),
            (
                "postgres://u:hunter2@h/db?sslmode=verify-full&sslrootcert=/does/not/exist",
                "/does/not/exist",
            ),
        ] {
            let message = url.parse::<PgConfig>().expect_err(url).to_string();
            assert!(message.contains(part), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
