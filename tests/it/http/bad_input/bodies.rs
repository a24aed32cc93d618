//! Bodies that are wrong in every way.

use axum::http::Method;
use serde_json::Value;
use tests::app::{Ask, Client};

use super::nasty::{TEXTS, VALUES};
use super::{Scene, Trial};

fn send(who: &Client, method: Method, target: &str, body: impl Into<bytes::Bytes>) -> Ask {
    who.ask(method, target)
        .header("content-type", "application/json")
        .body(body)
}

#[tokio::test]
async fn every_nasty_value_for_every_column() {
    let scene = Scene::set().await;
    let mut trial = Trial::default();
    let stage = scene
        .ada
        .get("/rest/v1/stages?select=id,pipeline_id&position=eq.1")
        .await
        .json();
    let (stage, pipeline) = (&stage[0]["id"], &stage[0]["pipeline_id"]);
    for (object, needed) in [
        ("contacts", "\"first_name\":\"x\"".to_owned()),
        ("companies", "\"name\":\"x\"".to_owned()),
        ("pipelines", "\"name\":\"x\"".to_owned()),
        (
            "stages",
            format!("\"name\":\"x\",\"position\":1,\"pipeline_id\":{pipeline}"),
        ),
        (
            "deals",
            format!("\"title\":\"x\",\"pipeline_id\":{pipeline},\"stage_id\":{stage}"),
        ),
        ("activities", "\"type\":\"call\",\"subject\":\"x\"".to_owned()),
        ("notes", "\"content\":\"x\"".to_owned()),
        ("tags", "\"name\":\"x\"".to_owned()),
        ("contact_tags", String::new()),
    ] {
        let whole = scene.ada.post(&format!("/rest/v1/{object}"), &Value::Null).await;
        assert_eq!(whole.status(), 400);
        for column in columns(&scene, object).await {
            let rest: Vec<&str> = needed
                .split(',')
                .filter(|pair| !pair.contains(&format!("\"{column}\"")))
                .collect();
            for value in VALUES {
                let mut pairs = rest.clone();
                let pair = format!("\"{column}\":{value}");
                pairs.push(&pair);
                let body = format!("{{{}}}", pairs.join(","));
                trial
                    .put(send(
                        &scene.ada,
                        Method::POST,
                        &format!("/rest/v1/{object}"),
                        body.into_bytes(),
                    ))
                    .await;
            }
            let change = format!("{{\"{column}\":{}}}", VALUES[column.len() % VALUES.len()]);
            let target = format!("/rest/v1/{object}?{column}=not.is.null");
            trial
                .put(send(&scene.ada, Method::PATCH, &target, change.into_bytes()))
                .await;
        }
    }
    trial.end(3000);
}

