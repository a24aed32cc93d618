//! Bodies in every format, and the columns that they write.

use serde_json::json;
use tenant_schema::records::{Form, Format, Operation, Payload, Target};

use super::{Ask, Scene, told};

const REPRESENTATION: &str = "return=representation";

#[tokio::test]
async fn every_format_writes_the_same_records() {
    let scene = Scene::set().await;
    let ask = Ask {
        query: "select=sku,name,price,in_stock,fits",
        prefer: REPRESENTATION,
        form: Form::Plural,
    };
    let expected = |sku: &str| json!({ "sku": sku, "name": "Bell, brass", "price": 12.5, "in_stock": false, "fits": null });
    for (sku, format, body) in [
        (
            "json",
            Format::Json,
            r#"{"sku":"json","name":"Bell, brass","price":12.50,"in_stock":false,"fits":null}"#,
        ),
        (
            "ndjson",
            Format::Ndjson,
            "{\"sku\":\"ndjson\",\"name\":\"Bell, brass\",\"price\":\"12.50\",\"in_stock\":false,\"fits\":null}\n",
        ),
        (
            "csv",
            Format::Csv,
            "sku,name,price,in_stock,fits\r\ncsv,\"Bell, brass\",12.50,f,NULL\r\n",
        ),
    ] {
        let (status, body) = told(scene.send("products", ask, format, body).await);
        assert_eq!((status, body), (201, json!([expected(sku)])), "{sku}");
    }
    let form = "sku=form&name=Bell%2C+brass&price=12.50&in_stock=no";
    let (status, body) = told(scene.send("products", ask, Format::Form, form).await);
    assert_eq!((status, body), (201, json!([expected("form")])));
}

#[tokio::test]
async fn values_of_every_type_arrive() {
    let scene = Scene::set().await;
    let body = json!({
        "id": 1, "a_large_quantity": 101, "a_bigint": 9_007_199_254_740_993_i64, "a_numeric": "123456789012345678901234567890.5",
        "a_char": "ab", "a_timestamptz": "2025-01-02T03:04:05Z", "an_interval": "1 day", "a_json": { "b": [1, null] },
        "a_jsonb": [{ "b": 1, "a": 2 }], "a_bytea": "\\x00ff", "a_bit": "1010", "an_int4range": "[1,5)",
        "a_status": "in work", "some_statuses": ["draft", "done"], "an_email": "a@b",
        "an_address": { "street": "Main St", "city": "Ulm" }, "some_addresses": [{ "zip": "1" }],
        "a_matrix": [[1, 2], [3, 4]], "select": "x", "Ümlaut \"quoted\"": "y",
    });
    let (status, made) = told(scene.insert("samples", "", REPRESENTATION, &body).await);
    assert_eq!(status, 201, "{made}");
    for (column, expected) in [
        ("a_json", json!({ "b": [1, null] })),
        ("a_bytea", json!("\\x00ff")),
        ("a_matrix", json!([[1, 2], [3, 4]])),
        ("some_statuses", json!(["draft", "done"])),
        (
            "an_address",
            json!({ "street": "Main St", "city": "Ulm", "zip": null }),
        ),
        ("Ümlaut \"quoted\"", json!("y")),
        ("a_numeric", json!("123456789012345678901234567890.5")),
    ] {
        assert_eq!(made[0][column], expected, "{column}");
    }
    for (column, value) in [
        ("a_smallint", json!(99999)),
        ("a_uuid", json!("x")),
        ("a_status", json!("lost")),
        ("a_matrix", json!([[1], [2, 3]])),
        ("an_email", json!("nobody")),
        ("a_boolean", json!({})),
        ("an_address", json!("(")),
        ("a_varchar", json!("much too long")),
        ("a_date", json!("2025-02-30")),
        ("a_bytea", json!("\\xf")),
        ("a_jsonb", json!("\u{0}")),
    ] {
        let (status, told) = told(
            scene
                .insert(
                    "samples",
                    "",
                    "",
                    &json!({ "id": 2, "a_large_quantity": 101, column: value }),
                )
                .await,
        );
        assert!((400..500).contains(&status), "{column}: {told}");
    }
}

