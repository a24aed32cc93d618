//! Rules on SQL within Rust: where it may stand, and what it may not say.

use super::source::{SourceFile, words};
use super::{Finding, finding};

/// The only Rust files that may change what tables, schemas and roles there are (I2).
const MAY_CHANGE_SCHEMAS: &[&str] = &[
    "catalog/src/init.rs",
    "catalog/src/pg/local/data_dir.rs",
    "tenant-schema/src/lifecycle.rs",
];

/// The same, as folders.
const MAY_CHANGE_SCHEMAS_UNDER: &[&str] = &[
    "tenant-schema/src/lifecycle/",
    "tenant-schema/src/custom_objects/",
    // The repairs it shows and applies.
    "tenant-schema/src/doctor/",
];

/// The only file that may empty a session: after a text of an operator's own, which may have left anything in it.
const MAY_EMPTY_SESSIONS: &str = "catalog/src/pg/flight/query.rs";

/// Things that DDL makes, changes and removes.
const KINDS: &[&str] = &[
    "table",
    "schema",
    "role",
    "index",
    "unique",
    "view",
    "materialized",
    "function",
    "procedure",
    "trigger",
    "type",
    "domain",
    "extension",
    "policy",
    "sequence",
    "database",
    "user",
    "or",
    "constraint",
    "temporary",
    "temp",
    "event",
    "owned",
];

/// I2: `server` and `admin` hold no SQL.
pub(super) fn sql_outside_the_sql_crates(file: &SourceFile) -> Vec<Finding> {
    if !file.is_shipped() || ["catalog", "tenant-schema"].contains(&file.krate()) {
        return Vec::new();
    }
    let sql = file.shipped_strings().filter(|(_, text)| is_sql(&words(text)));
    sql.map(|(line, text)| {
        finding(
            file,
            *line,
            format!("SQL outside catalog and tenant-schema: {text:?}"),
        )
    })
    .collect()
}

/// I2: DDL stands in migrations and in the lifecycle.
pub(super) fn ddl_elsewhere(file: &SourceFile) -> Vec<Finding> {
    let allowed = MAY_CHANGE_SCHEMAS.contains(&file.path.as_str())
        || MAY_CHANGE_SCHEMAS_UNDER
            .iter()
            .any(|folder| file.path.starts_with(folder));
    if !file.is_shipped() || allowed {
        return Vec::new();
    }
    let ddl = file
        .shipped_strings()
        .filter(|(_, text)| statements(text).iter().any(|words| is_ddl(words)));
    ddl.map(|(line, text)| {
        finding(
            file,
            *line,
            format!("DDL outside migrations and lifecycle: {text:?}"),
        )
    })
    .collect()
}

/// I4: a setting is changed for one transaction only.
pub(super) fn session_settings(file: &SourceFile) -> Vec<Finding> {
    if !file.is_shipped() {
        return Vec::new();
    }
    let is_allowed = |words: &[String]| file.path == MAY_EMPTY_SESSIONS && words == ["discard", "all"];
    let wrong = file.shipped_strings().filter(|(_, text)| {
        let statements = statements(text);
        statements
            .iter()
            .any(|words| outlives(words) && !is_allowed(words))
    });
    wrong
        .map(|(line, text)| {
            finding(
                file,
                *line,
                format!("a setting that outlives its transaction: {text:?}"),
            )
        })
        .collect()
}

/// Columns are named.
pub(super) fn star(file: &SourceFile) -> Vec<Finding> {
    if !file.is_shipped() {
        return Vec::new();
    }
    let stars = file.shipped_strings().filter(|(_, text)| has_star(&words(text)));
    stars
        .map(|(line, text)| finding(file, *line, format!("columns are named, never *: {text:?}")))
        .collect()
}

/// I5: a tenant's code asks `catalog` instead of reading its tables.
pub(super) fn catalog_tables_in_tenant_schema(file: &SourceFile) -> Vec<Finding> {
    if file.krate() != "tenant-schema" || !file.is_shipped() {
        return Vec::new();
    }
    let named = |words: &[String]| {
        words
            .windows(2)
            .any(|pair| pair[0] == "catalog" && pair[1] == ".")
    };
    let reads = file
        .shipped_strings()
        .filter(|(_, text)| is_sql(&words(text)) && named(&words(text)));
    reads
        .map(|(line, text)| finding(file, *line, format!("reads the catalog by SQL: {text:?}")))
        .collect()
}

/// `select *` and `returning *`, also behind a name (`select c.*`).
fn has_star(words: &[String]) -> bool {
    (0..words.len()).any(|at| {
        let after = match words[at].as_str() {
            "select" if words.get(at + 1).is_some_and(|word| word == "distinct") => at + 2,
            "select" | "returning" => at + 1,
            _ => return false,
        };
        let is = |offset: usize, sign: &str| words.get(after + offset).is_some_and(|word| word == sign);
        is(0, "*") || (is(1, ".") && is(2, "*"))
    })
}

fn statements(text: &str) -> Vec<Vec<String>> {
    text.split(';')
        .map(words)
        .filter(|words| !words.is_empty())
        .collect()
}

