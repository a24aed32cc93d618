//! The statements that remove, restore and purge where records fall together.

use std::fmt::Write as _;

use super::*;

/// A table with `id`, these columns that refer to others (`column>table`, with a `!` those whose records go with the
/// others), and what a bin needs.
fn table(name: &str, comment: &str, keys: &[&str]) -> String {
    let (mut fields, mut links) = (String::new(), Vec::new());
    for key in keys {
        let (column, to) = key.split_once('>').unwrap();
        let (to, cascades) = to.strip_suffix('!').map_or((to, false), |to| (to, true));
        write!(
            fields,
            r#",{{"name":"{column}","type_name":"integer","base_type":"integer","category":"N",
            "nullable":true,"updatable":true}}"#
        )
        .unwrap();
        links.push(format!(
            r#"{{"name":"{name}_{column}_fkey","columns":["{column}"],"references":"{to}","referenced_columns":["id"],
                "cascades":{cascades}}}"#
        ));
    }
    format!(
        r#"{{"kind":"table","name":"{name}","comment":"{comment}","events":28,"primary_key":["id"],"foreign_keys":[{}],
            "fields":[{{"name":"id","type_name":"integer","base_type":"integer","category":"N","updatable":true}}{fields},
            {{"name":"deleted_at","type_name":"timestamptz","base_type":"timestamptz","category":"D","nullable":true,
              "updatable":true}},
            {{"name":"deletion_id","type_name":"uuid","base_type":"uuid","category":"U","nullable":true,
              "updatable":true}}]}}"#,
        links.join(",")
    )
}

fn office() -> SchemaModel {
    let tables = [
        table("shelves", "", &["room>rooms"]),
        table("boxes", "", &["shelf>shelves!", "inside>boxes!"]),
        table("labels", "", &["shelf>shelves!", "boxed>boxes!", "author>people"]),
        table("logs", "@access read", &["shelf>shelves!"]),
        table("notes", "", &["log>logs!"]),
        table("flags", "", &["deleted>rooms"]),
        table("rooms", "", &[]),
    ];
    SchemaModel::from_json(&format!("[{}]", tables.join(","))).unwrap()
}

fn run_office(object: &str, query: &str, operation: Operation<'_>) -> Result<Prepared, RecordError> {
    let (preferences, cursors) = (Preferences::default(), fixture::cursors());
    let request = Request::new(object, query, &preferences, Rights::by(&|_, _| true), &cursors);
    prepare(&office(), &request, operation, Limits::default(), &mut Uuid::nil)
}

fn delete_one(object: &str) -> Result<Prepared, RecordError> {
    let target = Target::Id("7");
    run_office(object, "", Operation::Delete { target })
}

