//! What pages of other origins see of answers: whatever the answer is, all of its headers that mean something.

use axum::body::Body;
use axum::http::{HeaderMap, Method, Response};
use serde_json::json;
use tests::app::{Ask, Client};

use super::scene::Scene;

const PAGE: &str = "http://app.example";

/// What browsers show of every answer (the Fetch standard, "CORS-safelisted response-header name"), and what is for
/// them and not for pages.
const UNNAMED: [&str; 10] = [
    "cache-control",
    "content-language",
    "content-length",
    "content-type",
    "expires",
    "last-modified",
    "pragma",
    "vary",
    "x-content-type-options",
    "content-security-policy",
];

/// All headers of ours that a program can do something with.
const OURS: [&str; 14] = [
    "Allow",
    "Content-Disposition",
    "Content-Encoding",
    "Content-Location",
    "Content-Range",
    "ETag",
    "Idempotent-Replayed",
    "Link",
    "Location",
    "Preference-Applied",
    "Retry-After",
    "Tenantry-Storage",
    "WWW-Authenticate",
    "X-Request-Id",
];

/// All headers that clients send us and browsers ask about.
const THEIRS: [&str; 15] = [
    "Accept-Profile",
    "Apikey",
    "Authorization",
    "Content-Profile",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Prefer",
    "Range",
    "Range-Unit",
    "X-Client-Info",
    "X-Organization",
    "X-Request-Id",
    "Accept",
];

fn listed<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let list = headers[name].to_str().expect("ASCII");
    list.split(", ").collect()
}

async fn seen(ask: Ask, status: u16) -> Response<Body> {
    let what = ask.describe();
    let answer = ask.header("origin", PAGE).respond().await;
    assert_eq!(answer.status(), status, "{what}");
    let headers = answer.headers();
    assert_eq!(headers["access-control-allow-origin"], PAGE, "{what}");
    let varies = headers.get_all("vary").iter().any(|value| value == "Origin");
    assert!(varies, "{what}");
    let shown = listed(headers, "access-control-expose-headers");
    for name in headers.keys().map(axum::http::HeaderName::as_str) {
        let is_known = UNNAMED.contains(&name) || name.starts_with("access-control-");
        let is_shown = shown.iter().any(|shown| shown.eq_ignore_ascii_case(name));
        assert!(is_known || is_shown, "{name} of {what}");
    }
    answer
}

#[tokio::test]
async fn every_header_of_ours_may_be_seen_and_sent() {
    let scene = Scene::with(|settings| {
        settings.server.allowed_origins = PAGE.parse().expect("an origin");
    })
    .await;
    let list = seen(scene.ada.get("/rest/v1/tags"), 200).await;
    assert_eq!(listed(list.headers(), "access-control-expose-headers"), OURS);
    let preflight = scene.acme.nobody().ask(Method::OPTIONS, "/rest/v1/tags");
    let preflight = preflight.header("access-control-request-method", "PATCH");
    let told = preflight.header("origin", PAGE).respond().await;
    let taken = listed(told.headers(), "access-control-allow-headers");
    for name in THEIRS {
        assert!(taken.contains(&name), "{name}");
    }
    assert_eq!(taken.len(), THEIRS.len());
    for name in THEIRS {
        let preflight = scene.acme.nobody().ask(Method::OPTIONS, "/rest/v1/tags");
        let preflight = preflight.header("access-control-request-method", "PATCH");
        let preflight = preflight.header("access-control-request-headers", name);
        let told = preflight.header("origin", PAGE).respond().await;
        assert_eq!(listed(told.headers(), "access-control-allow-headers"), [name]);
    }
}

#[tokio::test]
async fn an_answer_of_any_kind_may_be_seen() {
    let scene = Scene::with(|settings| {
        settings.server.allowed_origins = PAGE.parse().expect("an origin");
    })
    .await;
    let ada = &scene.ada;
    let once = |name: &str| {
        let new = ada.post("/rest/v1/tags", &json!({ "name": name }));
        let new = new.header("idempotency-key", "k");
        new.header("prefer", "return=headers-only")
    };
    seen(once("a"), 201).await;
    let replayed = seen(once("a"), 201).await;
    assert_eq!(replayed.headers()["idempotent-replayed"], "true");
    seen(once("b"), 422).await;
    let list = ada.get("/rest/v1/tags?select=id").await.expect_status(200).json();
    let path = format!("/rest/v1/tags/{}", list[0]["id"].as_str().expect("an id"));
    let etag = seen(ada.get(&path), 200).await.headers()["etag"].clone();
    seen(ada.get(&path).header("if-none-match", &etag), 304).await;
    seen(
        ada.get("/rest/v1/tags")
            .header("range", "0-0")
            .header("prefer", "count=exact"),
        200,
    )
    .await;
    seen(ada.get("/rest/v1/tags?limit=1&cursor=&order=name"), 200).await;
    let export = |asker: &Client| asker.get("/rest/v1/tags").header("accept", "text/csv;rows=all");
    let exported = seen(export(ada), 200).await;
    assert_eq!(
        exported.headers()["content-disposition"],
        "attachment; filename=\"tags.csv\""
    );
    for (target, status) in [
        ("/rest/v1/tags?nothing=1", 400),
        ("/rest/v1/nothing", 404),
        ("/nowhere", 404),
    ] {
        seen(ada.get(target), status).await;
    }
    seen(scene.acme.nobody().get("/rest/v1/tags"), 401).await;
    seen(ada.patch(&path, &json!({})).header("if-match", "\"7\""), 412).await;
    seen(ada.get("/rest/v1/tags").header("accept", "image/png"), 406).await;
    seen(ada.ask(Method::TRACE, "/rest/v1/tags"), 405).await;
    for (at_once, of_one_tenant, status) in [(4, 0, 429), (0, 2, 503)] {
        let full = scene.app.beside_with(|settings| {
            settings.server.allowed_origins = PAGE.parse().expect("an origin");
            settings.tenants.exports.at_once = at_once;
            settings.tenants.exports.of_one_tenant = of_one_tenant;
        });
        let refused = seen(export(&ada.through(&full.await)), status).await;
        assert!(refused.headers().contains_key("retry-after"));
    }
}
