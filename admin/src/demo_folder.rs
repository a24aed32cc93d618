//! The demo's folder: its cluster, what must survive between two starts, and where a running demo can be found.
//!
//! | entry | is |
//! | --- | --- |
//! | `cluster` | PostgreSQL's (see `catalog::pg::local`) |
//! | `keyring` | the key ring that seals signing keys, mode 0600 |
//! | `secrets.json` | passwords and API keys in clear, mode 0600: the demo shows them at every start |
//! | `running.json` | while it runs: process, addresses and the owner's connection URL, mode 0600 |

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use catalog::clock::Source;
use catalog::password;
use catalog::private_file;
use catalog::seal::KeyRing;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

/// The folder, which need not exist yet.
#[derive(Debug, Clone)]
pub(crate) struct DemoFolder(PathBuf);

/// What is kept in clear, because the demo shows it again.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Secrets {
    /// Of the server's login.
    pub(crate) server_password: String,
    /// Of every person in the demo.
    pub(crate) user_password: String,
    /// One API key per tenant, by slug.
    pub(crate) keys: BTreeMap<String, String>,
}

/// Where a running demo can be found.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Running {
    /// The demo's process.
    pub(crate) pid: u32,
    /// Where the API listens.
    pub(crate) listen: SocketAddr,
    /// Where PostgreSQL listens.
    pub(crate) postgres: SocketAddr,
    /// The owner's connection.
    pub(crate) database_url: String,
    /// The folder of `psql`.
    pub(crate) bin_dir: PathBuf,
}

impl DemoFolder {
    /// The folder at this path.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Makes the folder if need be. The secrets in it protect themselves by their modes, since PostgreSQL's account
    /// must be able to pass when the demo is run by root.
    pub(crate) fn create(&self) -> anyhow::Result<()> {
        if let Some(parent) = self.0.parent() {
            fs::create_dir_all(parent)
                .with_context(|| format!("could not create the folder {}", parent.display()))?;
        }
        // Whatever the umask: nobody else may write to it.
        match DirBuilder::new().mode(0o711).create(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(error).with_context(|| format!("could not create the folder {}", self.0.display()))
            }
            _ => self.check(),
        }
    }

    /// Refuses a folder that somebody else could have prepared: its files say which database to work on, with which
    /// keys, and by which programs.
    fn check(&self) -> anyhow::Result<()> {
        private_file::check_folder(&self.0).with_context(|| {
            let folder = self.0.display();
            format!("could not use the demo's folder {folder}; run as its owner, or name another folder")
        })
    }

    /// The folder's path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The folder of the cluster.
    pub(crate) fn cluster(&self) -> PathBuf {
        self.0.join("cluster")
    }

    /// The key ring; a new one the first time.
    pub(crate) fn key_ring(&self, source: &Source) -> anyhow::Result<KeyRing> {
        let path = self.0.join("keyring");
        let text = if let Some(text) = read(&path)? {
            text
        } else {
            let text = KeyRing::generate_text("demo", source).expose_secret().to_owned();
            write(&path, &text)?;
            text
        };
        text.parse()
            .with_context(|| format!("could not read the key ring in {}", path.display()))
    }

    /// The secrets; new ones the first time.
    pub(crate) fn secrets(&self, source: &Source) -> anyhow::Result<Secrets> {
        if let Some(secrets) = self.read_json("secrets.json")? {
            return Ok(secrets);
        }
        let secrets = Secrets {
            server_password: invented_password(source),
            user_password: invented_password(source),
            keys: BTreeMap::new(),
        };
        self.keep(&secrets)?;
        Ok(secrets)
    }

    /// Keeps the secrets for the next start.
    pub(crate) fn keep(&self, secrets: &Secrets) -> anyhow::Result<()> {
        write(
            &self.0.join("secrets.json"),
            &serde_json::to_string_pretty(secrets)?,
        )
    }

    /// Says where the demo can be found.
    pub(crate) fn announce(&self, running: &Running) -> anyhow::Result<()> {
        write(
            &self.0.join("running.json"),
            &serde_json::to_string_pretty(running)?,
        )
    }

    /// Takes that back. An announcement that cannot be removed misleads nobody: [`DemoFolder::running`] also asks
    /// whether PostgreSQL answers.
    pub(crate) fn withdraw(&self) {
        let _gone = fs::remove_file(self.0.join("running.json"));
    }

    /// The demo that runs on this folder, if one does. A killed one leaves its announcement behind, and for a moment
    /// its PostgreSQL, but nobody who listens for it.
    pub(crate) fn running(&self) -> anyhow::Result<Option<Running>> {
        self.check()?;
        let running: Option<Running> = self.read_json("running.json")?;
        let answers =
            |address: &SocketAddr| TcpStream::connect_timeout(address, Duration::from_secs(1)).is_ok();
        Ok(running.filter(|running| answers(&running.listen) && answers(&running.postgres)))
    }

    fn read_json<T: for<'de> Deserialize<'de>>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let path = self.0.join(name);
        let Some(text) = read(&path)? else {
            return Ok(None);
        };
        let parsed = serde_json::from_str(&text);
        parsed
            .map(Some)
            .with_context(|| format!("could not read {}; remove it to begin anew", path.display()))
    }
}

fn invented_password(source: &Source) -> String {
    password::invent(source).expose_secret().to_owned()
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    private_file::read(path).with_context(|| format!("could not read {}", path.display()))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    private_file::write(path, text).with_context(|| format!("could not write {}", path.display()))
}
