//! Settings, resolved once from the environment. Everything that is wrong is said at once, and no secret is repeated.

mod quantity;
mod reader;
mod serving;

use std::ffi::OsString;
use std::path::PathBuf;

use catalog::pg::config::PgConfig;
use catalog::pg::local;
use catalog::seal::KeyRing;
use chrono::TimeDelta;
use secrecy::SecretString;
use server::ServerConfig;
use tenant_schema::template::Template;
use tracing_subscriber::EnvFilter;

pub(crate) use self::quantity::{ByteCount, Interval};
use self::reader::Reader;
pub(crate) use self::serving::{Sizing, localhost};
use crate::cli::Lifetime;
use crate::failure::Problem;

/// Everything the environment says.
#[derive(Debug)]
pub(crate) struct Config {
    /// The owner's connection.
    pub(crate) database: Option<PgConfig>,
    /// The connection of the server's login.
    pub(crate) server_database: Option<PgConfig>,
    /// The connection of the server's login that goes past a pooler, to listen for changes.
    pub(crate) server_direct_database: Option<PgConfig>,
    /// The owner's connection to the database that a tenant is moved to.
    pub(crate) target_database: Option<PgConfig>,
    /// The password `init` gives to the server's login.
    pub(crate) server_password: Option<SecretString>,
    /// What opens the signing keys.
    pub(crate) key_ring: Option<KeyRing>,
    /// What tenants are built from.
    pub(crate) template: Template,
    /// Where and for whom to serve.
    pub(crate) server: ServerConfig,
    /// How many connections the server holds, and how long a statement may take on them.
    pub(crate) sizing: Sizing,
    /// What is logged, in the form of `RUST_LOG`.
    log: Option<String>,
    /// The demo's folder; `None` without a home.
    pub(crate) demo_data: Option<PathBuf>,
    /// Where PostgreSQL's programs are looked for.
    pub(crate) postgres: local::Settings,
    /// The login name of whoever runs this, for the audit log: letters, digits, `.`, `_` and `-`.
    pub(crate) person: String,
    /// How long a dropped tenant can be brought back.
    pub(crate) drop_grace: TimeDelta,
    /// How this program was called, for lines that can be pasted.
    pub(crate) program: String,
}

impl Config {
    /// Reads the process's environment. A folder given on the command line goes before `TENANTRY_TEMPLATE`.
    pub(crate) fn from_environment(template: Option<PathBuf>) -> Result<Self, Problem> {
        let program = std::env::args_os().next();
        let template = template.map(PathBuf::into_os_string);
        let variable = |name: &str| match (name, &template) {
            ("TENANTRY_TEMPLATE", Some(folder)) => Some(folder.clone()),
            _ => std::env::var_os(name),
        };
        Self::resolve(variable, program)
    }

    /// The filter of the logs, or `default` where `RUST_LOG` says nothing.
    pub(crate) fn log_filter(&self, default: &str) -> EnvFilter {
        EnvFilter::new(self.log.as_deref().unwrap_or(default))
    }

    fn resolve(
        variable: impl Fn(&str) -> Option<OsString>,
        program: Option<OsString>,
    ) -> Result<Self, Problem> {
        let mut reader = Reader::new(&variable);
        let (server, sizing) = serving::serving(&mut reader);
        let config = Self {
            database: unpooled(&mut reader, "DATABASE_URL"),
            server_database: reader.parsed("SERVER_DATABASE_URL"),
            server_direct_database: unpooled(&mut reader, "SERVER_DIRECT_DATABASE_URL"),
            target_database: unpooled(&mut reader, "TARGET_DATABASE_URL"),
            server_password: reader.text("TENANTRY_SERVER_PASSWORD").map(SecretString::from),
            key_ring: key_ring(&mut reader),
            template: template(&mut reader),
            server,
            sizing,
            log: log(&mut reader),
            demo_data: demo_data(&mut reader),
            postgres: postgres(&mut reader),
            person: person(&mut reader),
            drop_grace: reader
                .parsed::<Lifetime>("TENANTRY_DROP_GRACE")
                .map_or(TimeDelta::days(30), |grace| grace.0),
            program: called(program),
        };
        match reader.problems.as_slice() {
            [] => Ok(config),
            problems => Err(Problem::environment(
                format!("the environment is not usable:\n  - {}", problems.join("\n  - ")),
                "correct these variables; `tenantry serve --help` explains all of them",
            )),
        }
    }
}

/// The commands work in long transactions with locks and may listen: a pooler would only be in their way.
fn unpooled(reader: &mut Reader<'_>, name: &str) -> Option<PgConfig> {
    let config: PgConfig = reader.parsed(name)?;
    if config.is_pooled() {
        return reader.refuse(
            name,
            "pooler=transaction is for SERVER_DATABASE_URL only: name PostgreSQL itself here",
        );
    }
    Some(config)
}

