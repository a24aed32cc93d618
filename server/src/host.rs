//! Hosts: an exact reading of the authority a client asked for, and what it names.
//!
//! The parser is our own because a disagreement about a host is a disagreement about the tenant. It reads the
//! `uri-host [ ":" port ]` of RFC 9110, section 7.2, as far as names that DNS can hold and IP addresses go, and
//! refuses everything else instead of guessing.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use catalog::slug::Slug;

/// The platform's own host, in lower case and without a trailing dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseDomain(Box<str>);

/// What a host names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// The base domain itself.
    Platform,
    /// Exactly one label below the base domain, in the form of a slug; whether it is taken is another question.
    Tenant(Slug),
    /// A well-formed host that is none of ours.
    Unknown,
}

/// A text that is not an authority: no host, user information, a bad port, or characters no host name has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host is malformed")]
pub struct AuthorityError;

impl BaseDomain {
    /// The domain as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads an authority and says what it names; the port is checked, then ignored.
    pub fn classify(&self, authority: &str) -> Result<Host, AuthorityError> {
        let name = host_name(authority)?;
        if *name == *self.0 {
            return Ok(Host::Platform);
        }
        let label = name
            .strip_suffix(&*self.0)
            .and_then(|rest| rest.strip_suffix('.'));
        // A slug holds no dot, so two labels below the base are none of ours.
        Ok(label
            .and_then(|label| label.parse().ok())
            .map_or(Host::Unknown, Host::Tenant))
    }
}

impl FromStr for BaseDomain {
    type Err = AuthorityError;

    fn from_str(text: &str) -> Result<Self, AuthorityError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        check_name(name)?;
        Ok(Self(name.to_ascii_lowercase().into()))
    }
}

impl fmt::Display for BaseDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The host of an authority in lower case, one trailing dot stripped; the port is validated and dropped.
fn host_name(authority: &str) -> Result<Cow<'_, str>, AuthorityError> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, rest) = rest.split_once(']').ok_or(AuthorityError)?;
        address.parse::<Ipv6Addr>().map_err(|_| AuthorityError)?;
        if !rest.is_empty() {
            check_port(rest.strip_prefix(':').ok_or(AuthorityError)?)?;
        }
        return Ok(Cow::Borrowed(address));
    }
    let name = match authority.split_once(':') {
        Some((name, port)) => {
            check_port(port)?;
            name
        }
        None => authority,
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    check_name(name)?;
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Ok(Cow::Owned(name.to_ascii_lowercase()))
    } else {
        Ok(Cow::Borrowed(name))
    }
}

/// At most 253 characters in labels of 1 to 63 letters, digits and inner hyphens (RFC 1123, section 2.1).
fn check_name(name: &str) -> Result<(), AuthorityError> {
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if name.len() <= 253 && name.split('.').all(label_ok) {
        Ok(())
    } else {
        Err(AuthorityError)
    }
}

/// One to five digits that make a port from 1 to 65535.
fn check_port(port: &str) -> Result<(), AuthorityError> {
    let digits = (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(1..) if digits => Ok(()),
        _ => Err(AuthorityError),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base() -> BaseDomain {
        "example.com".parse().expect("a domain")
    }

    fn tenant(slug: &str) -> Host {
        Host::Tenant(slug.parse().expect("a slug"))
    }

    #[test]
    fn the_base_is_the_platform() {
        for authority in [
            "example.com",
            "EXAMPLE.com",
            "example.com.",
            "example.com:80",
            "example.com.:65535",
            "Example.Com:1",
        ] {
            assert_eq!(base().classify(authority), Ok(Host::Platform), "{authority:?}");
        }
    }

    #[test]
    fn one_label_below_is_a_tenant() {
        let longest = "a".repeat(63);
        for (authority, slug) in [
            ("acme.example.com", "acme"),
            ("ACME.example.com", "acme"),
            ("acme.example.com.", "acme"),
            ("acme.example.com:8080", "acme"),
            ("acme.example.com.:08080", "acme"),
            ("a-1.example.com", "a-1"),
            (&format!("{longest}.example.com"), &longest),
        ] {
            assert_eq!(base().classify(authority), Ok(tenant(slug)), "{authority:?}");
        }
    }

    #[test]
    fn other_hosts_are_unknown() {
        for authority in [
            "com",
            "example.org",
            "acme.example.org",
            "www.acme.example.com",
            "xexample.com",
            "acmeexample.com",
            "acme-example.com",
            "acme.example.com.evil.org",
            "ab.example.com",
            "1ab.example.com",
            "xn--acme.example.com",
            "127.0.0.1",
            "127.0.0.1:8080",
            "[::1]",
            "[::1]:8080",
            "localhost",
        ] {
            assert_eq!(base().classify(authority), Ok(Host::Unknown), "{authority:?}");
        }
    }

    #[test]
    fn malformed_authorities_are_refused() {
        let long_label = format!("{}.example.com", "a".repeat(64));
        let long_name = format!("{}example.com", "a.".repeat(130));
        for authority in [
            "",
            ".",
            ":80",
            "..",
            ".example.com",
            "acme..example.com",
            "acme.example.com..",
            "user@acme.example.com",
            "user:pass@acme.example.com",
            "acme.example.com:",
            "acme.example.com:0",
            "acme.example.com:65536",
            "acme.example.com:000080",
            "acme.example.com:+80",
            "acme.example.com:80:80",
            "acme.example.com:8o",
            "acme.example.com/",
            "acme.example.com?x",
            "acme.example.com#x",
            "acme.example.com\\",
            "acme example.com",
            " acme.example.com",
            "acme.example.com ",
            "acme.example.com,globex.example.com",
            "acme%2eexample.com",
            "acm\u{e9}.example.com",
            "acme\u{3002}example.com",
            "ac_me.example.com",
            "-acme.example.com",
            "acme-.example.com",
            "acme.example.com\0",
            "acme.example.com\t",
            "http://acme.example.com",
            "[::1",
            "[::1]8080",
            "[::1]:",
            "[acme.example.com]",
            "::1",
            "*.example.com",
            long_label.as_str(),
            long_name.as_str(),
        ] {
            assert_eq!(base().classify(authority), Err(AuthorityError), "{authority:?}");
        }
    }

    #[test]
    fn a_base_of_one_label_works_alike() {
        let base: BaseDomain = "localhost".parse().expect("a domain");
        assert_eq!(base.classify("localhost:8080"), Ok(Host::Platform));
        assert_eq!(base.classify("acme.localhost:8080"), Ok(tenant("acme")));
        assert_eq!(base.classify("a.b.localhost"), Ok(Host::Unknown));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(authority in "\\PC{0,80}") {
            let _ = base().classify(&authority);
        }

        #[test]
        fn a_slug_is_only_found_below_the_base(authority in "[a-zA-Z0-9.:@\\[\\]-]{0,20}(\\.example\\.com)?[.:0-9]{0,6}") {
            if let Ok(Host::Tenant(slug)) = base().classify(&authority) {
                let lower = authority.to_ascii_lowercase();
                let rest = lower.strip_prefix(&format!("{slug}.example.com"));
                let rest = rest.expect("a tenant's host begins with its slug and the base");
                let rest = rest.strip_prefix('.').unwrap_or(rest);
                prop_assert!(rest.is_empty() || rest.starts_with(':'));
            }
        }
    }
}
