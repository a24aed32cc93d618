//! What records are sorted by.

use super::filter::Spot;
use super::search::Words;
use super::select::Selection;
use crate::records::ast::{OrderTerm, SortKey};
use crate::records::error::{EmbedError, RecordError, shorten};

/// What records are sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SortBy<'m> {
    /// A value of their own.
    Own(Spot<'m>),
    /// A value of the one record that they embed, by its place among the embedded objects.
    Related(usize, Spot<'m>),
    /// A column of the answer, counted from one: all that groups of records can be sorted by.
    Shown(usize),
    /// How well the records fit what was searched for.
    Relevance(Words<'m>),
}

/// Resolves the terms of an order for the records of a selection.
pub(super) fn order<'m>(
    selection: &Selection<'m>,
    terms: Vec<OrderTerm<SortKey>>,
) -> Result<Vec<OrderTerm<SortBy<'m>>>, RecordError> {
    let is_grouped = selection.aggregates();
    let terms = terms.into_iter().map(|term| {
        let key = if is_grouped {
            shown(selection, &term.key)?
        } else {
            sort_by(selection, term.key)?
        };
        Ok(OrderTerm {
            key,
            direction: term.direction,
            nulls: term.nulls,
        })
    });
    terms.collect()
}

fn sort_by<'m>(selection: &Selection<'m>, key: SortKey) -> Result<SortBy<'m>, RecordError> {
    let Some(name) = &key.embed else {
        return Spot::find(selection.object, key.column).map(SortBy::Own);
    };
    let index = embedded(selection, name)?;
    let embed = &selection.embeds[index];
    if !embed.is_to_one() {
        return Err(EmbedError::OrderByMany {
            object: selection.object.name.clone(),
            name: name.clone(),
        }
        .into());
    }
    let spot = Spot::find(embed.node.selection.object, key.column)?;
    Ok(SortBy::Related(index, spot))
}

fn embedded(selection: &Selection<'_>, name: &str) -> Result<usize, RecordError> {
    let by_name = selection.embeds.iter().position(|embed| embed.name == name);
    by_name.ok_or_else(|| EmbedError::NotEmbedded { name: shorten(name) }.into())
}

/// The column of the answer that has this label, or shows this value.
fn shown<'m>(selection: &Selection<'m>, key: &SortKey) -> Result<SortBy<'m>, RecordError> {
    let within = key
        .embed
        .as_ref()
        .map(|name| embedded(selection, name))
        .transpose()?;
    let label = key.column.path.is_empty().then(|| key.column.name.clone());
    let columns = selection.shown();
    let by_value = |shown: &super::Shown<'_, 'm>| {
        shown.aggregate.is_none()
            && selection
                .spot(&shown.origin, within)
                .is_some_and(|spot| spot.field.name == key.column.name && spot.path == key.column.path)
    };
    let by_label = |shown: &super::Shown<'_, 'm>| {
        Some(shown.label) == label.as_deref() && shown.origin.embed() == within
    };
    let found = columns
        .iter()
        .position(by_value)
        .or_else(|| columns.iter().position(by_label));
    found.map(|index| SortBy::Shown(index + 1)).ok_or_else(|| {
        let details = "groups of records can be sorted by what select shows of them only";
        RecordError::syntax("order", &key.column.name, details)
    })
}
