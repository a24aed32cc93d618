//! A private PostgreSQL of our own: what `tenantry demo`, the tests and the benchmark run on.
//!
//! [`LocalCluster::start`] keeps its data in a folder and finds it again; [`LocalCluster::ephemeral`] has a fresh folder
//! that goes with it. Programs are searched ([`Search`]) or downloaded. A folder holds:
//!
//! | entry | is |
//! | --- | --- |
//! | `lock` | locked by flock(2) while a process of ours uses the folder; holds its pid for messages |
//! | `password` | the superuser's, mode 0600 |
//! | `log` | what PostgreSQL says |
//! | `data` | PostgreSQL's data folder; `data.new-*` while in the making |
//! | `run` | the socket, unless the path is too long for one: `socket_dir` then names its place |
//!
//! PostgreSQL refuses to run as root, so root runs it as an unprivileged account that owns `data` and `run`. If that
//! account cannot enter the folder asked for (a clone under `/root`), another folder is used, the same every time, and the log
//! tells which; see [`LocalCluster::folder`].
//!
//! What happens when things are killed:
//! - *our process*, by whatever: a small shell beside PostgreSQL notices and stops it (fast shutdown; a temporary cluster
//!   at once and with its folder). If that shell was killed too, the next start on the folder stops the orphan;
//!   temporary clusters without an owner are swept by the next temporary one.
//! - *PostgreSQL*: its remaining children are ended and a stale `postmaster.pid` removed before the next start.
//! - *`initdb`*: its unfinished folder is removed by the next start.

mod account;
mod binaries;
mod data_dir;
mod download;
mod ephemeral;
mod error;
mod folder;
mod guardian;
mod install_hint;
mod pid_file;
mod postmaster;
mod processes;
mod settings;

use std::fs;
use std::io;
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::unistd::Pid;
use secrecy::{ExposeSecret as _, SecretString};

use self::account::RunAs;
use self::binaries::Binaries;
pub use self::binaries::Version;
pub use self::error::LocalClusterError;
use self::folder::Folder;
use self::postmaster::{Postmaster, Shutdown};
pub use self::settings::{Durability, Search, Settings};
use crate::clock::Source;

/// How often a start is tried again when another program takes the port in between.
const PORT_ATTEMPTS: u32 = 5;

/// Where its port is, unless an earlier one is free again.
const PORTS: Range<u16> = 16_384..32_768;

/// A PostgreSQL server that lives as long as this value. Prefer [`LocalCluster::stop`]; dropping does the same, but
/// blocks the thread meanwhile.
#[derive(Debug)]
pub struct LocalCluster {
    // Fields drop in order: first the server stops, at last the folder goes or is unlocked.
    postmaster: Option<Postmaster>,
    run_as: RunAs,
    binaries: Binaries,
    settings: Settings,
    password: SecretString,
    port: u16,
    socket_dir: PathBuf,
    folder: Folder,
}

impl LocalCluster {
    /// Starts the cluster of this folder, making it if there is none. Returns when it accepts connections.
    pub async fn start(
        folder: &Path,
        settings: Settings,
        source: &Source,
    ) -> Result<Self, LocalClusterError> {
        let run_as = RunAs::choose(Some(&folder.join("data")))?;
        let folder = run_as.reachable(folder).await?;
        let run_as = RunAs::choose(Some(&folder.join("data")))?;
        let folder = Folder::lock(folder, &run_as)?;
        Self::start_in(folder, run_as, settings, source).await
    }

    /// Starts a new, empty cluster in a folder of its own under the temporary folder; both go with the value.
    pub async fn ephemeral(settings: Settings, source: &Source) -> Result<Self, LocalClusterError> {
        let run_as = RunAs::choose(None)?;
        let parent = run_as.reachable(&settings.temp_dir).await?;
        account::make_own_dir(&parent, &run_as)?;
        ephemeral::sweep(&parent).await;
        let folder = ephemeral::create(&parent, &run_as, source)?;
        Self::start_in(folder, run_as, settings, source).await
    }

