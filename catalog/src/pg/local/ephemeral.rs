//! Temporary clusters: a fresh folder each, and the removal of those whose owner was killed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::geteuid;

use super::account::RunAs;
use super::error::LocalClusterError;
use super::folder::{self, Folder};
use super::{pid_file, processes};
use crate::clock::Source;

const PREFIX: &str = "tenantry-ephemeral-";

/// A new folder with its lock held. Another process that sweeps may take a folder in the instant between its making
/// and its locking; then the next name is tried.
pub(super) fn create(parent: &Path, run_as: &RunAs, source: &Source) -> Result<Folder, LocalClusterError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let path = parent.join(format!("{PREFIX}{}", folder::short_random_name(source)));
        match Folder::lock(path, run_as) {
            Ok(folder) if folder.is_current() => return Ok(folder.temporary()),
            Err(error) if attempts == 5 => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
}

/// Stops and removes the temporary clusters of owners that are gone: nobody holds their lock.
pub(super) async fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_ours = fs::symlink_metadata(&path).is_ok_and(|found| found.uid() == geteuid().as_raw());
        if !is_ours || !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Some(abandoned) = Folder::lock_abandoned(&path) else {
            // In use, or without a lock: then it may go if it is empty.
            let _left = fs::remove_dir(&path);
            continue;
        };
        let data_dir = abandoned.data_dir();
        let postmaster = pid_file::read(&data_dir).ok().flatten().map(|file| file.pid);
        if processes::end_all(&data_dir, postmaster).await.is_ok() {
            drop(abandoned.temporary());
        }
    }
}
