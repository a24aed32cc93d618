//! The folder of one cluster: `lock`, `password` and `log` are ours, `data` and `run` belong to whoever runs
//! PostgreSQL. Holding a [`Folder`] means holding its lock.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;
use secrecy::{ExposeSecret as _, SecretString};

use super::account::{self, RunAs};
use super::error::LocalClusterError;
use crate::clock::Source;
use crate::private_file;

/// The longest path of a Unix socket, without the terminating zero: `sun_path` of unix(7), shorter on BSD and macOS.
const SOCKET_PATH_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// What PostgreSQL appends to the socket folder, at its longest.
const SOCKET_NAME: &str = "/.s.PGSQL.65535";

/// How a socket folder outside of the cluster's is named.
const OUTSIDE_PREFIX: &str = "tenantry-socket-";

/// A log larger than this is put aside at the next start.
const LOG_LIMIT: u64 = 16 * 1024 * 1024;

/// A cluster's folder, locked for as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    is_temporary: bool,
    lock: Flock<File>,
}

impl Folder {
    /// Makes the folder if need be and takes its lock.
    pub(super) fn lock(path: PathBuf, run_as: &RunAs) -> Result<Self, LocalClusterError> {
        account::make_own_dir(&path, run_as)?;
        refuse_foreign(&path)?;
        let lock_path = path.join("lock");
        let file = private_file::open(OpenOptions::new().read(true).write(true).create(true), &lock_path)
            .map_err(LocalClusterError::file("open the lock", &lock_path))?;
        let mut lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((mut file, Errno::EWOULDBLOCK)) => {
                let mut text = String::new();
                // The number is for the message only; without it the message is still true.
                let _unread = file.read_to_string(&mut text);
                return Err(LocalClusterError::InUse {
                    folder: path,
                    pid: text.trim().parse().ok(),
                });
            }
            Err((_, errno)) => return Err(LocalClusterError::file("lock", &lock_path)(errno.into())),
        };
        let written = write_pid(&mut lock);
        written.map_err(LocalClusterError::file("write the lock", &lock_path))?;
        Ok(Self {
            path,
            is_temporary: false,
            lock,
        })
    }

    /// Takes the lock only if folder and lock exist and nobody holds it. Used for sweeping.
    pub(super) fn lock_abandoned(path: &Path) -> Option<Self> {
        refuse_foreign(path).ok()?;
        let file = private_file::open(OpenOptions::new().read(true).write(true), &path.join("lock")).ok()?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()?;
        Some(Self {
            path: path.to_owned(),
            is_temporary: false,
            lock,
        })
    }

    /// Makes it go when this is dropped.
    #[must_use]
    pub(super) fn temporary(mut self) -> Self {
        self.is_temporary = true;
        self
    }

    /// Whether it goes when this is dropped.
    pub(super) fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// Whether the lock we hold is still the one that others would find.
    pub(super) fn is_current(&self) -> bool {
        let found = fs::metadata(self.path.join("lock"));
        let held = self.lock.metadata();
        matches!((found, held), (Ok(found), Ok(held)) if found.ino() == held.ino() && found.dev() == held.dev())
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// PostgreSQL's data folder.
    pub(super) fn data_dir(&self) -> PathBuf {
        self.path.join("data")
    }

    /// PostgreSQL's log.
    pub(super) fn log_path(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Opens the log for appending; also tells where this start's lines begin.
    pub(super) fn open_log(&self) -> Result<(File, u64), LocalClusterError> {
        let path = self.log_path();
        if fs::symlink_metadata(&path).is_ok_and(|log| log.len() > LOG_LIMIT) {
            let aside = self.path.join("log.old");
            fs::rename(&path, &aside).map_err(LocalClusterError::file("put aside the log", &path))?;
        }
        let opened = private_file::open(OpenOptions::new().append(true).create(true), &path)
            .and_then(|log| Ok((log.metadata()?.len(), log)));
        opened
            .map(|(start, log)| (log, start))
            .map_err(LocalClusterError::file("open the log", &path))
    }

    /// The last lines that PostgreSQL wrote since `start`, on one line.
    pub(super) fn log_tail(&self, start: u64) -> String {
        let mut text = Vec::new();
        let read = File::open(self.log_path()).and_then(|mut log| {
            log.seek(SeekFrom::Start(start))?;
            log.read_to_end(&mut text)
        });
        if let Err(error) = read {
            return format!("(unreadable: {error})");
        }
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        match lines.len() {
            0 => "(nothing)".to_owned(),
            count => lines[count.saturating_sub(8)..].join(" | "),
        }
    }

    /// The superuser's password, if one was made.
    pub(super) fn password(&self) -> Result<Option<SecretString>, LocalClusterError> {
        let path = self.path.join("password");
        let text = private_file::read(&path).map_err(LocalClusterError::file("read", &path))?;
        Ok(text.map(|text| SecretString::from(text.trim())))
    }

    /// Makes and keeps a password of 256 random bits.
    pub(super) fn make_password(&self, source: &Source) -> Result<SecretString, LocalClusterError> {
        let password = SecretString::from(URL_SAFE_NO_PAD.encode(source.bytes::<32>()));
        let path = self.path.join("password");
        private_file::write(&path, password.expose_secret())
            .map_err(LocalClusterError::file("write", &path))?;
        Ok(password)
    }

    /// The folder in ours where PostgreSQL's account may write.
    pub(super) fn run_dir(&self, run_as: &RunAs) -> Result<PathBuf, LocalClusterError> {
        let path = self.path.join("run");
        if fs::symlink_metadata(&path).is_err() {
            run_as.make_private_dir(&path)?;
        }
        run_as.check_private_dir(&path)?;
        Ok(path)
    }

    /// An existing, private folder for the socket: `run` inside the cluster's, or one under `temp_dir` if that
    /// path is too long for a socket. The latter is remembered, so that a killed run's is used again.
    pub(super) fn socket_dir(
        &self,
        run_as: &RunAs,
        temp_dir: &Path,
        source: &Source,
    ) -> Result<PathBuf, LocalClusterError> {
        let inside = self.path.join("run");
        if fits_a_socket(&inside) {
            self.run_dir(run_as)?;
            clear_sockets(&inside);
            return Ok(inside);
        }
        self.remove_outside_socket_dir();
        let outside = temp_dir.join(format!("{OUTSIDE_PREFIX}{}", short_random_name(source)));
        run_as.make_private_dir(&outside)?;
        let pointer = self.path.join("socket_dir");
        let remembered = outside.to_str().ok_or(io::ErrorKind::InvalidFilename.into());
        remembered
            .and_then(|text| private_file::write(&pointer, text))
            .map_err(LocalClusterError::file("remember the socket folder in", &pointer))?;
        Ok(outside)
    }

    /// Removes the socket folder under the temporary folder, if there is one.
    fn remove_outside_socket_dir(&self) {
        let pointer = self.path.join("socket_dir");
        let Ok(Some(outside)) = private_file::read(&pointer) else {
            return;
        };
        let outside = Path::new(&outside);
        // Whatever the file says, nothing but sockets in a folder of our naming is removed.
        if outside
            .file_name()
            .is_some_and(|name| name.as_bytes().starts_with(OUTSIDE_PREFIX.as_bytes()))
        {
            clear_sockets(outside);
            // What is left behind is an empty folder at worst.
            let _left = fs::remove_dir(outside).and_then(|()| fs::remove_file(&pointer));
        }
    }

    /// Removes the whole folder, the lock at last: a half-removed folder can then be found and removed later.
    fn remove(&self) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            if entry.file_name() != "lock" {
                let path = entry.path();
                let removed = if path.is_dir() {
                    fs::remove_dir_all(&path)
                } else {
                    fs::remove_file(&path)
                };
                if let Err(error) = removed
                    && error.kind() != io::ErrorKind::NotFound
                {
                    tracing::warn!(path = %path.display(), %error, "cannot remove a part of a temporary cluster");
                    return;
                }
            }
        }
        if let Err(error) = fs::remove_dir_all(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "cannot remove a temporary cluster");
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.remove_outside_socket_dir();
        if self.is_temporary {
            self.remove();
        }
    }
}

