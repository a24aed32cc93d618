//! The host of a request, as bytes on a real socket say it, and an end that finishes what was begun.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use catalog::memberships::MemberRole::Member;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use server::{Server, ServerConfig};
use tests::TestApp;
use tests::app::{AppTenant, Person};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server on a socket of its own.
struct Listening {
    address: SocketAddr,
    shutdown: oneshot::Sender<()>,
    running: JoinHandle<()>,
    ann: Person,
    globex: AppTenant,
}

impl Listening {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(set: impl FnOnce(&mut ServerConfig)) -> Self {
        let app = TestApp::with(|settings| set(&mut settings.server)).await;
        let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
        let ann = acme.member("ann", Member).await;
        let server = Server::bind(app.state().clone()).await.expect("a free port");
        let address = server.local_addr();
        let (shutdown, asked) = oneshot::channel();
        let running = tokio::spawn(async move {
            server.run(async { drop(asked.await) }).await;
            drop(app);
        });
        Self {
            address,
            shutdown,
            running,
            ann,
            globex,
        }
    }

    /// Sends these bytes and reads the answer to the end of the connection.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        stream.write_all(bytes).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("read");
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Ann's contacts, asked for with this request line's target and these header lines.
    async fn list(&self, target: &str, headers: &str) -> u16 {
        let token = &self.ann.token;
        let rest = "connection: close\r\n\r\n";
        let head = format!("GET {target} HTTP/1.1\r\n{headers}authorization: Bearer {token}\r\n{rest}");
        status(&self.raw(head.as_bytes()).await)
    }
}

fn status(answer: &str) -> u16 {
    let code = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
    code.and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("no answer: {answer:?}"))
}

