//! Functions of the template that has everything, called as requests call them.

use serde_json::{Value, json};
use tenant_schema::records::{
    Answer, CallBy, Form, Format, Mode, Operation, Payload, Preferences, Prepared, RecordError,
};
use tenant_schema::tenant_db::TenantDb;
use tests::database::one_connection;
use tests::{Records, TestDb};

struct Scene {
    records: Records,
    // Gone when dropped, and the tenant with it.
    _t: TestDb,
}

impl Scene {
    /// Two customers, and three orders of the first.
    async fn set() -> Self {
        let t = TestDb::workshop().await;
        let acme = t.tenant("acme").await;
        let db = TenantDb::new(&t.server_config(), &one_connection());
        let records = acme.records(&t, &db);
        for (object, body) in [
            ("customers", json!([{ "name": "Ann" }, { "name": "Bob" }])),
            (
                "orders",
                json!([
                    { "customer_id": 1, "total": 50, "status": "draft" },
                    { "customer_id": 1, "total": 150, "status": "placed" },
                    { "customer_id": 1, "total": 250, "status": "done" },
                ]),
            ),
        ] {
            records.insert(object, &body.to_string()).await.expect("written");
        }
        Self { records, _t: t }
    }

    async fn prepared(
        &self,
        function: &str,
        query: &str,
        prefer: &str,
        by: CallBy<'_>,
    ) -> Result<Prepared, RecordError> {
        let preferences = Preferences::parse(prefer);
        self.records
            .preferring(&preferences, Form::Plural, function, query, Operation::Call(by))
            .await
    }

    async fn run(
        &self,
        function: &str,
        query: &str,
        prefer: &str,
        by: CallBy<'_>,
    ) -> Result<Answer, RecordError> {
        let prepared = self.prepared(function, query, prefer, by).await?;
        self.records.run(&prepared).await
    }

    async fn get(&self, function: &str, query: &str) -> Result<Value, RecordError> {
        self.run(function, query, "", CallBy::Get)
            .await
            .map(|answer| body(&answer))
    }

    async fn send(
        &self,
        function: &str,
        query: &str,
        format: Format,
        bytes: &[u8],
    ) -> Result<Value, RecordError> {
        let by = CallBy::Post(Payload { bytes, format });
        self.run(function, query, "", by)
            .await
            .map(|answer| body(&answer))
    }

    async fn post(&self, function: &str, query: &str, arguments: Value) -> Result<Value, RecordError> {
        self.send(function, query, Format::Json, arguments.to_string().as_bytes())
            .await
    }
}

fn body(answer: &Answer) -> Value {
    let json = answer.body.as_deref().map(serde_json::from_slice);
    json.transpose().expect("JSON").unwrap_or_default()
}

#[tokio::test]
async fn values_come_as_they_are() {
    let scene = Scene::set().await;
    for (function, query, expected) in [
        ("add", "a=2&b=3", None),
        ("add", "a=2", Some(json!(3))),
        ("add", "a=2&select=*", Some(json!(3))),
        ("total_of", "amounts=1.5&amounts=2", Some(json!("3.5"))),
        ("total_of", "amounts=7", Some(json!("7"))),
        ("numbers", "up_to=3", Some(json!([1, 2, 3]))),
        ("numbers", "up_to=9&limit=2&offset=3", Some(json!([4, 5]))),
        ("numbers", "up_to=0", Some(json!([]))),
        ("status_of", "order_id=2", Some(json!("placed"))),
        ("status_of", "order_id=99", Some(json!(null))),
        ("one_out", "n=4", Some(json!({ "doubled": 8 }))),
        ("bump", "n=4", Some(json!({ "n": 5 }))),
        (
            "split_name",
            "full_name=Ann+Lee",
            Some(json!({ "first": "Ann", "last": "Lee" })),
        ),
        (
            "split_name",
            "full_name=Ann+Lee&select=last",
            Some(json!({ "last": "Lee" })),
        ),
        ("padded", "code=ab&bits=101", Some(json!("ab101"))),
    ] {
        let told = scene.get(function, query).await;
        match expected {
            Some(expected) => assert_eq!(told.expect("an answer"), expected, "{function}?{query}"),
            None => assert_eq!(told.expect_err("ambiguous").code(), "PGRST203"),
        }
    }
    let several = scene.get("add", "a=2&b=3").await.expect_err("ambiguous");
    assert_eq!(several.status(), 300);
    let message = several.message();
    assert!(message.contains("add(a => integer, b => integer)"), "{message}");
    assert!(message.contains("add(a => text, b => text)"), "{message}");
}

