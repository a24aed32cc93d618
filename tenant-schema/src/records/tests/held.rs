//! The SQL of writes that ask for a state of their record, and of those whose answers are kept.

use catalog::actor::Actor;
use catalog::schema_name::SchemaName;

use super::*;
use crate::records::fixture::model;

fn ask(
    object: &str,
    conditions: &Conditions,
    header: &str,
    claim: Option<&Claim>,
    operation: Operation<'_>,
) -> Result<Prepared, RecordError> {
    let (preferences, cursors) = (Preferences::parse(header), fixture::cursors());
    let request = Request {
        conditions,
        claim,
        ..Request::new(object, "", &preferences, Rights::by(&|_, _| true), &cursors)
    };
    prepare(&model(), &request, operation, Limits::default(), &mut || {
        Uuid::from_u128(7)
    })
}

fn if_match(value: &str) -> Conditions {
    Conditions::parse(Some(value), None).unwrap()
}

fn unless(value: &str) -> Conditions {
    Conditions::parse(None, Some(value)).unwrap()
}

const TARGET: Target<'_> = Target::Id("1");

fn change() -> Operation<'static> {
    Operation::Update {
        target: TARGET,
        body: Payload::json(b"{\"email\":\"a@x.example\"}"),
    }
}

fn put() -> Operation<'static> {
    Operation::Replace {
        target: TARGET,
        body: Payload::json(b"{\"id\":\"1\",\"email\":\"a@x.example\"}"),
    }
}

