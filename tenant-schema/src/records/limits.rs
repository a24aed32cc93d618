//! How much one request may ask for, and what it is told when it asks for more.
//!
//! The bounds keep one request from costing what a thousand others do: PostgreSQL plans a condition in more than linear
//! time, and an answer is held in memory as a whole on both sides.

use super::ast::{QueryString, SelectItem, Test};

/// The bounds of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows in a page without `limit`. PostgREST knows only a maximum (`db-max-rows`), which is then its default too.
    pub default_rows: u64,
    /// Rows in any page: a greater `limit` is lowered to it.
    pub max_rows: u64,
    /// Records that one record may hold at the end of one way through embedded objects which may have several: the
    /// product of their limits. One such object has [`Self::default_rows`] as ever. Where one is embedded in another,
    /// those without a lower limit share what the others leave, each alike: 316 rows each of two, 46 each of three.
    /// Limits that exceed it by themselves are refused. An answer's size is known only after all of it was made.
    pub nested_rows: u64,
    /// Bytes of a query string as it came, still percent-encoded.
    pub query_bytes: usize,
    /// Items of `select`; a `*` is one, and so is an embedded object besides its own items.
    pub select_items: usize,
    /// How often the answer may hold one column, under different names.
    pub column_uses: usize,
    /// Embedded objects, those within others included.
    pub embeds: usize,
    /// Conditions in the query string, those within groups and on embedded objects included.
    pub conditions: usize,
    /// Values in one `in.(…)`.
    pub list_values: usize,
    /// Items of `order`, those of embedded objects included.
    pub order_terms: usize,
    /// Words of `q`.
    pub search_words: usize,
    /// Characters of `q`.
    pub search_characters: usize,
    /// Objects in the body of one insert.
    pub objects: usize,
    /// Bytes of an answer's JSON when it may have several records.
    pub answer_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            default_rows: 1000,
            max_rows: 1000,
            nested_rows: 100_000,
            query_bytes: 16 * 1024,
            select_items: 100,
            column_uses: 2,
            embeds: 20,
            conditions: 100,
            list_values: 1000,
            order_terms: 16,
            search_words: 12,
            search_characters: 200,
            objects: 10_000,
            answer_bytes: 16 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// The same for a tenant whose plan says how many records there may be in a page and in an insert.
    #[must_use]
    pub fn for_plan(mut self, rows: Option<u64>) -> Self {
        if let Some(rows) = rows {
            self.max_rows = rows;
            self.default_rows = self.default_rows.min(rows);
            self.objects = usize::try_from(rows).unwrap_or(self.objects);
        }
        self
    }

    /// How many rows there may be of those that are asked for.
    pub(super) fn rows(&self, asked: Option<u64>) -> u64 {
        asked.unwrap_or(self.default_rows).min(self.max_rows)
    }

    /// Refuses a query string that is too long to be read.
    pub(super) fn check_length(&self, raw: &str) -> Result<(), Exceeded> {
        let allowed = self.query_bytes;
        refuse(raw.len() > allowed, Exceeded::Query { allowed })
    }

    /// Refuses a search for too much.
    pub(super) fn check_search(&self, text: &str, words: usize) -> Result<(), Exceeded> {
        let (allowed, characters) = (self.search_words, self.search_characters);
        let is_long = words > allowed || text.chars().count() > characters;
        refuse(is_long, Exceeded::Search { allowed, characters })
    }

    /// Refuses a query string that says too much.
    pub(super) fn check(&self, said: &QueryString) -> Result<(), Exceeded> {
        let allowed = self.select_items;
        let (items, embeds) = count(&said.select);
        refuse(items > allowed, Exceeded::Select { allowed })?;
        let allowed = self.embeds;
        refuse(embeds > allowed, Exceeded::Embeds { allowed })?;
        let allowed = self.order_terms;
        let terms: usize = said.levels().map(|level| level.order.len()).sum();
        refuse(terms > allowed, Exceeded::Order { allowed })?;
        let tests: Vec<&Test> = said.levels().flat_map(|level| level.filter.tests()).collect();
        let allowed = self.conditions;
        refuse(tests.len() > allowed, Exceeded::Conditions { allowed })?;
        let allowed = self.list_values;
        let is_long = |test: &&Test| matches!(test, Test::In(values) if values.len() > allowed);
        refuse(tests.iter().any(is_long), Exceeded::List { allowed })
    }
}

