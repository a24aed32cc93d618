//! Real sockets: both protocols' beginnings, silent clients, and the end.

use axum::routing::get;
use hyper::client::conn::http2;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, oneshot};

use super::*;
use crate::config::ServerConfig;
use crate::state::without_database;

async fn server(router: Router, change: impl FnOnce(&mut ServerConfig)) -> Server {
    let mut server = Server::bind(without_database::state(change))
        .await
        .expect("a free port");
    server.router = router;
    server
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("it listens")
}

/// Everything the server sends until it closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("readable");
    text
}

const ONE: &[u8] = b"GET / HTTP/1.1\r\nhost: example.com\r\n\r\n";
const LAST: &[u8] = b"GET / HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_turn() {
    let server = server(Router::new().route("/", get(|| async { "here" })), |_| ()).await;
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async { stopped.await.unwrap_or_default() }));
    let mut stream = connect(address).await;
    stream.write_all(&[ONE, LAST].concat()).await.expect("writable");
    assert_eq!(rest(stream).await.matches("HTTP/1.1 200 OK").count(), 2);
    drop(stop);
    running.await.expect("no panic");
}

#[tokio::test]
async fn a_client_that_stays_silent_is_dropped() {
    for beginning in ["", "P", "GET / HT", "PRI * HTTP/2.0\r\n"] {
        let server = server(Router::new(), |config| {
            config.head_deadline = Duration::from_millis(20);
        })
        .await;
        let address = server.local_addr();
        let running = tokio::spawn(server.run(std::future::pending()));
        let mut stream = connect(address).await;
        stream.write_all(beginning.as_bytes()).await.expect("writable");
        let mut answer = Vec::new();
        // However it ends, it ends: closed, reset, or with a 408.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP/1.1 2"), "{beginning:?}");
        running.abort();
    }
}

#[tokio::test]
async fn an_http_2_connection_without_requests_ends() {
    let server = server(Router::new().route("/", get(|| async { "here" })), |config| {
        config.idle_deadline = Duration::from_millis(20);
        config.head_deadline = Duration::from_millis(20);
    })
    .await;
    let address = server.local_addr();
    let running = tokio::spawn(server.run(std::future::pending()));
    let stream = TokioIo::new(connect(address).await);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream)
        .await
        .expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let request = Request::builder().uri("http://example.com/").body(Body::empty());
    let answer = sender.send_request(request.expect("a request")).await;
    assert!(answer.expect("an answer").status().is_success());
    // The client is there, and answers pings; nothing but the server ends this.
    let _ended = connection.await.expect("no panic");
    assert!(sender.is_closed());
    running.abort();
}

#[tokio::test]
async fn a_client_has_so_many_connections_and_a_proxy_as_many_as_there_are() {
    let router = || Router::new().route("/", get(|| async { "here" }));
    for (proxies, third) in [("198.51.100.1", ""), ("127.0.0.1", "here")] {
        let server = server(router(), |config| {
            config.connections_per_client = 2;
            config.trusted_proxies = vec![proxies.parse().expect("a network")];
        })
        .await;
        let address = server.local_addr();
        let running = tokio::spawn(server.run(std::future::pending()));
        let mut kept = [connect(address).await, connect(address).await];
        for stream in &mut kept {
            stream.write_all(ONE).await.expect("writable");
            assert_ne!(stream.read(&mut [0; 1024]).await.expect("readable"), 0);
        }
        let mut stream = connect(address).await;
        let mut answer = Vec::new();
        // Closed before or after what we send has arrived: an end or a reset.
        let _ = stream.write_all(LAST).await;
        let _ = stream.read_to_end(&mut answer).await;
        assert!(String::from_utf8_lossy(&answer).ends_with(third), "{proxies}");
        assert_eq!(answer.is_empty(), third.is_empty(), "{proxies}");
        running.abort();
    }
}

#[tokio::test]
async fn a_request_in_flight_is_answered_after_the_shutdown_has_begun() {
    let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (inside, outside) = (Arc::clone(&entered), Arc::clone(&leave));
    let slow = get(move || async move {
        inside.notify_one();
        outside.notified().await;
        "done"
    });
    let server = server(Router::new().route("/", slow), |_| ()).await;
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async { stopped.await.unwrap_or_default() }));
    let mut stream = connect(address).await;
    stream.write_all(ONE).await.expect("writable");
    entered.notified().await;
    drop(stop);
    leave.notify_one();
    assert!(rest(stream).await.ends_with("done"));
    running.await.expect("no panic");
    assert!(TcpStream::connect(address).await.is_err(), "it listens no more");
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_at_the_end_of_the_grace_period() {
    let entered = Arc::new(Notify::new());
    let inside = Arc::clone(&entered);
    let endless = get(move || async move {
        inside.notify_one();
        std::future::pending::<&'static str>().await
    });
    let router = Router::new().route("/", endless);
    let server = server(router, |config| config.shutdown_grace = Duration::ZERO).await;
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async { stopped.await.unwrap_or_default() }));
    let mut stream = connect(address).await;
    stream.write_all(ONE).await.expect("writable");
    entered.notified().await;
    drop(stop);
    running.await.expect("it returns nevertheless");
    assert_eq!(
        rest(stream).await,
        "",
        "and the connection is closed without an answer"
    );
}
