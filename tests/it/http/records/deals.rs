//! What the template does by itself: money, histories, tags.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Scene, column, id};

#[tokio::test]
async fn money_keeps_every_digit_as_text() {
    let scene = Scene::set().await;
    for (given, kept) in [
        ("\"1234567890123.4567\"", "1234567890123.4567"),
        ("0.1", "0.1000"),
        ("999999999999999.9999", "999999999999999.9999"),
        ("1e3", "1000.0000"),
        ("\"0.00005\"", "0.0001"),
    ] {
        let deal = scene.deal("money", "0").await;
        let path = format!("/rest/v1/deals/{}?select=value", id(&deal));
        let ask = scene
            .ada
            .ask(Method::PATCH, &path)
            .header("content-type", "application/json");
        let ask = ask
            .header("prefer", "return=representation")
            .body(format!("{{\"value\":{given}}}"));
        assert_eq!(
            ask.await.expect_status(200).text(),
            format!("{{\"value\":\"{kept}\"}}"),
            "{given}"
        );
    }
    let deal = scene.deal("money", "1").await;
    let path = format!("/rest/v1/deals/{}", id(&deal));
    for (given, status) in [
        ("\"1e400\"", 400),
        ("\"NaN\"", 422),
        ("-1", 422),
        ("\"ten\"", 400),
        ("1000000000000000", 400),
    ] {
        let ask = scene
            .ada
            .ask(Method::PATCH, &path)
            .header("content-type", "application/json");
        let answer = ask.body(format!("{{\"value\":{given}}}")).await;
        assert_eq!(answer.status(), status, "{given}: {}", answer.text());
    }
    assert_eq!(scene.list("deals?select=value").await[5]["value"], "1.0000");
}

#[tokio::test]
async fn moving_a_deal_writes_its_history() {
    let scene = Scene::set().await;
    let deal = scene.deal("A deal", "100").await;
    let path = format!("/rest/v1/deals/{}", id(&deal));
    for (stage, status) in [("Proposal", "open"), ("Won", "won"), ("New", "open")] {
        let to = scene.list(&format!("stages?select=id&name=eq.{stage}")).await;
        let moved = scene
            .ada
            .patch(&path, &json!({ "stage_id": to[0]["id"] }))
            .header("prefer", "return=representation");
        let moved = moved.await.expect_status(200).json();
        assert_eq!(
            (&moved["status"], moved["closed_at"].is_null()),
            (&json!(status), status == "open")
        );
    }
    let query = "deal_stage_history?select=from_stage_name,to_stage_name,left_at,actor,value_at&order=entered_at,left_at";
    let history = scene.list(query).await;
    assert_eq!(
        column(&history, "to_stage_name"),
        ["New", "Proposal", "Won", "New"]
    );
    assert_eq!(
        column(&history, "from_stage_name"),
        ["null", "New", "Proposal", "Won"]
    );
    let open = history
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["left_at"].is_null())
        .collect::<Vec<_>>();
    assert_eq!(open, [false, false, false, true]);
    assert!(
        column(&history, "actor")
            .iter()
            .all(|actor| *actor == format!("user:{}", scene.ada.user.id))
    );
    assert_eq!(history[0]["value_at"], "100.0000");
    // A lost deal needs a reason, and the refused move leaves no trace.
    let lost = scene.list("stages?select=id&name=eq.Lost").await;
    let silent = scene
        .ada
        .patch(&path, &json!({ "stage_id": lost[0]["id"] }))
        .await;
    assert_eq!((silent.status(), silent.code()), (422, "23514".to_owned()));
    assert_eq!(scene.list(query).await, history);
    let reason = json!({ "stage_id": lost[0]["id"], "lost_reason": "price" });
    scene.ada.patch(&path, &reason).await.expect_status(204);
    // A stage of another pipeline is none of its stages.
    let other = scene.add("pipelines", &json!({ "name": "Other" })).await;
    let stage = scene
        .add(
            "stages",
            &json!({ "name": "S", "pipeline_id": id(&other), "position": 1 }),
        )
        .await;
    let astray = scene.ada.patch(&path, &json!({ "stage_id": id(&stage) })).await;
    assert_eq!((astray.status(), astray.code()), (409, "23503".to_owned()));
}

