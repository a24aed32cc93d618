//! Files for our eyes only: keys, passwords and locks; and what may be believed of those that are found.
//!
//! What somebody else has put where we look, or could have, is refused: a key ring that they know, a database address
//! that is theirs, a folder whose programs we would run. Root is no exception, least of all.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::unistd::geteuid;

/// Writes a file with mode 0600, whole or not at all: beside its place first, under the extension `new`.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    // Made anew, so that the mode is ours and not that of a file left behind.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = open(OpenOptions::new().write(true).create_new(true), &new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(new, path)
}

/// Opens a file, with mode 0600 if it is made, and never through a link that somebody else has put there.
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(path)
}

/// Reads a file that [`write()`] has written, if there is one. Another's file, one that others may touch, a link and
/// what is no file at all are [`io::ErrorKind::PermissionDenied`].
pub fn read(path: &Path) -> io::Result<Option<String>> {
    // Asked of the opened file, so that it is the one that is read; without waiting, should it be a pipe.
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
        .open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) if error.raw_os_error() == Some(Errno::ELOOP as i32) => {
            return Err(denied("it is a link".to_owned()));
        }
        Err(error) => return Err(error),
    };
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(denied("it is not a file".to_owned()));
    }
    refuse_foreign(&found)?;
    refuse_mode(&found, 0o077, "others may read or write it")?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Refuses a folder of another's, or one that others may write to, by [`io::ErrorKind::PermissionDenied`]. A link to
/// a folder must be ours as well. No folder at all is none of anybody else's.
pub fn check_folder(path: &Path) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if is_absent(&error) => return Ok(()),
        found => found?,
    };
    refuse_foreign(&found)?;
    let folder = fs::metadata(path)?;
    refuse_foreign(&folder)?;
    refuse_mode(&folder, 0o022, "others may write to it")
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn refuse_foreign(found: &Metadata) -> io::Result<()> {
    let (owner, us) = (found.uid(), geteuid().as_raw());
    if owner == us {
        return Ok(());
    }
    Err(denied(format!("it belongs to user id {owner}, and we are {us}")))
}

fn refuse_mode(found: &Metadata, forbidden: u32, why: &str) -> io::Result<()> {
    let mode = found.mode() & 0o7777;
    if mode & forbidden == 0 {
        return Ok(());
    }
    Err(denied(format!("{why} (mode {mode:o})")))
}

fn denied(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_is_ours_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.json");
        // What a killed program left, with a mode that is too wide.
        fs::write(path.with_extension("new"), "half").unwrap();
        for text in ["one", "two"] {
            write(&path, text).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        fs::write(&target, "theirs").unwrap();
        symlink(&target, &link).unwrap();
        assert!(open(OpenOptions::new().append(true), &link).is_err());
        write(&link, "ours").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "theirs");
    }

    fn refusal<T>(outcome: io::Result<T>) -> String {
        let error = outcome.err().expect("a refusal");
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        error.to_string()
    }

    #[test]
    fn only_what_is_ours_alone_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("keyring"), folder.path().join("link"));
        assert_eq!(read(&path).unwrap(), None);
        write(&path, "ours").unwrap();
        assert_eq!(read(&path).unwrap().as_deref(), Some("ours"));
        symlink(&path, &link).unwrap();
        assert_eq!(refusal(read(&link)), "it is a link");
        assert_eq!(refusal(read(folder.path())), "it is not a file");
        for mode in [0o640, 0o602, 0o644] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let expected = format!("others may read or write it (mode {mode:o})");
            assert_eq!(refusal(read(&path)), expected);
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        // Only root can give a file away, and only root was ever let in.
        if geteuid().is_root() {
            chown(&path, Some(4711), None).unwrap();
            assert_eq!(refusal(read(&path)), "it belongs to user id 4711, and we are 0");
        }
    }

    #[test]
    fn a_folder_that_others_could_have_filled_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let (folder, link) = (root.path().join("demo"), root.path().join("link"));
        check_folder(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        symlink(&folder, &link).unwrap();
        for (mode, is_fine) in [(0o711, true), (0o755, true), (0o775, false), (0o703, false)] {
            fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
            for path in [&folder, &link] {
                assert_eq!(check_folder(path).is_ok(), is_fine, "{mode:o}");
            }
        }
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
        if geteuid().is_root() {
            chown(&folder, Some(4711), None).unwrap();
            for path in [&folder, &link] {
                assert_eq!(
                    refusal(check_folder(path)),
                    "it belongs to user id 4711, and we are 0"
                );
            }
        }
    }
}
