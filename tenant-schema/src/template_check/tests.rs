//! Each rule by itself, on one file.

use super::*;

fn found(sql: &str) -> Vec<(&'static str, usize)> {
    let file = SqlFile {
        name: "V1__a.sql".to_owned(),
        text: sql.to_owned(),
    };
    let findings = check(&[file], Target::PostgreSql);
    findings
        .iter()
        .map(|finding| (finding.rule.name(), finding.line))
        .collect()
}

#[test]
fn what_the_rules_allow_is_not_found() {
    for sql in [
        "create table t (id bigint constraint t_pkey primary key, at timestamptz, b timestamp with time zone)",
        "create table t (a int, constraint t_a_fkey foreign key (a) references u (id), constraint t_k unique (a))",
        "alter table t add constraint t_check check (a > 0)",
        "select count(*), 2 * 3 from t where extract(epoch from t.a) > 1 and a.b is distinct from c.d",
        "revoke execute on function f() from public; comment on table t is 'it''s public. create type @access read'",
        "create function f() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as
         $$ begin execute format('x') using new.id, old.b; select a into new.c from t; return new; end $$",
        "create function f() returns int begin atomic select case when true then 1 end; end",
        "do $$ begin perform pg_catalog.now(); end $$",
        "set local check_function_bodies = off; set constraints all immediate",
        "create index i on t (a); create trigger x after insert or update of a on t for each row execute function f()",
        "create policy p on t using (t.a = 1)",
        "create view v as select a.b, c.d::text from a join c on a.b = c.d",
        "alter table t alter column a set default now(); alter sequence s owned by t.a",
        "-- select * from public.x\n/* commit; */ select 1",
        "comment on column t.a is 'A.\n@access hidden'",
        "insert into t (a) values ('public.x')",
        "insert into t (timestamp) values (1); select timestamp from t",
    ] {
        assert_eq!(found(sql), [], "{sql}");
    }
}

/// A file, the rule it breaks, and the line.
const FORBIDDEN: &[(&str, &str, usize)] = &[
    ("\ncreate table app.t (a int)", "schema-name", 2),
    ("alter table public.t drop a", "schema-name", 1),
    ("drop view a.v", "schema-name", 1),
    ("comment on column a.t.c is 'x'", "schema-name", 1),
    ("create index i on a.t (b)", "schema-name", 1),
    (
        "create trigger x before update on a.t for each row execute function f()",
        "schema-name",
        1,
    ),
    (
        "create trigger x before update on t for each row execute function a.f()",
        "schema-name",
        1,
    ),
    ("insert into a.t (b) values (1)", "schema-name", 1),
    ("select b\nfrom a.t", "schema-name", 2),
    ("select a.f(1)", "schema-name", 1),
    ("select x::a.b", "schema-name", 1),
    ("select extensions.x", "schema-name", 1),
    (
        "create function f() returns int language sql as $$\nselect 1 from a.t $$",
        "schema-name",
        2,
    ),
    (
        "create table t (a int constraint x references catalog.users (id))",
        "catalog-reference",
        1,
    ),
    ("create view v as\n select distinct * from t", "select-star", 2),
    ("delete from t returning t.*", "select-star", 1),
    ("select 1;\nbegin", "transaction", 2),
    ("commit", "transaction", 1),
    ("prepare transaction 'x'", "transaction", 1),
    ("vacuum t", "outside-transaction", 1),
    ("create index concurrently i on t (a)", "concurrently", 1),
    ("set search_path = x", "session-setting", 1),
    ("set local search_path = x", "session-setting", 1),
    (
        "select pg_catalog.set_config('search_path', '', false)",
        "session-setting",
        1,
    ),
    ("reset all", "session-setting", 1),
    ("grant select on t to web_anon", "rights", 1),
    ("revoke select on t from web_anon", "rights", 1),
    ("alter table t owner to x", "rights", 1),
    ("create extension citext", "extension", 1),
    ("create schema if not exists x", "schema", 1),
    ("create role x", "shared-object", 1),
    (
        "create event trigger e on ddl_command_end execute function f()",
        "shared-object",
        1,
    ),
    ("create type mood as enum ('a')", "own-type", 1),
    ("create domain d as text", "own-type", 1),
    (
        "create function f() returns int language sql\nsecurity definer as $$ select 1 $$",
        "definer-path",
        2,
    ),
    (
        "create table t (a int,\n b timestamp(3) not null)",
        "timestamp",
        2,
    ),
    ("select a::timestamp", "timestamp", 1),
    ("create table t (\n a int primary key)", "unnamed-constraint", 2),
    ("create table t (a int, unique (a))", "unnamed-constraint", 1),
    ("create table t (a int references b)", "unnamed-constraint", 1),
    (
        "alter table t add foreign key (a) references b (c)",
        "unnamed-constraint",
        1,
    ),
    ("create table t (a int check (a > 0))", "unnamed-constraint", 1),
    ("comment on table t is 'People.\n@access raed'", "access-line", 2),
    (
        "comment on table t is\n$$@access read\nPeople.$$",
        "access-line",
        2,
    ),
    ("comment on index i is '@access read'", "access-unused", 1),
    (
        "comment on column t.version is '@access hidden'",
        "access-unused",
        1,
    ),
    (
        "comment on column t.deletion_id is '@access hidden'",
        "access-unused",
        1,
    ),
    (
        "create table if not exists _idempotency_keys (a int)",
        "engine-name",
        1,
    ),
    ("drop table _idempotency_keys", "engine-name", 1),
    ("create table refinery_schema_history (a int)", "engine-name", 1),
    ("\\connect x", "psql-command", 1),
    ("copy t from stdin", "copy", 1),
    ("select 1;\nselect 'a", "unreadable", 2),
];

#[test]
fn what_the_rules_forbid_is_found_where_it_stands() {
    for (sql, rule, line) in FORBIDDEN {
        assert_eq!(found(sql), [(*rule, *line)], "{sql}");
    }
}

#[test]
fn files_have_names_and_numbers() {
    let named = |names: &[&str]| {
        let files = names.iter().map(|name| SqlFile {
            name: (*name).to_owned(),
            text: String::new(),
        });
        let findings = check(&files.collect::<Vec<_>>(), Target::PostgreSql);
        let found = findings
            .iter()
            .map(|finding| (finding.file.clone(), finding.rule.name()));
        found.collect::<Vec<_>>()
    };
    assert_eq!(named(&["V1__a.sql", "V2__b_2.sql", "more/V3__C.sql"]), []);
    for (names, file, rule) in [
        (&["V1__a.sql", "V3__b.sql"][..], "V3__b.sql", "file-gap"),
        (&["V1__a.sql", "V1__b.sql"], "V1__b.sql", "file-number"),
        (&["V1__a.sql", "V2_b.sql"], "V2_b.sql", "file-name"),
        (&["V1__a.sql", "U2__b.sql"], "U2__b.sql", "file-name"),
        (&["V1__a.sql", "V+2__b.sql"], "V+2__b.sql", "file-name"),
        (&["V1__a.sql", "2.sql"], "2.sql", "file-name"),
    ] {
        assert_eq!(named(names), [(file.to_owned(), rule)], "{names:?}");
    }
}

#[test]
fn the_template_that_ships_breaks_no_rule() {
    let files = files_of_template(&Template::shipped());
    assert_eq!(files, files_of(Path::new("migrations")).unwrap());
    assert_eq!(check(&files, Target::PostgreSql), []);
}
