//! What a change of a pipeline's stages leaves as it is, and what it may not do.

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{Crm, refusal};

impl Crm {
    /// The stages of the pipeline as a body has them: by their ids and names.
    fn known(&self) -> Vec<Value> {
        let stages = self.stages.iter();
        stages
            .map(|stage| json!({ "id": stage.id, "name": stage.name }))
            .collect()
    }

    fn pipeline_path(&self) -> String {
        format!("/crm/v1/pipelines/{}", self.pipeline)
    }
}

#[tokio::test]
async fn a_stage_that_says_no_kind_keeps_it() {
    let crm = Crm::set().await;
    let deal = crm.deal("a", "New", json!({})).await;
    let won = crm.with(&deal, "win", json!({})).await.expect_status(200).json();
    let mut stages = crm.known();
    for stage in &mut stages {
        stage["name"] = json!(format!("{}!", stage["name"].as_str().expect("a name")));
    }
    let stages_before = "/rest/v1/stages?select=kind,probability&order=position";
    let before = crm.ada.get(stages_before).await.expect_status(200).json();
    let body = json!({ "name": "Sales", "stages": stages });
    let put = crm.ada.ask(Method::PUT, &crm.pipeline_path()).json(&body);
    let put = put.await.expect_status(200).json();
    assert_eq!(put["stages"][4]["name"], json!("Won!"));
    assert_eq!(crm.ada.get(stages_before).await.json(), before);
    let after = crm.ada.get(&format!("/rest/v1/deals/{deal}")).await.json();
    assert_eq!(after, won, "renamed stages change no deal");
}

#[tokio::test]
async fn a_stage_with_deals_stays_of_its_kind() {
    let crm = Crm::set().await;
    let deal = crm.deal("a", "New", json!({})).await;
    crm.with(&deal, "win", json!({})).await.expect_status(200);
    let put = async |stages: &[Value]| {
        let body = json!({ "name": "Sales", "is_default": true, "stages": stages });
        crm.ada.ask(Method::PUT, &crm.pipeline_path()).json(&body).await
    };
    let mut stages = crm.known();
    stages[4]["kind"] = json!("lost");
    stages.remove(1);
    let of_won = (
        422,
        "stage_in_use".to_owned(),
        json!({ "stages": [crm.stage("Won")] }),
    );
    assert_eq!(refusal(&put(&stages).await), of_won);
    crm.ada
        .delete(&format!("/rest/v1/deals/{deal}"))
        .await
        .expect_status(204);
    assert_eq!(refusal(&put(&stages).await), of_won, "it is in the bin");
    let all = crm.ada.get("/rest/v1/stages?select=id").await.json();
    assert_eq!(
        all.as_array().map(Vec::len),
        Some(6),
        "what is refused removes nothing"
    );
    // Nobody is in Qualified: it may be of another kind, and its chance is that of the kind.
    let mut stages = crm.known();
    stages[1]["kind"] = json!("won");
    let changed = put(&stages).await.expect_status(200).json();
    assert_eq!(changed["stages"][1]["kind"], json!("won"));
    assert_eq!(changed["stages"][1]["probability"], json!(100.0));
    let told = put(&crm.known()[4..]).await;
    assert_eq!(told.code(), "none_open");
    assert_eq!(
        told.expect_status(422).json()["errors"][0]["field"],
        json!("stages")
    );
}

#[tokio::test]
async fn another_order_is_another_version_of_the_pipeline() {
    let crm = Crm::set().await;
    let reorder = format!("{}/reorder", crm.pipeline_path());
    let mut ids: Vec<&str> = crm.stages.iter().map(|stage| stage.id.as_str()).collect();
    let same = crm.ada.post(&reorder, &json!({ "stage_ids": ids }));
    let same = same.await.expect_status(200);
    assert_eq!(same.header("etag"), Some("\"1\""), "nothing was changed");
    ids.reverse();
    let body = json!({ "stage_ids": ids });
    let done = crm.ada.post(&reorder, &body).header("if-match", "\"1\"").await;
    let done = done.expect_status(200);
    assert_eq!(done.header("etag"), Some("\"2\""));
    assert_eq!(done.json()["version"], json!(2));
    let old = json!({ "name": "Sales", "stages": crm.known() });
    let old = crm.ada.ask(Method::PUT, &crm.pipeline_path()).json(&old);
    let old = old.header("if-match", "\"1\"").await;
    assert_eq!((old.status(), old.header("etag")), (412, Some("\"2\"")));
}

