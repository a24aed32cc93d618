//! `deleted=exclude|include|only`: which records a request finds where the removed ones are kept.

use super::filter::Subject;
use crate::records::ast::{Deleted, Filter};
use crate::records::model::Object;
use crate::records::plan::filter::{is_deleted, not_deleted};

/// The condition that a word stands for.
pub(super) fn condition(object: &Object, deleted: Deleted) -> Option<Filter<Subject<'_>>> {
    match deleted {
        Deleted::Exclude => not_deleted(object),
        Deleted::Include => None,
        Deleted::Only => is_deleted(object),
    }
}
