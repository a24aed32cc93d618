//! Rows on their way into a table.

use std::ops::Range;

use serde::Serialize;

/// Many rows, written by one statement, a part at a time.
pub(super) struct Batch {
    /// A statement with one parameter of type `text`: rows as a JSON array.
    pub(super) sql: &'static str,
    rows: Box<dyn Rows>,
}

trait Rows: Send + Sync {
    fn len(&self) -> usize;
    fn json(&self, range: Range<usize>) -> String;
}

impl<T: Serialize + Send + Sync> Rows for Vec<T> {
    fn len(&self) -> usize {
        self.len()
    }

    fn json(&self, range: Range<usize>) -> String {
        serde_json::to_string(&self[range]).expect("rows of texts, numbers and dates have a JSON form")
    }
}

impl Batch {
    pub(super) fn new<T>(sql: &'static str, rows: Vec<T>) -> Self
    where
        T: Serialize + Send + Sync + 'static,
    {
        let rows = Box::new(rows);
        Self { sql, rows }
    }

    /// Values of the statement's parameter, each of so many rows.
    pub(super) fn chunks(&self, size: usize) -> impl Iterator<Item = String> {
        let len = self.rows.len();
        let starts = (0..len).step_by(size);
        starts.map(move |start| self.rows.json(start..len.min(start.saturating_add(size))))
    }
}