#[test]
fn the_statement_that_writes_decides() {
    let changed = ask("contacts", &if_match("\"7\", W/\"8\", \"x\""), "", None, change());
    insta::assert_snapshot!(shown(changed), @r#"
    with _w as (update "contacts" as t
    set "email" = r."email"
    from json_to_record($1::json) as r("email" text)
    where t."id" = $2 and t."deleted_at" is null and t."version" = any($3::bigint[])
    returning t."version")
    select case when case when a.count = 0 then (select case when not (c."version" = any($4::bigint[])) then current_setting(c."version" || ' is the version of the record now ') end
    from (select t."version"
    from "contacts" as t
    where t."id" = $5 and t."deleted_at" is null for no key update) c) end is not null then null else a.body end as body, a.count, a.version, a.key
    from (select null::text as body, count(*) as count, min(_w."version")::text as version, null::text as key
    from _w) a
    -- {"email":"a@x.example"} | 1 | {7} | {7} | 1
    "#);
    let remove = Operation::Delete { target: TARGET };
    let removed = ask("contacts", &unless("\"7\""), "", None, remove);
    insta::assert_snapshot!(shown(removed), @r#"
    with _w as (update "contacts" as t
    set deleted_at = now()
    where t."id" = $1 and t."deleted_at" is null and t."version" <> all($2::bigint[])
    returning t."version")
    select case when case when a.count = 0 then (select case when not (c."version" <> all($3::bigint[])) then current_setting(c."version" || ' is the version of the record now ') end
    from (select t."version"
    from "contacts" as t
    where t."id" = $4 and t."deleted_at" is null for no key update) c) end is not null then null else a.body end as body, a.count, a.version, a.key
    from (select null::text as body, count(*) as count, min(_w."version")::text as version, null::text as key
    from _w) a
    -- 1 | {7} | {7} | 1
    "#);
    let restored = ask(
        "contacts",
        &if_match("\"7\""),
        "",
        None,
        Operation::Restore { id: "1" },
    );
    insta::assert_snapshot!(shown(restored), @r#"
    with _w as (update "contacts" as t
    set deleted_at = null
    where t."id" = $1 and t.deleted_at is not null and t."version" = any($2::bigint[])
    returning t."version"), _l as (select
    from "contacts" as t
    where t."id" = $3)
    select case when case when a.count = 0 then (select case when not (c."version" = any($4::bigint[])) then current_setting(c."version" || ' is the version of the record now ') end
    from (select t."version"
    from "contacts" as t
    where t."id" = $5 and t."deleted_at" is not null for no key update) c) end is not null then null when (select count(*)
    from _l
    where a.count = 0) > 0 then current_setting((select count(*)
    from _l
    where a.count = 0) || ' records are not deleted') else a.body end as body, a.count, a.version, a.key
    from (select null::text as body, count(*) as count, min(_w."version")::text as version, null::text as key
    from _w) a
    -- 1 | {7} | 1 | {7} | 1
    "#);
    // Whatever is there.
    let any = ask("contacts", &if_match("*"), "", None, change()).unwrap();
    let plain = ask("contacts", &Conditions::NONE, "", None, change()).unwrap();
    assert_eq!(any.text(), plain.text());
}

#[test]
fn a_put_locks_what_must_be_there() {
    let replaced = ask("contacts", &if_match("\"7\""), "", None, put());
    insta::assert_snapshot!(shown(replaced), @r#"
    with _n as (select r."id", r."email"
    from json_to_recordset($1::json) as r("id" uuid, "email" text)
    where r."id" = $2), _w as (insert into "contacts" as t ("id", "email")
    select _n."id", _n."email"
    from _n
    cross join (select t."version"
    from "contacts" as t
    where t."id" = $3 and t."deleted_at" is null for no key update) c on conflict ("id") do update
    set "email" = excluded."email"
    where t."deleted_at" is null and t."version" = any($4::bigint[]) and set_config('tenantry.merged', (coalesce(nullif(current_setting('tenantry.merged', true), ''), '0')::bigint + 1)::text, true) <> ''
    returning t."id")
    select case when (select count(*)
    from _n) <> 1 then current_setting((select count(*)
    from _n) || ' records were put at a key') when case when a.count = 0 then coalesce((select current_setting(c."version" || ' is the version of the record now ')
    from (select t."version"
    from "contacts" as t
    where t."id" = $5 and t."deleted_at" is null for no key update) c), current_setting(a.count || ' is the version of the record now')) end is not null then null when a.count <> $6::bigint then current_setting(a.count || ' records are not hidden by deleted ones') else a.body end as body, a.count, a.version, a.key, a.inserted
    from (select null::text as body, count(*) as count, null::text as version, min(json_build_array(_w."id"::text)::text) as key, count(*) - coalesce(nullif(current_setting('tenantry.merged', true), ''), '0')::bigint as inserted
    from _w) a
    -- [{"id":"1","email":"a@x.example"}] | 1 | 1 | {7} | 1 | 1
    "#);
    let added = ask("contacts", &unless("*"), "", None, put());
    insta::assert_snapshot!(shown(added), @r#"
    with _n as (select r."id", r."email"
    from json_to_recordset($1::json) as r("id" uuid, "email" text)
    where r."id" = $2), _w as (insert into "contacts" as t ("id", "email")
    select _n."id", _n."email"
    from _n on conflict ("id") do nothing
    returning t."id")
    select case when (select count(*)
    from _n) <> 1 then current_setting((select count(*)
    from _n) || ' records were put at a key') when case when a.count = 0 then coalesce((select current_setting(c."version" || ' is the version of the record now ')
    from (select t."version"
    from "contacts" as t
    where t."id" = $3 and t."deleted_at" is null for no key update) c), current_setting(a.count || ' is the version of the record now')) end is not null then null else a.body end as body, a.count, a.version, a.key
    from (select null::text as body, count(*) as count, null::text as version, min(json_build_array(_w."id"::text)::text) as key
    from _w) a
    -- [{"id":"1","email":"a@x.example"}] | 1 | 1
    "#);
}

#[test]
fn an_answer_is_kept_by_the_statement_that_makes_it() {
    let tenant = SchemaName::from_opaque(Uuid::nil());
    let key = IdempotencyKey::parse("k").unwrap();
    let caller = Actor::Operator("o".to_owned());
    let claim = Claim::new(&tenant, &caller, &key, Fingerprint::default());
    let ask = |prefer, operation| ask("contacts", &Conditions::NONE, prefer, Some(&claim), operation);
    let body = Payload::json(b"{\"email\":\"a@x.example\"}");
    let added = ask("return=representation", Operation::Insert { body });
    insta::assert_snapshot!(shown(added), @r#"
    with _w as (insert into "contacts" as t ("id", "email")
    select r."id", r."email"
    from json_to_recordset($1::json) as r("id" uuid, "email" text)
    returning t."id", t."company_id", t."first_name", t."email", t."score", t."version", t."deleted_at"), _a as (select case when octet_length(a.body) > 16777216 then current_setting(octet_length(a.body) || ' bytes are too many for one answer') when octet_length(a.body) > 1048576 then current_setting(octet_length(a.body) || ' bytes are too many to be kept') else a.body end as body, a.count, a.version, a.key
    from (select (select coalesce(json_agg(row_to_json(r.*)), '[]')::text
    from (select t."id", t."company_id", t."first_name", t."email", t."score", t."version", t."deleted_at"
    from _w as t) r) as body, count(*) as count, min(_w."version")::text as version, min(json_build_array(_w."id"::text)::text) as key
    from _w) a), _kept as (insert into _idempotency_keys (day, digest, fingerprint, kept_at, body, count, version, key, extra)
    select floor(extract(epoch
    from now()) / 86400)::integer, decode($2::text, 'hex'), decode($3::text, 'hex'), now(), _a.body, _a.count, _a.version, _a.key, null
    from _a)
    select _a.body, _a.count, _a.version, _a.key
    from _a
    -- [{"id":"00000000-0000-0000-0000-000000000007","email":"a@x.example"}] | c5b4d378962f6eff295d94919eb9bf89ffdf2b3aa74f5cbf38370539c7e20f43 | e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
    "#);
    let kept = ask("", change()).unwrap();
    assert!(
        kept.text().contains("from _a where _a.count > 0"),
        "a record that is not there is no answer"
    );
    assert_eq!(ask("", Operation::Get { id: "1" }).unwrap().claim, None);
}

#[test]
fn a_merge_that_nothing_can_do_is_refused_where_that_is_to_be_told() {
    let strict = "merge=disjoint, handling=strict";
    let body = Payload::json(b"{\"id\":\"1\"}");
    for (object, operation, is_refused) in [
        ("contacts", change(), true),
        ("contacts", put(), true),
        ("contacts", Operation::Insert { body }, true),
        ("contacts", Operation::Delete { target: TARGET }, true),
        ("contacts", Operation::Restore { id: "1" }, true),
        ("contacts", Operation::Purge { id: "1" }, true),
        ("contacts", Operation::Get { id: "1" }, false),
        ("contacts", Operation::List, false),
    ] {
        for (header, is_refused) in [(strict, is_refused), ("merge=disjoint", false)] {
            let asked = ask(object, &Conditions::NONE, header, None, operation);
            let code = asked.err().map(|error| error.code().to_owned());
            assert_eq!(
                code,
                is_refused.then(|| "PGRST122".to_owned()),
                "{operation:?} {header}"
            );
        }
    }
}

#[test]
fn conditions_are_never_passed_over() {
    let tags = if_match("\"1\"");
    let code = |object, operation| {
        let refused = ask(object, &tags, "", None, operation).unwrap_err();
        refused.code().to_owned()
    };
    let (target, body) = (Target::Filtered, Payload::json(b"{}"));
    for (object, operation) in [
        ("contacts", Operation::List),
        ("contacts", Operation::Insert { body }),
        ("contacts", Operation::Delete { target }),
        ("contacts", Operation::Update { target, body }),
        ("contacts", Operation::Replace { target, body }),
        ("companies", Operation::Get { id: "1" }),
        ("companies", Operation::Delete { target: TARGET }),
    ] {
        assert_eq!(code(object, operation), "condition_unsupported", "{operation:?}");
    }
}
