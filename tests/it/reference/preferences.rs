//! The page "Prefer Header".

use super::{delete, get, patch, post, stage, walk};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of examples")]
async fn preferences_are_followed_and_told() {
    let examples = [
        // Strict or lenient handling
        get("coins?select=id&limit=1")
            .prefers("handling=strict, foo, bar")
            .fails(400, r#"{"code":"PGRST122","message":"Invalid preferences given with handling=strict",
                "details":"Invalid preferences: foo, bar"}"#),
        get("coins?select=id&limit=1&order=id")
            .prefers("handling=lenient, foo, bar")
            .tells("preference-applied", "handling=lenient")
            .gives(r#"[{"id":1}]"#),
        get("coins?select=id&limit=1&order=id")
            .prefers("foo, bar")
            .hides("preference-applied")
            .gives(r#"[{"id":1}]"#),
        // Time zone
        get("moments?select=at&order=id")
            .prefers("timezone=America/Los_Angeles")
            .tells("preference-applied", "timezone=America/Los_Angeles")
            .gives(r#"[{"at":"2023-10-18T05:37:59.611-07:00"},{"at":"2023-10-18T07:37:59.611-07:00"},
                {"at":"2023-10-18T09:37:59.611-07:00"}]"#),
        get("moments?select=at&order=id&limit=1")
            .prefers("timezone=Jupiter/Red_Spot")
            .hides("preference-applied")
            .gives(r#"[{"at":"2023-10-18T12:37:59.611+00:00"}]"#),
        get("moments?select=at")
            .prefers("handling=strict, timezone=Jupiter/Red_Spot")
            .fails(400, r#"{"code":"PGRST122","message":"Invalid preferences given with handling=strict",
                "details":"Invalid preferences: timezone=Jupiter/Red_Spot"}"#),
        // Return representation: minimal
        post("coins", r#"{"id":9}"#)
            .is(201)
            .tells("location", "/rest/v1/coins?id=eq.9")
            .tells("content-range", "*/*"),
        post("coins", r#"{"id":9}"#)
            .prefers("return=minimal")
            .is(201)
            .tells("preference-applied", "return=minimal")
            .tells("location", "/rest/v1/coins?id=eq.9"),
        // Return representation: headers-only
        post("coins", r#"{"id":9}"#)
            .prefers("return=headers-only")
            .is(201)
            .tells("preference-applied", "return=headers-only")
            .tells("location", "/rest/v1/coins?id=eq.9"),
        patch("coins?id=eq.1", r#"{"name":"x"}"#)
            .prefers("return=headers-only")
            .is(204)
            .tells("preference-applied", "return=headers-only")
            .hides("location")
            .tells("content-range", "0-0/*"),
        // Return representation: full
        post("coins", r#"{"id":9}"#)
            .prefers("return=representation")
            .is(201)
            .tells("preference-applied", "return=representation")
            .tells("content-range", "*/*")
            .gives(r#"[{"id":9,"name":null,"picture":null}]"#),
        patch("coins?id=eq.1&select=id,name", r#"{"name":"x"}"#)
            .prefers("return=representation")
            .tells("preference-applied", "return=representation")
            .tells("content-range", "0-0/*")
            .gives(r#"[{"id":1,"name":"x"}]"#),
        delete("coins?id=eq.2&select=id,name")
            .prefers("return=representation")
            .tells("preference-applied", "return=representation")
            .tells("content-range", "*/*")
            .gives(r#"[{"id":2,"name":"Heller"}]"#),
        // Transaction end preference
        post("coins?select=id", r#"{"id":9}"#)
            .prefers("return=representation")
            .is(201)
            .tells("preference-applied", "return=representation")
            .gives(r#"[{"id":9}]"#),
        get("coins?select=id&id=eq.9").gives("[]"),
        // Not here: `db-tx-end`. Both ways to end are always allowed here; `tx=commit` is the default.
        // Max affected
        delete("coins?id=lt.3")
            .prefers("handling=strict, max-affected=1")
            .fails(400, r#"{"code":"PGRST124",
                "message":"Query result exceeds max-affected preference constraint",
                "details":"The query affects 2 rows"}"#),
        delete("coins?id=lt.3")
            .prefers("handling=strict, max-affected=2")
            .is(204)
            .tells("preference-applied", "tx=rollback, handling=strict, max-affected=2"),
        delete("coins?id=lt.3")
            .prefers("handling=lenient, max-affected=1")
            .is(204)
            .tells("preference-applied", "tx=rollback, handling=lenient"),
        patch("coins?id=lt.3", r#"{"name":"x"}"#)
            .prefers("handling=strict, max-affected=1")
            .fails(400, r#"{"code":"PGRST124",
                "message":"Query result exceeds max-affected preference constraint",
                "details":"The query affects 2 rows"}"#),
        post("rpc/all_works", "{}")
            .prefers("handling=strict, max-affected=2")
            .fails(400, r#"{"code":"PGRST124",
                "message":"Query result exceeds max-affected preference constraint",
                "details":"The query affects 4 rows"}"#),
        post("rpc/add_coin", r#"{"id":9,"name":"x"}"#)
            .prefers("handling=strict, max-affected=2")
            .fails(400, r#"{"code":"PGRST128",
                "message":"Function must return SETOF or TABLE when max-affected preference is used with handling=strict"}"#),
        // Missing, resolution, count
        // Elsewhere: `missing` and `resolution` in `tables_views.rs`, `count` in `pagination_count.rs`.
        // Not here: `params=single-object`, which is gone since version 13.
    ];
    walk(&stage().await, &examples).await;
}
