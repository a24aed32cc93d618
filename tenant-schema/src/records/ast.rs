//! What a request says, before its names are known to exist.

/// A boolean tree of tests on columns.
///
/// `C` is how a column is named: by its text as parsed, by its [`Field`](super::model::Field) once planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter<C> {
    /// All parts hold; an empty list always holds.
    All(Vec<Filter<C>>),
    /// At least one part holds.
    Any(Vec<Filter<C>>),
    /// The part does not hold (three-valued: unknown stays unknown).
    Not(Box<Filter<C>>),
    /// One column, one test.
    Test(C, Test),
}

impl<C> Filter<C> {
    /// Puts something else in the place of every column, or fails with the first column that cannot be.
    pub fn resolve<D, E>(self, column: &mut dyn FnMut(C) -> Result<D, E>) -> Result<Filter<D>, E> {
        Ok(match self {
            Self::All(parts) => Filter::All(Self::resolve_each(parts, column)?),
            Self::Any(parts) => Filter::Any(Self::resolve_each(parts, column)?),
            Self::Not(part) => Filter::Not(Box::new(part.resolve(column)?)),
            Self::Test(name, test) => Filter::Test(column(name)?, test),
        })
    }

    fn resolve_each<D, E>(
        parts: Vec<Self>,
        column: &mut dyn FnMut(C) -> Result<D, E>,
    ) -> Result<Vec<Filter<D>>, E> {
        parts.into_iter().map(|part| part.resolve(column)).collect()
    }

    /// Some test in the tree is about a column that suits.
    pub fn mentions(&self, suits: &dyn Fn(&C) -> bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.mentions(suits)),
            Self::Not(part) => part.mentions(suits),
            Self::Test(column, _) => suits(column),
        }
    }

    /// The tests in the tree, from left to right.
    pub fn tests(&self) -> Vec<&Test> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::tests).collect(),
            Self::Not(part) => part.tests(),
            Self::Test(_, test) => vec![test],
        }
    }

    /// Holds for every row, because it says nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::All(parts) if parts.is_empty())
    }
}

/// What is asked of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// `eq`, `gt`, … against one value.
    Compare(Comparison, String),
    /// `is.…`
    Is(Is),
    /// `in.(…)`
    In(Vec<String>),
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `eq`, `=`
    Equal,
    /// `neq`, `<>`
    NotEqual,
    /// `gt`, `>`
    Greater,
    /// `gte`, `>=`
    GreaterOrEqual,
    /// `lt`, `<`
    Less,
    /// `lte`, `<=`
    LessOrEqual,
}

/// The right side of `is`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// `is.null`
    Null,
    /// `is.not_null`
    NotNull,
    /// `is.true`
    True,
    /// `is.false`
    False,
    /// `is.unknown`
    Unknown,
}

/// One item of `select`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectItem {
    /// `*`
    Star,
    /// `column` or `alias:column`.
    Column {
        /// The column's name.
        name: String,
        /// The key in the answer, when it is not the name.
        alias: Option<String>,
    },
}

/// One item of `order`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderTerm<C> {
    /// The column to sort by.
    pub column: C,
    /// `asc` (what nothing means too) or `desc`.
    pub direction: Direction,
    /// Where NULLs go, when it is said; else PostgreSQL's rule: last ascending, first descending.
    pub nulls: Option<Nulls>,
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

/// Everything a query string may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryString {
    /// `select`; empty when it is absent, which means [`SelectItem::Star`].
    pub select: Vec<SelectItem>,
    /// All filters, joined by "and".
    pub filter: Filter<String>,
    /// `order`
    pub order: Vec<OrderTerm<String>>,
    /// `limit`, in rows.
    pub limit: Option<u64>,
    /// `offset`, in rows; fits PostgreSQL's `bigint`.
    pub offset: Option<u64>,
}
