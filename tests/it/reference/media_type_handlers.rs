//! The page "Media Type Handlers".

use super::{get, stage, walk};

#[tokio::test]
async fn only_built_in_forms_are_there() {
    let examples = [
        // Builtin handlers
        // Not here: handlers of a template's own. A domain that is named after a media type is a type like any other.
        get("coins?select=id&order=id&limit=1")
            .accepts("application/vnd.pgrst.array+json")
            .tells("content-type", "application/json; charset=utf-8")
            .gives(r#"[{"id":1}]"#),
        get("coins?select=id")
            .accepts("application/vnd.twkb")
            .fails(406, r#"{"code":"PGRST107",
                "message":"None of these media types are available: application/vnd.twkb",
                "hint":"Accept application/json, text/csv, application/vnd.pgrst.object+json, application/vnd.pgrst.array+json;nulls=stripped; of one column or value text/plain, application/octet-stream or text/xml; of a list also application/x-ndjson or text/csv;rows=all"}"#),
        get("rpc/add_up?a=1&b=2")
            .accepts("text/plain")
            .tells("content-type", "text/plain; charset=utf-8")
            .gives("3"),
        get("rpc/add_up?a=1&b=2")
            .accepts("application/octet-stream")
            .tells("content-type", "application/octet-stream")
            .gives("3"),
    ];
    walk(&stage().await, &examples).await;
}
