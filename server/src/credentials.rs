//! What a request presents to say who it is from, before anybody has looked whether it is true.
//!
//! `Authorization: Bearer <access token or API key>` (RFC 6750, section 2.1) or `apikey: <API key>`. supabase-js
//! sends both: its key as `apikey`, and as Bearer the same key or, once somebody has signed in, their access token.

use axum::http::{HeaderMap, HeaderName, header};

use crate::headers::{NotSingle, single_text};

const API_KEY: HeaderName = HeaderName::from_static("apikey");

/// Longer texts are no credential of ours.
const LONGEST: usize = 4096;

/// One credential, by its form.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential<'a> {
    /// Three parts joined by dots: an access token (RFC 7515, section 7.1).
    Token(&'a str),
    /// Anything else: an API key.
    Key(&'a str),
}

/// The credential that decides, and the key that came along with a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Presented<'a> {
    pub(crate) credential: Credential<'a>,
    /// The `apikey` beside an access token: it must belong to the same organization.
    pub(crate) beside: Option<&'a str>,
}

/// Why presented credentials cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// A header that may stand once stands twice.
    Repeated,
    /// Not the Bearer scheme, not a token's characters, or two different keys.
    Malformed,
}

/// Reads the headers; `None` when they present nothing.
pub(crate) fn presented(headers: &HeaderMap) -> Result<Option<Presented<'_>>, Unreadable> {
    let bearer = match single_text(headers, &header::AUTHORIZATION)? {
        Some(value) => Some(bearer(value)?),
        None => None,
    };
    let key = match single_text(headers, &API_KEY)? {
        Some(value) => Some(token68(value)?),
        None => None,
    };
    let (credential, beside) = match (bearer.map(Credential::of), key) {
        (None, None) => return Ok(None),
        (None, Some(key)) => (Credential::Key(key), None),
        (Some(Credential::Key(bearer)), Some(key)) if bearer != key => return Err(Unreadable::Malformed),
        (Some(Credential::Key(bearer)), _) => (Credential::Key(bearer), None),
        (Some(Credential::Token(token)), beside) => (Credential::Token(token), beside),
    };
    Ok(Some(Presented { credential, beside }))
}

impl<'a> Credential<'a> {
    fn of(text: &'a str) -> Self {
        if text.bytes().filter(|b| *b == b'.').count() == 2 {
            Self::Token(text)
        } else {
            Self::Key(text)
        }
    }
}

impl From<NotSingle> for Unreadable {
    fn from(not_single: NotSingle) -> Self {
        match not_single {
            NotSingle::Repeated => Self::Repeated,
            NotSingle::NotText => Self::Malformed,
        }
    }
}

/// The scheme's name is read without regard to case, one or more spaces follow it (RFC 9110, section 11.4).
fn bearer(value: &str) -> Result<&str, Unreadable> {
    let (scheme, rest) = value.split_once(' ').ok_or(Unreadable::Malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        token68(rest.trim_start_matches(' '))
    } else {
        Err(Unreadable::Malformed)
    }
}

/// The characters of `b64token` (RFC 6750, section 2.1).
fn token68(text: &str) -> Result<&str, Unreadable> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
    if (1..=LONGEST).contains(&text.len()) && text.bytes().all(known) {
        Ok(text)
    } else {
        Err(Unreadable::Malformed)
    }
}

impl std::fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(…)",
            Self::Key(_) => "Key(…)",
        })
    }
}

impl std::fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presented({:?})", self.credential)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a header value"));
        }
        headers
    }

    #[test]
    fn credentials_are_read_in_every_way_clients_send_them() {
        let token = |token, beside| {
            Some(Presented {
                credential: Credential::Token(token),
                beside,
            })
        };
        let key = |key| {
            Some(Presented {
                credential: Credential::Key(key),
                beside: None,
            })
        };
        for (pairs, expected) in [
            (&[][..], None),
            (&[("authorization", "Bearer a.b.c")], token("a.b.c", None)),
            (&[("authorization", "bearer   a.b.c")], token("a.b.c", None)),
            (&[("authorization", "BEARER tk_x")], key("tk_x")),
            (&[("apikey", "tk_x")], key("tk_x")),
            (
                &[("apikey", "tk_x"), ("authorization", "Bearer tk_x")],
                key("tk_x"),
            ),
            (
                &[("apikey", "tk_x"), ("authorization", "Bearer a.b.c")],
                token("a.b.c", Some("tk_x")),
            ),
        ] {
            assert_eq!(presented(&headers(pairs)), Ok(expected), "{pairs:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        use Unreadable::{Malformed, Repeated};
        let long = format!("Bearer {}", "a".repeat(5000));
        for (pairs, expected) in [
            (
                &[
                    ("authorization", "Bearer a.b.c"),
                    ("authorization", "Bearer a.b.c"),
                ][..],
                Repeated,
            ),
            (&[("apikey", "tk_x"), ("apikey", "tk_x")], Repeated),
            (&[("apikey", "tk_x"), ("authorization", "Bearer tk_y")], Malformed),
            (&[("authorization", "")], Malformed),
            (&[("authorization", "Bearer")], Malformed),
            (&[("authorization", "Bearer ")], Malformed),
            (&[("authorization", "Basic YTpi")], Malformed),
            (&[("authorization", "a.b.c")], Malformed),
            (&[("authorization", "Bearer a b")], Malformed),
            (&[("authorization", "Bearer a,b")], Malformed),
            (&[("authorization", long.as_str())], Malformed),
            (&[("apikey", "")], Malformed),
            (&[("apikey", "tk x")], Malformed),
        ] {
            assert_eq!(presented(&headers(pairs)), Err(expected), "{pairs:?}");
        }
    }

    #[test]
    fn credentials_do_not_print() {
        let headers = headers(&[("authorization", "Bearer a.secret.c"), ("apikey", "tk_secret")]);
        assert!(!format!("{:?}", presented(&headers)).contains("secret"));
    }
}
