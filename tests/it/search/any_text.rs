//! Whatever is typed is searched for, or refused because it is too much.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use tests::TestDb;

use super::Searched;

fn encoded(text: &str) -> String {
    let escape = |encoded: String, byte| format!("{encoded}%{byte:02X}");
    text.bytes().fold(String::new(), escape)
}

#[tokio::test]
async fn any_text_is_only_a_text() {
    let crm = Searched::new(
        TestDb::new().await,
        "insert into contacts (first_name, email) values ('Ann', 'ann@x.example')",
    )
    .await;
    let workshop = Searched::new(
        TestDb::workshop().await,
        "insert into documents (title) values ('a')",
    )
    .await;
    let mut runner = TestRunner::deterministic();
    let near = r#"[-a-z0-9 '"\\:*&|!<>()%_@.,\[\]{}$ÄüßéИ漢😀‘’«»“”]{0,40}"#;
    let texts = prop_oneof![near, "[^\\x00]{0,60}", "\\PC{0,200}"];
    let fixed = [
        "'",
        "''",
        "\\",
        "\\'",
        "a'b",
        "':*",
        "a:*",
        "a & b | !c",
        "<->",
        "(((",
        "\"",
        "\"a b",
        "-a",
        "or",
        "%",
        "_",
        "*",
        "$1",
        "'; drop table contacts; --",
        "‘’",
        "“a”",
        "«",
        "\u{FEFF}",
        "\u{200B}",
        "ﬁ",
        "ß",
        "İ",
        "e\u{301}",
        "\\0",
        "a\\",
        "&&&&",
        "!!!! a",
        "::::",
        "😀",
        "null",
        "the",
        "a the of",
    ];
    for text in fixed {
        ask(&crm, &workshop, text).await;
    }
    for _ in 0..100 {
        let text = texts.new_tree(&mut runner).expect("a text").current();
        ask(&crm, &workshop, &text).await;
    }
}

async fn ask(crm: &Searched, workshop: &Searched, text: &str) {
    let words = text
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric));
    let is_too_much = words.count() > 12 || text.chars().count() > 200;
    for (searched, object) in [(crm, "contacts"), (workshop, "documents"), (workshop, "products")] {
        for order in ["", "&order=id", "&order=id&cursor="] {
            let order = if object == "products" {
                order.replace("id", "sku")
            } else {
                order.to_owned()
            };
            let answer = searched.ask(object, &format!("q={}{order}", encoded(text))).await;
            match answer {
                Ok(_) => assert!(!is_too_much, "{text:?}"),
                Err(error) => assert!(
                    is_too_much && (error.status(), error.code()) == (400, "PGRST100"),
                    "{object} {text:?}: {error:?}"
                ),
            }
        }
    }
}

#[tokio::test]
async fn what_no_text_can_be_is_refused() {
    let crm = Searched::new(TestDb::new().await, "select 1").await;
    for (query, code) in [
        ("q=a%00b", "22021"),
        ("q=%00", "22021"),
        ("q=%00&order=id", "22021"),
        ("q=%FF", "PGRST100"),
        ("q=a&q=b", "PGRST100"),
        (&format!("q={}", "a".repeat(201)), "PGRST100"),
        (&format!("q={}", "a+".repeat(13)), "PGRST100"),
    ] {
        crm.refused("contacts", query, code).await;
    }
    for fine in [format!("q={}", "a".repeat(200)), format!("q={}", "a+".repeat(12))] {
        assert!(crm.ask("contacts", &fine).await.is_ok(), "{fine}");
    }
}
