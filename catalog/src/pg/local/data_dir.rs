//! The data folder: made aside by `initdb` and renamed when whole, so that it is either whole or not there.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Stdio;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::account::RunAs;
use super::binaries::Binaries;
use super::error::LocalClusterError;
use super::folder::{self, Folder};
use super::settings::Durability;
use crate::clock::Source;
use crate::private_file;

/// The superuser of every local cluster.
pub(super) const SUPERUSER: &str = "postgres";

/// How a data folder in the making is named.
const UNFINISHED: &str = "data.new-";

/// The major version that made the data, or `None` if there is no data yet.
pub(super) fn major(data_dir: &Path) -> Result<Option<u32>, LocalClusterError> {
    let wrong = |reason: String| LocalClusterError::Data {
        data_dir: data_dir.to_owned(),
        reason,
    };
    match fs::read_to_string(data_dir.join("PG_VERSION")) {
        Ok(text) => {
            let major = text.trim().parse();
            major
                .map(Some)
                .map_err(|_| wrong(format!("its PG_VERSION says {:?}", text.trim())))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let is_empty = fs::read_dir(data_dir).map_or(true, |mut entries| entries.next().is_none());
            if is_empty {
                Ok(None)
            } else {
                Err(wrong("it is not PostgreSQL's".to_owned()))
            }
        }
        Err(error) => Err(LocalClusterError::file("read PG_VERSION in", data_dir)(error)),
    }
}

/// Makes the data if there is none, and returns the superuser's password.
pub(super) async fn prepare(
    folder: &Folder,
    run_as: &RunAs,
    binaries: &Binaries,
    durability: Durability,
    source: &Source,
) -> Result<SecretString, LocalClusterError> {
    remove_unfinished(folder.path());
    let data_dir = folder.data_dir();
    if major(&data_dir)?.is_some() {
        let reason = "the file with its password is gone".to_owned();
        return folder
            .password()?
            .ok_or(LocalClusterError::Data { data_dir, reason });
    }
    let password = folder.make_password(source)?;
    // A name of its own: should an initdb of a killed run still be at work, it works elsewhere.
    let unfinished = folder
        .path()
        .join(format!("{UNFINISHED}{}", folder::short_random_name(source)));
    run_as.make_private_dir(&unfinished)?;
    let password_file = folder.run_dir(run_as)?.join("initdb-password");
    private_file::write(&password_file, password.expose_secret())
        .map_err(LocalClusterError::file("write", &password_file))?;
    run_as.own(&password_file)?;
    let made = initdb(&unfinished, &password_file, run_as, binaries, durability).await;
    fs::remove_file(&password_file).map_err(LocalClusterError::file("remove", &password_file))?;
    made.map_err(|output| LocalClusterError::Initdb {
        data_dir: data_dir.clone(),
        output,
    })?;
    close(&unfinished, run_as, binaries)
        .await
        .map_err(|output| LocalClusterError::Initdb {
            data_dir: data_dir.clone(),
            output,
        })?;
    // Onto an empty folder, if there is one. Then the rename itself must be on disk.
    fs::rename(&unfinished, &data_dir)
        .and_then(|()| File::open(folder.path())?.sync_all())
        .map_err(LocalClusterError::file("put in place the folder", &data_dir))?;
    Ok(password)
}

/// Tries the best collation that exists there. All of them sort by code point, so that no upgrade of the operating
/// system can spoil an index; they differ in how much they know of letters beyond ASCII.
async fn initdb(
    data_dir: &Path,
    password_file: &Path,
    run_as: &RunAs,
    binaries: &Binaries,
    durability: Durability,
) -> Result<(), String> {
    let mut last = String::new();
    for locale in locales(binaries.version.major) {
        let mut command = Command::from(run_as.command(&binaries.bin_dir.join("initdb")));
        command.arg("-D").arg(data_dir).arg("--pwfile").arg(password_file);
        command.args([
            "--username",
            SUPERUSER,
            "--auth",
            "scram-sha-256",
            "--encoding",
            "UTF8",
            "--data-checksums",
        ]);
        command.args(locale);
        if durability == Durability::Unsafe {
            command.arg("--no-sync");
        }
        let output = command
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        last = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join(" | ");
        if !last.contains("locale") {
            break;
        }
    }
    Err(last)
}

/// Takes from everybody the right to connect to the databases that `initdb` makes: a tenant's login has no business
/// there. Done before the first start, by the server itself in its single-user mode (PostgreSQL documentation, page
/// "postgres"), so that no cluster is ever found open.
async fn close(data_dir: &Path, run_as: &RunAs, binaries: &Binaries) -> Result<(), String> {
    let mut command = Command::from(run_as.command(&binaries.bin_dir.join("postgres")));
    command
        .arg("--single")
        .arg("-D")
        .arg(data_dir)
        // Or a statement that fails would be no failure of the program.
        .args(["-c", "exit_on_error=on", "postgres"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let ended = async {
        let mut server = command.spawn()?;
        if let Some(mut input) = server.stdin.take() {
            input.write_all(CLOSE.as_bytes()).await?;
            input.write_all(b"\n").await?;
        }
        server.wait_with_output().await
    };
    let output = ended.await.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

const CLOSE: &str = "revoke connect on database postgres, template1 from public";

/// PostgreSQL 17 and later bring C.UTF-8 themselves; before, the operating system may have it.
fn locales(major: u32) -> Vec<&'static [&'static str]> {
    let builtin: &[&str] = &[
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
    ];
    let system: &[&str] = &["--locale=C.UTF-8"];
    let plain: &[&str] = &["--locale=C"];
    if major >= 17 {
        vec![builtin, system, plain]
    } else {
        vec![system, plain]
    }
}

/// What an `initdb` that was killed halfway left. If it is at work still, some may stay for the next time.
fn remove_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED)
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!(folder = %entry.path().display(), %error, "cannot remove a half-made data folder");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_data_an_empty_one_and_a_strange_one_are_told_apart() {
        let root = tempfile::tempdir().unwrap();
        let data_dir = root.path().join("data");
        assert_eq!(major(&data_dir).unwrap(), None);
        fs::create_dir(&data_dir).unwrap();
        assert_eq!(major(&data_dir).unwrap(), None);
        fs::write(data_dir.join("holiday.jpg"), "").unwrap();
        assert!(matches!(major(&data_dir), Err(LocalClusterError::Data { .. })));
        fs::write(data_dir.join("PG_VERSION"), "15\n").unwrap();
        assert_eq!(major(&data_dir).unwrap(), Some(15));
    }

    #[test]
    fn every_version_can_fall_back_to_the_plain_locale() {
        for major in [14, 17] {
            assert_eq!(locales(major).last().unwrap(), &["--locale=C"]);
        }
        assert_eq!(locales(17).len(), 3);
    }
}
