//! The page "Pagination and Count".

use super::{delete, get, head, patch, post, stage, walk};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of examples")]
async fn pages_tell_where_they_are() {
    let examples = [
        // Limits and pagination
        // Not here: `Range-Unit` in answers, which the page shows and PostgREST does not send any more.
        get("people?select=id&order=id")
            .with("range-unit", "items")
            .with("range", "0-2")
            .tells("content-range", "0-2/*")
            .gives(r#"[{"id":1},{"id":2},{"id":3}]"#),
        get("people?select=id&order=id")
            .with("range", "0-19")
            .tells("content-range", "0-4/*")
            .gives(r#"[{"id":1},{"id":2},{"id":3},{"id":4},{"id":5}]"#),
        get("people?select=id&order=id")
            .with("range", "3-")
            .tells("content-range", "3-4/*")
            .gives(r#"[{"id":4},{"id":5}]"#),
        get("people?select=id&order=id&limit=2&offset=3")
            .tells("content-range", "3-4/*")
            .gives(r#"[{"id":4},{"id":5}]"#),
        get("people?select=id&order=id&limit=0")
            .tells("content-range", "*/*")
            .gives("[]"),
        get("people?select=id&id=eq.99")
            .tells("content-range", "*/*")
            .gives("[]"),
        get("people?select=id&offset=100")
            .tells("content-range", "*/*")
            .gives("[]"),
        // Exact count
        // Not here: a `Range` on HEAD, as the page shows it. Ranges are of GET only (RFC 9110, section 14.2), in
        // PostgREST's code too.
        head("people?select=id&limit=3")
            .prefers("count=exact")
            .is(206)
            .tells("content-range", "0-2/5")
            .tells("preference-applied", "count=exact"),
        head("people?select=id")
            .prefers("count=exact")
            .with("range", "0-2")
            .tells("content-range", "0-4/5"),
        get("people?select=id&order=id&limit=2")
            .prefers("count=exact")
            .is(206)
            .tells("content-range", "0-1/5")
            .gives(r#"[{"id":1},{"id":2}]"#),
        get("people?select=id&order=id&limit=2&offset=2")
            .prefers("count=exact")
            .is(206)
            .tells("content-range", "2-3/5")
            .gives(r#"[{"id":3},{"id":4}]"#),
        get("people?select=id&order=id&limit=2&offset=4")
            .prefers("count=exact")
            .is(206)
            .tells("content-range", "4-4/5")
            .gives(r#"[{"id":5}]"#),
        get("people?select=id&age=gte.18")
            .prefers("count=exact")
            .tells("content-range", "0-1/2")
            .gives(r#"[{"id":1},{"id":4}]"#),
        get("people?select=id&id=eq.99")
            .prefers("count=exact")
            .tells("content-range", "*/0")
            .gives("[]"),
        get("people?select=id&limit=0")
            .prefers("count=exact")
            .is(206)
            .tells("content-range", "*/5")
            .gives("[]"),
        get("people?select=id&offset=100").prefers("count=exact").fails(
            416,
            r#"{"code":"PGRST103","message":"Requested range not satisfiable",
                "details":"An offset of 100 was requested, but there are only 5 rows."}"#,
        ),
        get("people")
            .prefers("count=exact")
            .with("range", "100-200")
            .fails(
                416,
                r#"{"code":"PGRST103","message":"Requested range not satisfiable",
                "details":"An offset of 100 was requested, but there are only 5 rows."}"#,
            ),
        get("people").with("range", "5-2").fails(
            416,
            r#"{"code":"PGRST103","message":"Requested range not satisfiable",
                "details":"The range ends before it begins"}"#,
        ),
        get("fresh_notices?select=id&limit=1")
            .prefers("count=exact")
            .is(206)
            .tells("content-range", "0-0/2")
            .gives(r#"[{"id":1}]"#),
        get("rpc/all_works?select=id&order=id&limit=2")
            .prefers("count=exact")
            .is(206)
            .tells("content-range", "0-1/4")
            .gives(r#"[{"id":1},{"id":2}]"#),
        get("rpc/all_works?select=id&order=id&limit=2&offset=2")
            .prefers("count=exact")
            .is(206)
            .tells("content-range", "2-3/4")
            .gives(r#"[{"id":3},{"id":4}]"#),
        get("rpc/all_works?select=id&offset=20")
            .prefers("count=exact")
            .fails(
                416,
                r#"{"code":"PGRST103","message":"Requested range not satisfiable",
                "details":"An offset of 20 was requested, but there are only 4 rows."}"#,
            ),
        get("rpc/all_works?select=id&rating=gt.7&order=id&limit=1")
            .prefers("count=exact")
            .is(206)
            .tells("content-range", "0-0/2")
            .gives(r#"[{"id":1}]"#),
        get("rpc/any_places?limit=1&offset=1")
            .prefers("count=exact")
            .is(206)
            .tells("content-range", "1-1/2")
            .gives(r#"[{"id":2,"name":"30 Mill Lane"}]"#),
        get("rpc/all_works?select=year.count(),language&order=language&limit=1")
            .prefers("count=estimated")
            .is(206)
            .tells("content-range", "0-0/2")
            .gives(r#"[{"count":2,"language":"fr"}]"#),
        delete("people?age=lt.15")
            .prefers("count=exact")
            .is(204)
            .tells("content-range", "*/2")
            .tells("preference-applied", "count=exact"),
        patch("people?age=lt.15", r#"{"category":"child"}"#)
            .prefers("count=exact")
            .is(204)
            .tells("content-range", "0-1/2"),
        post("datasets", r#"[{"figure":1},{"figure":2}]"#)
            .prefers("count=exact")
            .is(201)
            .tells("content-range", "*/2"),
        // Planned count
        // Elsewhere, since it depends on statistics: `records_read/pages.rs`.
        // Estimated count
        get("people?select=id&order=id&limit=2")
            .prefers("count=estimated")
            .is(206)
            .tells("content-range", "0-1/5")
            .tells("preference-applied", "count=estimated")
            .gives(r#"[{"id":1},{"id":2}]"#),
        // Limits of embedded records
        get("works?select=id,parts(player_id)&parts.limit=1&parts.order=player_id&id=eq.3")
            .prefers("count=exact")
            .tells("content-range", "0-0/1")
            .gives(r#"[{"id":3,"parts":[{"player_id":2}]}]"#),
    ];
    walk(&stage().await, &examples).await;
}
