//! Who runs PostgreSQL: ourselves, or, when we are root (which PostgreSQL refuses), an unprivileged account;
//! and which folders that account can reach.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::digest::{SHA256, digest};
use nix::unistd::{Uid, User, geteuid};

use super::error::LocalClusterError;

/// Tried in this order when we are root; Debian and Fedora make the first, macOS the second.
const ACCOUNTS: [&str; 3] = ["postgres", "_postgres", "nobody"];

/// Where clusters go when the account cannot reach the folder asked for.
const SHARED_FOLDERS: [&str; 2] = ["/var/lib/tenantry", "/var/tmp"];

/// Who runs PostgreSQL's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunAs {
    /// The user we are.
    Ourselves,
    /// Another one, because we are root.
    Account {
        /// For messages.
        name: String,
        /// User id.
        uid: u32,
        /// Primary group id; supplementary groups are dropped.
        gid: u32,
    },
}

impl RunAs {
    /// Chooses for a cluster with this data folder, if it has one: data of one of the accounts is run as that one, even
    /// where a better one was made since.
    pub(super) fn choose(data_dir: Option<&Path>) -> Result<Self, LocalClusterError> {
        if !geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        if let Some((data_dir, Ok(found))) = data_dir.map(|folder| (folder, fs::symlink_metadata(folder)))
            && found.uid() != 0
        {
            let user = User::from_uid(Uid::from_raw(found.uid())).ok().flatten();
            let user = user.filter(|user| found.is_dir() && ACCOUNTS.contains(&user.name.as_str()));
            let user = user.ok_or_else(|| LocalClusterError::ForeignFolder {
                folder: data_dir.to_owned(),
                owner: found.uid(),
            })?;
            return Ok(Self::Account {
                name: user.name,
                uid: found.uid(),
                gid: found.gid(),
            });
        }
        let user = ACCOUNTS
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten());
        let user = user.ok_or_else(|| LocalClusterError::NoAccount {
            tried: ACCOUNTS.join(", "),
        })?;
        Ok(Self::Account {
            name: user.name,
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        })
    }

    /// A command run as this user, from `/`: PostgreSQL's programs insist on returning to where they began, and
    /// ours may be a folder that the account cannot enter. Variables that would change what they do are removed.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env("LC_ALL", "C");
        for name in [
            "PGDATA",
            "PGPORT",
            "PGHOST",
            "PGOPTIONS",
            "PGTZ",
            "PGDATESTYLE",
            "PGCLIENTENCODING",
        ] {
            command.env_remove(name);
        }
        if let Self::Account { uid, gid, .. } = self {
            // With a user id and root's rights, supplementary groups are dropped as well.
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// Gives a file or folder of ours to the account.
    pub(super) fn own(&self, path: &Path) -> Result<(), LocalClusterError> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Account { uid, gid, .. } => lchown(path, Some(*uid), Some(*gid))
                .map_err(LocalClusterError::file("give to PostgreSQL's account", path)),
        }
    }

    /// Makes a folder for PostgreSQL's eyes only. Fails if it exists.
    pub(super) fn make_private_dir(&self, path: &Path) -> Result<(), LocalClusterError> {
        let made = DirBuilder::new().mode(0o700).create(path);
        made.map_err(LocalClusterError::file("create the folder", path))?;
        self.own(path)
    }

    /// Refuses what is not a folder of this user's that only it can write to.
    pub(super) fn check_private_dir(&self, path: &Path) -> Result<(), LocalClusterError> {
        let found =
            fs::symlink_metadata(path).map_err(LocalClusterError::file("look at the folder", path))?;
        let user = match self {
            Self::Ourselves => geteuid().as_raw(),
            Self::Account { uid, .. } => *uid,
        };
        if found.uid() != user {
            return Err(LocalClusterError::ForeignFolder {
                folder: path.to_owned(),
                owner: found.uid(),
            });
        }
        if !found.is_dir() || found.mode() & 0o022 != 0 {
            let why = io::Error::new(
                io::ErrorKind::PermissionDenied,
                "it is no folder, or others may write to it",
            );
            return Err(LocalClusterError::file("use the folder", path)(why));
        }
        Ok(())
    }

    /// The folder itself if the account can enter what exists of it, otherwise its stand-in under a folder that
    /// everybody can enter. Permissions of folders that exist are never changed.
    pub(super) async fn reachable(&self, wanted: &Path) -> Result<PathBuf, LocalClusterError> {
        let wanted =
            std::path::absolute(wanted).map_err(LocalClusterError::file("resolve the path", wanted))?;
        let Self::Account { name, .. } = self else {
            return Ok(wanted);
        };
        if self.can_enter(nearest_existing(&wanted)).await {
            return Ok(wanted);
        }
        for shared in SHARED_FOLDERS.map(Path::new) {
            let stand_in = stand_in(shared, &wanted);
            // In a folder that everybody may write to, only what is root's own is taken.
            let foreign =
                fs::symlink_metadata(&stand_in).is_ok_and(|found| found.uid() != 0 || !found.is_dir());
            if !foreign && self.can_enter(nearest_existing(&stand_in)).await {
                tracing::info!(
                    wanted = %wanted.display(), folder = %stand_in.display(), account = %name,
                    "the account that runs PostgreSQL cannot enter the folder asked for; using another one"
                );
                return Ok(stand_in);
            }
        }
        let fallbacks = SHARED_FOLDERS.join(" nor ");
        Err(LocalClusterError::Unreachable {
            account: name.clone(),
            wanted,
            fallbacks,
        })
    }

    /// Asks the kernel, so that access lists and mounts count too.
    async fn can_enter(&self, folder: &Path) -> bool {
        let mut probe = self.command(Path::new("/bin/sh"));
        probe.args(["-c", "exit 0"]).current_dir(folder);
        tokio::process::Command::from(probe)
            .kill_on_drop(true)
            .status()
            .await
            .is_ok_and(|status| status.success())
    }
}