#[tokio::test]
async fn stages_and_deals_are_changed_at_once_without_a_deadlock() {
    let crm = Crm::set().await;
    let mut deals = Vec::new();
    for n in 0..6 {
        deals.push(crm.deal(&n.to_string(), "New", json!({})).await);
    }
    let ids: Vec<&str> = crm.stages.iter().map(|stage| stage.id.as_str()).collect();
    let reversed: Vec<&str> = ids.iter().rev().copied().collect();
    let path = crm.pipeline_path();
    let sales = async |deal: &str| {
        for _ in 0..4 {
            crm.with(deal, "win", json!({})).await.expect_status(200);
            crm.with(deal, "reopen", json!({})).await.expect_status(200);
        }
    };
    let orders = async |n: usize| {
        for round in 0..6 {
            let order = if (n + round).is_multiple_of(2) {
                &ids
            } else {
                &reversed
            };
            let body = json!({ "stage_ids": order });
            let done = crm.ada.post(&format!("{path}/reorder"), &body).await;
            done.expect_status(200);
            let body = json!({ "name": "Sales", "stages": crm.known() });
            let put = crm.ada.ask(Method::PUT, &path).json(&body).await;
            put.expect_status(200);
        }
    };
    let sold = join_all(deals.iter().map(|deal| sales(deal)));
    futures_util::future::join(sold, join_all((0..3).map(orders))).await;
    let open = crm
        .ada
        .get("/rest/v1/deals?select=id&status=eq.open")
        .await
        .json();
    assert_eq!(open.as_array().map(Vec::len), Some(6));
}

#[tokio::test]
async fn places_far_away_stop_nothing() {
    let crm = Crm::set().await;
    let far = json!({ "position": format!("9{}", "0".repeat(131_071)) });
    let farther = json!({ "position": format!("95{}", "0".repeat(131_070)) });
    let (a, b) = (
        crm.deal("a", "New", far.clone()).await,
        crm.deal("b", "New", farther).await,
    );
    let c = crm.deal("c", "Qualified", json!({})).await;
    let stage = crm.stage("New");
    let between = json!({ "stage_id": stage, "position": { "after": a } });
    crm.with(&c, "move", between).await.expect_status(200);
    assert_eq!(crm.order("New").await, "acb");
    let longest = || async {
        let read = crm.ada.get("/rest/v1/deals?select=position").await.json();
        let read = read.as_array().expect("deals").iter();
        read.map(|deal| deal["position"].to_string().len()).max()
    };
    assert!(longest().await < Some(40), "they are numbered anew");
    for place in ["last", "first"] {
        let path = format!("/rest/v1/deals/{b}");
        crm.ada.patch(&path, &far).await.expect_status(204);
        let to = json!({ "stage_id": stage, "position": place });
        crm.with(&c, "move", to).await.expect_status(200);
        let expected = if place == "last" { "abc" } else { "cab" };
        assert_eq!(crm.order("New").await, expected);
    }
    crm.with(&b, "move", json!({ "position": "first" }))
        .await
        .expect_status(200);
    assert!(longest().await < Some(40));
    let last = json!({ "position": 2_147_483_647 });
    let path = format!("/rest/v1/pipelines/{}", crm.pipeline);
    crm.ada.patch(&path, &last).await.expect_status(204);
    let more = json!({ "name": "More", "stages": [{ "name": "A" }] });
    let more = crm.ada.post("/crm/v1/pipelines", &more).await.expect_status(201);
    assert_eq!(more.json()["position"], json!(2_147_483_647));
}

#[tokio::test]
async fn a_deal_whose_pipeline_is_in_the_bin_is_told_so() {
    let crm = Crm::set().await;
    let deal = crm.deal("a", "New", json!({})).await;
    let next = json!({ "name": "Next", "is_default": true, "stages": [{ "name": "A" }] });
    crm.ada.post("/crm/v1/pipelines", &next).await.expect_status(201);
    let path = format!("/rest/v1/pipelines/{}", crm.pipeline);
    crm.ada.delete(&path).await.expect_status(204);
    for (verb, body) in [
        ("win", json!({})),
        ("lose", json!({ "note": "x" })),
        ("move", json!({ "position": "first" })),
    ] {
        let told = refusal(&crm.with(&deal, verb, body).await);
        assert_eq!(told, (409, "pipeline_deleted".to_owned(), Value::Null), "{verb}");
    }
}
