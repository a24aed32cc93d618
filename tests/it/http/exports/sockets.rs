//! Exports over real sockets: what a client sees of one that breaks off, and a server that is stopped.

use std::net::SocketAddr;
use std::time::Duration;

use server::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{NDJSON, Scene};

/// Thirty megabytes: more than all buffers between PostgreSQL and a client that reads nothing.
const MANY: u32 = 30_000;
const LONG: &str = "repeat('x', 1000)";

async fn listening(scene: &Scene) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let server = Server::bind(scene.app.state().clone())
        .await
        .expect("a free port");
    let address = server.local_addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(server.run(async move {
        let _ = stopped.await;
    }));
    (address, stop, running)
}

async fn ask(scene: &Scene, address: SocketAddr) -> TcpStream {
    let mut stream = sent(scene, address, "HTTP/1.1").await;
    let mut beginning = [0; 12];
    stream.read_exact(&mut beginning).await.expect("an answer");
    assert_eq!(&beginning, b"HTTP/1.1 200");
    stream
}

async fn sent(scene: &Scene, address: SocketAddr, version: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!(
        "GET /rest/v1/notes {version}\r\nhost: {}\r\nauthorization: Bearer {}\r\naccept: {NDJSON}\r\n\
         connection: close\r\n\r\n",
        scene.acme.host(),
        scene.ada.token
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

/// What is left to be read, until the end of the stream or an error.
async fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut read = Vec::new();
    let _ = stream.read_to_end(&mut read).await;
    read
}

/// The chunk that ends a body (RFC 9112, section 7.1).
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

#[tokio::test]
async fn what_could_not_tell_a_break_from_an_end_is_refused() {
    let scene = Scene::set().await;
    let (address, _stop, _running) = listening(&scene).await;
    let answer = rest(sent(&scene, address, "HTTP/1.0").await).await;
    let answer = String::from_utf8(answer).expect("a text");
    assert!(answer.starts_with("HTTP/1.0 426"), "{answer}");
    assert!(answer.contains("upgrade: HTTP/1.1"), "{answer}");
}

#[tokio::test]
async fn a_slow_client_gets_all_and_a_broken_transfer_looks_broken() {
    let scene = Scene::with(|settings| settings.tenants.exports.stall = Duration::from_millis(300)).await;
    scene.notes(&scene.acme, MANY, LONG).await;
    let (address, _stop, _running) = listening(&scene).await;

    // Reads in small steps, with other work in between.
    let mut slow = ask(&scene, address).await;
    let (mut all, mut step) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        let length = slow.read(&mut step).await.expect("no error");
        if length == 0 {
            break;
        }
        all.extend_from_slice(&step[..length]);
        tokio::task::yield_now().await;
    }
    assert!(all.ends_with(LAST_CHUNK));
    assert!(all.len() > 30_000_000);

    // Reads nothing until the server has given up.
    let stalled = ask(&scene, address).await;
    scene.app.tenants().exports().ended().await;
    assert_eq!(scene.transactions().await, 0);
    let read = rest(stalled).await;
    assert!(!read.ends_with(LAST_CHUNK) && read.len() < all.len());

    // Goes away.
    drop(ask(&scene, address).await);
    scene.leaves_nothing().await;
}

#[tokio::test]
async fn a_server_that_is_stopped_ends_its_exports_in_time() {
    let scene = Scene::with(|settings| settings.server.shutdown_grace = Duration::from_millis(100)).await;
    scene.notes(&scene.acme, MANY, LONG).await;
    let (address, stop, running) = listening(&scene).await;
    let stream = ask(&scene, address).await;
    assert_eq!(scene.transactions().await, 1);
    stop.send(()).expect("it runs");
    running.await.expect("it ends");
    assert_eq!(scene.transactions().await, 0);
    assert!(!rest(stream).await.ends_with(LAST_CHUNK));
}