#[tokio::test]
async fn tags_follow_their_links() {
    let scene = Scene::set().await;
    let contact = scene.add("contacts", &json!({ "first_name": "Ann" })).await;
    let tag = scene.add("tags", &json!({ "name": "vip" })).await;
    let link = json!({ "contact_id": id(&contact), "tag_id": id(&tag) });
    let linked = scene
        .ada
        .post("/rest/v1/contact_tags", &link)
        .await
        .expect_status(201);
    let location = linked.header("location").expect("of the one link").to_owned();
    assert!(
        location.contains("contact_id=eq.") && location.contains("&tag_id=eq."),
        "{location}"
    );
    let tags = || async { scene.list("contacts?select=tag_ids").await[0]["tag_ids"].clone() };
    assert_eq!(tags().await, json!([id(&tag)]));
    scene
        .ada
        .post("/rest/v1/contact_tags", &link)
        .await
        .expect_status(409);
    let no_path = scene
        .ada
        .get(&format!("/rest/v1/contact_tags/{}", id(&tag)))
        .await;
    assert_eq!((no_path.status(), no_path.code()), (404, "PGRST125".to_owned()));
    scene.ada.delete(location.as_str()).await.expect_status(204);
    assert_eq!(tags().await, Value::Array(Vec::new()));
}

#[tokio::test]
async fn some_reasons_for_losing_a_deal_need_a_note() {
    let scene = Scene::set().await;
    let deal = scene.deal("A deal", "100").await;
    let path = format!("/rest/v1/deals/{}", id(&deal));
    let lost = scene.list("stages?select=id&name=eq.Lost").await;
    let reasons = scene
        .list("lost_reasons?select=id,name,requires_note&order=position")
        .await;
    assert_eq!(
        column(&reasons, "name"),
        [
            "Price",
            "Competitor",
            "No budget",
            "No need",
            "No answer",
            "Other"
        ]
    );
    let because = |reason: usize, note: &str| json!({ "stage_id": lost[0]["id"], "lost_reason_id": reasons[reason]["id"], "lost_note": note });
    let silent = scene.ada.patch(&path, &because(5, " ")).await;
    assert_eq!(
        (silent.status(), silent.json()["message"].as_str()),
        (
            422,
            Some("a deal that is lost for the reason \"Other\" needs a note (lost_note)")
        )
    );
    scene
        .ada
        .patch(&path, &because(5, "They moved away."))
        .await
        .expect_status(204);
    scene.ada.patch(&path, &because(0, "")).await.expect_status(204);
    // A reason in use stays.
    let reason = format!("/rest/v1/lost_reasons/{}", id(&reasons[0]));
    let gone = scene.ada.delete(&reason).await;
    assert_eq!((gone.status(), gone.code()), (409, "23503".to_owned()));
}

#[tokio::test]
async fn several_people_take_part_in_a_deal() {
    let scene = Scene::set().await;
    let deal = scene.deal("A deal", "100").await;
    for (name, role) in [("Ann", "decision maker"), ("Ben", "billing")] {
        let person = scene.add("contacts", &json!({ "first_name": name })).await;
        scene
            .ada
            .post(
                "/rest/v1/deal_contacts",
                &json!({ "deal_id": id(&deal), "contact_id": id(&person), "role": role }),
            )
            .await
            .expect_status(201);
    }
    let query = "deals?select=title,deal_contacts(role,contacts(full_name))&deal_contacts.order=role";
    assert_eq!(
        scene.list(query).await,
        json!([{ "title": "A deal", "deal_contacts": [
            { "role": "billing", "contacts": { "full_name": "Ben" } },
            { "role": "decision maker", "contacts": { "full_name": "Ann" } },
        ] }])
    );
}