#[tokio::test]
async fn bodies_have_arguments_or_are_one() {
    let scene = Scene::set().await;
    for (function, arguments, expected) in [
        ("add", json!({ "a": 2 }), json!(3)),
        ("total_of", json!({ "amounts": [1, 2.5] }), json!("3.5")),
        (
            "orders_in",
            json!({ "statuses": ["draft", "done"] }),
            json!([{ "id": 1 }, { "id": 3 }]),
        ),
        ("echo_json", json!({ "a": [1, null] }), json!({ "a": [1, null] })),
        ("echo_json", json!([1, { "b": 2 }]), json!([1, { "b": 2 }])),
        (
            "padded",
            json!({ "code": "abc", "bits": "1010" }),
            json!("abc1010"),
        ),
        ("any_row", json!({}), json!({ "?column?": "one" })),
    ] {
        let query = if function == "orders_in" {
            "select=id&order=id"
        } else {
            ""
        };
        let told = scene
            .post(function, query, arguments.clone())
            .await
            .expect("an answer");
        assert_eq!(told, expected, "{function} {arguments}");
    }
    for (function, format, bytes, expected) in [
        (
            "echo_text",
            Format::Text,
            &b"just \"text\""[..],
            json!("just \"text\""),
        ),
        ("echo_bytes", Format::Bytes, b"\x00\xff", json!("\\x00ff")),
        ("total_of", Format::Form, b"amounts=1&amounts=2", json!("3")),
        ("touch", Format::Json, b"", json!(null)),
    ] {
        let told = scene.send(function, "", format, bytes).await.expect("an answer");
        assert_eq!(told, expected, "{function}");
    }
}

#[tokio::test]
async fn records_are_selected_filtered_and_embedded() {
    let scene = Scene::set().await;
    for (function, query, expected) in [
        (
            "orders_of",
            "customer=1&select=id,customers(name)&total=gt.100&order=id.desc",
            json!([{ "id": 3, "customers": { "name": "Ann" } }, { "id": 2, "customers": { "name": "Ann" } }]),
        ),
        (
            "orders_of",
            "customer=1&select=id&limit=1&offset=1&order=id",
            json!([{ "id": 2 }]),
        ),
        (
            "orders_of",
            "customer=1&select=total.sum()",
            json!([{ "sum": 450.0 }]),
        ),
        ("orders_of", "customer=2", json!([])),
        (
            "orders_of",
            "customer=1&select=id,is_large&id=eq.2",
            json!([{ "id": 2, "is_large": true }]),
        ),
        (
            "open_orders_over",
            "minimum=100&select=number",
            json!([{ "number": 2 }]),
        ),
        (
            "first_order",
            "select=id,status",
            json!({ "id": 1, "status": "draft" }),
        ),
        ("bestsellers", "", json!([])),
        ("home_of", "customer=1&select=city", json!({ "city": null })),
    ] {
        let told = scene.get(function, query).await.expect("an answer");
        assert_eq!(told, expected, "{function}?{query}");
    }
    let query = "columns=customer&select=id&order=id&limit=1";
    let told = scene
        .post("orders_of", query, json!({ "customer": 1, "other": 2 }))
        .await;
    assert_eq!(told.expect("an answer"), json!([{ "id": 1 }]));
    let told = scene
        .post(
            "orders_of",
            "select=id,customer:customers(name)&id=eq.1",
            json!({ "customer": 1 }),
        )
        .await;
    assert_eq!(
        told.expect("an answer"),
        json!([{ "id": 1, "customer": { "name": "Ann" } }])
    );
}

