//! Boards, and pipelines with their stages.

use axum::http::Method;
use catalog::memberships::MemberRole::{Admin, Member};
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Crm, make, refusal};

impl Crm {
    async fn board(&self, query: &str) -> Value {
        let board = self
            .ada
            .get(&format!("/crm/v1/pipelines/{}/board{query}", self.pipeline));
        board.await.expect_status(200).json()
    }
}

/// A column of a board: stage, count, sums and the titles of its deals.
fn columns(board: &Value) -> Vec<String> {
    let stages = board["stages"].as_array().expect("stages").iter();
    stages
        .map(|stage| {
            let totals = stage["totals"].as_array().expect("totals").iter();
            let totals: Vec<String> = totals
                .map(|sum| {
                    format!("{} {} ({})", sum["value"], sum["currency"], sum["weighted"]).replace('"', "")
                })
                .collect();
            let deals = stage["deals"].as_array().expect("deals").iter();
            let deals: Vec<&str> = deals
                .map(|deal| deal["title"].as_str().expect("a title"))
                .collect();
            format!(
                "{}: {} [{}] {}",
                stage["name"],
                stage["count"],
                totals.join(", "),
                deals.join("")
            )
            .replace('"', "")
        })
        .collect()
}

#[tokio::test]
async fn a_board_has_counts_sums_and_the_first_deals() {
    let crm = Crm::set().await;
    // By hand: 10 % of 1000 is 100, 50 % of 333.33 is 166.665; a probability of its own comes before the stage's.
    crm.deal("a", "New", json!({ "value": "1000", "position": 3 }))
        .await;
    crm.deal(
        "b",
        "New",
        json!({ "value": "333.33", "position": 1, "probability": 50 }),
    )
    .await;
    crm.deal(
        "c",
        "New",
        json!({ "value": "20", "position": 2, "currency": "USD" }),
    )
    .await;
    crm.deal("d", "Proposal", json!({})).await;
    let won = crm.deal("w", "Negotiation", json!({ "value": "0.1" })).await;
    crm.with(&won, "win", json!({})).await.expect_status(200);
    let gone = crm.deal("x", "New", json!({ "value": "7" })).await;
    crm.ada
        .delete(&format!("/rest/v1/deals/{gone}"))
        .await
        .expect_status(204);
    assert_eq!(
        columns(&crm.board("").await),
        [
            "New: 3 [1333.3300 EUR (266.6650), 20.0000 USD (2.0000)] bca",
            "Qualified: 0 [] ",
            "Proposal: 1 [0.0000 EUR (0.0000)] d",
            "Negotiation: 0 [] ",
            "Won: 1 [0.1000 EUR (0.1000)] w",
            "Lost: 0 [] ",
        ]
    );
    let two = crm.board("?limit=2").await;
    assert_eq!(
        columns(&two)[0],
        "New: 3 [1333.3300 EUR (266.6650), 20.0000 USD (2.0000)] bc"
    );
    assert_eq!(two["stages"][0]["deals"][0]["probability"], json!(50.0));
    let of_ada = crm.board(&format!("?owner_id={}", crm.ada.membership.id)).await;
    assert_eq!(columns(&of_ada)[0], "New: 0 [] ");
    // An archived stage is shown while there is something in it.
    let archived = json!({ "archived_at": "2026-01-01T00:00:00Z" });
    for stage in ["Proposal", "Qualified"] {
        let path = format!("/rest/v1/stages/{}", crm.stage(stage));
        crm.ada.patch(&path, &archived).await.expect_status(204);
    }
    let names: Vec<Value> = crm.board("").await["stages"]
        .as_array()
        .expect("stages")
        .iter()
        .map(|s| s["name"].clone())
        .collect();
    assert_eq!(names, ["New", "Proposal", "Negotiation", "Won", "Lost"]);
}

