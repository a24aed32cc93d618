//! Settings of the server, resolved by the binary: nothing here reads the environment.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use crate::host::BaseDomain;

mod attempts;
mod origins;

pub use attempts::{AttemptLimits, AttemptRates, Rate};
pub use origins::{AllowedOrigins, OriginError};

/// Everything the server can be told. Durations and sizes have defaults ([`ServerConfig::new`]).
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The platform's host; tenants are one label below it.
    pub base_domain: BaseDomain,
    /// How clients reach us from outside, for the `iss` of access tokens: `http` or `https`.
    pub public_scheme: Scheme,
    /// The port clients see, when it is not the scheme's own.
    pub public_port: Option<u16>,
    /// Whether `X-Organization: <slug>` on the base host names the tenant (for programs that cannot resolve
    /// `*.localhost`).
    pub allow_organization_header: bool,
    /// Proxies whose `X-Forwarded-Host` and `X-Forwarded-For` are believed.
    pub trusted_proxies: Vec<Network>,
    /// Origins whose pages may ask this server from a browser; of others, browsers keep the answers to themselves.
    pub allowed_origins: AllowedOrigins,
    /// The largest request body, in bytes.
    pub body_limit: usize,
    /// How long a request may take from its head to its answer.
    pub request_deadline: Duration,
    /// How long a client may take to send a request's body.
    pub body_deadline: Duration,
    /// Bodies received at once from callers who may send them; one more is answered with 503. While a body is being
    /// received its request does not count for [`ServerConfig::concurrency_limit`].
    pub bodies_at_once: usize,
    /// The largest body with credentials, in bytes: read before anybody knows who sends it.
    pub credentials_limit: usize,
    /// How long a client may take to send one.
    pub credentials_deadline: Duration,
    /// How many of them are received at once; one more is answered with 503.
    pub credentials_at_once: usize,
    /// How often clients may sign in, stay signed in and sign up.
    pub attempts: AttemptLimits,
    /// How long a client may take to send a request's head.
    pub head_deadline: Duration,
    /// How long a connection may be open without a request, whatever else is sent on it; it is closed after at most
    /// twice that time.
    pub idle_deadline: Duration,
    /// How long requests in flight may take to finish once a shutdown has begun.
    pub shutdown_grace: Duration,
    /// Requests handled at once; one more is answered with 503.
    pub concurrency_limit: usize,
    /// Of these, the requests of one tenant; one more is answered with 429. A plan may say less, never more.
    pub tenant_concurrency: usize,
    /// Connections held at once; more wait in the operating system's queue.
    pub connection_limit: usize,
    /// Connections of one client's network (an IPv4 address, or the first 64 bits of an IPv6 address) held at once; one
    /// more is closed. Trusted proxies may have as many as there are.
    pub connections_per_client: usize,
    /// How long a verified caller is remembered without asking the catalog again. What ends or changes it meanwhile is heard
    /// of at once, and nothing is believed while nothing can be heard. So a short time makes no answer truer: it only asks the
    /// catalog more often, for each caller of each tenant.
    pub caller_ttl: Duration,
}

impl ServerConfig {
    /// Settings for `base_domain` on `listen`, everything else by default.
    pub fn new(listen: SocketAddr, base_domain: BaseDomain) -> Self {
        Self {
            listen,
            base_domain,
            public_scheme: Scheme::Http,
            public_port: None,
            allow_organization_header: false,
            trusted_proxies: Vec::new(),
            allowed_origins: AllowedOrigins::default(),
            body_limit: 4 * 1024 * 1024,
            request_deadline: Duration::from_secs(15),
            body_deadline: Duration::from_secs(10),
            bodies_at_once: 256,
            credentials_limit: 16 * 1024,
            credentials_deadline: Duration::from_secs(2),
            credentials_at_once: 256,
            attempts: AttemptLimits::default(),
            head_deadline: Duration::from_secs(30),
            idle_deadline: Duration::from_secs(75),
            shutdown_grace: Duration::from_secs(10),
            concurrency_limit: 1024,
            tenant_concurrency: 512,
            connection_limit: 8192,
            connections_per_client: 256,
            caller_ttl: Duration::from_mins(5),
        }
    }

    /// The origin of a tenant (RFC 6454): the issuer its access tokens name.
    pub fn tenant_origin(&self, slug: &str) -> String {
        let (scheme, base) = (self.public_scheme.as_str(), self.base_domain.as_str());
        match self.public_port {
            Some(port) => format!("{scheme}://{slug}.{base}:{port}"),
            None => format!("{scheme}://{slug}.{base}"),
        }
    }

    /// Whether `peer` is one of the configured proxies.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(peer))
    }
}

/// How the world reaches the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Plain: on a developer's machine.
    Http,
    /// Behind a proxy that ends TLS.
    Https,
}

impl Scheme {
    /// The scheme as it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// An address with a prefix length (RFC 4632, RFC 4291): `10.0.0.0/8`, `::1/128`, or one address alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// A text that is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a network: an address such as 10.0.0.1, or one with a prefix length such as 10.0.0.0/8"
)]
pub struct NetworkError(String);

impl Network {
    /// Whether `address` lies in this network; an IPv4 address mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                net.to_bits() & mask == ip.to_bits() & mask
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                net.to_bits() & mask == ip.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let refused = || NetworkError(text.chars().take(80).collect());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().map_err(|_| refused())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(longest);
        if prefix <= longest {
            Ok(Self { address, prefix })
        } else {
            Err(refused())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_what_its_prefix_says() {
        for (network, address, held) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "::1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "fe80::1", true),
        ] {
            let parsed: Network = network.parse().expect(network);
            assert_eq!(
                parsed.contains(address.parse().expect(address)),
                held,
                "{address} in {network}"
            );
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "::/129",
            "ten",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
        ] {
            assert!(text.parse::<Network>().is_err(), "{text:?} must be refused");
        }
    }
}
