//! Functions of a template over HTTP.

use axum::http::Method;
use catalog::memberships::MemberRole::{Admin, Member};
use serde_json::{Value, json};

use super::scene::Scene;

impl Scene {
    /// Two customers, the first with two orders.
    async fn with_orders() -> Self {
        let scene = Self::workshop().await;
        for (object, records) in [
            ("customers", json!([{ "name": "Ann" }, { "name": "Bob" }])),
            (
                "orders",
                json!([{ "customer_id": 1, "total": 50 }, { "customer_id": 1, "total": 150 }]),
            ),
        ] {
            let made = scene.ada.post(&format!("/rest/v1/{object}"), &records).await;
            made.expect_status(201);
        }
        scene
    }
}

fn rpc(function: &str) -> String {
    format!("/rest/v1/rpc/{function}")
}

#[tokio::test]
async fn a_function_is_called_by_get_head_and_post() {
    let scene = Scene::with_orders().await;
    let ada = &scene.ada;
    let by_get = ada.get(&rpc("add?a=2")).await.expect_status(200);
    assert_eq!(by_get.json(), json!(3));
    assert_eq!(
        by_get.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let by_post = ada.post(&rpc("bump"), &json!({ "n": 2, "by": 4 })).await;
    assert_eq!(by_post.expect_status(200).json(), json!({ "n": 6 }));
    let head = ada.ask(Method::HEAD, &rpc("orders_of?customer=1"));
    let head = head.header("prefer", "count=exact").await.expect_status(200);
    assert_eq!((head.text(), head.header("content-range")), ("", Some("0-1/2")));
    let nothing = ada.ask(Method::POST, &rpc("touch")).await.expect_status(204);
    assert_eq!(nothing.text(), "");
    let rows = ada.post(
        &rpc("orders_of?select=total,customers(name)&total=gt.100"),
        &json!({ "customer": 1 }),
    );
    assert_eq!(
        rows.await.expect_status(200).json(),
        json!([{ "total": 150.0, "customers": { "name": "Ann" } }])
    );
    let written = ada.post(&rpc("place_order?select=customer_id"), &json!({ "customer": 2 }));
    assert_eq!(
        written.await.expect_status(200).json(),
        json!({ "customer_id": 2 })
    );
    let page = ada.get(&rpc(
        "orders_of?customer=1&select=total&order=total&limit=1&offset=1",
    ));
    let page = page.await.expect_status(200);
    assert_eq!(
        (page.json(), page.header("content-range")),
        (json!([{ "total": 150.0 }]), Some("1-1/*"))
    );
}

#[tokio::test]
async fn arguments_come_in_the_forms_that_functions_take() {
    let scene = Scene::with_orders().await;
    let send = |function: &str, content_type: &str, body: &str| {
        let ask = scene.ada.ask(Method::POST, &rpc(function));
        let ask = ask.body(body.to_owned());
        if content_type.is_empty() {
            ask
        } else {
            ask.header("content-type", content_type)
        }
    };
    for (function, content_type, body, expected) in [
        ("add", "application/json", r#"{"a":1}"#, json!(2)),
        ("add", "", r#"{"a":1}"#, json!(2)),
        ("add", "application/x-www-form-urlencoded", "a=1", json!(2)),
        ("echo_json", "application/json", "[1,null]", json!([1, null])),
        ("echo_text", "text/plain", "a text", json!("a text")),
        ("echo_text", "text/plain; charset=utf-8", "Ü", json!("Ü")),
        (
            "echo_bytes",
            "application/octet-stream",
            "\u{1}b",
            json!("\\x0162"),
        ),
    ] {
        let answer = send(function, content_type, body).await.expect_status(200);
        assert_eq!(answer.json(), expected, "{function} {content_type}");
    }
    for content_type in [
        "text/csv",
        "application/x-ndjson",
        "image/png",
        "text/plain; charset=latin1",
    ] {
        let answer = send("add", content_type, "a\n1").await;
        let expected = (415, "unsupported_media_type".to_owned());
        assert_eq!((answer.status(), answer.code()), expected, "{content_type}");
    }
}

#[tokio::test]
async fn what_a_function_gives_has_the_form_that_is_accepted() {
    let scene = Scene::with_orders().await;
    let ask = |query: &str, accept: &str| {
        let ask = scene.ada.get(&rpc(&format!("orders_of?customer=1&{query}")));
        ask.header("accept", accept)
    };
    let csv = ask("select=id,total&order=id", "text/csv")
        .await
        .expect_status(200);
    assert_eq!(csv.text().trim_end(), "id,total\n1,50.00\n2,150.00");
    let one = ask("select=id,notes&id=eq.1", "application/vnd.pgrst.object+json").await;
    assert_eq!(one.expect_status(200).json(), json!({ "id": 1, "notes": null }));
    let stripped = ask(
        "select=id,notes&id=eq.1",
        "application/vnd.pgrst.array+json;nulls=stripped",
    );
    assert_eq!(stripped.await.expect_status(200).json(), json!([{ "id": 1 }]));
    let several = ask("select=id", "application/vnd.pgrst.object+json").await;
    assert_eq!((several.status(), several.code()), (406, "PGRST116".to_owned()));
    let unknown = ask("select=id", "text/html").await;
    assert_eq!((unknown.status(), unknown.code()), (406, "PGRST107".to_owned()));
}

#[tokio::test]
async fn what_a_key_may_not_read_it_reads_through_no_function() {
    let scene = Scene::with_orders().await;
    let key = scene
        .acme
        .key(&["orders_of:read", "add:insert", "place_order:read"])
        .await;
    let orders = key.get(&rpc("orders_of?customer=1&select=total")).await;
    assert_eq!(orders.expect_status(200).json().as_array().map(Vec::len), Some(2));
    for (target, status) in [
        // Embedding reads another table.
        ("orders_of?customer=1&select=total,customers(name)", 403),
        ("orders_of?customer=1&select=total&customers.name=eq.Ann", 400),
        // A right to write is none to read.
        ("add?a=1", 403),
        ("total_of?amounts=1", 403),
        // It may be tried in a transaction that only reads, where it fails.
        ("place_order?customer=1", 405),
    ] {
        let answer = key.get(&rpc(target)).await;
        assert_eq!(answer.status(), status, "{target}: {}", answer.text());
    }
    let tried = key.get(&rpc("place_order?customer=1")).await;
    assert_eq!(tried.header("allow"), Some("OPTIONS,POST"));
    let body = json!({ "customer": 1 });
    key.post(&rpc("place_order"), &body).await.expect_status(403);
    let wages = json!({ "factor": 2 });
    let all = scene.acme.key(&["*:*"]).await;
    all.post(&rpc("refresh_wages"), &wages).await.expect_status(204);
    let ann = scene.acme.member("ann", Member).await;
    for ask in [
        ann.post(&rpc("refresh_wages"), &wages),
        ann.get(&rpc("refresh_wages?factor=2")),
    ] {
        assert_eq!(ask.await.expect_status(403).code(), "42501");
    }
}

#[tokio::test]
async fn a_function_knows_its_own_tenant_only() {
    let scene = Scene::with_orders().await;
    let globex = scene.app.tenant("globex").await;
    let bob = globex.member("bob", Admin).await;
    let own = bob.get(&rpc("orders_of?customer=1")).await.expect_status(200);
    assert_eq!(own.json(), json!([]));
    for (client, status) in [
        (bob.at(&scene.acme.host()), 404),
        (scene.ada.at(&globex.host()), 404),
        (scene.ada.at("nobody.tenantry.test"), 404),
        (scene.ada.at("example.com"), 404),
        (scene.acme.nobody(), 401),
    ] {
        for ask in [
            client.get(&rpc("orders_of?customer=1")),
            client.get(&rpc("no_such_function")),
            client.post(&rpc("orders_of"), &json!({ "customer": 1 })),
        ] {
            assert_eq!(ask.await.status(), status);
        }
    }
}

#[tokio::test]
async fn odd_calls_are_the_callers_fault() {
    let scene = Scene::with_orders().await;
    let get = |target: &str| scene.ada.get(&rpc(target));
    let post = |function: &str, body: Value| scene.ada.post(&rpc(function), &body);
    for (ask, status, code) in [
        (get("no_such_function"), 404, "PGRST202"),
        (get("_internal"), 404, "PGRST202"),
        (get("secret_sum"), 404, "PGRST202"),
        (get("tidy_up"), 404, "PGRST202"),
        (get("product_of?x=1"), 404, "PGRST202"),
        (get("unnamed?a=1"), 404, "PGRST202"),
        (get("add"), 404, "PGRST202"),
        (get("add?a=1&b=2"), 300, "PGRST203"),
        (get("add?a=x"), 400, "22P02"),
        (get("add?a=99999999999999999999"), 400, "22003"),
        (get("add?a=%00"), 400, "22021"),
        (get("add?a=1&a=2"), 400, "PGRST100"),
        (get("add?a=1&limit=1"), 400, "PGRST100"),
        (get("add?a=2147483647"), 400, "22003"),
        (get("%ff"), 400, "bad_path"),
        (get(""), 404, "not_found"),
        (post("add", json!([1])), 404, "PGRST202"),
        (post("add", json!({ "a": {} })), 400, "22P02"),
        (post("add", json!({ "a": 1, "c": 2 })), 404, "PGRST202"),
        (post("orders_in", json!({ "statuses": ["x"] })), 400, "22P02"),
        (post("place_order", json!({ "customer": 99 })), 409, "23503"),
    ] {
        let asked = ask.describe();
        let answer = ask.await;
        assert_eq!(
            (answer.status(), answer.code().as_str()),
            (status, code),
            "{asked}: {}",
            answer.text()
        );
    }
    for (method, path) in [
        (Method::PUT, rpc("add")),
        (Method::PATCH, rpc("add")),
        (Method::DELETE, rpc("add?a=1")),
    ] {
        let answer = scene.ada.ask(method, &path).await.expect_status(405);
        assert_eq!(answer.header("allow"), Some("GET,HEAD,POST,OPTIONS"));
    }
    for body in ["{", "\u{0}", "{\"a\":1,\"a\":2}", "nul"] {
        let ask = scene.ada.ask(Method::POST, &rpc("echo_json"));
        let answer = ask.header("content-type", "application/json").body(body).await;
        assert_eq!(answer.status(), 400, "{body:?}: {}", answer.text());
    }
    let large = scene.ada.ask(Method::POST, &rpc("echo_text"));
    let large = large
        .header("content-type", "text/plain")
        .body("x".repeat(5 << 20));
    large.await.expect_status(413);
}
