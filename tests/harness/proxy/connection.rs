//! One connection through the proxy, from the client's first byte to the server's last.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::wire::{self, Answer, Messages};
use super::{Ask, How, Shared};

pub(super) async fn serve(
    client: TcpStream,
    upstream: u16,
    mut asked: mpsc::Receiver<Ask>,
    shared: &Shared,
) -> io::Result<()> {
    let server = TcpStream::connect(("127.0.0.1", upstream)).await?;
    for socket in [&client, &server] {
        socket.set_nodelay(true)?;
    }
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (mut messages, mut answers) = (Messages::default(), vec![0; 1 << 16]);
    let mut client_talks = false;
    loop {
        tokio::select! {
            read = messages.read(&mut from_client) => {
                if read? == 0 {
                    break;
                }
                let stop = count(shared, &mut messages, !client_talks);
                client_talks = true;
                to_server.write_all(&messages.take_counted()).await?;
                if let Some(how) = stop {
                    return end(how, from_client, to_client, from_server, to_server).await;
                }
            }
            read = from_server.read(&mut answers) => {
                let n = read?;
                if n == 0 {
                    break;
                }
                client_talks = false;
                to_client.write_all(&answers[..n]).await?;
            }
            Some(Ask { sql, answer }) = asked.recv() => {
                to_server.write_all(&wire::query(&sql)).await?;
                let _unheard = answer.send(Answer::read(&mut from_server).await?);
            }
        }
    }
    to_server.shutdown().await?;
    drain(&mut from_server).await
}

/// Counts what has come whole, and says whether the place to stop is reached; what lies behind it stays uncounted.
fn count(shared: &Shared, messages: &mut Messages, new_flight: bool) -> Option<How> {
    let mut state = shared.state();
    state.tally.flights += u64::from(new_flight);
    while messages.count_next() {
        state.tally.messages += 1;
        let so_far = state.tally.messages;
        if let Some(stop) = state.stop.take_if(|stop| stop.messages == so_far) {
            if let Some(reached) = stop.reached {
                // A cut needs no listener.
                let _unheard = reached.send(());
            }
            return Some(stop.how);
        }
    }
    None
}

async fn end(
    how: How,
    mut from_client: OwnedReadHalf,
    to_client: OwnedWriteHalf,
    mut from_server: OwnedReadHalf,
    mut to_server: OwnedWriteHalf,
) -> io::Result<()> {
    if how == How::Hold {
        tokio::select! {
            server_gone = drain(&mut from_server) => return server_gone,
            // However the client ended, by a reset too: its side is closed.
            _gone = drain(&mut from_client) => {}
        }
    }
    drop((from_client, to_client));
    to_server.shutdown().await?;
    drain(&mut from_server).await
}

/// Reads until the other side is gone.
async fn drain(from: &mut OwnedReadHalf) -> io::Result<()> {
    tokio::io::copy(from, &mut tokio::io::sink()).await.map(|_| ())
}