/// The columns of an object, the hidden ones too.
async fn columns(scene: &Scene, object: &str) -> Vec<String> {
    let superuser = scene.acme.db().as_superuser().await;
    let sql = "select attname::text from pg_attribute where attrelid = $1::text::regclass and attnum > 0";
    let table = format!("{}.{object}", scene.acme.tenant.schema);
    let rows = superuser
        .query(sql, &[&table])
        .await
        .expect("a superuser sees it");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn bodies_that_are_hardly_json() {
    let scene = Scene::set().await;
    let mut trial = Trial::default();
    let deep = |open: &str, close: &str, n: usize| format!("{}1{}", open.repeat(n), close.repeat(n));
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "\0",
        "{",
        "}",
        "[",
        "]",
        "{}",
        "[]",
        "[{}]",
        "[{},{}]",
        "[[]]",
        "[null]",
        "null",
        "true",
        "1",
        "1e400",
        "\"x\"",
        "nul",
        "{'a':1}",
        "{a:1}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1}{\"b\":2}",
        "{}x",
        "\u{feff}{}",
        "// x\n{}",
        "{\"\":1}",
        "{\"\\u0000\":1}",
        "{\"a\":1,\"a\":2}",
        "{\"first_name\":\"a\",\"first_name\":\"b\"}",
        "{\"first_name\":\"a\",\"first\\u005fname\":\"b\"}",
        "{\"\\ud800\":1}",
        "{\"first_name\":\"\\ud800\"}",
        "{\"first_name\":\"\\x\"}",
        "{\"first_name\":\"\n\"}",
        "{\"first_name\":01}",
        "{\"first_name\":.5}",
        "{\"first_name\":NaN}",
        "{\"first_name\":Infinity}",
        "{\"first_name\":1e}",
        "[{\"first_name\":1},{}]",
        "[{\"first_name\":\"a\"},null]",
        "{\"first_name; drop table contacts\":1}",
        "{\"\\\"first_name\\\"\":1}",
        "{\"First_Name\":1}",
        "{\"search\":\"x\"}",
        "{\"tableoid\":1}",
        "{\"ctid\":\"(0,0)\"}",
        "{\"__proto__\":{}}",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    bodies.extend([
        b"\xff".to_vec(),
        b"{\"first_name\":\"\xff\"}".to_vec(),
        b"{\"\xff\":1}".to_vec(),
        b"{\"first_name\":\"\xed\xa0\x80\"}".to_vec(),
        "{\"first_name\":\"x\"}"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect(),
        deep("[", "]", 10_000).into_bytes(),
        deep("{\"a\":", "}", 10_000).into_bytes(),
        format!("{{\"first_name\":{}}}", deep("[", "]", 10_000)).into_bytes(),
        format!("{{\"first_name\":{}}}", deep("{\"a\":", "}", 10_000)).into_bytes(),
        format!("{{\"first_name\":{}}}", "[".repeat(100_000)).into_bytes(),
        format!("{{\"first_name\":\"{}\"}}", "x".repeat(3_000_000)).into_bytes(),
        format!("{{\"{}\":1}}", "x".repeat(100_000)).into_bytes(),
        format!("{{\"version\":{}}}", "9".repeat(200_000)).into_bytes(),
        format!("[{}{{}}]", "{},".repeat(20_000)).into_bytes(),
        format!(
            "[{}{{\"first_name\":\"x\"}}]",
            "{\"first_name\":\"x\"},".repeat(5_000)
        )
        .into_bytes(),
        format!(
            "{{{}}}",
            (0..5_000)
                .map(|n| format!("\"k{n}\":1"))
                .collect::<Vec<_>>()
                .join(",")
        )
        .into_bytes(),
    ]);
    for body in &bodies {
        trial
            .put(send(&scene.ada, Method::POST, "/rest/v1/contacts", body.clone()))
            .await;
        trial
            .put(send(
                &scene.ada,
                Method::PATCH,
                "/rest/v1/contacts?first_name=eq.x",
                body.clone(),
            ))
            .await;
        for target in [
            "/auth/v1/signup",
            "/auth/v1/token?grant_type=password",
            "/auth/v1/token?grant_type=refresh_token",
        ] {
            trial
                .put(send(&scene.acme.nobody(), Method::POST, target, body.clone()))
                .await;
        }
    }
    let address = format!("{{\"name\":\"x\",\"address\":{}}}", deep("{\"a\":", "}", 10_000));
    trial
        .put(send(
            &scene.ada,
            Method::POST,
            "/rest/v1/companies",
            address.into_bytes(),
        ))
        .await;
    let address = format!("{{\"name\":\"x\",\"address\":{{\"a\":{}}}}}", "9".repeat(200_000));
    trial
        .put(send(
            &scene.ada,
            Method::POST,
            "/rest/v1/companies",
            address.into_bytes(),
        ))
        .await;
    trial.end(300);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn every_nasty_value_for_every_credential() {
    let scene = Scene::set().await;
    let mut trial = Trial::default();
    let texts: Vec<String> = TEXTS.iter().map(|text| Value::from(*text).to_string()).collect();
    let values = VALUES.iter().copied().chain(texts.iter().map(String::as_str));
    for value in values {
        for (target, body) in [
            (
                "/auth/v1/signup",
                format!("{{\"email\":{value},\"password\":\"a good password\"}}"),
            ),
            (
                "/auth/v1/signup",
                format!("{{\"email\":\"a@example.com\",\"password\":{value}}}"),
            ),
            (
                "/auth/v1/signup",
                format!("{{\"email\":\"a@example.com\",\"password\":\"a good password\",\"data\":{value}}}"),
            ),
            (
                "/auth/v1/signup",
                format!(
                    "{{\"email\":\"a@example.com\",\"password\":\"a good password\",\"data\":{{\"name\":{value}}}}}"
                ),
            ),
            (
                "/auth/v1/token?grant_type=password",
                format!("{{\"email\":{value},\"password\":\"x\"}}"),
            ),
            (
                "/auth/v1/token?grant_type=password",
                format!("{{\"email\":\"ada@acme.test\",\"password\":{value}}}"),
            ),
            (
                "/auth/v1/token?grant_type=refresh_token",
                format!("{{\"refresh_token\":{value}}}"),
            ),
        ] {
            let answer = trial
                .put(send(
                    &scene.acme.nobody(),
                    Method::POST,
                    target,
                    body.into_bytes(),
                ))
                .await;
            if target.contains("token") {
                assert_eq!(answer.status(), 400, "nothing of this signs anybody in: {value}");
            }
        }
    }
    for n_dots in [0, 1, 2, 3, 500] {
        for part in ["", "a", "eyJhbGciOiJFZERTQSJ9", "bnVsbA", "_-_-", "AAAA="] {
            let token = vec![part; n_dots + 1].join(".");
            for client in [
                scene.acme.nobody().bearer(&token),
                scene.acme.nobody().with("apikey", &token),
            ] {
                let answer = trial.put(client.get("/auth/v1/user")).await;
                assert_eq!(answer.status(), 401, "{token}");
            }
        }
    }
    trial.end(1000);
}
