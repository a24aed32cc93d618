//! Logs, on standard error, by way of a thread that writes them.
//!
//! Whatever reads our standard error may be slow or stand still. A line is therefore put into a bounded queue, which
//! never waits; where the queue is full the line is lost, and counted.

use std::io::{BufWriter, IsTerminal as _};
use std::time::Duration;

use tokio::task::JoinHandle;
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::cli::LogFormat;

/// Lines the queue holds: some megabytes at most.
const QUEUE: usize = 16_384;

/// What is said about lost lines, with their number since the start.
const LOST: &str = "log lines were lost: standard error was read too slowly";

/// How often lost lines are told.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// The installed logs.
#[must_use = "what is queued is written by `finish`"]
pub(crate) struct Logs {
    lost: ErrorCounter,
    teller: JoinHandle<()>,
    writer: WorkerGuard,
}

impl Logs {
    /// Tells how many lines were lost in all, and writes what is queued, for which standard error has about a second.
    pub(crate) fn finish(self) {
        self.teller.abort();
        let lost = self.lost.dropped_lines();
        if lost > 0 {
            tracing::warn!(lost, "{LOST}");
        }
        drop(self.writer);
    }
}

/// Installs the one subscriber. `filter` has `RUST_LOG`'s form; the caller has checked it. Called within a runtime.
pub(crate) fn install(filter: EnvFilter, format: LogFormat) -> Logs {
    // The thread flushes whenever the queue is empty.
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(QUEUE)
        .thread_name("logs")
        .finish(BufWriter::new(std::io::stderr()));
    let lost = writer.error_counter();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(writer);
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Logs {
        teller: tokio::spawn(tell(lost.clone())),
        lost,
        writer: guard,
    }
}

async fn tell(counter: ErrorCounter) {
    let mut told = 0;
    let mut turns = tokio::time::interval(TELL_EVERY);
    loop {
        turns.tick().await;
        let lost = counter.dropped_lines();
        if lost > told {
            tracing::warn!(lost, "{LOST}");
            told = lost;
        }
    }
}
