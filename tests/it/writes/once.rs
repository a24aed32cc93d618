//! A write with an idempotency key, cut in the middle.

use serde_json::{Value, json};
use tenant_schema::records::RecordError;
use tenant_schema::tenant_db::TenantDb;
use tests::database::one_connection;
use tests::{Cluster, Proxy, TestDb, TestTenant};

struct Scene {
    t: TestDb,
    acme: TestTenant,
    proxy: Proxy,
}

impl Scene {
    async fn set(cluster: std::sync::Arc<Cluster>) -> Self {
        let t = TestDb::on(cluster).await;
        let (acme, proxy) = (t.tenant("acme").await, t.proxy().await);
        Self { t, acme, proxy }
    }

    /// Adds a tag by a connection of its own; says whether the answer had been given before.
    async fn add(&self, name: &str, through_proxy: bool) -> Result<bool, RecordError> {
        let config = if through_proxy {
            self.t.server_config_through(&self.proxy)
        } else {
            self.t.server_config()
        };
        let records = self
            .acme
            .records(&self.t, &TenantDb::new(&config, &one_connection()));
        let body = json!({ "name": name }).to_string();
        let answer = records.insert_once(name, "tags", &body).await?;
        assert_eq!(answer.status.as_u16(), 201);
        Ok(answer.is_replayed)
    }

    async fn names(&self) -> Vec<Value> {
        let records = self.acme.records(&self.t, &self.t.tenants());
        let list = records.list("tags", "select=name").await.expect("a list");
        serde_json::from_str(&list).expect("JSON")
    }

    /// The record and its kept answer are both there, or neither; the retry ends with both.
    async fn check(&self, name: &str, what: &str) -> bool {
        let names = self.names().await;
        let count = format!("select count(*) from {}._idempotency_keys", self.acme.schema);
        let kept: i64 = self
            .t
            .as_owner()
            .await
            .query_one(&count, &[])
            .await
            .expect("a row")
            .get(0);
        assert_eq!(usize::try_from(kept), Ok(names.len()), "{what}");
        let there = names.contains(&json!({ "name": name }));
        assert_eq!(self.add(name, false).await, Ok(there), "{what}");
        assert_eq!(
            self.names().await.len(),
            names.len() + usize::from(!there),
            "{what}"
        );
        there
    }

    async fn messages(&self) -> u64 {
        self.proxy.reset();
        self.add("first", true).await.expect("added");
        self.proxy.tally().messages
    }
}

#[tokio::test]
async fn a_client_killed_after_any_message_leaves_record_and_answer_or_neither() {
    let scene = Scene::set(Cluster::shared().await).await;
    let messages = scene.messages().await;
    assert!(messages > 10, "{messages}");
    let mut ended = [0, 0];
    for n in 1..=messages {
        let (name, what) = (
            format!("cut-{n:02}"),
            format!("cut after message {n} of {messages}"),
        );
        scene.proxy.reset();
        scene.proxy.cut_after(n);
        // Where the connection was still being made, another one is.
        let outcome = scene.add(&name, true).await;
        scene.proxy.all_ended().await;
        let is_done = scene.check(&name, &what).await;
        assert!(is_done || outcome.is_err(), "{what}");
        if outcome.is_err() {
            ended[usize::from(is_done)] += 1;
        }
    }
    crate::tell(&format!(
        "a write with a key, cut after each of {messages} messages: {ended:?} not done and done"
    ));
    assert_eq!(ended[1], 1, "only the last message, the Sync, commits");
}

#[tokio::test]
async fn a_server_killed_after_any_message_leaves_record_and_answer_or_neither() {
    let scene = Scene::set(Cluster::own().await).await;
    let messages = scene.messages().await;
    for n in 1..messages {
        let (name, what) = (
            format!("kill-{n:02}"),
            format!("killed after message {n} of {messages}"),
        );
        scene.proxy.reset();
        let reached = scene.proxy.hold_after(n);
        let killed = async {
            reached.await.expect("the message is sent");
            scene.t.cluster().crash().await.expect("killed");
        };
        let (outcome, ()) = tokio::join!(scene.add(&name, true), killed);
        assert!(outcome.is_err(), "{what}");
        scene.t.cluster().recover().await.expect("it recovers");
        scene.check(&name, &what).await;
    }
}