/// 64 random bits, for names in folders that everybody may write to.
pub(super) fn short_random_name(source: &Source) -> String {
    source
        .bytes::<8>()
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn write_pid(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", process::id())
}

/// Removes what a killed PostgreSQL left: its socket's lock file may name a process number that is in use again.
fn clear_sockets(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().as_bytes().starts_with(b".s.PGSQL.") {
            // If it stays and matters, PostgreSQL says so when it starts.
            let _left = fs::remove_file(entry.path());
        }
    }
}

/// Root is refused another's folder too: whoever prepared it would choose the data, the password and the log that root
/// works with.
fn refuse_foreign(path: &Path) -> Result<(), LocalClusterError> {
    let owner = fs::symlink_metadata(path)
        .map_err(LocalClusterError::file("look at", path))?
        .uid();
    if owner != geteuid().as_raw() {
        return Err(LocalClusterError::ForeignFolder {
            folder: path.to_owned(),
            owner,
        });
    }
    private_file::check_folder(path).map_err(LocalClusterError::file("use the folder", path))
}

/// `unix_socket_directories` is a list, so a comma or a quote does not do either.
fn fits_a_socket(folder: &Path) -> bool {
    let bytes = folder.as_os_str().as_bytes();
    bytes.len() + SOCKET_NAME.len() <= SOCKET_PATH_LIMIT && !bytes.iter().any(|byte| b",\"".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_path_may_be_as_long_as_the_limit_and_no_longer() {
        let longest = SOCKET_PATH_LIMIT - SOCKET_NAME.len();
        assert!(fits_a_socket(Path::new(&"x".repeat(longest))));
        assert!(!fits_a_socket(Path::new(&"x".repeat(longest + 1))));
        assert!(!fits_a_socket(Path::new("/a,b")));
    }

    #[test]
    fn the_lock_is_held_until_dropped_and_names_its_holder() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("cluster");
        let held = Folder::lock(path.clone(), &RunAs::Ourselves).unwrap();
        let refused = Folder::lock(path.clone(), &RunAs::Ourselves)
            .unwrap_err()
            .to_string();
        assert!(refused.contains(&format!("(pid {})", process::id())), "{refused}");
        assert!(Folder::lock_abandoned(&path).is_none());
        drop(held);
        assert!(Folder::lock(path, &RunAs::Ourselves).unwrap().is_current());
    }

    #[test]
    fn the_password_is_kept_and_unreadable_to_others() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::lock(root.path().join("cluster"), &RunAs::Ourselves).unwrap();
        assert!(folder.password().unwrap().is_none());
        let made = folder.make_password(&Source::system()).unwrap();
        assert_eq!(
            folder.password().unwrap().unwrap().expose_secret(),
            made.expose_secret()
        );
        assert_eq!(
            fs::metadata(folder.path().join("password")).unwrap().mode() & 0o777,
            0o600
        );
    }
}
