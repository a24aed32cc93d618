//! `deleted=exclude|include|only`: which records a request finds where the removed ones are kept.

use super::filter::Subject;
use crate::records::ast::{Deleted, Filter, SelectItem};
use crate::records::error::RecordError;
use crate::records::model::Object;
use crate::records::parse::Parameters;
use crate::records::plan::filter::{is_deleted, not_deleted};

/// The parameter's name. A column or an embedded object of this name is filtered by as ever, and the parameter is then
/// not to be had.
pub(super) const DELETED: &str = "deleted";

/// Takes the parameter out of those that were given, where it is ours.
pub(super) fn take(
    object: &Object,
    select: &[SelectItem],
    parameters: &mut Parameters,
) -> Result<Option<Deleted>, RecordError> {
    let is_embed = |item: &SelectItem| matches!(item, SelectItem::Embed(embed) if embed.name() == DELETED);
    if object.readable(DELETED).is_some() || select.iter().any(is_embed) {
        return Ok(None);
    }
    let mut taken = None;
    for (_, word) in parameters.iter().filter(|(name, _)| name == DELETED) {
        let deleted = match self::word(word) {
            Some(deleted) => deleted,
            // As any parameter that is the name of no column.
            None if !object.soft_delete => return Ok(None),
            None => {
                let details = "exclude, include or only is expected";
                return Err(RecordError::syntax(DELETED, word, details));
            }
        };
        if !object.soft_delete {
            return Err(RecordError::NoBin {
                object: object.name.clone(),
            });
        }
        if taken.replace(deleted).is_some() {
            let details = "the parameter is given more than once";
            return Err(RecordError::syntax(DELETED, "", details));
        }
    }
    parameters.retain(|(name, _)| taken.is_none() || name != DELETED);
    Ok(taken)
}

/// What a word means.
pub(super) fn word(word: &str) -> Option<Deleted> {
    match word {
        "exclude" => Some(Deleted::Exclude),
        "include" => Some(Deleted::Include),
        "only" => Some(Deleted::Only),
        _ => None,
    }
}

/// Refuses the parameter where a request is about records that are live, or about one that is not.
pub(super) fn refuse(said: Option<Deleted>, action: &'static str) -> Result<(), RecordError> {
    match said {
        None => Ok(()),
        Some(_) => Err(RecordError::MisplacedParameter {
            parameter: DELETED.to_owned(),
            action,
        }),
    }
}

/// The condition that a word stands for.
pub(super) fn condition(object: &Object, deleted: Deleted) -> Option<Filter<Subject<'_>>> {
    match deleted {
        Deleted::Exclude => not_deleted(object),
        Deleted::Include => None,
        Deleted::Only => is_deleted(object),
    }
}
