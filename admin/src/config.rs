//! Settings, resolved once from the environment. Everything that is wrong is said at once, and no secret is repeated.

use std::ffi::OsString;
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use catalog::pg::config::PgConfig;
use catalog::pg::local;
use catalog::seal::KeyRing;
use secrecy::SecretString;
use server::ServerConfig;
use server::config::{Network, Scheme};
use server::host::BaseDomain;
use tracing_subscriber::EnvFilter;

use crate::failure::Problem;

/// Everything the environment says.
#[derive(Debug)]
pub(crate) struct Config {
    /// The owner's connection.
    pub(crate) database: Option<PgConfig>,
    /// The connection of the server's login.
    pub(crate) server_database: Option<PgConfig>,
    /// The password `init` gives to the server's login.
    pub(crate) server_password: Option<SecretString>,
    /// What opens the signing keys.
    pub(crate) key_ring: Option<KeyRing>,
    /// Where and for whom to serve.
    pub(crate) server: ServerConfig,
    /// What is logged, in the form of `RUST_LOG`.
    log: Option<String>,
    /// The demo's folder; `None` without a home.
    pub(crate) demo_data: Option<PathBuf>,
    /// Where PostgreSQL's programs are looked for.
    pub(crate) postgres: local::Settings,
    /// The login name of whoever runs this, for the audit log: letters, digits, `.`, `_` and `-`.
    pub(crate) person: String,
    /// How this program was called, for lines that can be pasted.
    pub(crate) program: String,
}

impl Config {
    /// Reads the process's environment.
    pub(crate) fn from_environment() -> Result<Self, Problem> {
        let program = std::env::args_os().next();
        Self::resolve(|name| std::env::var_os(name), program)
    }

    /// The filter of the logs, or `default` where `RUST_LOG` says nothing.
    pub(crate) fn log_filter(&self, default: &str) -> EnvFilter {
        EnvFilter::new(self.log.as_deref().unwrap_or(default))
    }

    fn resolve(
        variable: impl Fn(&str) -> Option<OsString>,
        program: Option<OsString>,
    ) -> Result<Self, Problem> {
        let mut reader = Reader {
            variable,
            problems: Vec::new(),
        };
        let config = Self {
            database: reader.parsed("DATABASE_URL"),
            server_database: reader.parsed("SERVER_DATABASE_URL"),
            server_password: reader.text("TENANTRY_SERVER_PASSWORD").map(SecretString::from),
            key_ring: key_ring(&mut reader),
            server: server(&mut reader),
            log: log(&mut reader),
            demo_data: demo_data(&mut reader),
            postgres: postgres(&mut reader),
            person: person(&mut reader),
            program: called(program),
        };
        match reader.problems.as_slice() {
            [] => Ok(config),
            problems => Err(Problem::environment(
                format!("the environment is not usable:\n  - {}", problems.join("\n  - ")),
                "correct these variables; `tenantry --help` lists all of them",
            )),
        }
    }
}

/// Reads variables and collects what is wrong with them.
struct Reader<F> {
    variable: F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<OsString>> Reader<F> {
    /// The variable as it stands; an empty one counts as unset.
    fn raw(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.raw(name).map(PathBuf::from)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.raw(name)?.into_string() {
            Ok(text) => Some(text),
            Err(_) => self.refuse(name, "it is not UTF-8"),
        }
    }

    fn parsed<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.text(name)?;
        text.trim()
            .parse()
            .or_else(|error| self.refuse(name, error).ok_or(()))
            .ok()
    }

    fn refuse<T>(&mut self, name: &str, reason: impl Display) -> Option<T> {
        self.problems.push(format!("{name}: {reason}"));
        None
    }
}

fn key_ring<F: Fn(&str) -> Option<OsString>>(reader: &mut Reader<F>) -> Option<KeyRing> {
    if let Some(path) = reader.path("TENANTRY_KEYRING_FILE") {
        if reader.raw("TENANTRY_KEYRING").is_some() {
            return reader.refuse(
                "TENANTRY_KEYRING_FILE",
                "TENANTRY_KEYRING is set too: set one of them",
            );
        }
        return match std::fs::read_to_string(&path) {
            Ok(text) => text
                .parse()
                .or_else(|error| reader.refuse("TENANTRY_KEYRING_FILE", error).ok_or(()))
                .ok(),
            Err(error) => reader.refuse("TENANTRY_KEYRING_FILE", format!("{}: {error}", path.display())),
        };
    }
    reader.parsed("TENANTRY_KEYRING")
}

fn server<F: Fn(&str) -> Option<OsString>>(reader: &mut Reader<F>) -> ServerConfig {
    let listen = reader.text("TENANTRY_LISTEN").and_then(|text| {
        let form = "an address and a port is the form, such as 127.0.0.1:8080 or [::]:8080";
        text.trim()
            .parse()
            .or_else(|_| reader.refuse("TENANTRY_LISTEN", form).ok_or(()))
            .ok()
    });
    let listen = listen.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
    let base = reader.parsed("TENANTRY_BASE_DOMAIN").unwrap_or_else(localhost);
    let is_local = base == localhost();
    let mut config = ServerConfig::new(listen, base);
    config.public_scheme = match reader.text("TENANTRY_PUBLIC_SCHEME").as_deref() {
        Some("http") => Scheme::Http,
        None if is_local => Scheme::Http,
        Some("https") | None => Scheme::Https,
        Some(_) => reader
            .refuse("TENANTRY_PUBLIC_SCHEME", "it is http or https")
            .unwrap_or(Scheme::Https),
    };
    let default_port = is_local.then_some(listen.port());
    config.public_port = reader.parsed("TENANTRY_PUBLIC_PORT").or(default_port);
    let proxies = reader.text("TENANTRY_TRUSTED_PROXIES").unwrap_or_default();
    for entry in proxies
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
    {
        match entry.parse::<Network>() {
            Ok(network) => config.trusted_proxies.push(network),
            Err(error) => reader.problems.push(format!("TENANTRY_TRUSTED_PROXIES: {error}")),
        }
    }
    config
}

