//! The lines `@access …` in comments.

use super::statements::Statement;
use super::{Found, Rule};
use crate::access_tag;

/// What can be exposed or hidden.
const EXPOSED: &[&str] = &["table", "view", "column", "function"];

/// Columns that cannot be hidden, since records are removed and versioned by them.
const SHOWN: &[&str] = &["deleted_at", "deletion_id", "version"];

pub(super) fn check(statement: Statement<'_>, found: &mut Found<'_>) {
    let Some((subject, line, text)) = statement.comment() else {
        return;
    };
    if let Some((of_comment, reason)) = access_tag::mistake(&text) {
        found.add(
            line + of_comment,
            Rule::AccessLine,
            format!("{reason}, so that the whole is kept out of the API"),
            "end the comment with one of `@access member:read`, `@access read`, `@access hidden`, or with none of them",
        );
        return;
    }
    let Some(at) = access_tag::line(&text) else { return };
    if !EXPOSED.contains(&subject.kind) {
        found.add(
            line + at,
            Rule::AccessUnused,
            format!("@access says nothing about a {}", subject.kind),
            "write it on a table, view, column or function",
        );
    } else if subject.kind == "column"
        && text.trim_end().ends_with("hidden")
        && last_part(statement, subject.name_at).is_some_and(|name| SHOWN.contains(&name))
    {
        found.add(
            line + at,
            Rule::AccessUnused,
            format!("{} are not hidden", SHOWN.join(", ")),
            "leave it out: nobody gives them a value anyway, and records are removed and versioned by them",
        );
    }
}

fn last_part(statement: Statement<'_>, at: usize) -> Option<&str> {
    Some(statement.name(at)?.0)
}
