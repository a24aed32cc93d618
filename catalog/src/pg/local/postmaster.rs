//! The one PostgreSQL server process that we started, from spawn to reaping.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{io, thread};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

use super::guardian::Guardian;
use super::pid_file;
use super::processes::{self, POLL};

/// How PostgreSQL is asked to stop; see "Shutting Down the Server" in its documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shutdown {
    /// SIGINT: sessions end, a checkpoint is written, the next start needs no recovery.
    Fast,
    /// SIGQUIT: ends at once. For data that nobody will read again.
    Immediate,
}

impl Shutdown {
    fn signal(self) -> Signal {
        match self {
            Self::Fast => Signal::SIGINT,
            Self::Immediate => Signal::SIGQUIT,
        }
    }

    /// What to send, and how long to wait before the next; SIGKILL comes last.
    fn steps(self) -> [(Signal, Duration); 2] {
        [
            (self.signal(), Duration::from_secs(30)),
            (Signal::SIGQUIT, Duration::from_secs(5)),
        ]
    }
}

/// A running server and its guardian. Dropping it stops the server.
#[derive(Debug)]
pub(super) struct Postmaster {
    child: Child,
    pid: Pid,
    data_dir: PathBuf,
    shutdown: Shutdown,
    guardian: Option<Guardian>,
}

impl Postmaster {
    /// Starts the server in a process group of its own: Ctrl-C at the terminal must not reach it, because we decide
    /// when it stops. `remove` is the folder that the guardian removes should we die.
    pub(super) fn spawn(
        mut command: Command,
        data_dir: PathBuf,
        log: File,
        shutdown: Shutdown,
        remove: Option<&Path>,
    ) -> io::Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        let child = command.spawn()?;
        let pid = i32::try_from(child.id())
            .map(Pid::from_raw)
            .map_err(io::Error::other)?;
        let mut postmaster = Self {
            child,
            pid,
            data_dir,
            shutdown,
            guardian: None,
        };
        let signal = postmaster.shutdown.signal().as_str().trim_start_matches("SIG");
        postmaster.guardian = Some(Guardian::watch(pid, signal, remove)?);
        Ok(postmaster)
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Waits until it accepts connections; the reason if it ends before or takes longer.
    pub(super) async fn ready(&mut self, within: Duration) -> Result<(), String> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().map_err(|error| error.to_string())? {
                return Err(format!("it ended at once ({status})"));
            }
            let file = pid_file::read(&self.data_dir).map_err(|error| error.to_string())?;
            if file.is_some_and(|file| file.pid == self.pid && file.is_ready) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(format!("it is not ready after {within:?}"));
            }
            sleep(POLL).await;
        }
    }

    /// Stops it and waits for the end. The error is the process that does not end.
    pub(super) async fn stop(&mut self) -> Result<(), Pid> {
        self.guardian = None;
        for (signal, patience) in self.shutdown.steps() {
            if self.has_ended() {
                return Ok(());
            }
            processes::signal(self.pid, signal);
            let deadline = Instant::now() + patience;
            while Instant::now() < deadline {
                if self.has_ended() {
                    return Ok(());
                }
                sleep(POLL).await;
            }
            tracing::warn!(pid = %self.pid, %signal, ?patience, "PostgreSQL does not stop");
        }
        self.kill().await
    }

    /// SIGKILL for the server and its children, as in a crash.
    pub(super) async fn kill(&mut self) -> Result<(), Pid> {
        self.guardian = None;
        // First the parent, so that it makes no new children; while it is not reaped, its number stays its own.
        if !self.has_ended() {
            processes::signal(self.pid, Signal::SIGKILL);
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let left = processes::on(&self.data_dir);
            if left.is_empty() && self.has_ended() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(left.first().copied().unwrap_or(self.pid));
            }
            for pid in left {
                processes::signal(pid, Signal::SIGKILL);
            }
            sleep(POLL).await;
        }
    }

    fn has_ended(&mut self) -> bool {
        // An error means there is nothing to wait for.
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Postmaster {
    /// The same as [`Postmaster::stop`], blocking: usually 100 ms, bounded by 15 s.
    fn drop(&mut self) {
        self.guardian = None;
        for (signal, tries) in [
            (self.shutdown.signal(), 1000),
            (Signal::SIGQUIT, 300),
            (Signal::SIGKILL, 200),
        ] {
            if self.has_ended() {
                return;
            }
            processes::signal(self.pid, signal);
            for _ in 0..tries {
                if self.has_ended() {
                    return;
                }
                thread::sleep(Duration::from_millis(10));
            }
        }
    }
}
