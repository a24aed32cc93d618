//! The bin over HTTP: what is deleted is looked into, brought back and removed for good.

use axum::http::Method;
use catalog::memberships::MemberRole::Member;
use serde_json::{Value, json};

use super::{Scene, column, id};

/// A company with a contact and activities: one of the company, one of the contact.
struct Office {
    scene: Scene,
    company: Value,
    contact: Value,
}

impl Office {
    async fn set() -> Self {
        let scene = Scene::set().await;
        let company = scene.add("companies", &json!({ "name": "Acme" })).await;
        let contact = json!({ "first_name": "Ann", "company_id": company["id"] });
        let contact = scene.add("contacts", &contact).await;
        for (subject, column, owner) in [("call", "company_id", &company), ("mail", "contact_id", &contact)] {
            let activity = json!({ "type": "task", "subject": subject, column: owner["id"] });
            scene.add("activities", &activity).await;
        }
        Self {
            scene,
            company,
            contact,
        }
    }

    async fn subjects(&self, query: &str) -> Vec<String> {
        let listed = self
            .scene
            .list(&format!("activities?select=subject&order=subject&{query}"))
            .await;
        column(&listed, "subject")
    }
}

#[tokio::test]
async fn the_bin_is_looked_into_by_a_word() {
    let office = Office::set().await;
    let (scene, company) = (
        &office.scene,
        format!("/rest/v1/companies/{}", id(&office.company)),
    );
    scene.ada.delete(&company).await.expect_status(204);
    for (query, found) in [
        ("deleted=exclude", &["mail"][..]),
        ("deleted=include", &["call", "mail"]),
        ("deleted=only", &["call"]),
        ("", &["mail"]),
        // Asking about deleted_at shows what is deleted, unless the word says otherwise.
        ("deleted_at=not.is.null", &["call"]),
        ("deleted_at=not.is.null&deleted=exclude", &[]),
        ("deleted_at=is.null&deleted=only", &[]),
        ("deleted_at=is.null&deleted=include", &["mail"]),
        ("subject=eq.call&deleted=only", &["call"]),
    ] {
        assert_eq!(office.subjects(query).await, found, "{query}");
    }
    for (query, status) in [
        ("", 404),
        ("?deleted=only", 200),
        ("?deleted=include", 200),
        ("?deleted=exclude", 404),
    ] {
        assert_eq!(
            scene.ada.get(&format!("{company}{query}")).await.status(),
            status,
            "{query}"
        );
    }
    let counted = scene
        .ada
        .get("/rest/v1/activities?deleted=only&order=deleted_at.desc&limit=1");
    let counted = counted.header("prefer", "count=exact").await;
    assert_eq!(counted.header("content-range"), Some("0-0/1"));
    // What is embedded follows its own hiding.
    let embeds = "companies?select=name,activities(subject),contacts(first_name)&deleted=only";
    assert_eq!(
        scene.list(embeds).await,
        json!([{ "name": "Acme", "activities": [], "contacts": [{ "first_name": "Ann" }] }])
    );
}

