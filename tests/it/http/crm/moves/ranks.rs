//! The places of deals within their stages.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::history;
use crate::http::crm::Crm;

#[tokio::test]
async fn deals_are_ranked_between_their_neighbours() {
    let crm = Crm::set().await;
    let mut ids = Vec::new();
    for (n, title) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let id = json!({ "id": format!("01890a5d-ac96-774b-bcce-b302099a805{n}") });
        ids.push(crm.deal(title, "New", id).await);
    }
    assert_eq!(
        crm.order("New").await,
        "abcd",
        "new deals have one place, and follow each other by their ids"
    );
    let place = async |deal: usize, position: Value| {
        crm.with(&ids[deal], "move", json!({ "position": position }))
            .await
            .expect_status(200);
        crm.order("New").await
    };
    assert_eq!(place(3, json!({ "after": ids[0] })).await, "adbc");
    assert_eq!(place(0, json!("last")).await, "dbca");
    assert_eq!(place(2, json!("first")).await, "cdba");
    assert_eq!(place(0, json!({ "before": ids[3] })).await, "cadb");
    assert_eq!(place(0, json!({ "after": ids[2] })).await, "cadb", "where it is");
    // The gap is halved until there is no room, and then there is again.
    for round in 0..40 {
        let (mover, expected) = if round % 2 == 0 { (3, "cdab") } else { (0, "cadb") };
        assert_eq!(
            place(mover, json!({ "after": ids[2] })).await,
            expected,
            "{round}"
        );
    }
    let longest = crm.ada.get("/rest/v1/deals?select=position").await.json();
    let longest = longest
        .as_array()
        .expect("deals")
        .iter()
        .map(|deal| deal["position"].to_string().len())
        .max();
    assert!(longest < Some(40), "{longest:?}");
    // Into another stage, between two that are there.
    let (x, y) = (
        crm.deal("x", "Proposal", json!({ "position": 1 })).await,
        crm.deal("y", "Proposal", json!({ "position": 2 })).await,
    );
    let between = json!({ "stage_id": crm.stage("Proposal"), "position": { "before": y } });
    crm.with(&ids[1], "move", between).await.expect_status(200);
    assert_eq!(
        (crm.order("Proposal").await, crm.order("New").await),
        ("xby".to_owned(), "cad".to_owned())
    );
    // A neighbour has to be there.
    crm.with(&x, "win", json!({})).await.expect_status(200);
    let gone = json!({ "stage_id": crm.stage("Proposal"), "position": { "after": x } });
    assert_eq!(crm.with(&ids[0], "move", gone).await.code(), "neighbour_gone");
}

#[tokio::test]
async fn two_at_once_do_not_get_one_place() {
    let crm = Crm::set().await;
    let (a, b) = (
        crm.deal("a", "Proposal", json!({})).await,
        crm.deal("b", "Proposal", json!({})).await,
    );
    crm.with(&b, "move", json!({ "position": "last" }))
        .await
        .expect_status(200);
    let mut deals = Vec::new();
    for n in 0..12 {
        deals.push(crm.deal(&n.to_string(), "New", json!({})).await);
    }
    let body = json!({ "stage_id": crm.stage("Proposal"), "position": { "after": a } });
    let asked = deals.iter().map(|deal| crm.with(deal, "move", body.clone()));
    for moved in join_all(asked).await {
        moved.expect_status(200);
    }
    let list = format!(
        "/rest/v1/deals?select=position&stage_id=eq.{}",
        crm.stage("Proposal")
    );
    let list = crm.ada.get(&list).await.json();
    let mut places: Vec<String> = list
        .as_array()
        .expect("deals")
        .iter()
        .map(|deal| deal["position"].to_string())
        .collect();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 14, "{places:?}");
    // One deal that many move at once is moved by each, one after the other.
    let stages = ["New", "Qualified", "Proposal", "Negotiation"];
    let asked = stages.map(|stage| crm.with(&deals[0], "move", json!({ "stage_id": crm.stage(stage) })));
    for moved in join_all(asked).await {
        moved.expect_status(200);
    }
    let ends = history(&crm, &deals[0]).await;
    assert_eq!(
        ends.iter().filter(|stage| stage.ends_with('*')).count(),
        1,
        "{ends:?}"
    );
}
