//! A request that is ready to run: its statement, and what is to be made of its row.

use super::export::Export;
use super::guard::Guard;
use super::{Claim, Conditions, Count, End, Form, Query, Return, cursor};

/// A request that is ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The one statement to run.
    pub(crate) query: Query,
    /// `explain` of what a page is taken from, when its number is to be estimated.
    pub(super) estimate: Option<Query>,
    /// The kind of transaction that it needs.
    pub(super) mode: Mode,
    /// How it is kept from running in a schema of another version than it was planned for.
    pub(crate) fence: Fence,
    /// The object's name.
    pub(super) object: String,
    /// What its row means.
    pub(super) shape: Shape,
    /// It gives a row for every record of an export.
    pub(crate) export: Option<Export>,
    /// The form of the answer.
    pub(super) form: Form,
    /// `Preference-Applied`
    pub(super) applied: Option<String>,
    /// What a write answers with.
    pub(super) returning: Return,
    /// How the total number of records is to be found, if it is wanted.
    pub(super) count: Option<Count>,
    /// The bound of exact counting for an estimate.
    pub(super) max_rows: u64,
    /// The columns that the body gives values for, with their types.
    pub(super) written: Vec<(String, String)>,
    /// What the statement checks of its outcome.
    pub(super) guards: Vec<Guard>,
    /// The objects whose records a restored one belongs to, as far as the caller may know them, in the order in which
    /// the statement numbers them.
    pub(super) owners: Vec<Option<String>>,
    /// It brings back what was removed.
    pub(super) restores: bool,
    /// How its transaction ends.
    pub(super) end: End,
    /// The time zone of its transaction.
    pub(super) time_zone: Option<String>,
    /// What a read must be like to be answered.
    pub(super) conditions: Conditions,
    /// The representation follows from the record's version alone.
    pub(super) is_plain: bool,
    /// The idempotency key that it claims.
    pub(super) claim: Option<Claim>,
    /// What names the page behind a list that is paged by cursor.
    pub(super) next: Option<cursor::Next>,
}

impl Prepared {
    /// The text of the statement; values are never in it.
    pub fn text(&self) -> &str {
        &self.query.text
    }

    /// What is bound to `$1`, `$2`, …; nothing is NULL.
    pub fn values(&self) -> impl Iterator<Item = Option<&str>> {
        self.query.params.iter().map(|param| param.value.as_deref())
    }

    /// The columns of its statement, where it reads.
    pub(super) fn columns(&self) -> &'static str {
        let is_list = matches!(self.shape, Shape::Page { .. });
        match &self.export {
            Some(_) => "body",
            None if is_list && self.count.is_some_and(Count::counts) => "body, count, version, key, total",
            None => "body, count, version, key",
        }
    }

    /// The kind of transaction that it needs.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How its transaction ends when the statement has worked.
    pub fn end(&self) -> End {
        self.end
    }

    /// The time zone of its transaction, if it is not the server's: a name that PostgreSQL knows.
    pub fn time_zone(&self) -> Option<&str> {
        self.time_zone.as_deref()
    }

    /// A statement of a test's own, to look at the session from inside: the one way to run SQL in a tenant that did
    /// not come from [`prepare`]. `tidy` keeps it out of everything but tests.
    #[doc(hidden)]
    pub fn of_test(mode: Mode, text: &str) -> Self {
        let query = Query {
            text: text.to_owned(),
            params: Vec::new(),
        };
        Self {
            query,
            estimate: None,
            mode,
            fence: Fence::Open,
            object: "test".to_owned(),
            shape: Shape::Record,
            export: None,
            form: Form::Plural,
            applied: None,
            returning: Return::Minimal,
            count: None,
            max_rows: 0,
            written: Vec::new(),
            guards: Vec::new(),
            owners: Vec::new(),
            restores: false,
            end: End::Commit,
            time_zone: None,
            conditions: Conditions::default(),
            is_plain: true,
            claim: None,
            next: None,
        }
    }
}

/// What a statement does to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It runs in a read-only transaction.
    ReadOnly,
    /// It writes.
    ReadWrite,
}

/// How a statement is kept from running in a schema of another version than it was planned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fence {
    /// By a condition within it, which costs next to nothing: for reading tables, all of which are locked when it begins.
    Within,
    /// By a statement behind it: functions and triggers come to tables of their own while it runs.
    Behind,
    /// Not at all: a test's own statement, which was planned for nothing.
    Open,
}

/// What the row of a prepared request means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// A page that begins after so many rows.
    Page {
        /// Nothing where a cursor says where it begins: nobody counted what comes before.
        offset: Option<u64>,
    },
    /// One record, or no row.
    Record,
    /// New records; the names of the key's columns.
    Inserted { key: Vec<String> },
    /// Records that are new, or were there and took new values.
    Merged { key: Vec<String> },
    /// One record that was put at its key.
    Put,
    /// One record that was changed or removed, if there was one.
    WrittenRecord,
    /// The records a filter found were changed.
    Updated,
    /// The records a filter found were removed.
    Deleted,
    /// A function was called.
    Called {
        /// Which of its results are answered, if it returns a set: how many come before them, and how many there are
        /// at most.
        page: Option<(u64, u64)>,
        /// It returns nothing.
        nothing: bool,
        /// It may write.
        writes: bool,
    },
}