    async fn start_in(
        folder: Folder,
        run_as: RunAs,
        settings: Settings,
        source: &Source,
    ) -> Result<Self, LocalClusterError> {
        clear_the_dead(&folder).await?;
        let data_major = data_dir::major(&folder.data_dir())?;
        let binaries = binaries::find(&settings.search, &run_as, data_major).await?;
        let password = data_dir::prepare(&folder, &run_as, &binaries, settings.durability, source).await?;
        let socket_dir = folder.socket_dir(&run_as, &settings.temp_dir, source)?;
        let port = settings.preferred_port.unwrap_or(0);
        let mut cluster = Self {
            postmaster: None,
            run_as,
            binaries,
            settings,
            password,
            port,
            socket_dir,
            folder,
        };
        cluster.launch().await?;
        Ok(cluster)
    }

    /// Starts PostgreSQL on data that is whole and that no process works on.
    async fn launch(&mut self) -> Result<(), LocalClusterError> {
        let data_dir = self.folder.data_dir();
        let mut attempt = 0;
        loop {
            attempt += 1;
            self.port =
                free_port(self.port).map_err(LocalClusterError::file("find a free port for", &data_dir))?;
            let (log, log_start) = self.folder.open_log()?;
            let shutdown = if self.folder.is_temporary() {
                Shutdown::Immediate
            } else {
                Shutdown::Fast
            };
            let remove = self.folder.is_temporary().then(|| self.folder.path());
            let command = self.command(&data_dir);
            let mut postmaster = Postmaster::spawn(command, data_dir.clone(), log, shutdown, remove)
                .map_err(LocalClusterError::file("start PostgreSQL on", &data_dir))?;
            let Err(reason) = postmaster.ready(self.settings.start_timeout).await else {
                self.postmaster = Some(postmaster);
                return Ok(());
            };
            let log_tail = self.folder.log_tail(log_start);
            if log_tail.contains("could not create any TCP/IP sockets") && attempt < PORT_ATTEMPTS {
                self.port = 0;
                continue;
            }
            let log = self.folder.log_path();
            return Err(LocalClusterError::Start {
                data_dir,
                reason,
                log,
                log_tail,
            });
        }
    }

    fn command(&self, data_dir: &Path) -> std::process::Command {
        let mut command = self.run_as.command(&self.binaries.bin_dir.join("postgres"));
        command
            .arg("-D")
            .arg(data_dir)
            .arg("-p")
            .arg(self.port.to_string())
            .arg("-k")
            .arg(&self.socket_dir);
        for (name, value) in self.settings.parameters() {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command
    }

    /// The superuser's URL for a database, over TCP. Secret: it holds the password.
    pub fn url(&self, database: &str) -> SecretString {
        let (password, port) = (self.password.expose_secret(), self.port);
        let database = percent_encoded(database);
        SecretString::from(format!(
            "postgres://{}:{password}@127.0.0.1:{port}/{database}",
            data_dir::SUPERUSER
        ))
    }

    /// The same by way of the Unix socket, which costs about half as much per message as loopback TCP.
    pub fn socket_url(&self, database: &str) -> SecretString {
        let (password, port) = (self.password.expose_secret(), self.port);
        let (socket, database) = (
            percent_encoded(&self.socket_dir.to_string_lossy()),
            percent_encoded(database),
        );
        SecretString::from(format!(
            "postgres://{}:{password}@{socket}:{port}/{database}",
            data_dir::SUPERUSER
        ))
    }

    /// The superuser's name.
    pub fn superuser(&self) -> &str {
        data_dir::SUPERUSER
    }

    /// The superuser's password, as for `PGPASSWORD`.
    pub fn password(&self) -> &SecretString {
        &self.password
    }

    /// The TCP port on 127.0.0.1, and part of the socket's name.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the Unix socket, as for `PGHOST`.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The cluster's folder: the one asked for, or its stand-in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// PostgreSQL's data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.data_dir()
    }

    /// PostgreSQL's log.
    pub fn log_path(&self) -> PathBuf {
        self.folder.log_path()
    }

    /// The folder of `postgres`; `psql` and `pgbench` are usually there too.
    pub fn bin_dir(&self) -> &Path {
        &self.binaries.bin_dir
    }

    /// PostgreSQL's version.
    pub fn version(&self) -> Version {
        self.binaries.version
    }

    /// The server's process id; `None` between [`LocalCluster::kill_now`] and [`LocalCluster::start_again`].
    pub fn postmaster_pid(&self) -> Option<i32> {
        self.postmaster
            .as_ref()
            .map(|postmaster| postmaster.pid().as_raw())
    }

    /// Stops PostgreSQL cleanly: fast shutdown, and harder means if that takes longer than 30 s.
    pub async fn stop(mut self) -> Result<(), LocalClusterError> {
        self.halt().await
    }

