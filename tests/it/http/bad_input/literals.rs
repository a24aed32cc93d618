//! Values that are none of their type, for every type: as a filter, in a body, as an argument. What is refused names the
//! place, and the connection goes on.

use std::sync::Arc;

use axum::http::Method;
use catalog::memberships::MemberRole::Admin;
use serde_json::{Value, json};
use tests::app::{Answer, Person};
use tests::database::one_connection;
use tests::{TestApp, TestDb};

use super::Trial;
use super::nasty::encoded;

/// Columns of the workshop's `samples`, and texts that are no values of theirs.
const COLUMNS: &[(&str, &[&str])] = &[
    ("a_smallint", &["x", "", "1.5", "32768", "-32769", "0x1g", "NaN"]),
    ("a_bigint", &["x", "9223372036854775808", "1e3x", "１"]),
    ("a_real", &["x", "1e39", "1e-60", "--1", "1,5"]),
    ("a_double", &["x", "1e309", "1e-400", "0x"]),
    ("a_numeric", &["x", "1e200000", "1.2.3", "+-1"]),
    ("a_boolean", &["x", "2", "yesno", "null "]),
    (
        "a_date",
        &["x", "2026-02-30", "2026-13-01", "5874898-01-01", "12:00"],
    ),
    ("a_time", &["x", "24:00:01", "12:60:60", "noonish"]),
    ("a_timetz", &["x", "12:00+25", "12:00 Nowhere/At_All"]),
    (
        "a_timestamp",
        &["x", "2026-01-01T25:00", "294277-01-01", "now then"],
    ),
    (
        "a_timestamptz",
        &["x", "2026-01-01 00:00 Mars/Base", "4714-01-01 BC"],
    ),
    ("an_interval", &["x", "1 fortnightly", "99999999999 years", "P1Q"]),
    (
        "a_uuid",
        &["x", "00000000-0000-0000-0000-00000000000g", "0000", "urn:uuid:0"],
    ),
    ("a_jsonb", &["", "x", "{", "[1,]", "{\"a\":1e999999}", "'a'"]),
    ("an_inet", &["x", "256.0.0.1", "10.0.0.0/33", "::1::"]),
    ("a_varbit", &["z", "b12"]),
    ("an_int4range", &["x", "[2,1]", "[1,2", "(1,2,3)", "[a,b]"]),
    (
        "a_tstzmultirange",
        &["x", "{[2026-01-01,2025-01-01)}", "{[a,b)}", "{"],
    ),
    ("a_status", &["x", "", "Draft", "draft "]),
    ("some_statuses", &["x", "{x}", "{draft", "{{draft},{}}"]),
    ("an_address", &["x", "(a,b)", "(a,b,c,d)"]),
    ("a_matrix", &["x", "{1,{2}}", "{1,a}", "[0:99999999999]={1}", "{"]),
];

/// Columns whose values are checked by their table only: as a filter, any text will do.
const WRITTEN: &[(&str, &[&str])] = &[
    ("a_cidr", &["x", "10.0.0.1/8", "::1/0"]),
    ("a_bit", &["x", "102", "b1", "10101"]),
    ("a_char", &["abcd"]),
    ("a_varchar", &["12345678901"]),
    ("an_email", &["nobody"]),
    ("a_large_quantity", &["100", "x", "2147483648"]),
    ("a_point", &["x", "(1,2", "(1,x)"]),
    ("a_bytea", &["\\xg", "\\x1", "\\9"]),
    ("a_tsvector", &["'a", "a:99999x"]),
];

/// Arguments of the reference's function `take`.
const ARGUMENTS: &[(&str, &[&str])] = &[
    ("a_smallint", &["x", "32768"]),
    ("an_integer", &["x", "2147483648", "1.5"]),
    ("a_bigint", &["x", "9223372036854775808"]),
    ("a_real", &["x", "1e39"]),
    ("a_double", &["x", "1e309"]),
    ("a_numeric", &["x", "1e200000"]),
    ("a_boolean", &["x", "2"]),
    ("a_date", &["x", "2026-02-30"]),
    ("a_time", &["x", "24:00:01"]),
    ("a_timetz", &["x", "12:00+25"]),
    ("a_timestamp", &["x", "294277-01-01"]),
    ("a_timestamptz", &["x", "2026-01-01 00:00 Mars/Base"]),
    ("an_interval", &["x", "99999999999 years"]),
    ("a_uuid", &["x", "00000000-0000-0000-0000-00000000000g"]),
    ("an_inet", &["x", "256.0.0.1"]),
    ("a_cidr", &["x", "10.0.0.1/8"]),
    ("a_macaddr", &["x", "00:00:00:00:00:0g"]),
    ("an_int4range", &["x", "[2,1]"]),
    ("a_tstzrange", &["x", "[b,a]"]),
    ("a_point", &["x", "(1"]),
    ("a_tsquery", &["a &", "("]),
    ("a_spot", &["x", "(1,2,3)", "(100.1234567,x)"]),
    ("some_numbers", &["x", "{1,x}", "{"]),
];

