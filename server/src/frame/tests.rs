//! What every request gets, around routes made for it.

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::body::{JsonBody, RawBody};
use crate::config::ServerConfig;
use crate::state::without_database;

fn framed(change: impl FnOnce(&mut ServerConfig)) -> Router {
    let state = without_database::state(change);
    let panicking = get(|| async { panic!("secret") as &'static str });
    Router::new()
        .route("/panic", panicking)
        .route("/stall", get(std::future::pending::<&'static str>))
        .route("/healthz", get(|| async { "alive" }))
        .route(
            "/length",
            post(|RawBody(body): RawBody| async move { body.len().to_string() }),
        )
        .route(
            "/json",
            post(|JsonBody(body): JsonBody<Vec<u8>>| async move { body.len().to_string() }),
        )
        .layer(Frame(state.clone()))
        .with_state(state)
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "example.com")
}

async fn ask(router: Router, request: Request) -> (u16, axum::http::HeaderMap, Value) {
    let response = router.oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (parts.status.as_u16(), parts.headers, json)
}

async fn status_and_code(router: Router, request: Request) -> (u16, String) {
    let (status, headers, json) = ask(router, request).await;
    if status >= 400 {
        assert_eq!(headers[header::CONTENT_TYPE], PROBLEM);
        assert_eq!(json["status"], status);
        assert_eq!(
            Some(json["request_id"].as_str()),
            headers.get(REQUEST_ID).map(|id| id.to_str().ok())
        );
    }
    (status, json["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_panic_is_a_500_that_tells_nothing() {
    let request = request("GET", "/panic?a=b")
        .body(Body::empty())
        .expect("a request");
    let (status, _, json) = ask(framed(|_| ()), request).await;
    assert_eq!((status, &json["code"]), (500, &"internal_error".into()));
    assert_eq!(json["instance"], "/panic", "the query is left out");
    assert!(!json.to_string().contains("secret"));
}

#[tokio::test]
async fn a_request_beyond_its_deadline_is_a_503() {
    let request = request("GET", "/stall").body(Body::empty()).expect("a request");
    let router = framed(|config| config.request_deadline = Duration::ZERO);
    let (status, headers, _) = ask(router, request).await;
    assert_eq!(status, 503);
    assert_eq!(headers[header::RETRY_AFTER], "1");
}

#[tokio::test]
async fn a_full_server_sheds_all_but_the_question_whether_it_is_alive() {
    let full = framed(|config| config.concurrency_limit = 0);
    let get = |path| request("GET", path).body(Body::empty()).expect("a request");
    assert_eq!(
        status_and_code(full.clone(), get("/panic")).await,
        (503, "unavailable".to_owned())
    );
    assert_eq!(status_and_code(full, get("/healthz")).await.0, 200);
}

#[tokio::test]
async fn a_body_is_bounded_whether_or_not_its_length_is_announced() {
    let router = framed(|config| config.body_limit = 10);
    for (body, announced, expected) in [
        ("0123456789", true, 200),
        ("0123456789", false, 200),
        ("0123456789a", true, 413),
        ("0123456789a", false, 413),
    ] {
        let mut request = request("POST", "/length");
        if announced {
            request = request.header(header::CONTENT_LENGTH, body.len());
        }
        let request = request.body(Body::from(body)).expect("a request");
        assert_eq!(
            status_and_code(router.clone(), request).await.0,
            expected,
            "{body} {announced}"
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_408() {
    let stalled = Body::new(Stalled);
    let request = request("POST", "/length").body(stalled).expect("a request");
    let router = framed(|config| config.body_deadline = Duration::ZERO);
    assert_eq!(
        status_and_code(router, request).await,
        (408, "request_timeout".to_owned())
    );
}

#[tokio::test]
async fn what_is_not_the_json_asked_for_is_told_apart() {
    for (media_type, body, expected) in [
        ("application/json; charset=utf-8", "[1]", (200, "")),
        ("text/plain", "[1]", (415, "unsupported_media_type")),
        ("application/jsonx", "[1]", (415, "unsupported_media_type")),
        ("application/json", "[1", (400, "bad_json")),
        ("application/json", "", (400, "bad_json")),
        (
            "application/json",
            "{\"password\":\"secret\"}",
            (400, "validation_failed"),
        ),
    ] {
        let request = request("POST", "/json").header(header::CONTENT_TYPE, media_type);
        let request = request.body(Body::from(body)).expect("a request");
        let (status, code) = status_and_code(framed(|_| ()), request).await;
        assert_eq!((status, code.as_str()), expected, "{media_type} {body}");
    }
}

#[tokio::test]
async fn the_real_router_answers_in_problems_without_a_database() {
    let router = crate::routes::router(without_database::state(|_| ()));
    for (method, path, expected) in [
        ("GET", "/healthz", (200, "")),
        ("HEAD", "/healthz", (200, "")),
        ("GET", "/readyz", (503, "unavailable")),
        ("GET", "/nowhere", (404, "not_found")),
        ("POST", "/healthz", (405, "method_not_allowed")),
        ("OPTIONS", "*", (404, "not_found")),
        ("GET", "/rest/v1/contacts", (404, "not_found")),
        (
            "GET",
            "http://acme.example.org/rest/v1/contacts",
            (400, "bad_host"),
        ),
    ] {
        let request = request(method, path).body(Body::empty()).expect("a request");
        let (status, code) = status_and_code(router.clone(), request).await;
        assert_eq!((status, code.as_str()), expected, "{method} {path}");
    }
}

#[tokio::test]
async fn a_tenant_cannot_be_told_without_a_database() {
    let router = crate::routes::router(without_database::state(|_| ()));
    let request = Request::builder()
        .uri("/rest/v1/contacts")
        .header("host", "acme.example.com");
    let request = request.body(Body::empty()).expect("a request");
    assert_eq!(
        status_and_code(router, request).await,
        (503, "unavailable".to_owned())
    );
}

/// A body that never begins.
struct Stalled;

impl axum::body::HttpBody for Stalled {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<bytes::Bytes>, Infallible>>> {
        Poll::Pending
    }
}
