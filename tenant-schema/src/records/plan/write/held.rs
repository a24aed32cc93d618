//! The state that a record must be in to be written: what the conditions of a request mean for one statement.

use super::{Asked, may_read};
use crate::records::ast::Filter;
use crate::records::condition::{Conditions, Tag, Tags};
use crate::records::error::RecordError;
use crate::records::model::{Field, Object};
use crate::records::parse::prefer::Merge;
use crate::records::plan::Subject;
use crate::records::{Operation, Request, Target};

/// The state that the record in the path must be in.
pub struct Held<'m> {
    pub(in crate::records) object: &'m Object,
    /// The column that says it.
    pub(in crate::records) version: &'m Field,
    /// Finds the record.
    pub(in crate::records) filter: Filter<Subject<'m>>,
    /// It has one of these versions.
    pub(in crate::records) wanted: Option<Vec<i64>>,
    /// It has none of these.
    pub(in crate::records) unwanted: Option<Unwanted>,
    /// It may have a later version than the wanted ones, if these fields have not changed since.
    pub(in crate::records) merges: Option<Since>,
    /// That there is no record fails too.
    pub(in crate::records) must_be_there: bool,
    /// A record that is there fails, whatever its state.
    pub(in crate::records) must_be_new: bool,
}

/// The states that a record must not be in.
pub enum Unwanted {
    /// All.
    Any,
    /// These.
    Versions(Vec<i64>),
}

/// A change that is merged with those of others.
pub struct Since {
    /// The version that the client knows.
    pub(in crate::records) version: i64,
    /// The fields that it changes.
    pub(in crate::records) fields: Vec<String>,
}

/// Refuses conditions where nothing could decide them: on requests that are not about one record by its path, and on
/// objects without versions. They are never passed over, since a client that sends one relies on it. Refuses a merge that
/// nothing could do too, where that is to be told.
pub(in crate::records) fn check<'m>(
    request: &Request<'_>,
    object: impl Fn() -> Result<&'m Object, RecordError>,
) -> Result<(), RecordError> {
    let preferences = request.preferences;
    let (target, writes) = match request.operation {
        Operation::Get { id } => (Target::Id(id), false),
        Operation::Update { target, .. } => {
            if preferences.merge.is_some() && !object()?.tracks_fields {
                preferences.refuse_if_strict("merge=disjoint")?;
            }
            (target, true)
        }
        Operation::Replace { target, .. } | Operation::Delete { target } => (target, true),
        Operation::List
        | Operation::Export(_)
        | Operation::Insert { .. }
        | Operation::Restore { .. }
        | Operation::Purge { .. }
        | Operation::Call(_) => (Target::Filtered, true),
    };
    if request.conditions.is_empty() {
        return Ok(());
    }
    if !matches!(target, Target::Id(_)) {
        return Err(RecordError::MisplacedCondition);
    }
    let object = object()?;
    // What is behind a view cannot be held while it is decided.
    if !object.versioned || writes && object.kind.is_view() {
        return Err(RecordError::NoVersion {
            object: object.name.clone(),
        });
    }
    Ok(())
}

impl<'m> Held<'m> {
    /// The state that a write asks for of the record that this filter finds. `may_add` says that the write is one that
    /// adds the record if there is none.
    ///
    /// A change or a removal of a record that is not there is a 404 with or without conditions, and so conditions do not
    /// count (RFC 9110, section 13.2.1). A `PUT` would add it, and so for `If-Match` it fails (section 13.1.1).
    pub(super) fn by(
        object: &'m Object,
        filter: &Filter<Subject<'m>>,
        asked: &Asked<'m>,
        may_add: bool,
    ) -> Option<Self> {
        let Conditions {
            if_match,
            if_none_match,
        } = asked.conditions;
        let version = object.field("version").filter(|_| object.versioned);
        let version = version.filter(|_| !asked.conditions.is_empty())?;
        let wanted = match if_match {
            Some(Tags::Listed(tags)) => Some(tags.iter().filter_map(Tag::strong_version).collect()),
            Some(Tags::Any) | None => None,
        };
        let unwanted = if_none_match.as_ref().map(|tags| match tags {
            Tags::Any => Unwanted::Any,
            Tags::Listed(tags) => Unwanted::Versions(tags.iter().filter_map(Tag::weak_version).collect()),
        });
        let must_be_there = may_add && if_match.is_some();
        if wanted.is_none() && unwanted.is_none() && !must_be_there {
            return None;
        }
        Some(Self {
            object,
            version,
            filter: filter.clone(),
            wanted,
            must_be_there,
            must_be_new: may_add && matches!(unwanted, Some(Unwanted::Any)),
            unwanted,
            merges: None,
        })
    }

    /// Some states of the record are wanted, and others not.
    pub(in crate::records) fn asks_for_state(&self) -> bool {
        self.wanted.is_some() || self.unwanted.is_some()
    }

    /// Lets a change of these fields through that others have not changed since (`Prefer: merge=disjoint`). Of several
    /// versions that the client may know, the oldest counts.
    ///
    /// # Errors
    /// The caller may not read: which fields others have changed is not for it.
    pub(super) fn merge(&mut self, fields: &[&Field], asked: &Asked<'_>) -> Result<(), RecordError> {
        let oldest = self.wanted.iter().flatten().min();
        let (Some(version), Some(Merge::Disjoint)) = (oldest, asked.preferences.merge) else {
            return Ok(());
        };
        if self.object.tracks_fields {
            may_read(self.object, asked, true)?;
            self.merges = Some(Since {
                version: *version,
                fields: fields.iter().map(|field| field.name.clone()).collect(),
            });
        }
        Ok(())
    }
}
