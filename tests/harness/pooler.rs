//! `PgBouncer` in front of the test cluster: transaction mode, one pool for each login and database.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use secrecy::{ExposeSecret as _, SecretString};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::Instant;

/// `pgbouncer` ends with the pipe that only we hold open, however this process ends.
const GUARDED: &str =
    r#"trap '' HUP INT TERM; "$@" </dev/null & read -r _; kill -s INT $! 2>/dev/null; wait"#;

/// The account it runs under where we are root, which it refuses to be: that of Debian's package.
const ACCOUNT: &str = "postgres";

/// How long it may take to listen.
const STARTS: Duration = Duration::from_secs(20);

/// A running `PgBouncer`; it ends when dropped, or with the process.
#[derive(Debug)]
pub struct Pooler {
    port: u16,
    shell: Child,
    _folder: TempDir,
}

impl Pooler {
    /// Starts one before the PostgreSQL on this port, for logins that have this password; each pool has at most so many
    /// connections.
    pub(crate) async fn start(
        postgres: u16,
        logins: &[&str],
        password: &SecretString,
        size: usize,
        more: &str,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("tenantry-pgbouncer").tempdir()?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
        // Free a moment ago; it can be told no port zero.
        let port = TcpListener::bind(("127.0.0.1", 0)).await?.local_addr()?.port();
        let secret = password.expose_secret();
        let users = logins.iter().map(|login| format!("\"{login}\" \"{secret}\"\n"));
        let users_file = written(folder.path(), "users.txt", &users.collect::<String>())?;
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={postgres}\n\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = scram-sha-256\nauth_file = {}\n\
             pool_mode = transaction\ndefault_pool_size = {size}\nmax_client_conn = 2000\n{more}\n",
            users_file.display()
        );
        let settings = written(folder.path(), "pgbouncer.ini", &settings)?;
        let log = folder.path().join("log");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARDED, "tenantry-pooler", "pgbouncer", "-q"]);
        if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
            command.args(["-u", ACCOUNT]);
        }
        let to_log = File::create(&log)?;
        command
            .arg(settings)
            .env("PATH", path())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(to_log.try_clone()?)
            .stderr(to_log);
        let shell = command.spawn()?;
        let pooler = Self {
            port,
            shell,
            _folder: folder,
        };
        pooler.listens(&log).await?;
        Ok(pooler)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    async fn listens(&self, log: &Path) -> Result<()> {
        let deadline = Instant::now() + STARTS;
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let said = fs::read_to_string(log)?;
            ensure!(!said.contains("FATAL"), "PgBouncer does not start: {said}");
            if Instant::now() > deadline {
                bail!("PgBouncer does not listen: {said}");
            }
            yield_now().await;
        }
        Ok(())
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ended = self.shell.wait();
    }
}

/// Whether there is a `PgBouncer`.
pub fn is_installed() -> bool {
    std::env::split_paths(&path()).any(|folder| folder.join("pgbouncer").is_file())
}

/// Debian installs it where only root looks.
fn path() -> std::ffi::OsString {
    crate::config::path_beginning_with(Path::new("/usr/sbin"))
}

fn written(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    fs::write(&path, text).with_context(|| path.display().to_string())?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    Ok(path)
}
