//! What a statement checks of its own outcome, so that a write which must not be is undone in the same flight.
//!
//! A statement whose outcome fails a check casts a text that says so to `bigint`. PostgreSQL refuses that, the
//! transaction ends, and [`RecordError::from_database`](super::RecordError::from_database) finds the check by its
//! words in the message.

use super::error::RecordError;
use super::limits::{Exceeded, TOO_LARGE};

/// One check of a statement's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// `PUT` writes the one record that the URL names.
    Put,
    /// As many records are written as were sent: none of them is hidden.
    Hidden(usize),
    /// At most so many records are written (`limit`).
    Limit(u64),
    /// At most so many records are written (`Prefer: max-affected`).
    MaxAffected(u64),
    /// Exactly one record is written (`application/vnd.pgrst.object+json`).
    Singular,
    /// No record that was restored belongs to one that stays deleted.
    Owner,
    /// If nothing was restored or purged, the record is not there: it is not live.
    Deleted,
    /// The answer has at most so many bytes.
    Size(u64),
    /// The record is in the state that the request's conditions want.
    State,
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

    /// Which of the checks failed, from PostgreSQL's message, with the number that stands before its words.
    pub(super) fn failed(guards: &[Self], message: &str) -> Option<(Self, u64)> {
        guards.iter().find_map(|guard| {
            let (before, _) = message.split_once(guard.words())?;
            let number = before.trim_end().rsplit(|c: char| !c.is_ascii_digit()).next();
            Some((*guard, number?.parse().ok()?))
        })
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
            let message = format!("invalid input syntax for type bigint: \"14 {}\"", guard.words());
            assert_eq!(Guard::failed(&guards, &message), Some((guard, 14)));
            assert_eq!(Guard::failed(&[], &message), None);
        }
        let message = "invalid input syntax for type bigint: \"14\"";
        assert_eq!(Guard::failed(&guards, message), None);
    }
}
