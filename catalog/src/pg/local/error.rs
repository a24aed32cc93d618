//! What can go wrong with a local cluster: each message says what was attempted, why it failed and what to do.

use std::io;
use std::path::{Path, PathBuf};

/// Why a local cluster could not be found, made, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum LocalClusterError {
    /// No installation fits, and none could be downloaded.
    #[error(
        "cannot start a local PostgreSQL because no usable installation was found ({tried}); install one with: {hint}"
    )]
    NoInstallation {
        /// Every place that was looked at and why it does not do.
        tried: String,
        /// The install command for this operating system.
        hint: String,
    },
    /// The folder that the caller named does not do.
    #[error(
        "cannot use the PostgreSQL binaries in {} because {reason}; name another folder, or none to search for one",
        bin_dir.display()
    )]
    BinDir {
        /// The folder as named.
        bin_dir: PathBuf,
        /// Why it does not do.
        reason: String,
    },
    /// Another live process holds the cluster's lock.
    #[error(
        "cannot use the local cluster in {} because another tenantry{} is using it; stop that one or choose another folder",
        folder.display(),
        pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The cluster's folder.
        folder: PathBuf,
        /// The process that holds the lock, if it has said so yet.
        pid: Option<i32>,
    },
    /// A file or folder of the cluster could not be read or written.
    #[error("cannot {action} {}: {source}; check its permissions and the free space, or choose another folder", path.display())]
    File {
        /// What was attempted, such as "create the folder".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The folder belongs to another account, as after one run as root.
    #[error(
        "cannot use the local cluster in {} because it belongs to user id {owner}; run as that user or choose another folder",
        folder.display()
    )]
    ForeignFolder {
        /// The cluster's folder.
        folder: PathBuf,
        /// Its owner.
        owner: u32,
    },
    /// There is data, but not what a cluster of ours looks like.
    #[error("cannot use the data in {} because {reason}; move it away to begin with an empty cluster", data_dir.display())]
    Data {
        /// The data folder.
        data_dir: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// We are root, and there is nobody else to run PostgreSQL as.
    #[error(
        "cannot run PostgreSQL as root, which it refuses, because this machine has none of the accounts {tried}; \
         create one with: useradd --system postgres"
    )]
    NoAccount {
        /// The account names that were tried.
        tried: String,
    },
    /// We are root, and no folder can be reached by the account that runs PostgreSQL.
    #[error(
        "cannot run PostgreSQL as the account {account} because it can reach neither {} nor {fallbacks}; \
         choose a folder that every user may enter",
        wanted.display()
    )]
    Unreachable {
        /// The account's name.
        account: String,
        /// The folder asked for.
        wanted: PathBuf,
        /// The folders tried in its place.
        fallbacks: String,
    },
    /// `initdb` failed.
    #[error("cannot create a cluster in {} because initdb failed: {output}", data_dir.display())]
    Initdb {
        /// The data folder.
        data_dir: PathBuf,
        /// What it said.
        output: String,
    },
    /// PostgreSQL ended, or did not get ready in time.
    #[error("cannot start PostgreSQL on {} because {reason}; its log ({}) ends: {log_tail}", data_dir.display(), log.display())]
    Start {
        /// The data folder.
        data_dir: PathBuf,
        /// How it failed.
        reason: String,
        /// The log file.
        log: PathBuf,
        /// The last lines of this start.
        log_tail: String,
    },
    /// PostgreSQL did not end, not even by SIGKILL.
    #[error(
        "cannot stop PostgreSQL (pid {pid}) on {} because it does not end; look at that process by hand",
        data_dir.display()
    )]
    Stop {
        /// The data folder.
        data_dir: PathBuf,
        /// The process.
        pid: i32,
    },
}

impl LocalClusterError {
    /// For `map_err` on file operations.
    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }
}
