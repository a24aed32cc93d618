//! Related records, aggregates and paths in the SQL, and what may be embedded.

use super::*;
use crate::records::fixture::{model, prefer};

#[test]
fn what_is_embedded_is_made_for_the_page_only() {
    let query = "select=email,companies(name),contact_labels(note,labels(label))&contact_labels.order=note.desc&order=score,companies(name).desc&limit=5";
    insta::assert_snapshot!(shown(list("contacts", query)), @r#"
    bounded (select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, null::text as version, null::text as key
    from (select t."email", row_to_json(e1.*) as "companies", e2.j as "contact_labels"
    from (select t."email", t."company_id", t."id", t."score", o3."name" as "s2"
    from "contacts" as t left join "companies" as o3 on o3."id" = t."company_id"
    where t."deleted_at" is null
    order by t."score", "s2" desc
    limit $1::bigint) as t left join lateral (select t4."name"
    from "companies" as t4
    where t4."id" = t."company_id") e1 on true
    cross join lateral (select coalesce(json_agg(row_to_json(r5.*)), '[]') as j
    from (select t6."note", row_to_json(e7.*) as "labels"
    from (select t6."note", t6."label_id"
    from "contact_labels" as t6
    where t6."contact_id" = t."id"
    order by t6."note" desc
    limit $2::bigint) as t6 left join lateral (select t8."label"
    from "labels" as t8
    where t8."id" = t6."label_id") e7 on true
    order by t6."note" desc) r5) e2
    order by t."score", t."s2" desc) r) a
    -- 5 | 1000
    "#);
}

#[test]
fn related_records_are_required_and_asked_about() {
    let query = "select=id,contacts!inner(labels!inner(id)),c:contacts()&contacts.email=eq.a&contacts.labels.label=eq.b&or=(name.eq.x,c.is.null)&c=not.is.null";
    insta::assert_snapshot!(shown(list("companies", query)), @r#"
    bounded (select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, null::text as version, null::text as key
    from (select t."id", e1.j as "contacts"
    from (select t."id"
    from "companies" as t
    where (t."name" = $1 or not exists (select
    from "contacts" as t2
    where t2."company_id" = t."id" and t2."deleted_at" is null)) and exists (select
    from "contacts" as t3
    where t3."company_id" = t."id" and t3."deleted_at" is null) and exists (select
    from "contacts" as t4
    where t4."company_id" = t."id" and t4."email" = $2 and t4."deleted_at" is null and exists (select
    from "contact_labels" as j6
    cross join "labels" as t5
    where j6."contact_id" = t4."id" and t5."id" = j6."label_id" and t5."label" = $3))
    limit $4::bigint) as t
    cross join lateral (select coalesce(json_agg(row_to_json(r7.*)), '[]') as j
    from (select e9.j as "labels"
    from (select t8."id"
    from "contacts" as t8
    where t8."company_id" = t."id" and t8."email" = $5 and t8."deleted_at" is null and exists (select
    from "contact_labels" as j11
    cross join "labels" as t10
    where j11."contact_id" = t8."id" and t10."id" = j11."label_id" and t10."label" = $6)
    limit $7::bigint) as t8
    cross join lateral (select coalesce(json_agg(row_to_json(r12.*)), '[]') as j
    from (select t13."id"
    from "contact_labels" as j14
    cross join "labels" as t13
    where j14."contact_id" = t8."id" and t13."id" = j14."label_id" and t13."label" = $8
    limit $9::bigint) r12) e9) r7) e1) r) a
    -- x | a | b | 1000 | a | b | 316 | b | 316
    "#);
}

#[test]
fn groups_spread_and_paths_are_numbered() {
    let query = "select=id.count(),...companies(name,n:count())&order=companies(name).desc,count";
    insta::assert_snapshot!(shown(list("contacts", query)), @r#"
    bounded (select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, null::text as version, null::text as key
    from (select count(t."id") as "count", e1.c1 as "name", count(e1.c2) as "n"
    from "contacts" as t left join lateral (select t2."name" as c1, true as c2
    from "companies" as t2
    where t2."id" = t."company_id") e1 on true
    where t."deleted_at" is null group by 2
    order by 2 desc, 1
    limit $1::bigint) r) a
    -- 1000
    "#);
    insta::assert_snapshot!(shown(list("companies", "select=...contacts(email,score)")), @r#"
    bounded (select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, null::text as version, null::text as key
    from (select e1.c1 as "email", e1.c2 as "score"
    from (select t."id"
    from "companies" as t
    limit $1::bigint) as t
    cross join lateral (select coalesce(json_agg(r2.c1), '[]') as c1, coalesce(json_agg(r2.c2), '[]') as c2
    from (select t3."email" as c1, t3."score" as c2
    from "contacts" as t3
    where t3."company_id" = t."id" and t3."deleted_at" is null
    limit $2::bigint) r2) e1) r) a
    -- 1000 | 1000
    "#);
    let query =
        "select=entry->a->>0,x:entry->>b::int&entry->c=eq.1&entry->>d=like(any).{a*,b}&id=not.eq(all).{1}";
    insta::assert_snapshot!(shown(list("audit_logs", query)), @r#"
    bounded (select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, null::text as version, null::text as key
    from (select (t."entry"->$1::text->>$2::integer) as "a", (t."entry"->>$3::text)::int as "x"
    from "audit_logs" as t
    where (t."entry"->$4::text) = $5 and (t."entry"->>$6::text) like any ($7) and not (t."id" = all ($8))
    limit $9::bigint) r) a
    -- a | 0 | b | c | 1 | d | {a%,b} | {1} | 1000
    "#);
}

#[test]
fn a_write_gives_back_what_is_related() {
    let prepared = run(
        "contacts",
        "select=email,companies!inner(name)",
        REPRESENTATION,
        Operation::Insert {
            body: Payload::json(br#"{"email":"a@x.example"}"#),
        },
    );
    insta::assert_snapshot!(shown(prepared), @r#"
    with _w as (insert into "contacts" as t ("id", "email")
    select r."id", r."email"
    from json_to_recordset($1::json) as r("id" uuid, "email" text)
    returning t."email", t."company_id", t."version", t."id") bounded (select (select coalesce(json_agg(row_to_json(r.*)), '[]')::text
    from (select t."email", row_to_json(e1.*) as "companies"
    from _w as t left join lateral (select t2."name"
    from "companies" as t2
    where t2."id" = t."company_id") e1 on true
    where exists (select
    from "companies" as t3
    where t3."id" = t."company_id")) r) as body, count(*) as count, min(_w."version")::text as version, min(json_build_array(_w."id"::text)::text) as key
    from _w) a
    -- [{"id":"00000000-0000-0000-0000-000000000001","email":"a@x.example"}]
    "#);
}

fn embedding(object: &str, query: &str, rights: Rights<'_>) -> Result<Prepared, RecordError> {
    let (preferences, cursors) = (Preferences::default(), fixture::cursors());
    let request = Request::new(object, query, &preferences, rights, &cursors);
    prepare(
        &model(),
        &request,
        Operation::List,
        Limits::default(),
        &mut Uuid::nil,
    )
}

#[test]
fn only_what_the_caller_may_read_is_embedded() {
    let all_but_links = Rights::by(&|object, _| object.name != "contact_labels");
    let cases = [
        ("contacts", "select=id,companies(name)", Rights::none()),
        (
            "contacts",
            "select=id,companies()&companies=is.null",
            Rights::none(),
        ),
        ("contacts", "select=...companies(name)", Rights::none()),
        ("contacts", "select=id,labels(label)", all_but_links),
        (
            "companies",
            "select=id,contacts(contact_labels(note))",
            all_but_links,
        ),
    ];
    for (object, query, rights) in cases {
        let refused = embedding(object, query, rights).unwrap_err();
        assert_eq!((refused.code(), refused.status()), ("42501", 403), "{query}");
    }
    assert!(embedding("contacts", "select=id,companies(name)", all_but_links).is_ok());
    assert!(embedding("contacts", "select=id,contact_id", Rights::none()).is_err());
}

#[test]
fn requests_are_bounded_at_every_level() {
    let embeds = |count: usize| {
        let items: Vec<_> = (0..count).map(|n| format!("e{n}:companies(id)")).collect();
        format!("select={}", items.join(","))
    };
    assert!(list("contacts", &embeds(20)).is_ok());
    let conditions = vec!["companies.name=eq.x"; 101].join("&");
    let orders = vec!["name"; 17].join(",");
    for (query, message) in [
        (embeds(21), "select has more than 20 embedded objects"),
        (
            format!("select=id,companies(id)&{conditions}"),
            "The query string has more than 100 conditions",
        ),
        (
            format!("select=id,companies(id)&companies.order={orders}"),
            "order has more than 16 items",
        ),
        (
            format!("select=companies({})", vec!["id"; 100].join(",")),
            "select has more than 100 items",
        ),
    ] {
        let refused = list("contacts", &query).unwrap_err();
        assert_eq!((refused.status(), refused.message().as_str()), (400, message));
    }
}

#[test]
fn an_embedded_object_answers_to_both_its_names_once() {
    let text = |query: &str| list("contacts", query).unwrap().query().text.clone();
    assert_eq!(
        text("select=c:companies(name)&companies.name=eq.x"),
        text("select=c:companies(name)&c.name=eq.x")
    );
    let twice = "select=c:companies(name)&companies.limit=1&c.limit=1";
    assert_eq!(refused(list("contacts", twice)).0, "PGRST100");
}

#[test]
fn a_total_is_counted_without_what_is_embedded() {
    let model = model();
    let preferences = Preferences {
        count: Some(Count::Planned),
        ..Preferences::default()
    };
    let cursors = fixture::cursors();
    let total = |object: &str, query: &str| {
        let request = Request::new(object, query, &preferences, Rights::by(&|_, _| true), &cursors);
        let asked = plan::Asked::of(&model, &request, Limits::default()).unwrap();
        let plan = plan::list(&model.objects[object], &asked).unwrap();
        sql::estimate(&plan).unwrap().text
    };
    insta::assert_snapshot!(
        total("contacts", "select=id,companies!inner(name)&score=gt.1&order=id&limit=5&offset=5"),
        @r#"explain (format json) select from "contacts" as t where t."score" > $1 and t."deleted_at" is null and exists (select from "companies" as t1 where t1."id" = t."company_id")"#
    );
    insta::assert_snapshot!(total("contacts", "select=score,count()&limit=5"), @r#"explain (format json) select t."score", count(*) as "count" from "contacts" as t where t."deleted_at" is null group by 1"#);
}

#[test]
fn whether_a_related_record_is_there_is_asked_once() {
    let query = "select=id,contacts!inner()&contacts=not.is.null&contacts=not.is.null&or=(contacts.is.null,contacts.is.null,id.eq.1)";
    let text = list("companies", query).unwrap().query().text.clone();
    assert_eq!(text.matches("exists (select").count(), 2, "{text}");
    assert_eq!(text.matches("not exists (select").count(), 1, "{text}");
}

/// A way through embedded objects eight deep, with tests from that step on whether they are there.
fn nested_tests(first: usize) -> String {
    let relation = |depth: usize| {
        if depth.is_multiple_of(2) {
            "contacts"
        } else {
            "companies"
        }
    };
    let select = (0..8).rev().fold("id".to_owned(), |within, depth| {
        format!("id,a:{}({within})", relation(depth))
    });
    let tests = (first..8).map(|depth| {
        let path = "a.".repeat(depth);
        format!("&{path}or=(a.is.null,a.not.is.null)").repeat(6)
    });
    format!("select={select}{}", tests.collect::<String>())
}

#[test]
fn a_statement_that_would_grow_without_end_is_refused() {
    let query = nested_tests(0);
    let too_much = (
        "PGRST100".to_owned(),
        400,
        "The request would need a statement of more than 131072 bytes, or of more than 100 parts".to_owned(),
        Some("Ask in several requests, or by fewer conditions".to_owned()),
    );
    assert_eq!(refused(list("companies", &query)), too_much);
    assert_eq!(refused(get("companies", "1", &query)), too_much);
    let query_of_delete = format!("id=eq.1&{}", nested_tests(1));
    let operation = Operation::Delete {
        target: Target::Filtered,
    };
    assert_eq!(
        refused(run("companies", &query_of_delete, REPRESENTATION, operation)),
        too_much
    );
    for count in [Count::Exact, Count::Planned] {
        let preferences = Preferences {
            count: Some(count),
            ..Preferences::default()
        };
        assert_eq!(
            refused(prefer("companies", &query, &preferences, Operation::List)),
            too_much
        );
    }
}

#[test]
fn one_record_with_related_ones_is_bounded() {
    let with = shown(get("companies", "1", "select=name,contacts(email)"));
    assert!(
        with.starts_with("bounded (select row_to_json(r.*)::text as body"),
        "{with}"
    );
    assert!(with.contains(" offset 0) a"), "{with}");
    let without = shown(get("companies", "1", "select=name"));
    assert!(
        without.starts_with("select row_to_json(r.*)::text as body"),
        "{without}"
    );
}

#[test]
fn a_label_that_postgresql_would_cut_is_refused() {
    let key = |bytes| "k".repeat(bytes);
    for fine in [
        format!("select=entry->{}", key(63)),
        format!("select=e:entry->{}", key(64)),
    ] {
        assert!(list("audit_logs", &fine).is_ok(), "{fine}");
    }
    let (code, status, ..) = refused(list("audit_logs", &format!("select=entry->>{}", key(64))));
    assert_eq!((code.as_str(), status), ("PGRST100", 400));
}
