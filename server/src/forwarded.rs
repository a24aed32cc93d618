//! What reached us through whom: the authority and the address a request came from.
//!
//! `X-Forwarded-Host` and `X-Forwarded-For` are claims of whoever sent them: they count only when the other end of
//! the connection is a configured proxy. `Forwarded` and `X-Forwarded-Proto` are never read; the public scheme is
//! a setting.

use std::net::IpAddr;

use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, header};

use crate::config::ServerConfig;
use crate::headers::{NotSingle, single_text};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the other end of the connection; absent where there is no connection (in-process calls).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// A request whose host is missing, given twice, contradictory or not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoSingleHost;

impl From<NotSingle> for NoSingleHost {
    fn from(_: NotSingle) -> Self {
        Self
    }
}

/// The authority the client asked for (RFC 9110, section 7.2: the target's own, otherwise the one `Host`).
pub(crate) fn authority<'a>(parts: &'a Parts, config: &ServerConfig) -> Result<&'a str, NoSingleHost> {
    let host = single_text(&parts.headers, &header::HOST)?;
    if trusted_peer(&parts.extensions, config).is_some()
        && let Some(forwarded) = single_text(&parts.headers, &FORWARDED_HOST)?
    {
        return Ok(forwarded);
    }
    match (parts.uri.authority(), host) {
        (Some(target), Some(host)) if !target.as_str().eq_ignore_ascii_case(host) => Err(NoSingleHost),
        (Some(target), _) => Ok(target.as_str()),
        (None, Some(host)) => Ok(host),
        (None, None) => Err(NoSingleHost),
    }
}

/// The address of the client: the peer's, or behind trusted proxies the last one in `X-Forwarded-For` that is none
/// of them.
pub(crate) fn client_address(
    headers: &HeaderMap,
    extensions: &Extensions,
    config: &ServerConfig,
) -> Option<IpAddr> {
    let Some(peer) = trusted_peer(extensions, config) else {
        return extensions.get::<Peer>().map(|peer| peer.0);
    };
    let hops = headers
        .get_all(&FORWARDED_FOR)
        .iter()
        .rev()
        .filter_map(|value| value.to_str().ok());
    let mut nearest = peer;
    for hop in hops.flat_map(|value| value.rsplit(',')) {
        match hop.trim().parse::<IpAddr>() {
            Ok(address) if config.trusts(address) => nearest = address,
            Ok(address) => return Some(address),
            Err(_) => break,
        }
    }
    Some(nearest)
}

fn trusted_peer(extensions: &Extensions, config: &ServerConfig) -> Option<IpAddr> {
    let Peer(address) = *extensions.get::<Peer>()?;
    config.trusts(address).then_some(address)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn config() -> ServerConfig {
        let listen = "127.0.0.1:0".parse().expect("an address");
        let mut config = ServerConfig::new(listen, "example.com".parse().expect("a domain"));
        config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a network")];
        config
    }

    fn parts(uri: &str, peer: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        parts.extensions.insert(Peer(peer.parse().expect("an address")));
        parts
    }

    #[test]
    fn the_target_or_the_one_host_header_counts() {
        for (uri, headers, expected) in [
            ("/", &[("host", "a.example.com")][..], Ok("a.example.com")),
            ("http://a.example.com/", &[], Ok("a.example.com")),
            (
                "http://a.example.com/",
                &[("host", "A.example.com")],
                Ok("a.example.com"),
            ),
            (
                "http://a.example.com/",
                &[("host", "b.example.com")],
                Err(NoSingleHost),
            ),
            ("/", &[], Err(NoSingleHost)),
            (
                "/",
                &[("host", "a.example.com"), ("host", "b.example.com")],
                Err(NoSingleHost),
            ),
            (
                "/",
                &[("host", "a.example.com"), ("host", "a.example.com")],
                Err(NoSingleHost),
            ),
        ] {
            let parts = parts(uri, "203.0.113.9", headers);
            assert_eq!(authority(&parts, &config()), expected, "{uri} {headers:?}");
        }
    }

    #[test]
    fn forwarded_hosts_count_from_proxies_only() {
        let headers = [("host", "a.example.com"), ("x-forwarded-host", "b.example.com")];
        assert_eq!(
            authority(&parts("/", "203.0.113.9", &headers), &config()),
            Ok("a.example.com")
        );
        assert_eq!(
            authority(&parts("/", "10.1.2.3", &headers), &config()),
            Ok("b.example.com")
        );
    }

    #[test]
    fn the_client_is_the_last_hop_that_is_no_proxy() {
        for (peer, forwarded, expected) in [
            ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
            ("10.1.2.3", "198.51.100.7", "198.51.100.7"),
            ("10.1.2.3", "1.1.1.1, 198.51.100.7, 10.9.9.9", "198.51.100.7"),
            ("10.1.2.3", "nonsense", "10.1.2.3"),
        ] {
            let parts = parts(
                "/",
                peer,
                &[("host", "example.com"), ("x-forwarded-for", forwarded)],
            );
            let client = client_address(&parts.headers, &parts.extensions, &config());
            assert_eq!(client, Some(expected.parse().expect("an address")));
        }
    }
}
