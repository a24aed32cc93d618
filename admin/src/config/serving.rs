//! How the server listens, how much it takes on, and how long it lets anything take.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use catalog::pg::pool::PoolSettings;
use server::ServerConfig;
use server::config::{Network, Scheme};
use server::host::BaseDomain;
use tenant_schema::exports::ExportSettings;
use tenant_schema::tenant_db::{LaneSettings, TenantDbSettings};

use super::quantity::{ByteCount, Interval};
use super::reader::Reader;

/// How many connections the server holds, and how long a statement may take on them.
#[derive(Debug, Clone)]
pub(crate) struct Sizing {
    /// The connections that read the catalog.
    pub(crate) catalog: PoolSettings,
    /// The connections to the tenants.
    pub(crate) tenants: TenantDbSettings,
}

/// The server's own settings and its connections'.
pub(super) fn serving(reader: &mut Reader<'_>) -> (ServerConfig, Sizing) {
    let mut config = address(reader);
    let sizing = Sizing {
        catalog: PoolSettings {
            size: reader.count("TENANTRY_CATALOG_CONNECTIONS", 1..=1_000, 4),
            ..PoolSettings::default()
        },
        tenants: tenants(reader, &mut config),
    };
    let limit = ByteCount(config.body_limit);
    config.body_limit = reader
        .within(
            "TENANTRY_BODY_LIMIT",
            ByteCount(1 << 10)..=ByteCount(1 << 30),
            limit,
        )
        .0;
    config.concurrency_limit = reader.count("TENANTRY_CONCURRENCY", 1..=100_000, config.concurrency_limit);
    let half = config.concurrency_limit.div_ceil(2);
    config.tenant_concurrency = reader.count("TENANTRY_TENANT_CONCURRENCY", 1..=100_000, half);
    (config, sizing)
}

/// The lanes, and three lengths of time that only make sense in this order: waiting for a lock ends before the
/// statement that waits, and the statement before the request, so that a client is told which of them it was.
fn tenants(reader: &mut Reader<'_>, config: &mut ServerConfig) -> TenantDbSettings {
    let default = TenantDbSettings::default();
    let known = reader.problems.len();
    let mut interval = |name, default| {
        let bounds = Interval(Duration::from_millis(10))..=Interval(Duration::from_hours(1));
        reader.within(name, bounds, Interval(default))
    };
    let statement = interval("TENANTRY_STATEMENT_TIMEOUT", default.statement_timeout);
    let lock = interval("TENANTRY_LOCK_TIMEOUT", default.lock_timeout);
    let request = interval("TENANTRY_REQUEST_DEADLINE", config.request_deadline);
    if reader.problems.len() == known {
        for (shorter, longer, [name, other]) in [
            (
                lock,
                statement,
                ["TENANTRY_LOCK_TIMEOUT", "TENANTRY_STATEMENT_TIMEOUT"],
            ),
            (
                statement,
                request,
                ["TENANTRY_STATEMENT_TIMEOUT", "TENANTRY_REQUEST_DEADLINE"],
            ),
        ] {
            if shorter >= longer {
                reader.problems.push(format!(
                    "{name}: {shorter} is not below {other}, which is {longer}"
                ));
            }
        }
    }
    config.request_deadline = request.0;
    // A body that takes longer than its whole request may is given up with the request.
    config.body_deadline = config.body_deadline.min(request.0);
    // By then every request in flight has its answer.
    config.shutdown_grace = config.shutdown_grace.max(request.0);
    let lanes = reader.count("TENANTRY_LANES", 1..=1_000, default.lanes.lanes);
    // One tenant with slow statements leaves a quarter of four or more to the others.
    let three_quarters = (lanes * 3).div_ceil(4);
    TenantDbSettings {
        lanes: LaneSettings {
            lanes,
            share: reader.count("TENANTRY_TENANT_LANES", 1..=1_000, three_quarters),
            ..default.lanes
        },
        statement_timeout: statement.0,
        lock_timeout: lock.0,
        exports: exports(reader),
    }
}

/// How many exports there may be, and how long each thing may take of them.
fn exports(reader: &mut Reader<'_>) -> ExportSettings {
    let default = ExportSettings::default();
    let mut interval = |name, default| {
        let bounds = Interval(Duration::from_millis(10))..=Interval(Duration::from_hours(24));
        reader.within(name, bounds, Interval(default)).0
    };
    let fetch = interval("TENANTRY_EXPORT_FETCH_TIMEOUT", default.fetch);
    let stall = interval("TENANTRY_EXPORT_STALL_TIMEOUT", default.stall);
    let duration = interval("TENANTRY_EXPORT_DEADLINE", default.duration);
    let at_once = reader.count("TENANTRY_EXPORTS", 1..=1_000, default.at_once);
    ExportSettings {
        at_once,
        of_one_tenant: reader.count("TENANTRY_TENANT_EXPORTS", 1..=1_000, at_once.div_ceil(2)),
        fetch,
        stall,
        duration,
    }
}

/// Where the server listens, and what clients see of that.
fn address(reader: &mut Reader<'_>) -> ServerConfig {
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
    config.allowed_origins = reader.parsed("TENANTRY_ALLOWED_ORIGINS").unwrap_or_default();
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
