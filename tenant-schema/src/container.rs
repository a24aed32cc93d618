//! Containers: one tenant in one file, to be kept, moved and brought back.
//!
//! A container is written and read as a stream, with flat memory, and holds nothing of any other tenant:
//!
//! ```text
//! TENANTRY CONTAINER 1\n
//! H  the head (JSON): tenant, people, template files, tables with their columns, sequences, what was left out
//! T  a table begins (its number in the head)
//!   D  rows in COPY's text format, 256 KiB at a time, each piece compressed by zstd
//! E  the table ends (JSON): rows, bytes, content hash
//! …
//! C  the closing (JSON): the same of all tables, and the content hash of the tenant
//! Z  SHA-256 of everything before it; nothing comes after
//! ```
//!
//! Each part is a letter, the length of what follows as four bytes (big-endian), and that. So a container that was cut
//! lacks `Z`, one that was altered has another hash, and no length is believed beyond a bound.
//!
//! [`export`](mod@export) writes one, [`import`](mod@import) makes a tenant of one, [`content`] says what the hashes are.

pub mod content;
pub mod export;
pub mod import;
mod manifest;
mod reader;
pub mod reference;
mod rows;
pub(crate) mod shape;
mod writer;

use std::io;

use catalog::error::CatalogError;
use catalog::pg::migrator::MigrateError;
use catalog::pg::sqlstate::PgError;

use crate::lifecycle::LifecycleError;

pub use self::manifest::{Closing, Head, Person, Sequence, Table, TemplateFiles, TenantInfo};
pub use self::reader::{Reader, check};
pub(crate) use self::rows::Ids;
pub(crate) use self::shape::{SEQUENCES, SHAPE};

/// How every container begins; the number is the format's.
const MAGIC: &[u8; 21] = b"TENANTRY CONTAINER 1\n";

/// The kinds of parts.
mod part {
    pub(super) const HEAD: u8 = b'H';
    pub(super) const TABLE: u8 = b'T';
    pub(super) const DATA: u8 = b'D';
    pub(super) const END: u8 = b'E';
    pub(super) const CLOSING: u8 = b'C';
    pub(super) const SEAL: u8 = b'Z';
}

/// How many bytes of rows are compressed together.
const PIECE: usize = 256 * 1024;

/// The longest head or closing that is read: some ten thousand tables and people.
const LONGEST_TEXT: usize = 16 * 1024 * 1024;

/// Why a container cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// It does not begin as one.
    #[error("this is no container of Tenantry's")]
    Foreign,
    /// It is of a later format.
    #[error("the container is of format {0}, and this program reads format 1")]
    LaterFormat(String),
    /// It ends too early.
    #[error("the container is cut off: it ends within {0}")]
    Cut(&'static str),
    /// Its bytes are not those that were written.
    #[error("the container was altered or damaged: {0}")]
    Altered(String),
    /// It holds what no container may.
    #[error("the container is malformed: {0}")]
    Malformed(String),
    /// It cannot be taken in by this program with this template.
    #[error("{0}")]
    Unfit(String),
    /// It could not be read or written.
    #[error("could not read or write the container")]
    Io(#[source] io::Error),
    /// The database or the catalog refused.
    #[error(transparent)]
    Lifecycle(LifecycleError),
}

impl ContainerError {
    /// What to do about it.
    pub const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Foreign => Some("name a file that `tenantry tenant export` wrote"),
            Self::LaterFormat(_) => Some("use the version of tenantry that wrote it, or a later one"),
            Self::Cut(_) | Self::Altered(_) => {
                Some("nothing was kept; take another copy of the container, or export the tenant again")
            }
            Self::Malformed(_) => Some("nothing was kept; `tenantry tenant export` does not write this"),
            Self::Unfit(_) => {
                Some("nothing was kept; use the program and the template that the tenant was of")
            }
            Self::Io(_) | Self::Lifecycle(_) => None,
        }
    }
}

impl From<LifecycleError> for ContainerError {
    fn from(error: LifecycleError) -> Self {
        Self::Lifecycle(error)
    }
}

impl From<CatalogError> for ContainerError {
    fn from(error: CatalogError) -> Self {
        Self::Lifecycle(error.into())
    }
}

impl From<PgError> for ContainerError {
    fn from(error: PgError) -> Self {
        Self::Lifecycle(error.into())
    }
}

impl From<MigrateError> for ContainerError {
    fn from(error: MigrateError) -> Self {
        Self::Lifecycle(error.into())
    }
}