/// Whether a text reads like a statement. English begins with the same verbs, so the next words count too.
fn is_sql(words: &[String]) -> bool {
    let has = |word: &str| words.iter().any(|other| other == word);
    let second = words.get(1).map_or("", String::as_str);
    match words.first().map_or("", String::as_str) {
        "select" => has("from") || words.iter().any(|word| word == "(") || has("$"),
        "insert" => second == "into",
        "update" => has("set"),
        "delete" => second == "from" && (has("where") || words.len() == 3),
        "with" => has("as") && has("select"),
        "set" => ["local", "session", "role", "search_path"].contains(&second),
        "begin" | "commit" | "rollback" => words.len() == 1 || second == "read",
        "reset" | "discard" | "listen" | "notify" | "truncate" => words.len() == 2,
        _ => is_ddl(words),
    }
}

fn is_ddl(words: &[String]) -> bool {
    let has = |word: &str| words.iter().any(|other| other == word);
    let second = words.get(1).map_or("", String::as_str);
    match words.first().map_or("", String::as_str) {
        // "create a tenant" is English, "create schema if not exists" is not; "create user" is both, and is a command.
        "create" | "alter" | "drop" => KINDS.contains(&second) && words.len() > 2 && second != "user",
        "comment" => second == "on",
        "grant" => has("to") && (has("on") || words.len() == 4),
        "revoke" => has("from") && has("on"),
        "do" => second == "$",
        _ => false,
    }
}

fn outlives(words: &[String]) -> bool {
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    // "set the permissions of" is English; `set a = 1`, `set a.b to 1` and `set role x` are not.
    let sets = match word(0) {
        "set" => ["role", "session"].contains(&word(1)) || ["=", "to", "."].contains(&word(2)),
        "reset" | "discard" => words.len() == 2,
        _ => false,
    };
    sets || has_session_set_config(words)
}

/// `set_config(name, value, is_local)` whose last argument is not `true`.
fn has_session_set_config(words: &[String]) -> bool {
    (0..words.len())
        .filter(|&at| words[at] == "set_config" && words.get(at + 1).is_some_and(|word| word == "("))
        .any(|at| {
            let mut depth = 0;
            let close = (at + 1..words.len()).find(|&n| {
                match words[n].as_str() {
                    "(" => depth += 1,
                    ")" => depth -= 1,
                    _ => {}
                }
                depth == 0
            });
            close.is_none_or(|close| words[close - 1] != "true")
        })
}

#[cfg(test)]
mod shown_to_catch {
    use super::*;

    fn file(path: &str, sql: &str) -> SourceFile {
        SourceFile::new(path, &format!("//! x\nconst X: &str = \"{sql}\";\n"))
    }

    #[test]
    fn sql_in_the_server() {
        for sql in [
            "select id from contacts",
            "Select now()",
            "insert into t (a) values ($1)",
            "update t set a = 1",
            "delete from t where a = 1",
            "with x as (select 1) select a from x",
            "set local role x",
            "grant select on t to x",
            "create schema x",
            "commit",
        ] {
            assert_eq!(
                sql_outside_the_sql_crates(&file("server/src/a.rs", sql)).len(),
                1,
                "{sql}"
            );
            assert_eq!(
                sql_outside_the_sql_crates(&file("catalog/src/a.rs", sql)).len(),
                0,
                "{sql}"
            );
        }
        for english in [
            "create a tenant",
            "select an organization",
            "update failed",
            "set a password",
            "tenant create",
        ] {
            assert_eq!(
                sql_outside_the_sql_crates(&file("admin/src/a.rs", english)).len(),
                0,
                "{english}"
            );
        }
    }

    #[test]
    fn ddl_in_a_query_module() {
        for sql in [
            "create table t (a int)",
            "begin; drop role x_rw",
            "comment on table t is 'x'",
            "grant a to b",
        ] {
            assert_eq!(
                ddl_elsewhere(&file("tenant-schema/src/records.rs", sql)).len(),
                1,
                "{sql}"
            );
            assert_eq!(
                ddl_elsewhere(&file("tenant-schema/src/lifecycle.rs", sql)).len(),
                0,
                "{sql}"
            );
        }
    }

    #[test]
    fn settings_that_stay() {
        for sql in [
            "set role x",
            "begin; set search_path = a",
            "reset all",
            "discard all",
            "select set_config('role', $1, false)",
            "select set_config('a', 'b', $1)",
        ] {
            assert_eq!(session_settings(&file("catalog/src/a.rs", sql)).len(), 1, "{sql}");
        }
        for sql in [
            "begin; set local role x",
            "set constraints all immediate",
            "set local search_path = x",
            "update t set a = 1",
            "set the permissions of",
            "select set_config('a', coalesce($1, 'b'), true)",
        ] {
            assert_eq!(session_settings(&file("catalog/src/a.rs", sql)).len(), 0, "{sql}");
        }
    }

    #[test]
    fn stars() {
        for sql in [
            "select * from t",
            "select t.* from t",
            "delete from t returning *",
            "select distinct * from t",
        ] {
            assert_eq!(star(&file("catalog/src/a.rs", sql)).len(), 1, "{sql}");
        }
        assert_eq!(star(&file("catalog/src/a.rs", "select count(*) from t")).len(), 0);
    }

    #[test]
    fn a_tenant_that_reads_the_catalog() {
        let reads = file("tenant-schema/src/a.rs", "select id from catalog.users");
        assert_eq!(catalog_tables_in_tenant_schema(&reads).len(), 1);
        let system = file("tenant-schema/src/a.rs", "select oid from pg_catalog.pg_class");
        assert_eq!(catalog_tables_in_tenant_schema(&system).len(), 0);
    }
}
