//! What a client without credentials can take from everybody else: as good as nothing.

use std::net::SocketAddr;
use std::time::Duration;

use catalog::memberships::MemberRole::Member;
use serde_json::json;
use server::config::{AttemptLimits, AttemptRates, Rate};
use server::{Server, ServerConfig};
use tests::TestApp;
use tests::app::{AppTenant, PASSWORD, Person};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

struct Scene {
    app: TestApp,
    acme: AppTenant,
    ann: Person,
    address: SocketAddr,
}

impl Scene {
    async fn new(set: impl FnOnce(&mut ServerConfig)) -> Self {
        let app = TestApp::with(|settings| set(&mut settings.server)).await;
        let acme = app.tenant("acme").await;
        let ann = acme.member("ann", Member).await;
        let server = Server::bind(app.state().clone()).await.expect("a free port");
        let address = server.local_addr();
        tokio::spawn(server.run(std::future::pending()));
        Self {
            app,
            acme,
            ann,
            address,
        }
    }

    async fn raw(&self, bytes: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        stream.write_all(bytes.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("read");
        answer
    }

    /// Posts over a socket as somebody behind this address, if a proxy is trusted.
    async fn post(&self, slug: &str, path: &str, client: &str, body: &str) -> String {
        self.raw(&format!("{}{body}", head(slug, path, body.len(), client)))
            .await
    }

    async fn guess(&self, slug: &str, client: &str) -> String {
        let body = json!({ "email": "nobody@example.com", "password": "x" }).to_string();
        self.post(slug, TOKEN, client, &body).await
    }

    /// A request to sign in whose body is awaited and does not come.
    async fn half_sent(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        let head = head("acme", TOKEN, 100, "").replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = [0; 64];
        let length = stream.read(&mut answer).await.expect("read");
        assert_eq!(status(&String::from_utf8_lossy(&answer[..length])), 100);
        stream
    }
}

const TOKEN: &str = "/auth/v1/token?grant_type=password";

fn head(slug: &str, path: &str, length: usize, client: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: {slug}.tenantry.test\r\ncontent-type: application/json\r\n\
         x-forwarded-for: {client}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
    )
}

fn status(answer: &str) -> u16 {
    let code = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    code.and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

/// So many at once, and nothing more while a test runs.
fn only(burst: u32) -> Rate {
    Rate::new(burst, Duration::from_hours(1))
}

#[tokio::test]
async fn bodies_that_do_not_come_take_nobodys_place() {
    let scene = Scene::new(|config| {
        config.concurrency_limit = 1;
        config.credentials_at_once = 2;
        // They end with the test.
        config.credentials_deadline = Duration::from_mins(1);
    })
    .await;
    let _half_sent = [scene.half_sent().await, scene.half_sent().await];
    let answer = scene.ann.get("/rest/v1/contacts").await;
    assert_eq!(answer.status(), 200, "the one place is free");
    let answer = scene.guess("acme", "").await;
    assert_eq!(status(&answer), 503, "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"));
    scene
        .ann
        .post("/rest/v1/contacts", &json!({ "first_name": "Bob" }))
        .await
        .expect_status(201);
}

#[tokio::test]
async fn bodies_with_credentials_are_small_and_quick() {
    let scene = Scene::new(|config| config.credentials_deadline = Duration::from_millis(50)).await;
    let slow = scene.raw(&head("acme", TOKEN, 10, "")).await;
    assert_eq!(status(&slow), 408, "{slow}");
    for path in [TOKEN, "/auth/v1/signup"] {
        let large = scene.raw(&head("acme", path, 16 * 1024 + 1, "")).await;
        assert_eq!(status(&large), 413, "{large}");
    }
    let nearly = format!(
        "{:16384}",
        json!({ "email": scene.ann.user.email.as_str(), "password": PASSWORD })
    );
    assert_eq!(status(&scene.post("acme", TOKEN, "", &nearly).await), 200);
}

#[tokio::test]
async fn a_client_guesses_for_a_while_and_keeps_nobody_else_out() {
    let scene = Scene::new(|config| {
        config.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")];
        config.attempts.password.by_client = only(3);
    })
    .await;
    scene.app.tenant("globex").await;
    let (guesser, other) = ("203.0.113.1", "203.0.113.2");
    for _ in 0..3 {
        assert_eq!(status(&scene.guess("acme", guesser).await), 400);
    }
    for slug in ["acme", "globex"] {
        let refused = scene.guess(slug, guesser).await;
        assert_eq!(status(&refused), 429, "{refused}");
        assert!(refused.contains("retry-after: 3"), "about an hour: {refused}");
        assert!(
            refused.contains(r#""error_code":"over_request_rate_limit""#) && refused.contains(r#""msg":"#)
        );
        assert!(refused.contains(r#""status":429"#) && refused.contains("application/problem+json"));
    }
    // Not even the body is waited for.
    assert_eq!(status(&scene.raw(&head("acme", TOKEN, 10, guesser)).await), 429);
    assert_eq!(status(&scene.guess("acme", other).await), 400);
    let refresh = json!({ "refresh_token": scene.ann.refresh }).to_string();
    let refreshed = scene
        .post(
            "acme",
            "/auth/v1/token?grant_type=refresh_token",
            guesser,
            &refresh,
        )
        .await;
    assert_eq!(status(&refreshed), 200, "who is signed in stays so");
}

#[tokio::test]
async fn a_flood_from_everywhere_closes_one_organization_only() {
    let app = TestApp::with(|settings| {
        settings.server.attempts = AttemptLimits {
            password: AttemptRates {
                by_organization: only(3),
                ..AttemptRates::UNLIMITED
            },
            ..AttemptLimits::UNLIMITED
        };
    })
    .await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let bob = globex.member("bob", Member).await;
    for _ in 0..3 {
        acme.sign_in("nobody@example.com", "x").await.expect_status(400);
    }
    let refused = acme.sign_in("nobody@example.com", "x").await.expect_status(429);
    assert!(refused.header("retry-after").is_some());
    globex
        .sign_in(bob.user.email.as_str(), PASSWORD)
        .await
        .expect_status(200);
}

#[tokio::test]
async fn accounts_are_not_made_by_the_thousand() {
    let scene = Scene::new(|config| config.attempts.sign_up.by_client = only(2)).await;
    let sign_up = async |n: u32| {
        let body = json!({ "email": format!("new{n}@example.com"), "password": PASSWORD }).to_string();
        status(&scene.post("acme", "/auth/v1/signup", "", &body).await)
    };
    assert_eq!(
        [sign_up(1).await, sign_up(2).await, sign_up(3).await],
        [200, 200, 429]
    );
    scene
        .acme
        .sign_in(scene.ann.user.email.as_str(), PASSWORD)
        .await
        .expect_status(200);
}
