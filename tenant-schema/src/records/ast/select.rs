//! What an answer is to hold.

use super::Column;

/// One item of `select`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectItem {
    /// `*`
    Star,
    /// `alias:column::cast.function()::cast`, everything but the column optional.
    Column {
        /// The column.
        column: Column,
        /// The key in the answer, when it is not what the column says.
        alias: Option<String>,
        /// The type to turn the value into, in the request's words.
        cast: Option<String>,
        /// What to make of the values of many records.
        aggregate: Option<Aggregate>,
    },
    /// `alias:count()::cast`: how many records.
    Count {
        /// The key in the answer, when it is not `count`.
        alias: Option<String>,
        /// The type to turn the number into, in the request's words.
        cast: Option<String>,
    },
    /// `alias:relation!hint!inner(…)`
    Embed(EmbedItem),
}

/// A function over the values of many records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// The function.
    pub function: AggregateFunction,
    /// The type to turn its result into, in the request's words.
    pub cast: Option<String>,
}

/// The functions there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AggregateFunction {
    /// The mean.
    Avg,
    /// How many are not NULL.
    Count,
    /// The greatest.
    Max,
    /// The smallest.
    Min,
    /// The sum.
    Sum,
}

impl AggregateFunction {
    /// The name, the same in the dialect and in SQL.
    pub const ALL: [(&str, Self); 5] = [
        ("avg", Self::Avg),
        ("count", Self::Count),
        ("max", Self::Max),
        ("min", Self::Min),
        ("sum", Self::Sum),
    ];

    /// The name, the same in the dialect and in SQL.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Count => "count",
            Self::Max => "max",
            Self::Min => "min",
            Self::Sum => "sum",
        }
    }
}

/// Related records inside a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbedItem {
    /// The related object; or a constraint, column or function that leads to it.
    pub relation: String,
    /// The key in the answer, when it is not the relation.
    pub alias: Option<String>,
    /// A constraint, column or junction that tells relationships apart.
    pub hint: Option<String>,
    /// `!inner`: records without a related one are left out.
    pub inner: bool,
    /// `...`: the related record's columns stand in the record itself.
    pub spread: bool,
    /// What the related records are to hold; nothing hides them.
    pub select: Vec<SelectItem>,
}

impl EmbedItem {
    /// What the rest of the request calls it.
    pub fn name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.relation)
    }
}
