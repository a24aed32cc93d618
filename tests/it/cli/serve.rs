//! `tenantry serve`: answers under a key made by `tenantry key`, forgets it when it is revoked, and stops in order.

use std::time::Duration;

use nix::sys::signal::Signal;
use secrecy::ExposeSecret as _;
use tests::{TestDb, pooler};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::program::{Running, Tenantry};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server on the test's database, and its address.
async fn serve(t: &TestDb) -> (Running, String) {
    let serving = Tenantry::on(t)
        .await
        .without("DATABASE_URL")
        .with("SERVER_DATABASE_URL", t.server_url().expose_secret())
        .with("TENANTRY_LISTEN", "127.0.0.1:0")
        .with("RUST_LOG", "info");
    let mut server = serving.start("serve --json");
    let document = server.document().await;
    assert_eq!(document["base_domain"], "localhost");
    let listening = document["listening"].as_str().expect("a text");
    let address = listening.strip_prefix("http://").expect("an address").to_owned();
    (server, address)
}

async fn key(tenantry: &Tenantry, scope: &str) -> (String, String) {
    let key = tenantry
        .json(&["key", "create", "acme", "--name", "K", "--scope", scope])
        .await;
    let text = |name: &str| key[name].as_str().expect("a text").to_owned();
    (text("id"), text("key"))
}

/// The whole answer to a request of ours, the connection closed.
async fn get(address: &str, host: &str, key: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!(
        "GET /rest/v1/contacts?select=first_name HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("it answers and closes");
    answer
}

fn status(answer: &str) -> &str {
    answer
        .get("HTTP/1.1 ".len()..)
        .and_then(|rest| rest.get(..3))
        .expect("a status line")
}

#[tokio::test]
async fn a_key_opens_its_tenant_until_it_is_revoked() {
    let t = TestDb::new().await;
    t.tenant("acme").await;
    t.tenant("globex").await;
    let tenantry = Tenantry::on(&t).await;
    let (mut server, address) = serve(&t).await;
    let (id, text) = key(&tenantry, "contacts:read").await;

    let answer = get(&address, "acme.localhost", &text).await;
    assert_eq!(status(&answer), "200", "{answer}");
    assert!(answer.ends_with("[]"), "{answer}");
    assert_eq!(status(&get(&address, "globex.localhost", &text).await), "401");
    assert_eq!(status(&get(&address, "initech.localhost", &text).await), "404");

    tenantry.does(&["key", "revoke", "acme", &id]).await;
    let revoked = async { while status(&get(&address, "acme.localhost", &text).await) != "401" {} };
    timeout(Duration::from_secs(2), revoked)
        .await
        .expect("a revoked key ends at once");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.end().await, Some(0));
    let log = server.rest_of_stderr().await;
    assert!(log.contains("/rest/v1/{object}") && !log.contains(&text), "{log}");
}

/// A request whose body the server waits for: it said "go on" (RFC 9110, section 10.1.1).
async fn half_sent(address: &str, key: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let head = format!(
        "POST /rest/v1/contacts HTTP/1.1\r\nHost: acme.localhost\r\napikey: {key}\r\nExpect: 100-continue\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        BODY.len()
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.expect("it answers");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

const BODY: &str = r#"{"first_name":"Grace"}"#;

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    let tenantry = Tenantry::on(&t).await;
    let (mut server, address) = serve(&t).await;
    let (_, text) = key(&tenantry, "*:*").await;
    let mut request = half_sent(&address, &text).await;
    server.signal(Signal::SIGTERM);
    timeout(PATIENCE, server.says("finishing the requests in flight"))
        .await
        .expect("it was told to stop");
    assert!(TcpStream::connect(&address).await.is_err(), "it takes no more");

    request.write_all(BODY.as_bytes()).await.expect("it still reads");
    let mut answer = String::new();
    request
        .read_to_string(&mut answer)
        .await
        .expect("it answers and closes");
    assert_eq!(status(&answer), "201", "{answer}");
    assert_eq!(server.end().await, Some(0));
    let count = format!(
        "select count(*) from {}.contacts where first_name = 'Grace'",
        acme.schema
    );
    let kept: i64 = t
        .as_superuser()
        .await
        .query_one(&count, &[])
        .await
        .expect("an answer")
        .get(0);
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn told_to_stop_twice_it_does_not_wait() {
    let t = TestDb::new().await;
    t.tenant("acme").await;
    let tenantry = Tenantry::on(&t).await;
    let (mut server, address) = serve(&t).await;
    let (_, text) = key(&tenantry, "*:*").await;
    let mut request = half_sent(&address, &text).await;
    for words in [
        "finishing the requests in flight",
        "the requests in flight are cut",
    ] {
        server.signal(Signal::SIGINT);
        timeout(PATIENCE, server.says(words))
            .await
            .expect("it was told to stop");
    }
    assert_eq!(server.end().await, Some(0));
    let mut answer = Vec::new();
    let _reset = request.read_to_end(&mut answer).await;
    assert_eq!(answer, b"", "nothing was answered that was not done");
}

#[tokio::test]
async fn behind_a_pooler_it_serves_if_it_is_told() {
    if !pooler::is_installed() {
        // tests/it/pooler.rs says so.
        return;
    }
    let t = TestDb::new().await;
    let pooler = t.cluster().own_pooler(2, "").await;
    let tenantry = Tenantry::on(&t).await;
    t.tenant("acme").await;
    let (_, key) = key(&tenantry, "contacts:read").await;
    let untold = t.server_url_through_port(pooler.port());
    let serving = Tenantry::on(&t)
        .await
        .without("DATABASE_URL")
        .with("SERVER_DATABASE_URL", untold.expose_secret())
        .with("TENANTRY_LISTEN", "127.0.0.1:0");
    let ran = serving.run("serve").await;
    assert_eq!(ran.status, Some(2), "{ran}");
    assert!(ran.stderr.contains("a pooler stands before PostgreSQL"), "{ran}");
    assert!(
        ran.stderr
            .contains("next: add pooler=transaction to SERVER_DATABASE_URL"),
        "{ran}"
    );

    let serving = serving
        .with(
            "SERVER_DATABASE_URL",
            t.server_url_pooled_by(&pooler).expose_secret(),
        )
        .with("SERVER_DIRECT_DATABASE_URL", t.server_url().expose_secret());
    let mut server = serving.start("serve --json");
    let document = server.document().await;
    let listening = document["listening"].as_str().expect("a text");
    let address = listening.strip_prefix("http://").expect("an address");
    let answer = get(address, "acme.localhost", &key).await;
    assert_eq!(status(&answer), "200", "{answer}");
}

#[tokio::test]
async fn a_port_in_use_is_one_sentence() {
    let t = TestDb::new().await;
    let (_server, address) = serve(&t).await;
    let second = Tenantry::on(&t)
        .await
        .with("SERVER_DATABASE_URL", t.server_url().expose_secret())
        .with("TENANTRY_LISTEN", &address);
    let ran = second.run("serve").await;
    let (_, port) = address.rsplit_once(':').expect("a port");
    assert_eq!(ran.status, Some(1), "{ran}");
    let why = format!("error: could not serve: port {port} on 127.0.0.1 is in use by another program");
    assert!(ran.stderr.starts_with(&why), "{ran}");
}
