//! What the query string of a write says: as for a read, and the columns to write.

use crate::records::ast::QueryString;
use crate::records::error::RecordError;
use crate::records::model::Object;
use crate::records::parse::Verb;
use crate::records::plan::Asked;
use crate::records::plan::query::read_query;

/// The query string of a write.
pub(super) struct Said {
    /// `columns=…`
    pub(super) columns: Option<Vec<String>>,
    /// `on_conflict=…`
    pub(super) on_conflict: Option<Vec<String>>,
    /// Everything that a read may say too.
    pub(super) query: QueryString,
}

/// Parses the query string of a write.
pub(super) fn read(object: &Object, asked: &Asked<'_>, verb: Verb) -> Result<Said, RecordError> {
    let mut query = read_query(object, asked.request.query, asked.context.limits, verb)?;
    Ok(Said {
        columns: query.columns.take(),
        on_conflict: query.on_conflict.take(),
        query,
    })
}
