//! Lists and single records.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Scene, column, id};

/// Contacts `a` to `e`, of whom every other is a customer.
async fn five() -> Scene {
    let scene = Scene::set().await;
    for (n, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let status = if n % 2 == 0 { "lead" } else { "customer" };
        let phone = if n < 3 { json!(n.to_string()) } else { Value::Null };
        let contact = json!({ "first_name": name, "status": status, "phone": phone, "email": format!("{name}@x.test") });
        scene.add("contacts", &contact).await;
    }
    scene
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let scene = five().await;
    for (query, expected) in [
        ("", "abcde"),
        ("first_name=eq.a", "a"),
        ("first_name=neq.a", "bcde"),
        ("first_name=gt.b&first_name=lte.d", "cd"),
        ("first_name=gte.b&first_name=lt.d", "bc"),
        ("first_name=in.(a,e,x)", "ae"),
        ("first_name=in.()", ""),
        ("first_name=not.in.(a,e)", "bcd"),
        ("status=eq.customer", "bd"),
        ("status=not.eq.customer", "ace"),
        ("phone=is.null", "de"),
        ("phone=not.is.null", "abc"),
        ("or=(first_name.eq.a,status.eq.customer)", "abd"),
        ("and=(status.eq.lead,or(first_name.eq.a,first_name.eq.e))", "ae"),
        ("not.or=(first_name.eq.a,first_name.eq.b)", "cde"),
        ("first_name=eq.%61", "a"),
        ("first_name=eq.'%20or%201=1%20--", ""),
        ("full_name=eq.c", "c"),
        ("created_at=gt.2000-01-01&version=eq.1", "abcde"),
    ] {
        let rows = scene
            .list(&format!("contacts?select=first_name&order=first_name&{query}"))
            .await;
        assert_eq!(column(&rows, "first_name").concat(), expected, "{query}");
    }
}

#[tokio::test]
async fn order_and_pages() {
    let scene = five().await;
    for (query, expected, range) in [
        ("order=first_name.desc", "edcba", "0-4/*"),
        ("order=status,first_name.desc", "dbeca", "0-4/*"),
        ("order=phone.desc.nullslast,first_name", "cbade", "0-4/*"),
        ("order=phone.nullsfirst,first_name.desc", "edabc", "0-4/*"),
        ("order=first_name&limit=2", "ab", "0-1/*"),
        ("order=first_name&limit=2&offset=3", "de", "3-4/*"),
        ("order=first_name&limit=2&offset=4", "e", "4-4/*"),
        ("order=first_name&offset=5", "", "*/*"),
        ("order=first_name&limit=0", "", "*/*"),
        ("order=first_name&limit=99999999999999999999999", "abcde", "0-4/*"),
    ] {
        let answer = scene
            .ada
            .get(&format!("/rest/v1/contacts?select=first_name&{query}"))
            .await
            .expect_status(200);
        assert_eq!(column(&answer.json(), "first_name").concat(), expected, "{query}");
        assert_eq!(answer.header("content-range"), Some(range), "{query}");
        assert_eq!(
            answer.header("content-type"),
            Some("application/json; charset=utf-8")
        );
    }
    for query in ["limit=-1", "offset=-1", "offset=9223372036854775808"] {
        let answer = scene.ada.get(&format!("/rest/v1/contacts?{query}")).await;
        assert_eq!(
            (answer.status(), answer.code()),
            (416, "PGRST103".to_owned()),
            "{query}"
        );
    }
}

#[tokio::test]
async fn select_takes_columns_and_new_names() {
    let scene = five().await;
    let rows = scene
        .list("contacts?select=label:first_name,status&first_name=eq.a")
        .await;
    assert_eq!(rows, json!([{ "label": "a", "status": "lead" }]));
    let all = scene.list("contacts?first_name=eq.a").await;
    let mut names: Vec<&str> = all[0]
        .as_object()
        .expect("a record")
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    let expected = "company_id created_at created_by deleted_at email first_name full_name id job_title last_name \
        locale owner_id phone phone_digits processing_restricted_at source status tag_ids time_zone updated_at \
        updated_by version";
    assert_eq!(names, expected.split_whitespace().collect::<Vec<_>>());
}