#[test]
fn a_record_falls_alone_where_nothing_belongs_to_it() {
    insta::assert_snapshot!(shown(delete_one("labels")), @r#"
    with _w as (update "labels" as t
    set deleted_at = now(), deletion_id = $1::uuid
    where t."id" = $2 and t."deleted_at" is null
    returning 1)
    select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w
    -- 00000000-0000-0000-0000-000000000000 | 7
    "#);
}

#[test]
fn what_belongs_to_a_record_falls_table_by_table() {
    insta::assert_snapshot!(shown(delete_one("shelves")), @r#"
    with recursive _w as (update "shelves" as t
    set deleted_at = now(), deletion_id = $1::uuid
    where t."id" = $2 and t."deleted_at" is null
    returning t."id"), _d1(c0) as ((select s."id"
    from "boxes" as s
    where s.deleted_at is null and (s."shelf") in (select p."id"
    from _w as p)) union
    select x.c0
    from _d1 as d
    cross join lateral (select s."id"
    from "boxes" as s
    where s.deleted_at is null and s."inside" = d.c0) as x(c0)), _c1 as (update "boxes" as t
    set deleted_at = now(), deletion_id = $3::uuid
    where t.deleted_at is null and (t."id") in (select d.c0
    from _d1 as d)
    returning t."id"), _c2 as (update "labels" as t
    set deleted_at = now(), deletion_id = $4::uuid
    where t.deleted_at is null and (t."id") in (select s."id"
    from "labels" as s
    where s.deleted_at is null and (s."shelf") in (select p."id"
    from _w as p) union
    select s."id"
    from "labels" as s
    where s.deleted_at is null and (s."boxed") in (select p."id"
    from _c1 as p)))
    select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w
    -- 00000000-0000-0000-0000-000000000000 | 7 | 00000000-0000-0000-0000-000000000000 | 00000000-0000-0000-0000-000000000000
    "#);
}

#[test]
fn a_table_that_refers_to_itself_is_looked_through() {
    insta::assert_snapshot!(shown(delete_one("boxes")), @r#"
    with recursive _w as (update "boxes" as t
    set deleted_at = now(), deletion_id = $1::uuid
    where t."id" = $2 and t."deleted_at" is null
    returning t."id"), _d0(c0) as ((select p."id"
    from _w as p) union
    select x.c0
    from _d0 as d
    cross join lateral (select s."id"
    from "boxes" as s
    where s.deleted_at is null and s."inside" = d.c0) as x(c0)), _c1 as (update "boxes" as t
    set deleted_at = now(), deletion_id = $3::uuid
    where t.deleted_at is null and (t."id") in (select d.c0
    from _d0 as d) and not exists (select
    from _w as p
    where p."id" = t."id")
    returning t."id"), _c2 as (update "labels" as t
    set deleted_at = now(), deletion_id = $4::uuid
    where t.deleted_at is null and (t."boxed") in (select p."id"
    from _w as p union
    select p."id"
    from _c1 as p))
    select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w
    -- 00000000-0000-0000-0000-000000000000 | 7 | 00000000-0000-0000-0000-000000000000 | 00000000-0000-0000-0000-000000000000
    "#);
}

#[test]
fn a_record_comes_back_with_what_fell_with_it() {
    insta::assert_snapshot!(shown(run_office("boxes", "", Operation::Restore { id: "7" })), @r#"
    with _o as (select t."id", t.deletion_id
    from "boxes" as t
    where t."id" = $1 and t.deleted_at is not null), _w as (update "boxes" as t
    set deleted_at = null, deletion_id = null
    from _o as o
    where t."id" = o."id" and t.deleted_at is not null and t.deletion_id is not distinct
    from o.deletion_id
    returning t."shelf", t."inside"), _c as (update "boxes" as t
    set deleted_at = null, deletion_id = null
    where t.deletion_id = (select o.deletion_id
    from _o as o) and t.deleted_at is not null and exists (select
    from _w) and t."id" <> (select o."id"
    from _o as o)
    returning t."shelf", t."inside"), _c1 as (update "labels" as t
    set deleted_at = null, deletion_id = null
    where t.deletion_id = (select o.deletion_id
    from _o as o) and t.deleted_at is not null and exists (select
    from _w)), _p as (select 0 as n
    from (select v."shelf"
    from _w as v union all
    select v."shelf"
    from _c as v) as v join "shelves" as p on p."id" = v."shelf"
    where p.deleted_at is not null union all
    select 1 as n
    from (select v."inside"
    from _w as v union all
    select v."inside"
    from _c as v) as v join "boxes" as p on p."id" = v."inside"
    where p.deleted_at is not null and p.deletion_id is distinct
    from (select o.deletion_id
    from _o as o)), _l as (select
    from "boxes" as t
    where t."id" = $2)
    select case when (select min(p.n)
    from _p as p) is not null then current_setting((select min(p.n)
    from _p as p) || ' is the number of an owner that is deleted') when (select count(*)
    from _l
    where a.count = 0) > 0 then current_setting((select count(*)
    from _l
    where a.count = 0) || ' records are not deleted') else a.body end as body, a.count, a.version, a.key
    from (select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w) a
    -- 7 | 7
    "#);
}

#[test]
fn a_record_is_purged_from_the_bin() {
    insta::assert_snapshot!(shown(run_office("boxes", "", Operation::Purge { id: "7" })), @r#"
    with _w as (delete
    from "boxes" as t
    where t."id" = $1 and t.deleted_at is not null
    returning 1), _l as (select
    from "boxes" as t
    where t."id" = $2)
    select case when (select count(*)
    from _l
    where a.count = 0) > 0 then current_setting((select count(*)
    from _l
    where a.count = 0) || ' records are not deleted') else a.body end as body, a.count, a.version, a.key
    from (select null::text as body, count(*) as count, null::text as version, null::text as key
    from _w) a
    -- 7 | 7
    "#);
}

#[test]
fn a_body_that_marks_a_record_takes_it_out_of_its_deletion() {
    let text = |body: &str| {
        let (target, body) = (Target::Id("7"), Payload::json(body.as_bytes()));
        let update = run_office("boxes", "deleted=include", Operation::Update { target, body });
        update.unwrap().text().to_owned()
    };
    let kept = "deletion_id = case when r.deleted_at is null or t.deleted_at is null then null else t.deletion_id end";
    assert!(text(r#"{"deleted_at":null}"#).contains(kept));
    assert!(!text(r#"{"shelf":1}"#).contains("deletion_id"));
}

#[test]
fn a_column_or_an_embed_called_deleted_keeps_its_meaning() {
    let text = |object: &str, query: &str| {
        let list = run_office(object, query, Operation::List);
        list.map(|list| list.text().to_owned())
    };
    let flags = text("flags", "deleted=eq.1").unwrap();
    assert!(
        flags.contains(r#"t."deleted" = $1 and t."deleted_at" is null"#),
        "{flags}"
    );
    assert_eq!(text("flags", "deleted=only").unwrap_err().code(), "PGRST100");
    let embed = "select=id,deleted:shelves(id)&deleted=";
    assert!(
        text("boxes", &format!("{embed}is.null"))
            .unwrap()
            .contains("not exists")
    );
    assert!(text("boxes", &format!("{embed}only")).is_err());
    for (word, condition) in [
        ("exclude", r#" where t."deleted_at" is null"#),
        ("only", r#" where t."deleted_at" is not null"#),
    ] {
        let found = text("boxes", &format!("select=id&deleted={word}")).unwrap();
        assert!(found.contains(condition), "{found}");
    }
    assert!(
        !text("boxes", "select=id&deleted=include")
            .unwrap()
            .contains("deleted_at")
    );
}
