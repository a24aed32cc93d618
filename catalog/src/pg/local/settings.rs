//! What a caller may choose about a local cluster.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Where to look for PostgreSQL's programs. Reads no environment: the caller passes `PATH`.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The folder that holds `initdb` and `postgres`. If set, nothing else is tried.
    pub explicit: Option<PathBuf>,
    /// The value of `PATH`.
    pub path: Option<OsString>,
    /// Where a downloaded PostgreSQL is kept. `None` forbids downloading.
    pub download_to: Option<PathBuf>,
}

/// Whether what PostgreSQL acknowledged survives a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// As PostgreSQL ships: survives everything.
    #[default]
    Durable,
    /// No fsync, no full-page writes: survives a killed process, not a crashed machine. For tests.
    Unsafe,
}

/// How to find, make and run a local cluster.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) search: Search,
    pub(super) temp_dir: PathBuf,
    pub(super) durability: Durability,
    pub(super) configuration: Vec<(String, String)>,
    pub(super) preferred_port: Option<u16>,
    pub(super) start_timeout: Duration,
}

impl Settings {
    /// The defaults: durable, any free port, sixty seconds to get ready (crash recovery counts).
    pub fn new(search: Search) -> Self {
        Self {
            search,
            temp_dir: PathBuf::from("/tmp"),
            durability: Durability::default(),
            configuration: Vec::new(),
            preferred_port: None,
            start_timeout: Duration::from_mins(1),
        }
    }

    /// Uses the programs in this folder and no others.
    #[must_use]
    pub fn bin_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.search.explicit = Some(folder.into());
        self
    }

    /// Where temporary clusters, and sockets whose path would be too long elsewhere, are put (default `/tmp`).
    #[must_use]
    pub fn temp_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.temp_dir = folder.into();
        self
    }

    /// See [`Durability`].
    #[must_use]
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// One `postgresql.conf` parameter; a later one of the same name wins, also over our defaults.
    #[must_use]
    pub fn configure(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.configuration.push((name.into(), value.into()));
        self
    }

    /// The port to use if it is free; any free one otherwise.
    #[must_use]
    pub fn preferred_port(mut self, port: u16) -> Self {
        self.preferred_port = Some(port);
        self
    }

    /// How long PostgreSQL may take until it accepts connections.
    #[must_use]
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
        self
    }

    /// All parameters for the command line, ours first so that the caller's win.
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        let mut ours = vec![
            ("listen_addresses", "127.0.0.1"),
            ("max_connections", "200"),
            // A transaction that creates or drops a tenant schema locks every table and index of it.
            ("max_locks_per_transaction", "256"),
            ("shared_buffers", "256MB"),
            // What lies on a solid-state disk or in memory is found by an index at nearly the cost of reading on. With
            // PostgreSQL's default of 4, made for rotating disks, a key is looked up in a small table by reading it all.
            ("random_page_cost", "1.1"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("log_line_prefix", "%m [%p] "),
        ];
        if self.durability == Durability::Unsafe {
            // Not synchronous_commit: what was acknowledged must outlive a killed server, also in tests.
            ours.extend([("fsync", "off"), ("full_page_writes", "off")]);
        }
        let ours = ours
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        ours.chain(self.configuration.iter().cloned()).collect()
    }
}
