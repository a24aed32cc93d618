//! The SQL of upserts, of writes that check their outcome, and of calls.

use super::*;
use crate::records::fixture::{model, prefer};

fn insert_as(object: &str, query: &str, header: &str, body: &str) -> Result<Prepared, RecordError> {
    let body = Payload::json(body.as_bytes());
    prefer(
        object,
        query,
        &Preferences::parse(header),
        Operation::Insert { body },
    )
}

fn delete_as(object: &str, query: &str, header: &str) -> Result<Prepared, RecordError> {
    let target = Target::Filtered;
    prefer(
        object,
        query,
        &Preferences::parse(header),
        Operation::Delete { target },
    )
}

#[test]
fn a_merge_keeps_keys_and_counts_what_it_merges() {
    let body = r#"[{"contact_id":"1","label_id":2,"note":"x"}]"#;
    let merged = insert_as("contact_labels", "", "resolution=merge-duplicates", body);
    insta::assert_snapshot!(shown(merged), @r#"
    with _w as (insert into "contact_labels" as t ("contact_id", "label_id", "note")
    select r."contact_id", r."label_id", r."note"
    from json_to_recordset($1::json) as r("contact_id" uuid, "label_id" integer, "note" text) on conflict ("contact_id", "label_id") do update
    set "note" = excluded."note"
    where set_config('tenantry.merged', (coalesce(nullif(current_setting('tenantry.merged', true), ''), '0')::bigint + 1)::text, true) <> ''
    returning t."contact_id", t."label_id")
    select null::text as body, count(*) as count, null::text as version, min(json_build_array(_w."contact_id"::text, _w."label_id"::text)::text) as key, count(*) - coalesce(nullif(current_setting('tenantry.merged', true), ''), '0')::bigint as inserted
    from _w
    -- [{"contact_id":"1","label_id":2,"note":"x"}]
    "#);
    let ignored = insert_as(
        "contact_labels",
        "on_conflict=note",
        "resolution=ignore-duplicates",
        body,
    );
    insta::assert_snapshot!(shown(ignored), @r#"
    with _w as (insert into "contact_labels" as t ("contact_id", "label_id", "note")
    select r."contact_id", r."label_id", r."note"
    from json_to_recordset($1::json) as r("contact_id" uuid, "label_id" integer, "note" text) on conflict ("note") do nothing
    returning t."contact_id", t."label_id")
    select null::text as body, count(*) as count, null::text as version, min(json_build_array(_w."contact_id"::text, _w."label_id"::text)::text) as key
    from _w
    -- [{"contact_id":"1","label_id":2,"note":"x"}]
    "#);
}

#[test]
fn a_merge_leaves_deleted_records_alone() {
    let merged = insert_as(
        "contacts",
        "",
        "resolution=merge-duplicates",
        r#"{"id":"7","email":"x"}"#,
    );
    insta::assert_snapshot!(shown(merged), @r#"
    with _w as (insert into "contacts" as t ("id", "email")
    select r."id", r."email"
    from json_to_recordset($1::json) as r("id" uuid, "email" text) on conflict ("id") do update
    set "email" = excluded."email"
    where t."deleted_at" is null and set_config('tenantry.merged', (coalesce(nullif(current_setting('tenantry.merged', true), ''), '0')::bigint + 1)::text, true) <> ''
    returning t."version", t."id")
    select case when a.count <> $2::bigint then current_setting(a.count || ' records are not hidden by deleted ones') else a.body end as body, a.count, a.version, a.key, a.inserted
    from (select null::text as body, count(*) as count, min(_w."version")::text as version, min(json_build_array(_w."id"::text)::text) as key, count(*) - coalesce(nullif(current_setting('tenantry.merged', true), ''), '0')::bigint as inserted
    from _w) a
    -- [{"id":"7","email":"x"}] | 1
    "#);
}

#[test]
fn a_put_is_a_merge_of_one_key() {
    let (target, body) = (Target::Id("7"), Payload::json(br#"{"id":"7","name":"One"}"#));
    let put = run("companies", "", None, Operation::Replace { target, body });
    insta::assert_snapshot!(shown(put), @r#"
    with _n as (select r."id", r."name"
    from json_to_recordset($1::json) as r("id" uuid, "name" text)
    where r."id" = $2), _w as (insert into "companies" as t ("id", "name")
    select _n."id", _n."name"
    from _n on conflict ("id") do update
    set "name" = excluded."name"
    where set_config('tenantry.merged', (coalesce(nullif(current_setting('tenantry.merged', true), ''), '0')::bigint + 1)::text, true) <> ''
    returning t."id")
    select case when (select count(*)
    from _n) <> 1 then current_setting((select count(*)
    from _n) || ' records were put at a key') else a.body end as body, a.count, a.version, a.key, a.inserted
    from (select null::text as body, count(*) as count, null::text as version, min(json_build_array(_w."id"::text)::text) as key, count(*) - coalesce(nullif(current_setting('tenantry.merged', true), ''), '0')::bigint as inserted
    from _w) a
    -- [{"id":"7","name":"One"}] | 7
    "#);
}

#[test]
fn what_some_records_leave_out_takes_the_default() {
    let body = r#"[{"id":1,"label":"a"},{"label":"b"}]"#;
    let made = insert_as("labels", "columns=id,label", "missing=default", body);
    insta::assert_snapshot!(shown(made), @r#"
    with _w as (insert into "labels" as t ("id", "label")
    select case when (e.value -> $1::text) is null then (nextval(pg_get_serial_sequence($2, $3)))::integer else r."id" end, r."label"
    from json_array_elements($4::json) as e(value)
    cross join lateral json_to_record(e.value) as r("id" integer, "label" text)
    returning 1)
    select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w
    -- id | "labels" | id | [{"id":1,"label":"a"},{"label":"b"}]
    "#);
    let null = insert_as("labels", "columns=id,label", "missing=null", body);
    insta::assert_snapshot!(shown(null), @r#"
    with _w as (insert into "labels" as t ("id", "label")
    select r."id", r."label"
    from json_to_recordset($1::json) as r("id" integer, "label" text)
    returning 1)
    select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w
    -- [{"id":1,"label":"a"},{"label":"b"}]
    "#);
}

#[test]
fn a_limited_write_finds_keys_first() {
    let gone = delete_as(
        "contact_labels",
        "note=is.null&order=label_id.desc&limit=2&offset=1",
        "",
    );
    insta::assert_snapshot!(shown(gone), @r#"
    with _w as (delete
    from "contact_labels" as t
    where t."note" is null and (t."contact_id", t."label_id") in (select t."contact_id" as c1, t."label_id" as c2
    from "contact_labels" as t
    where t."note" is null
    order by t."label_id" desc
    limit $1::bigint offset $2::bigint)
    returning 1)
    select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w
    -- 2 | 1
    "#);
}

#[test]
fn bounds_are_parameters() {
    let gone = delete_as(
        "companies",
        "name=eq.x",
        "handling=strict,max-affected=3,return=representation",
    );
    insta::assert_snapshot!(shown(gone), @r#"
    with _w as (delete
    from "companies" as t
    where t."name" = $1
    returning t."id", t."name")
    select case when a.count > $2::bigint then current_setting(a.count || ' records are more than max-affected') when octet_length(a.body) > 16777216 then current_setting(octet_length(a.body) || ' bytes are too many for one answer') else a.body end as body, a.count, a.version, a.key
    from (select (select coalesce(json_agg(row_to_json(r.*)), '[]')::text
    from (select t."id", t."name"
    from _w as t) r) as body, count(*) as count, null::text as version, null::text as key
    from _w) a
    -- x | 3
    "#);
}

#[test]
fn a_merge_needs_the_right_to_update() {
    let preferences = Preferences::parse("resolution=merge-duplicates");
    let body = Payload::json(b"[]");
    let cursors = fixture::cursors();
    let request = Request::new("companies", "", &preferences, Rights::none(), &cursors);
    let target = Target::Id("7");
    let put = Payload::json(br#"{"id":"7"}"#);
    for operation in [
        Operation::Insert { body },
        Operation::Replace { target, body: put },
    ] {
        let refused = prepare(&model(), &request, operation, Limits::default(), &mut Uuid::nil);
        let refused = refused.unwrap_err();
        assert_eq!((refused.status(), refused.code()), (403, "42501"));
    }
}

#[test]
fn preferences_that_made_a_difference_are_listed() {
    let all = "resolution=merge-duplicates,missing=default,return=minimal,count=exact,tx=commit,\
        handling=strict,max-affected=9";
    let applied = |prepared: Result<Prepared, RecordError>| prepared.unwrap().applied.unwrap();
    assert_eq!(
        applied(insert_as("companies", "", all, r#"{"name":"x"}"#)),
        "resolution=merge-duplicates, missing=default, return=minimal, count=exact, tx=commit, handling=strict"
    );
    assert_eq!(
        applied(delete_as("companies", "id=eq.1", all)),
        "return=minimal, count=exact, tx=commit, handling=strict, max-affected=9"
    );
    let preferences = Preferences::parse(all);
    assert_eq!(
        applied(prefer("companies", "", &preferences, Operation::List)),
        "count=exact, tx=commit, handling=strict"
    );
    let unknown = Preferences::parse("handling=strict,foo");
    let refused = prefer("companies", "", &unknown, Operation::List).unwrap_err();
    assert_eq!((refused.status(), refused.code()), (400, "PGRST122"));
}

/// Two functions of one name, one of records, and one that takes a body.
const FUNCTIONS: &str = r#"[
    {"kind":"table","name":"people","comment":null,"events":28,"fields":[
        {"name":"id","type_name":"integer","base_type":"integer","category":"N"}]},
    {"kind":"function","name":"add","comment":null,"volatility":"i","parameters":[
        {"name":"a","type_name":"integer","base_type":"integer","category":"N"},
        {"name":"b","type_name":"integer","base_type":"integer","category":"N","has_default":true}],
        "returns":{"type_name":"integer","base_type":"integer","category":"N"}},
    {"kind":"function","name":"hire","comment":null,"volatility":"v","set":true,"row_of":"people","parameters":[
        {"name":"ids","type_name":"integer[]","base_type":"integer[]","category":"A","variadic":true}],
        "returns":{"type_name":"people","base_type":"people","category":"C"}},
    {"kind":"function","name":"keep","comment":null,"volatility":"v","parameters":[
        {"name":"","type_name":"jsonb","base_type":"jsonb","category":"U"}],
        "returns":{"type_name":"void","base_type":"void","category":"P"}}]"#;

fn call(name: &str, query: &str, by: CallBy<'_>) -> Result<Prepared, RecordError> {
    call_as(name, query, "", by)
}

fn call_as(name: &str, query: &str, prefer: &str, by: CallBy<'_>) -> Result<Prepared, RecordError> {
    let model = SchemaModel::from_json(FUNCTIONS).unwrap();
    let (preferences, cursors) = (Preferences::parse(prefer), fixture::cursors());
    let request = Request::new(name, query, &preferences, Rights::none(), &cursors);
    prepare(
        &model,
        &request,
        Operation::Call(by),
        Limits::default(),
        &mut Uuid::nil,
    )
}

#[test]
fn a_range_is_for_what_is_read() {
    let model = SchemaModel::from_json(FUNCTIONS).unwrap();
    let limits = |by| {
        let (preferences, cursors) = (Preferences::default(), fixture::cursors());
        let range = RowRange {
            first: 10,
            last: Some(14),
        };
        let request = Request {
            range: Some(range),
            ..Request::new("hire", "ids=1", &preferences, Rights::none(), &cursors)
        };
        prepare(
            &model,
            &request,
            Operation::Call(by),
            Limits::default(),
            &mut Uuid::nil,
        )
    };
    let read = limits(CallBy::Get).unwrap();
    assert_eq!(params(&read), [r#"{"1"}"#, "5", "10"]);
    // With a body, what stands in the query string is about the results.
    assert_eq!(limits(post(r#"{"ids":[1]}"#)).unwrap_err().code(), "42703");
}

fn post(body: &str) -> CallBy<'_> {
    CallBy::Post(Payload::json(body.as_bytes()))
}

#[test]
fn arguments_are_named() {
    insta::assert_snapshot!(shown(call("add", "a=1", CallBy::Get)), @r#"
    bounded (select coalesce(min(to_json(r.v)::text), 'null') as body, count(*) as count, null::text as version, null::text as key
    from (select t.v
    from "add"("a" => $1::integer) as t(v)) r) a
    -- 1
    "#);
    insta::assert_snapshot!(shown(call("add", "", post(r#"{"b":2,"a":1}"#))), @r#"
    bounded (select coalesce(min(to_json(r.v)::text), 'null') as body, count(*) as count, null::text as version, null::text as key
    from (select t.v
    from json_to_record($1::json) as g("b" integer, "a" integer)
    cross join lateral "add"("b" => g."b", "a" => g."a") as t(v)) r) a
    -- {"b":2,"a":1}
    "#);
    insta::assert_snapshot!(shown(call("hire", "id=gt.1&order=id", post(r#"{"ids":[1]}"#))), @r#"
    bounded (select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, null::text as version, null::text as key
    from (select t."id"
    from json_to_record($1::json) as g("ids" integer[])
    cross join lateral "hire"(variadic "ids" => g."ids") as t
    where t."id" > $2
    order by t."id"
    limit $3::bigint) r) a
    -- {"ids":[1]} | 1 | 1000
    "#);
    insta::assert_snapshot!(shown(call("hire", "ids=1&ids=2", CallBy::Get)), @r#"
    bounded (select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, null::text as version, null::text as key
    from (select t."id"
    from "hire"(variadic "ids" => $1::integer[]) as t
    limit $2::bigint) r) a
    -- {"1","2"} | 1000
    "#);
    insta::assert_snapshot!(shown(call("keep", "", post("[1]"))), @r#"
    bounded (select null::text as body, count(*) as count, null::text as version, null::text as key
    from "keep"($1::jsonb) as t) a
    -- [1]
    "#);
}

#[test]
fn only_a_posted_function_that_may_write_writes() {
    assert_eq!(
        call("add", "", post(r#"{"a":1}"#)).unwrap().mode(),
        Mode::ReadOnly
    );
    assert_eq!(call("hire", "ids=1", CallBy::Get).unwrap().mode(), Mode::ReadOnly);
    let keep = call("keep", "", post("{}")).unwrap();
    assert_eq!(keep.mode(), Mode::ReadWrite);
}

#[test]
fn what_a_function_writes_is_not_undone_by_who_calls_it() {
    let ends = |name, prefer, by| {
        let prepared = call_as(name, "", prefer, by).unwrap();
        (prepared.end, prepared.applied)
    };
    let (commit, rollback) = (Some("tx=commit".to_owned()), Some("tx=rollback".to_owned()));
    assert_eq!(ends("keep", "tx=rollback", post("{}")), (End::Commit, None));
    assert_eq!(ends("keep", "tx=commit", post("{}")), (End::Commit, commit));
    assert_eq!(
        ends("add", "tx=rollback", post(r#"{"a":1}"#)),
        (End::Rollback, rollback)
    );
}

#[test]
fn an_unknown_function_is_refused_before_its_body_is_read() {
    let refused = call("ad", "", post("{")).unwrap_err();
    assert_eq!((refused.status(), refused.code()), (404, "PGRST202"));
    assert_eq!(call("add", "", post("{")).unwrap_err().code(), "PGRST102");
}

#[test]
fn names_are_looked_for_as_long_as_a_function_may_have_them() {
    let body = |count: usize| {
        let members = (0..count).map(|n| format!("\"k{n}\":1"));
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    let refused = call("hire", "", post(&body(100_000))).unwrap_err();
    assert_eq!((refused.status(), refused.code()), (404, "PGRST202"));
    assert!(
        call("keep", "", post(&body(100_000))).is_ok(),
        "a body as a whole"
    );
    let wanted = (0..1500).map(|n| format!("k{n}")).collect::<Vec<_>>().join(",");
    let refused = call("hire", &format!("columns={wanted}"), post(&body(100_000))).unwrap_err();
    assert_eq!(refused.code(), "PGRST202");
}

#[test]
fn a_function_is_found_by_its_arguments() {
    for (name, by, searched) in [
        ("add", CallBy::Get, "add without parameters"),
        (
            "add",
            post(r#"{"c":1}"#),
            "add with parameter c or with a single unnamed json/jsonb parameter",
        ),
        (
            "add",
            post("[]"),
            "add with a single unnamed json/jsonb parameter",
        ),
        ("keep", CallBy::Get, "keep without parameters"),
    ] {
        let refused = call(name, "", by).unwrap_err();
        assert_eq!((refused.status(), refused.code()), (404, "PGRST202"));
        let expected = format!("Searched for the function {searched}, but no matches were found");
        assert_eq!(refused.details(), Some(expected));
    }
    let hint = call("ad", "", CallBy::Get).unwrap_err().hint();
    assert_eq!(
        hint.as_deref(),
        Some("Perhaps you meant to call the function add")
    );
}
