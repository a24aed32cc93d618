//! The rules on statements, in the order in which the design gives them.

use super::statements::{Statement, split};
use super::tokens::{Kind, Token};
use super::{Found, Rule, access_lines, names, personal_lines, tables};

pub(super) fn check(tokens: &[Token], found: &mut Found<'_>) {
    for statement in split(tokens) {
        if let Some(refused) = refused(statement) {
            found.add(statement.line(), refused.rule, refused.reason, refused.instead);
            continue;
        }
        own_types(statement, found);
        definer(statement, found);
        concurrently(statement, found);
        access_lines::check(statement, found);
        personal_lines::check(statement, found);
        names::check(statement, found);
        tables::constraints(statement, found);
        tables::of_the_engine(statement, found);
        within(statement.0, found);
        for token in statement.0 {
            within(&token.within(), found);
        }
    }
}

/// The rules that hold in the bodies of functions too.
fn within(tokens: &[Token], found: &mut Found<'_>) {
    tables::timestamps(tokens, found);
    for line in stars(tokens) {
        found.add(
            line,
            Rule::SelectStar,
            "columns are named by *".to_owned(),
            "name them: what * means is fixed when a view is made, and differs when a prepared statement meets a newer tenant",
        );
    }
}

/// The lines of `select *` and `returning *`, also behind a name (`select c.*`).
pub(super) fn stars(tokens: &[Token]) -> Vec<usize> {
    let sign = |at: usize, sign| tokens.get(at).is_some_and(|token| token.is_sign(sign));
    let mut lines = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if !token.is("select") && !token.is("returning") {
            continue;
        }
        let is_distinct = tokens
            .get(at + 1)
            .is_some_and(|next| next.is_any(&["distinct", "all"]));
        let first = at + 1 + usize::from(is_distinct);
        let is_star = sign(first, '*') || sign(first + 1, '.') && sign(first + 2, '*');
        if is_star {
            lines.push(token.line);
        }
    }
    lines
}

/// A statement that has no place in a template: nothing else is worth saying of it.
struct Refused {
    rule: Rule,
    reason: String,
    instead: &'static str,
}

fn refused(statement: Statement<'_>) -> Option<Refused> {
    if statement.0.first()?.is_sign('\\') {
        return Some(Refused {
            rule: Rule::PsqlCommand,
            reason: "a command of psql's, not of PostgreSQL's".to_owned(),
            instead: "take it out; a dump made with `pg_dump --no-owner --no-privileges --schema-only` has few of them",
        });
    }
    transaction(statement)
        .or_else(|| session(statement))
        .or_else(|| rights(statement))
        .or_else(|| shared(statement))
        .or_else(|| {
            copy(statement).then(|| Refused {
                rule: Rule::Copy,
                reason: "COPY needs a client that sends the rows, or the server's files".to_owned(),
                instead: "write `insert into … values …`",
            })
        })
}

fn copy(statement: Statement<'_>) -> bool {
    statement.begins(&["copy"])
}

/// A migration is part of a transaction.
fn transaction(statement: Statement<'_>) -> Option<Refused> {
    let first = statement.0.first()?;
    let controls = [
        "begin",
        "start",
        "commit",
        "end",
        "rollback",
        "abort",
        "savepoint",
        "release",
    ];
    let prepares = statement.begins(&["prepare", "transaction"]);
    if prepares || first.is_any(&controls) {
        return Some(Refused {
            rule: Rule::Transaction,
            reason:
                "transaction control: a migration runs in the transaction that makes or migrates the tenant"
                    .to_owned(),
            instead: "leave it out: all files are applied together or not at all",
        });
    }
    let outside = first.is("vacuum")
        || statement.begins(&["alter", "system"])
        || statement.begins(&["reindex", "database"])
        || statement.begins(&["reindex", "system"]);
    outside.then(|| Refused {
        rule: Rule::OutsideTransaction,
        reason: "this cannot run in a transaction".to_owned(),
        instead: "leave it to the database's administrator",
    })
}

/// Settings that are not for one file alone, local or not: the path and the role of all files, and how a string is read.
const SHARED_SETTINGS: [&str; 5] = [
    "search_path",
    "role",
    "session",
    "schema",
    "standard_conforming_strings",
];

/// Settings end with their statement or their function.
fn session(statement: Statement<'_>) -> Option<Refused> {
    let tokens = statement.0;
    let path = |token: &Token| token.is_any(&SHARED_SETTINGS);
    let is_set = statement.begins(&["set"])
        && match tokens.get(1)? {
            second if second.is("constraints") => false,
            second if second.is("local") => tokens.get(2).is_some_and(path),
            _ => true,
        };
    let configures = statement.begins(&["select"]) && tokens.iter().any(|token| token.is("set_config"));
    let is_any = tokens
        .first()?
        .is_any(&["reset", "discard", "load", "listen", "unlisten", "notify"]);
    (is_set || configures || is_any).then(|| Refused {
        rule: Rule::SessionSetting,
        reason: "a setting of the session, which all tenants share, or of the path that later files rely on".to_owned(),
        instead: "write `set local` for what a migration needs (never search_path or role), or give a function a `set` of its own",
    })
}

