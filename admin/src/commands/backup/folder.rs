//! The folder of a backup: its manifest, the journal of a run that has not ended, and one run at a time.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::failure::Problem;
use crate::new_file::NewFile;

const MANIFEST: &str = "manifest.json";
const JOURNAL: &str = "journal.jsonl";
const LOCK: &str = ".lock";

/// What a backup is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The program that wrote it.
    pub(super) made_by: String,
    pub(super) begun_at: DateTime<Utc>,
    pub(super) finished_at: DateTime<Utc>,
    pub(super) tenants: Vec<Kept>,
}

/// A container of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) slug: String,
    pub(super) organization: String,
    /// Its name in the folder.
    pub(super) file: String,
    pub(super) made_at: DateTime<Utc>,
    pub(super) template_version: i32,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) content: String,
    pub(super) left_out: Vec<String>,
}

/// The folder, as long as it is nobody else's.
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Takes hold of the folder.
    pub(super) fn open(path: &Path, is_new: bool) -> anyhow::Result<Self> {
        let cannot = |error: io::Error| {
            let why = format!("{} cannot be used: {error}", path.display());
            Problem::refused(why, "name a folder that you may write in")
        };
        if is_new {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(cannot)?;
        }
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.open(path.join(LOCK)).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let why = format!("somebody else is at work on {}", path.display());
                return Err(Problem::refused(why, "wait until that run has ended").into());
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error).into()),
        }
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The manifest, if there is one.
    pub(super) fn manifest(&self) -> anyhow::Result<Option<Manifest>> {
        let place = self.file(MANIFEST);
        match fs::read(&place) {
            Ok(json) => {
                let manifest: Manifest = serde_json::from_slice(&json)
                    .with_context(|| format!("{} cannot be read", place.display()))?;
                check(&manifest.tenants)?;
                Ok(Some(manifest))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("could not read {}", place.display())),
        }
    }

    /// What a run that has not ended has written so far. Its last line may be cut.
    pub(super) fn journal(&self) -> anyhow::Result<Vec<Kept>> {
        let text = match fs::read_to_string(self.file(JOURNAL)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            text => text.with_context(|| format!("could not read {}", self.file(JOURNAL).display()))?,
        };
        let kept: Vec<Kept> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect();
        check(&kept)?;
        Ok(kept)
    }

    /// Notes a container that is in its place.
    pub(super) fn note(&self, kept: &Kept) -> anyhow::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.append(true).create(true).mode(0o600);
        let noted = options.open(self.file(JOURNAL)).and_then(|mut journal| {
            // A line that was cut is ended here.
            journal.write_all(format!("\n{}\n", serde_json::to_string(kept)?).as_bytes())?;
            journal.sync_data()
        });
        noted.with_context(|| format!("could not write {}", self.file(JOURNAL).display()))
    }

    /// Replaces the manifest, and then removes the containers that are not in it any more.
    pub(super) async fn finish(&self, manifest: &Manifest) -> anyhow::Result<()> {
        let mut before = self.journal()?;
        before.extend(self.manifest()?.into_iter().flat_map(|manifest| manifest.tenants));
        let mut json = serde_json::to_vec_pretty(manifest)?;
        json.push(b'\n');
        let mut file = NewFile::create(&self.file(MANIFEST))?;
        tokio::io::AsyncWriteExt::write_all(file.output(), &json).await?;
        file.keep().await?;
        let stays: HashSet<&str> = manifest.tenants.iter().map(|kept| kept.file.as_str()).collect();
        for gone in before.iter().filter(|kept| !stays.contains(kept.file.as_str())) {
            remove(&self.file(&gone.file))?;
        }
        remove(&self.file(JOURNAL))
    }
}

fn remove(place: &Path) -> anyhow::Result<()> {
    match fs::remove_file(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", place.display()))
        }
        _ => Ok(()),
    }
}

/// The names of files are joined to the folder's, and files are removed by them.
fn check(tenants: &[Kept]) -> anyhow::Result<()> {
    let is_bad = |kept: &&Kept| {
        let name = Path::new(&kept.file);
        name.file_name() != Some(name.as_os_str()) || name.extension().is_none_or(|end| end != "tenantry")
    };
    match tenants.iter().find(is_bad) {
        Some(bad) => {
            let why = format!(
                "the manifest names {:?}, which is no container of this folder",
                bad.file
            );
            Err(Problem::refused(why, "name the folder of a backup that `tenantry backup` wrote").into())
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_containers_of_its_folder_only() {
        let kept = |file: &str| Kept {
            slug: "acme".to_owned(),
            organization: String::new(),
            file: file.to_owned(),
            made_at: DateTime::UNIX_EPOCH,
            template_version: 1,
            rows: 0,
            bytes: 1,
            sha256: String::new(),
            content: String::new(),
            left_out: Vec::new(),
        };
        assert!(check(&[kept("acme.1.tenantry")]).is_ok());
        for file in [
            "../acme.tenantry",
            "/etc/passwd",
            "a/b.tenantry",
            "..",
            "",
            "passwd",
        ] {
            assert!(check(&[kept(file)]).is_err(), "{file}");
        }
    }
}
