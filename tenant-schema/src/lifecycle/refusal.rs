//! What cannot be done with a tenant as it stands.

use std::time::Duration;

use catalog::tenant_schemas::TenantSchemaState;
use chrono::{DateTime, Utc};

use super::relocate::TargetRefusal;

/// Why not. Nothing was changed, but that a purge in several transactions keeps what it has done.
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
    /// It is to be cloned, and was dropped.
    #[error("it was dropped")]
    Dropped,
    /// It is to be cloned, and is suspended.
    #[error("it is suspended")]
    Suspended,
    /// It is to be cloned, and its schema is of a version that this program does not know.
    #[error("its template version is {0}, and this program's latest is {1}")]
    LaterVersion(i32, i32),
    /// It is to be cloned with its people made up, and its version of the template does not say what is about people.
    #[error("its version of the template marks nothing as personal")]
    NothingPersonal,
    /// It is to be cloned with its people made up, and it is not clear how, in these tables and columns.
    #[error("a line `@personal` is not understood, or is for another type, of {}", .0.join(", "))]
    Unclear(Vec<String>),
    /// It is to be cloned with its people made up, and what was made up is refused: by which constraint of which table.
    #[error("what was made up does not fit {0}")]
    DoesNotFit(String),
    /// It is to be purged, and its schema has another name than the catalog knows.
    #[error("its schema is called {0} now")]
    Renamed(String),
    /// It is to be purged or archived, and objects outside its schema depend on it.
    #[error("others' objects hang on it: {}", .0.join(", "))]
    Outside(Vec<String>),
    /// It is to be archived, and its roles have large objects.
    #[error("its roles have made {0} large objects, which no container holds")]
    LargeObjects(i64),
    /// It is to be exported, and its schema is gone.
    #[error("its schema is gone")]
    NoSchema,
    /// It is to be exported, and lacks tables, columns or sequences of its version of the template.
    #[error("its schema lacks {}, which its version of the template has", .0.join(", "))]
    Lacks(Vec<String>),
    /// It is to be brought back out of its container, and is not archived.
    #[error("it is not archived")]
    NotArchived,
    /// The owner is to work in its schema, and somebody else's functions stand there, which might be called in the place of
    /// PostgreSQL's own.
    #[error("its schema holds what would run with its owner's rights and is not its owner's: {0}")]
    Foreign(String),
    /// It was migrated again and again while somebody wanted to take a snapshot.
    #[error("it is being migrated at this moment")]
    Busy,
    /// It is to be moved, and is neither served nor gone.
    #[error("its state is {0}")]
    NotReady(TenantSchemaState),
    /// It is to be moved, and its schema is too old for that.
    #[error("its schema, at version {0}, waits for a migration")]
    Behind(i32),
    /// It is to be moved, and somebody made something in its schema that no move carries.
    #[error("no move carries what stands beside the template: {}", .0.join(", "))]
    Besides(Vec<String>),
    /// It is to be moved, and the other database cannot take it.
    #[error(transparent)]
    Target(TargetRefusal),
    /// It is to be moved, and was changed, migrated or moved by somebody else since it was looked at.
    #[error("somebody else has changed or moved it at this moment")]
    Meanwhile,
    /// It could not be copied in the time that writes may be refused.
    #[error("it was not copied within {0:?}, and is served as before")]
    Pause(Duration),
    /// It is on its way to another database than the one that is named.
    #[error("it is on its way to {0}, or has gone there")]
    OtherTarget(String),
    /// It is to stay, and nobody has said that the other database will never serve it.
    #[error("it may have arrived in {0}, which would serve it too")]
    MayHaveArrived(String),
    /// Nobody could be asked whether it has arrived.
    #[error("it is not known whether it has arrived in {0}, and it is not served here until it is")]
    InDoubt(String),
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
            Self::Dropped => "`tenantry tenant undrop` brings it back first",
            Self::Suspended => "`tenantry tenant resume` lets it be served, and cloned",
            Self::NothingPersonal => {
                "end comments of columns with a line such as `@personal email` in a migration, or those of all tables with `@personal none`"
            }
            Self::Unclear(_) => {
                "`tenantry template check` says what is wrong; docs/personal-data.md has the words"
            }
            Self::DoesNotFit(_) => {
                "mark the column by another word in a migration, `linked` where a foreign key refers to it, or `@personal keep`"
            }
            Self::Renamed(_) => {
                "`alter schema … rename to …` gives it back the name that `tenantry tenant show` tells"
            }
            Self::Behind(_) => "`tenantry migrate --only SLUG` first",
            Self::Besides(_) => "keep it elsewhere, or lose it with --leave-out",
            Self::Target(refusal) => refusal.advice(),
            Self::Meanwhile => "run it again",
            Self::Pause(_) => "choose a quieter time, or let writes wait longer with --max-pause",
            Self::OtherTarget(_) => "name that database with --to",
            Self::MayHaveArrived(_) => {
                "`tenantry tenant move SLUG --to …` asks there; only if that database is lost for good, or what came there is removed, say --stay --yes"
            }
            Self::InDoubt(_) => {
                "run the same command again: it asks there, and finishes the move or gives it up; if that database is lost for good, `tenantry tenant move SLUG --stay --yes`"
            }
            Self::Outside(_) => "drop these first; a purge takes them along with --cascade",
            Self::LaterVersion(..) => "use the program and the template that migrated it",
            Self::LargeObjects(_) => {
                "`select lo_unlink(oid) from pg_largeobject_metadata` in its psql removes them"
            }
            Self::NoSchema | Self::NotReady(_) => "`tenantry tenant show` tells how it stands",
            Self::Lacks(_) => "somebody has changed it by hand; bring it back to its version's form first",
            Self::NotArchived => "`tenantry tenant import --as` makes another tenant of a container",
            Self::Foreign(_) => {
                "drop it, or give it to the schema's owner if it is to be trusted: `tenantry doctor --check foreign-code` shows how"
            }
            Self::Busy => "run it again when the migration is over",
            Self::TooManyLocks { .. } => {
                "set max_locks_per_transaction higher, or come back when fewer are in use"
            }
        }
    }
}
