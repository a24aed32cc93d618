//! The engine from request to SQL, and from row to answer.

use super::fixture::{delete, get, insert, list, run, update};
use super::*;

mod bin;
mod cursors;
mod embeds;
mod held;
mod rights;
mod writes;

const REPRESENTATION: Option<Return> = Some(Return::Representation);

fn params(prepared: &Prepared) -> Vec<&str> {
    prepared
        .query()
        .params
        .iter()
        .filter_map(|param| param.value.as_deref())
        .collect()
}

/// What stands around a statement whose answer may be too large; shown as `bounded (`.
const BOUNDED: &str = "select case when octet_length(a.body) <= 16777216 then a.body \
    else current_setting(octet_length(a.body) || ' bytes are too many for one answer') end as body, \
    a.count, a.version, a.key from (";

/// Statement and values as one text to compare, with a line for each clause.
fn shown(prepared: Result<Prepared, RecordError>) -> String {
    let prepared = prepared.unwrap();
    let mut text = prepared.query().text.replace(BOUNDED, "bounded (");
    for clause in [
        "from",
        "cross join",
        "where",
        "order by",
        "limit",
        "returning",
        "select",
        "set",
    ] {
        text = text.replace(&format!(" {clause} "), &format!("\n{clause} "));
    }
    format!("{text}\n-- {}", params(&prepared).join(" | "))
}

fn refused(prepared: Result<Prepared, RecordError>) -> (String, u16, String, Option<String>) {
    let error = prepared.unwrap_err();
    (
        error.code().to_owned(),
        error.status(),
        error.message(),
        error.hint(),
    )
}

