//! A file that is there whole or not at all: written beside its place under another name, and renamed when it is done. One
//! program at a time writes it; what a killed one has left is written anew.

use std::fs::{self, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Context as _;
use tokio::fs::File;
use tokio::io::BufWriter;

use crate::failure::Problem;

/// How much is written at once.
const BUFFER: usize = 1024 * 1024;

/// A file being written, for its owner's eyes only. Dropped before [`NewFile::keep`], it is removed.
pub(crate) struct NewFile {
    place: PathBuf,
    partial: PathBuf,
    output: Option<BufWriter<File>>,
    is_kept: bool,
}

impl NewFile {
    /// Begins one in this place; what is there stays until the new one is whole.
    pub(crate) fn create(place: &Path) -> anyhow::Result<Self> {
        let refused = |why: String| {
            let next = "name a file in a folder that you may write in";
            anyhow::Error::from(Problem::refused(why, next))
        };
        let Some(name) = place.file_name().filter(|_| !place.is_dir()) else {
            return Err(refused(format!("{} is no name of a file", place.display())));
        };
        let mut partial_name = name.to_owned();
        partial_name.push(".partial");
        let partial = place.with_file_name(partial_name);
        let file = open_alone(&partial)
            .map_err(|error| refused(format!("{} cannot be written: {error}", partial.display())))?;
        let Some(file) = file else {
            let why = format!("{} is being written by another program", place.display());
            return Err(Problem::refused(why, "wait for it, or name another file").into());
        };
        Ok(Self {
            place: place.to_owned(),
            partial,
            output: Some(BufWriter::with_capacity(BUFFER, File::from_std(file))),
            is_kept: false,
        })
    }

    /// Where to write.
    pub(crate) fn output(&mut self) -> &mut BufWriter<File> {
        self.output.as_mut().expect("it is there until the file is kept")
    }

    /// Another handle, for a program that writes it.
    pub(crate) async fn duplicate(&self) -> anyhow::Result<Stdio> {
        let output = self.output.as_ref().expect("it is there until the file is kept");
        let file = output.get_ref().try_clone().await;
        let file = file.with_context(|| format!("could not write {}", self.place.display()))?;
        Ok(file.into_std().await.into())
    }

    /// Puts it in its place, safe on the disk.
    pub(crate) async fn keep(mut self) -> anyhow::Result<()> {
        use tokio::io::AsyncWriteExt as _;

        let place = self.place.display();
        // Open until the end, and so locked.
        let mut output = self.output.take().expect("it is kept once");
        let kept = async {
            output.flush().await?;
            output.get_ref().sync_all().await?;
            tokio::fs::rename(&self.partial, &self.place).await?;
            self.is_kept = true;
            let folder = self
                .place
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))
                .await?
                .sync_all()
                .await
        };
        kept.await.with_context(|| format!("could not write {place}"))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // Before it is closed, and its lock let go.
            let _gone = fs::remove_file(&self.partial);
        }
    }
}

/// Opens a file that nobody else writes, empty; `None` if somebody does. The lock (flock(2)) ends with the process.
fn open_alone(partial: &Path) -> io::Result<Option<fs::File>> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    loop {
        let file = options.open(partial)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Between the two it may have been put in its place, or removed: then it is not ours to empty.
        let is_there = fs::metadata(partial).is_ok_and(|there| {
            file.metadata()
                .is_ok_and(|ours| (ours.dev(), ours.ino()) == (there.dev(), there.ino()))
        });
        if is_there {
            file.set_len(0)?;
            return Ok(Some(file));
        }
    }
}