/// Somebody who asks a tenant by way of one connection.
async fn somebody(db: TestDb) -> Person {
    let app = TestApp::on(Arc::new(db), |settings| settings.tenants = one_connection());
    app.await.tenant("acme").await.member("ada", Admin).await
}

/// What is said of the place of what was refused; everything that was not refused as it should be is kept.
#[derive(Default)]
struct Places(Vec<String>);

impl Places {
    /// It is the client's fault, and it is said where.
    fn named(&mut self, asked: &str, answer: &Answer, place: &str) {
        let (status, told) = (answer.status(), answer.text());
        if !(400..500).contains(&status) || !told.contains(&format!("'{place}'")) {
            self.0.push(format!("{asked}: {status} {told}"));
        }
    }

    fn end(&self) {
        assert!(self.0.is_empty(), "{}:\n{}", self.0.len(), self.0.join("\n"));
    }
}

#[tokio::test]
async fn every_types_malformed_literals_in_filters() {
    let ada = somebody(TestDb::workshop().await).await;
    let (mut trial, mut places) = (Trial::default(), Places::default());
    for (column, texts) in COLUMNS {
        for text in *texts {
            let (said, escaped) = (encoded(text), text.replace('\\', "\\\\").replace('"', "\\\""));
            let quoted = format!("%22{}%22", encoded(&escaped));
            for filter in [
                format!("{column}=eq.{said}"),
                format!("{column}=isdistinct.{said}"),
                format!("or=(id.eq.1,not.and({column}.neq.{quoted}))"),
                // A list is of values, not of arrays.
                match *column {
                    "some_statuses" | "a_matrix" => format!("{column}=cs.{said}"),
                    _ => format!("{column}=in.({quoted})"),
                },
            ] {
                let answer = trial
                    .put(ada.get(&format!("/rest/v1/samples?select=id&{filter}")))
                    .await;
                places.named(&filter, &answer, column);
            }
        }
        let next = ada.get("/rest/v1/samples?select=id").await.expect_status(200);
        assert_eq!(next.json(), json!([]), "after {column}");
    }
    places.end();
    trial.end(350);
}

#[tokio::test]
async fn every_types_malformed_literals_in_bodies() {
    let ada = somebody(TestDb::workshop().await).await;
    let one = json!({ "id": 1, "a_large_quantity": 101 });
    ada.post("/rest/v1/samples", &one).await.expect_status(201);
    let (mut trial, mut places) = (Trial::default(), Places::default());
    for (column, texts) in COLUMNS.iter().chain(WRITTEN) {
        for text in *texts {
            if *column == "a_jsonb" {
                // Any text is a value of JSON.
                continue;
            }
            let mut post = json!({ "id": 2, "a_large_quantity": 101 });
            post[*column] = json!(text);
            let patch = json!({ *column: text });
            let quoted = text.replace('"', "\"\"");
            let csv = format!("id,{column}\n2,\"{quoted}\"\n");
            let csv = ada.ask(Method::POST, "/rest/v1/samples").body(csv);
            let csv = csv.header("content-type", "text/csv");
            for ask in [
                csv,
                ada.post("/rest/v1/samples", &post),
                ada.patch("/rest/v1/samples?id=eq.1", &patch),
                ada.patch("/rest/v1/samples/1", &patch),
            ] {
                let asked = ask.describe();
                let answer = trial.put(ask).await;
                // An empty field of a CSV body may be a value where the text is none.
                if !text.is_empty() {
                    places.named(&format!("{asked} of {post}"), &answer, column);
                }
            }
        }
        let next = ada.get("/rest/v1/samples?select=id&id=eq.1").await;
        assert_eq!(
            next.expect_status(200).json(),
            json!([{ "id": 1 }]),
            "after {column}"
        );
    }
    places.end();
    trial.end(350);
}

#[tokio::test]
async fn every_types_malformed_literals_as_arguments() {
    let ada = somebody(TestDb::reference().await).await;
    let (mut trial, mut places) = (Trial::default(), Places::default());
    for (argument, texts) in ARGUMENTS {
        for text in *texts {
            let said = format!("{argument}={}", encoded(text));
            let form = ada.ask(Method::POST, "/rest/v1/rpc/take").body(said.clone());
            let form = form.header("content-type", "application/x-www-form-urlencoded");
            let posted = Value::from_iter([(*argument, Value::from(*text))]);
            for ask in [
                ada.get(&format!("/rest/v1/rpc/take?{said}")),
                ada.post("/rest/v1/rpc/take", &posted),
                form,
            ] {
                let answer = trial.put(ask).await;
                places.named(&said, &answer, argument);
            }
        }
        let next = ada.get("/rest/v1/rpc/take?an_integer=1").await;
        assert_eq!(next.expect_status(200).json(), json!(true), "after {argument}");
    }
    places.end();
    trial.end(130);
}
