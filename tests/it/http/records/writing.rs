//! Adding, changing and removing records, and what is refused.

use axum::http::Method;
use serde_json::{Value, json};

use super::{Scene, column, id};

#[tokio::test]
async fn every_object_is_added_read_changed_and_removed() {
    let scene = Scene::set().await;
    let pipeline = id(&scene.add("pipelines", &json!({ "name": "Partners" })).await).to_owned();
    let company = id(&scene.add("companies", &json!({ "name": "Acme" })).await).to_owned();
    let note = id(&scene.add("notes", &json!({ "content": "to be kept" })).await).to_owned();
    let deal = scene.deal("a deal", "1").await;
    let (stage, of) = (&deal["stage_id"], &deal["pipeline_id"]);
    for (object, new, change, field) in [
        ("companies", json!({ "name": "Globex", "address": { "city": "Ulm" } }), json!({ "name": "G" }), "name"),
        ("contacts", json!({ "first_name": "Ann", "company_id": company }), json!({ "first_name": "B" }), "first_name"),
        ("pipelines", json!({ "name": "Renewals" }), json!({ "name": "R" }), "name"),
        ("stages", json!({ "name": "First", "pipeline_id": pipeline, "position": 1 }), json!({ "name": "1st" }), "name"),
        ("stages", json!({ "name": "Next", "pipeline_id": pipeline, "position": 2 }), json!({ "name": "2nd" }), "name"),
        ("deals", json!({ "title": "D", "pipeline_id": of, "stage_id": stage }), json!({ "title": "E" }), "title"),
        ("activities", json!({ "type": "call", "subject": "S", "company_id": company }), json!({ "subject": "T" }), "subject"),
        ("notes", json!({ "content": "N" }), json!({ "content": "M" }), "content"),
        ("note_targets", json!({ "note_id": note, "company_id": company }), json!({ "company_id": company }), "company_id"),
        ("tags", json!({ "name": "vip" }), json!({ "name": "VIP" }), "name"),
    ] {
        let made = scene.add(object, &new).await;
        let path = format!("/rest/v1/{object}/{}", id(&made));
        assert_eq!(scene.ada.get(&path).await.expect_status(200).json(), made, "{object}");
        let changed = scene.ada.patch(&path, &change).header("prefer", "return=representation").await;
        let changed = changed.expect_status(200);
        assert_eq!(changed.json()[field], change[field], "{object}");
        if object != "note_targets" {
            assert_eq!((&changed.json()["version"], changed.header("etag")), (&json!(2), Some("\"2\"")), "{object}");
        }
        if object == "stages" && made["position"] == 1 {
            continue;
        }
        let removed = scene.ada.delete(&path).await.expect_status(204);
        assert_eq!(removed.text(), "", "{object}");
        for _ in 0..2 {
            assert_eq!(scene.ada.get(&path).await.code(), "PGRST116", "{object}");
            assert_eq!(scene.ada.delete(&path).await.status(), 404, "{object}");
            assert_eq!(scene.ada.patch(&path, &change).await.status(), 404, "{object}");
        }
    }
}

