//! From a configuration to a socket on which PostgreSQL waits for queries.
//!
//! The driver does everything that is delicate about it: TLS, the authentication methods, channel binding. It is lent
//! the socket for that, and gives it back when the server says that it is ready.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_postgres::CancelToken;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::pg::config::PgConfig;
use crate::pg::sqlstate::PgError;

/// A way to the server and back, over TCP, TLS or a Unix socket.
pub(super) struct Socket(Box<dyn Duplex>);

impl Socket {
    fn of(stream: impl Duplex + 'static) -> Self {
        Self(Box::new(stream))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Where one of a configuration's hosts is.
#[derive(Clone)]
pub(super) struct Place {
    host: Host,
    /// The name that the server's certificate must bear.
    name: String,
    port: u16,
}

/// The hosts of a configuration, in the order in which they are tried.
pub(super) fn places(config: &PgConfig) -> Vec<Place> {
    let driver = config.driver();
    let (hosts, addresses, ports) = (driver.get_hosts(), driver.get_hostaddrs(), driver.get_ports());
    let place = |n: usize| {
        let named = hosts.get(n);
        // `hostaddr` says where to connect, `host` then only what the certificate must say.
        let host = match (addresses.get(n), named) {
            (Some(address), _) => Host::Tcp(address.to_string()),
            (None, Some(host)) => host.clone(),
            (None, None) => return None,
        };
        let name = match named {
            Some(Host::Tcp(name)) => name.clone(),
            _ => String::new(),
        };
        let port = ports.get(n).or(ports.first()).copied().unwrap_or(5432);
        Some(Place { host, name, port })
    };
    (0..hosts.len().max(addresses.len())).filter_map(place).collect()
}

/// A session at this place, and the right to cancel what runs in it.
pub(super) async fn open(config: &PgConfig, place: &Place) -> Result<(Socket, CancelToken), PgError> {
    let lent = Lent::of(dial(config, place).await.map_err(unreachable)?);
    let secured = Lent::default();
    let tls = Securing {
        tls: connector(config, place),
        secured: secured.clone(),
    };
    let mut driver = config.driver().clone();
    if !matches!(place.host, Host::Tcp(_)) && driver.get_ssl_mode() == SslMode::Prefer {
        // PostgreSQL speaks no TLS on a Unix socket, and asking for it would cost a round trip.
        driver.ssl_mode(SslMode::Disable);
    }
    let (client, connection) = driver
        .connect_raw(lent.clone(), tls)
        .await
        .map_err(PgError::of_connecting)?;
    let cancel = client.cancel_token();
    // Dropped without being polled again, the driver sends no farewell.
    drop((client, connection));
    let socket: Socket = match secured.take_back() {
        Some(tls) => Socket::of(tls),
        None => lent.take_back().expect("nobody else takes it back"),
    };
    Ok((socket, cancel))
}

/// Asks the server to cancel what runs in a session, and waits until it has dealt with that: it closes the connection when
/// the signal is sent (PostgreSQL documentation, section 55.2.8).
pub(super) async fn cancel(config: &PgConfig, place: &Place, token: &CancelToken) -> Result<(), PgError> {
    let socket = Lent::of(dial(config, place).await.map_err(unreachable)?);
    token
        .cancel_query_raw(socket.clone(), connector(config, place))
        .await
        .map_err(PgError::of_connecting)?;
    if let Some(mut socket) = socket.take_back() {
        // A reset says the same as an end.
        let _ = tokio::io::copy(&mut socket, &mut tokio::io::sink()).await;
    }
    Ok(())
}

fn unreachable(error: io::Error) -> PgError {
    PgError::Unavailable(error.into())
}

type Rustls = <MakeRustlsConnect as MakeTlsConnect<Lent<Socket>>>::TlsConnect;

fn connector(config: &PgConfig, place: &Place) -> Rustls {
    let made = MakeTlsConnect::<Lent<Socket>>::make_tls_connect(&mut config.tls(), &place.name);
    made.unwrap_or_else(|never| match never {})
}

async fn dial(config: &PgConfig, place: &Place) -> io::Result<Socket> {
    let driver = config.driver();
    let within = driver.get_connect_timeout().copied().unwrap_or(CONNECT);
    match &place.host {
        Host::Tcp(name) => {
            let connect = TcpStream::connect((name.as_str(), place.port));
            let stream = tokio::time::timeout(within, connect).await??;
            stream.set_nodelay(true)?;
            let socket = SockRef::from(&stream);
            #[cfg(target_os = "linux")]
            socket.set_tcp_user_timeout(driver.get_tcp_user_timeout().copied())?;
            socket.set_tcp_keepalive(&keepalive(driver))?;
            Ok(Socket::of(stream))
        }
        #[cfg(unix)]
        Host::Unix(folder) => {
            let connect = UnixStream::connect(folder.join(format!(".s.PGSQL.{}", place.port)));
            Ok(Socket::of(tokio::time::timeout(within, connect).await??))
        }
    }
}

/// How long a socket may take to connect where the configuration does not say it.
const CONNECT: Duration = Duration::from_secs(5);

fn keepalive(driver: &tokio_postgres::Config) -> TcpKeepalive {
    let mut keepalive = TcpKeepalive::new().with_time(driver.get_keepalives_idle());
    if let Some(interval) = driver.get_keepalives_interval() {
        keepalive = keepalive.with_interval(interval);
    }
    if let Some(retries) = driver.get_keepalives_retries() {
        keepalive = keepalive.with_retries(retries);
    }
    keepalive
}

/// A stream that can be taken back from whoever it was given to.
struct Lent<S>(Arc<Mutex<Option<S>>>);

impl<S> Lent<S> {
    fn of(stream: S) -> Self {
        Self(Arc::new(Mutex::new(Some(stream))))
    }

    fn take_back(&self) -> Option<S> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Unpin> Lent<S> {
    fn with<T>(&self, act: impl FnOnce(Pin<&mut S>) -> Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match self.lock().as_mut() {
            Some(stream) => act(Pin::new(stream)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }
}

impl<S> Clone for Lent<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Default for Lent<S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lent<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(cx, buf))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lent<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(cx))
    }
}

impl<S: TlsStream + Unpin> TlsStream for Lent<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.lock()
            .as_ref()
            .map_or_else(ChannelBinding::none, TlsStream::channel_binding)
    }
}

type Tls = <Rustls as TlsConnect<Lent<Socket>>>::Stream;

/// Makes the TLS session and keeps a hold of it.
struct Securing {
    tls: Rustls,
    secured: Lent<Tls>,
}

impl TlsConnect<Lent<Socket>> for Securing {
    type Stream = Lent<Tls>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Lent<Tls>>> + Send>>;

    fn connect(self, socket: Lent<Socket>) -> Self::Future {
        let Self { tls, secured } = self;
        Box::pin(async move {
            *secured.lock() = Some(tls.connect(socket).await?);
            Ok(secured.clone())
        })
    }
}
