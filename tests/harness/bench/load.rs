//! Closed-loop load over kept-alive HTTP/1.1 connections: each connection sends, waits for the answer, sends again.
//!
//! The client is as thin as a client can be (prepared bytes out, a `Content-Length` in), since it shares the
//! processors with what it measures; `pgbench` is as thin on its side.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a load achieved.
#[derive(Debug)]
pub struct Load {
    /// Answers per second, all connections together.
    pub per_second: f64,
    /// From the first byte sent to the last byte received, in microseconds.
    latency: Histogram<u64>,
}

impl Load {
    /// What a program measured itself: its rate per second, its latencies in microseconds.
    pub(super) fn new(per_second: f64, latency: Histogram<u64>) -> Self {
        Self { per_second, latency }
    }

    /// What several connections got together in this time.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of some millions are exact in f64"
    )]
    pub(super) fn of(connections: &[Histogram<u64>], took: Duration) -> Result<Self> {
        let mut latency = Histogram::new(3)?;
        for connection in connections {
            latency.add(connection)?;
        }
        let per_second = latency.len() as f64 / took.as_secs_f64();
        Ok(Self { per_second, latency })
    }

    /// The latency below which so many of all answers stayed, in microseconds.
    #[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^52 µs")]
    pub fn quantile(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64
    }
}

/// Sends `requests` in a scattered order over so many connections for so long; an answer that is not of the 2xx is an error.
pub async fn drive(
    address: SocketAddr,
    requests: &[Vec<u8>],
    connections: usize,
    window: Duration,
) -> Result<Load> {
    let start = Instant::now();
    let until = start + window;
    let workers = (0..connections).map(|n| connection(address, requests, n, until));
    let outcomes = futures_util::future::try_join_all(workers).await?;
    Load::of(&outcomes, start.elapsed())
}

/// Sends each request once, in order, over one connection.
pub async fn visit(address: SocketAddr, requests: &[Vec<u8>]) -> Result<Load> {
    let start = Instant::now();
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut latency = Histogram::new(3)?;
    let mut buffer = vec![0; 256 * 1024];
    for request in requests {
        let sent = Instant::now();
        stream.write_all(request).await?;
        answer(&mut stream, &mut buffer).await?;
        latency.record(u64::try_from(sent.elapsed().as_micros())?)?;
    }
    Load::of(&[latency], start.elapsed())
}

async fn connection(
    address: SocketAddr,
    requests: &[Vec<u8>],
    n: usize,
    until: Instant,
) -> Result<Histogram<u64>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut latency = Histogram::new(3)?;
    let mut buffer = vec![0; 256 * 1024];
    // A multiplicative walk visits all requests in an order of its own for each connection.
    let mut at = n.wrapping_mul(0x9E37_79B9) % requests.len();
    while Instant::now() < until {
        at = (at + 7919) % requests.len();
        let sent = Instant::now();
        stream.write_all(&requests[at]).await?;
        answer(&mut stream, &mut buffer).await?;
        latency.record(u64::try_from(sent.elapsed().as_micros())?)?;
    }
    Ok(latency)
}

async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        filled += read;
        let Some(head) = buffer[..filled]
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
        else {
            continue;
        };
        let text = std::str::from_utf8(&buffer[..head]).context("the answer's head is not text")?;
        if !text.starts_with("HTTP/1.1 2") {
            bail!("refused: {}", String::from_utf8_lossy(&buffer[..filled]));
        }
        let is_empty = text.starts_with("HTTP/1.1 204");
        let length = text
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length:")
                    .map(str::trim)
                    .map(str::to_owned)
            })
            .or_else(|| is_empty.then(|| "0".to_owned()))
            .context("the answer has no Content-Length")?;
        let whole = head + 4 + length.parse::<usize>()?;
        while filled < whole {
            let read = stream.read(&mut buffer[filled..]).await?;
            if read == 0 {
                bail!("the server closed the connection in the middle of an answer");
            }
            filled += read;
        }
        return Ok(());
    }
}
