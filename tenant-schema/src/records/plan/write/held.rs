//! The state that a record must be in to be written: what the conditions of a request mean for one statement.

use super::may_read;
use crate::records::ast::Filter;
use crate::records::condition::{Conditions, Tag, Tags};
use crate::records::error::RecordError;
use crate::records::model::{Field, Object};
use crate::records::parse::prefer::Merge;
use crate::records::plan::Asked;
use crate::records::plan::Subject;
use crate::records::{CallBy, Operation, Request, Target};

/// The state that the record in the path must be in.
pub struct Held<'m> {
    pub(in crate::records) object: &'m Object,
    /// The column that says it.
    pub(in crate::records) version: &'m Field,
    /// Finds the record.
    pub(in crate::records) filter: Filter<Subject<'m>>,
    /// The good states of a record that is there.
    pub(in crate::records) states: States,
    /// What becomes of the write when there is none.
    pub(in crate::records) absent: Absent,
}

/// Which states of a record are good.
#[derive(Debug, PartialEq, Eq)]
pub enum States {
    /// None: there must be no record.
    None,
    /// These versions.
    Versions(Vec<i64>),
    /// These versions, and later ones in which others have changed other fields only.
    Merged(Vec<i64>, Since),
    /// All versions but these.
    AllBut(Vec<i64>),
}

/// What becomes of a write that finds no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// The answer is the same as without conditions, which do not count then (RFC 9110, section 13.2.1): a 404, or that
    /// the record is not in the bin.
    Unheeded,
    /// It is added: by a `PUT`.
    Added,
    /// It fails: a `PUT` would add the record, and so `If-Match` is false (section 13.1.1).
    Fails,
}

/// A change that is merged with those of others.
#[derive(Debug, PartialEq, Eq)]
pub struct Since {
    /// The version that the client knows.
    pub(in crate::records) version: i64,
    /// The fields that it changes.
    pub(in crate::records) fields: Vec<String>,
}

/// What a request does to the record that its path names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Reads,
    Writes,
    /// The write that can be merged with those of others.
    Changes,
}

/// What a request does to the record that its path names, if it names one.
fn named(operation: &Operation<'_>) -> Option<Does> {
    match operation {
        Operation::Get { .. } => Some(Does::Reads),
        Operation::Update {
            target: Target::Id(_),
            ..
        } => Some(Does::Changes),
        Operation::Replace {
            target: Target::Id(_),
            ..
        }
        | Operation::Delete {
            target: Target::Id(_),
        }
        | Operation::Restore { .. }
        | Operation::Purge { .. } => Some(Does::Writes),
        Operation::Update {
            target: Target::Filtered,
            ..
        }
        | Operation::Replace {
            target: Target::Filtered,
            ..
        }
        | Operation::Delete {
            target: Target::Filtered,
        }
        | Operation::List
        | Operation::Insert { .. }
        | Operation::Call(_) => None,
    }
}

/// Refuses conditions where nothing could decide them: on requests that are not about one record by its path, and on
/// objects without versions. They are never passed over, since a client that sends one relies on it. Refuses a merge that
/// nothing could do too, where that is to be told.
pub(in crate::records) fn check<'m>(
    request: &Request<'_>,
    operation: Operation<'_>,
    object: impl Fn() -> Result<&'m Object, RecordError>,
) -> Result<(), RecordError> {
    check_merge(request, operation, &object)?;
    if request.conditions.is_empty() {
        return Ok(());
    }
    let does = named(&operation).ok_or(RecordError::MisplacedCondition)?;
    let object = object()?;
    // What is behind a view cannot be held while it is decided.
    if object.version().is_none() || does != Does::Reads && object.kind.is_view() {
        return Err(RecordError::NoVersion {
            object: object.name.clone(),
        });
    }
    Ok(())
}

/// Changes are merged by `PATCH`, where it is known which fields have changed since a version.
fn check_merge<'m>(
    request: &Request<'_>,
    operation: Operation<'_>,
    object: impl Fn() -> Result<&'m Object, RecordError>,
) -> Result<(), RecordError> {
    if request.preferences.merge.is_none() {
        return Ok(());
    }
    let merges = match operation {
        // Nothing is written that could be merged.
        Operation::List | Operation::Get { .. } | Operation::Call(CallBy::Get) => true,
        Operation::Update { .. } => object()?.tracks_fields && request.conditions.if_none_match.is_none(),
        Operation::Insert { .. }
        | Operation::Replace { .. }
        | Operation::Delete { .. }
        | Operation::Restore { .. }
        | Operation::Purge { .. }
        | Operation::Call(CallBy::Post(_)) => false,
    };
    if merges {
        return Ok(());
    }
    request.preferences.refuse_if_strict("merge=disjoint")
}

