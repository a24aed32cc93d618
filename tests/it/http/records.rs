//! Records over HTTP: what the engine's dialect looks like from outside.

mod bin;
mod booking;
mod consents;
mod deals;
mod embeds;
mod forms;
mod limits;
mod paging;
mod reading;
mod refusals;
mod rights;
mod writing;

use serde_json::{Value, json};

use super::scene::Scene;

impl Scene {
    /// Adds a record and gives it back.
    async fn add(&self, object: &str, body: &Value) -> Value {
        let ask = self
            .ada
            .post(&format!("/rest/v1/{object}"), body)
            .header("prefer", "return=representation");
        ask.await.expect_status(201).json()[0].clone()
    }

    /// The list a query gives.
    async fn list(&self, query: &str) -> Value {
        self.ada
            .get(&format!("/rest/v1/{query}"))
            .await
            .expect_status(200)
            .json()
    }

    /// A deal in the first stage of the pipeline every tenant begins with.
    async fn deal(&self, title: &str, value: &str) -> Value {
        let stage = self.list("stages?select=id,pipeline_id&position=eq.1").await[0].clone();
        let body = json!({
            "title": title, "value": value, "pipeline_id": stage["pipeline_id"], "stage_id": stage["id"],
        });
        self.add("deals", &body).await
    }
}

fn id(record: &Value) -> &str {
    record["id"].as_str().expect("an id")
}

/// One column of a list, as texts.
fn column(rows: &Value, name: &str) -> Vec<String> {
    let rows = rows.as_array().expect("a list").iter();
    rows.map(|row| {
        row[name]
            .as_str()
            .map_or_else(|| row[name].to_string(), str::to_owned)
    })
    .collect()
}
