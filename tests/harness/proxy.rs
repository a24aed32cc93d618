//! A loopback proxy that speaks enough of PostgreSQL's protocol to count it, cut it and ask on it.
//!
//! It knows where messages begin (PostgreSQL documentation, chapter "Message Formats"), so "after the seventh message
//! of the client" is a place where it can cut a connection or stop the world. A *flight* is a burst of the client's
//! followed by an answer: the number of times the client had to wait for the network.

mod connection;
mod wire;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

pub use self::wire::{Answer, Refusal};

/// What went through since the last [`Proxy::reset`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Connections that clients made.
    pub connections: u64,
    /// Times a client spoke after the server had: the round trips it had to wait for.
    pub flights: u64,
    /// Messages of clients.
    pub messages: u64,
}

/// A proxy in front of one PostgreSQL server. It stops taking connections when dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// How many connections are open on either side.
    open: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    tally: Tally,
    stop: Option<Stop>,
    ways_in: Vec<mpsc::Sender<Ask>>,
}

/// Where to stop, and how.
#[derive(Debug)]
struct Stop {
    messages: u64,
    how: How,
    reached: Option<oneshot::Sender<()>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Both sides are closed, as when the client's process is killed.
    Cut,
    /// Nothing goes through any more, until either side is gone.
    Hold,
}

#[derive(Debug)]
struct Ask {
    sql: String,
    answer: oneshot::Sender<Answer>,
}

impl Proxy {
    /// A proxy on a free port in front of this one.
    pub async fn to(upstream: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free loopback port");
        let port = listener
            .local_addr()
            .expect("a bound socket has an address")
            .port();
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            open: watch::Sender::new(0),
        });
        let serving = Arc::clone(&shared);
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (way_in, asked) = mpsc::channel(1);
                {
                    let mut state = serving.state();
                    state.tally.connections += 1;
                    state.ways_in.push(way_in);
                }
                serving.open.send_modify(|open| *open += 1);
                let shared = Arc::clone(&serving);
                tokio::spawn(async move {
                    // A connection that breaks is what a test is about, never a reason to stop the proxy.
                    let _ended = connection::serve(client, upstream, asked, &shared).await;
                    shared.open.send_modify(|open| *open -= 1);
                });
            }
        });
        Self {
            port,
            shared,
            listener,
        }
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What went through so far.
    pub fn tally(&self) -> Tally {
        self.shared.state().tally
    }

    /// Begins to count anew, and stops nowhere.
    pub fn reset(&self) {
        let mut state = self.shared.state();
        state.tally = Tally::default();
        state.stop = None;
    }

    /// Begins to count anew, and cuts the connection that carries the `n`-th message, once it is forwarded.
    pub fn cut_after(&self, n: u64) {
        drop(self.stop_after(n, How::Cut));
    }

    /// Begins to count anew, and holds everything back once the `n`-th message is forwarded, until either side is
    /// gone. The receiver hears when that has happened; it is dropped unheard when the proxy or the next stop is.
    pub fn hold_after(&self, n: u64) -> oneshot::Receiver<()> {
        self.stop_after(n, How::Hold)
    }

    fn stop_after(&self, messages: u64, how: How) -> oneshot::Receiver<()> {
        let (reached, receiver) = oneshot::channel();
        let mut state = self.shared.state();
        state.tally = Tally::default();
        state.stop = Some(Stop {
            messages,
            how,
            reached: Some(reached),
        });
        receiver
    }

    /// Waits until every connection has ended on both sides. PostgreSQL closes its side when the backend is gone, so
    /// what it was doing is then either committed or undone.
    pub async fn all_ended(&self) {
        let mut open = self.shared.open.subscribe();
        open.wait_for(|open| *open == 0)
            .await
            .expect("the proxy holds the other end");
    }

    /// Runs a query by the simple protocol on the newest connection that passes through, between two transactions of
    /// its client, who does not notice: what does that very session see and remember?
    pub async fn ask(&self, sql: &str) -> Answer {
        let way_in = {
            let mut state = self.shared.state();
            state.ways_in.retain(|way_in| !way_in.is_closed());
            state.ways_in.last().cloned().expect("a connection is open")
        };
        let (answer, receiver) = oneshot::channel();
        way_in
            .send(Ask {
                sql: sql.to_owned(),
                answer,
            })
            .await
            .expect("the connection is open");
        receiver.await.expect("the server answers")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
