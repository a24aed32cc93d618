//! What a statement checks of its own outcome, so that a write which must not be is undone in the same flight.
//!
//! A statement whose outcome fails a check asks for a setting whose name says so. PostgreSQL knows none of that name, the
//! transaction ends, and [`RecordError::from_database`](super::RecordError::from_database) finds the check by the words in
//! the message.
//!
//! No value of a client's can say the same. Values are read by the input functions of types, which refuse them in
//! other ways ([`UNKNOWN`] is not among those), and none is ever the name of a setting. What else has this SQLSTATE is an
//! object that the statement names, such as a text search configuration, and its message goes on behind the name.

use super::error::RecordError;
use super::limits::{Exceeded, TOO_LARGE};

/// `undefined_object`: the SQLSTATE of a failed check.
pub(super) const UNKNOWN: &str = "42704";

/// One check of a statement's outcome. They are made in the order in which they stand here, and the first that fails is
/// told: what explains why nothing was written comes before what only counts that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Guard {
    /// `PUT` writes the one record that the URL names. A key that differs is not called a state or a duplicate.
    Put,
    /// No record that was restored belongs to one that stays deleted.
    Owner,
    /// The record is in the state that the request's conditions want. What is asked is in
    /// [`Held`](super::plan::Held).
    State,
    /// If nothing was restored or purged, the record is not there: it is not live.
    Deleted,
    /// As many records are written as were sent: none of them is hidden.
    Hidden(usize),
    /// At most so many records are written (`limit`).
    Limit(u64),
    /// At most so many records are written (`Prefer: max-affected`).
    MaxAffected(u64),
    /// Exactly one record is written (`application/vnd.pgrst.object+json`).
    Singular,
    /// The answer has at most so many bytes.
    Size(u64),
    /// An answer that is kept for an idempotency key has at most so many bytes.
    Kept(u64),
}

impl Guard {
    /// The words by which a failed check is known.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Put => "records were put at a key",
            Self::Hidden(_) => "records are not hidden by deleted ones",
            Self::Limit(_) => "records are more than the limit",
            Self::MaxAffected(_) => "records are more than max-affected",
            Self::Singular => "records are not one record",
            Self::Owner => "is the number of an owner that is deleted",
            Self::Deleted => "records are not deleted",
            Self::Size(_) => TOO_LARGE,
            Self::State => "is the version of the record now",
            Self::Kept(_) => "bytes are too many to be kept",
        }
    }

    /// Which of the checks failed, from PostgreSQL's message, with the number that stands before its words and the
    /// names behind them.
    pub(super) fn failed(guards: &[Self], message: &str) -> Option<(Self, u64, Vec<String>)> {
        guards.iter().find_map(|guard| {
            let (number, names) = told(guard.words(), message)?;
            Some((*guard, number, names))
        })
    }

    /// The answer is too long for a statement that makes no other checks.
    pub(super) fn is_too_large(message: &str) -> bool {
        told(TOO_LARGE, message).is_some()
    }

    /// The error of this check when it failed with `count` records written.
    pub(super) fn error(self, count: u64, object: &str) -> RecordError {
        match self {
            Self::Put => RecordError::PutMismatch,
            Self::Hidden(_) => RecordError::HiddenDuplicate {
                object: object.to_owned(),
            },
            Self::Limit(allowed) => RecordError::LimitSurpassed { count, allowed },
            Self::MaxAffected(_) => RecordError::TooManyAffected { count },
            Self::Singular => RecordError::NotSingular { count },
            Self::Owner => RecordError::ParentDeleted {
                object: object.to_owned(),
                parent: None,
            },
            Self::Deleted => RecordError::NotDeleted {
                object: object.to_owned(),
            },
            Self::Size(_) => Exceeded::Answer.into(),
            Self::State => RecordError::Outdated {
                object: object.to_owned(),
                version: Some(count).filter(|version| *version > 0),
                changed: Vec::new(),
            },
            Self::Kept(allowed) => Exceeded::Kept { allowed }.into(),
        }
    }
}

/// Takes `… "14 words"` or `… "14 words ["a", "b"]"` apart: the name of the setting stands between quotes of the server's
/// language at the end of the message.
fn told(words: &str, message: &str) -> Option<(u64, Vec<String>)> {
    let (before, after) = message.split_once(words)?;
    let before = before.strip_suffix(' ')?;
    let digits = before.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = before[digits.len()..].parse().ok()?;
    let is_quoted = digits.ends_with(|c: char| !c.is_alphanumeric());
    let names = after.trim_end_matches(|c: char| !c.is_alphanumeric() && c != ']');
    // One quote, before which French and others leave room.
    let is_end = after[names.len()..].trim().chars().count() == 1;
    let names = match names.trim() {
        "" => Vec::new(),
        list => serde_json::from_str(list).ok()?,
    };
    (is_quoted && is_end).then_some((number, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_found_by_its_words() {
        let guards = [
            Guard::Put,
            Guard::Hidden(3),
            Guard::Limit(3),
            Guard::MaxAffected(3),
            Guard::Singular,
            Guard::Owner,
            Guard::Deleted,
            Guard::Size(3),
            Guard::State,
            Guard::Kept(3),
        ];
        for guard in guards {
            for (begin, end) in [("\"", "\""), ("»", "«"), ("« ", " »")] {
                let message = format!("unrecognized parameter {begin}14 {}{end}", guard.words());
                assert_eq!(Guard::failed(&guards, &message), Some((guard, 14, Vec::new())));
                assert_eq!(Guard::failed(&[], &message), None);
            }
        }
        let state = Guard::State.words();
        let message = format!("unrecognized parameter \"3 {state} [\"a\", \"b \\\"]\"]\"");
        let names = vec!["a".to_owned(), "b \"]".to_owned()];
        assert_eq!(Guard::failed(&guards, &message), Some((Guard::State, 3, names)));
        assert!(Guard::is_too_large(
            "unrecognized parameter \"9 bytes are too many for one answer\""
        ));
    }

    #[test]
    fn what_only_looks_like_a_check_is_none() {
        let singular = Guard::Singular.words();
        for message in [
            "unrecognized parameter \"14\"".to_owned(),
            format!("unrecognized parameter \"{singular}\""),
            format!("unrecognized parameter \"x14 {singular}\""),
            format!("unrecognized parameter \"14 {singular} or so\""),
            format!("text search configuration \"14 {singular}\" does not exist"),
        ] {
            assert_eq!(Guard::failed(&[Guard::Singular], &message), None, "{message}");
        }
    }
}
