//! Requests for verbs as they would be right.

use axum::http::Method;
use serde_json::{Value, json};
use tests::app::{Ask, Client};

use super::Scene;

mod booking;

/// The request of a row: each on a record of its own, which is in a state for it.
pub(super) async fn request(scene: &Scene, client: &Client, method: &Method, path: &str) -> Ask {
    if path == "/crm/v1/slots" || path.starts_with("/crm/v1/appointments/") {
        return booking::request(scene, client, method, path).await;
    }
    let (id, body) = match path {
        "/crm/v1/deals/{id}/move" => (deal(scene).await, json!({ "position": "first" })),
        "/crm/v1/deals/{id}/win" => (deal(scene).await, json!({})),
        "/crm/v1/deals/{id}/lose" => (deal(scene).await, json!({ "lost_reason": "no" })),
        "/crm/v1/deals/{id}/reopen" => {
            let id = deal(scene).await;
            let won = scene.ada.post(&format!("/crm/v1/deals/{id}/win"), &json!({}));
            won.await.expect_status(200);
            (id, json!({}))
        }
        _ => panic!("no request is known for {path}"),
    };
    let ask = client.ask(method.clone(), &path.replace("{id}", &id));
    if *method == Method::GET || *method == Method::HEAD {
        ask
    } else {
        ask.json(&body)
    }
}

async fn deal(scene: &Scene) -> String {
    let stage = stage(scene).await;
    let deal = json!({ "title": "A deal", "pipeline_id": stage["pipeline_id"], "stage_id": stage["id"] });
    let made = scene.ada.post("/rest/v1/deals?select=id", &deal);
    let made = made.header("prefer", "return=representation").await;
    made.expect_status(201).json()[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

async fn stage(scene: &Scene) -> Value {
    let first = "/rest/v1/stages?select=id,pipeline_id&position=eq.1&limit=1";
    scene.ada.get(first).await.json()[0].clone()
}