#[tokio::test]
async fn a_thousand_records_are_one_statement() {
    let scene = Scene::set().await;
    let many: Vec<_> = (0..1000)
        .map(|n| json!({ "id": n, "a_large_quantity": 101, "a_varchar": format!("no {n}") }))
        .collect();
    let answer = scene
        .insert("samples", "", "count=exact", &json!(many))
        .await
        .expect("written");
    assert_eq!(answer.content_range.as_deref(), Some("*/1000"));
    assert_eq!(
        scene.list("samples", "id=eq.999&select=a_varchar").await,
        json!([{ "a_varchar": "no 999" }])
    );
    let (status, told) = told(scene.insert("samples", "", "", &json!(many)).await);
    assert_eq!((status, &told["code"]), (409, &json!("23505")));
}

#[tokio::test]
async fn what_a_record_leaves_out_is_null_or_the_default() {
    let scene = Scene::set().await;
    let (query, body) = (
        "columns=id,name,skills&select=name,skills&order=id",
        json!([
            { "id": 101, "name": "x", "skills": ["a"], "other": 1 },
            { "name": "y" },
            { "id": 102, "name": "z", "skills": null },
        ]),
    );
    let (status, told_null) = told(scene.insert("employees", query, REPRESENTATION, &body).await);
    assert_eq!(
        (status, &told_null["code"]),
        (422, &json!("23502")),
        "{told_null}"
    );
    let body = json!([{ "id": 101, "name": "x", "skills": ["a"], "other": 1 }, { "name": "y" }]);
    let prefer = "return=representation, missing=default";
    let answer = scene.insert("employees", query, prefer, &body).await;
    let applied = answer
        .as_ref()
        .ok()
        .and_then(|answer| answer.preference_applied.clone());
    assert_eq!(applied.as_deref(), Some("missing=default, return=representation"));
    let expected = json!([{ "name": "y", "skills": [] }, { "name": "x", "skills": ["a"] }]);
    assert_eq!(told(answer), (201, expected));
}

#[tokio::test]
async fn a_domain_has_a_default_too() {
    let scene = Scene::set().await;
    for (object, body) in [
        (
            "products",
            json!([{ "sku": "s", "name": "n", "price": 1 }, { "sku": "t", "name": "n", "price": 1 }]),
        ),
        ("customers", json!({ "name": "Cy" })),
        ("orders", json!({ "id": 7, "customer_id": 1 })),
    ] {
        scene.insert(object, "", "", &body).await.expect("written");
    }
    let prefer = "return=representation, missing=default";
    let lines = json!([
        { "order_id": 7, "product_sku": "s", "amount": 5 },
        { "order_id": 7, "product_sku": "t" },
    ]);
    let query = "columns=order_id,product_sku,amount,discount&select=amount,discount&order=amount";
    let made = scene.insert("order_lines", query, prefer, &lines).await;
    let expected = json!([{ "amount": 1, "discount": null }, { "amount": 5, "discount": null }]);
    assert_eq!(told(made), (201, expected));
    let changed = scene
        .update(
            "order_lines",
            "product_sku=eq.s&columns=amount&select=amount",
            prefer,
            &json!({}),
        )
        .await;
    assert_eq!(told(changed), (200, json!([{ "amount": 1 }])));
}

#[tokio::test]
async fn columns_that_cannot_be_written_are_refused_by_name() {
    let scene = Scene::set().await;
    for (object, body, code) in [
        ("customers", json!({ "id": 1, "name": "x" }), "428C9"),
        ("customers", json!({ "search": "x", "name": "x" }), "428C9"),
        ("customers", json!({ "initials": "x", "name": "x" }), "PGRST204"),
        ("customers", json!({ "nam": "x" }), "PGRST204"),
        ("documents", json!({ "title": "x", "secret": "y" }), "PGRST204"),
        ("tasks", json!({ "code": "x", "title": "y" }), "PGRST117"),
        ("sales", json!({ "sold": 1 }), "PGRST117"),
    ] {
        let refused = scene.insert(object, "", "", &body).await.expect_err("refused");
        assert_eq!(refused.code(), code, "{object} {body}");
    }
    let refused = scene
        .insert("customers", "columns=nam", "", &json!({}))
        .await
        .expect_err("refused");
    assert_eq!(refused.hint().as_deref(), Some("Perhaps you meant 'name'"));
}

