//! Errors that functions and triggers of a template raise for the client, with a status of their choice.
//!
//! PostgREST has two ways ("Errors", "RAISE errors with HTTP Status Codes"): SQLSTATE `PTxyz` with the status as its
//! last three characters, and SQLSTATE `PGRST` with JSON in message and detail, which can set headers too.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{DatabaseFault, RecordError, shorten};

/// An error in a template's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Raised {
    /// The HTTP status, 200 to 599.
    pub status: u16,
    /// The `code` of the error body.
    pub code: String,
    message: String,
    pub(super) details: Option<String>,
    pub(super) hint: Option<String>,
    /// Headers to answer with. Names are tokens and values are visible ASCII (RFC 9110, sections 5.1 and 5.5).
    pub headers: Vec<(String, String)>,
}

/// Headers that a template may set beside those of its own (`X-…`): they are about the error. The others say how an
/// answer is sent, cached, shared with other sites or signed in with, which is the server's business.
const ALLOWED: [&str; 3] = ["link", "retry-after", "www-authenticate"];

/// The message of an error with SQLSTATE `PGRST`.
#[derive(Deserialize)]
struct Said {
    code: String,
    message: String,
    details: Option<String>,
    hint: Option<String>,
}

/// The detail of an error with SQLSTATE `PGRST`.
#[derive(Deserialize)]
struct Detail {
    status: u16,
    headers: BTreeMap<String, String>,
}

/// The error that was raised for the client, if it was for the client.
pub(super) fn raised(fault: &DatabaseFault<'_>) -> Option<RecordError> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    if fault.sqlstate == "PGRST" {
        return Some(from_json(fault));
    }
    let status = fault.sqlstate.strip_prefix("PT")?.parse().unwrap_or(0);
    if !is_status(status) {
        return Some(RecordError::BadRaise(format!(
            "SQLSTATE {} has no HTTP status: {}",
            fault.sqlstate, fault.message
        )));
    }
    Some(RecordError::Raised(Box::new(Raised {
        status,
        code: fault.sqlstate.to_owned(),
        message: fault.message.to_owned(),
        details: owned(fault.detail),
        hint: owned(fault.hint),
        headers: Vec::new(),
    })))
}

fn from_json(fault: &DatabaseFault<'_>) -> RecordError {
    let bad = |part: &str, said: &str, why: &dyn std::fmt::Display| {
        RecordError::BadRaise(format!("{part} of an error PGRST, {}: {why}", shorten(said)))
    };
    let message: Said = match serde_json::from_str(fault.message) {
        Ok(message) => message,
        Err(error) => return bad("message", fault.message, &error),
    };
    let said = fault.detail.unwrap_or_default();
    let detail: Detail = match serde_json::from_str(said) {
        Ok(detail) => detail,
        Err(error) => return bad("detail", said, &error),
    };
    if !is_status(detail.status) || !detail.headers.iter().all(is_header) {
        return bad("detail", said, &"not an HTTP status or not an HTTP header");
    }
    let mut headers: Vec<_> = detail.headers.into_iter().collect();
    headers.retain(|(name, _)| is_allowed(name));
    RecordError::Raised(Box::new(Raised {
        status: detail.status,
        code: message.code,
        message: message.message,
        details: message.details,
        hint: message.hint,
        headers,
    }))
}

fn is_status(status: u16) -> bool {
    (200..=599).contains(&status)
}

fn is_allowed(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("x-") || ALLOWED.contains(&name.as_str())
}

fn is_header((name, value): (&String, &String)) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_visible = |byte: u8| byte == b' ' || byte == b'\t' || byte.is_ascii_graphic();
    !name.is_empty() && name.bytes().all(is_token) && value.bytes().all(is_visible)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault<'a>(sqlstate: &'a str, message: &'a str, detail: Option<&'a str>) -> DatabaseFault<'a> {
        DatabaseFault {
            sqlstate,
            message,
            detail,
            hint: Some("Upgrade your plan"),
            ..DatabaseFault::default()
        }
    }

    #[test]
    fn a_state_may_be_a_status() {
        let error = raised(&fault("PT402", "Payment Required", Some("Quota exceeded"))).unwrap();
        assert_eq!((error.code(), error.status()), ("PT402", 402));
        assert_eq!(error.message(), "Payment Required");
        assert_eq!(error.details().as_deref(), Some("Quota exceeded"));
        assert_eq!(error.hint().as_deref(), Some("Upgrade your plan"));
        for none in ["PTabc", "PT099", "PT600"] {
            let error = raised(&fault(none, "x", None)).unwrap();
            assert_eq!((error.code(), error.status()), ("PGRST121", 500), "{none}");
        }
        assert_eq!(raised(&fault("P0001", "x", None)), None);
    }

    #[test]
    fn a_message_may_be_json() {
        let message = r#"{"code":"123","message":"Payment Required","details":"Quota exceeded"}"#;
        let detail = r#"{"status":402,"headers":{"X-Powered-By":"Nerd Rage","content-length":"3",
            "Set-Cookie":"a=b","Access-Control-Allow-Origin":"*","Location":"/","Retry-After":"9"}}"#;
        let error = raised(&fault("PGRST", message, Some(detail))).unwrap();
        assert_eq!((error.code(), error.status()), ("123", 402));
        assert_eq!(error.details().as_deref(), Some("Quota exceeded"));
        assert_eq!(error.hint(), None);
        let RecordError::Raised(raised) = error else {
            unreachable!()
        };
        assert_eq!(
            raised.headers,
            [("Retry-After", "9"), ("X-Powered-By", "Nerd Rage")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn what_a_template_raises_wrongly_is_its_fault() {
        let message = r#"{"code":"123","message":"Payment Required"}"#;
        for (message, detail) in [
            ("Payment Required", Some("{}")),
            (message, None),
            (message, Some(r#"{"status":402}"#)),
            (message, Some(r#"{"status":42,"headers":{}}"#)),
            (message, Some(r#"{"status":402,"headers":{"a b":"c"}}"#)),
            (message, Some(r#"{"status":402,"headers":{"a":"b\r\nc"}}"#)),
        ] {
            let error = raised(&fault("PGRST", message, detail)).unwrap();
            assert_eq!(
                (error.code(), error.status()),
                ("PGRST121", 500),
                "{message} {detail:?}"
            );
            assert!(error.cause().is_some());
        }
    }
}