impl<'m> Held<'m> {
    /// The state that a write asks for of the record that this filter finds, if it asks for any.
    pub(super) fn by(object: &'m Object, filter: &Filter<Subject<'m>>, asked: &Asked<'m>) -> Option<Self> {
        let states = States::of(asked.request.conditions)?;
        Self::new(object, filter, states, Absent::Unheeded)
    }

    /// The same of a write that adds the record if there is none.
    pub(super) fn by_put(
        object: &'m Object,
        filter: &Filter<Subject<'m>>,
        asked: &Asked<'m>,
    ) -> Option<Self> {
        let must_be_there = asked.request.conditions.if_match.is_some();
        let states = States::of(asked.request.conditions);
        let states = states.or_else(|| must_be_there.then(|| States::AllBut(Vec::new())))?;
        let absent = if must_be_there {
            Absent::Fails
        } else {
            Absent::Added
        };
        Self::new(object, filter, states, absent)
    }

    fn new(object: &'m Object, filter: &Filter<Subject<'m>>, states: States, absent: Absent) -> Option<Self> {
        Some(Self {
            object,
            version: object.version()?,
            filter: filter.clone(),
            states,
            absent,
        })
    }

    /// Nothing but a new record is good, so that one which is there need not be looked at.
    pub(in crate::records) fn must_be_new(&self) -> bool {
        self.absent == Absent::Added && self.states == States::None
    }

    /// The change may be merged with what others have changed.
    pub(in crate::records) fn merges(&self) -> bool {
        matches!(self.states, States::Merged(..))
    }

    /// Lets a change of these fields through that others have not changed since (`Prefer: merge=disjoint`). Of several
    /// versions that the client may know, the oldest counts.
    ///
    /// # Errors
    /// The caller may not read: which fields others have changed is not for it.
    pub(super) fn merge(&mut self, fields: &[&Field], asked: &Asked<'_>) -> Result<(), RecordError> {
        let States::Versions(versions) = &mut self.states else {
            return Ok(());
        };
        let (Some(oldest), Some(Merge::Disjoint)) =
            (versions.iter().copied().min(), asked.request.preferences.merge)
        else {
            return Ok(());
        };
        // A later version may be one that is not to be met.
        if self.object.tracks_fields && asked.request.conditions.if_none_match.is_none() {
            may_read(self.object, asked, true)?;
            let since = Since {
                version: oldest,
                fields: fields.iter().map(|field| field.name.clone()).collect(),
            };
            self.states = States::Merged(std::mem::take(versions), since);
        }
        Ok(())
    }
}

impl States {
    /// The states of a record that is there which these conditions want; nothing, when every one is good.
    fn of(conditions: &Conditions) -> Option<Self> {
        let wanted = match &conditions.if_match {
            Some(Tags::Listed(tags)) => Some(tags.iter().filter_map(Tag::strong_version)),
            Some(Tags::Any) | None => None,
        };
        let unwanted: Option<Vec<i64>> = match &conditions.if_none_match {
            Some(Tags::Any) => return Some(Self::None),
            Some(Tags::Listed(tags)) => Some(tags.iter().filter_map(Tag::weak_version).collect()),
            None => None,
        };
        match (wanted, unwanted) {
            (None, None) => None,
            (None, Some(unwanted)) => Some(Self::AllBut(unwanted)),
            (Some(wanted), unwanted) => {
                let unwanted = unwanted.unwrap_or_default();
                Some(Self::Versions(
                    wanted.filter(|version| !unwanted.contains(version)).collect(),
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_conditions_come_to_one_set_of_states() {
        let states = |if_match, if_none_match| {
            States::of(&Conditions::parse(if_match, if_none_match).expect("they can be read"))
        };
        let (all_but, versions) = (States::AllBut, States::Versions);
        for (if_match, if_none_match, expected) in [
            (None, None, None),
            (Some("*"), None, None),
            (Some("\"7\", W/\"8\", \"x\""), None, Some(versions(vec![7]))),
            (Some("\"x\""), None, Some(versions(vec![]))),
            (None, Some("*"), Some(States::None)),
            (Some("\"7\""), Some("*"), Some(States::None)),
            (None, Some("\"7\", W/\"8\""), Some(all_but(vec![7, 8]))),
            (Some("*"), Some("\"7\""), Some(all_but(vec![7]))),
            (
                Some("\"7\", \"8\""),
                Some("W/\"8\", \"9\""),
                Some(versions(vec![7])),
            ),
        ] {
            assert_eq!(
                states(if_match, if_none_match),
                expected,
                "{if_match:?} {if_none_match:?}"
            );
        }
    }
}