#[test]
fn a_list_hides_deleted_records_and_search_vectors() {
    insta::assert_snapshot!(shown(list("contacts", "")), @r#"
    bounded (select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, null::text as version, null::text as key
    from (select t."id", t."company_id", t."first_name", t."email", t."score", t."version", t."deleted_at"
    from "contacts" as t
    where t."deleted_at" is null
    limit $1::bigint) r) a
    -- 1000
    "#);
}

#[test]
fn a_list_says_what_was_asked() {
    let query = "select=id,name:first_name&score=gte.10&score=lt.20&email=not.is.null&order=score.desc.nullslast,id&limit=20&offset=40";
    insta::assert_snapshot!(shown(list("contacts", query)), @r#"
    bounded (select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, null::text as version, null::text as key
    from (select t."id", t."first_name" as "name"
    from "contacts" as t
    where t."score" >= $1 and t."score" < $2 and not (t."email" is null) and t."deleted_at" is null
    order by t."score" desc nulls last, t."id"
    limit $3::bigint offset $4::bigint) r) a
    -- 10 | 20 | 20 | 40
    "#);
}

#[test]
fn logic_and_lists_become_one_parameter_each() {
    let query = "or=(score.eq.1,and(first_name.neq.\"a,b\",score.is.null))&id=in.(1,\"2\")&deleted_at=not.is.null&select=id";
    insta::assert_snapshot!(shown(list("contacts", query)), @r#"
    bounded (select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, null::text as version, null::text as key
    from (select t."id"
    from "contacts" as t
    where (t."score" = $1 or (t."first_name" <> $2 and t."score" is null)) and t."id" = any ($3) and not (t."deleted_at" is null)
    limit $4::bigint) r) a
    -- 1 | a,b | {"1","2"} | 1000
    "#);
}

#[test]
fn exact_numbers_leave_as_text() {
    insta::assert_snapshot!(shown(list("deals", "select=price:value,probability,position,prices")), @r#"
    bounded (select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, null::text as version, null::text as key
    from (select t."value"::text as "price", t."probability", t."position"::text as "position", t."prices"::text[] as "prices"
    from "deals" as t
    limit $1::bigint) r) a
    -- 1000
    "#);
}

#[test]
fn one_record_brings_its_version_even_when_not_selected() {
    insta::assert_snapshot!(shown(get("contacts", "7", "select=email")), @r#"
    select row_to_json(r.*)::text as body, 1::bigint as count, t."version"::text as version, null::text as key
    from "contacts" as t
    cross join lateral (select t."email") r
    where t."id" = $1 and t."deleted_at" is null
    -- 7
    "#);
    insta::assert_snapshot!(shown(get("companies", "7", "")), @r#"
    select row_to_json(r.*)::text as body, 1::bigint as count, null::text as version, null::text as key
    from "companies" as t
    cross join lateral (select t."id", t."name") r
    where t."id" = $1
    -- 7
    "#);
}

#[test]
fn an_insert_gives_ids_and_a_location() {
    insta::assert_snapshot!(shown(insert("contacts", r#"{"email":"a@x.example"}"#)), @r#"
    with _w as (insert into "contacts" as t ("id", "email")
    select r."id", r."email"
    from json_to_recordset($1::json) as r("id" uuid, "email" text)
    returning t."version", t."id")
    select null::text as body, count(*) as count, min(_w."version")::text as version, min(json_build_array(_w."id"::text)::text) as key
    from _w
    -- [{"id":"00000000-0000-0000-0000-000000000001","email":"a@x.example"}]
    "#);
    let body = br#"[{"name":"One"},{"name":"Two"}]"#;
    let prepared = run(
        "companies",
        "select=id",
        REPRESENTATION,
        Operation::Insert {
            body: Payload::json(body),
        },
    );
    insta::assert_snapshot!(shown(prepared), @r#"
    with _w as (insert into "companies" as t ("id", "name")
    select r."id", r."name"
    from json_to_recordset($1::json) as r("id" uuid, "name" text)
    returning t."id") bounded (select (select coalesce(json_agg(row_to_json(r.*)), '[]')::text
    from (select t."id"
    from _w as t) r) as body, count(*) as count, null::text as version, null::text as key
    from _w) a
    -- [{"id":"00000000-0000-0000-0000-000000000001","name":"One"},{"id":"00000000-0000-0000-0000-000000000002","name":"Two"}]
    "#);
}

#[test]
fn an_insert_without_columns_makes_rows_of_defaults() {
    insta::assert_snapshot!(shown(insert("labels", "[{},{}]")), @r#"
    with _w as (insert into "labels" as t select
    from json_array_elements($1::json)
    returning 1)
    select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w
    -- [{},{}]
    "#);
    insta::assert_snapshot!(shown(insert("companies", "[]")), @r#"
    with _w as (insert into "companies" as t select
    from json_array_elements($1::json)
    returning 1)
    select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w
    -- []
    "#);
}

#[test]
fn an_update_by_id_answers_with_one_object() {
    let target = Target::Id("7");
    let prepared = run(
        "contacts",
        "select=email",
        REPRESENTATION,
        Operation::Update {
            target,
            body: Payload::json(br#"{"score":12.50}"#),
        },
    );
    insta::assert_snapshot!(shown(prepared), @r#"
    with _w as (update "contacts" as t
    set "score" = r."score"
    from json_to_record($1::json) as r("score" integer)
    where t."id" = $2 and t."deleted_at" is null
    returning t."email", t."version") bounded (select (select min(row_to_json(r.*)::text)
    from (select t."email"
    from _w as t) r) as body, count(*) as count, min(_w."version")::text as version, null::text as key
    from _w) a
    -- {"score":12.50} | 7
    "#);
}

#[test]
fn an_update_by_filter_may_change_nothing() {
    insta::assert_snapshot!(shown(update("companies", "name=eq.One", r#"{"name":"Two"}"#)), @r#"
    with _w as (update "companies" as t
    set "name" = r."name"
    from json_to_record($1::json) as r("name" text)
    where t."name" = $2
    returning 1)
    select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w
    -- {"name":"Two"} | One
    "#);
    insta::assert_snapshot!(shown(update("companies", "name=eq.One", "{}")), @r#"
    with _w as (select 1
    from "companies" as t
    where t."name" = $1)
    select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w
    -- One
    "#);
}

#[test]
fn a_delete_marks_where_it_can() {
    insta::assert_snapshot!(shown(delete("contacts", "score=lt.0")), @r#"
    with _w as (update "contacts" as t
    set deleted_at = now()
    where t."score" < $1 and t."deleted_at" is null
    returning 1)
    select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w
    -- 0
    "#);
    let prepared = run(
        "companies",
        "",
        REPRESENTATION,
        Operation::Delete {
            target: Target::Id("7"),
        },
    );
    insta::assert_snapshot!(shown(prepared), @r#"
    with _w as (delete
    from "companies" as t
    where t."id" = $1
    returning t."id", t."name") bounded (select (select min(row_to_json(r.*)::text)
    from (select t."id", t."name"
    from _w as t) r) as body, count(*) as count, null::text as version, null::text as key
    from _w) a
    -- 7
    "#);
}

#[test]
fn equal_shapes_share_a_statement() {
    let text = |query: &str| list("contacts", query).unwrap().query().text.clone();
    assert_eq!(text("score=in.(1)&limit=1"), text("score=in.(2,3,4)&limit=500"));
    assert_eq!(text("email=eq.a"), text("email=eq.%27%3B--"));
}

#[test]
fn no_value_reaches_the_statement() {
    let hostile = "x'; drop table contacts; --";
    let prepared = list(
        "contacts",
        &format!("email=eq.{hostile}&first_name=in.({hostile})"),
    )
    .unwrap();
    assert!(!prepared.query().text.contains("drop"));
    let prepared = list("contacts", "select=\"a\\\" from b; --\":email").unwrap();
    assert!(prepared.query().text.contains(r#"t."email" as "a"" from b; --""#));
}

#[test]
fn an_alias_cannot_stand_for_the_record() {
    insta::assert_snapshot!(shown(list("companies", "select=r:name,t:id")), @r#"
    bounded (select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, null::text as version, null::text as key
    from (select t."name" as "r", t."id" as "t"
    from "companies" as t
    limit $1::bigint) r) a
    -- 1000
    "#);
}

#[test]
fn a_page_is_never_greater_than_the_maximum() {
    assert_eq!(
        params(&list("companies", "limit=99999999999999999999").unwrap()),
        ["1000"]
    );
    assert_eq!(params(&list("companies", "limit=0").unwrap()), ["0"]);
}

#[test]
fn modes_say_who_writes() {
    assert_eq!(list("contacts", "").unwrap().mode(), Mode::ReadOnly);
    assert_eq!(insert("contacts", "{}").unwrap().mode(), Mode::ReadWrite);
}

#[test]
fn unknown_names_get_a_suggestion() {
    let hint = |name: &str| Some(format!("Perhaps you meant '{name}'"));
    let message = "column contacts.emial does not exist".to_owned();
    let expected = ("42703".to_owned(), 400, message, hint("email"));
    for query in [
        "emial=eq.1",
        "emial=1",
        "select=emial",
        "order=emial",
        "and=(emial.eq.1)",
        "\"emial\"=eq.1",
    ] {
        assert_eq!(refused(list("contacts", query)), expected, "{query}");
    }
    assert_eq!(refused(list("contacts", "limt=5")).3, hint("limit"));
    let message = "Could not find the 'emial' column of 'contacts'".to_owned();
    assert_eq!(
        refused(insert("contacts", r#"{"emial":1}"#)),
        ("PGRST204".to_owned(), 400, message, hint("email"))
    );
}

#[test]
fn what_cannot_be_is_refused_with_a_reason() {
    let cases = [
        (delete("contacts", ""), "21000", 400),
        (update("contacts", "select=id", r#"{"score":1}"#), "21000", 400),
        (
            update("contacts", "id=eq.1", r#"[{"score":1},{"score":2}]"#),
            "PGRST102",
            400,
        ),
        (
            update("contacts", "id=eq.1&limit=1", r#"{"score":1}"#),
            "PGRST109",
            400,
        ),
        (insert("contacts", r#"{"search":"x"}"#), "428C9", 400),
        (insert("audit_logs", r#"{"entry":{}}"#), "PGRST117", 405),
        (insert("live_contacts", r#"{"contacts":1}"#), "PGRST117", 405),
        (get("live_contacts", "1", ""), "PGRST125", 404),
        (get("contact_labels", "1", ""), "PGRST125", 404),
        (get("contacts", "1", "limit=1"), "PGRST100", 400),
        (list("contacts", "email=eq.%00"), "22021", 400),
        (list("contacts", "email=in.(%00)"), "22021", 400),
        (list("contacts", "select=\"%00\":email"), "22021", 400),
        (list("contacts", "select=a:email,a:id"), "PGRST100", 400),
        (
            list("contacts", &format!("select={}:email", "a".repeat(64))),
            "PGRST100",
            400,
        ),
        (list("_hidden", ""), "PGRST205", 404),
    ];
    for (prepared, code, status) in cases {
        let refused = refused(prepared);
        assert_eq!((refused.0.as_str(), refused.1), (code, status), "{}", refused.2);
    }
    let body = br#"{"name":"x"}"#;
    for (query, parameter) in [("name=eq.x", "name"), ("select=id&or=(id.eq.1)", "or")] {
        let prepared = run(
            "companies",
            query,
            None,
            Operation::Insert {
                body: Payload::json(body),
            },
        );
        let (code, _, message, _) = refused(prepared);
        assert_eq!(code, "PGRST100");
        assert!(message.contains(&format!("'{parameter}'")), "{message}");
    }
}

#[test]
fn answers_carry_what_clients_read() {
    let row = |count| ResultRow {
        count,
        ..ResultRow::default()
    };
    let page = list("contacts", "offset=20").unwrap();
    assert_eq!(
        render(&page, Some(row(5))).unwrap().content_range.unwrap(),
        "20-24/*"
    );
    assert_eq!(render(&page, Some(row(0))).unwrap().content_range.unwrap(), "*/*");

    let one = get("contacts", "1", "").unwrap();
    assert_eq!(render(&one, None).unwrap_err().code(), "PGRST116");
    let found = ResultRow {
        version: Some("3".to_owned()),
        ..row(1)
    };
    assert_eq!(render(&one, Some(found)).unwrap().etag.unwrap(), "\"3\"");

    let new = insert("contact_labels", r#"{"contact_id":"1","label_id":2}"#).unwrap();
    let added = ResultRow {
        key: Some(r#"["a&b", "2"]"#.to_owned()),
        ..row(1)
    };
    let answer = render(&new, Some(added)).unwrap();
    assert_eq!(answer.status.as_u16(), 201);
    assert_eq!(
        answer.location.unwrap(),
        "/contact_labels?contact_id=eq.a%26b&label_id=eq.2"
    );
    assert_eq!(answer.preference_applied, None);
}

#[test]
fn a_write_of_one_record_finds_it_or_says_so() {
    let row = |count| ResultRow {
        count,
        ..ResultRow::default()
    };
    let by_id = |returning| {
        run(
            "contacts",
            "",
            returning,
            Operation::Delete {
                target: Target::Id("1"),
            },
        )
        .unwrap()
    };
    assert_eq!(render(&by_id(None), Some(row(0))).unwrap_err().status(), 404);
    assert_eq!(
        render(&by_id(None), Some(row(1))).unwrap().status,
        Status::NoContent
    );
    let answer = render(&by_id(REPRESENTATION), Some(row(1))).unwrap();
    assert_eq!(answer.status, Status::Ok);
    assert_eq!(answer.preference_applied.unwrap(), "return=representation");

    let by_filter = update("contacts", "score=eq.1", r#"{"score":2}"#).unwrap();
    let answer = render(&by_filter, Some(row(0))).unwrap();
    assert_eq!(
        (answer.status, answer.content_range.as_deref()),
        (Status::NoContent, Some("*/*"))
    );
}