/// How many items, and how many of them are embedded objects.
fn count(items: &[SelectItem]) -> (usize, usize) {
    let mut counted = (items.len(), 0);
    for item in items {
        if let SelectItem::Embed(embed) = item {
            let (items, embeds) = count(&embed.select);
            counted = (counted.0 + items, counted.1 + embeds + 1);
        }
    }
    counted
}

fn refuse(is_beyond: bool, bound: Exceeded) -> Result<(), Exceeded> {
    if is_beyond { Err(bound) } else { Ok(()) }
}

/// Bytes of a statement's text. A table of 400 columns can still be read and written in every form.
pub(super) const STATEMENT_BYTES: usize = 128 * 1024;

/// Tables and subqueries of a statement, besides the object itself. PostgreSQL plans joins in more than linear time. The
/// most that a request can embed takes 80 when nothing is asked of it.
pub(super) const STATEMENT_PARTS: usize = 100;

/// A bound that a request went beyond.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// [`Limits::query_bytes`]
    #[error("The query string has more than {allowed} bytes")]
    Query {
        /// How many it may have.
        allowed: usize,
    },
    /// [`Limits::select_items`]
    #[error("select has more than {allowed} items")]
    Select {
        /// How many it may have.
        allowed: usize,
    },
    /// [`Limits::column_uses`]
    #[error("select names the column '{column}' more than {allowed} times")]
    Column {
        /// The column.
        column: String,
        /// How many times it may.
        allowed: usize,
    },
    /// [`Limits::embeds`]
    #[error("select has more than {allowed} embedded objects")]
    Embeds {
        /// How many it may have.
        allowed: usize,
    },
    /// [`Limits::conditions`]
    #[error("The query string has more than {allowed} conditions")]
    Conditions {
        /// How many it may have.
        allowed: usize,
    },
    /// [`Limits::list_values`]
    #[error("A list of 'in' has more than {allowed} values")]
    List {
        /// How many it may have.
        allowed: usize,
    },
    /// [`Limits::order_terms`]
    #[error("order has more than {allowed} items")]
    Order {
        /// How many it may have.
        allowed: usize,
    },
    /// [`Limits::search_words`], [`Limits::search_characters`]
    #[error("q has more than {allowed} words or {characters} characters")]
    Search {
        /// How many words it may have.
        allowed: usize,
        /// How many characters it may have.
        characters: usize,
    },
    /// [`Limits::objects`]
    #[error("The body has more than {allowed} objects")]
    Objects {
        /// How many it may have.
        allowed: usize,
    },
    /// An answer that is kept for an idempotency key.
    #[error("The answer has more than {allowed} bytes, and cannot be kept for its Idempotency-Key")]
    Kept {
        /// How many it may have.
        allowed: u64,
    },
    /// The records in a body are much larger than the body: a CSV header names its columns once, a record each time.
    #[error("The records of the body are larger than {allowed} bytes")]
    Body {
        /// How many bytes of JSON they may be.
        allowed: usize,
    },
    /// The statement that would answer the request is too large. Its bounds are no setting: they keep it from growing
    /// with every condition on what is embedded in something embedded.
    #[error(
        "The request would need a statement of more than {STATEMENT_BYTES} bytes, or of more than {STATEMENT_PARTS} parts"
    )]
    Statement,
    /// [`Limits::nested_rows`]
    #[error("The limits of embedded objects within embedded objects allow for more than {allowed} records")]
    Nested {
        /// How many there may be.
        allowed: u64,
    },
    /// [`Limits::answer_bytes`]
    #[error("The answer would be larger than one answer may be")]
    Answer,
}

