//! The PostgreSQL processes that work on one data folder, recognised by where they are, not by a number alone.
//!
//! PostgreSQL changes into its data folder at start (`ChangeToDataDir`), and so do its children by inheritance.
//! On Linux `/proc/PID/cwd` shows it. Elsewhere `ps` shows the postmaster's command line and its children; orphans
//! of a dead postmaster cannot be told there, but they end by themselves when they next wait for anything.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;
use std::{fs, process};

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

/// How often a condition is looked at while waiting for it.
pub(super) const POLL: Duration = Duration::from_millis(20);

/// Every PostgreSQL process on this data folder, in no order. Zombies do not count.
pub(super) fn on(data_dir: &Path) -> Vec<Pid> {
    if cfg!(target_os = "linux") {
        by_proc(data_dir)
    } else {
        by_ps(data_dir)
    }
}

/// Sends a signal; a process that is gone already is fine.
pub(super) fn signal(pid: Pid, signal: Signal) {
    if let Err(error) = kill(pid, signal)
        && error != Errno::ESRCH
    {
        tracing::warn!(%pid, %signal, %error, "cannot signal a PostgreSQL process");
    }
}

/// Ends whatever a dead owner left running on this data folder: fast shutdown of the postmaster, then harder.
/// Returns a process that outlived even SIGKILL.
pub(super) async fn end_all(data_dir: &Path, postmaster: Option<Pid>) -> Result<(), Pid> {
    let left = on(data_dir);
    if left.is_empty() {
        return Ok(());
    }
    if let Some(postmaster) = postmaster.filter(|pid| left.contains(pid)) {
        tracing::info!(pid = %postmaster, data_dir = %data_dir.display(), "stopping a PostgreSQL that lost its owner");
        signal(postmaster, Signal::SIGINT);
        if gone(data_dir, Duration::from_secs(10)).await.is_ok() {
            return Ok(());
        }
    }
    for harder in [Signal::SIGQUIT, Signal::SIGKILL] {
        for pid in on(data_dir) {
            signal(pid, harder);
        }
        if gone(data_dir, Duration::from_secs(5)).await.is_ok() {
            return Ok(());
        }
    }
    on(data_dir).first().copied().map_or(Ok(()), Err)
}

/// Waits until no process works on the data folder.
pub(super) async fn gone(data_dir: &Path, within: Duration) -> Result<(), Pid> {
    let deadline = Instant::now() + within;
    loop {
        match on(data_dir).first().copied() {
            None => return Ok(()),
            Some(pid) if Instant::now() >= deadline => return Err(pid),
            Some(_) => sleep(POLL).await,
        }
    }
}

fn by_proc(data_dir: &Path) -> Vec<Pid> {
    let Ok(wanted) = fs::metadata(data_dir) else {
        return Vec::new();
    };
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let is_ours = |pid: &i32| {
        // The inode, not the path: it stays the same when the folder is renamed.
        let inside = fs::metadata(format!("/proc/{pid}/cwd"))
            .is_ok_and(|cwd| cwd.dev() == wanted.dev() && cwd.ino() == wanted.ino());
        inside
            && fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("postgres"))
    };
    let pids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(is_ours).map(Pid::from_raw).collect()
}

fn by_ps(data_dir: &Path) -> Vec<Pid> {
    let Ok(listing) = process::Command::new("ps")
        .args(["-axww", "-o", "pid=,ppid=,command="])
        .output()
    else {
        return Vec::new();
    };
    from_listing(&String::from_utf8_lossy(&listing.stdout), data_dir)
}

fn from_listing(listing: &str, data_dir: &Path) -> Vec<Pid> {
    let rows: Vec<(i32, i32, &str)> = listing
        .lines()
        .filter_map(|line| {
            let (pid, rest) = line.trim_start().split_once(char::is_whitespace)?;
            let (parent, command) = rest.trim_start().split_once(char::is_whitespace)?;
            Some((pid.parse().ok()?, parent.parse().ok()?, command.trim_start()))
        })
        .collect();
    let argument = format!("postgres -D {} ", data_dir.display());
    let is_postmaster = |command: &str| format!("{command} ").contains(&argument);
    let postmasters: Vec<i32> = rows
        .iter()
        .filter(|row| is_postmaster(row.2))
        .map(|row| row.0)
        .collect();
    let children = rows
        .iter()
        .filter(|row| postmasters.contains(&row.1))
        .map(|row| row.0);
    postmasters
        .iter()
        .copied()
        .chain(children)
        .map(Pid::from_raw)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_shows_the_postmaster_of_this_folder_and_its_children() {
        let listing = "  10   1 /usr/bin/postgres -D /srv/a -p 5432\n  11  10 postgres: checkpointer\n\
                       20 1 /usr/bin/postgres -D /srv/ab\n 21 20 postgres: checkpointer\n 30 1 vi /srv/a\n";
        let pids: Vec<i32> = from_listing(listing, Path::new("/srv/a"))
            .into_iter()
            .map(Pid::as_raw)
            .collect();
        assert_eq!(pids, [10, 11]);
    }

    #[test]
    fn a_process_inside_the_folder_that_is_not_postgres_is_left_alone() {
        assert_eq!(on(Path::new(".")), []);
    }
}
