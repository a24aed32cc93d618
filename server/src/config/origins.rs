//! Whose pages may ask the server from a browser.

use std::str::FromStr;

/// The origins that browsers may ask from; none by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AllowedOrigins(Vec<AllowedOrigin>);

/// `*`, one origin (RFC 6454, section 6.2), or one host at any port.
#[derive(Debug, Clone, PartialEq, Eq)]
enum AllowedOrigin {
    Any,
    Exact(String),
    AnyPort(String),
}

/// A text that is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an origin: a scheme, a host and a port if it is not the scheme's, such as https://app.example.com, \
     http://localhost:5173, http://localhost:* for any port, or * for every origin"
)]
pub struct OriginError(String);

impl AllowedOrigins {
    /// Applications on this machine, at whatever port their tools serve them.
    pub fn of_this_machine() -> Self {
        let hosts = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
        Self(hosts.map(|host| AllowedOrigin::AnyPort(host.to_owned())).into())
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All there are, and more.
    pub fn are_all(&self) -> bool {
        self.0.contains(&AllowedOrigin::Any)
    }

    /// Whether a page of `origin`, as a browser says it, may ask.
    pub fn allow(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| match allowed {
            AllowedOrigin::Any => true,
            AllowedOrigin::Exact(exact) => exact == origin,
            AllowedOrigin::AnyPort(host) => origin
                .strip_prefix(host.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port)),
        })
    }
}

impl FromStr for AllowedOrigins {
    type Err = OriginError;

    /// Origins between commas.
    fn from_str(text: &str) -> Result<Self, OriginError> {
        let listed = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        listed.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for AllowedOrigin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let refused = || OriginError(text.chars().take(80).collect());
        if text == "*" {
            return Ok(Self::Any);
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(refused)?;
        let host = match rest.rsplit_once(':') {
            Some((host, port)) if port == "*" || is_port(port) => host,
            _ => rest,
        };
        let is_name = |host: &str| {
            let known = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-.".contains(&c);
            !host.is_empty() && host.bytes().all(known)
        };
        let is_address = |host: &str| {
            let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
        };
        if !["http", "https"].contains(&scheme) || !(is_name(host) || is_address(host)) {
            return Err(refused());
        }
        Ok(match text.strip_suffix(":*") {
            Some(host) => Self::AnyPort(host.to_owned()),
            None => Self::Exact(text.to_owned()),
        })
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_compared_as_browsers_say_them() {
        for (allowed, origin, is_allowed) in [
            ("", "https://a.example", false),
            ("https://a.example", "https://a.example", true),
            ("https://a.example", "http://a.example", false),
            ("https://a.example", "https://a.example:8443", false),
            ("https://a.example", "https://a.example.evil.test", false),
            ("https://a.example", "null", false),
            (
                "https://b.example, https://a.example:8443",
                "https://a.example:8443",
                true,
            ),
            ("http://localhost:*", "http://localhost:5173", true),
            ("http://localhost:*", "http://localhost", true),
            ("http://localhost:*", "http://localhost:", false),
            ("http://localhost:*", "http://localhost:5173.evil.test", false),
            ("http://localhost:*", "http://localhost.evil.test", false),
            ("http://[::1]:*", "http://[::1]:80", true),
            ("*", "https://a.example", true),
            ("*", "null", true),
        ] {
            let allowed: AllowedOrigins = allowed.parse().expect("origins");
            assert_eq!(allowed.allow(origin), is_allowed, "{origin} by {allowed:?}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "a.example",
            "https://",
            "https://a.example/",
            "https://a.example/x",
            "https://A.example",
            "https://*.example",
            "https://me@a.example",
            "ftp://a.example",
            "https://a.example:99999",
            "https://[::g]",
            "null",
        ] {
            let refused = text.parse::<AllowedOrigins>().expect_err(text).to_string();
            assert!(refused.contains(text), "{refused}");
        }
    }
}