    /// Stops and starts, on the same port if it is still free.
    pub async fn restart(&mut self) -> Result<(), LocalClusterError> {
        self.halt().await?;
        self.start_again().await
    }

    /// Kills the server and its children by SIGKILL, as a crash would, and returns when all are gone.
    pub async fn kill_now(&mut self) -> Result<(), LocalClusterError> {
        if let Some(postmaster) = &mut self.postmaster {
            postmaster
                .kill()
                .await
                .map_err(|pid| does_not_stop(&self.folder, pid))?;
        }
        self.postmaster = None;
        Ok(())
    }

    /// Starts after a crash, on the same port if it is still free. What runs still is stopped before.
    pub async fn start_again(&mut self) -> Result<(), LocalClusterError> {
        self.halt().await?;
        clear_the_dead(&self.folder).await?;
        self.launch().await
    }

    async fn halt(&mut self) -> Result<(), LocalClusterError> {
        if let Some(postmaster) = &mut self.postmaster {
            postmaster
                .stop()
                .await
                .map_err(|pid| does_not_stop(&self.folder, pid))?;
        }
        self.postmaster = None;
        Ok(())
    }
}

/// Ends what a killed owner or a crashed server left running, and removes the file that would make PostgreSQL refuse
/// when its process number is in use again. We hold the lock, so nobody of ours is at work there.
async fn clear_the_dead(folder: &Folder) -> Result<(), LocalClusterError> {
    let data_dir = folder.data_dir();
    let pid_path = data_dir.join(pid_file::NAME);
    let stale = pid_file::read(&data_dir).map_err(LocalClusterError::file("read", &pid_path))?;
    let ended = processes::end_all(&data_dir, stale.map(|file| file.pid)).await;
    ended.map_err(|pid| does_not_stop(folder, pid))?;
    match fs::remove_file(&pid_path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(LocalClusterError::file("remove", &pid_path)(error))
        }
        _ => Ok(()),
    }
}

fn does_not_stop(folder: &Folder, pid: Pid) -> LocalClusterError {
    LocalClusterError::Stop {
        data_dir: folder.data_dir(),
        pid: pid.as_raw(),
    }
}

/// The preferred port if it is free, or another one (0 prefers none).
///
/// It is below those that systems give to whoever asks for any (RFC 6335, section 6: from 49152; Linux: from 32768). A
/// connection going out, or a listener that does not care, would else take the port of a cluster that is down for a moment,
/// and whoever knows its URL would find somebody else there. For the same reason no port is handed out twice in a row.
fn free_port(preferred: u16) -> io::Result<u16> {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    if preferred != 0 && is_free(&preferred) {
        return Ok(preferred);
    }
    // Processes that begin at the same time begin far from each other.
    let first = std::process::id().wrapping_mul(7919);
    let ports = u32::from(PORTS.end - PORTS.start);
    let mut next = (0..ports).map(|_| {
        let asked = ASKED.fetch_add(1, Ordering::Relaxed);
        let place = u16::try_from(first.wrapping_add(asked) % ports).expect("there are fewer ports");
        PORTS.start + place
    });
    next.find(is_free)
        .ok_or_else(|| io::Error::new(io::ErrorKind::AddrInUse, "no port from 16384 to 32767 is free"))
}

/// A database name as one segment of a URL (RFC 3986, section 2.3: unreserved characters stay).
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
            encoded
        } else {
            format!("{encoded}%{byte:02X}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_name_stays_one_segment_of_the_url() {
        assert_eq!(percent_encoded("it_1-a.b~c"), "it_1-a.b~c");
        assert_eq!(percent_encoded("a/b?c é"), "a%2Fb%3Fc%20%C3%A9");
    }

    #[test]
    fn a_port_in_use_is_not_chosen() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let taken = taken.local_addr().unwrap().port();
        let free = free_port(taken).unwrap();
        assert_ne!(free, taken);
        assert!(PORTS.contains(&free), "{free}");
        assert_eq!(free_port(free).unwrap(), free, "a port that is preferred stays");
    }

    #[test]
    fn a_port_that_was_given_is_not_given_to_the_next() {
        let given: Vec<u16> = (0..20).map(|_| free_port(0).unwrap()).collect();
        let distinct: std::collections::HashSet<_> = given.iter().collect();
        assert_eq!(distinct.len(), given.len(), "{given:?}");
    }
}
