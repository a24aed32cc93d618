//! What a request says, before its names are known to exist.

pub mod filter;
mod order;
mod select;

pub use filter::{Comparison, Filter, Is, Operator, Quantifier, Search, Test};
pub use order::{Direction, Nulls, OrderTerm, SortKey};
pub use select::{Aggregate, AggregateFunction, EmbedItem, SelectItem};

/// A column, or a place inside the JSON that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The column's name.
    pub name: String,
    /// The way into its JSON, from the outside in; empty for the column itself.
    pub path: Vec<Step>,
}

impl Column {
    /// The column as a whole.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: Vec::new(),
        }
    }
}

/// One step into JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What the step gives.
    pub arrow: Arrow,
    /// Where it goes.
    pub to: Place,
}

/// What a step into JSON gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrow {
    /// `->`: JSON.
    Json,
    /// `->>`: text, so that no step can follow.
    Text,
}

/// Where a step into JSON goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// To the value of a key.
    Key(String),
    /// To an element of an array; a negative one counts from the end.
    Index(i32),
}

/// Everything a query string may say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryString {
    /// `select`; empty when it is absent, which means [`SelectItem::Star`].
    pub select: Vec<SelectItem>,
    /// What is said of the object itself.
    pub root: Level,
    /// What is said of embedded objects, by the way to them, each way once.
    pub embedded: Vec<(Vec<String>, Level)>,
    /// `deleted`, where it is no column's name.
    pub deleted: Option<Deleted>,
    /// `cursor`: where the page before ended, or nothing but the wish for pages by cursor.
    pub cursor: Option<String>,
    /// `q`: what to search for, in the words of a person.
    pub search: Option<String>,
    /// `columns`: the columns to take from a body.
    pub columns: Option<Vec<String>>,
    /// `on_conflict`: the columns of the key by which a record is known.
    pub on_conflict: Option<Vec<String>>,
}

/// Which of an object's records are meant, when those that were removed are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// `exclude`: those that are live.
    Exclude,
    /// `include`: all of them.
    Include,
    /// `only`: those that were removed.
    Only,
}

impl Deleted {
    /// All of them, with their words.
    pub const ALL: [(&str, Self); 3] = [
        ("exclude", Self::Exclude),
        ("include", Self::Include),
        ("only", Self::Only),
    ];

    /// What a word means.
    pub fn of(word: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find_map(|(known, deleted)| (known == word).then_some(deleted))
    }
}

impl QueryString {
    /// The level at the end of a way, empty when nothing was said of it yet.
    pub fn level(&mut self, path: &[String]) -> &mut Level {
        if path.is_empty() {
            return &mut self.root;
        }
        let known = self.embedded.iter().position(|(known, _)| known == path);
        let index = known.unwrap_or_else(|| {
            self.embedded.push((path.to_vec(), Level::default()));
            self.embedded.len() - 1
        });
        &mut self.embedded[index].1
    }

    /// The object's level and those of everything embedded.
    pub fn levels(&self) -> impl Iterator<Item = &Level> {
        std::iter::once(&self.root).chain(self.embedded.iter().map(|(_, level)| level))
    }
}

/// Which records of one object are wanted, and in what order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Level {
    /// All filters, joined by "and".
    pub filter: Filter<Column>,
    /// `order`
    pub order: Vec<OrderTerm<SortKey>>,
    /// `limit`, in rows.
    pub limit: Option<u64>,
    /// `offset`, in rows; fits PostgreSQL's `bigint`.
    pub offset: Option<u64>,
}