const PATH: &str = "/rest/v1/contacts";

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn the_host_is_read_exactly() {
    let server = Listening::new().await;
    for (headers, expected) in [
        ("host: acme.tenantry.test\r\n", 200),
        ("HOST:acme.tenantry.test\r\n", 200),
        ("host: ACME.Tenantry.Test\r\n", 200),
        ("host: acme.tenantry.test.\r\n", 200),
        ("host: acme.tenantry.test:8080\r\n", 200),
        ("host: acme.tenantry.test.:443\r\n", 200),
        ("host:   acme.tenantry.test  \r\n", 200),
        ("", 400),
        ("host:\r\n", 400),
        ("host: acme.tenantry.test\r\nhost: acme.tenantry.test\r\n", 400),
        ("host: acme.tenantry.test\r\nhost: globex.tenantry.test\r\n", 400),
        ("host: acme.tenantry.test, globex.tenantry.test\r\n", 400),
        ("host: acme.tenantry.test globex.tenantry.test\r\n", 400),
        ("host: acme.tenantry.test:0\r\n", 400),
        ("host: acme.tenantry.test:99999\r\n", 400),
        ("host: acme.tenantry.test:\r\n", 400),
        ("host: acme.tenantry.test:80:80\r\n", 400),
        ("host: ann@acme.tenantry.test\r\n", 400),
        ("host: ann:secret@acme.tenantry.test\r\n", 400),
        ("host: http://acme.tenantry.test\r\n", 400),
        ("host: acme.tenantry.test/\r\n", 400),
        ("host: acme.tenantry.test#\r\n", 400),
        ("host: acme%2etenantry.test\r\n", 400),
        ("host: .acme.tenantry.test\r\n", 400),
        ("host: acme.tenantry.test..\r\n", 400),
        ("host: ac_me.tenantry.test\r\n", 400),
        ("host: acm\u{e9}.tenantry.test\r\n", 400),
        ("host: [::1]\r\n", 404),
        ("host: [::1]:8080\r\n", 404),
        ("host: ::1\r\n", 400),
        ("host: [::1\r\n", 400),
        ("host: 127.0.0.1:8080\r\n", 404),
        ("host: tenantry.test\r\n", 404),
        ("host: www.acme.tenantry.test\r\n", 404),
        ("host: acme.tenantry.test.evil.example\r\n", 404),
        ("host: evilacme.tenantry.test\r\n", 404),
        ("host: globex.tenantry.test\r\n", 404),
        // Claims of a client that is no proxy of ours.
        (
            "host: globex.tenantry.test\r\nx-forwarded-host: acme.tenantry.test\r\n",
            404,
        ),
        (
            "host: acme.tenantry.test\r\nx-forwarded-host: globex.tenantry.test\r\n",
            200,
        ),
        (
            "host: globex.tenantry.test\r\nforwarded: host=acme.tenantry.test\r\n",
            404,
        ),
        (
            "host: globex.tenantry.test\r\nx-host: acme.tenantry.test\r\n",
            404,
        ),
        (
            "host: globex.tenantry.test\r\nx-original-host: acme.tenantry.test\r\n",
            404,
        ),
    ] {
        assert_eq!(server.list(PATH, headers).await, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn a_configured_proxy_may_say_which_host_it_was_asked_for() {
    let server = Listening::with(|config| {
        config.trusted_proxies = vec!["127.0.0.1".parse().expect("a network")];
    })
    .await;
    for (headers, expected) in [
        ("host: backend\r\nx-forwarded-host: acme.tenantry.test\r\n", 200),
        ("host: acme.tenantry.test\r\n", 200),
        (
            "host: acme.tenantry.test\r\nx-forwarded-host: globex.tenantry.test\r\n",
            404,
        ),
        (
            "host: backend\r\nx-forwarded-host: acme.tenantry.test, globex.tenantry.test\r\n",
            400,
        ),
        (
            "host: backend\r\nx-forwarded-host: acme.tenantry.test\r\nx-forwarded-host: acme.tenantry.test\r\n",
            400,
        ),
        ("host: backend\r\nx-forwarded-host:\r\n", 400),
        (
            "host: a\r\nhost: b\r\nx-forwarded-host: acme.tenantry.test\r\n",
            400,
        ),
        ("host: backend\r\nforwarded: host=acme.tenantry.test\r\n", 404),
    ] {
        assert_eq!(server.list(PATH, headers).await, expected, "{headers:?}");
    }
}

#[tokio::test]
async fn the_target_decides_and_must_not_contradict_the_host() {
    let server = Listening::new().await;
    let acme = "host: acme.tenantry.test\r\n";
    for (target, headers, expected) in [
        ("http://acme.tenantry.test/rest/v1/contacts", acme, 200),
        ("HTTP://ACME.tenantry.test/rest/v1/contacts", acme, 200),
        ("http://acme.tenantry.test/rest/v1/contacts", "", 200),
        ("http://globex.tenantry.test/rest/v1/contacts", acme, 400),
        (
            "http://acme.tenantry.test/rest/v1/contacts",
            "host: globex.tenantry.test\r\n",
            400,
        ),
        ("http://globex.tenantry.test/rest/v1/contacts", "", 404),
        ("http://ann@acme.tenantry.test/rest/v1/contacts", "", 400),
        ("//globex.tenantry.test/rest/v1/contacts", acme, 404),
        ("/rest/v1/contacts?x=http://globex.tenantry.test", acme, 400),
        ("/../rest/v1/contacts", acme, 404),
        ("/rest//v1/contacts", acme, 404),
        ("/rest/v1/contacts/", acme, 404),
    ] {
        assert_eq!(
            server.list(target, headers).await,
            expected,
            "{target} {headers:?}"
        );
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn older_and_broken_messages_are_answered_or_cut() {
    let server = Listening::new().await;
    let token = &server.ann.token;
    let auth = format!("authorization: Bearer {token}\r\n");
    for (case, message, expected) in [
        (
            "1.0",
            format!("GET {PATH} HTTP/1.0\r\nhost: acme.tenantry.test\r\n{auth}\r\n"),
            200,
        ),
        (
            "1.0 without a host",
            format!("GET {PATH} HTTP/1.0\r\n{auth}\r\n"),
            400,
        ),
        ("no version", format!("GET {PATH}\r\n\r\n"), 400),
        (
            "a method in lower case",
            format!("get {PATH} HTTP/1.1\r\nhost: acme.tenantry.test\r\nconnection: close\r\n\r\n"),
            405,
        ),
        (
            "a space before the colon",
            format!("GET {PATH} HTTP/1.1\r\nhost : acme.tenantry.test\r\n\r\n"),
            400,
        ),
        (
            "a folded header",
            format!("GET {PATH} HTTP/1.1\r\nhost: acme.tenantry.test\r\nx: a\r\n b\r\n\r\n"),
            400,
        ),
        (
            "a raw NUL",
            format!("GET {PATH}\0 HTTP/1.1\r\nhost: acme.tenantry.test\r\n\r\n"),
            400,
        ),
        (
            "two lengths",
            format!(
                "POST {PATH} HTTP/1.1\r\nhost: acme.tenantry.test\r\n{auth}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}"
            ),
            400,
        ),
        (
            "a length that is none",
            format!("POST {PATH} HTTP/1.1\r\nhost: acme.tenantry.test\r\n{auth}content-length: -1\r\n\r\n"),
            400,
        ),
        (
            "an endless query",
            format!(
                "GET {PATH}?{} HTTP/1.1\r\nhost: acme.tenantry.test\r\n\r\n",
                "a".repeat(1 << 20)
            ),
            431,
        ),
        (
            "an endless header",
            format!(
                "GET {PATH} HTTP/1.1\r\nhost: acme.tenantry.test\r\nx: {}\r\n\r\n",
                "a".repeat(1 << 20)
            ),
            431,
        ),
        (
            "many headers",
            format!(
                "GET {PATH} HTTP/1.1\r\nhost: acme.tenantry.test\r\n{}\r\n",
                "x: y\r\n".repeat(500)
            ),
            431,
        ),
    ] {
        let answer = server.raw(message.as_bytes()).await;
        assert_eq!(status(&answer), expected, "{case}: {answer}");
    }
}

#[tokio::test]
async fn http_2_names_its_host_by_the_authority() {
    let server = Listening::new().await;
    let stream = TcpStream::connect(server.address).await.expect("it listens");
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .expect("HTTP/2");
    tokio::spawn(connection);
    for (authority, host, expected) in [
        ("acme.tenantry.test", None, 200),
        ("ACME.tenantry.test:8080", None, 200),
        ("acme.tenantry.test", Some("acme.tenantry.test"), 200),
        ("acme.tenantry.test", Some("globex.tenantry.test"), 400),
        ("globex.tenantry.test", None, 404),
        ("tenantry.test", None, 404),
    ] {
        let mut request = hyper::Request::get(format!("http://{authority}{PATH}"))
            .header("authorization", format!("Bearer {}", server.ann.token));
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let request = request.body(Empty::<Bytes>::new()).expect("a request");
        let answer = sender.send_request(request).await.expect("answered");
        assert_eq!(answer.status().as_u16(), expected, "{authority} {host:?}");
        answer.into_body().collect().await.expect("read");
    }
}

#[tokio::test]
async fn two_tenants_share_one_kept_connection() {
    let server = Listening::new().await;
    let bob = server.globex.member("bob", Member).await;
    let mut stream = TcpStream::connect(server.address).await.expect("it listens");
    for round in 0..20 {
        let (slug, person) = if round % 2 == 0 {
            ("acme", &server.ann)
        } else {
            ("globex", &bob)
        };
        let token = &person.token;
        let head = format!(
            "GET /auth/v1/user HTTP/1.1\r\nhost: {slug}.tenantry.test\r\nauthorization: Bearer {token}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        let answer = read_one(&mut stream).await;
        assert_eq!(status(&answer), 200, "{answer}");
        assert!(answer.contains(person.user.email.as_str()), "{answer}");
    }
}

/// One answer with a `Content-Length` from a connection that goes on.
async fn read_one(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    loop {
        assert!(
            stream.read_buf(&mut answer).await.expect("read") > 0,
            "the connection goes on"
        );
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
        if body.len() >= length {
            return text.into_owned();
        }
    }
}

#[tokio::test]
async fn whoever_sends_too_slowly_is_told_or_cut() {
    let moment = Duration::from_millis(50);
    let server = Listening::with(|config| {
        config.head_deadline = moment;
        config.body_deadline = moment;
    })
    .await;
    // Each of these waits for the server to end the connection.
    for head in ["", "G", "GET / HTTP/1.1\r\nhost: acme.tenantry.test\r\nx: "] {
        assert_eq!(server.raw(head.as_bytes()).await, "", "{head:?}");
    }
    let token = &server.ann.token;
    let answer = server
        .raw(
            format!(
                "POST {PATH} HTTP/1.1\r\nhost: acme.tenantry.test\r\nauthorization: Bearer {token}\r\n\
                 content-type: application/json\r\ncontent-length: 10\r\nconnection: close\r\n\r\n{{"
            )
            .as_bytes(),
        )
        .await;
    assert_eq!(status(&answer), 408, "{answer}");
}

#[tokio::test]
async fn a_shutdown_finishes_the_request_in_flight_and_takes_no_more() {
    let server = Listening::new().await;
    let mut stream = TcpStream::connect(server.address).await.expect("it listens");
    let body = r#"{"first_name":"last"}"#;
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: acme.tenantry.test\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
        server.ann.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    // The handler is waiting for the body now.
    assert_eq!(status(&read_one(&mut stream).await), 100);
    server.shutdown.send(()).expect("it runs");
    // A connection made now is refused, or closed without an answer; a kept one is told to close.
    let mut late = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(server.address).await {
        let _closed = stream.read_to_end(&mut late).await;
    }
    assert!(late.is_empty());
    stream.write_all(body.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    assert_eq!(status(&String::from_utf8_lossy(&answer)), 201);
    server.running.await.expect("it ended by itself");
}
