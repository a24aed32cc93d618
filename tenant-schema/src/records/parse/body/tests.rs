//! Bodies in every format.

use proptest::prelude::*;

use super::call::Arguments;
use super::*;

fn parse(bytes: &[u8]) -> Result<Body<'_>, RecordError> {
    Body::parse(Payload::json(bytes), None, 3)
}

fn parse_as(format: Format, text: &str) -> Result<Body<'_>, RecordError> {
    let bytes = text.as_bytes();
    Body::parse(Payload { bytes, format }, None, 3)
}

fn names<'b>(body: &'b Body<'_>) -> Vec<&'b str> {
    body.columns.iter().map(|column| column.name.as_str()).collect()
}

fn refused(body: &str) -> String {
    refused_as(Format::Json, body)
}

fn refused_as(format: Format, body: &str) -> String {
    let error = parse_as(format, body).unwrap_err();
    assert_eq!((error.code(), error.status()), ("PGRST102", 400), "{body}");
    error.message()
}

fn ids() -> impl FnMut() -> Uuid {
    let mut next = 0;
    move || {
        next += 1;
        Uuid::from_u128(next)
    }
}

#[test]
fn keeps_every_digit() {
    let body = parse(br#" {"a": 12345678901234.123456789, "b":1e999} "#).unwrap();
    assert_eq!(names(&body), ["a", "b"]);
    assert_eq!(body.to_array(), r#"[{"a": 12345678901234.123456789, "b":1e999}]"#);
}

#[test]
fn puts_ids_first() {
    let mut new_id = ids();
    let body = parse(br#"[{ "a":1},{"a":2}]"#).unwrap();
    let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let expected = format!(r#"[{{"id":"{one}","a":1}},{{"id":"{two}","a":2}}]"#);
    assert_eq!(body.array_with_ids("id", &mut new_id).unwrap(), expected);
    let expected = format!(r#"[{{"id":"{}"}}]"#, Uuid::from_u128(3));
    assert_eq!(
        parse(b"{ }").unwrap().array_with_ids("id", &mut new_id).unwrap(),
        expected
    );
}

#[test]
fn puts_ids_where_they_are_missing() {
    let bytes = br#"[{"id":"x","a":1},{"a":2}]"#;
    let columns = ["id", "a"].map(str::to_owned);
    let body = Body::parse(Payload::json(bytes), Some(&columns), 3).unwrap();
    let expected = format!(r#"[{{"id":"x","a":1}},{{"id":"{}","a":2}}]"#, Uuid::from_u128(1));
    assert_eq!(body.array_with_ids("id", &mut ids()).unwrap(), expected);
}

#[test]
fn keys_must_match_in_any_order() {
    assert_eq!(
        names(&parse(br#"[{"a":1,"b":2},{"b":3,"\u0061":4}]"#).unwrap()),
        ["a", "b"]
    );
    assert_eq!(refused(r#"[{"a":1},{"b":2}]"#), "All object keys must match");
    assert_eq!(refused(r#"[{"a":1},{}]"#), "All object keys must match");
    assert_eq!(refused(r#"{"a":1,"\u0061":2}"#), "The key 'a' is given twice");
    assert_eq!(parse(b"[]").unwrap().rows(), 0);
}

#[test]
fn chosen_columns_need_not_match() {
    let columns = ["a", "b", "c"].map(str::to_owned);
    let bytes = br#"[{"a":1,"x":null},{"b":null,"a":2}]"#;
    let body = Body::parse(Payload::json(bytes), Some(&columns), 3).unwrap();
    let given: Vec<Given> = body.columns.iter().map(|column| column.given).collect();
    assert_eq!(names(&body), ["a", "b", "c"]);
    assert_eq!(given, [Given::Everywhere, Given::Somewhere, Given::Nowhere]);
    let twice = Body::parse(Payload::json(br#"{"x":1,"x":2}"#), Some(&columns), 3).unwrap_err();
    assert_eq!(twice.message(), "The key 'x' is given twice");
}

#[test]
fn a_body_has_at_most_so_many_objects() {
    assert_eq!(parse(b"[{},{},{}]").unwrap().rows(), 3);
    for (format, text) in [
        (Format::Json, "[{},{},{},{}]"),
        (Format::Ndjson, "{}\n{}\n{}\n{}"),
        (Format::Csv, "a\n1\n2\n3\n4"),
    ] {
        let refused = parse_as(format, text).unwrap_err();
        assert_eq!((refused.code(), refused.status()), ("too_many_objects", 413));
        assert_eq!(refused.message(), "The body has more than 3 objects");
    }
}

#[test]
fn refuses_what_is_not_objects() {
    for body in [
        "",
        " ",
        "{",
        "nul",
        "[{]",
        "{}{}",
        r#"{"a":01}"#,
        r#"{"\ud800":1}"#,
    ] {
        assert_eq!(refused(body), "Empty or invalid json", "{body}");
    }
    for body in ["1", "null", "\"a\"", "[1]", "[[{}]]"] {
        assert_eq!(
            refused(body),
            "The body must be a JSON object or an array of objects",
            "{body}"
        );
    }
    assert_eq!(parse(b"{\"a\":\"\xff\"}").unwrap_err().code(), "PGRST102");
    assert_eq!(refused(r#"{"a\u0000":1}"#), "A key contains a NUL character");
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(
        names(&parse(deep.as_bytes()).unwrap()),
        ["a"],
        "depth is PostgreSQL's to judge"
    );
}

#[test]
fn reads_an_object_on_each_line() {
    let body = parse_as(Format::Ndjson, "{\"a\":1}\r\n\n {\"a\": 2 }\n").unwrap();
    assert_eq!(body.to_array(), r#"[{"a":1},{"a": 2 }]"#);
    assert!(!body.single);
    assert_eq!(parse_as(Format::Ndjson, " \n").unwrap().rows(), 0);
    let refused = parse_as(Format::Ndjson, "{}\n{").unwrap_err();
    assert!(
        refused.details().unwrap().starts_with("In object 2"),
        "{refused:?}"
    );
    assert_eq!(
        refused_as(Format::Ndjson, "[{}]"),
        "The body must be a JSON object or an array of objects"
    );
}

#[test]
fn reads_comma_separated_values() {
    let text = "a,\"b \"\"x\"\"\"\r\n1,NULL\r\n\"two, or\n more\",\n";
    let body = parse_as(Format::Csv, text).unwrap();
    assert_eq!(names(&body), ["a", "b \"x\""]);
    assert_eq!(
        body.to_array(),
        r#"[{"a":"1","b \"x\"":null},{"a":"two, or\n more","b \"x\"":""}]"#
    );
    assert_eq!(names(&parse_as(Format::Csv, "\u{feff}a\n1").unwrap()), ["a"]);
    assert_eq!(parse_as(Format::Csv, "a,b\n").unwrap().rows(), 0);
    assert_eq!(parse_as(Format::Csv, "").unwrap().rows(), 0);
    let refused = parse_as(Format::Csv, "a,b\nfoo,bar\nbaz").unwrap_err();
    assert_eq!(
        (refused.code(), refused.message().as_str()),
        ("PGRST102", "All lines must have same number of fields")
    );
    assert_eq!(refused.details().as_deref(), Some("On line 3 of the body"));
    assert_eq!(refused_as(Format::Csv, "a,a\n1,2"), "The key 'a' is given twice");
}

#[test]
fn a_header_is_bounded_before_lines_repeat_it() {
    let long = "x".repeat(64);
    assert_eq!(
        refused_as(Format::Csv, &format!("{long}\n1")),
        format!("The column name '{long}' has more than 63 bytes")
    );
    assert_eq!(
        parse_as(Format::Csv, &format!("{}\n1", &long[1..]))
            .unwrap()
            .rows(),
        1
    );
    let columns = |count: usize| (0..count).map(|n| format!("c{n}")).collect::<Vec<_>>().join(",");
    assert_eq!(parse_as(Format::Csv, &columns(1600)).unwrap().rows(), 0);
    assert_eq!(
        refused_as(Format::Csv, &columns(1601)),
        "The header has more than 1600 columns"
    );
    assert_eq!(refused_as(Format::Csv, "a,a"), "The key 'a' is given twice");
}

#[test]
fn lines_are_not_much_larger_than_their_body() {
    let header = (0..100).map(|n| format!("{n:060}")).collect::<Vec<_>>().join(",");
    let body = |lines: usize| format!("{header}\n{}", format!("{}\n", ",".repeat(99)).repeat(lines));
    let read = |text: &str| {
        Body::parse(
            Payload {
                bytes: text.as_bytes(),
                format: Format::Csv,
            },
            None,
            10_000,
        )
        .map(|body| body.rows())
    };
    assert_eq!(read(&body(10)), Ok(10));
    let refused = read(&body(1000)).unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("payload_too_large", 413));
}

#[test]
fn one_record_is_read_no_further() {
    let one = |text: &str| {
        let payload = Payload {
            bytes: text.as_bytes(),
            format: Format::Csv,
        };
        Body::parse_one(payload, None, "only one").map(|body| body.rows())
    };
    assert_eq!(one("a\n1"), Ok(1));
    assert_eq!(one("a"), Ok(0));
    assert_eq!(
        one("a\n1\n2\n3,what is broken here is not read"),
        Err(RecordError::body("only one"))
    );
}

#[test]
fn reads_a_form() {
    let body = parse_as(Format::Form, "a=x+y&b=%C3%A4%22&c").unwrap();
    assert_eq!(body.to_array(), r#"[{"a":"x y","b":"ä\"","c":""}]"#);
    assert!(body.single);
    assert_eq!(refused_as(Format::Form, "a=1&a=2"), "The key 'a' is given twice");
    assert_eq!(
        refused_as(Format::Form, "a=%FF"),
        "The percent encoding of the body does not make valid UTF-8"
    );
    assert_eq!(parse_as(Format::Form, "").unwrap().to_array(), "[{}]");
}

const FORMATS: [Format; 7] = [
    Format::Json,
    Format::Ndjson,
    Format::Csv,
    Format::Form,
    Format::Text,
    Format::Xml,
    Format::Bytes,
];

/// Bodies that look like something, and bodies that do not.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces = r#"([\[\]{},:"\\\n\r &=+%]|\\u00|null|[0-9]{1,3}|"[ab]"|NULL|[a-c\x00äß]){0,24}"#;
    prop_oneof![
        pieces.prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..32)
    ]
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(bytes in bytes(), with_columns in any::<bool>()) {
        let columns = ["a", "b"].map(str::to_owned);
        let columns = with_columns.then_some(&columns[..]);
        for format in FORMATS {
            let payload = Payload { bytes: &bytes, format };
            match Body::parse(payload, columns, 3) {
                Ok(body) => {
                    let read: Vec<serde_json::Value> = serde_json::from_str(&body.to_array()).unwrap();
                    prop_assert_eq!(read.len(), body.rows());
                    let made = body.array_with_ids("id", &mut ids()).unwrap();
                    let read: Vec<serde_json::Value> = serde_json::from_str(&made).unwrap();
                    prop_assert!(read.iter().all(|object| object.get("id").is_some()), "{}", made);
                }
                Err(refused) => prop_assert!((400..500).contains(&refused.status()), "{:?}", refused),
            }
            if let Err(refused) = Arguments::parse(payload) {
                prop_assert!((400..500).contains(&refused.status()), "{:?}", refused);
            }
        }
    }
}
