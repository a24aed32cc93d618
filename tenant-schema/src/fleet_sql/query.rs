//! The statement: one, and one that makes sense in a transaction of its tenant's.
//!
//! This is no wall, and need not be: PostgreSQL refuses several statements, and what a statement may do is up to its
//! role. It says beforehand, once and in plain words, what would otherwise fail in every tenant or have no effect.

use crate::template_check::statements;

/// The longest part of a statement that the audit log keeps, in characters.
const LONGEST: usize = 2_000;

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query(String);

/// Why a text is not such a statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// There is none in it.
    #[error("there is no statement in the text")]
    Empty,
    /// There are several.
    #[error("there are {0} statements in the text, and a tenant is sent one")]
    Several(usize),
    /// It makes no sense here.
    #[error("{word} has no place here: {why}")]
    Misplaced {
        /// Its first word, in capitals.
        word: String,
        /// Why.
        why: &'static str,
    },
    /// No text of PostgreSQL's holds one.
    #[error("the text holds a NUL character")]
    Nul,
}

const TRANSACTION: &str = "every tenant has a transaction of its own, which is ended for it";
const SESSION: &str = "settings, cursors and prepared statements end with the tenant's turn";
const COPY: &str = "rows come as --format csv, json or ndjson; `tenantry psql` has \\copy";

/// First words, and why they have no place.
const MISPLACED: &[(&[&str], &str)] = &[
    (
        &[
            "begin",
            "start",
            "commit",
            "end",
            "rollback",
            "abort",
            "savepoint",
            "release",
        ],
        TRANSACTION,
    ),
    (
        &[
            "set",
            "reset",
            "discard",
            "prepare",
            "execute",
            "deallocate",
            "declare",
            "fetch",
            "move",
            "close",
            "listen",
            "unlisten",
            "load",
        ],
        SESSION,
    ),
    (&["copy"], COPY),
];

impl Query {
    /// Reads a text.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.contains('\0') {
            return Err(QueryError::Nul);
        }
        let places = statements::places(text);
        let statement = match places.as_slice() {
            [] => return Err(QueryError::Empty),
            [one] => &text[one.clone()],
            several => return Err(QueryError::Several(several.len())),
        };
        let word: String = statement
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .flat_map(char::to_lowercase)
            .collect();
        let misplaced = MISPLACED.iter().find(|(words, _)| words.contains(&&*word));
        match misplaced {
            Some((_, why)) => Err(QueryError::Misplaced {
                word: word.to_uppercase(),
                why,
            }),
            None if statement.is_empty() => Err(QueryError::Empty),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// The text as it was given, so that places in it are those that PostgreSQL names.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }

    /// For the audit log.
    pub(super) fn shortened(&self) -> String {
        self.0.chars().take(LONGEST).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_statement_is_one_whatever_stands_around_it() {
        for text in [
            "select 1",
            " select ';' ; ",
            "-- a; b\nselect 1;\n/* ; */",
            "with x as (select 1) select a from x",
            "Values (1)",
        ] {
            assert!(Query::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        assert_eq!(Query::parse(" -- nothing\n;"), Err(QueryError::Empty));
        assert_eq!(Query::parse("select 1; select 2"), Err(QueryError::Several(2)));
        assert_eq!(Query::parse("select '\0'"), Err(QueryError::Nul));
        for text in [
            "COMMIT",
            "set role x",
            "reset role",
            "/* x */ Copy t to stdout",
            "begin",
        ] {
            let refused = Query::parse(text);
            assert!(matches!(refused, Err(QueryError::Misplaced { .. })), "{text}");
        }
    }
}
