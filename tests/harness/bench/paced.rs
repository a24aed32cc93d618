//! Loads for benchmarks of fairness: one that keeps a pace, and one that presses on whatever it is answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;

use super::load::Load;

/// What somebody got who pressed on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pressed {
    /// Answers of the 2xx.
    pub answered: u64,
    /// Answers with 429 or 503.
    pub turned_away: u64,
}

/// Sends each request over a connection of its own, again and again at this pace, for so long. A latency counts from the
/// moment at which the request was due, so that one which had to wait for a slow answer before it counts in full.
pub async fn paced(
    address: SocketAddr,
    requests: &[Vec<u8>],
    every: Duration,
    window: Duration,
) -> Result<Load> {
    let start = Instant::now();
    let workers = requests
        .iter()
        .map(|request| keeps_pace(address, request, every, window));
    let outcomes = futures_util::future::try_join_all(workers).await?;
    Load::of(&outcomes, start.elapsed())
}

async fn keeps_pace(
    address: SocketAddr,
    request: &[u8],
    every: Duration,
    window: Duration,
) -> Result<Histogram<u64>> {
    let mut client = Connection::to(address).await?;
    let mut latency = Histogram::new(3)?;
    let until = tokio::time::Instant::now() + window;
    let mut pace = tokio::time::interval(every);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        let due = pace.tick().await;
        if due >= until {
            return Ok(latency);
        }
        let status = client.ask(request).await?;
        if status / 100 != 2 {
            bail!("answered with {status}");
        }
        latency.record(u64::try_from(due.elapsed().as_micros())?)?;
    }
}

/// Sends a request over so many connections as fast as it is answered, for so long.
pub async fn press(
    address: SocketAddr,
    request: &[u8],
    connections: usize,
    window: Duration,
) -> Result<Pressed> {
    let until = Instant::now() + window;
    let workers = (0..connections).map(|_| presses(address, request, until));
    let outcomes = futures_util::future::try_join_all(workers).await?;
    let sum = |a: Pressed, b: &Pressed| Pressed {
        answered: a.answered + b.answered,
        turned_away: a.turned_away + b.turned_away,
    };
    Ok(outcomes.iter().fold(Pressed::default(), sum))
}

async fn presses(address: SocketAddr, request: &[u8], until: Instant) -> Result<Pressed> {
    let mut client = Connection::to(address).await?;
    let mut pressed = Pressed::default();
    while Instant::now() < until {
        match client.ask(request).await? {
            429 | 503 => pressed.turned_away += 1,
            200..=299 => pressed.answered += 1,
            other => bail!("answered with {other}"),
        }
    }
    Ok(pressed)
}

/// A kept-alive connection.
struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn to(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Sends a request, takes the whole answer, and gives its status.
    async fn ask(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            self.more().await?;
            if let Some(end) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let text = std::str::from_utf8(&self.buffer[..head]).context("the answer's head is not text")?;
        let status = text.get(9..12).and_then(|status| status.parse().ok());
        let status = status.context("the answer has no status")?;
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        let whole = head + length.context("the answer has no Content-Length")?;
        while self.buffer.len() < whole {
            self.more().await?;
        }
        Ok(status)
    }

    async fn more(&mut self) -> Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}