#[tokio::test]
async fn what_a_write_answers() {
    let scene = Scene::set().await;
    let new = json!({ "first_name": "Ann" });
    let post = |prefer: &str| scene.ada.post("/rest/v1/contacts", &new).header("prefer", prefer);
    let minimal = post("return=minimal").await.expect_status(201);
    assert_eq!((minimal.text(), minimal.header("content-range")), ("", Some("*/*")));
    assert_eq!(minimal.header("preference-applied"), Some("return=minimal"));
    let location = minimal.header("location").expect("of the one record").to_owned();
    assert!(location.starts_with("/rest/v1/contacts?id=eq."), "{location}");
    assert_eq!(column(&scene.ada.get(&location).await.json(), "first_name"), ["Ann"]);

    let headers = post("return=headers-only").await.expect_status(201);
    assert!(headers.header("location").is_some() && headers.text().is_empty());
    let whole = post("return=representation").await.expect_status(201);
    assert_eq!(whole.json()[0]["first_name"], "Ann");
    let silent = post("handling=strict").await.expect_status(201);
    assert_eq!((silent.text(), silent.header("preference-applied")), ("", None));

    let three = json!([{ "first_name": "x" }, { "first_name": "y" }, { "first_name": "z" }]);
    let many = scene.ada.post("/rest/v1/contacts?select=first_name", &three).header("prefer", "return=representation");
    let many = many.await.expect_status(201);
    assert_eq!((many.json()[2]["first_name"].as_str(), many.header("location")), (Some("z"), None));
    scene.ada.post("/rest/v1/contacts", &json!([])).await.expect_status(201);

    let patch = scene.ada.patch("/rest/v1/contacts?first_name=in.(x,y)", &json!({ "source": "fair" }));
    let patch = patch.await.expect_status(204);
    assert_eq!(patch.header("content-range"), Some("0-1/*"));
    let none = scene.ada.patch("/rest/v1/contacts?first_name=eq.nobody", &json!({ "source": "fair" })).await;
    assert_eq!((none.status(), none.header("content-range")), (204, Some("*/*")));
    let gone = scene.ada.delete("/rest/v1/contacts?source=eq.fair&select=first_name").header("prefer", "return=representation");
    let mut gone = column(&gone.await.expect_status(200).json(), "first_name");
    gone.sort();
    assert_eq!(gone, ["x", "y"]);
    for ask in [
        scene.ada.patch("/rest/v1/contacts", &json!({ "source": "all" })),
        scene.ada.delete("/rest/v1/contacts"),
        scene.ada.delete("/rest/v1/contacts?select=id"),
    ] {
        assert_eq!(ask.await.expect_status(400).code(), "21000");
    }
}

#[tokio::test]
async fn a_soft_deleted_record_is_seen_only_when_asked_for() {
    let scene = Scene::set().await;
    let contact = scene.add("contacts", &json!({ "first_name": "Ann", "email": "ann@x.test" })).await;
    let path = format!("/rest/v1/contacts/{}", id(&contact));
    scene.ada.delete(&path).await.expect_status(204);
    scene.ada.get(&path).await.expect_status(404);
    assert_eq!(scene.list("contacts").await, json!([]));
    assert_eq!(scene.list("contacts?first_name=eq.Ann").await, json!([]));
    let deleted = scene.list("contacts?deleted_at=not.is.null").await;
    assert_eq!(deleted[0]["id"], contact["id"]);
    assert_eq!(deleted[0]["version"], 2);
    // Its address is free again; then it cannot come back beside its twin.
    scene.add("contacts", &json!({ "email": "ANN@x.test" })).await;
    let restore = format!("/rest/v1/contacts?id=eq.{}&deleted_at=not.is.null", id(&contact));
    let twin = scene.ada.patch(&restore, &json!({ "deleted_at": null })).await;
    assert_eq!((twin.status(), twin.code()), (409, "23505".to_owned()));
    scene.ada.delete("/rest/v1/contacts?email=eq.ANN@x.test").await.expect_status(204);
    scene.ada.patch(&restore, &json!({ "deleted_at": null })).await.expect_status(204);
    scene.ada.get(&path).await.expect_status(200);
}

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
        let ask = scene.ada.ask(Method::PATCH, &path).header("content-type", "application/json");
        let ask = ask.header("prefer", "return=representation").body(format!("{{\"value\":{given}}}"));
        assert_eq!(ask.await.expect_status(200).text(), format!("{{\"value\":\"{kept}\"}}"), "{given}");
    }
    let deal = scene.deal("money", "1").await;
    let path = format!("/rest/v1/deals/{}", id(&deal));
    for (given, status) in [("\"1e400\"", 400), ("\"NaN\"", 422), ("-1", 422), ("\"ten\"", 400), ("1000000000000000", 400)] {
        let ask = scene.ada.ask(Method::PATCH, &path).header("content-type", "application/json");
        let answer = ask.body(format!("{{\"value\":{given}}}")).await;
        assert_eq!(answer.status(), status, "{given}: {}", answer.text());
    }
    assert_eq!(scene.list("deals?select=value").await[5]["value"], "1.0000");
}

