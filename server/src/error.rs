//! The one error a handler returns, and its body: RFC 9457 problem details with PostgREST's members inside.
//!
//! A handler or extractor makes an [`ApiError`]; it travels to the frame around the router as a response extension
//! and is written there once, because only the frame knows the request's id and path. What went wrong inside
//! (status 5xx) is logged with its whole chain and answered with a fixed sentence.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use catalog::limits::Room;
use serde::Serialize;
use serde_json::Value;
use tenant_schema::records::Candidate;

type Text = Cow<'static, str>;

/// An answer that is not the one asked for. Cheap to move; built by the constructors below.
#[derive(Debug)]
pub struct ApiError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    code: Text,
    auth_code: Option<&'static str>,
    message: Text,
    details: Option<Text>,
    /// What an ambiguous request could mean, in place of the details.
    candidates: Vec<Candidate>,
    /// What a program wants to know, in place of the details.
    particulars: Option<Value>,
    hint: Option<Text>,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    /// What there is too much of, where that is all that went wrong.
    shed: Option<&'static str>,
}

/// One thing wrong with a request that was understood.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct FieldError {
    /// The field it concerns.
    pub field: String,
    /// What is wrong with it, as a code for programs.
    pub code: Text,
    /// The same as a sentence.
    pub message: String,
}

/// Why credentials were not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unauthorized {
    /// There are none.
    Missing,
    /// They are not ours, revoked, or contradict each other.
    Invalid,
    /// They were ours once.
    Expired,
}

impl ApiError {
    fn new(status: StatusCode, code: impl Into<Text>, message: impl Into<Text>) -> Self {
        Self(Box::new(Inner {
            status,
            code: code.into(),
            auth_code: None,
            message: message.into(),
            details: None,
            candidates: Vec::new(),
            particulars: None,
            hint: None,
            errors: Vec::new(),
            headers: Vec::new(),
            source: None,
            shed: None,
        }))
    }

    /// 400: the request cannot be read.
    pub fn bad_request(code: impl Into<Text>, message: impl Into<Text>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 401 with `WWW-Authenticate` (RFC 6750, section 3).
    pub fn unauthorized(why: Unauthorized) -> Self {
        let (code, auth_code, message, challenge) = match why {
            Unauthorized::Missing => (
                "PGRST302",
                "no_authorization",
                "This request needs an API key or an access token",
                "Bearer",
            ),
            Unauthorized::Invalid => (
                "PGRST301",
                "bad_jwt",
                "The credentials are not valid",
                r#"Bearer error="invalid_token""#,
            ),
            Unauthorized::Expired => (
                "PGRST303",
                "bad_jwt",
                "The credentials have expired",
                r#"Bearer error="invalid_token", error_description="expired""#,
            ),
        };
        Self::new(StatusCode::UNAUTHORIZED, code, message)
            .with_auth_code(auth_code)
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    /// 403: known, but not allowed.
    pub fn forbidden(code: impl Into<Text>, message: impl Into<Text>) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, message)
    }

    /// 403 for every request of a member while the organization is suspended.
    pub fn organization_suspended() -> Self {
        Self::forbidden("organization_suspended", "This organization is suspended")
    }

    /// 404 for whatever does not exist *or must not be known to*: one body, so that it tells nothing.
    pub fn nothing_here() -> Self {
        Self::not_found("not_found", "There is nothing here")
    }

