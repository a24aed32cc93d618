//! Rules on migration files: their numbers, and what a tenant's template may say.

use super::source::words;
use super::sql_text::has_star;

/// Schemas a template may not name: a tenant schema is dumped, moved and restored by itself.
const SCHEMAS: &[&str] = &["public", "catalog", "extensions", "information_schema"];

/// What is wrong with the numbers of files named `V1__name.sql`.
pub(super) fn numbering(names: &[String]) -> Vec<String> {
    let mut numbers = Vec::new();
    let mut wrong = Vec::new();
    for name in names {
        let parts = name
            .strip_prefix('V')
            .and_then(|rest| rest.strip_suffix(".sql"))
            .and_then(|rest| rest.split_once("__"));
        match parts.and_then(|(number, title)| Some((number.parse::<usize>().ok()?, title))) {
            Some((number, title)) if is_snake(title) => numbers.push(number),
            _ => wrong.push(format!("{name}: a migration is named V1__some_words.sql")),
        }
    }
    numbers.sort_unstable();
    let gap = numbers.iter().enumerate().find(|(at, number)| **number != at + 1);
    wrong.extend(gap.map(|(at, number)| format!("V{} is missing before V{number}, or there twice", at + 1)));
    wrong
}

fn is_snake(title: &str) -> bool {
    !title.is_empty()
        && title
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// What a template's file says that breaks prepared statements across tenants, or dump, move and restore.
pub(super) fn template(sql: &str) -> Vec<String> {
    let words = words(&without_comments_and_texts(sql));
    let mut wrong = Vec::new();
    for at in 0..words.len() {
        let pair = (words[at].as_str(), words.get(at + 1).map_or("", String::as_str));
        match pair {
            ("create", "type" | "domain" | "extension" | "schema" | "role" | "database") => {
                wrong.push(format!("create {} is not for a template", pair.1));
            }
            ("concurrently", _) => wrong.push("concurrently cannot run in a transaction".to_owned()),
            // Everybody, from whom a right is taken, and not the schema.
            ("public", ";") if at > 0 && words[at - 1] == "from" => {}
            ("public", _) => wrong.push("public is not on a tenant's path".to_owned()),
            (schema, ".") if SCHEMAS.contains(&schema) || schema.starts_with("t_") => {
                wrong.push(format!("{schema}. is a schema's name: the path decides"));
            }
            // As a statement; a function may have a path of its own.
            ("set", "role" | "session" | "search_path") | ("commit" | "rollback", ";")
                if begins(&words, at) =>
            {
                wrong.push(format!(
                    "{} {} breaks out of the migration's transaction",
                    pair.0, pair.1
                ));
            }
            _ => {}
        }
    }
    if has_star(&words) {
        wrong.push("columns are named, never *".to_owned());
    }
    wrong
}

fn begins(words: &[String], at: usize) -> bool {
    at == 0 || words[at - 1] == ";"
}

/// Comments and quoted texts blanked; function bodies between dollars stay, for they are SQL too.
pub(super) fn without_comments_and_texts(sql: &str) -> String {
    let mut out = String::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |at| at + 2)
        } else if c == '\'' {
            rest[1..].find('\'').map_or(rest.len(), |at| at + 2)
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        out.push(' ');
        rest = &rest[skip..];
    }
    out
}

#[test]
fn shown_to_catch_gaps_and_odd_names() {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    assert_eq!(numbering(&names(&["V1__a.sql", "V2__b_2.sql"])), [""; 0]);
    for bad in [
        &["V1__a.sql", "V3__b.sql"][..],
        &["V1__a.sql", "V1__b.sql"],
        &["V2__a.sql"],
        &["V1__A.sql"],
        &["1.sql"],
    ] {
        assert_eq!(numbering(&names(bad)).len(), 1, "{bad:?}");
    }
}

#[test]
fn shown_to_catch_what_a_template_may_not_say() {
    for bad in [
        "create type mood as enum ('a')",
        "create domain d as text",
        "create extension x",
        "create table public.t (a int)",
        "grant select on t to public",
        "insert into catalog.users (id) values (1)",
        "select extensions.unaccent('x')",
        "create index concurrently i on t (a)",
        "create view v as select * from t",
        "create function f() returns void language sql as $$ select c.* from c $$",
        "set search_path = x",
        "set role x",
        "commit;",
    ] {
        assert_eq!(template(bad).len(), 1, "{bad}");
    }
    let good = "revoke execute on function f() from public; -- create type is not for public\ncomment on table t is 'it''s public.'; select c.id, count(*) from t c;
        create function f() returns trigger language plpgsql set search_path = pg_catalog, pg_temp as $$ $$";
    assert_eq!(template(good), [""; 0]);
}