#[tokio::test]
async fn only_what_may_write_and_is_posted_writes() {
    let scene = Scene::set().await;
    let body = json!({ "customer": 2, "first_note": { "said": "soon" } }).to_string();
    let post = CallBy::Post(Payload::json(body.as_bytes()));
    let volatile = scene
        .prepared("place_order", "", "", post)
        .await
        .expect("prepared");
    assert_eq!(volatile.mode(), Mode::ReadWrite);
    let stable = CallBy::Post(Payload::json(br#"{"customer":1}"#));
    let stable = scene
        .prepared("orders_of", "", "", stable)
        .await
        .expect("prepared");
    assert_eq!(stable.mode(), Mode::ReadOnly);
    let by_get = scene.get("place_order", "customer=2").await.expect_err("refused");
    assert_eq!((by_get.status(), by_get.code()), (405, "25006"));
    let placed = scene
        .records
        .run(&volatile)
        .await
        .map(|answer| self::body(&answer))
        .expect("placed");
    assert_eq!(
        (&placed["status"], &placed["notes"]),
        (&json!("placed"), &json!({ "said": "soon" }))
    );
    let nothing = CallBy::Post(Payload::json(b"{}"));
    let nothing = scene.run("touch", "", "", nothing).await.expect("called");
    assert_eq!((nothing.status.as_u16(), nothing.body), (204, None));
}

#[tokio::test]
async fn what_cannot_be_called_is_refused_with_the_nearest_that_can() {
    let scene = Scene::set().await;
    for (function, query, code, hint) in [
        ("orders_off", "customer=1", "PGRST202", Some("orders_of")),
        ("orders_of", "client=1", "PGRST202", Some("orders_of(customer)")),
        ("orders_of", "", "PGRST202", Some("orders_of(customer)")),
        ("unnamed", "", "PGRST202", None),
        ("_internal", "", "PGRST202", None),
        ("secret_sum", "", "PGRST202", None),
        ("tidy_up", "", "PGRST202", None),
        ("product_of", "", "PGRST202", None),
        ("initials", "", "PGRST202", None),
    ] {
        let refused = scene.get(function, query).await.expect_err("refused");
        assert_eq!(
            (refused.status(), refused.code()),
            (404, code),
            "{function}?{query}"
        );
        if let Some(hint) = hint {
            let expected = format!("Perhaps you meant to call the function {hint}");
            assert_eq!(refused.hint(), Some(expected), "{function}?{query}");
        }
    }
    for (function, query, status, code) in [
        ("add", "a=1&select=x", 400, "PGRST100"),
        ("numbers", "up_to=1&order=x", 400, "PGRST100"),
        ("orders_of", "customer=1&select=nothing", 400, "42703"),
        ("orders_of", "customer=1&customer=2", 400, "PGRST100"),
        ("orders_of", "customer=x", 400, "22P02"),
    ] {
        let refused = scene.get(function, query).await.expect_err("refused");
        assert_eq!(
            (refused.status(), refused.code()),
            (status, code),
            "{function}?{query}"
        );
    }
    let strict = "handling=strict, max-affected=1";
    let refused = scene
        .run("orders_of", "customer=1", strict, CallBy::Get)
        .await
        .expect_err("refused");
    assert_eq!(
        (refused.code(), refused.details().as_deref()),
        ("PGRST124", Some("The query affects 3 rows"))
    );
    let refused = scene
        .run("touch", "", strict, CallBy::Get)
        .await
        .expect_err("refused");
    assert_eq!((refused.status(), refused.code()), (400, "PGRST128"));
}
