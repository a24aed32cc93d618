//! Answers that are a value and nothing around it: text and bytes.

use axum::http::Method;
use serde_json::json;

use super::scene::Scene;

const TEXT: &str = "text/plain";
const BYTES: &str = "application/octet-stream";

async fn stocked() -> Scene {
    let scene = Scene::workshop().await;
    let products = json!([
        { "sku": "a", "name": "Ä \\x", "price": 1.5, "photo": "\\x00ff0a", "fits": "[1,3)" },
        { "sku": "b", "name": "", "price": 2, "photo": "\\x01", "fits": null },
        { "sku": "c", "name": "see\n", "price": 3, "photo": null, "fits": null },
    ]);
    let made = scene.ada.post("/rest/v1/products", &products).await;
    made.expect_status(201);
    scene
}

#[tokio::test]
async fn a_single_column_is_answered_as_text_or_bytes() {
    let scene = stocked().await;
    for (accept, list, body) in [
        (TEXT, "products?select=name&order=sku", &b"\xc3\x84 \\xsee\n"[..]),
        (BYTES, "products?select=name&order=sku", b"\xc3\x84 \\xsee\n"),
        (BYTES, "products?select=photo&order=sku", b"\x00\xff\x0a\x01"),
        (BYTES, "products?select=photo&sku=eq.a", b"\x00\xff\x0a"),
        (BYTES, "products?select=photo&sku=eq.c", b""),
        (BYTES, "products?select=photo&sku=eq.nothing", b""),
        (BYTES, "products?select=photo::text&sku=eq.a", b"\\x00ff0a"),
        (TEXT, "products?select=photo&sku=eq.a", b"\\x00ff0a"),
        (TEXT, "products?select=it:fits&sku=eq.a", b"[1,3)"),
        (TEXT, "products?select=price.sum()", b"6.50"),
        (BYTES, "products?select=sku.max()", b"c"),
        (TEXT, "products?select=count()", b"3"),
        ("text/*;q=0.5, text/plain", "products?select=sku&sku=eq.b", b"b"),
    ] {
        let ask = scene
            .ada
            .get(&format!("/rest/v1/{list}"))
            .header("accept", accept);
        let answer = ask.await.expect_status(200);
        assert_eq!(answer.bytes(), body, "{accept} {list}");
        let media_type = if accept == BYTES {
            BYTES
        } else {
            "text/plain; charset=utf-8"
        };
        assert_eq!(answer.header("content-type"), Some(media_type), "{list}");
        let head = scene.ada.ask(Method::HEAD, &format!("/rest/v1/{list}"));
        let head = head.header("accept", accept).await.expect_status(200);
        assert_eq!((head.text(), head.header("content-type")), ("", Some(media_type)));
    }
    let ranged = scene.ada.get("/rest/v1/products?select=sku&order=sku");
    let ranged = ranged.header("accept", TEXT).header("prefer", "count=exact");
    let ranged = ranged.header("range", "1-1").await.expect_status(206);
    assert_eq!(
        (ranged.text(), ranged.header("content-range")),
        ("b", Some("1-1/3"))
    );
}

