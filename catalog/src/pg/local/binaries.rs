//! Finding an installation of PostgreSQL that does: version 14 or newer, with its contrib extensions, runnable by
//! the account that will run it.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::{fs, iter};

use tokio::process::Command;

use super::account::RunAs;
use super::error::LocalClusterError;
use super::settings::Search;
use super::{download, install_hint};

/// The oldest major version we support.
const OLDEST_MAJOR: u32 = 14;

/// The contrib extensions that the catalog and the template use.
const EXTENSIONS: [&str; 3] = ["pg_trgm", "btree_gist", "unaccent"];

/// Folders of Debian, Fedora (PGDG, then its own), Alpine, SUSE, Homebrew (both processors) and Postgres.app; of
/// what `*` matches, the highest number comes first.
const USUAL_FOLDERS: [&str; 10] = [
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/bin",
    "usr/local/pgsql/bin",
    "usr/libexec/postgresql*",
    "usr/lib/postgresql*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "opt/homebrew/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
];

/// A PostgreSQL version, such as 15.18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 15 of 15.18.
    pub major: u32,
    /// 18 of 15.18; 0 for a beta.
    pub minor: u32,
}

impl Version {
    /// From what `postgres --version` prints: `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `… 18beta1`.
    fn parse(output: &str) -> Option<Self> {
        let number = output.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
        let digits = |text: &str| {
            let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            text.get(..end)?.parse::<u32>().ok()
        };
        let minor = number
            .split_once('.')
            .and_then(|(_, minor)| digits(minor))
            .unwrap_or(0);
        Some(Self {
            major: digits(number)?,
            minor,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// An installation that does.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    /// Holds `initdb` and `postgres`, links resolved.
    pub(super) bin_dir: PathBuf,
    /// Its version.
    pub(super) version: Version,
}

/// Looks in the explicit folder only, or else on `PATH`, where `pg_config` points, in the usual folders, among
/// earlier downloads, and at last downloads. `data_major` is the major version of data that exists already.
pub(super) async fn find(
    search: &Search,
    run_as: &RunAs,
    data_major: Option<u32>,
) -> Result<Binaries, LocalClusterError> {
    if let Some(bin_dir) = &search.explicit {
        let bin_dir = fs::canonicalize(bin_dir).unwrap_or_else(|_| bin_dir.clone());
        return inspect(&bin_dir, run_as, data_major)
            .await
            .map_err(|reason| LocalClusterError::BinDir { bin_dir, reason });
    }
    let path = search.path.as_deref().unwrap_or_default();
    let mut folders = on_path(path);
    folders.extend(from_pg_config(path).await);
    folders.extend(usual(Path::new("/")));
    let cache = match &search.download_to {
        Some(wanted) => Some(run_as.reachable(wanted).await?),
        None => None,
    };
    folders.extend(cache.as_deref().map(download::kept).unwrap_or_default());
    let mut tried = Vec::new();
    let mut seen = Vec::new();
    for bin_dir in folders {
        if seen.contains(&bin_dir) {
            continue;
        }
        match inspect(&bin_dir, run_as, data_major).await {
            Ok(found) => return Ok(found),
            Err(reason) => tried.push(format!("{}: {reason}", bin_dir.display())),
        }
        seen.push(bin_dir);
    }
    if tried.is_empty() {
        tried.push("nothing on PATH, by pg_config or in the usual folders".to_owned());
    }
    match &cache {
        Some(cache) => match download::fetch(cache, run_as, data_major).await {
            Ok(bin_dir) => match inspect(&bin_dir, run_as, data_major).await {
                Ok(found) => return Ok(found),
                Err(reason) => tried.push(format!("{}: {reason}", bin_dir.display())),
            },
            Err(reason) => tried.push(format!("download: {reason}")),
        },
        None => tried.push("download: not allowed".to_owned()),
    }
    Err(LocalClusterError::NoInstallation {
        tried: tried.join("; "),
        hint: install_hint::for_this_machine(),
    })
}

/// Whether this folder does, or why not.
async fn inspect(bin_dir: &Path, run_as: &RunAs, data_major: Option<u32>) -> Result<Binaries, String> {
    for program in ["postgres", "initdb"] {
        if !bin_dir.join(program).is_file() {
            return Err(format!("it has no {program}"));
        }
    }
    let output = run(run_as, &bin_dir.join("postgres"), &["--version"]).await?;
    let version =
        Version::parse(&output).ok_or_else(|| format!("its version is unknown ({})", output.trim()))?;
    if version.major < OLDEST_MAJOR {
        return Err(format!(
            "PostgreSQL {version} is too old, version {OLDEST_MAJOR} or newer is needed"
        ));
    }
    if let Some(major) = data_major.filter(|major| *major != version.major) {
        return Err(format!(
            "it is PostgreSQL {version}, and the data was made by version {major}"
        ));
    }
    // The folder is compiled in or relative to the programs; only they know. (The data folder is not looked at.)
    let settings = run(run_as, &bin_dir.join("initdb"), &["--show", "-D", "/"]).await?;
    let share = settings.lines().find_map(|line| line.strip_prefix("share_path="));
    let share = Path::new(share.ok_or("its initdb does not tell where the shared files are")?);
    let is_missing = |name: &&str| !share.join(format!("extension/{name}.control")).is_file();
    let missing: Vec<&str> = EXTENSIONS.into_iter().filter(|name| is_missing(name)).collect();
    if missing.is_empty() {
        return Ok(Binaries {
            bin_dir: bin_dir.to_owned(),
            version,
        });
    }
    let missing = missing.join(", ");
    Err(format!(
        "PostgreSQL {version} lacks the extensions {missing}, which the contrib package brings"
    ))
}

/// Standard output and error of a program together.
async fn run(run_as: &RunAs, program: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::from(run_as.command(program));
    let output = command.args(arguments).kill_on_drop(true).output().await;
    let output = output.map_err(|error| match run_as {
        RunAs::Ourselves => format!("{} cannot be run: {error}", program.display()),
        RunAs::Account { name, .. } => {
            format!(
                "{} cannot be run as the account {name}: {error}",
                program.display()
            )
        }
    })?;
    Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Where the `postgres` or `initdb` of each folder on `PATH` really is: the entry may be a lone link to it.
fn on_path(path: &OsStr) -> Vec<PathBuf> {
    let programs = |folder: PathBuf| ["postgres", "initdb"].map(|program| folder.join(program));
    let files = std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .flat_map(programs);
    files.filter_map(|file| real_folder(&file)).collect()
}

/// The folder of a file, links resolved.
fn real_folder(file: &Path) -> Option<PathBuf> {
    Some(
        fs::canonicalize(file)
            .ok()
            .filter(|file| file.is_file())?
            .parent()?
            .to_owned(),
    )
}

/// What each `pg_config` on `PATH` says.
async fn from_pg_config(path: &OsStr) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for folder in std::env::split_paths(path).filter(|folder| folder.is_absolute()) {
        let program = folder.join("pg_config");
        if program.is_file()
            && let Ok(output) = run(&RunAs::Ourselves, &program, &["--bindir"]).await
        {
            folders.extend(real_folder(&Path::new(output.trim()).join("postgres")));
        }
    }
    folders
}

/// Those of the usual folders that hold `postgres`.
fn usual(root: &Path) -> Vec<PathBuf> {
    let matches = USUAL_FOLDERS.iter().flat_map(|pattern| {
        pattern.split('/').fold(vec![root.to_owned()], |folders, name| {
            folders.iter().flat_map(|folder| matching(folder, name)).collect()
        })
    });
    matches
        .filter_map(|folder| real_folder(&folder.join("postgres")))
        .collect()
}

/// The entries of a folder that a name with at most one `*` matches, highest number first.
fn matching(folder: &Path, name: &str) -> Vec<PathBuf> {
    let Some((before, after)) = name.split_once('*') else {
        return iter::once(folder.join(name))
            .filter(|path| path.exists())
            .collect();
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let numbered = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let middle = name.to_str()?.strip_prefix(before)?.strip_suffix(after)?;
        let number: Vec<u32> = middle.split('.').map(|part| part.parse().unwrap_or(0)).collect();
        Some((number, entry.path()))
    });
    let mut numbered: Vec<_> = numbered.collect();
    numbered.sort_by(|a, b| b.cmp(a));
    numbered.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn touch(root: &Path, file: &str) {
        let file = root.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "").unwrap();
    }

    #[test]
    fn versions_are_read_from_what_postgres_prints() {
        for (output, expected) in [
            (
                "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n",
                Some((15, 18)),
            ),
            ("postgres (PostgreSQL) 9.6.24\n", Some((9, 6))),
            ("postgres (PostgreSQL) 18beta1\n", Some((18, 0))),
            ("postgres (PostgreSQL) 17rc2 (Homebrew)\n", Some((17, 0))),
            ("psql 15", None),
            ("", None),
        ] {
            let version = Version::parse(output).map(|version| (version.major, version.minor));
            assert_eq!(version, expected, "{output:?}");
        }
    }

    #[test]
    fn the_usual_folders_come_in_order_with_the_highest_version_first() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        for folder in [
            "usr/lib/postgresql/9.6/bin",
            "usr/lib/postgresql/17/bin",
            "usr/pgsql-16/bin",
            "opt/homebrew/opt/postgresql@14/bin",
            "Applications/Postgres.app/Contents/Versions/17/bin",
        ] {
            touch(&root, &format!("{folder}/postgres"));
        }
        touch(&root, "usr/lib/postgresql/15/bin/psql");
        let found = usual(&root);
        let found: Vec<_> = found
            .iter()
            .map(|folder| folder.strip_prefix(&root).unwrap())
            .collect();
        let expected = [
            "usr/lib/postgresql/17/bin",
            "usr/lib/postgresql/9.6/bin",
            "usr/pgsql-16/bin",
            "opt/homebrew/opt/postgresql@14/bin",
            "Applications/Postgres.app/Contents/Versions/17/bin",
        ];
        assert_eq!(found, expected.map(Path::new));
    }

    #[test]
    fn a_lone_link_on_path_leads_to_the_real_folder() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        touch(&root, "real/bin/postgres");
        touch(&root, "links/other");
        symlink(root.join("real/bin/postgres"), root.join("links/postgres")).unwrap();
        symlink(root.join("nowhere"), root.join("links/initdb")).unwrap();
        let path = std::env::join_paths([root.join("empty"), root.join("links")]).unwrap();
        assert_eq!(on_path(&path), [root.join("real/bin")]);
    }
}
