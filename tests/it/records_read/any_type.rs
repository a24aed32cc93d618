//! Every operator on every type with values that fit none: a refusal, never a failure, and the connection goes on.

use super::Workshop;

/// What stands after the column's name.
fn tests() -> Vec<String> {
    let values = [
        "",
        "x",
        "1",
        "{}",
        "{1",
        "[1,2)",
        "{\"a\":",
        "1e999",
        "-",
        "\u{fffd}'\"\\",
    ];
    let operators = [
        "eq",
        "neq",
        "gt",
        "like",
        "ilike(any)",
        "match",
        "imatch(all)",
        "isdistinct",
        "fts",
        "plfts(english)",
        "cs",
        "cd",
        "ov",
        "sl",
        "nxr",
        "adj",
        "eq(any)",
    ];
    let mut tests: Vec<String> = operators
        .iter()
        .flat_map(|operator| values.iter().map(move |value| format!("={operator}.{value}")))
        .collect();
    tests.extend(
        [
            "=in.(1,x)",
            "=is.true",
            "=is.unknown",
            "->a=eq.1",
            "->>0=gt.x",
            "->0->a=is.null",
        ]
        .map(str::to_owned),
    );
    tests
}

/// A column of every type.
const COLUMNS: [&str; 27] = [
    "id",
    "a_smallint",
    "a_double",
    "a_numeric",
    "a_char",
    "a_boolean",
    "a_date",
    "a_timetz",
    "a_timestamptz",
    "an_interval",
    "a_uuid",
    "a_json",
    "a_jsonb",
    "a_bytea",
    "an_inet",
    "a_varbit",
    "an_int4range",
    "a_tstzmultirange",
    "a_point",
    "a_tsvector",
    "a_status",
    "some_statuses",
    "an_email",
    "an_address",
    "some_addresses",
    "a_matrix",
    "select",
];

#[tokio::test]
async fn no_value_of_any_type_is_the_servers_fault() {
    let workshop = Workshop::new().await;
    let mut n_refused = 0;
    for column in COLUMNS {
        for test in tests() {
            let request = format!("samples?select=id&\"{column}\"{test}");
            if let Err(refused) = workshop.ask(&request.replace("\"\"", "\"")).await {
                assert!(refused.status() < 500, "{request}: {refused:?}");
                n_refused += 1;
            }
        }
        for select in ["sum()", "avg()", "max()", "count()"] {
            if let Err(refused) = workshop
                .ask(&format!("samples?select=\"{column}\".{select}"))
                .await
            {
                assert!(refused.status() < 500, "{column}.{select}: {refused:?}");
            }
        }
        for cast in ["int", "text", "jsonb", "uuid", "date", "int4range"] {
            if let Err(refused) = workshop
                .ask(&format!("samples?select=\"{column}\"::{cast}"))
                .await
            {
                assert!(refused.status() < 500, "{column}::{cast}: {refused:?}");
            }
        }
    }
    assert!(n_refused > 1000, "{n_refused} refusals");
    assert_eq!(
        workshop.ask("samples?select=id").await,
        Ok(serde_json::json!([{"id": 1}]))
    );
}
