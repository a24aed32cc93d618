//! Adding, changing and removing records.

use serde_json::json;

use super::{Scene, column, id};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn every_object_is_added_read_changed_and_removed() {
    let scene = Scene::set().await;
    let pipeline = id(&scene.add("pipelines", &json!({ "name": "Partners" })).await).to_owned();
    let company = id(&scene.add("companies", &json!({ "name": "Acme" })).await).to_owned();
    let note = id(&scene.add("notes", &json!({ "content": "to be kept" })).await).to_owned();
    let deal = scene.deal("a deal", "1").await;
    let (stage, of) = (&deal["stage_id"], &deal["pipeline_id"]);
    for (object, new, change, field) in [
        (
            "companies",
            json!({ "name": "Globex", "address": { "city": "Ulm" } }),
            json!({ "name": "G" }),
            "name",
        ),
        (
            "contacts",
            json!({ "first_name": "Ann", "company_id": company }),
            json!({ "first_name": "B" }),
            "first_name",
        ),
        (
            "pipelines",
            json!({ "name": "Renewals" }),
            json!({ "name": "R" }),
            "name",
        ),
        (
            "stages",
            json!({ "name": "First", "pipeline_id": pipeline, "position": 1 }),
            json!({ "name": "1st" }),
            "name",
        ),
        (
            "stages",
            json!({ "name": "Next", "pipeline_id": pipeline, "position": 2 }),
            json!({ "name": "2nd" }),
            "name",
        ),
        (
            "deals",
            json!({ "title": "D", "pipeline_id": of, "stage_id": stage }),
            json!({ "title": "E" }),
            "title",
        ),
        (
            "activities",
            json!({ "type": "call", "subject": "S", "company_id": company }),
            json!({ "subject": "T" }),
            "subject",
        ),
        (
            "notes",
            json!({ "content": "N" }),
            json!({ "content": "M" }),
            "content",
        ),
        (
            "note_targets",
            json!({ "note_id": note, "company_id": company }),
            json!({ "company_id": company }),
            "company_id",
        ),
        ("tags", json!({ "name": "vip" }), json!({ "name": "VIP" }), "name"),
    ] {
        let made = scene.add(object, &new).await;
        let path = format!("/rest/v1/{object}/{}", id(&made));
        assert_eq!(
            scene.ada.get(&path).await.expect_status(200).json(),
            made,
            "{object}"
        );
        let changed = scene
            .ada
            .patch(&path, &change)
            .header("prefer", "return=representation")
            .await;
        let changed = changed.expect_status(200);
        assert_eq!(changed.json()[field], change[field], "{object}");
        if object != "note_targets" {
            assert_eq!(
                (&changed.json()["version"], changed.header("etag")),
                (&json!(2), Some("\"2\"")),
                "{object}"
            );
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
    assert_eq!(
        (minimal.text(), minimal.header("content-range")),
        ("", Some("*/*"))
    );
    assert_eq!(minimal.header("preference-applied"), Some("return=minimal"));
    let location = minimal.header("location").expect("of the one record").to_owned();
    assert!(location.starts_with("/rest/v1/contacts?id=eq."), "{location}");
    assert_eq!(
        column(&scene.ada.get(&location).await.json(), "first_name"),
        ["Ann"]
    );

    let headers = post("return=headers-only").await.expect_status(201);
    assert!(headers.header("location").is_some() && headers.text().is_empty());
    let whole = post("return=representation").await.expect_status(201);
    assert_eq!(whole.json()[0]["first_name"], "Ann");
    let silent = post("handling=strict").await.expect_status(201);
    assert_eq!(
        (silent.text(), silent.header("preference-applied")),
        ("", Some("handling=strict"))
    );

    let three = json!([{ "first_name": "x" }, { "first_name": "y" }, { "first_name": "z" }]);
    let many = scene
        .ada
        .post("/rest/v1/contacts?select=first_name", &three)
        .header("prefer", "return=representation");
    let many = many.await.expect_status(201);
    assert_eq!(
        (many.json()[2]["first_name"].as_str(), many.header("location")),
        (Some("z"), None)
    );
    scene
        .ada
        .post("/rest/v1/contacts", &json!([]))
        .await
        .expect_status(201);

    let patch = scene.ada.patch(
        "/rest/v1/contacts?first_name=in.(x,y)",
        &json!({ "source": "fair" }),
    );
    let patch = patch.await.expect_status(204);
    assert_eq!(patch.header("content-range"), Some("0-1/*"));
    let none = scene
        .ada
        .patch(
            "/rest/v1/contacts?first_name=eq.nobody",
            &json!({ "source": "fair" }),
        )
        .await;
    assert_eq!((none.status(), none.header("content-range")), (204, Some("*/*")));
    let gone = scene
        .ada
        .delete("/rest/v1/contacts?source=eq.fair&select=first_name")
        .header("prefer", "return=representation");
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
    let contact = scene
        .add("contacts", &json!({ "first_name": "Ann", "email": "ann@x.test" }))
        .await;
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
    scene
        .ada
        .delete("/rest/v1/contacts?email=eq.ANN@x.test")
        .await
        .expect_status(204);
    scene
        .ada
        .patch(&restore, &json!({ "deleted_at": null }))
        .await
        .expect_status(204);
    scene.ada.get(&path).await.expect_status(200);
}

#[tokio::test]
async fn who_wrote_a_record_cannot_be_forged() {
    let scene = Scene::set().await;
    let key = scene.acme.key(&["contacts:*"]).await;
    let (user, program) = (
        format!("user:{}", scene.ada.user.id),
        format!("key:{}", key.key.id),
    );
    let contact = scene.add("contacts", &json!({ "first_name": "Ann" })).await;
    assert_eq!(
        (&contact["created_by"], &contact["updated_by"]),
        (&json!(user), &json!(user))
    );
    assert_eq!(contact["version"], 1);
    let forged = json!({
        "phone": "1", "created_by": "operator:root", "updated_by": "operator:root", "version": 99,
        "created_at": "2001-01-01", "updated_at": "2001-01-01",
    });
    let path = format!("/rest/v1/contacts/{}", id(&contact));
    let changed = key
        .patch(&path, &forged)
        .header("prefer", "return=representation")
        .await
        .expect_status(200)
        .json();
    assert_eq!(
        (&changed["created_by"], &changed["updated_by"]),
        (&json!(user), &json!(program))
    );
    assert_eq!(
        (&changed["version"], &changed["created_at"]),
        (&json!(2), &contact["created_at"])
    );
    assert_ne!(changed["updated_at"], "2001-01-01T00:00:00+00:00");
    let mut new = forged.clone();
    new["first_name"] = json!("Bob");
    let made = scene.add("contacts", &new).await;
    assert_eq!((&made["created_by"], &made["version"]), (&json!(user), &json!(1)));
    assert!(made["created_at"].as_str() > Some("2026"), "{made}");
}
