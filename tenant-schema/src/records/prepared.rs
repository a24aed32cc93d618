//! A request that is ready to run: its statement, and what is to be made of its row.

use super::parse::prefer::Preference;
use super::plan::Asked;
use super::planned::Planned;
use super::{
    Claim, Conditions, Count, End, Form, Preferences, Query, RecordError, Request, Return, SchemaModel,
};
use crate::crm::Verb;

/// A request that is ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The one statement to run, and what is known of it.
    pub(super) planned: Planned,
    /// How it is kept from running in a schema of another version than it was planned for.
    pub(crate) fence: Fence,
    /// The object's name.
    pub(super) object: String,
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
    /// How its transaction ends.
    pub(super) end: End,
    /// The time zone of its transaction.
    pub(super) time_zone: Option<String>,
    /// What a read must be like to be answered.
    pub(super) conditions: Conditions,
    /// The idempotency key that it claims.
    pub(super) claim: Option<Claim>,
}

impl Prepared {
    /// What was planned, in the words of its request. Of the preferences, those of the kinds that `may_apply` can have
    /// made a difference.
    pub(super) fn of(planned: Planned, asked: &Asked<'_>, may_apply: impl Fn(Preference) -> bool) -> Self {
        let Request {
            object,
            preferences,
            form,
            conditions,
            claim,
            ..
        } = asked.request;
        let end = preferences.end.filter(|end| planned.may_end(*end));
        let applied = preferences.applied(|kind| match kind {
            Preference::TimeZone => asked.time_zone.is_some(),
            Preference::End => end.is_some(),
            _ => may_apply(kind) && planned.applies(kind),
        });
        let writes = planned.shape.mode() == Mode::ReadWrite;
        let calls = matches!(planned.shape, Shape::Called { .. });
        Self {
            fence: if writes || calls {
                Fence::Behind
            } else {
                Fence::Within
            },
            object: object.to_owned(),
            form,
            applied,
            returning: preferences.returning.unwrap_or(Return::Minimal),
            count: preferences.count,
            max_rows: asked.context.limits.max_rows,
            end: end.unwrap_or_default(),
            time_zone: asked.time_zone.map(str::to_owned),
            conditions: conditions.clone(),
            claim: claim.filter(|_| writes).cloned(),
            planned,
        }
    }

    /// A verb, by the statement that makes its answer and those that lock first.
    pub(crate) fn of_verb(
        model: &SchemaModel,
        verb: &Verb,
        query: Query,
        locks: Vec<Query>,
        preferences: &Preferences,
        claim: Option<&Claim>,
    ) -> Result<Self, RecordError> {
        preferences.check()?;
        let writes = verb.mode == Mode::ReadWrite;
        let followed = |kind| match kind {
            Preference::Return | Preference::End => writes,
            Preference::Handling | Preference::TimeZone => true,
            _ => false,
        };
        preferences.refuse(|kind| !followed(kind))?;
        let time_zone = preferences.known_time_zone(|zone| model.time_zones.contains(zone))?;
        // A parameter of the request's may have said another.
        let own = verb.time_zone.as_deref();
        let is_followed = time_zone.is_some() && (own.is_none() || own == time_zone);
        let shape = match (writes, verb.creates) {
            (true, true) => Shape::Put,
            (true, false) => Shape::WrittenRecord,
            (false, _) => Shape::Record,
        };
        let returning = preferences.returning.unwrap_or(Return::Representation);
        Ok(Self {
            fence: if writes { Fence::Behind } else { Fence::Within },
            object: verb.object.to_owned(),
            form: Form::Plural,
            applied: preferences
                .applied(|kind| followed(kind) && (kind != Preference::TimeZone || is_followed)),
            returning,
            count: None,
            max_rows: 0,
            end: preferences.end.filter(|_| writes).unwrap_or_default(),
            time_zone: verb.time_zone.clone().or_else(|| time_zone.map(str::to_owned)),
            conditions: Conditions::default(),
            claim: claim.cloned(),
            planned: Planned {
                locks,
                rules: verb.rules,
                next: verb.next.clone(),
                ..Planned::of(query, shape)
            },
        })
    }

    /// The one statement to run.
    pub(crate) fn query(&self) -> &Query {
        &self.planned.query
    }

    /// The text of the statement; values are never in it.
    pub fn text(&self) -> &str {
        &self.planned.query.text
    }

    /// What is bound to `$1`, `$2`, …; nothing is NULL.
    pub fn values(&self) -> impl Iterator<Item = Option<&str>> {
        let params = self.planned.query.params.iter();
        params.map(|param| param.value.as_deref())
    }

    /// The columns of its statement, where it reads.
    pub(super) fn columns(&self) -> &'static str {
        let is_list = matches!(self.planned.shape, Shape::Page { .. });
        if is_list && self.count.is_some_and(Count::counts) {
            "body, count, version, key, total"
        } else {
            "body, count, version, key"
        }
    }

    /// The kind of transaction that it needs.
    pub fn mode(&self) -> Mode {
        self.planned.shape.mode()
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
        let shape = match mode {
            Mode::ReadOnly => Shape::Record,
            Mode::ReadWrite => Shape::WrittenRecord,
        };
        Self {
            planned: Planned::of(query, shape),
            fence: Fence::Open,
            object: "test".to_owned(),
            form: Form::Plural,
            applied: None,
            returning: Return::Representation,
            count: None,
            max_rows: 0,
            end: End::Commit,
            time_zone: None,
            conditions: Conditions::default(),
            claim: None,
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
    /// One record that came back from the bin, if it was there.
    Restored,
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

impl Shape {
    pub(super) fn mode(&self) -> Mode {
        match self {
            Self::Page { .. } | Self::Record | Self::Called { writes: false, .. } => Mode::ReadOnly,
            _ => Mode::ReadWrite,
        }
    }
}
