//! Absurd values in every header that is read, and absurd hosts.

use axum::http::Method;

use super::{Scene, Trial};

#[tokio::test]
async fn absurd_headers() {
    let scene = Scene::set().await;
    let mut trial = Trial::default();
    let (long, many) = ("x".repeat(60_000), "return=minimal,".repeat(3_000));
    let values: Vec<&[u8]> = vec![
        b"",
        b" ",
        b"\xff\xfe",
        b"\t",
        b"x",
        b"=",
        b",",
        b";",
        b",,,,",
        b";q=",
        b"\"",
        b"'",
        b"\\",
        b"*/*;q=nan",
        b"0",
        b"-1",
        b"18446744073709551616",
        b"return=",
        b"return=\xff",
        b"application/json;charset=\xff",
        b"Bearer",
        b"Bearer ",
        b"Bearer  x y",
        b"Bearer ..",
        b"Bearer a.b.c",
        b"Bearer eyJhbGciOiJub25lIn0.e30.",
        b"Basic Og==",
        b"W/\"1\"",
        b"{}",
        b"%00",
        b"a\tb",
        long.as_bytes(),
        many.as_bytes(),
    ];
    let names = [
        "accept",
        "prefer",
        "content-type",
        "authorization",
        "apikey",
        "x-request-id",
        "x-organization",
        "if-match",
        "if-none-match",
        "range",
        "range-unit",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "expect",
        "user-agent",
        "x-forwarded-for",
        "x-forwarded-host",
        "cookie",
        "origin",
        "accept-profile",
        "content-profile",
        "x-http-method-override",
        "idempotency-key",
    ];
    for name in names {
        for value in &values {
            trial
                .put(scene.ada.get("/rest/v1/contacts").header(name, value))
                .await;
            let post = scene
                .acme
                .nobody()
                .ask(Method::POST, "/auth/v1/token?grant_type=password");
            let post = post
                .body("{\"email\":\"a@b.c\",\"password\":\"x\"}")
                .header(name, value);
            trial
                .put(if name == "content-type" {
                    post
                } else {
                    post.header("content-type", "application/json")
                })
                .await;
        }
    }
    for host in [
        "",
        " ",
        "\t",
        "acme",
        "acme.tenantry.test:",
        "[::1]",
        "a".repeat(300).as_str(),
        "acme..tenantry.test",
        "%61cme.tenantry.test",
    ] {
        trial.put(scene.ada.at(host).get("/rest/v1/contacts")).await;
    }
    trial.end(1500);
}
