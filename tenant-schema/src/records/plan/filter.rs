//! The conditions of a request, on fields that exist, and those that nobody asks for.

use crate::records::ast::{Comparison, Filter, Is, Test};
use crate::records::error::{self, RecordError};
use crate::records::model::{Field, Object};
use crate::records::nearest::nearest;

pub(super) fn unknown_column(object: &Object, name: &str, besides: &[&str]) -> RecordError {
    let names = object
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .chain(besides.iter().copied());
    RecordError::UnknownColumn {
        object: object.name.clone(),
        column: error::shorten(name),
        nearest: nearest(name, names).map(str::to_owned),
    }
}

// Takes the name by value because the tree gives it up.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that Filter::resolve asks for"
)]
pub(super) fn column(object: &Object, name: String) -> Result<&Field, RecordError> {
    object
        .field(&name)
        .ok_or_else(|| unknown_column(object, &name, &[]))
}

/// The filter that finds what the request may see: its own conditions, the key, and not what is deleted, unless
/// the request asks about `deleted_at` itself.
pub(super) fn visible<'m>(
    object: &'m Object,
    id: Option<&str>,
    said: Filter<String>,
) -> Result<Filter<&'m Field>, RecordError> {
    let asks_for_deleted = said.mentions(&|name| name == "deleted_at");
    let mut parts = Vec::new();
    if let Some(id) = id {
        let key = object.key().ok_or_else(|| RecordError::NoKey {
            object: object.name.clone(),
        })?;
        parts.push(Filter::Test(key, Test::Compare(Comparison::Equal, id.to_owned())));
    }
    match said.resolve(&mut |name| column(object, name))? {
        Filter::All(said) => parts.extend(said),
        other => parts.push(other),
    }
    if object.soft_delete && !asks_for_deleted {
        parts.extend(
            object
                .field("deleted_at")
                .map(|field| Filter::Test(field, Test::Is(Is::Null))),
        );
    }
    Ok(Filter::All(parts))
}
