//! Ctrl-C and termination, as events a command can wait for.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM, both meaning: stop in good order. Once this is made, neither ends the process by itself.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Begins to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The next signal.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// For the time a child such as psql runs in the foreground. The terminal sends its signals (Ctrl-C, Ctrl-\, hanging
/// up) to the child and to this process alike; they are the child's to handle, and this process outlives it to clean
/// up.
pub(crate) struct Bystander {
    terminate: Signal,
}

impl Bystander {
    /// From here on the terminal's signals do not end this process.
    pub(crate) fn begin() -> io::Result<Self> {
        for kind in [SignalKind::interrupt(), SignalKind::quit(), SignalKind::hangup()] {
            // The handler stays when the stream goes.
            drop(signal(kind)?);
        }
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for SIGTERM, which is meant for this process.
    pub(crate) async fn terminated(&mut self) {
        self.terminate.recv().await;
    }
}