#[tokio::test]
async fn one_record_and_what_was_written_have_bare_values() {
    let scene = stocked().await;
    let ada = &scene.ada;
    let photo = ada
        .get("/rest/v1/products/a?select=photo")
        .header("accept", BYTES);
    assert_eq!(photo.await.expect_status(200).bytes(), b"\x00\xff\x0a");
    let none = ada
        .get("/rest/v1/products/c?select=photo")
        .header("accept", BYTES);
    assert_eq!(none.await.expect_status(200).bytes(), b"");
    let gone = ada
        .get("/rest/v1/products/z?select=photo")
        .header("accept", BYTES);
    assert_eq!(gone.await.expect_status(404).code(), "PGRST116");
    let line = json!({ "customer_id": 1, "total": 3 });
    ada.post("/rest/v1/customers", &json!({ "name": "Ann" }))
        .await
        .expect_status(201);
    ada.post("/rest/v1/orders", &line).await.expect_status(201);
    let related = ada
        .get("/rest/v1/orders?select=...customers(name)")
        .header("accept", TEXT);
    assert_eq!(related.await.expect_status(200).text(), "Ann");
    let inside = ada
        .get("/rest/v1/orders?select=customers(name)")
        .header("accept", TEXT);
    assert_eq!(inside.await.expect_status(200).json(), json!({ "name": "Ann" }));

    let change = |prefer: &str| {
        let change = ada.patch(
            "/rest/v1/products?select=photo&sku=in.(a,b)",
            &json!({ "photo": "\\xfe" }),
        );
        change.header("accept", BYTES).header("prefer", prefer)
    };
    assert_eq!(change("return=minimal").await.expect_status(204).text(), "");
    assert_eq!(
        change("return=representation").await.expect_status(200).bytes(),
        b"\xfe\xfe"
    );
    let once = || {
        let new = ada.post(
            "/rest/v1/products?select=photo",
            &json!({ "sku": "d", "name": "d", "price": 1, "photo": "\\x80" }),
        );
        new.header("accept", BYTES)
            .header("prefer", "return=representation")
            .header("idempotency-key", "k")
    };
    assert_eq!(once().await.expect_status(201).bytes(), b"\x80");
    let again = once().await.expect_status(201);
    assert_eq!(
        (again.bytes(), again.header("idempotent-replayed")),
        (&b"\x80"[..], Some("true"))
    );
}

#[tokio::test]
async fn results_of_functions_have_bare_values() {
    let scene = stocked().await;
    for (accept, call, body) in [
        (TEXT, "add?a=2", "3"),
        (BYTES, "add?a=2", "3"),
        (TEXT, "numbers?up_to=3&limit=2", "12"),
        (TEXT, "total_of?amounts=1.50&amounts=2", "3.50"),
        (TEXT, "first_order?select=id", ""),
        (TEXT, "bestsellers?select=sku", ""),
    ] {
        let answer = scene
            .ada
            .get(&format!("/rest/v1/rpc/{call}"))
            .header("accept", accept);
        assert_eq!(answer.await.expect_status(200).text(), body, "{accept} {call}");
    }
    let echo = |accept: &'static str| {
        let echo = scene.ada.ask(Method::POST, "/rest/v1/rpc/echo_bytes");
        let echo = echo.header("content-type", BYTES).body(vec![0, 0xff, 0x80]);
        echo.header("accept", accept)
    };
    assert_eq!(echo(BYTES).await.expect_status(200).bytes(), b"\x00\xff\x80");
    assert_eq!(echo(TEXT).await.expect_status(200).text(), "\\x00ff80");
    let nothing = scene
        .ada
        .ask(Method::POST, "/rest/v1/rpc/touch")
        .header("accept", TEXT);
    assert_eq!(nothing.await.expect_status(204).text(), "");
}

#[tokio::test]
async fn what_is_not_one_value_is_refused() {
    let scene = stocked().await;
    for (accept, path, code) in [
        (TEXT, "products", "PGRST113"),
        (BYTES, "products?select=sku,photo", "PGRST113"),
        (TEXT, "products/a", "PGRST113"),
        (BYTES, "rpc/split_name?full_name=x", "PGRST113"),
        (TEXT, "rpc/any_row", "PGRST113"),
        ("text/xml", "products?select=sku,name", "PGRST113"),
        ("text/xml", "products?select=sku", "PGRST107"),
        ("text/xml", "rpc/add?a=1", "PGRST107"),
        ("image/png", "products?select=photo", "PGRST107"),
    ] {
        let refused = scene
            .ada
            .get(&format!("/rest/v1/{path}"))
            .header("accept", accept);
        let refused = refused.await.expect_status(406);
        assert_eq!(refused.code(), code, "{accept} {path}");
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
        assert_ne!(refused.field("hint"), "null", "{accept} {path}");
    }
}