/// The domain of a developer's machine: its subdomains need no name server.
pub(crate) fn localhost() -> BaseDomain {
    "localhost".parse().expect("localhost is a host name")
}

fn log<F: Fn(&str) -> Option<OsString>>(reader: &mut Reader<F>) -> Option<String> {
    let text = reader.text("RUST_LOG")?;
    match EnvFilter::try_new(&text) {
        Ok(_) => Some(text),
        Err(error) => reader.refuse("RUST_LOG", error),
    }
}

/// The folders of the XDG Base Directory Specification, on every system.
fn demo_data<F: Fn(&str) -> Option<OsString>>(reader: &mut Reader<F>) -> Option<PathBuf> {
    reader.path("TENANTRY_DEMO_DATA").or_else(|| {
        let home = || reader.path("HOME").map(|home| home.join(".local/share"));
        let data = reader
            .path("XDG_DATA_HOME")
            .filter(|path| path.is_absolute())
            .or_else(home)?;
        Some(data.join("tenantry/demo"))
    })
}

fn postgres<F: Fn(&str) -> Option<OsString>>(reader: &mut Reader<F>) -> local::Settings {
    let home = || reader.path("HOME").map(|home| home.join(".cache"));
    let cache = reader
        .path("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(home);
    let search = local::Search {
        explicit: reader.path("TENANTRY_POSTGRES_BIN"),
        path: reader.raw("PATH"),
        download_to: cache.map(|cache| cache.join("tenantry/postgresql")),
    };
    let settings = local::Settings::new(search);
    match reader.path("TMPDIR") {
        Some(folder) => settings.temp_dir(folder),
        None => settings,
    }
}

/// Whoever is behind `sudo` is meant, not root.
fn person<F: Fn(&str) -> Option<OsString>>(reader: &mut Reader<F>) -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| reader.raw(name));
    let name = name.unwrap_or_default().to_string_lossy().into_owned();
    let plain = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
    let name: String = name.chars().filter(plain).take(63).collect();
    if name.is_empty() {
        "unknown".to_owned()
    } else {
        name
    }
}

/// A path says where the program is; a bare name is found through `PATH` again.
fn called(program: Option<OsString>) -> String {
    let program = program
        .map(|program| program.to_string_lossy().into_owned())
        .unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if program.contains('/') && program.chars().all(plain) {
        program
    } else {
        "tenantry".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(variables: &[(&str, &str)]) -> Result<Config, Problem> {
        let variable = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| OsString::from(value))
        };
        Config::resolve(variable, None)
    }

    #[test]
    fn an_empty_environment_is_a_developers_machine() {
        let config = resolve(&[]).unwrap();
        assert!(config.database.is_none() && config.key_ring.is_none() && config.demo_data.is_none());
        assert_eq!(config.server.tenant_origin("acme"), "http://acme.localhost:8080");
        assert_eq!(config.person, "unknown");
        assert_eq!(config.program, "tenantry");
    }

    #[test]
    fn a_domain_is_reached_by_https_on_its_own_port() {
        let config = resolve(&[("TENANTRY_BASE_DOMAIN", "example.com")]).unwrap();
        assert_eq!(config.server.tenant_origin("acme"), "https://acme.example.com");
    }

    #[test]
    fn all_problems_are_said_at_once_and_no_secret_is_repeated() {
        let error = resolve(&[
            ("DATABASE_URL", "mysql://u:hunter2@h/db"),
            ("TENANTRY_KEYRING", "hunter2"),
            ("TENANTRY_LISTEN", "8080"),
            ("TENANTRY_TRUSTED_PROXIES", "10.0.0.0/8, ten"),
            ("TENANTRY_PUBLIC_SCHEME", "gopher"),
        ]);
        let text = error.unwrap_err().to_string();
        for name in [
            "DATABASE_URL",
            "KEYRING",
            "LISTEN",
            "TRUSTED_PROXIES",
            "PUBLIC_SCHEME",
        ] {
            assert!(text.contains(name), "{name} in {text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn the_demo_lives_in_the_data_folder() {
        let home = resolve(&[("HOME", "/home/ann")]).unwrap();
        assert_eq!(
            home.demo_data.unwrap(),
            PathBuf::from("/home/ann/.local/share/tenantry/demo")
        );
        let data = resolve(&[("HOME", "/home/ann"), ("XDG_DATA_HOME", "/data")]).unwrap();
        assert_eq!(data.demo_data.unwrap(), PathBuf::from("/data/tenantry/demo"));
    }

    #[test]
    fn a_name_for_the_audit_log_is_plain() {
        let config = resolve(&[("USER", "root"), ("SUDO_USER", "ann' --")]).unwrap();
        assert_eq!(config.person, "ann--");
    }
}
