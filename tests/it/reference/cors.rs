//! The page "CORS".
//!
//! Ours differs from the page in what it lets in by default: no other origin, until some are named.

use std::sync::Arc;

use axum::http::Method;
use catalog::memberships::MemberRole::Admin;
use tests::app::{AppTenant, Ask, Person};
use tests::{TestApp, TestDb};

const PAGE: &str = "http://app.example";

struct Scene {
    acme: AppTenant,
    ada: Person,
}

impl Scene {
    async fn set(allowed: &str) -> Self {
        let db = Arc::new(TestDb::reference().await);
        let app = TestApp::on(db, |settings| {
            settings.server.allowed_origins = allowed.parse().expect("origins");
        });
        let acme = app.await.tenant("acme").await;
        let ada = acme.member("ada", Admin).await;
        Self { acme, ada }
    }

    fn preflight(&self, origin: &str) -> Ask {
        let ask = self.acme.nobody().ask(Method::OPTIONS, "/rest/v1/coins");
        let ask = ask.header("origin", origin);
        ask.header("access-control-request-method", "POST")
    }
}

#[tokio::test]
async fn a_preflight_is_answered_for_an_allowed_origin() {
    let scene = Scene::set(PAGE).await;
    let named = "apikey,content-type,x-client-info";
    let ask = scene
        .preflight(PAGE)
        .header("access-control-request-headers", named);
    let told = ask.await.expect_status(200);
    for (name, value) in [
        ("access-control-allow-origin", Some(PAGE)),
        (
            "access-control-allow-methods",
            Some("GET, HEAD, POST, PATCH, PUT, DELETE, OPTIONS"),
        ),
        ("access-control-allow-headers", Some(named)),
        ("access-control-max-age", Some("86400")),
        // Not here: `true`, since nothing of ours is said by cookies.
        ("access-control-allow-credentials", None),
        ("allow", None),
    ] {
        assert_eq!(told.header(name), value, "{name}");
    }
    let unnamed = scene.preflight(PAGE).await.expect_status(200);
    let headers = unnamed
        .header("access-control-allow-headers")
        .expect("those that clients send");
    assert!(
        headers.contains("Authorization") && headers.contains("Apikey"),
        "{headers}"
    );
    // A question without a method to come is no preflight, and has the address's own answer.
    let plain = scene.acme.nobody().ask(Method::OPTIONS, "/rest/v1/coins");
    let plain = plain.header("origin", PAGE).await.expect_status(200);
    assert_eq!(
        plain.header("allow"),
        Some("OPTIONS,GET,HEAD,POST,PATCH,PUT,DELETE")
    );
    assert_eq!(plain.header("access-control-allow-origin"), Some(PAGE));
}

#[tokio::test]
async fn every_answer_may_be_seen_by_an_allowed_origin() {
    let scene = Scene::set("https://other.example, http://app.example").await;
    for (target, status) in [
        ("/rest/v1/coins?select=id&limit=1", 200),
        ("/rest/v1/coins?nothing=1", 400),
        ("/rest/v1/nothing", 404),
        ("/nowhere", 404),
    ] {
        let answer = scene.ada.get(target).header("origin", PAGE).await;
        let answer = answer.expect_status(status);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some(PAGE),
            "{target}"
        );
        assert_eq!(answer.header("vary"), Some("Origin"), "{target}");
        let shown = answer.header("access-control-expose-headers").expect("some");
        assert!(
            shown.contains("Content-Range") && shown.contains("Preference-Applied"),
            "{shown}"
        );
    }
    let refused = scene.acme.nobody().get("/rest/v1/coins").header("origin", PAGE);
    let refused = refused.await.expect_status(401);
    assert_eq!(refused.header("access-control-allow-origin"), Some(PAGE));
}

#[tokio::test]
async fn other_origins_are_told_nothing() {
    for (allowed, varies) in [("", None), ("https://other.example", Some("Origin"))] {
        let scene = Scene::set(allowed).await;
        let preflight = scene.preflight(PAGE).await.expect_status(200);
        let list = scene.ada.get("/rest/v1/coins").header("origin", PAGE);
        for answer in [preflight, list.await.expect_status(200)] {
            for name in [
                "access-control-allow-origin",
                "access-control-allow-methods",
                "access-control-expose-headers",
            ] {
                assert_eq!(answer.header(name), None, "{allowed:?}: {name}");
            }
            assert_eq!(answer.header("vary"), varies, "{allowed:?}");
        }
    }
}

#[tokio::test]
async fn all_origins_may_be_allowed() {
    let scene = Scene::set("*").await;
    let preflight = scene.preflight(PAGE).await.expect_status(200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    let list = scene.ada.get("/rest/v1/coins").header("origin", "null").await;
    assert_eq!(list.header("access-control-allow-origin"), Some("*"));
    assert_eq!(list.header("vary"), None);
}
