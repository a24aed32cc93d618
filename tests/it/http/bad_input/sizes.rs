//! What is too long, too deep or too large: over a socket where the server's HTTP reads it first, and with what comes
//! after it on the same connection to the database.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::http::Method;
use catalog::memberships::MemberRole::Admin;
use serde_json::json;
use server::Server;
use tests::app::Person;
use tests::database::one_connection;
use tests::{TestApp, TestDb};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Trial;

const MIB: usize = 1024 * 1024;

/// Somebody who asks by way of one connection, and where the same server listens.
async fn scene(body_limit: usize) -> (Person, SocketAddr) {
    let db = Arc::new(TestDb::reference().await);
    let app = TestApp::on(db, |settings| {
        settings.tenants = one_connection();
        settings.server.body_limit = body_limit;
    });
    let app = app.await;
    let ada = app.tenant("acme").await.member("ada", Admin).await;
    let server = Server::bind(app.state().clone()).await.expect("a free port");
    let address = server.local_addr();
    tokio::spawn(server.run(std::future::pending()));
    (ada, address)
}

async fn is_as_before(ada: &Person, after: &str) {
    let next = ada.get("/rest/v1/coins?select=id&order=id").await;
    let expected = json!([{ "id": 1 }, { "id": 2 }, { "id": 3 }]);
    assert_eq!(next.expect_status(200).json(), expected, "after {after}");
}

#[tokio::test]
async fn bodies_of_ten_megabytes() {
    let large = "x".repeat(10 * MIB);
    let bodies = [
        ("application/json", format!("{{\"name\":\"{large}\"}}")),
        ("application/json", format!("[{}1]", "1,".repeat(5 * MIB))),
        ("application/json", "[".repeat(10 * MIB)),
        ("application/json", format!("{{\"id\":{}}}", "9".repeat(10 * MIB))),
        ("application/x-ndjson", "{\"nothing\":1}\n".repeat(MIB * 5 / 7)),
        ("text/csv", format!("id,name\n{}", "x,y\n".repeat(MIB * 5 / 2))),
        ("text/csv", format!("{large}\n1")),
        ("application/x-www-form-urlencoded", format!("id=x&name={large}")),
        ("application/json", "\0".repeat(10 * MIB)),
    ];
    for (limit, statuses) in [(4 * MIB, 413..=413), (16 * MIB, 400..=499)] {
        let (ada, _) = scene(limit).await;
        let mut trial = Trial::default();
        for (media_type, body) in &bodies {
            let ask = ada.ask(Method::POST, "/rest/v1/coins").body(body.clone());
            let ask = ask.header("content-type", *media_type);
            let answer = trial.put(ask).await;
            let (status, told) = (answer.status(), answer.text());
            assert!(statuses.contains(&status), "{media_type}: {status} {told:.200}");
            assert!(told.len() < 2000, "it is not repeated: {} bytes", told.len());
            is_as_before(&ada, media_type).await;
        }
        trial.end(bodies.len());
    }
}

#[tokio::test]
async fn bodies_that_are_no_text() {
    let (ada, _) = scene(4 * MIB).await;
    let mut trial = Trial::default();
    for bytes in [
        &b"\xff"[..],
        b"id\xc3\x28",
        b"\xed\xa0\x80",
        b"{\"id\":\"\xfe\"}",
        b"id\n\xff\n",
    ] {
        for (target, media_type) in [
            ("coins", "application/json"),
            ("coins", "application/x-ndjson"),
            ("coins", "text/csv"),
            ("coins", "application/x-www-form-urlencoded"),
            ("rpc/add_up", "application/json"),
            ("rpc/add_up", "application/x-www-form-urlencoded"),
            ("rpc/multiply", "application/json"),
            ("rpc/text_length", "text/plain"),
            ("rpc/markup_length", "text/xml"),
        ] {
            let ask = ada.ask(Method::POST, &format!("/rest/v1/{target}")).body(bytes);
            let answer = trial.put(ask.header("content-type", media_type)).await;
            let status = answer.status();
            assert!(
                (400..500).contains(&status),
                "{target} {media_type}: {}",
                answer.text()
            );
        }
    }
    is_as_before(&ada, "bodies that are no text").await;
    trial.end(45);
}

#[tokio::test]
async fn trees_as_deep_as_an_address_allows() {
    let (ada, _) = scene(4 * MIB).await;
    let mut trial = Trial::default();
    for depth in [10, 100, 1_000, 4_000] {
        let nested = |open: &str, inner: &str, close: &str| {
            format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
        };
        for query in [
            format!("and=({})", nested("or(", "id.eq.1", ")")),
            format!("not.or=({})", nested("not.and(", "id.eq.1", ")")),
            format!("select={}", nested("coins(", "id", ")")),
            format!("select={}", nested("...coins(", "id", ")")),
            format!("select=name{}", "-%3Ea".repeat(depth)),
            format!("name{}=eq.1", "-%3Ea".repeat(depth)),
            format!("order={}", nested("a(", "id", ")")),
            format!("{}id=eq.1", "coins.".repeat(depth)),
            format!("id={}eq.1", "not.".repeat(depth)),
            format!("select=id{}", "::text".repeat(depth)),
            format!("name=eq.{}", "%22".repeat(depth)),
            format!("id=in.({})", "(".repeat(depth)),
        ] {
            trial.put(ada.get(&format!("/rest/v1/coins?{query}"))).await;
            is_as_before(&ada, &query[..40.min(query.len())]).await;
        }
    }
    trial.end(48);
}

#[tokio::test]
async fn heads_that_no_server_reads() {
    let (ada, address) = scene(4 * MIB).await;
    let raw = async |bytes: Vec<u8>| {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        // The server may have answered and closed before it was all sent.
        let _ = stream.write_all(&bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    };
    let host = "host: acme.tenantry.test\r\nconnection: close\r\n\r\n";
    let head =
        |target: &[u8], more: &[u8]| [b"GET ", target, b" HTTP/1.1\r\n", more, host.as_bytes()].concat();
    for bytes in [
        head(
            format!("/rest/v1/coins?name=eq.{}", "x".repeat(MIB)).as_bytes(),
            b"",
        ),
        head(format!("/{}", "x/".repeat(MIB)).as_bytes(), b""),
        head(b"/rest/v1/coins?name=eq.\xff", b""),
        head(b"/rest/v1/coins\0", b""),
        head(
            b"/rest/v1/coins",
            format!("x: {}\r\n", "x".repeat(MIB)).as_bytes(),
        ),
        head(b"/rest/v1/coins", "x: y\r\n".repeat(2_000).as_bytes()),
        head(b"/rest/v1/coins", b"x\0: y\r\n"),
        head(b"/rest/v1/coins", b"prefer: \0\r\n"),
        head(b"/rest/v1/coins", b"content-length: -1\r\n"),
        head(b"/rest/v1/coins", b"content-length: 1\r\ncontent-length: 2\r\n"),
        b"\x16\x03\x01\x02\x00".repeat(100),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..60.min(bytes.len())]).into_owned();
        let answer = raw(bytes).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{shown}: {answer:.300}"
        );
        is_as_before(&ada, &shown).await;
    }
}
