//! Why a request for records was refused, with everything PostgREST's error body needs.

use super::limits::Exceeded;
use crate::crm::Refusal;

mod cursor;
mod database;
mod details;
mod embed;
mod hint;
mod made;
mod place;
mod raised;

pub use cursor::CursorError;
pub use database::{DatabaseError, DatabaseFault};
pub use embed::{Candidate, EmbedError};
pub use raised::Raised;

pub(super) use made::shorten;

/// A refused request. Every variant but the last few is the client's fault and answers with a status below 500.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No object has this name.
    #[error("Could not find the table '{object}' in the schema")]
    UnknownObject {
        /// The name asked for.
        object: String,
        /// The nearest name there is.
        nearest: Option<String>,
    },
    /// A query string names a column that is not there, or a parameter that does not exist.
    #[error("column {object}.{column} does not exist")]
    UnknownColumn {
        /// The object that was asked.
        object: String,
        /// The name that was not found.
        column: String,
        /// The nearest column or parameter.
        nearest: Option<String>,
    },
    /// A body names a column that is not there.
    #[error("Could not find the '{column}' column of '{object}'")]
    UnknownBodyColumn {
        /// The object that was written.
        object: String,
        /// The name that was not found.
        column: String,
        /// The nearest column.
        nearest: Option<String>,
    },
    /// A body gives a value for a column that PostgreSQL computes.
    #[error("cannot write the column '{column}' of '{object}', the database computes it")]
    ComputedColumn {
        /// The object that was written.
        object: String,
        /// The computed column.
        column: String,
    },
    /// A body gives a value for a column that can be read only.
    #[error("cannot write the column '{column}' of '{object}', it can only be read")]
    ReadOnlyColumn {
        /// The object that was written.
        object: String,
        /// The column.
        column: String,
    },
    /// Preferences that cannot be followed, with `handling=strict`.
    #[error("Invalid preferences given with handling=strict")]
    InvalidPreferences {
        /// What was said, separated by commas.
        preferences: String,
    },
    /// A write by `limit` that does not say in which order.
    #[error("A 'limit' was applied without an explicit 'order'")]
    LimitWithoutOrder,
    /// A write by `limit` found more records than that, because their order is not unique.
    #[error("The maximum number of rows allowed to change was surpassed")]
    LimitSurpassed {
        /// How many there were.
        count: u64,
        /// How many there should have been at most.
        allowed: u64,
    },
    /// A write found more records than `max-affected` allows.
    #[error("Query result exceeds max-affected preference constraint")]
    TooManyAffected {
        /// How many there were.
        count: u64,
    },
    /// One record was asked for, and there are none or several.
    #[error("Cannot coerce the result to a single JSON object")]
    NotSingular {
        /// How many there were.
        count: u64,
    },
    /// A bare value was asked for, and the answer has other than one column.
    #[error("{media_type} requested but more than one column was selected")]
    NotOneColumn {
        /// The form of the answer.
        media_type: &'static str,
    },
    /// XML was asked for, and the answer is of another type.
    #[error("text/xml requested but what was selected is not of the type xml")]
    NotXml,
    /// A `PUT` by something else than a key.
    #[error("Filters must include all and only primary key columns with 'eq' operators")]
    PutFilters,
    /// A `PUT` by a page.
    #[error("limit/offset querystring parameters are not allowed for PUT")]
    PagedPut,
    /// A `PUT` whose body has another key than its URL.
    #[error("Payload values do not match URL in primary key column(s)")]
    PutMismatch,
    /// A record cannot be merged with one of the same key, because that one was removed.
    #[error("A deleted record of '{object}' has the key of one that was sent")]
    HiddenDuplicate {
        /// The object.
        object: String,
    },
    /// A parameter that exists, but not for this action.
    #[error("the parameter '{parameter}' cannot be used to {action}")]
    MisplacedParameter {
        /// The parameter.
        parameter: String,
        /// The action, as a verb phrase.
        action: &'static str,
    },
    /// The query string breaks the grammar.
    #[error("failed to parse {parameter} ({input})")]
    Syntax {
        /// The parameter in which it happened.
        parameter: String,
        /// Its value, shortened.
        input: String,
        /// What was expected, and where.
        details: String,
    },
    /// The body is not what is asked for.
    #[error("{message}")]
    InvalidBody {
        /// What is wrong with it.
        message: String,
        /// Where, if that is known.
        details: Option<String>,
    },
    /// A page that cannot be, such as one of minus one rows.
    #[error("Requested range not satisfiable")]
    InvalidRange {
        /// What is wrong with it.
        details: String,
    },
    /// A text that PostgreSQL cannot hold.
    #[error("a value for '{place}' contains a NUL character, which no text in the database can")]
    NulCharacter {
        /// The column or parameter.
        place: String,
    },
    /// An update or delete that would touch every record.
    #[error("{verb} requires a WHERE clause")]
    Unfiltered {
        /// `UPDATE` or `DELETE`.
        verb: &'static str,
    },
    /// The caller may add records, but a request that merges changes them too.
    #[error("permission denied for {object}: this caller may not update it")]
    MayNotUpdate {
        /// The object.
        object: String,
    },
    /// A body sets `deleted_at`, which removes a record as `DELETE` does.
    #[error(
        "permission denied for {object}: this caller may not delete its records, and so not set deleted_at"
    )]
    MayNotDelete {
        /// The object.
        object: String,
    },
    /// The caller may write records, but a request that chooses them by what is in them, or returns them, reads them.
    #[error("permission denied for {object}: this caller may not read it, and this request needs that")]
    MayNotRead {
        /// The object.
        object: String,
    },
    /// No function has this name and takes these arguments.
    #[error("Could not find the function {call} in the schema cache")]
    UnknownFunction {
        /// The function and the names of its arguments.
        call: String,
        /// What was looked for, as a sentence.
        searched: String,
        /// The nearest function there is.
        nearest: Option<String>,
    },
    /// Several functions take these arguments.
    #[error("Could not choose the best candidate function between: {}", .candidates.join(", "))]
    AmbiguousFunction {
        /// Their names and parameters.
        candidates: Vec<String>,
    },
    /// `max-affected` for a function whose results cannot be counted.
    #[error("Function must return SETOF or TABLE when max-affected preference is used with handling=strict")]
    CountlessFunction,
    /// A header that cannot be read.
    #[error("The header {header} cannot be read")]
    BadHeader {
        /// Its name.
        header: &'static str,
        /// What was expected.
        details: String,
    },
    /// A header that means something, but not for this action.
    #[error("the header '{header}' cannot be used to {action}")]
    MisplacedHeader {
        /// Its name.
        header: &'static str,
        /// The action, as a verb phrase.
        action: &'static str,
    },
    /// A condition on the state of a record, on a request that is not about one.
    #[error(
        "If-Match and If-None-Match are about the one record that the path names, and this request names none"
    )]
    MisplacedCondition,
    /// A condition on the state of a record that has no version.
    #[error(
        "'{object}' has no versions, so nothing can say whether a record of it is in the state that is meant"
    )]
    NoVersion {
        /// The object.
        object: String,
    },
    /// The record is not in the state that the request is meant for.
    #[error("The record of '{object}' is not in the state that the request is meant for")]
    Outdated {
        /// The object.
        object: String,
        /// The version that it has now, if there is a record and it can be seen.
        version: Option<u64>,
        /// The fields that keep the change from being merged: others have changed them.
        changed: Vec<String>,
    },
    /// A request with the same idempotency key is being answered just now.
    #[error("A request with this Idempotency-Key is being answered just now")]
    KeyInUse,
    /// The idempotency key was used for another request.
    #[error("This Idempotency-Key was used for another request")]
    KeyReused,
    /// The object cannot be written in this way by anybody.
    #[error("'{object}' cannot be written: it does not allow to {action}")]
    NotWritable {
        /// The object.
        object: String,
        /// The action, as a verb phrase.
        action: &'static str,
    },
    /// `deleted=…`, a restore or a purge where what is deleted is gone.
    #[error("'{object}' has no soft delete: what is deleted from it is gone")]
    NoBin {
        /// The object.
        object: String,
    },
    /// A restore or a purge of a record that is live.
    #[error("the record of '{object}' is not deleted")]
    NotDeleted {
        /// The object.
        object: String,
    },
    /// A restore of a record that belongs to one which stays deleted.
    #[error("the record of '{object}' belongs to a record that is deleted")]
    ParentDeleted {
        /// The object.
        object: String,
        /// The object of that other record, if the caller may read it.
        parent: Option<String>,
    },
    /// `/{object}/{id}` on an object without a primary key of one column.
    #[error("'{object}' has no primary key of one column, so no record of it has a path")]
    NoKey {
        /// The object.
        object: String,
    },
    /// No visible record has this id.
    #[error("'{object}' has no such record")]
    UnknownRecord {
        /// The object.
        object: String,
    },
    /// Related records cannot be embedded as asked.
    #[error(transparent)]
    Embed(Box<EmbedError>),
    /// A list cannot be paged by cursor as asked.
    #[error(transparent)]
    Cursor(#[from] CursorError),
    /// Words are searched for where nothing is there to search them in.
    #[error("'{object}' cannot be searched: it has no search vector and no trigram index")]
    NotSearchable {
        /// The object.
        object: String,
    },
    /// A cast to a type that is not known here.
    #[error("type \"{name}\" does not exist")]
    UnknownType {
        /// The name in the request.
        name: String,
        /// The nearest type there is.
        nearest: Option<String>,
    },
    /// What the dialect has words for and no meaning.
    #[error("Feature not implemented")]
    NotImplemented {
        /// What it is.
        details: &'static str,
    },
    /// The request asks for more than one request may.
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
    /// PostgreSQL refused the statement.
    #[error(transparent)]
    Database(Box<DatabaseError>),
    /// A verb refused.
    #[error("{}", .0.message)]
    Refused(Box<Refusal>),
    /// The template raised an error for the client.
    #[error(transparent)]
    Raised(Box<Raised>),
    /// The template raised an error that cannot be answered as it wants; the text is for the log.
    #[error("The database failed to answer")]
    BadRaise(String),
    /// PostgreSQL could not be asked; the text is for the log. The same request may work later.
    #[error("The database cannot answer now")]
    Unavailable(String),
    /// The tenant has changed since the request was planned: it was migrated, moved or dropped. Nothing was done, and the
    /// text is for the log. The same request may work as soon as what was known of the tenant is forgotten.
    #[error("The tenant is being changed; please try again")]
    Moved(String),
    /// PostgreSQL gave what this program cannot read; the text is for the log.
    #[error("The database failed to answer")]
    Unreadable(String),
}