#[tokio::test]
async fn one_record_has_a_path_and_a_version() {
    let scene = Scene::set().await;
    let contact = scene
        .add("contacts", &json!({ "first_name": "Ann", "last_name": "Lee" }))
        .await;
    let path = format!("/rest/v1/contacts/{}", id(&contact));
    let answer = scene
        .ada
        .get(&format!("{path}?select=full_name"))
        .await
        .expect_status(200);
    assert_eq!(answer.json(), json!({ "full_name": "Ann Lee" }));
    let whole = scene.ada.get(&path).await.expect_status(200);
    assert_eq!((whole.header("etag"), whole.json()), (Some("\"1\""), contact));

    let head = scene.ada.ask(Method::HEAD, &path).await.expect_status(200);
    assert_eq!((head.text(), head.header("etag")), ("", Some("\"1\"")));
    assert_eq!(head.header("content-type"), whole.header("content-type"));
    let head = scene
        .ada
        .ask(Method::HEAD, "/rest/v1/contacts")
        .await
        .expect_status(200);
    assert_eq!((head.text(), head.header("content-range")), ("", Some("0-0/*")));
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn unknown_names_are_refused_with_the_nearest_one() {
    let scene = Scene::set().await;
    for (target, status, code, hint) in [
        ("contact", 404, "PGRST205", "Perhaps you meant 'contacts'"),
        ("Contacts", 404, "PGRST205", "Perhaps you meant 'contacts'"),
        ("dael_tags", 404, "PGRST205", "Perhaps you meant 'deal_tags'"),
        (
            "contacts?frst_name=eq.x",
            400,
            "42703",
            "Perhaps you meant 'first_name'",
        ),
        (
            "contacts?select=frst_name",
            400,
            "42703",
            "Perhaps you meant 'first_name'",
        ),
        (
            "contacts?order=frst_name",
            400,
            "42703",
            "Perhaps you meant 'first_name'",
        ),
        (
            "contacts?or=(frst_name.eq.x)",
            400,
            "42703",
            "Perhaps you meant 'first_name'",
        ),
        (
            "contacts?slect=first_name",
            400,
            "42703",
            "Perhaps you meant 'select'",
        ),
        (
            "contacts?ordr=first_name",
            400,
            "42703",
            "Perhaps you meant 'order'",
        ),
    ] {
        let answer = scene.ada.get(&format!("/rest/v1/{target}")).await;
        let got = (answer.status(), answer.code(), answer.field("hint"));
        assert_eq!(got, (status, code.to_owned(), hint.to_owned()), "{target}");
    }
    for hidden in [
        "refinery_schema_history",
        "pg_class",
        "users",
        "catalog.users",
        "t_x",
        "information_schema.tables",
    ] {
        let answer = scene.ada.get(&format!("/rest/v1/{hidden}")).await;
        assert_eq!(
            (answer.status(), answer.code()),
            (404, "PGRST205".to_owned()),
            "{hidden}"
        );
    }
}

#[tokio::test]
async fn a_value_that_does_not_fit_names_its_column() {
    let scene = Scene::set().await;
    for (target, column) in [
        ("contacts/not-an-id", "id"),
        ("contacts?id=eq.not-an-id", "id"),
        ("contacts?company_id=in.(1,2)", "company_id"),
        ("contacts?version=gt.many", "version"),
        ("contacts?created_at=lt.tomorrowish", "created_at"),
        ("deals?value=gt.1e999999", "value"),
        ("deals?expected_close_date=eq.2026-13-01", "expected_close_date"),
        ("pipelines?is_default=eq.perhaps", "is_default"),
        ("or=", ""),
    ] {
        if column.is_empty() {
            continue;
        }
        let answer = scene.ada.get(&format!("/rest/v1/{target}")).await;
        assert_eq!(answer.status(), 400, "{target}: {}", answer.text());
        assert!(
            answer.field("details").contains(&format!("'{column}'")),
            "{target}: {}",
            answer.text()
        );
    }
    scene
        .ada
        .get(&format!("/rest/v1/contacts/{}", scene.acme.organization()))
        .await
        .expect_status(404);
}

#[tokio::test]
async fn accept_and_methods() {
    let scene = Scene::set().await;
    for (accept, status) in [
        ("application/json", 200),
        ("*/*", 200),
        ("text/html, */*;q=0.1", 200),
        ("text/html", 406),
    ] {
        let answer = scene.ada.get("/rest/v1/contacts").header("accept", accept).await;
        assert_eq!(answer.status(), status, "{accept}");
    }
    for (target, method, allow) in [
        (
            "/rest/v1/contacts",
            Method::TRACE,
            "GET,HEAD,POST,PATCH,PUT,DELETE,OPTIONS",
        ),
        (
            "/rest/v1/contacts/x",
            Method::POST,
            "GET,HEAD,PATCH,PUT,DELETE,OPTIONS",
        ),
        ("/rest/v1/rpc/x", Method::PUT, "GET,HEAD,POST,OPTIONS"),
        ("/auth/v1/user", Method::DELETE, "GET,HEAD"),
        ("/auth/v1/token", Method::GET, "POST"),
        ("/healthz", Method::POST, "GET,HEAD"),
    ] {
        let answer = scene.ada.ask(method, target).await;
        assert_eq!(
            (answer.status(), answer.code()),
            (405, "method_not_allowed".to_owned()),
            "{target}"
        );
        assert_eq!(answer.header("allow"), Some(allow), "{target}");
    }
}

#[tokio::test]
async fn the_longest_page_has_a_thousand_records() {
    let scene = Scene::set().await;
    let tags: Vec<Value> = (0..1003)
        .map(|n| json!({ "name": format!("tag {n:04}") }))
        .collect();
    scene
        .ada
        .post("/rest/v1/tags", &Value::from(tags))
        .await
        .expect_status(201);
    for query in ["", "&limit=5000"] {
        let answer = scene
            .ada
            .get(&format!("/rest/v1/tags?select=name&order=name{query}"))
            .await;
        assert_eq!(answer.header("content-range"), Some("0-999/*"), "{query}");
        assert_eq!(answer.json().as_array().map(Vec::len), Some(1000));
    }
    let rest = scene
        .ada
        .get("/rest/v1/tags?select=name&order=name&offset=1000")
        .await;
    assert_eq!(rest.header("content-range"), Some("1000-1002/*"));
}