impl Exceeded {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Query { .. } => "query_too_long",
            Self::Objects { .. } => "too_many_objects",
            Self::Body { .. } => "payload_too_large",
            Self::Answer | Self::Kept { .. } => "answer_too_large",
            _ => "PGRST100",
        }
    }

    pub(super) fn status(&self) -> u16 {
        match self {
            Self::Query { .. } => 414,
            Self::Objects { .. } | Self::Body { .. } | Self::Answer | Self::Kept { .. } => 413,
            _ => 400,
        }
    }

    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Query { .. }
            | Self::Embeds { .. }
            | Self::Conditions { .. }
            | Self::List { .. }
            | Self::Statement => "Ask in several requests, or by fewer conditions",
            Self::Select { .. } | Self::Column { .. } => "Name each column once, or leave select out for all",
            Self::Search { .. } => "Search for fewer words",
            Self::Order { .. } => "Leave out what comes after a unique column: it changes nothing",
            Self::Objects { .. } | Self::Body { .. } => "Send the records in several requests",
            Self::Kept { .. } => {
                "Ask for no representation (Prefer: return=minimal), or for fewer columns with select"
            }
            Self::Nested { .. } => "Lower one of the limits",
            Self::Answer => "Ask for fewer records with limit, or for fewer columns with select",
        }
    }
}

/// What the error of a statement says whose answer was too large. The statement makes that error itself, so that a
/// write with such an answer is undone.
pub(super) const TOO_LARGE: &str = "bytes are too many for one answer";

#[cfg(test)]
mod tests {
    use crate::records::fixture;

    fn refused(query: &str) -> (String, u16, String) {
        let error = fixture::list("contacts", query).unwrap_err();
        assert!(error.hint().is_some(), "{query}");
        (error.code().to_owned(), error.status(), error.message())
    }

    fn repeated(count: usize, item: impl Fn(usize) -> String) -> String {
        (0..count).map(item).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn each_bound_is_kept_and_named() {
        let select = |count| format!("select={}", repeated(count, |_| "id".to_owned()));
        let order = |count| format!("order={}", repeated(count, |_| "id".to_owned()));
        let list = |count| format!("score=in.({})", repeated(count, |n| n.to_string()));
        let tree = |count: usize| {
            format!(
                "not.or=(score.eq.0,and({}))",
                repeated(count - 1, |_| "score.gt.1".to_owned())
            )
        };
        let long = |bytes: usize| format!("email=eq.{}", "x".repeat(bytes - "email=eq.".len()));
        for (most, more, status, message) in [
            (select(100), select(101), 400, "select has more than 100 items"),
            (order(16), order(17), 400, "order has more than 16 items"),
            (
                list(1000),
                list(1001),
                400,
                "A list of 'in' has more than 1000 values",
            ),
            (
                tree(100),
                tree(101),
                400,
                "The query string has more than 100 conditions",
            ),
            (
                long(16_384),
                long(16_385),
                414,
                "The query string has more than 16384 bytes",
            ),
        ] {
            assert!(fixture::list("contacts", &most).is_ok(), "{message}");
            let code = if status == 400 {
                "PGRST100"
            } else {
                "query_too_long"
            };
            assert_eq!(refused(&more), (code.to_owned(), status, message.to_owned()));
        }
    }

    #[test]
    fn parameters_count_together() {
        let query = vec!["score=gt.1"; 101].join("&");
        assert_eq!(refused(&query).2, "The query string has more than 100 conditions");
    }

    #[test]
    fn a_column_stands_in_an_answer_at_most_twice() {
        for fine in [
            "select=a:email,b:email",
            "select=*,a:email",
            "select=email,email,email,a:email",
        ] {
            assert!(fixture::list("contacts", fine).is_ok(), "{fine}");
        }
        let message = "select names the column 'email' more than 2 times".to_owned();
        for query in ["select=a:email,b:email,c:email", "select=a:email,*,b:email"] {
            assert_eq!(refused(query), ("PGRST100".to_owned(), 400, message.clone()));
        }
    }
}
