//! What cannot be done with a tenant as it stands.

use chrono::{DateTime, Utc};

/// Why not. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is to be purged, and was not dropped.
    #[error("it was not dropped")]
    NotDropped,
    /// It is to be purged, and can still be brought back.
    #[error("it can be brought back until {}", .0.format("%Y-%m-%d %H:%M:%S UTC"))]
    InGrace(DateTime<Utc>),
    /// It is gone already: another operator was faster.
    #[error("it is gone already")]
    Gone,
    /// More has to be locked at once than the server has locks for.
    #[error("{what} takes {needed} locks in one transaction, and {room} is the most that may be taken")]
    TooManyLocks {
        /// What is to be locked.
        what: String,
        /// How many that takes.
        needed: i64,
        /// How many there are for us.
        room: i64,
    },
}

impl Refusal {
    /// What to do about it.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::NotDropped => "`tenantry tenant drop --help` shows how it is dropped",
            Self::InGrace(_) => "wait, or remove it with `tenantry tenant drop SLUG --yes --now`",
            Self::Gone => "nothing is left to do; `tenantry tenant erasures` has the proof",
            Self::TooManyLocks { .. } => {
                "set max_locks_per_transaction higher, or come back when fewer are in use"
            }
        }
    }
}