#[tokio::test]
async fn constraints_have_their_statuses() {
    let scene = Scene::set().await;
    scene.add("contacts", &json!({ "email": "ann@x.test" })).await;
    let unknown = scene.acme.organization();
    for (object, body, status, code, says) in [
        ("contacts", json!({ "email": "Ann@X.test" }), 409, "23505", "contacts_email_key"),
        ("contacts", json!({ "first_name": "x", "company_id": unknown }), 409, "23503", "contacts_company_id_fkey"),
        ("contacts", json!({ "first_name": "x", "status": "friend" }), 422, "23514", "contacts_status_check"),
        ("contacts", json!({}), 422, "23514", "contacts_identity_check"),
        ("contacts", json!({ "first_name": "x".repeat(201) }), 422, "23514", "contacts_first_name_check"),
        ("companies", json!({ "domain": "x" }), 422, "23502", "name"),
        ("companies", json!({ "name": null }), 422, "23502", "name"),
        ("companies", json!({ "name": "x", "size": "huge" }), 422, "23514", "companies_size_check"),
        ("contacts", json!({ "first_nam": "x" }), 400, "PGRST204", "first_nam"),
        ("contacts", json!({ "full_name": "x" }), 400, "428C9", "full_name"),
        ("contacts", json!({ "first_name": "x", "owner_id": "me" }), 400, "22P02", "uuid"),
        ("contacts", json!({ "first_name": "x", "company_id": 5 }), 400, "22P02", "uuid"),
        ("contacts", json!([{ "first_name": "x" }, { "last_name": "y" }]), 400, "PGRST102", "keys must match"),
        ("contacts", json!("text"), 400, "PGRST102", "object"),
        ("contacts", json!([1]), 400, "PGRST102", "object"),
    ] {
        let answer = scene.ada.post(&format!("/rest/v1/{object}"), &body).await;
        assert_eq!((answer.status(), answer.code()), (status, code.to_owned()), "{body}: {}", answer.text());
        assert!(answer.field("message").contains(says), "{body}: {}", answer.text());
        assert!(!answer.text().contains("Failing row"), "{}", answer.text());
    }
    assert_eq!(scene.list("contacts?select=email").await, json!([{ "email": "ann@x.test" }]));
    let missing = scene.ada.post("/rest/v1/companies", &json!({ "domain": "x" })).await;
    assert_eq!(missing.json()["errors"][0]["field"], "name");
}

#[tokio::test]
async fn bodies_that_are_not_taken() {
    let scene = Scene::set().await;
    let post = |kind: &str, body: &str| {
        scene.ada.ask(Method::POST, "/rest/v1/contacts").header("content-type", kind).body(body.to_owned())
    };
    for body in ["", "{", "{\"first_name\":}", "first_name=x", "{} {}", "{\"a\":1,\"a\":2}", "\u{feff}{}"] {
        let answer = post("application/json", body).await;
        assert_eq!((answer.status(), answer.code()), (400, "PGRST102".to_owned()), "{body:?}");
    }
    for kind in ["text/plain", "text/csv", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let answer = post(kind, "{}").await;
        assert_eq!((answer.status(), answer.code()), (415, "unsupported_media_type".to_owned()), "{kind:?}");
    }
    post("Application/JSON ; charset=utf-8", "{\"first_name\":\"x\"}").await.expect_status(201);
    let none = scene.ada.ask(Method::POST, "/rest/v1/contacts").body("{}").await;
    assert_eq!(none.status(), 415);
    let large = format!("{{\"first_name\":\"{}\"}}", "x".repeat(4 * 1024 * 1024));
    let told = post("application/json", &large).header("content-length", large.len().to_string()).await;
    let untold = post("application/json", &large).await;
    for answer in [told, untold] {
        assert_eq!((answer.status(), answer.code()), (413, "payload_too_large".to_owned()));
    }
}

#[tokio::test]
async fn who_wrote_a_record_cannot_be_forged() {
    let scene = Scene::set().await;
    let key = scene.acme.key(&["contacts:*"]).await;
    let (user, program) = (format!("user:{}", scene.ada.user.id), format!("key:{}", key.key.id));
    let contact = scene.add("contacts", &json!({ "first_name": "Ann" })).await;
    assert_eq!((&contact["created_by"], &contact["updated_by"]), (&json!(user), &json!(user)));
    assert_eq!(contact["version"], 1);
    let forged = json!({
        "phone": "1", "created_by": "operator:root", "updated_by": "operator:root", "version": 99,
        "created_at": "2001-01-01", "updated_at": "2001-01-01",
    });
    let path = format!("/rest/v1/contacts/{}", id(&contact));
    let changed = key.patch(&path, &forged).header("prefer", "return=representation").await.expect_status(200).json();
    assert_eq!((&changed["created_by"], &changed["updated_by"]), (&json!(user), &json!(program)));
    assert_eq!((&changed["version"], &changed["created_at"]), (&json!(2), &contact["created_at"]));
    assert_ne!(changed["updated_at"], "2001-01-01T00:00:00+00:00");
    let mut new = forged.clone();
    new["first_name"] = json!("Bob");
    let made = scene.add("contacts", &new).await;
    assert_eq!((&made["created_by"], &made["version"]), (&json!(user), &json!(1)));
    assert!(made["created_at"].as_str() > Some("2026"), "{made}");
}

