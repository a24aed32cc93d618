//! Filters and orders.

use super::Workshop;

#[tokio::test]
async fn every_operator_finds_what_it_says() {
    let workshop = Workshop::new().await;
    let customers: &[(&str, &[i64])] = &[
        ("id=eq.2", &[2]),
        ("id=neq.2", &[1, 3, 4]),
        ("id=gt.2", &[3, 4]),
        ("id=gte.2&id=lt.4", &[2, 3]),
        ("id=lte.1", &[1]),
        ("id=eq(any).{1,3}", &[1, 3]),
        ("id=gt(all).{1,2}", &[3, 4]),
        ("name=like.*n*", &[1, 4]),
        ("name=like.%25n%25", &[1, 4]),
        ("name=ilike(any).{a*,b*}", &[1, 2]),
        ("name=not.ilike(all).{*a*,*n*}", &[2, 3]),
        ("name=match.^A", &[1]),
        ("name=imatch(any).{^a,^b}", &[1, 2]),
        ("name=in.(\"Dan, Jr. (x)\",Ann)", &[1, 4]),
        ("name=not.in.(Ann,Bob)", &[3, 4]),
        ("id=in.()", &[]),
        ("email=is.null", &[4]),
        ("email=not.is.null", &[1, 2, 3]),
        ("email=is.not_null", &[1, 2, 3]),
        ("\"Favourite Colour\"=isdistinct.red", &[2, 3, 4]),
        ("nicknames=cs.{a}", &[1]),
        ("nicknames=cd.{a,annie,c}", &[1, 2, 3, 4]),
        ("nicknames=ov.{c,a}", &[1, 3]),
        ("profile=cs.{\"vip\":true}", &[1]),
        ("search=fts.ann", &[1]),
        ("search=fts(simple).ann|bob", &[1, 2]),
        ("name=plfts(english).ann", &[1]),
        ("name=phfts(simple).dan jr", &[4]),
        ("name=wfts.ann or bob", &[1, 2]),
        ("name=not.wfts.ann", &[2, 3, 4]),
        ("initials=eq.B.", &[2]),
    ];
    workshop.finds("customers", customers).await;
    let orders: &[(&str, &[i64])] = &[
        ("promised=ov.[2025-01-10,2025-01-11)", &[1]),
        ("promised=sl.[2026-01-10,2026-01-11)", &[1, 3]),
        ("promised=sr.[2024-01-10,2024-01-11)", &[1, 3]),
        ("promised=nxr.[2025-01-10,2025-02-11)", &[1]),
        ("promised=nxl.[2025-01-10,2025-02-11)", &[3]),
        ("promised=adj.[2025-02-01,2025-02-11)", &[1]),
        ("promised=cs.[2025-01-10,2025-01-11)", &[1]),
        ("promised=cd.[2025-01-01,2025-12-31)", &[1, 3]),
        ("status=in.(placed,\"in work\")", &[1, 4]),
        ("status=eq(any).{placed,done}", &[1, 3]),
        ("is_large=is.true", &[1, 3]),
        ("is_large=is.false&placed_at=is.null", &[4]),
    ];
    workshop.finds("orders", orders).await;
}

#[tokio::test]
async fn logic_nests_and_quotes() {
    let workshop = Workshop::new().await;
    let cases: &[(&str, &[i64])] = &[
        ("or=(name.eq.\"Dan, Jr. (x)\",and(id.gte.2,id.lt.3))", &[2, 4]),
        ("and=(id.gt.1,or(name.like.B*,name.like.C*))", &[2, 3]),
        ("not.or=(id.eq.1,id.eq.2)", &[3, 4]),
        ("or=(id.not.gt.1,not.and(id.lt.4,id.gt.0))", &[1, 4]),
        ("or=(nicknames.cs.{a,annie},id.eq.2)", &[1, 2]),
        ("or=( and ( id.in.( 1, 2 ) , id.eq.2 ) , email.is.null )", &[2, 4]),
        ("or=(profile->>level.eq.3,profile->level.eq.1)", &[1, 2]),
        ("or=(name.wfts(simple).ann,name.eq.Cid)", &[1, 3]),
        ("id=gt.1&or=(id.eq.1,id.eq.2)", &[2]),
    ];
    workshop.finds("customers", cases).await;
}

#[tokio::test]
async fn paths_lead_into_json_arrays_and_composite_values() {
    let workshop = Workshop::new().await;
    let cases: &[(&str, &[i64])] = &[
        ("profile->>level=eq.3", &[1]),
        ("profile->level=gt.1", &[1]),
        ("profile->tags->>0=eq.x", &[1]),
        ("profile->tags->>-1=eq.y", &[1]),
        ("profile->\"a.b\"->>c=eq.1", &[1]),
        ("home->>city=eq.Rome", &[1]),
        ("nicknames->>0=eq.c", &[3]),
        ("profile->>nope=is.null&id=lt.3", &[1, 2]),
    ];
    workshop.finds("customers", cases).await;
    let shown: &[(&str, &str)] = &[
        (
            "customers?select=id,profile->level,first:profile->tags->>0,profile->\"a.b\"->c&id=eq.1",
            r#"[{"id":1,"level":3,"first":"x","c":1}]"#,
        ),
        (
            "customers?select=profile->tags->1,home->>zip&id=eq.1",
            r#"[{"tags":"y","zip":"00100"}]"#,
        ),
        (
            "customers?select=name&order=profile->>level.desc.nullslast,name.desc",
            r#"[{"name":"Ann"},{"name":"Bob"},{"name":"Dan, Jr. (x)"},{"name":"Cid"}]"#,
        ),
        (
            "customers?select=name,orders(id)&order=profile->>level.nullsfirst,name&limit=2&offset=2&orders.order=id",
            r#"[{"name":"Bob","orders":[{"id":3}]},{"name":"Ann","orders":[{"id":1},{"id":2}]}]"#,
        ),
    ];
    workshop.answers(shown).await;
}

#[tokio::test]
async fn values_are_cast_and_numbers_stay_exact() {
    let workshop = Workshop::new().await;
    let cases: &[(&str, &str)] = &[
        (
            "customer_details?select=customer_id,credit,near:credit::float8&customer_id=eq.1",
            r#"[{"customer_id":1,"credit":"12345678901234.5678","near":12345678901234.568}]"#,
        ),
        (
            "orders?select=id::text,total::int,notes->>k::int,status::text&id=eq.1",
            r#"[{"id":"1","total":150,"k":1,"status":"placed"}]"#,
        ),
        (
            "orders?select=status,past_statuses,notes&id=eq.1",
            r#"[{"status":"placed","past_statuses":[],"notes":{"k":1}}]"#,
        ),
        (
            "orders?select=state:status::order_status&id=eq.1",
            r#"[{"state":"placed"}]"#,
        ),
    ];
    workshop.answers(cases).await;
}
