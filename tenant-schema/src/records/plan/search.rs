//! Words that a person searches for.

use super::filter::{Spot, Subject};
use super::order::SortBy;
use crate::records::ast::{Direction, Filter, Is, OrderTerm, Test};
use crate::records::error::RecordError;
use crate::records::limits::Limits;
use crate::records::model::{Object, TextSearch};

/// Words, and where they are searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words<'m> {
    /// The columns that have them.
    pub(in crate::records) within: &'m TextSearch,
    /// All of them, as they were typed.
    pub(in crate::records) text: String,
    /// Each of them, what has no letter and no digit left out. A record has every one.
    pub(in crate::records) each: Vec<String>,
}

impl<'m> Words<'m> {
    /// What `q` says. Nothing but spaces says nothing, as a search field does that is empty.
    pub(super) fn find(object: &'m Object, text: &str, limits: Limits) -> Result<Option<Self>, RecordError> {
        let within = &object.search;
        if !within.is_possible() {
            return Err(RecordError::NotSearchable {
                object: object.name.clone(),
            });
        }
        if text.contains('\0') {
            return Err(RecordError::NulCharacter {
                place: "q".to_owned(),
            });
        }
        let each: Vec<String> = text
            .split_whitespace()
            .filter(|word| word.chars().any(char::is_alphanumeric))
            .map(str::to_owned)
            .collect();
        limits.check_search(text, each.len())?;
        let text = text.trim();
        Ok((!text.is_empty()).then(|| Self {
            within,
            text: text.to_owned(),
            each,
        }))
    }

    /// The condition that a record has them.
    pub(super) fn condition(&self) -> Filter<Subject<'m>> {
        Filter::Test(Subject::Words(self.clone()), Test::Is(Is::True))
    }

    /// The order of the records that have them: those first that fit best, then by key.
    pub(super) fn by_relevance(self, object: &'m Object) -> Vec<OrderTerm<SortBy<'m>>> {
        let first = OrderTerm {
            key: SortBy::Relevance(self),
            direction: Direction::Descending,
            nulls: None,
        };
        let key = object.key_fields().into_iter().map(|field| OrderTerm {
            key: SortBy::Own(Spot::whole(field)),
            direction: Direction::Ascending,
            nulls: None,
        });
        std::iter::once(first).chain(key).collect()
    }
}