#[tokio::test]
async fn moving_a_deal_writes_its_history() {
    let scene = Scene::set().await;
    let deal = scene.deal("A deal", "100").await;
    let path = format!("/rest/v1/deals/{}", id(&deal));
    for (stage, status) in [("Proposal", "open"), ("Won", "won"), ("New", "open")] {
        let to = scene.list(&format!("stages?select=id&name=eq.{stage}")).await;
        let moved = scene.ada.patch(&path, &json!({ "stage_id": to[0]["id"] })).header("prefer", "return=representation");
        let moved = moved.await.expect_status(200).json();
        assert_eq!((&moved["status"], moved["closed_at"].is_null()), (&json!(status), status == "open"));
    }
    let query = "deal_stage_history?select=from_stage_name,to_stage_name,left_at,actor,value_at&order=entered_at,left_at";
    let history = scene.list(query).await;
    assert_eq!(column(&history, "to_stage_name"), ["New", "Proposal", "Won", "New"]);
    assert_eq!(column(&history, "from_stage_name"), ["null", "New", "Proposal", "Won"]);
    let open = history.as_array().expect("rows").iter().map(|row| row["left_at"].is_null()).collect::<Vec<_>>();
    assert_eq!(open, [false, false, false, true]);
    assert!(column(&history, "actor").iter().all(|actor| *actor == format!("user:{}", scene.ada.user.id)));
    assert_eq!(history[0]["value_at"], "100.0000");
    // A lost deal needs a reason, and the refused move leaves no trace.
    let lost = scene.list("stages?select=id&name=eq.Lost").await;
    let silent = scene.ada.patch(&path, &json!({ "stage_id": lost[0]["id"] })).await;
    assert_eq!((silent.status(), silent.code()), (422, "23514".to_owned()));
    assert_eq!(scene.list(query).await, history);
    let reason = json!({ "stage_id": lost[0]["id"], "lost_reason": "price" });
    scene.ada.patch(&path, &reason).await.expect_status(204);
    // A stage of another pipeline is none of its stages.
    let other = scene.add("pipelines", &json!({ "name": "Other" })).await;
    let stage = scene.add("stages", &json!({ "name": "S", "pipeline_id": id(&other), "position": 1 })).await;
    let astray = scene.ada.patch(&path, &json!({ "stage_id": id(&stage) })).await;
    assert_eq!((astray.status(), astray.code()), (409, "23503".to_owned()));
}

#[tokio::test]
async fn tags_follow_their_links() {
    let scene = Scene::set().await;
    let contact = scene.add("contacts", &json!({ "first_name": "Ann" })).await;
    let tag = scene.add("tags", &json!({ "name": "vip" })).await;
    let link = json!({ "contact_id": id(&contact), "tag_id": id(&tag) });
    let linked = scene.ada.post("/rest/v1/contact_tags", &link).await.expect_status(201);
    let location = linked.header("location").expect("of the one link").to_owned();
    assert!(location.contains("contact_id=eq.") && location.contains("&tag_id=eq."), "{location}");
    let tags = || async { scene.list("contacts?select=tag_ids").await[0]["tag_ids"].clone() };
    assert_eq!(tags().await, json!([id(&tag)]));
    scene.ada.post("/rest/v1/contact_tags", &link).await.expect_status(409);
    let no_path = scene.ada.get(&format!("/rest/v1/contact_tags/{}", id(&tag))).await;
    assert_eq!((no_path.status(), no_path.code()), (404, "PGRST125".to_owned()));
    scene.ada.delete(location.as_str()).await.expect_status(204);
    assert_eq!(tags().await, Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_batch_is_all_or_nothing() {
    let scene = Scene::set().await;
    let _app = &scene.app;
    let batch = json!([{ "email": "a@x.test" }, { "email": "b@x.test" }, { "email": "A@x.test" }]);
    scene.ada.post("/rest/v1/contacts", &batch).await.expect_status(409);
    assert_eq!(scene.list("contacts").await, json!([]));
}
