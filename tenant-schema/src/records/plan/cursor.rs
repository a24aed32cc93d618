//! Pages by cursor: each begins behind the last record of the one before, wherever that stands by now.
//!
//! Records are told apart by a key, whose columns are appended to the order, so that no two records are equal in it. What
//! is inserted or removed meanwhile moves no other record from one page to another.

use super::Asked;
use super::filter::Spot;
use super::order::SortBy;
use super::select::Selection;
use crate::records::ast::{Arrow, Direction, Nulls, OrderTerm, QueryString, SelectItem};
use crate::records::cursor::{ListDigest, MOST_TEXT, Next};
use crate::records::error::{CursorError, RecordError};
use crate::records::limits::Exceeded;
use crate::records::model::{Field, Object};
use crate::records::parse;

/// Bytes of the query string of a list that is paged by cursor, without the cursor: the address of the next page is a
/// header of the answer, and clients bound those (Node.js: 16 KiB together).
const MOST_QUERY: usize = 8 * 1024;

/// How a list is paged by cursor.
pub struct Paging<'m> {
    /// What is known of each term of the order.
    pub(in crate::records) sorted: Vec<Sorted<'m>>,
    /// The sort values of the record before the page, as texts; nothing for the first page.
    pub(in crate::records) after: Option<Vec<Option<String>>>,
    /// What names the next page.
    pub(in crate::records) next: Next,
}

/// A term of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sorted<'m> {
    /// The type of its values.
    pub(in crate::records) type_name: &'m str,
    /// NULL may be among them.
    pub(in crate::records) is_nullable: bool,
}

/// What a request for a page by cursor says.
pub(super) struct Wanted {
    /// The cursor; empty for the first page.
    cursor: String,
    /// The records depend on what is selected: it is embedded objects.
    embeds: bool,
}

impl Wanted {
    /// Nothing if no page by cursor is wanted.
    pub(super) fn of(said: &mut QueryString, asked: &Asked<'_>) -> Result<Option<Self>, CursorError> {
        let Some(cursor) = said.cursor.take() else {
            return Ok(None);
        };
        if said.root.offset.is_some() || asked.request.range.is_some() {
            return Err(CursorError::WithOffset);
        }
        let is_embed = |item: &SelectItem| matches!(item, SelectItem::Embed(_));
        let embeds = said.select.iter().any(is_embed);
        Ok(Some(Self { cursor, embeds }))
    }

    /// Appends a key to the order, and reads the cursor.
    pub(super) fn plan<'m>(
        self,
        selection: &Selection<'m>,
        order: &mut Vec<OrderTerm<SortBy<'m>>>,
        asked: &Asked<'_>,
    ) -> Result<Paging<'m>, RecordError> {
        if selection.aggregates() {
            return Err(CursorError::Groups.into());
        }
        if order.iter().any(|term| matches!(term.key, SortBy::Relevance(_))) {
            return Err(CursorError::Relevance.into());
        }
        append_key(selection.object, order)?;
        let sorted: Option<Vec<_>> = order.iter().map(|term| sorted(&term.key)).collect();
        let sorted = sorted.ok_or(CursorError::Groups)?;
        let list = self.digest(selection.object, order, &sorted, asked)?;
        let next = Next::new(asked.request.cursors.clone(), list, asked.request.query);
        if next.query_bytes() > MOST_QUERY {
            return Err(Exceeded::Query { allowed: MOST_QUERY }.into());
        }
        let after = match self.cursor.as_str() {
            "" => None,
            text => Some(asked.request.cursors.read(list, text)?),
        };
        let has_others = |values: &Vec<_>| values.len() != sorted.len();
        if after.as_ref().is_some_and(has_others) {
            return Err(CursorError::Mismatch.into());
        }
        Ok(Paging { sorted, after, next })
    }

    /// What makes the list the one it is. What `select` says counts where it embeds something: that may restrict the
    /// records, and they may be sorted by it.
    fn digest(
        &self,
        object: &Object,
        order: &[OrderTerm<SortBy<'_>>],
        sorted: &[Sorted<'_>],
        asked: &Asked<'_>,
    ) -> Result<ListDigest, RecordError> {
        let mut said = parse::parameters(asked.request.query)?;
        said.retain(|(name, _)| match name.as_str() {
            "cursor" | "limit" => false,
            "select" => self.embeds,
            _ => true,
        });
        // The order in which filters stand makes no difference.
        said.sort_unstable();
        let said = said.iter().flat_map(|(name, value)| [name.as_str(), value]);
        let terms = order.iter().zip(sorted).flat_map(|(term, sorted)| {
            let direction = if is_descending(term) { "desc" } else { "asc" };
            let nulls = if nulls_come_first(term) { "first" } else { "last" };
            [column(&term.key), sorted.type_name, direction, nulls]
        });
        Ok(ListDigest::of(
            std::iter::once(object.name.as_str()).chain(terms).chain(said),
        ))
    }
}

/// The column whose value it is, or which holds it.
fn column<'m>(key: &SortBy<'m>) -> &'m str {
    match key {
        SortBy::Own(spot) | SortBy::Related(_, spot) => &spot.field.name,
        SortBy::Shown(_) | SortBy::Relevance(_) => "",
    }
}

