//! Removing for good what is in the bin.

use super::Answering;
use super::restore::of_the_bin;
use crate::records::error::RecordError;
use crate::records::model::{Field, Object};
use crate::records::parse::Verb;
use crate::records::plan::Asked;

/// Removes a record that was removed before, for good.
pub struct Purge<'m> {
    pub(in crate::records) object: &'m Object,
    /// The record, by its key.
    pub(in crate::records) key: &'m Field,
    pub(in crate::records) id: String,
    pub(in crate::records) answer: Answering<'m>,
}

/// Plans purging a record. PostgreSQL's foreign keys decide what goes with it, and what holds it back.
pub fn purge<'m>(object: &'m Object, id: &str, asked: &Asked<'m>) -> Result<Purge<'m>, RecordError> {
    let (key, mut answer) = of_the_bin(object, id, asked, object.writable.delete, Verb::Purge)?;
    // What is gone has no version.
    answer.version = None;
    Ok(Purge {
        object,
        key,
        id: id.to_owned(),
        answer,
    })
}
