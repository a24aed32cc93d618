//! The page "Resource Representation".

use axum::http::Method;

use super::{ask, get, patch, post, stage, walk};

#[tokio::test]
async fn answers_have_forms() {
    let examples = [
        // Response format
        get("coins?select=id,name&order=id")
            .accepts("application/json")
            .tells("content-type", "application/json; charset=utf-8")
            .gives(r#"[{"id":1,"name":"Taler"},{"id":2,"name":"Heller"},{"id":3,"name":null}]"#),
        get("coins?select=id,name&order=id")
            .accepts("text/csv")
            .tells("content-type", "text/csv; charset=utf-8")
            .gives("id,name\n1,Taler\n2,Heller\n3,"),
        get("coins?select=id,name&order=id&limit=1")
            .accepts("*/*")
            .tells("content-type", "application/json; charset=utf-8")
            .gives(r#"[{"id":1,"name":"Taler"}]"#),
        get("coins?select=id")
            .accepts("application/unknown")
            .fails(406, r#"{"code":"PGRST107",
                "message":"None of these media types are available: application/unknown",
                "hint":"Accept application/json, text/csv, application/vnd.pgrst.object+json, application/vnd.pgrst.array+json;nulls=stripped; of one column or value text/plain, application/octet-stream or text/xml; of a list also application/x-ndjson or text/csv;rows=all"}"#),
        get("coins?select=id")
            .accepts("application/geo+json")
            .fails(406, r#"{"code":"PGRST107",
                "message":"None of these media types are available: application/geo+json",
                "hint":"Accept application/json, text/csv, application/vnd.pgrst.object+json, application/vnd.pgrst.array+json;nulls=stripped; of one column or value text/plain, application/octet-stream or text/xml; of a list also application/x-ndjson or text/csv;rows=all"}"#),
        get("coins?select=id")
            .accepts("application/vnd.pgrst.plan")
            .fails(406, r#"{"code":"PGRST107",
                "message":"None of these media types are available: application/vnd.pgrst.plan",
                "hint":"Accept application/json, text/csv, application/vnd.pgrst.object+json, application/vnd.pgrst.array+json;nulls=stripped; of one column or value text/plain, application/octet-stream or text/xml; of a list also application/x-ndjson or text/csv;rows=all"}"#),
        // Singular or plural
        get("coins?select=id,name&id=eq.1")
            .tells("content-type", "application/json; charset=utf-8")
            .gives(r#"[{"id":1,"name":"Taler"}]"#),
        get("coins?select=id,name&id=eq.1")
            .accepts("application/vnd.pgrst.object+json")
            .tells("content-type", "application/vnd.pgrst.object+json; charset=utf-8")
            .gives(r#"{"id":1,"name":"Taler"}"#),
        get("coins?select=id&id=eq.99")
            .accepts("application/vnd.pgrst.object+json")
            .fails(406, r#"{"code":"PGRST116","message":"Cannot coerce the result to a single JSON object",
                "details":"The result contains 0 rows"}"#),
        get("coins?select=id")
            .accepts("application/vnd.pgrst.object+json")
            .fails(406, r#"{"code":"PGRST116","message":"Cannot coerce the result to a single JSON object",
                "details":"The result contains 3 rows"}"#),
        post("coins?select=id", r#"{"id":9}"#)
            .prefers("return=representation")
            .accepts("application/vnd.pgrst.object+json")
            .is(201)
            .tells("content-type", "application/vnd.pgrst.object+json; charset=utf-8")
            .gives(r#"{"id":9}"#),
        patch("coins?id=lt.3&select=id", r#"{"name":"x"}"#)
            .prefers("return=representation")
            .accepts("application/vnd.pgrst.object+json")
            .fails(406, r#"{"code":"PGRST116","message":"Cannot coerce the result to a single JSON object",
                "details":"The result contains 2 rows"}"#),
        // Stripped nulls
        get("coins?select=id,name&order=id")
            .accepts("application/vnd.pgrst.array+json;nulls=stripped")
            .tells("content-type", "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8")
            .gives(r#"[{"id":1,"name":"Taler"},{"id":2,"name":"Heller"},{"id":3}]"#),
        get("coins?select=id,name&id=eq.3")
            .accepts("application/vnd.pgrst.object+json;nulls=stripped")
            .tells("content-type", "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8")
            .gives(r#"{"id":3}"#),
        // Scalar function response format
        // In JSON bytes stand as PostgreSQL writes them; bare they are themselves.
        get("coins?select=picture&id=eq.1").gives(r#"[{"picture":"\\x0102"}]"#),
        get("coins?select=picture&id=eq.1")
            .accepts("application/octet-stream")
            .tells("content-type", "application/octet-stream")
            .gives("\u{1}\u{2}"),
        get("coins?select=name&id=eq.1")
            .accepts("text/plain")
            .tells("content-type", "text/plain; charset=utf-8")
            .gives("Taler"),
        get("rpc/describe?id=3&select=description")
            .accepts("text/csv")
            .tells("content-type", "text/csv; charset=utf-8")
            .gives("description\nno. 3"),
        // Request body
        ask(Method::POST, "coins?select=id,name")
            .sends("id,name\n9,\n", "text/csv")
            .prefers("return=representation")
            .is(201)
            .gives(r#"[{"id":9,"name":""}]"#),
        post("coins?select=id,name", r#"{"id":9}"#)
            .prefers("return=representation")
            .is(201)
            .gives(r#"[{"id":9,"name":null}]"#),
        ask(Method::POST, "coins?select=id,name")
            .sends("id=9&name=a+b", "application/x-www-form-urlencoded")
            .prefers("return=representation")
            .is(201)
            .gives(r#"[{"id":9,"name":"a b"}]"#),
        ask(Method::POST, "coins")
            .sends("<id>9</id>", "text/xml")
            .fails(415, r#"{"code":"unsupported_media_type",
                "message":"The request's body must be application/json, application/x-ndjson, text/csv or application/x-www-form-urlencoded, in UTF-8"}"#),
        post("coins", r#"{"id":"#)
            .fails(400, r#"{"code":"PGRST102","message":"Empty or invalid json",
                "details":"EOF while parsing a value at line 1 column 6"}"#),
    ];
    walk(&stage().await, &examples).await;
}
