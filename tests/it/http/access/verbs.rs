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
        "/crm/v1/deals/{id}/move" => (json!(deal(scene).await), json!({ "position": "first" })),
        "/crm/v1/deals/{id}/win" => (json!(deal(scene).await), json!({})),
        "/crm/v1/deals/{id}/lose" => (json!(deal(scene).await), json!({ "lost_reason": "no" })),
        "/crm/v1/deals/{id}/reopen" => {
            let id = deal(scene).await;
            let won = scene.ada.post(&format!("/crm/v1/deals/{id}/win"), &json!({}));
            won.await.expect_status(200);
            (json!(id), json!({}))
        }
        "/crm/v1/activities/{id}/complete" => (json!(activity(scene).await), json!({})),
        "/crm/v1/activities/{id}/reopen" => {
            let id = activity(scene).await;
            let done = scene
                .ada
                .post(&format!("/crm/v1/activities/{id}/complete"), &json!({}));
            done.await.expect_status(200);
            (json!(id), json!({}))
        }
        "/crm/v1/pipelines" => (Value::Null, pipeline(scene)),
        "/crm/v1/pipelines/{id}" => (made_pipeline(scene).await["id"].clone(), pipeline(scene)),
        "/crm/v1/pipelines/{id}/board" => (stage(scene).await["pipeline_id"].clone(), json!({})),
        "/crm/v1/pipelines/{id}/reorder" => {
            let made = made_pipeline(scene).await;
            (
                made["id"].clone(),
                json!({ "stage_ids": [made["stages"][0]["id"]] }),
            )
        }
        _ if path.starts_with("/crm/v1/reports/") || path == "/crm/v1/activities/due" => {
            (Value::Null, json!({}))
        }
        _ => panic!("no request is known for {path}"),
    };
    let ask = client.ask(
        method.clone(),
        &path.replace("{id}", id.as_str().unwrap_or_default()),
    );
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

async fn activity(scene: &Scene) -> String {
    let task = json!({ "type": "task", "subject": "To do", "deal_id": deal(scene).await });
    let made = scene.ada.post("/rest/v1/activities?select=id", &task);
    let made = made.header("prefer", "return=representation").await;
    made.expect_status(201).json()[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

fn pipeline(scene: &Scene) -> Value {
    json!({ "name": scene.fresh("pipeline"), "stages": [{ "name": "One" }] })
}

async fn made_pipeline(scene: &Scene) -> Value {
    scene
        .ada
        .post("/crm/v1/pipelines", &pipeline(scene))
        .await
        .expect_status(201)
        .json()
}