/// Roles are the platform's.
fn rights(statement: Statement<'_>) -> Option<Refused> {
    let tokens = statement.0;
    let has = |word: &str| tokens.iter().any(|token| token.is(word));
    // A right is taken from everybody, which names no role of anybody's.
    let from_public = tokens.last()?.is("public") && tokens.get(tokens.len().checked_sub(2)?)?.is("from");
    let changes_owner = statement.begins(&["alter"]) && has("owner") && {
        let at = tokens.iter().position(|token| token.is("owner"))?;
        tokens.get(at + 1).is_some_and(|token| token.is("to"))
    };
    let is_refused = statement.begins(&["grant"])
        || statement.begins(&["revoke"]) && !from_public
        || statement.begins(&["alter", "default", "privileges"])
        || statement.begins(&["reassign", "owned"])
        || statement.begins(&["security", "label"])
        || changes_owner;
    is_refused.then(|| Refused {
        rule: Rule::Rights,
        reason: "rights and owners: every tenant has roles of its own, which get theirs when it is made"
            .to_owned(),
        instead: "say who writes by the line `@access …` at the end of the object's comment",
    })
}

/// What is no part of a schema is not dumped, moved and restored with it.
fn shared(statement: Statement<'_>) -> Option<Refused> {
    let subject = statement.subject().filter(|_| !statement.begins(&["comment"]))?;
    let (rule, instead) = match subject.kind {
        "extension" => (
            Rule::Extension,
            "`tenantry init` installs pg_trgm, btree_gist and unaccent for all tenants; others are for the database's administrator, in the schema extensions",
        ),
        "schema" => (
            Rule::Schema,
            "leave it out: the tenant's schema is there, and the path begins with it",
        ),
        "role" | "user" | "group" | "database" | "tablespace" | "publication" | "subscription" | "server"
        | "wrapper" | "data" | "event" | "language" | "cast" | "access" => (
            Rule::SharedObject,
            "leave it to the database's administrator: it belongs to no schema",
        ),
        _ => return None,
    };
    Some(Refused {
        rule,
        reason: format!("a {} is not part of a tenant's schema", subject.kind),
        instead,
    })
}

fn own_types(statement: Statement<'_>, found: &mut Found<'_>) {
    let Some(made) = statement.creates() else { return };
    if made.kind == "type" || made.kind == "domain" {
        found.add(
            statement.line(),
            Rule::OwnType,
            format!(
                "a {} is another one in every tenant, so a prepared statement fits one tenant only",
                made.kind
            ),
            "use text with a named check constraint, or jsonb",
        );
    }
}

/// A function that runs with its owner's rights looks names up where its caller says, unless it says so itself.
fn definer(statement: Statement<'_>, found: &mut Found<'_>) {
    let tokens = statement.0;
    let is_function = |kind| ["function", "procedure", "routine"].contains(&kind);
    if !statement
        .subject()
        .is_some_and(|subject| is_function(subject.kind))
    {
        return;
    }
    let at = tokens
        .windows(2)
        .position(|pair| pair[0].is("security") && pair[1].is("definer"));
    let has_path = tokens
        .windows(2)
        .any(|pair| pair[0].is("set") && pair[1].is("search_path"));
    if let Some(at) = at.filter(|_| !has_path) {
        found.add(
            tokens[at].line,
            Rule::DefinerPath,
            "security definer without a search_path of its own: whoever calls it chooses the tables it means".to_owned(),
            "add `set search_path = pg_catalog, pg_temp` and reach tables through tg_table_schema, or make it security invoker",
        );
    }
}

fn concurrently(statement: Statement<'_>, found: &mut Found<'_>) {
    let is_ddl = |token: &Token| token.is_any(&["create", "drop", "reindex", "refresh", "alter"]);
    if !statement.0.first().is_some_and(is_ddl) {
        return;
    }
    let said = statement
        .0
        .iter()
        .find(|token| matches!(&token.kind, Kind::Word(word) if word == "concurrently"));
    if let Some(token) = said {
        found.add(
            token.line,
            Rule::Concurrently,
            "concurrently cannot run in a transaction, and a migration is part of one".to_owned(),
            "leave it out where tables are small, since lock_timeout bounds the wait; or make it a post-step, a file P<number>__<words>.sql",
        );
    }
}