fn key_ring(reader: &mut Reader<'_>) -> Option<KeyRing> {
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

fn template(reader: &mut Reader<'_>) -> Template {
    let Some(folder) = reader.path("TENANTRY_TEMPLATE") else {
        return Template::shipped();
    };
    Template::read(&folder).unwrap_or_else(|error| {
        reader
            .problems
            .push(format!("TENANTRY_TEMPLATE, --template: {error}"));
        Template::shipped()
    })
}

fn log(reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text("RUST_LOG")?;
    match EnvFilter::try_new(&text) {
        Ok(_) => Some(text),
        Err(error) => reader.refuse("RUST_LOG", error),
    }
}

/// The folders of the XDG Base Directory Specification, on every system.
fn demo_data(reader: &mut Reader<'_>) -> Option<PathBuf> {
    reader.path("TENANTRY_DEMO_DATA").or_else(|| {
        let home = || reader.path("HOME").map(|home| home.join(".local/share"));
        let data = reader
            .path("XDG_DATA_HOME")
            .filter(|path| path.is_absolute())
            .or_else(home)?;
        Some(data.join("tenantry/demo"))
    })
}

fn postgres(reader: &mut Reader<'_>) -> local::Settings {
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
fn person(reader: &mut Reader<'_>) -> String {
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

/// The names of the variables that are Tenantry's own, in the order in which they are asked for.
#[cfg(test)]
pub(crate) fn variables() -> Vec<String> {
    let asked = std::cell::RefCell::new(Vec::new());
    let note = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        None
    };
    Config::resolve(note, None).expect("an empty environment is usable");
    let mut names = asked.into_inner();
    names
        .retain(|name| name.starts_with("TENANTRY_") || name.ends_with("DATABASE_URL") || name == "RUST_LOG");
    names
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
    fn a_pooler_is_for_the_server_only() {
        let pooled = "postgres://h/app?pooler=transaction";
        let config = resolve(&[("SERVER_DATABASE_URL", pooled)]).unwrap();
        assert!(config.server_database.unwrap().is_pooled());
        for name in ["DATABASE_URL", "SERVER_DIRECT_DATABASE_URL"] {
            let text = resolve(&[(name, pooled)]).unwrap_err().to_string();
            let part = format!("{name}: pooler=transaction is for SERVER_DATABASE_URL only");
            assert!(text.contains(&part), "{text}");
        }
    }

    #[test]
    fn a_server_is_sized() {
        let config = resolve(&[
            ("TENANTRY_LANES", "8"),
            ("TENANTRY_TENANT_LANES", "3"),
            ("TENANTRY_CATALOG_CONNECTIONS", "6"),
            ("TENANTRY_STATEMENT_TIMEOUT", "1m"),
            ("TENANTRY_LOCK_TIMEOUT", "500ms"),
            ("TENANTRY_REQUEST_DEADLINE", "61s"),
            ("TENANTRY_BODY_LIMIT", "512KiB"),
            ("TENANTRY_CONCURRENCY", "64"),
            ("TENANTRY_EXPORTS", "6"),
            ("TENANTRY_EXPORT_STALL_TIMEOUT", "10s"),
        ])
        .unwrap();
        let tenants = &config.sizing.tenants;
        assert_eq!(
            (
                tenants.lanes.lanes,
                tenants.lanes.share,
                config.sizing.catalog.size
            ),
            (8, 3, 6)
        );
        let exports = &tenants.exports;
        assert_eq!((exports.at_once, exports.of_one_tenant), (6, 3));
        assert_eq!(exports.stall, Duration::from_secs(10));
        assert_eq!(exports.duration, Duration::from_hours(1));
        assert_eq!(tenants.statement_timeout, Duration::from_mins(1));
        assert_eq!(tenants.lock_timeout, Duration::from_millis(500));
        assert_eq!(config.server.request_deadline, Duration::from_secs(61));
        assert_eq!(config.server.shutdown_grace, Duration::from_secs(61));
        assert_eq!(
            (config.server.body_limit, config.server.concurrency_limit),
            (512 << 10, 64)
        );
    }

    #[test]
    fn sizes_out_of_bounds_are_refused_together() {
        let error = resolve(&[
            ("TENANTRY_LANES", "0"),
            ("TENANTRY_TENANT_LANES", "many"),
            ("TENANTRY_CATALOG_CONNECTIONS", "-1"),
            ("TENANTRY_LOCK_TIMEOUT", "3"),
            ("TENANTRY_BODY_LIMIT", "2048MiB"),
            ("TENANTRY_CONCURRENCY", "0"),
        ]);
        let text = error.unwrap_err().to_string();
        for part in [
            "TENANTRY_LANES: a whole number between 1 and 1000 is the form",
            "TENANTRY_TENANT_LANES: a whole number",
            "TENANTRY_CATALOG_CONNECTIONS: ",
            "TENANTRY_LOCK_TIMEOUT: a whole number and ms",
            "TENANTRY_BODY_LIMIT: 2048MiB is out of bounds: between 1KiB and 1024MiB is taken",
            "TENANTRY_CONCURRENCY: ",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_lock_is_waited_for_no_longer_than_a_statement_runs_nor_that_longer_than_the_request() {
        for (variables, part) in [
            (
                [("TENANTRY_STATEMENT_TIMEOUT", "15s"), ("TENANTRY_LISTEN", "")],
                "TENANTRY_STATEMENT_TIMEOUT: 15s is not below TENANTRY_REQUEST_DEADLINE, which is 15s",
            ),
            (
                [
                    ("TENANTRY_STATEMENT_TIMEOUT", "2s"),
                    ("TENANTRY_REQUEST_DEADLINE", "5s"),
                ],
                "TENANTRY_LOCK_TIMEOUT: 3s is not below TENANTRY_STATEMENT_TIMEOUT, which is 2s",
            ),
        ] {
            let text = resolve(&variables).unwrap_err().to_string();
            assert!(text.contains(part), "{text}");
        }
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