#[tokio::test]
async fn writes_answer_with_what_is_related() {
    let scene = Scene::set().await;
    scene
        .insert("customers", "", "", &json!({ "name": "Cy" }))
        .await
        .expect("written");
    let query = "select=id,customer:customers(name),is_large&order=id.desc";
    let body = json!([{ "id": 1, "customer_id": 1 }, { "id": 2, "customer_id": 1, "total": 200 }]);
    let body = json!([{ "id": 1, "customer_id": 1, "total": 0 }, body[1]]);
    let made = scene.insert("orders", query, REPRESENTATION, &body).await;
    let of =
        |id: i32, is_large: bool| json!({ "id": id, "customer": { "name": "Cy" }, "is_large": is_large });
    assert_eq!(told(made), (201, json!([of(2, true), of(1, false)])));
    let changed = scene
        .update(
            "orders",
            "id=eq.1&select=total,customers(name)",
            REPRESENTATION,
            &json!({ "total": 7 }),
        )
        .await;
    assert_eq!(
        told(changed),
        (200, json!([{ "total": 7.0, "customers": { "name": "Cy" } }]))
    );
    let gone = scene
        .delete(
            "orders",
            "id=gt.0&select=id,customers!inner(name)&order=id",
            REPRESENTATION,
        )
        .await;
    let of = |id: i32| json!({ "id": id, "customers": { "name": "Cy" } });
    assert_eq!(told(gone), (200, json!([of(1), of(2)])));
}

#[tokio::test]
async fn what_is_written_comes_back_in_every_form() {
    let scene = Scene::set().await;
    for (n, form, expected) in [
        (
            1,
            Form::Plural,
            r#"[{"id":1,"a_varchar":"a, \"b\"","select":null}]"#,
        ),
        (2, Form::PluralStripped, r#"[{"id":2,"a_varchar":"a, \"b\""}]"#),
        (
            3,
            Form::Singular,
            r#"{"id":3,"a_varchar":"a, \"b\"","select":null}"#,
        ),
        (4, Form::SingularStripped, r#"{"id":4,"a_varchar":"a, \"b\""}"#),
        (5, Form::Csv, "id,a_varchar,select\n5,\"a, \"\"b\"\"\","),
    ] {
        let ask = Ask {
            query: "select=id,a_varchar,\"select\"",
            prefer: REPRESENTATION,
            form,
        };
        let body = json!({ "id": n, "a_large_quantity": 101, "a_varchar": "a, \"b\"" }).to_string();
        let answer = scene
            .send("samples", ask, Format::Json, &body)
            .await
            .expect("written");
        assert_eq!(answer.body.as_deref(), Some(expected.as_bytes()));
    }
    let ask = Ask {
        query: "select=\"the, id\":id,a_varchar,a_jsonb,a_boolean&id=gt.3&order=id",
        prefer: REPRESENTATION,
        form: Form::Csv,
    };
    let body = Payload::json(br#"{"a_varchar":"","a_jsonb":{"a":"\\ \n"},"a_boolean":true}"#);
    let target = Target::Filtered;
    let answer = scene
        .run("samples", ask, Operation::Update { target, body })
        .await
        .expect("written");
    let row = r#""","{""a"": ""\\ \n""}",t"#;
    let expected = format!("\"the, id\",a_varchar,a_jsonb,a_boolean\n4,{row}\n5,{row}");
    assert_eq!(answer.body.as_deref(), Some(expected.as_bytes()));
    let none = scene
        .run(
            "samples",
            Ask {
                query: "select=id&id=gt.9",
                ..ask
            },
            Operation::Delete { target },
        )
        .await;
    assert_eq!(none.expect("written").body.as_deref(), Some(&b"id"[..]));
}
