//! Objects of any name: an answer embeds the object, and not the part of the statement that once had its name.

use super::*;

/// What a write answers when it shows what is above and below a record, and what is on it.
const SHOWN: &str = "select=name,up:w_id(name),below:w(name),n(name)";

fn shown(answer: Result<Answer, RecordError>) -> Value {
    let answer = answer.expect("written");
    serde_json::from_slice(&answer.body.unwrap_or_default()).expect("JSON")
}

impl Scene {
    async fn wrote(&self, operation: Operation<'_>, query: &str) -> Value {
        let ask = Ask {
            query,
            prefer: "return=representation",
            ..Ask::default()
        };
        shown(Box::pin(self.run("w", ask, operation)).await)
    }
}

#[tokio::test]
async fn an_object_is_meant_by_its_name_in_every_write() {
    let scene = Scene::set().await;
    let all = json!([{ "id": 1, "name": "a" }, { "id": 2, "name": "b", "w_id": 1 }, { "id": 3, "name": "c", "w_id": 2 }]);
    scene
        .insert("w", "columns=id,name,w_id", "missing=null", &all)
        .await
        .expect("w");
    let on = json!([{ "id": 1, "w_id": 2, "name": "on b" }, { "id": 2, "w_id": 1, "name": "on a" }]);
    scene.insert("n", "", "", &on).await.expect("n");

    let b = |name: &str| json!({ "name": name, "up": { "name": "a" }, "below": [{ "name": "c" }], "n": [{ "name": "on b" }] });
    let target = Target::Id("2");
    let body = Payload::json(b"{\"name\":\"B\"}");
    assert_eq!(
        scene.wrote(Operation::Update { target, body }, SHOWN).await,
        b("B")
    );
    let body = Payload::json(b"{\"id\":2,\"name\":\"b\",\"w_id\":1}");
    assert_eq!(
        scene.wrote(Operation::Replace { target, body }, SHOWN).await,
        b("b")
    );
    let bounded = format!("{SHOWN}&id=eq.2&order=id&limit=1");
    let (target, body) = (Target::Filtered, Payload::json(b"{\"name\":\"B\"}"));
    let updated = scene.wrote(Operation::Update { target, body }, &bounded).await;
    assert_eq!(updated, json!([b("B")]));

    let body = Payload::json(b"{\"id\":4,\"name\":\"d\",\"w_id\":1}");
    let added = scene.wrote(Operation::Insert { body }, SHOWN).await;
    let d = json!({ "name": "d", "up": { "name": "a" }, "below": [], "n": [] });
    assert_eq!(added, json!([d]));

    // What is embedded is as it was before the write.
    let target = Target::Id("2");
    assert_eq!(scene.wrote(Operation::Delete { target }, SHOWN).await, b("B"));
    let live = async |object: &str| {
        let ask = Ask {
            query: "select=id&order=id",
            ..Ask::default()
        };
        shown(scene.run(object, ask, Operation::List).await)
    };
    assert_eq!(live("w").await, json!([{ "id": 1 }, { "id": 4 }]));
    assert_eq!(live("n").await, json!([{ "id": 2 }]));
    let alone = json!({ "name": "B", "up": { "name": "a" }, "below": [], "n": [] });
    assert_eq!(scene.wrote(Operation::Restore { id: "2" }, SHOWN).await, alone);
    assert_eq!(
        live("w").await,
        json!([{ "id": 1 }, { "id": 2 }, { "id": 3 }, { "id": 4 }])
    );
    assert_eq!(live("n").await, json!([{ "id": 1 }, { "id": 2 }]));
    scene.wrote(Operation::Delete { target }, "").await;
    assert_eq!(scene.wrote(Operation::Purge { id: "2" }, SHOWN).await, alone);
}