#[tokio::test]
async fn the_word_is_for_what_has_a_bin() {
    let scene = Scene::set().await;
    for (path, code, message) in [
        (
            "contacts?deleted=all",
            "PGRST100",
            "failed to parse deleted (all)",
        ),
        ("contacts?deleted=", "PGRST100", "failed to parse deleted ()"),
        (
            "contacts?deleted=eq.true",
            "PGRST100",
            "failed to parse deleted (eq.true)",
        ),
        (
            "contacts?deleted=only&deleted=only",
            "PGRST100",
            "failed to parse deleted ()",
        ),
        (
            "tags?deleted=only",
            "bin_unsupported",
            "'tags' has no soft delete: what is deleted from it is gone",
        ),
        (
            "tags?deleted=eq.true",
            "42703",
            "column tags.deleted does not exist",
        ),
    ] {
        let refused = scene
            .ada
            .get(&format!("/rest/v1/{path}"))
            .await
            .expect_status(400);
        let body = refused.json();
        assert_eq!(
            (&body["code"], &body["message"]),
            (&json!(code), &json!(message)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_word_is_for_what_finds_records() {
    let scene = Scene::set().await;
    let contact = scene.add("contacts", &json!({ "first_name": "Ann" })).await;
    let one = format!("/rest/v1/contacts/{}", id(&contact));
    for ask in [
        scene.ada.delete(&format!("{one}?deleted=only")),
        scene
            .ada
            .ask(Method::PUT, &format!("{one}?deleted=include"))
            .json(&contact),
        scene.ada.post("/rest/v1/contacts?deleted=only", &json!({})),
        scene
            .ada
            .ask(Method::POST, &format!("{one}/restore?deleted=only")),
        scene
            .ada
            .ask(Method::POST, &format!("{one}/restore?first_name=eq.Ann")),
        scene.ada.ask(Method::POST, &format!("{one}/purge?columns=id")),
    ] {
        let asked = ask.describe();
        let refused = ask.await.expect_status(400);
        assert_eq!(refused.code(), "PGRST100", "{asked}");
    }
}

#[tokio::test]
async fn a_company_falls_and_comes_back_with_what_was_done_about_it() {
    let office = Office::set().await;
    let scene = &office.scene;
    let company = format!("/rest/v1/companies/{}", id(&office.company));
    let gone = scene
        .ada
        .delete(&company)
        .header("prefer", "return=representation,count=exact");
    let gone = gone.await.expect_status(200);
    assert_eq!(gone.json()["version"], 2);
    assert_eq!(
        scene.list("contacts?select=first_name").await,
        json!([{ "first_name": "Ann" }])
    );
    let call = scene
        .list("activities?deleted=only&select=id,version,deletion_id,updated_by")
        .await[0]
        .clone();
    assert_eq!(call["version"], 2);
    assert_eq!(call["updated_by"], json!(format!("user:{}", scene.ada.user.id)));
    let with = scene.list("companies?deleted=only&select=deletion_id").await;
    assert_eq!(with[0]["deletion_id"], call["deletion_id"]);

    let held = scene.ada.ask(
        Method::POST,
        &format!("/rest/v1/activities/{}/restore", id(&call)),
    );
    let held = held.await.expect_status(409).json();
    assert_eq!(
        (&held["code"], &held["hint"]),
        (
            &json!("parent_deleted"),
            &json!("Restore its record of 'companies' first, which brings back what was deleted with it")
        )
    );
    let back = scene.ada.ask(
        Method::POST,
        &format!("{company}/restore?select=name,version,deleted_at"),
    );
    let back = back
        .header("prefer", "return=representation")
        .await
        .expect_status(200);
    assert_eq!(back.header("preference-applied"), Some("return=representation"));
    assert_eq!(back.header("etag"), Some("\"3\""));
    assert_eq!(
        back.json(),
        json!({ "name": "Acme", "version": 3, "deleted_at": null })
    );
    assert_eq!(office.subjects("").await, ["call", "mail"]);
    let again = scene
        .ada
        .ask(Method::POST, &format!("{company}/restore"))
        .await
        .expect_status(409);
    assert_eq!(again.code(), "not_deleted");
}

#[tokio::test]
async fn what_is_read_can_be_sent_back() {
    let scene = Scene::set().await;
    let note = scene.add("notes", &json!({ "content": "x" })).await;
    assert_eq!(note.get("deletion_id"), None);
    let path = format!("/rest/v1/notes/{}", id(&note));
    scene.ada.patch(&path, &note).await.expect_status(204);
    let forged = json!({ "deletion_id": note["id"] });
    assert_eq!(
        scene.ada.patch(&path, &forged).await.expect_status(400).code(),
        "428C9"
    );
}

#[tokio::test]
async fn each_thing_that_is_done_to_the_bin_has_its_right() {
    let office = Office::set().await;
    let (scene, acme) = (&office.scene, &office.scene.acme);
    let ann = acme.member("ann", Member).await;
    let one = format!("/rest/v1/contacts/{}", id(&office.contact));
    let [changes, removes, purges, all] = [
        acme.key(&["contacts:update"]).await,
        acme.key(&["contacts:delete"]).await,
        acme.key(&["contacts:purge"]).await,
        acme.key(&["*:*"]).await,
    ];
    removes.delete(&one).await.expect_status(204);
    assert_eq!(
        office.subjects("deleted=only").await,
        ["mail"],
        "without a right to activities"
    );
    let (restore, purge) = (format!("{one}/restore"), format!("{one}/purge"));
    for (who, path) in [
        (&*removes, &restore),
        (&*purges, &restore),
        (&*removes, &purge),
        (&*changes, &purge),
    ] {
        who.ask(Method::POST, path).await.expect_status(403);
    }
    // A member deletes and restores; to purge is for admins, and for keys that say so.
    for who in [&*ann, &*all] {
        who.ask(Method::POST, &purge).await.expect_status(403);
    }
    let read = changes
        .ask(Method::POST, &restore)
        .header("prefer", "return=representation");
    assert_eq!(read.await.expect_status(403).code(), "42501");
    changes.ask(Method::POST, &restore).await.expect_status(204);
    assert_eq!(
        purges.ask(Method::POST, &purge).await.expect_status(409).code(),
        "not_deleted"
    );
    ann.delete(&one).await.expect_status(204);
    // It may not read companies, so it is not told of them; contacts do not belong to them anyway.
    purges.ask(Method::POST, &purge).await.expect_status(204);
    assert_eq!(office.subjects("deleted=include").await, ["call"]);
    scene.ada.ask(Method::POST, &purge).await.expect_status(404);
}

#[tokio::test]
async fn who_may_not_read_what_holds_a_record_back_is_not_told_what_it_is() {
    let office = Office::set().await;
    let company = format!("/rest/v1/companies/{}", id(&office.company));
    office.scene.ada.delete(&company).await.expect_status(204);
    let call = office.scene.list("activities?deleted=only&select=id").await[0].clone();
    let key = office.scene.acme.key(&["activities:*"]).await;
    let held = key.ask(
        Method::POST,
        &format!("/rest/v1/activities/{}/restore", id(&call)),
    );
    let held = held.await.expect_status(409).json();
    assert_eq!(held["hint"], "Restore the record that it belongs to first");
    assert!(!held.to_string().contains("compan"), "{held}");
}

#[tokio::test]
async fn a_restore_that_meets_a_twin_is_refused_by_the_name_of_the_constraint() {
    let scene = Scene::set().await;
    let contact = scene.add("contacts", &json!({ "email": "ann@x.test" })).await;
    let one = format!("/rest/v1/contacts/{}", id(&contact));
    scene.ada.delete(&one).await.expect_status(204);
    scene.add("contacts", &json!({ "email": "ANN@x.test" })).await;
    let refused = scene
        .ada
        .ask(Method::POST, &format!("{one}/restore"))
        .await
        .expect_status(409)
        .json();
    assert_eq!(refused["code"], "23505");
    assert!(
        refused["message"]
            .as_str()
            .expect("a text")
            .contains("contacts_email_key"),
        "{refused}"
    );
    assert!(
        refused["hint"].as_str().expect("a text").contains("live record"),
        "{refused}"
    );
}

#[tokio::test]
async fn what_a_dba_deletes_in_psql_is_restored_by_the_api() {
    let office = Office::set().await;
    let (scene, company) = (&office.scene, id(&office.company));
    let sql = scene.app.db().as_superuser().await;
    let enter = format!("set search_path = {}", scene.acme.tenant.schema.search_path());
    sql.batch_execute(&enter).await.expect("a path");
    // As the README has it.
    let delete = format!(
        "with w as (update companies set deleted_at = now(), deletion_id = gen_random_uuid()
                     where id = '{company}' and deleted_at is null returning id, deletion_id)
         update activities a set deleted_at = now(), deletion_id = w.deletion_id
           from w where a.company_id = w.id and a.deleted_at is null"
    );
    sql.batch_execute(&delete).await.expect("deleted");
    assert_eq!(office.subjects("").await, ["mail"]);
    let restore = format!("/rest/v1/companies/{company}/restore");
    scene.ada.ask(Method::POST, &restore).await.expect_status(204);
    assert_eq!(office.subjects("").await, ["call", "mail"]);
    // What is made live again by hand has left its deletion.
    sql.batch_execute(&delete).await.expect("deleted");
    let back = "update activities set deleted_at = null where deleted_at is not null";
    sql.batch_execute(back).await.expect("live again");
    let deletions = scene.list("activities?select=deletion_id").await;
    assert_eq!(
        deletions,
        json!([{ "deletion_id": null }, { "deletion_id": null }])
    );
    // And what is deleted by hand comes back alone.
    let gone = "update contacts set deleted_at = now()";
    sql.batch_execute(gone).await.expect("deleted");
    let contact = format!("/rest/v1/contacts/{}/restore", id(&office.contact));
    scene.ada.ask(Method::POST, &contact).await.expect_status(204);
}