    /// 404 for something a caller who is allowed in has named.
    pub fn not_found(code: impl Into<Text>, message: impl Into<Text>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 405; the router adds `Allow`.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This address does not take this method",
        )
    }

    /// 406: the answer exists, but not in the form asked for.
    pub fn not_acceptable(code: impl Into<Text>, message: impl Into<Text>) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, code, message)
    }

    /// 408: the client did not send its body in time.
    pub fn request_timeout() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "request_timeout",
            "The request's body did not arrive in time",
        )
    }

    /// 409: in conflict with what is there.
    pub fn conflict(code: impl Into<Text>, message: impl Into<Text>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// 413: the body is larger than the server takes.
    pub fn payload_too_large(limit: usize) -> Self {
        let message = format!("The request's body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", message)
    }

    /// 415: a body in a form the server does not read.
    pub fn unsupported_media_type(expected: &'static str) -> Self {
        let message = format!("The request's body must be {expected}");
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            message,
        )
    }

    /// 422: understood, but not valid.
    pub fn unprocessable(code: impl Into<Text>, message: impl Into<Text>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, message)
    }

    /// 426: an answer whose end could not be told from a break of the connection (RFC 9110, section 15.5.22).
    pub fn upgrade_required() -> Self {
        Self::new(
            StatusCode::UPGRADE_REQUIRED,
            "upgrade_required",
            "In HTTP/1.0 an export that breaks off looks like a whole one",
        )
        .with_header(header::UPGRADE, HeaderValue::from_static("HTTP/1.1"))
        .with_hint("Ask in HTTP/1.1 or HTTP/2; nginx says so to its upstream by `proxy_http_version 1.1`")
    }

    /// 429: the same may be tried again after `seconds`.
    pub fn too_many_requests(seconds: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "over_request_rate_limit",
            "Too many requests",
        )
        .with_header(header::RETRY_AFTER, seconds.into())
    }

    /// 429: the tenant has as many requests in flight as it may have.
    pub fn too_many_in_flight(most: usize) -> Self {
        let message = format!("This organization may have {most} requests in flight at once, and has them");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_in_flight", message)
            .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
            .with_hint("Wait for an answer before the next request is sent")
    }

    /// 403: the tenant's storage is full, and the request would add to it.
    pub fn storage_full(room: &Room) -> Self {
        let hard = room.hard.unwrap_or(room.used);
        let message = format!(
            "This organization's storage is full: it takes {} of {hard} bytes",
            room.used
        );
        Self::forbidden("storage_full", message)
            .with_hint("Reading, deleting and purging go on; a larger plan or less data makes room")
    }

    /// 500: our fault. The cause is for the log only.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "Something went wrong on our side; the request id leads to the cause",
        );
        error.0.source = Some(source.into());
        error
    }

    /// 503: the same request may work in a moment. The cause is for the log only.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        let mut error = Self::in_a_moment();
        error.0.source = Some(source.into());
        error
    }

    /// 503: nothing is wrong, but there is too much of `what` (for the log only).
    pub fn overloaded(what: &'static str) -> Self {
        let mut error = Self::in_a_moment();
        error.0.shed = Some(what);
        error
    }

    fn in_a_moment() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The service is unavailable for a moment; please try again",
        )
        .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// Another code than the constructor's.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Text>) -> Self {
        self.0.code = code.into();
        self
    }

    /// The code under which Supabase Auth's clients know this (`error_code`), where it differs from `code`.
    #[must_use]
    pub fn with_auth_code(mut self, code: &'static str) -> Self {
        self.0.auth_code = Some(code);
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Text>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Everything that is wrong, field by field.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// A header that belongs to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code for programs.
    pub fn code(&self) -> &str {
        &self.0.code
    }

    /// Logs the cause of a 5xx, with everything beneath it; what was shed under load is no fault of anybody's and gets
    /// one short warning. Called once, by the frame, inside the request's span.
    pub(crate) fn log(&self) {
        if let Some(what) = self.0.shed {
            tracing::warn!(too_many = what, "request shed");
        }
        if let Some(source) = &self.0.source {
            let mut chain = source.to_string();
            let mut next = source.source();
            while let Some(error) = next {
                chain.push_str(": ");
                chain.push_str(&error.to_string());
                next = error.source();
            }
            tracing::error!(
                status = self.0.status.as_u16(),
                code = &*self.0.code,
                cause = chain,
                "request failed"
            );
        }
    }

    /// The body: RFC 9457's members, PostgREST's, and on `/auth/v1` the two that Supabase Auth's clients read.
    pub(crate) fn body(&self, instance: &str, request_id: &str) -> Vec<u8> {
        let inner = &*self.0;
        let auth = instance.starts_with("/auth/v1");
        let problem = Problem {
            kind: "about:blank",
            title: inner.status.canonical_reason().unwrap_or("Error"),
            status: inner.status.as_u16(),
            instance,
            request_id,
            code: &inner.code,
            message: &inner.message,
            details: match (inner.candidates.as_slice(), &inner.particulars) {
                ([], None) => Details::Text(inner.details.as_deref()),
                ([], Some(particulars)) => Details::Particulars(particulars),
                (candidates, _) => Details::Candidates(candidates),
            },
            hint: inner.hint.as_deref(),
            errors: &inner.errors,
            error_code: auth.then(|| inner.auth_code.unwrap_or(&inner.code)),
            msg: auth.then_some(&inner.message),
        };
        serde_json::to_vec(&problem).expect("texts and numbers always become JSON")
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    instance: &'a str,
    request_id: &'a str,
    code: &'a str,
    message: &'a str,
    details: Details<'a>,
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    msg: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Details<'a> {
    Text(Option<&'a str>),
    Candidates(&'a [Candidate]),
    Particulars(&'a Value),
}

impl IntoResponse for ApiError {
    /// A response without a body yet: the frame writes it.
    fn into_response(mut self) -> Response {
        let mut response = self.0.status.into_response();
        response.headers_mut().extend(std::mem::take(&mut self.0.headers));
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

mod from_catalog;
mod from_records;
mod of_tenant;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(error: &ApiError, instance: &str) -> Value {
        serde_json::from_slice(&error.body(instance, "0190")).expect("JSON")
    }

    #[test]
    fn a_problem_carries_both_vocabularies() {
        let error = ApiError::not_found("PGRST205", "There is no object \"contact\"").with_hint("contacts");
        let expected = json!({
            "type": "about:blank", "title": "Not Found", "status": 404, "instance": "/rest/v1/contact",
            "request_id": "0190", "code": "PGRST205", "message": "There is no object \"contact\"",
            "details": null, "hint": "contacts",
        });
        assert_eq!(body(&error, "/rest/v1/contact"), expected);
    }

    #[test]
    fn auth_errors_speak_to_supabase_clients_too() {
        let error = ApiError::unauthorized(Unauthorized::Missing);
        let body = body(&error, "/auth/v1/user");
        assert_eq!(body["error_code"], "no_authorization");
        assert_eq!(body["msg"], body["message"]);
        assert_eq!(body["code"], "PGRST302");
    }

    #[test]
    fn every_field_error_is_listed() {
        let wrong = FieldError {
            field: "email".into(),
            code: "23514".into(),
            message: "is too long".into(),
        };
        let error =
            ApiError::unprocessable("23514", "2 fields are wrong").with_errors(vec![wrong.clone(), wrong]);
        assert_eq!(body(&error, "/")["errors"].as_array().map(Vec::len), Some(2));
    }

    #[test]
    fn causes_stay_inside() {
        for error in [
            ApiError::internal("secret cause"),
            ApiError::unavailable("secret cause"),
        ] {
            assert!(!body(&error, "/").to_string().contains("secret"));
        }
    }

    #[test]
    fn statuses_that_need_a_header_have_it() {
        for (error, name) in [
            (
                ApiError::unauthorized(Unauthorized::Invalid),
                header::WWW_AUTHENTICATE,
            ),
            (ApiError::too_many_requests(7), header::RETRY_AFTER),
            (ApiError::unavailable("x"), header::RETRY_AFTER),
            (ApiError::in_maintenance(), header::RETRY_AFTER),
            (ApiError::tenant_changing(), header::RETRY_AFTER),
            (ApiError::tenant_moving(), header::RETRY_AFTER),
            (ApiError::version_unsupported(9, &(1..=8)), header::RETRY_AFTER),
        ] {
            assert!(error.into_response().headers().contains_key(&name), "{name}");
        }
    }
}
