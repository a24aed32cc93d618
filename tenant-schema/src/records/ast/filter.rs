//! Conditions.

/// A boolean tree of tests.
///
/// `C` is what is tested: a [`Column`](super::Column) as parsed, something that exists once planned.
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

/// A filter that says nothing.
impl<C> Default for Filter<C> {
    fn default() -> Self {
        Self::All(Vec::new())
    }
}

impl<C> Filter<C> {
    /// Puts something else in the place of everything that is tested, or fails with the first that cannot be.
    pub fn resolve<D, E>(self, subject: &mut dyn FnMut(C, &Test) -> Result<D, E>) -> Result<Filter<D>, E> {
        Ok(match self {
            Self::All(parts) => Filter::All(Self::resolve_each(parts, subject)?),
            Self::Any(parts) => Filter::Any(Self::resolve_each(parts, subject)?),
            Self::Not(part) => Filter::Not(Box::new(part.resolve(subject)?)),
            Self::Test(tested, test) => Filter::Test(subject(tested, &test)?, test),
        })
    }

    fn resolve_each<D, E>(
        parts: Vec<Self>,
        subject: &mut dyn FnMut(C, &Test) -> Result<D, E>,
    ) -> Result<Vec<Filter<D>>, E> {
        parts.into_iter().map(|part| part.resolve(subject)).collect()
    }

    /// Some test in the tree is about something that suits.
    pub fn mentions(&self, suits: &dyn Fn(&C) -> bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.mentions(suits)),
            Self::Not(part) => part.mentions(suits),
            Self::Test(tested, _) => suits(tested),
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

    /// Adds a condition that must hold too.
    pub fn and(&mut self, other: Self) {
        match self {
            Self::All(parts) => parts.push(other),
            _ => *self = Self::All(vec![std::mem::take(self), other]),
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
    /// `eq`, `like`, … against one value, or against the elements of an array.
    Compare(Comparison, Option<Quantifier>, String),
    /// `neq`, `cs`, … against one value.
    Relate(Operator, String),
    /// `isdistinct`: `neq` for which NULL is a value like others.
    Distinct(String),
    /// `is.…`
    Is(Is),
    /// `in.(…)`
    In(Vec<String>),
    /// `fts`, …: by which text search configuration, for which words.
    Search(Search, Option<String>, String),
}

impl Test {
    /// `eq` against one value.
    pub fn equal(value: impl Into<String>) -> Self {
        Self::Compare(Comparison::Equal, None, value.into())
    }
}

/// An operator that can be asked of any or all elements of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `eq`, `=`
    Equal,
    /// `gt`, `>`
    Greater,
    /// `gte`, `>=`
    GreaterOrEqual,
    /// `lt`, `<`
    Less,
    /// `lte`, `<=`
    LessOrEqual,
    /// `like`, with `*` for `%`.
    Like,
    /// `ilike`, with `*` for `%`.
    ILike,
    /// `match`, `~`: a regular expression.
    Match,
    /// `imatch`, `~*`
    IMatch,
}

impl Comparison {
    /// Its names, in the dialect and in SQL.
    pub const ALL: [(&str, Self, &str); 9] = [
        ("eq", Self::Equal, "="),
        ("gt", Self::Greater, ">"),
        ("gte", Self::GreaterOrEqual, ">="),
        ("lt", Self::Less, "<"),
        ("lte", Self::LessOrEqual, "<="),
        ("like", Self::Like, "like"),
        ("ilike", Self::ILike, "ilike"),
        ("match", Self::Match, "~"),
        ("imatch", Self::IMatch, "~*"),
    ];

    /// The name in SQL.
    pub fn sql(self) -> &'static str {
        Self::ALL[self as usize].2
    }

    /// `*` stands for `%` in the value, because `%` would have to be escaped in an address.
    pub fn has_wildcards(self) -> bool {
        matches!(self, Self::Like | Self::ILike)
    }
}

/// Of how many elements a comparison must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantifier {
    /// `(any)`
    Any,
    /// `(all)`
    All,
}

/// An operator on one value only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `neq`, `<>`
    NotEqual,
    /// `cs`, `@>`
    Contains,
    /// `cd`, `<@`
    Contained,
    /// `ov`, `&&`
    Overlaps,
    /// `sl`, `<<`
    StrictlyLeft,
    /// `sr`, `>>`
    StrictlyRight,
    /// `nxr`, `&<`
    NotRightOf,
    /// `nxl`, `&>`
    NotLeftOf,
    /// `adj`, `-|-`
    Adjacent,
}

impl Operator {
    /// Its names, in the dialect and in SQL.
    pub const ALL: [(&str, Self, &str); 9] = [
        ("neq", Self::NotEqual, "<>"),
        ("cs", Self::Contains, "@>"),
        ("cd", Self::Contained, "<@"),
        ("ov", Self::Overlaps, "&&"),
        ("sl", Self::StrictlyLeft, "<<"),
        ("sr", Self::StrictlyRight, ">>"),
        ("nxr", Self::NotRightOf, "&<"),
        ("nxl", Self::NotLeftOf, "&>"),
        ("adj", Self::Adjacent, "-|-"),
    ];

    /// The name in SQL.
    pub fn sql(self) -> &'static str {
        Self::ALL[self as usize].2
    }
}

/// How the words of a text search are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// `fts`: with operators.
    Operators,
    /// `plfts`: all of them.
    Plain,
    /// `phfts`: as a phrase.
    Phrase,
    /// `wfts`: as search engines do.
    Websearch,
}

impl Search {
    /// Its name in the dialect, and PostgreSQL's function (documentation, 9.13).
    pub const ALL: [(&str, Self, &str); 4] = [
        ("fts", Self::Operators, "to_tsquery"),
        ("plfts", Self::Plain, "plainto_tsquery"),
        ("phfts", Self::Phrase, "phraseto_tsquery"),
        ("wfts", Self::Websearch, "websearch_to_tsquery"),
    ];

    /// The name in SQL.
    pub fn sql(self) -> &'static str {
        Self::ALL[self as usize].2
    }
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

impl Is {
    /// Its words, in the dialect and in SQL.
    pub const ALL: [(&str, Self, &str); 5] = [
        ("null", Self::Null, "null"),
        ("not_null", Self::NotNull, "not null"),
        ("true", Self::True, "true"),
        ("false", Self::False, "false"),
        ("unknown", Self::Unknown, "unknown"),
    ];

    /// The name in SQL.
    pub fn sql(self) -> &'static str {
        Self::ALL[self as usize].2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_of_declaration() {
        for (index, (_, comparison, _)) in Comparison::ALL.into_iter().enumerate() {
            assert_eq!(comparison as usize, index);
        }
        for (index, (_, operator, _)) in Operator::ALL.into_iter().enumerate() {
            assert_eq!(operator as usize, index);
        }
        for (index, (_, search, _)) in Search::ALL.into_iter().enumerate() {
            assert_eq!(search as usize, index);
        }
        for (index, (_, is, _)) in Is::ALL.into_iter().enumerate() {
            assert_eq!(is as usize, index);
        }
    }
}
