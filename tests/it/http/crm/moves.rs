//! Deals on their way: moved, won, lost and reopened.

mod ranks;
mod refusals;

use serde_json::{Value, json};
use tests::app::Answer;

use super::{Crm, make, refusal};

/// The stages that a deal has been in, as its history has them.
async fn history(crm: &Crm, deal: &str) -> Vec<String> {
    let target = format!(
        "/rest/v1/deal_stage_history?select=to_stage_name,left_at&order=entered_at,left_at&deal_id=eq.{deal}"
    );
    let rows = crm.ada.get(&target).await.expect_status(200).json();
    let rows = rows.as_array().expect("a history").iter();
    rows.map(|row| {
        format!(
            "{}{}",
            row["to_stage_name"].as_str().unwrap_or("?"),
            if row["left_at"].is_null() { "*" } else { "" }
        )
    })
    .collect()
}

#[tokio::test]
async fn a_deal_is_moved_and_its_history_says_so() {
    let crm = Crm::set().await;
    let deal = crm.deal("a", "New", json!({ "value": "1200.5" })).await;
    let moved = crm
        .with(&deal, "move", json!({ "stage_id": crm.stage("Proposal") }))
        .await;
    let moved = moved.expect_status(200);
    assert_eq!(moved.header("etag"), Some("\"2\""));
    assert_eq!(
        moved.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    let (shown, read) = (
        moved.json(),
        crm.ada.get(&format!("/rest/v1/deals/{deal}")).await.json(),
    );
    assert_eq!(shown, read);
    assert_eq!(
        (&shown["status"], &shown["value"]),
        (&json!("open"), &json!("1200.5000"))
    );
    assert_eq!(shown["stage_id"], json!(crm.stage("Proposal")));
    assert_eq!(history(&crm, &deal).await, ["New", "Proposal*"]);

    let won = crm.with(&deal, "win", json!({})).await.expect_status(200).json();
    assert_eq!(
        (&won["status"], &won["stage_id"]),
        (&json!("won"), &json!(crm.stage("Won")))
    );
    assert!(won["closed_at"].is_string());
    let open = crm
        .with(&deal, "reopen", json!({}))
        .await
        .expect_status(200)
        .json();
    assert_eq!(
        (&open["status"], &open["closed_at"]),
        (&json!("open"), &Value::Null)
    );
    assert_eq!(
        open["stage_id"],
        json!(crm.stage("Proposal")),
        "the last that it was in"
    );
    let lost = json!({ "lost_reason": "too slow", "note": "we were" });
    let lost = crm.with(&deal, "lose", lost).await.expect_status(200).json();
    assert_eq!(
        (&lost["status"], &lost["lost_note"]),
        (&json!("lost"), &json!("we were"))
    );
    let open = json!({ "stage_id": crm.stage("New") });
    let open = crm.with(&deal, "reopen", open).await.expect_status(200).json();
    assert_eq!(
        (&open["lost_reason"], &open["lost_note"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        history(&crm, &deal).await,
        ["New", "Proposal", "Won", "Proposal", "Lost", "New*"]
    );
}

#[tokio::test]
async fn what_a_state_does_not_allow_is_told_with_what_it_does() {
    let crm = Crm::set().await;
    let deal = crm.deal("a", "New", json!({})).await;
    let of_open = json!({ "status": "open", "allowed": ["move", "win", "lose"] });
    let conflict = |details: &Value| (409, "not_possible_now".to_owned(), details.clone());
    assert_eq!(
        refusal(&crm.with(&deal, "reopen", json!({})).await),
        conflict(&of_open)
    );
    crm.with(&deal, "win", json!({})).await.expect_status(200);
    let of_won = json!({ "status": "won", "allowed": ["move", "reopen"] });
    let to_new = json!({ "stage_id": crm.stage("New") });
    for (verb, body) in [
        ("win", json!({})),
        ("lose", json!({ "note": "x" })),
        ("move", to_new),
    ] {
        assert_eq!(
            refusal(&crm.with(&deal, verb, body).await),
            conflict(&of_won),
            "{verb}"
        );
    }
    crm.with(&deal, "move", json!({ "position": "first" }))
        .await
        .expect_status(200);
    assert_eq!(
        history(&crm, &deal).await,
        ["New", "Won*"],
        "what was refused was not done"
    );
}

#[tokio::test]
async fn a_stage_asks_for_fields_and_all_that_are_missing_are_named() {
    let crm = Crm::set().await;
    let asks = json!({ "required_fields": ["value", "contact_id", "expected_close_date"] });
    let stage = format!("/rest/v1/stages/{}", crm.stage("Proposal"));
    crm.ada.patch(&stage, &asks).await.expect_status(204);
    let deal = crm.deal("a", "New", json!({ "value": "7" })).await;
    let to = json!({ "stage_id": crm.stage("Proposal") });
    let refused = crm.with(&deal, "move", to.clone()).await;
    let told = json!(r#"The stage "Proposal" asks for contact_id, expected_close_date"#);
    assert_eq!(refusal(&refused), (422, "fields_missing".to_owned(), told));
    let fields: Vec<Value> = refused.json()["errors"]
        .as_array()
        .expect("errors")
        .iter()
        .map(|e| e["field"].clone())
        .collect();
    assert_eq!(fields, ["contact_id", "expected_close_date"]);
    assert_eq!(history(&crm, &deal).await, ["New*"]);
    let contact = make(&crm.ada, "contacts", &json!({ "first_name": "Ann" })).await;
    let rest = json!({ "contact_id": contact, "expected_close_date": "2026-12-01" });
    crm.ada
        .patch(&format!("/rest/v1/deals/{deal}"), &rest)
        .await
        .expect_status(204);
    crm.with(&deal, "move", to).await.expect_status(200);
}

#[tokio::test]
async fn a_loss_has_its_reason() {
    let crm = Crm::set().await;
    let deal = crm.deal("a", "New", json!({})).await;
    let reasons = crm
        .ada
        .get("/rest/v1/lost_reasons?select=id,name&name=in.(Price,Other)&order=name")
        .await
        .json();
    let (other, price) = (reasons[0]["id"].clone(), reasons[1]["id"].clone());
    let code = |answer: Answer| format!("{} {}", answer.status(), answer.code());
    assert_eq!(
        code(crm.with(&deal, "lose", json!({})).await),
        "422 reason_missing"
    );
    assert_eq!(
        code(crm.with(&deal, "lose", json!({ "note": "  " })).await),
        "422 reason_missing"
    );
    let unknown = json!({ "lost_reason_id": deal });
    assert_eq!(code(crm.with(&deal, "lose", unknown).await), "422 reason_unknown");
    let bare = crm.with(&deal, "lose", json!({ "lost_reason_id": other })).await;
    assert_eq!(
        bare.json()["errors"][0]["message"],
        json!("The reason needs a note")
    );
    assert_eq!(code(bare), "422 note_missing");
    let misplaced = json!({ "stage_id": crm.stage("Qualified"), "note": "x" });
    assert_eq!(
        code(crm.with(&deal, "move", misplaced).await),
        "422 loss_misplaced"
    );
    let archived = json!({ "archived_at": "2026-01-01T00:00:00Z" });
    let path = format!("/rest/v1/lost_reasons/{}", price.as_str().expect("an id"));
    crm.ada.patch(&path, &archived).await.expect_status(204);
    assert_eq!(
        code(crm.with(&deal, "lose", json!({ "lost_reason_id": price })).await),
        "422 reason_unknown"
    );
    let full = json!({ "stage_id": crm.stage("Lost"), "lost_reason_id": other, "note": "Moved away" });
    let lost = crm.with(&deal, "move", full).await.expect_status(200).json();
    assert_eq!(
        (&lost["status"], &lost["lost_reason_id"]),
        (&json!("lost"), &other)
    );
}

#[tokio::test]
async fn a_stage_must_be_one_that_is_meant() {
    let crm = Crm::set().await;
    let deal = crm.deal("a", "New", json!({})).await;
    let code = |answer: Answer| format!("{} {}", answer.status(), answer.code());
    let unknown = json!({ "stage_id": deal });
    let refused = crm.with(&deal, "move", unknown).await;
    assert_eq!(refused.json()["errors"][0]["field"], json!("stage_id"));
    assert_eq!(code(refused), "422 stage_unknown");
    let wrong = json!({ "stage_id": crm.stage("New") });
    assert_eq!(
        code(crm.with(&deal, "win", wrong).await),
        "422 stage_of_another_kind"
    );
    let archived = json!({ "archived_at": "2026-01-01T00:00:00Z" });
    let won = format!("/rest/v1/stages/{}", crm.stage("Won"));
    crm.ada.patch(&won, &archived).await.expect_status(204);
    assert_eq!(code(crm.with(&deal, "win", json!({})).await), "409 stage_missing");
    let archived = json!({ "stage_id": crm.stage("Won") });
    assert_eq!(code(crm.with(&deal, "win", archived).await), "422 stage_archived");
    // Another pipeline's stage takes the deal there; a deleted pipeline's is none.
    let pipeline = make(&crm.ada, "pipelines", &json!({ "name": "Renewals" })).await;
    let stage = json!({ "pipeline_id": pipeline, "name": "Due", "position": 1 });
    let stage = make(&crm.ada, "stages", &stage).await;
    let moved = crm
        .with(&deal, "move", json!({ "stage_id": stage }))
        .await
        .expect_status(200)
        .json();
    assert_eq!(
        (&moved["pipeline_id"], &moved["stage_id"]),
        (&json!(pipeline), &json!(stage))
    );
    let other = crm.deal("b", "New", json!({})).await;
    crm.ada
        .delete(&format!("/rest/v1/pipelines/{pipeline}"))
        .await
        .expect_status(204);
    assert_eq!(
        code(crm.with(&other, "move", json!({ "stage_id": stage })).await),
        "422 stage_unknown"
    );
}

#[tokio::test]
async fn a_verb_keeps_to_state_key_and_preference() {
    let crm = Crm::set().await;
    let deal = crm.deal("a", "New", json!({})).await;
    let path = format!("/crm/v1/deals/{deal}/move");
    let to = json!({ "stage_id": crm.stage("Qualified") });
    let ask = || crm.ada.post(&path, &to);
    let outdated = ask().header("if-match", "\"7\"").await;
    assert_eq!((outdated.status(), outdated.header("etag")), (412, Some("\"1\"")));
    assert_eq!(ask().header("if-none-match", "*").await.code(), "bad_header");
    let undone = ask().header("prefer", "tx=rollback").await.expect_status(200);
    assert_eq!(undone.header("preference-applied"), Some("tx=rollback"));
    assert_eq!(history(&crm, &deal).await, ["New*"]);
    let strict = ask().header("prefer", "handling=strict, count=exact").await;
    assert_eq!(refusal(&strict).1, "PGRST122");
    let once = || ask().header("idempotency-key", "k").header("if-match", "\"1\"");
    let first = once().await.expect_status(200);
    let again = once().await.expect_status(200);
    assert_eq!(
        (first.text(), again.header("idempotent-replayed")),
        (again.text(), Some("true"))
    );
    assert_eq!(again.header("etag"), Some("\"2\""));
    let other = crm
        .ada
        .post(&path, &json!({ "position": "last" }))
        .header("idempotency-key", "k")
        .header("if-match", "\"1\"");
    assert_eq!(other.await.code(), "idempotency_key_reused");
    // What was refused is not kept: the same request may work later.
    let win = || {
        crm.ada
            .post(&format!("/crm/v1/deals/{deal}/reopen"), &json!({}))
            .header("idempotency-key", "r")
    };
    win().await.expect_status(409);
    crm.with(&deal, "win", json!({})).await.expect_status(200);
    win().await.expect_status(200);
    let minimal = ask().header("prefer", "return=minimal").await.expect_status(204);
    assert_eq!(minimal.text(), "");
}
