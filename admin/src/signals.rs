//! Ctrl-C and termination, as events a command can wait for.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM, both meaning: stop in good order. Once this was made, neither ends the process by itself.
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

/// A process in the foreground runs in our place: what is typed at the terminal (Ctrl-C, Ctrl-\, hanging up) is for
/// it, and we live on to clean up after it.
pub(crate) struct Bystander {
    terminate: Signal,
}

impl Bystander {
    /// From here on the terminal's signals do not end us.
    pub(crate) fn begin() -> io::Result<Self> {
        for kind in [SignalKind::interrupt(), SignalKind::quit(), SignalKind::hangup()] {
            // The handler stays when the stream goes.
            drop(signal(kind)?);
        }
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Somebody wants us to end.
    pub(crate) async fn terminated(&mut self) {
        self.terminate.recv().await;
    }
}