/// The columns that tell records apart, in the direction of what stands before them: so an index on what is sorted by
/// and the key serves both directions.
fn append_key<'m>(object: &'m Object, order: &mut Vec<OrderTerm<SortBy<'m>>>) -> Result<(), CursorError> {
    let direction = order.last().map_or(Direction::Ascending, |term| term.direction);
    for field in key(object).ok_or_else(|| CursorError::NoKey {
        object: object.name.clone(),
    })? {
        let whole = SortBy::Own(Spot::whole(field));
        if !order.iter().any(|term| term.key == whole) {
            order.push(OrderTerm {
                key: whole,
                direction,
                nulls: None,
            });
        }
    }
    Ok(())
}

/// Whether the object's lists can be paged by cursor.
pub(in crate::records) fn is_pageable(object: &Object) -> bool {
    key(object).is_some()
}

/// The primary key, or else a unique key none of whose columns may be NULL. None if a column of it is hidden.
fn key(object: &Object) -> Option<Vec<&Field>> {
    let all = |columns: &[String]| -> Option<Vec<&Field>> {
        let fields: Option<Vec<_>> = columns.iter().map(|name| object.field(name)).collect();
        fields.filter(|fields| !fields.is_empty())
    };
    // Of a key that is shown in part, the rest would not tell records apart.
    all(&object.primary_key).or_else(|| {
        let mut keys = object.unique_keys.iter().filter_map(|key| all(&key.columns));
        keys.find(|fields| fields.iter().all(|field| !field.nullable))
    })
}

/// What is known of the values that records are sorted by. None if they are no values of records.
fn sorted<'m>(key: &SortBy<'m>) -> Option<Sorted<'m>> {
    let (spot, is_related) = match key {
        SortBy::Own(spot) => (spot, false),
        SortBy::Related(_, spot) => (spot, true),
        SortBy::Shown(_) | SortBy::Relevance(_) => return None,
    };
    Some(match spot.path.last() {
        None => Sorted {
            type_name: &spot.field.type_name,
            is_nullable: is_related || spot.field.nullable,
        },
        Some(step) => Sorted {
            type_name: match step.arrow {
                Arrow::Json => "jsonb",
                Arrow::Text => "text",
            },
            is_nullable: true,
        },
    })
}

/// Great values come first.
pub(in crate::records) fn is_descending<K>(term: &OrderTerm<K>) -> bool {
    term.direction == Direction::Descending
}

/// PostgreSQL's rule (documentation, section 7.5): NULL is greater than every value, unless it is said where it stands.
pub(in crate::records) fn nulls_come_first<K>(term: &OrderTerm<K>) -> bool {
    match term.nulls {
        Some(nulls) => nulls == Nulls::First,
        None => is_descending(term),
    }
}

/// A cursor fits into the address of the next page.
const _: () = assert!(MOST_QUERY + MOST_TEXT < 16 * 1024);
