//! Names with a schema in front of them.

use super::statements::Statement;
use super::tokens::Token;
use super::{Found, Rule};

/// Schemas that are named for what they are wherever they stand.
const SCHEMAS: &[&str] = &["public", "catalog", "extensions", "information_schema"];

const INSTEAD: &str =
    "leave the schema out: search_path has the tenant's schema first, and then that of the extensions";

/// Words that a table's name follows, wherever they stand.
const BEFORE_TABLE: &[&str] = &["from", "join", "update", "references", "table", "into"];

/// Functions whose arguments have a `from` between them that names no table.
const WITH_FROM: &[&str] = &["extract", "trim", "substring", "overlay", "position"];

/// Finds them in a statement, and in the bodies of its functions.
pub(super) fn check(statement: Statement<'_>, found: &mut Found<'_>) {
    let tokens = statement.0;
    let mut named = Vec::new();
    if let Some(subject) = statement.subject()
        && parts(tokens, subject.name_at) > usize::from(subject.kind == "column") + 1
    {
        named.push(subject.name_at);
    }
    if statement
        .subject()
        .is_some_and(|subject| ON.contains(&subject.kind))
    {
        let on = tokens.iter().skip(2).position(|token| token.is("on"));
        named.extend(on.map(|on| on + 3).filter(|at| parts(tokens, *at) > 1));
    }
    named.extend(in_text(tokens));
    report(tokens, named, found);
    for body in tokens {
        let within = body.within();
        let named = in_text(&within);
        report(&within, named, found);
    }
}

/// What is made `on` a table.
const ON: &[&str] = &["index", "trigger", "policy", "rule", "constraint"];

/// Where names with a schema begin, as far as that is certain wherever they stand: `a.b` can be a column of `a` too.
fn in_text(tokens: &[Token]) -> Vec<usize> {
    let mut openers: Vec<bool> = Vec::new();
    let mut named = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.is_sign('(') {
            openers.push(at > 0 && tokens[at - 1].is_any(WITH_FROM));
        } else if token.is_sign(')') {
            openers.pop();
        }
        let before = at.checked_sub(1).map(|at| &tokens[at]);
        let earlier = at.checked_sub(2).map(|at| &tokens[at]);
        if before.is_some_and(|before| before.is_sign('.')) || parts(tokens, at) < 2 {
            continue;
        }
        let Some(name) = token.name() else { continue };
        let follows_table_word = before.is_some_and(|before| {
            let is_comparison = before.is("from") && earlier.is_some_and(|word| word.is("distinct"));
            let is_argument = before.is("from") && openers.last() == Some(&true);
            // PL/pgSQL puts values into `new.column`.
            let is_target =
                before.is("into") && !earlier.is_some_and(|word| word.is_any(&["insert", "merge"]));
            before.is_any(BEFORE_TABLE) && !is_comparison && !is_argument && !is_target
        });
        let is_call = tokens.get(at + 3).is_some_and(|token| token.is_sign('('))
            && !before.is_some_and(|before| before.is("into"));
        let is_cast = [before, earlier]
            .iter()
            .all(|sign| sign.is_some_and(|sign| sign.is_sign(':')));
        if SCHEMAS.contains(&name) || follows_table_word || is_call || is_cast {
            named.push(at);
        }
    }
    named
}

/// How many names stand here with points between them.
fn parts(tokens: &[Token], at: usize) -> usize {
    let is_name = |at: usize| tokens.get(at).is_some_and(|token| token.name().is_some());
    let mut count = usize::from(is_name(at));
    while count > 0
        && tokens
            .get(at + 2 * count - 1)
            .is_some_and(|token| token.is_sign('.'))
        && is_name(at + 2 * count)
    {
        count += 1;
    }
    count
}

fn report(tokens: &[Token], mut named: Vec<usize>, found: &mut Found<'_>) {
    named.sort_unstable();
    named.dedup();
    for at in named {
        let (Some(schema), line) = (tokens[at].name(), tokens[at].line) else {
            continue;
        };
        // It is in every database, and in every path.
        if schema == "pg_catalog" {
            continue;
        }
        let refers = at > 0 && tokens[at - 1].is("references");
        if refers && schema == "catalog" {
            found.add(
                line,
                Rule::CatalogReference,
                "a foreign key to the catalog".to_owned(),
                "refer to the tenant's own table members, which mirrors the memberships: the catalog is not moved with a tenant",
            );
        } else {
            found.add(
                line,
                Rule::SchemaName,
                format!("{schema} is a schema's name"),
                INSTEAD,
            );
        }
    }
}
