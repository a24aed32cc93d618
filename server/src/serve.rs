//! Listening, connections, and an end that lets requests in flight finish.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::forwarded::Peer;
use crate::routes;
use crate::serve::peers::Peers;
use crate::state::AppState;

/// Streams one HTTP/2 connection may have open at once.
const STREAMS: u32 = 128;

/// How long exports that were cut may take to end.
const EXPORTS_END: Duration = Duration::from_secs(3);

/// How long a full table of file descriptors is given to drain before the next accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server that listens already and answers once [`Server::run`] is polled.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    state: AppState,
    router: Router,
}

/// Binds, runs until `shutdown` is done, and finishes what is in flight.
pub async fn serve(state: AppState, shutdown: impl Future<Output = ()> + Send) -> io::Result<()> {
    Server::bind(state).await?.run(shutdown).await;
    Ok(())
}

impl Server {
    /// Takes the configured address.
    pub async fn bind(state: AppState) -> io::Result<Self> {
        let listener = TcpListener::bind(state.config().listen).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            router: routes::router(state.clone()),
            state,
        })
    }

    /// The address it listens on: with the port the system chose, where port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is done; then accepts nothing more, and returns when every request in flight is
    /// answered or the grace period is over.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        let config = self.state.config();
        let graceful = GracefulShutdown::new();
        let cut = CancellationToken::new();
        let places = Arc::new(Semaphore::new(config.connection_limit));
        let peers = Peers::new(config.connections_per_client);
        let builder = Arc::new(connection_builder(config.head_deadline));
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let (stream, peer, place) = tokio::select! {
                accepted = accept(&self.listener, &places) => accepted,
                () = &mut shutdown => break,
            };
            let seat = match peers.seat(peer.ip()) {
                None if !config.trusts(peer.ip()) => {
                    tracing::debug!(%peer, "closed: this client has as many connections as it may");
                    continue;
                }
                seat => seat,
            };
            let connection = Connection {
                builder: Arc::clone(&builder),
                router: self.router.clone(),
                head_deadline: config.head_deadline,
                idle_deadline: config.idle_deadline,
                peer,
            };
            let (watcher, cut) = (graceful.watcher(), cut.clone());
            tokio::spawn(async move {
                cut.run_until_cancelled(connection.serve(stream, watcher)).await;
                drop((place, seat));
            });
        }
        drop(self.listener);
        let open = graceful.count();
        tracing::info!(open, "shutting down: finishing the requests in flight");
        if tokio::time::timeout(config.shutdown_grace, graceful.shutdown())
            .await
            .is_err()
        {
            tracing::warn!("the grace period is over: the remaining connections are cut");
            cut.cancel();
            // What an export that was cut still runs is told to stop, so that PostgreSQL does not go on with it.
            let exports = self.state.tenants().exports().ended();
            if tokio::time::timeout(EXPORTS_END, exports).await.is_err() {
                tracing::warn!("exports that were cut have not ended");
            }
        }
    }
}

fn connection_builder(head_deadline: Duration) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(head_deadline);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .keep_alive_interval(head_deadline)
        .keep_alive_timeout(head_deadline);
    builder
}

/// The next connection, and the place it takes.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit) {
    let place = Arc::clone(places)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Small answers must not wait for the acknowledgement of earlier ones (RFC 896).
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "TCP_NODELAY could not be set");
                }
                return (stream, peer, place);
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection could be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

struct Connection {
    builder: Arc<auto::Builder<TokioExecutor>>,
    router: Router,
    head_deadline: Duration,
    idle_deadline: Duration,
    peer: SocketAddr,
}

/// What happens on a connection.
#[derive(Default)]
struct Activity {
    begun: AtomicU64,
    in_flight: AtomicUsize,
}

/// A request in flight, until it is dropped.
pub(crate) struct InFlight(Arc<Activity>);

/// The connection of a request, told to the handler: an answer that is still being made when it begins to be sent keeps
/// the connection from counting as idle.
#[derive(Clone)]
pub(crate) struct OnConnection(Arc<Activity>);

impl OnConnection {
    /// As long as the guard lives, a request is in flight.
    pub(crate) fn keep(&self) -> InFlight {
        self.0.begin()
    }
}

impl Activity {
    fn begin(self: &Arc<Self>) -> InFlight {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    /// The number of requests begun so far, if none is in flight.
    fn at_rest(&self) -> Option<u64> {
        (self.in_flight.load(Ordering::Relaxed) == 0).then(|| self.begun.load(Ordering::Relaxed))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Connection {
    /// Serves one connection to its end. One that has sent no complete head by the deadline is dropped: while the
    /// protocol is still being told apart, hyper itself has no limit. So is one on which, later, no request is made for
    /// long: an HTTP/2 client that answers our pings and does nothing else would keep its place for ever.
    async fn serve(self, stream: TcpStream, watcher: Watcher) {
        let Self {
            builder,
            router,
            head_deadline,
            idle_deadline,
            peer,
        } = self;
        let activity = Arc::<Activity>::default();
        let service = service_fn(|mut request: Request<Incoming>| {
            let in_flight = activity.begin();
            request.extensions_mut().insert(Peer(peer.ip()));
            request
                .extensions_mut()
                .insert(OnConnection(Arc::clone(&activity)));
            let mut router = router.clone();
            async move {
                let answer = into_ok(router.call(request.map(Body::new)).await);
                drop(in_flight);
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut served = std::pin::pin!(watcher.watch(connection));
        let (mut seen, mut patience) = (Some(0), head_deadline);
        let ended = loop {
            tokio::select! {
                ended = &mut served => break ended,
                () = tokio::time::sleep(patience) => {
                    let now = activity.at_rest();
                    if now.is_some() && now == seen {
                        return;
                    }
                    (seen, patience) = (now, idle_deadline);
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error, "a connection ended early");
        }
    }
}

fn into_ok<T>(result: Result<T, Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

mod peers;

#[cfg(test)]
mod tests;