impl RecordError {
    /// The action of `POST /{object}/{id}/restore`.
    pub const RESTORE: &'static str = "restore a record";
    /// The action of `POST /{object}/{id}/purge`.
    pub const PURGE: &'static str = "purge a record";

    /// The `code` of PostgREST's error body: its own, or an SQLSTATE.
    pub fn code(&self) -> &str {
        match self {
            Self::UnknownObject { .. } => "PGRST205",
            Self::UnknownColumn { .. } => "42703",
            Self::UnknownBodyColumn { .. } => "PGRST204",
            Self::ComputedColumn { .. } => "428C9",
            Self::ReadOnlyColumn { .. } => "0A000",
            Self::InvalidPreferences { .. } => "PGRST122",
            Self::LimitWithoutOrder => "PGRST109",
            Self::LimitSurpassed { .. } => "PGRST110",
            Self::TooManyAffected { .. } => "PGRST124",
            Self::NotOneColumn { .. } => "PGRST113",
            Self::NotXml => "PGRST107",
            Self::PutFilters => "PGRST105",
            Self::PagedPut => "PGRST114",
            Self::PutMismatch => "PGRST115",
            Self::HiddenDuplicate { .. } => "23505",
            Self::MisplacedParameter { .. } | Self::Syntax { .. } => "PGRST100",
            Self::InvalidBody { .. } => "PGRST102",
            Self::InvalidRange { .. } => "PGRST103",
            Self::NulCharacter { .. } => "22021",
            Self::Unfiltered { .. } => "21000",
            Self::NotWritable { .. } => "PGRST117",
            Self::NoBin { .. } => "bin_unsupported",
            Self::NotDeleted { .. } => "not_deleted",
            Self::ParentDeleted { .. } => "parent_deleted",
            Self::NoKey { .. } => "PGRST125",
            Self::UnknownRecord { .. } | Self::NotSingular { .. } => "PGRST116",
            Self::MayNotUpdate { .. } | Self::MayNotDelete { .. } | Self::MayNotRead { .. } => "42501",
            Self::BadHeader { .. } | Self::MisplacedHeader { .. } => "bad_header",
            Self::MisplacedCondition | Self::NoVersion { .. } => "condition_unsupported",
            Self::Outdated { .. } => "precondition_failed",
            Self::KeyInUse => "idempotency_key_in_use",
            Self::KeyReused => "idempotency_key_reused",
            Self::UnknownFunction { .. } => "PGRST202",
            Self::AmbiguousFunction { .. } => "PGRST203",
            Self::CountlessFunction => "PGRST128",
            Self::Embed(error) => error.code(),
            Self::Cursor(error) => error.code(),
            Self::NotSearchable { .. } => "search_unsupported",
            Self::UnknownType { .. } => "42704",
            Self::NotImplemented { .. } => "PGRST127",
            Self::Exceeded(bound) => bound.code(),
            Self::Database(error) => error.code(),
            Self::Refused(refusal) => &refusal.code,
            Self::Raised(raised) => &raised.code,
            Self::BadRaise(_) => "PGRST121",
            Self::Unavailable(_) => "PGRST001",
            Self::Moved(_) => "tenant_changing",
            Self::Unreadable(_) => "PGRSTX00",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::UnknownObject { .. }
            | Self::UnknownFunction { .. }
            | Self::NoKey { .. }
            | Self::UnknownRecord { .. } => 404,
            Self::AmbiguousFunction { .. } => 300,
            Self::NotWritable { .. } | Self::PutFilters => 405,
            Self::MayNotUpdate { .. } | Self::MayNotDelete { .. } | Self::MayNotRead { .. } => 403,
            Self::NotSingular { .. } | Self::NotOneColumn { .. } | Self::NotXml => 406,
            Self::HiddenDuplicate { .. }
            | Self::NotDeleted { .. }
            | Self::ParentDeleted { .. }
            | Self::KeyInUse => 409,
            Self::Outdated { .. } => 412,
            Self::KeyReused => 422,
            Self::InvalidRange { .. } => 416,
            Self::Embed(error) => error.status(),
            Self::Exceeded(bound) => bound.status(),
            Self::Database(error) => error.status(),
            Self::Unavailable(_) | Self::Moved(_) => 503,
            Self::Refused(refusal) => refusal.status,
            Self::Raised(raised) => raised.status,
            Self::BadRaise(_) | Self::Unreadable(_) => 500,
            _ => 400,
        }
    }

    /// What the log should say and the client should not hear.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unavailable(cause)
            | Self::Moved(cause)
            | Self::Unreadable(cause)
            | Self::BadRaise(cause) => Some(cause),
            Self::Database(error) if error.status() >= 500 => Some(error.report()),
            _ => None,
        }
    }

    /// The `message` of the error body.
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// Names the object of the other record, where there is one.
    fn with_parent(mut self, known: impl Fn() -> Option<String>) -> Self {
        if let Self::ParentDeleted { parent, .. } = &mut self {
            *parent = known();
        }
        self
    }
}
