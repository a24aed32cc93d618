//! The forms in which records come and go, ranges of them, and what an address says of itself.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Scene, column, id};

/// Three tags.
async fn tags(scene: &Scene) {
    let tags = json!([{ "name": "a,b" }, { "name": "c" }, { "name": "d" }]);
    let made = scene.ada.post("/rest/v1/tags", &tags).await;
    made.expect_status(201);
}

#[tokio::test]
async fn an_answer_has_the_form_that_is_accepted() {
    let scene = Scene::set().await;
    tags(&scene).await;
    let ask = |accept: &str, query: &str| {
        let ask = scene
            .ada
            .get(&format!("/rest/v1/tags?select=name,color&order=name{query}"));
        ask.header("accept", accept)
    };
    for (accept, query, media_type, body) in [
        (
            "application/json",
            "&limit=1",
            "application/json; charset=utf-8",
            r#"[{"name":"a,b","color":null}]"#,
        ),
        (
            "text/html, */*;q=0.1",
            "&limit=0",
            "application/json; charset=utf-8",
            "[]",
        ),
        (
            "text/csv",
            "&limit=2",
            "text/csv; charset=utf-8",
            "name,color\n\"a,b\",\nc,",
        ),
        (
            "application/json;q=0.1, text/csv;q=0.2",
            "&limit=0",
            "text/csv; charset=utf-8",
            "name,color",
        ),
        (
            "application/vnd.pgrst.object+json",
            "&name=eq.c",
            "application/vnd.pgrst.object+json; charset=utf-8",
            r#"{"name":"c","color":null}"#,
        ),
        (
            "application/vnd.pgrst.object",
            "&name=eq.c",
            "application/vnd.pgrst.object+json; charset=utf-8",
            r#"{"name":"c","color":null}"#,
        ),
        (
            "application/vnd.pgrst.object+json;nulls=stripped",
            "&name=eq.c",
            "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8",
            r#"{"name":"c"}"#,
        ),
        (
            "application/vnd.pgrst.array+json;nulls=stripped",
            "&name=eq.c",
            "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8",
            r#"[{"name":"c"}]"#,
        ),
    ] {
        let answer = ask(accept, query).await.expect_status(200);
        assert_eq!(answer.header("content-type"), Some(media_type), "{accept}");
        assert_eq!(answer.text().trim_end(), body, "{accept}");
    }
    for accept in [
        "text/html",
        "application/json;q=0",
        "application/geo+json",
        "nonsense",
    ] {
        let answer = ask(accept, "").await;
        assert_eq!(
            (answer.status(), answer.code()),
            (406, "PGRST107".to_owned()),
            "{accept}"
        );
    }
    let several = ask("application/vnd.pgrst.object+json", "").await;
    assert_eq!((several.status(), several.code()), (406, "PGRST116".to_owned()));
}

