//! Rows as texts.

use std::io;
use std::ops::Range;

use bytes::Bytes;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::message::backend::DataRowBody;

/// A row whose values are texts, in the form of each type's output function. The texts share one buffer and are not
/// copied.
#[derive(Debug, Clone)]
pub struct TextRow {
    buffer: Bytes,
    columns: Vec<Option<Range<usize>>>,
}

impl TextRow {
    pub(super) fn of(row: &DataRowBody) -> io::Result<Self> {
        Ok(Self {
            columns: row.ranges().collect()?,
            buffer: row.buffer_bytes().clone(),
        })
    }

    /// The bytes of a column, counted from zero: `None` for NULL and for a column that the row does not have.
    pub fn bytes(&self, column: usize) -> Option<Bytes> {
        let range = self.columns.get(column)?.clone()?;
        Some(self.buffer.slice(range))
    }

    /// The text of a column: `None` where [`TextRow::bytes`] is, and for what is not UTF-8 (the connection asks for
    /// UTF-8, so there is no such text).
    pub fn text(&self, column: usize) -> Option<&str> {
        let range = self.columns.get(column)?.clone()?;
        std::str::from_utf8(&self.buffer[range]).ok()
    }
}
