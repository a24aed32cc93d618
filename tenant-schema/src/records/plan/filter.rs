//! The conditions of a request, on things that exist, and those that nobody asks for.

use super::deleted;
use super::embed::Embed;
use super::search::Words;
use crate::records::ast::{Column, Deleted, Filter, Is, Step, Test};
use crate::records::error::{EmbedError, RecordError, shorten};
use crate::records::model::{DELETED_AT, Field, Object};
use catalog::nearest::nearest;

/// What a condition is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject<'m> {
    /// A value of the record.
    Spot(Spot<'m>),
    /// Whether there is an embedded record, by its place among the embedded objects.
    Embed(usize),
    /// Whether words are found in the record.
    Words(Words<'m>),
}

/// A column, or a place inside its JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spot<'m> {
    /// The column.
    pub(in crate::records) field: &'m Field,
    /// The way into its JSON.
    pub(in crate::records) path: Vec<Step>,
}

impl<'m> Spot<'m> {
    /// The column as a whole.
    pub(in crate::records) fn whole(field: &'m Field) -> Self {
        let path = Vec::new();
        Self { field, path }
    }

    /// Finds a column that can be read.
    pub(super) fn find(object: &'m Object, column: Column) -> Result<Self, RecordError> {
        let field = object
            .readable(&column.name)
            .ok_or_else(|| unknown_column(object, &column.name, &[]))?;
        Ok(Self {
            field,
            path: column.path,
        })
    }
}

pub(super) fn unknown_column(object: &Object, name: &str, besides: &[&str]) -> RecordError {
    let names = object
        .fields
        .iter()
        .chain(&object.computed)
        .map(|field| field.name.as_str())
        .chain(besides.iter().copied());
    RecordError::UnknownColumn {
        object: object.name.clone(),
        column: shorten(name),
        nearest: nearest(name, names).map(str::to_owned),
    }
}

/// The filter that finds what a request may see of an object: its own conditions, the key, and not what is deleted,
/// unless the request says so: by `deleted`, or else by asking about `deleted_at` itself. `embeds` are what the object's
/// records embed.
pub(super) fn visible<'m>(
    object: &'m Object,
    id: Option<&str>,
    said: Filter<Column>,
    deleted: Option<Deleted>,
    embeds: &[Embed<'m>],
) -> Result<Filter<Subject<'m>>, RecordError> {
    let mut parts = Vec::new();
    if let Some(id) = id {
        let key = object.key().ok_or_else(|| RecordError::NoKey {
            object: object.name.clone(),
        })?;
        parts.push(Filter::Test(Subject::Spot(Spot::whole(key)), Test::equal(id)));
    }
    let said = said.resolve(&mut |column, test| subject(object, embeds, column, test))?;
    let asks_for_deleted = said.mentions(&is_deletion);
    match said {
        Filter::All(said) => parts.extend(said),
        other => parts.push(other),
    }
    let unsaid = if asks_for_deleted {
        Deleted::Include
    } else {
        Deleted::Exclude
    };
    parts.extend(deleted::condition(object, deleted.unwrap_or(unsaid)));
    Ok(Filter::All(parts))
}

/// The column itself is asked about: not something embedded under its name, and nothing inside it.
fn is_deletion(subject: &Subject<'_>) -> bool {
    matches!(subject, Subject::Spot(spot) if spot.field.name == DELETED_AT && spot.path.is_empty())
}

/// The condition that hides deleted records, where an object has them.
pub(super) fn not_deleted(object: &Object) -> Option<Filter<Subject<'_>>> {
    deletion_is(object, Is::Null)
}

/// The condition that finds deleted records and no others, where an object has them.
pub(super) fn is_deleted(object: &Object) -> Option<Filter<Subject<'_>>> {
    deletion_is(object, Is::NotNull)
}

fn deletion_is(object: &Object, is: Is) -> Option<Filter<Subject<'_>>> {
    let field = object.deleted_at()?;
    Some(Filter::Test(Subject::Spot(Spot::whole(field)), Test::Is(is)))
}

/// A name means what is embedded under it if the test is one of being there, and else a column.
fn subject<'m>(
    object: &'m Object,
    embeds: &[Embed<'m>],
    column: Column,
    test: &Test,
) -> Result<Subject<'m>, RecordError> {
    let is_whole = column.path.is_empty();
    let embed = embeds
        .iter()
        .position(|embed| is_whole && embed.name == column.name);
    match (embed, test) {
        (Some(index), Test::Is(Is::Null | Is::NotNull)) => Ok(Subject::Embed(index)),
        (Some(_), _) if object.readable(&column.name).is_none() => {
            Err(EmbedError::Filter { name: column.name }.into())
        }
        _ => Spot::find(object, column).map(Subject::Spot),
    }
}