#[tokio::test]
async fn a_body_is_read_as_its_type_says() {
    let scene = Scene::set().await;
    let send = |content_type: &str, body: &str| {
        let ask = scene.ada.ask(Method::POST, "/rest/v1/tags?select=name");
        let ask = ask.header("content-type", content_type).body(body.to_owned());
        ask.header("prefer", "return=representation")
    };
    for (content_type, body, names) in [
        ("application/json", r#"{"name":"j"}"#, &["j"][..]),
        ("application/json; charset=utf-8", r#"[{"name":"k"}]"#, &["k"]),
        (
            "application/x-ndjson",
            "{\"name\":\"n1\"}\n{\"name\":\"n2\"}\n",
            &["n1", "n2"],
        ),
        (
            "text/csv",
            "name,color\nc1,NULL\n\"c,2\",#aabbcc\n",
            &["c1", "c,2"],
        ),
        ("application/x-www-form-urlencoded", "name=f+1%21", &["f 1!"]),
    ] {
        let answer = send(content_type, body).await.expect_status(201);
        assert_eq!(column(&answer.json(), "name"), names, "{content_type}");
    }
    for content_type in ["text/plain", "text/xml", "application/octet-stream", "image/png"] {
        let answer = send(content_type, "name").await;
        let expected = (415, "unsupported_media_type".to_owned());
        assert_eq!((answer.status(), answer.code()), expected, "{content_type}");
    }
}

#[tokio::test]
async fn a_range_is_a_page() {
    let scene = Scene::set().await;
    tags(&scene).await;
    let list = |headers: &[(&str, &str)]| {
        let ask = scene.ada.get("/rest/v1/tags?select=name&order=name");
        headers
            .iter()
            .fold(ask, |ask, (name, value)| ask.header(name, value))
    };
    let exact = ("prefer", "count=exact");
    for (headers, status, names, content_range) in [
        (vec![("range", "0-1")], 200, &["a,b", "c"][..], "0-1/*"),
        (
            vec![("range-unit", "items"), ("range", "1-1")],
            200,
            &["c"],
            "1-1/*",
        ),
        (vec![("range", "1-")], 200, &["c", "d"], "1-2/*"),
        (vec![("range", "0-1"), exact], 206, &["a,b", "c"], "0-1/3"),
        (vec![("range", "0-99"), exact], 200, &["a,b", "c", "d"], "0-2/3"),
        (vec![("range", "9-")], 200, &[], "*/*"),
        (
            vec![("range", "0-99999999999999999999999")],
            200,
            &["a,b", "c", "d"],
            "0-2/*",
        ),
        (vec![("range", "99999999999999999999999-")], 200, &[], "*/*"),
        // What is not understood is as good as not said.
        (vec![("range", "bytes=0-0")], 200, &["a,b", "c", "d"], "0-2/*"),
        (vec![("range", "a-b")], 200, &["a,b", "c", "d"], "0-2/*"),
        (
            vec![("range-unit", "bytes"), ("range", "0-0")],
            200,
            &["a,b", "c", "d"],
            "0-2/*",
        ),
        (
            vec![("range", "0-0"), ("range", "1-1")],
            200,
            &["a,b", "c", "d"],
            "0-2/*",
        ),
    ] {
        let answer = list(&headers).await.expect_status(status);
        assert_eq!(column(&answer.json(), "name"), names, "{headers:?}");
        assert_eq!(answer.header("content-range"), Some(content_range), "{headers:?}");
    }
    for headers in [
        vec![("range", "2-1")],
        vec![("range", "9-"), exact],
        vec![("range", "9-10"), exact],
    ] {
        let answer = list(&headers).await;
        assert_eq!(
            (answer.status(), answer.code()),
            (416, "PGRST103".to_owned()),
            "{headers:?}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn preferences_may_stand_in_several_headers() {
    let scene = Scene::set().await;
    let ask = scene
        .ada
        .post("/rest/v1/tags?select=name", &json!({ "name": "x" }));
    let ask = ask.header("prefer", "return=representation");
    let answer = ask.header("prefer", "count=exact, tx=rollback").await;
    let answer = answer.expect_status(201);
    assert_eq!(
        answer.header("preference-applied"),
        Some("return=representation, count=exact, tx=rollback")
    );
    assert_eq!(answer.header("content-range"), Some("*/1"));
    assert_eq!(answer.json(), json!([{ "name": "x" }]));
    assert_eq!(scene.list("tags").await, json!([]));
}

#[tokio::test]
async fn put_adds_a_record_or_changes_it() {
    let scene = Scene::set().await;
    let tag = scene.add("tags", &json!({ "name": "before" })).await;
    let put = |target: &str, body: &Value| {
        let ask = scene.ada.ask(Method::PUT, &format!("/rest/v1/{target}"));
        ask.json(body)
    };
    let whole = |name: &str| json!({ "id": id(&tag), "name": name });
    let (filtered, one) = (format!("tags?id=eq.{}", id(&tag)), format!("tags/{}", id(&tag)));
    for (target, name) in [(&filtered, "by filter"), (&one, "by path")] {
        let silent = put(target, &whole(name)).await.expect_status(204);
        assert_eq!(silent.text(), "");
        let told = put(target, &whole(name)).header("prefer", "return=representation");
        let told = told.await.expect_status(200).json();
        // The path names one record; a filter may find any number.
        let record = if target == &one { &told } else { &told[0] };
        assert_eq!(record["name"], name);
    }
    let new = scene.acme.organization();
    let made = put(&format!("tags/{new}"), &json!({ "id": new, "name": "new" })).await;
    made.expect_status(201);
    assert_eq!(
        column(&scene.list("tags?select=name&order=name").await, "name"),
        ["by path", "new"]
    );
    for (target, body, status, code) in [
        ("tags", whole("x"), 405, "PGRST105"),
        ("tags?name=eq.new", whole("x"), 405, "PGRST105"),
        (&format!("tags?id=eq.{new}"), whole("x"), 400, "PGRST115"),
        (&one, json!([]), 400, "PGRST102"),
    ] {
        let answer = put(target, &body).await;
        assert_eq!(
            (answer.status(), answer.code().as_str()),
            (status, code),
            "{target}: {}",
            answer.text()
        );
        let allows_put = answer.header("allow").is_some_and(|allow| allow.contains("PUT"));
        assert_eq!(allows_put, status == 405, "{target}");
    }
}

#[tokio::test]
async fn the_one_schema_is_called_public() {
    let scene = Scene::set().await;
    let get = |name: &str, value: &str| scene.ada.get("/rest/v1/tags").header(name, value);
    let post = |name: &str, value: &str| {
        let ask = scene.ada.post("/rest/v1/tags", &json!({ "name": value }));
        ask.header(name, value)
    };
    get("accept-profile", "public").await.expect_status(200);
    post("content-profile", "public").await.expect_status(201);
    // The other one says nothing of this request.
    get("content-profile", "other").await.expect_status(200);
    post("accept-profile", "other").await.expect_status(201);
    let schema = scene.acme.tenant.schema.to_string();
    for name in ["other", "", "Public", "catalog", &schema, "public,public"] {
        for ask in [get("accept-profile", name), post("content-profile", name)] {
            let asked = ask.describe();
            let answer = ask.await;
            let expected = (406, "PGRST106".to_owned());
            assert_eq!((answer.status(), answer.code()), expected, "{asked} {name:?}");
            assert!(!answer.text().contains(&schema) || name == schema);
        }
    }
}

#[tokio::test]
async fn options_tell_the_methods_and_nothing_else() {
    let scene = Scene::set().await;
    for (path, allow) in [
        ("/rest/v1/", "OPTIONS,GET,HEAD"),
        ("/rest/v1/tags", "OPTIONS,GET,HEAD,POST,PATCH,PUT,DELETE"),
        (
            "/rest/v1/no_such_object",
            "OPTIONS,GET,HEAD,POST,PATCH,PUT,DELETE",
        ),
        ("/rest/v1/tags/x", "OPTIONS,GET,HEAD,PATCH,PUT,DELETE"),
        ("/rest/v1/rpc/no_such_function", "OPTIONS,GET,HEAD,POST"),
    ] {
        let hosts = ["acme.tenantry.test", "nobody.tenantry.test", "example.com"];
        for client in hosts.map(|host| scene.app.client(host)) {
            let answer = client.ask(Method::OPTIONS, path).await.expect_status(200);
            assert_eq!(
                (answer.header("allow"), answer.text()),
                (Some(allow), ""),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_list_says_where_it_is() {
    let scene = Scene::set().await;
    let list = async |query: &str| scene.ada.get(&format!("/rest/v1/tags{query}")).await;
    for (query, place) in [
        ("", Some("/rest/v1/tags")),
        ("?select=name&limit=2", Some("/rest/v1/tags?limit=2&select=name")),
        ("?limit=2&select=name", Some("/rest/v1/tags?limit=2&select=name")),
        ("?name=eq.%C3%9C", Some("/rest/v1/tags?name=eq.%C3%9C")),
        (&format!("?name=eq.{}", "x".repeat(4000)), None),
    ] {
        let answer = list(query).await.expect_status(200);
        assert_eq!(answer.header("content-location"), place, "{query:.40}");
    }
}