/// Makes a folder of ours with its parents, enterable by PostgreSQL's account when that is not ourselves, whatever
/// the umask. What exists stays as it is.
pub(super) fn make_own_dir(path: &Path, run_as: &RunAs) -> Result<(), LocalClusterError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_own_dir(parent, run_as)?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => return Ok(()),
        made => made.map_err(LocalClusterError::file("create the folder", path))?,
    }
    let mode = if *run_as == RunAs::Ourselves { 0o700 } else { 0o711 };
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(LocalClusterError::file("set the permissions of", path))
}

fn nearest_existing(path: &Path) -> &Path {
    path.ancestors()
        .find(|ancestor| ancestor.exists())
        .unwrap_or(Path::new("/"))
}

/// The same for the same wanted path, so that data is found again.
fn stand_in(shared: &Path, wanted: &Path) -> PathBuf {
    let hash = digest(&SHA256, wanted.as_os_str().as_encoded_bytes());
    let hash = hash
        .as_ref()
        .iter()
        .take(6)
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    let name = wanted
        .file_name()
        .unwrap_or(OsStr::new("cluster"))
        .to_string_lossy()
        .into_owned();
    shared.join(format!("tenantry-{}-{hash}", name.trim_start_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stand_in_is_stable_and_tells_two_folders_of_one_name_apart() {
        let shared = Path::new("/var/tmp");
        let first = stand_in(shared, Path::new("/root/one/.demo"));
        assert_eq!(first, stand_in(shared, Path::new("/root/one/.demo")));
        assert_ne!(first, stand_in(shared, Path::new("/root/two/.demo")));
        assert!(
            first.to_string_lossy().starts_with("/var/tmp/tenantry-demo-"),
            "{}",
            first.display()
        );
    }

    #[test]
    fn the_nearest_folder_that_exists_is_found() {
        assert_eq!(
            nearest_existing(Path::new("/no-such-folder/at/all")),
            Path::new("/")
        );
    }
}
