//! What is written about tables, columns and constraints.

use catalog::pg::migrator::HISTORY_TABLE;

use super::statements::Statement;
use super::tokens::Token;
use super::{Found, Rule};
use crate::lifecycle::idempotency_keys;

/// `timestamp` where `timestamptz` is meant, in columns, parameters and casts.
pub(super) fn timestamps(tokens: &[Token], found: &mut Found<'_>) {
    for (at, token) in tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.is("timestamp"))
    {
        let Some(before) = at.checked_sub(1).map(|at| &tokens[at]) else {
            continue;
        };
        let names_column = before.name().is_some() && !before.is_any(NO_COLUMN);
        let is_type = names_column || before.is_sign(':');
        // `timestamp(3)` has a precision.
        let behind = match tokens.get(at + 1) {
            Some(next) if next.is_sign('(') => tokens.get(at + 4),
            next => next,
        };
        let has_zone = behind.is_some_and(|next| next.is("with"));
        let is_name = behind.is_some_and(|next| next.is_sign('.') || next.is_any(TIMES));
        if is_type && !has_zone && !is_name {
            found.add(
                token.line,
                Rule::Timestamp,
                "timestamp has no time zone: what instant it means depends on who reads it".to_owned(),
                "use timestamptz",
            );
        }
    }
}

/// Words that stand before an expression, and so before a column that is called `timestamp`.
const NO_COLUMN: &[&str] = &[
    "select",
    "by",
    "and",
    "or",
    "not",
    "where",
    "on",
    "when",
    "then",
    "else",
    "returning",
    "set",
    "from",
    "in",
];

/// Types that a column called `timestamp` has.
const TIMES: &[&str] = &[
    "timestamptz",
    "timestamp",
    "date",
    "time",
    "bigint",
    "integer",
    "int",
    "text",
];

/// Constraints of a table that have no name of their own.
pub(super) fn constraints(statement: Statement<'_>, found: &mut Found<'_>) {
    let makes_table = statement.creates().is_some_and(|made| made.kind == "table");
    let changes_table = statement.begins(&["alter", "table"]);
    if !makes_table && !changes_table {
        return;
    }
    let tokens = statement.0;
    let mut depth = 0_usize;
    // A column or a constraint of the table begins behind the parenthesis, a comma, or `add`.
    let mut is_foreign_key = false;
    for (at, token) in tokens.iter().enumerate() {
        if token.is_sign('(') {
            depth += 1;
        } else if token.is_sign(')') {
            depth = depth.saturating_sub(1);
        }
        if depth != usize::from(makes_table) {
            continue;
        }
        if token.is_sign(',') || token.is("add") {
            is_foreign_key = false;
        }
        let next_is = |word: &str| tokens.get(at + 1).is_some_and(|next| next.is(word));
        let opens = tokens.get(at + 1).is_some_and(|next| next.is_sign('('));
        let before = at.checked_sub(1).map(|at| &tokens[at]);
        let behind_comma = before.is_some_and(|before| before.is_sign(',') || before.is_sign('('));
        let is_constraint = match token.name() {
            Some("primary") => next_is("key"),
            Some("foreign") => {
                is_foreign_key = next_is("key");
                is_foreign_key
            }
            Some("references") => !is_foreign_key,
            Some("check") => opens,
            Some("exclude") => opens || next_is("using"),
            // A column may be called so.
            Some("unique") => !behind_comma || opens || next_is("nulls"),
            _ => false,
        };
        let is_named = at >= 2 && tokens[at - 2].is("constraint");
        if is_constraint && !is_named {
            let what = token.name().unwrap_or_default();
            found.add(
                token.line,
                Rule::UnnamedConstraint,
                format!("a constraint ({what} …) without a name"),
                "write `constraint <name>` before it: errors, later migrations and hints to embed go by its name",
            );
        }
    }
}

/// Tables that the platform makes in every tenant's schema.
const OF_THE_ENGINE: [&str; 2] = [idempotency_keys::TABLE, HISTORY_TABLE];

/// Whatever is made, changed or taken away under such a name.
pub(super) fn of_the_engine(statement: Statement<'_>, found: &mut Found<'_>) {
    let subject = statement.subject();
    let name = subject.and_then(|subject| statement.name(subject.name_at));
    if let Some((name, _)) = name.filter(|(name, _)| OF_THE_ENGINE.contains(name)) {
        found.add(
            statement.line(),
            Rule::EngineName,
            format!("{name} is a table of the engine's own, which it makes itself"),
            "give it another name; of a dump, leave this table out (`pg_dump --exclude-table`)",
        );
    }
}