#[tokio::test]
async fn a_board_is_asked_for_as_it_should_be() {
    let crm = Crm::set().await;
    let path = format!("/crm/v1/pipelines/{}/board", crm.pipeline);
    for (query, expected) in [
        (
            "limit=201",
            "400 bad_parameter The parameter 'limit' must be a whole number from 0 to 200",
        ),
        (
            "limit=-1",
            "400 bad_parameter The parameter 'limit' must be a whole number from 0 to 200",
        ),
        (
            "owner_id=x",
            "400 bad_parameter The parameter 'owner_id' must be a UUID",
        ),
        ("owner_id=x&limit=x", "400 bad_parameter 2 parameters are wrong"),
        ("limt=1", "400 unknown_parameter This takes no parameter 'limt'"),
        (
            "limit=1&limit=2",
            "400 repeated_parameter The parameter 'limit' may stand once",
        ),
    ] {
        let answer = crm.ada.get(&format!("{path}?{query}")).await;
        let told = format!(
            "{} {} {}",
            answer.status(),
            answer.code(),
            answer.field("message")
        );
        assert_eq!(told, expected, "{query}");
    }
    let hint = crm.ada.get(&format!("{path}?limt=1")).await.field("hint");
    assert_eq!(hint, "Perhaps you meant 'limit'");
    let unknown = format!("/crm/v1/pipelines/{}/board", crm.stage("New"));
    assert_eq!(crm.ada.get(&unknown).await.code(), "PGRST116");
    crm.ada.get("/crm/v1/pipelines/x/board").await.expect_status(400);
    let globex = crm.app.tenant("globex").await.member("bob", Admin).await;
    globex.get(&path).await.expect_status(404);
    let key = crm.acme.key(&["pipelines:read", "stages:read"]).await;
    key.get(&path).await.expect_status(403);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story")]
async fn stages_are_put_in_another_order_by_one_request() {
    let crm = Crm::set().await;
    let path = format!("/crm/v1/pipelines/{}/reorder", crm.pipeline);
    let names = ["Qualified", "New", "Negotiation", "Proposal", "Lost", "Won"];
    let order =
        |names: &[&str]| json!({ "stage_ids": names.iter().map(|name| crm.stage(name)).collect::<Vec<_>>() });
    let done = crm
        .ada
        .post(&path, &order(&names))
        .await
        .expect_status(200)
        .json();
    let shown: Vec<String> = done["stages"]
        .as_array()
        .expect("stages")
        .iter()
        .map(|stage| format!("{} {}", stage["position"], stage["name"].as_str().unwrap_or("?")))
        .collect();
    assert_eq!(
        shown,
        [
            "1 Qualified",
            "2 New",
            "3 Negotiation",
            "4 Proposal",
            "5 Lost",
            "6 Won"
        ]
    );
    let read = crm
        .ada
        .get("/rest/v1/stages?select=name,version&order=position")
        .await
        .json();
    assert_eq!(read[0], json!({ "name": "Qualified", "version": 2 }));
    let few = crm.ada.post(&path, &order(&names[1..])).await;
    let missing = json!({ "missing": [crm.stage("Qualified")], "unknown": [] });
    assert_eq!(refusal(&few), (422, "stages_incomplete".to_owned(), missing));
    let mut other = order(&names);
    other["stage_ids"][0] = json!(crm.pipeline);
    let told = refusal(&crm.ada.post(&path, &other).await);
    assert_eq!(
        told.2,
        json!({ "missing": [crm.stage("Qualified")], "unknown": [crm.pipeline] })
    );
    for (body, message) in [
        (json!({}), "The field 'stage_ids' must be given"),
        (
            json!({ "stage_ids": ["x"] }),
            "The field 'stage_ids' must be an array of at most 100 UUIDs",
        ),
        (
            json!({ "stage_ids": [crm.pipeline, crm.pipeline] }),
            "The field 'stage_ids' names a stage twice",
        ),
    ] {
        let told = crm.ada.post(&path, &body).await.expect_status(422);
        assert_eq!(told.field("message"), message);
    }
    let outdated = crm
        .ada
        .post(&path, &order(&names))
        .header("if-match", "\"9\"")
        .await;
    assert_eq!(outdated.status(), 412);
    // Many at once: one after the other, and the last order is one that was asked for.
    let reversed: Vec<&str> = names.iter().rev().copied().collect();
    let asked = (0..8).map(|n| {
        let body = order(if n % 2 == 0 { &names } else { &reversed });
        let ask = crm.ada.post(&path, &body);
        async move { ask.await }
    });
    for answer in join_all(asked).await {
        answer.expect_status(200);
    }
    let last = crm
        .ada
        .get("/rest/v1/stages?select=name&order=position")
        .await
        .json();
    assert!(
        [json!("Qualified"), json!("Won")].contains(&last[0]["name"]),
        "{last}"
    );
    crm.acme
        .member("ann", Member)
        .await
        .post(&path, &order(&names))
        .await
        .expect_status(403);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story")]
async fn a_pipeline_is_made_and_replaced_with_its_stages() {
    let crm = Crm::set().await;
    let body = json!({ "name": "Renewals", "is_default": true, "currency": "CHF", "stages": [
        { "name": "Due", "probability": 40, "rot_after_days": 14, "color": "#0a7f3c", "required_fields": ["value"] },
        { "name": "Done", "kind": "won" },
        { "name": "Gone", "kind": "lost" },
    ] });
    let made = crm.ada.post("/crm/v1/pipelines", &body).await.expect_status(201);
    assert_eq!(made.header("etag"), Some("\"1\""));
    let made = made.json();
    assert_eq!(
        (&made["is_default"], &made["stages"][1]["probability"]),
        (&json!(true), &json!(100.0))
    );
    let defaults = crm
        .ada
        .get("/rest/v1/pipelines?select=name&is_default=is.true")
        .await
        .json();
    assert_eq!(defaults, json!([{ "name": "Renewals" }]), "there is one default");
    let (pipeline, due) = (
        made["id"].as_str().expect("an id"),
        made["stages"][0]["id"].clone(),
    );
    let gone = made["stages"][2]["id"].clone();
    // A deal was in Due, one is in Gone: of what is left out, what was used is archived.
    let deal = json!({ "title": "a", "pipeline_id": pipeline, "stage_id": gone, "lost_reason": "x" });
    make(&crm.ada, "deals", &deal).await;
    let change = json!({ "name": "Contracts", "stages": [
        { "name": "New" },
        { "id": due, "name": "Due soon", "probability": 60 },
    ] });
    let path = format!("/crm/v1/pipelines/{pipeline}");
    let put = |body: &Value| crm.ada.ask(Method::PUT, &path).json(body);
    assert_eq!(put(&change).header("if-match", "\"5\"").await.status(), 412);
    let same = crm
        .ada
        .get(&format!("/rest/v1/stages?select=id&pipeline_id=eq.{pipeline}"))
        .await
        .json();
    assert_eq!(
        same.as_array().map(Vec::len),
        Some(3),
        "what is refused changes nothing"
    );
    let changed = put(&change)
        .header("if-match", "\"1\"")
        .await
        .expect_status(200)
        .json();
    let shown: Vec<String> = changed["stages"]
        .as_array()
        .expect("stages")
        .iter()
        .map(|stage| {
            format!(
                "{} {} {}",
                stage["position"],
                stage["name"].as_str().unwrap_or("?"),
                stage["archived_at"].is_null()
            )
        })
        .collect();
    assert_eq!(shown, ["1 New true", "2 Due soon true", "3 Gone false"]);
    assert_eq!(
        (&changed["name"], &changed["currency"]),
        (&json!("Contracts"), &json!("CHF"))
    );
    assert_eq!(
        changed["stages"][1]["rot_after_days"],
        Value::Null,
        "it is replaced"
    );
    // Both ways: what the record engine reads is what was answered.
    let embedded =
        format!("/rest/v1/pipelines/{pipeline}?select=name,stages(name,position)&stages.order=position");
    let read = crm.ada.get(&embedded).await.expect_status(200).json();
    assert_eq!(read["stages"][1], json!({ "name": "Due soon", "position": 2 }));
    let foreign = json!({ "name": "C", "stages": [{ "id": crm.stage("New"), "name": "New" }] });
    let told = refusal(&put(&foreign).await);
    assert_eq!(
        told,
        (
            422,
            "stages_unknown".to_owned(),
            json!({ "unknown": [crm.stage("New")] })
        )
    );
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn what_is_wrong_with_a_pipeline_is_all_told_at_once() {
    let crm = Crm::set().await;
    let wrong = json!({ "is_default": 1, "currency": "euro", "position": "first", "stages": [
        { "name": "A", "kind": "won" }, { "name": "a" }, { "name": "B", "probability": 200 }, { "naem": "C" },
    ] });
    let told = crm
        .ada
        .post("/crm/v1/pipelines", &wrong)
        .await
        .expect_status(422)
        .json();
    let fields: Vec<&str> = told["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .filter_map(|e| e["field"].as_str())
        .collect();
    let expected = [
        "name",
        "is_default",
        "currency",
        "position",
        "stages[1].name",
        "stages[2].probability",
        "stages[3].naem",
    ];
    assert_eq!(fields, expected);
    for stages in [json!([]), json!(3), json!([{ "name": "A", "kind": "won" }])] {
        let body = json!({ "name": "A", "stages": stages });
        let told = crm
            .ada
            .post("/crm/v1/pipelines", &body)
            .await
            .expect_status(422)
            .json();
        assert_eq!(told["errors"][0]["field"], json!("stages"), "{stages}");
    }
    let taken = json!({ "name": "sales", "stages": [{ "name": "A" }] });
    assert_eq!(
        crm.ada
            .post("/crm/v1/pipelines", &taken)
            .await
            .expect_status(409)
            .code(),
        "23505"
    );
    let once = || {
        crm.ada
            .post(
                "/crm/v1/pipelines",
                &json!({ "name": "New", "stages": [{ "name": "A" }] }),
            )
            .header("idempotency-key", "k")
    };
    let (first, again) = (once().await.expect_status(201), once().await.expect_status(201));
    assert_eq!(
        (first.text(), again.header("idempotent-replayed")),
        (again.text(), Some("true"))
    );
    let early = crm
        .ada
        .post("/crm/v1/pipelines", &taken)
        .header("if-match", "*")
        .await;
    assert_eq!(early.code(), "condition_unsupported");
}
