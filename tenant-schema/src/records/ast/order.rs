//! Sorting.

use super::Column;

/// One item of `order`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderTerm<K> {
    /// What to sort by.
    pub key: K,
    /// `asc` (what nothing means too) or `desc`.
    pub direction: Direction,
    /// Where NULLs go, when it is said; else PostgreSQL's rule: last ascending, first descending.
    pub nulls: Option<Nulls>,
}

/// What to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// The embedded object whose column it is, when it is not the object's own.
    pub embed: Option<String>,
    /// The column.
    pub column: Column,
}

/// A sort direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Small first.
    Ascending,
    /// Great first.
    Descending,
}

/// The place of NULLs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// `nullsfirst`
    First,
    /// `nullslast`
    Last,
}
