//! The verbs of the CRM over HTTP, on the template that ships.

mod activities;
mod moves;
mod pipelines;
mod reports;
mod stages;
mod timeline;

use serde_json::{Value, json};
use tests::app::{Answer, Client};

use super::scene::Scene;

/// A tenant with its pipeline, and what a test of verbs needs.
struct Crm {
    scene: Scene,
    pipeline: String,
    stages: Vec<Stage>,
}

/// A stage of the pipeline that every tenant begins with.
#[derive(Clone)]
struct Stage {
    id: String,
    name: String,
}

impl std::ops::Deref for Crm {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

impl Crm {
    async fn set() -> Self {
        Self::of(Scene::set().await).await
    }

    async fn of(scene: Scene) -> Self {
        let stages = scene
            .ada
            .get("/rest/v1/stages?select=id,name,pipeline_id&order=position");
        let stages = stages.await.expect_status(200).json();
        let stages = stages.as_array().expect("stages").clone();
        let text = |stage: &Value, name: &str| stage[name].as_str().expect("a text").to_owned();
        Self {
            scene,
            pipeline: text(&stages[0], "pipeline_id"),
            stages: stages
                .iter()
                .map(|stage| Stage {
                    id: text(stage, "id"),
                    name: text(stage, "name"),
                })
                .collect(),
        }
    }

    /// The id of the stage of this name.
    fn stage(&self, name: &str) -> &str {
        let stage = self.stages.iter().find(|stage| stage.name == name);
        &stage.expect("a stage of that name").id
    }

    /// A new deal in the stage of this name, with more fields; its id.
    async fn deal(&self, title: &str, stage: &str, more: Value) -> String {
        let mut deal = json!({ "title": title, "pipeline_id": self.pipeline, "stage_id": self.stage(stage) });
        for (name, value) in more.as_object().expect("fields") {
            deal[name] = value.clone();
        }
        make(&self.ada, "deals", &deal).await
    }

    /// Does something with a deal.
    async fn with(&self, deal: &str, verb: &str, body: Value) -> Answer {
        self.ada
            .post(&format!("/crm/v1/deals/{deal}/{verb}"), &body)
            .await
    }

    /// The titles of the deals in a stage, in their order.
    async fn order(&self, stage: &str) -> String {
        let list = format!(
            "/rest/v1/deals?select=title&order=position,id&stage_id=eq.{}",
            self.stage(stage)
        );
        let list = self.ada.get(&list).await.expect_status(200).json();
        let titles = list.as_array().expect("deals").iter();
        titles
            .map(|deal| deal["title"].as_str().expect("a title"))
            .collect()
    }
}

/// A new record; its id.
async fn make(who: &Client, object: &str, body: &Value) -> String {
    let made = who.post(&format!("/rest/v1/{object}?select=id"), body);
    let made = made.header("prefer", "return=representation").await;
    made.expect_status(201).json()[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

/// What a refusal says: status, code and details.
fn refusal(answer: &Answer) -> (u16, String, Value) {
    (answer.status(), answer.code(), answer.json()["details"].clone())
}
