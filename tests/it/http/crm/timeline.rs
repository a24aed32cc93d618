//! Timelines.

use catalog::memberships::MemberRole::Admin;
use serde_json::{Value, json};
use tests::app::Client;

use super::{Crm, make};

/// A contact with its company, a deal that moved, a note, an activity and an appointment.
struct Story {
    crm: Crm,
    contact: String,
    company: String,
    deal: String,
}

impl Story {
    async fn told() -> Self {
        let crm = Crm::set().await;
        let company = make(&crm.ada, "companies", &json!({ "name": "Acme" })).await;
        let contact = json!({ "first_name": "Ann", "company_id": company });
        let contact = make(&crm.ada, "contacts", &contact).await;
        let deal = crm
            .deal(
                "Press",
                "New",
                json!({ "contact_id": contact, "company_id": company }),
            )
            .await;
        crm.with(&deal, "win", json!({})).await.expect_status(200);
        for (n, target) in [
            ("contact_id", &contact),
            ("company_id", &company),
            ("deal_id", &deal),
        ]
        .into_iter()
        .enumerate()
        {
            let note = make(&crm.ada, "notes", &json!({ "content": format!("note {n}") })).await;
            make(
                &crm.ada,
                "note_targets",
                &json!({ "note_id": note, target.0: target.1 }),
            )
            .await;
        }
        let call = json!({ "type": "call", "subject": "Hello", "contact_id": contact, "deal_id": deal,
            "due_at": "2026-01-05T10:00:00Z" });
        make(&crm.ada, "activities", &call).await;
        let service = json!({ "name": "Visit", "duration_minutes": 30 });
        let (service, staff) = (
            make(&crm.ada, "services", &service).await,
            make(&crm.ada, "staff", &json!({ "name": "Sam" })).await,
        );
        let visit = json!({ "service_id": service, "staff_id": staff, "contact_id": contact,
            "starts_at": "2030-01-07T08:00:00Z", "ends_at": "2030-01-07T08:30:00Z" });
        make(&crm.ada, "appointments", &visit).await;
        Self {
            crm,
            contact,
            company,
            deal,
        }
    }

    async fn read(&self, who: &Client, target: &str) -> Vec<Value> {
        let list = who
            .get(&format!("/crm/v1/{target}"))
            .await
            .expect_status(200)
            .json();
        list.as_array().expect("a list").clone()
    }
}

fn kinds(list: &[Value]) -> Vec<&str> {
    list.iter().filter_map(|entry| entry["kind"].as_str()).collect()
}

#[tokio::test]
async fn a_timeline_merges_what_happened_the_latest_first() {
    let story = Story::told().await;
    let of_contact = story
        .read(&story.crm.ada, &format!("contacts/{}/timeline", story.contact))
        .await;
    assert_eq!(
        kinds(&of_contact)[..2],
        ["appointment", "note"],
        "it will be in 2030"
    );
    let mut all = kinds(&of_contact);
    all.sort_unstable();
    assert_eq!(
        all,
        ["activity", "appointment", "note", "stage_move", "stage_move"]
    );
    assert!(
        of_contact
            .windows(2)
            .all(|pair| pair[0]["at"].as_str() >= pair[1]["at"].as_str()),
        "{of_contact:?}"
    );
    let last = of_contact.last().expect("entries");
    assert_eq!(
        (&last["kind"], &last["entry"]["subject"]),
        (&json!("activity"), &json!("Hello"))
    );
    let moved = of_contact
        .iter()
        .find(|entry| entry["entry"]["to_stage_name"] == "Won")
        .expect("it was won");
    assert_eq!(
        (&moved["entry"]["from_stage_name"], &moved["entry"]["title"]),
        (&json!("New"), &json!("Press"))
    );
    let of_company = story
        .read(&story.crm.ada, &format!("companies/{}/timeline", story.company))
        .await;
    let mut all = kinds(&of_company);
    all.sort_unstable();
    assert_eq!(all, ["appointment", "note", "stage_move", "stage_move"]);
    let of_deal = story
        .read(
            &story.crm.ada,
            &format!("deals/{}/timeline?kind=note,stage_move", story.deal),
        )
        .await;
    assert_eq!(kinds(&of_deal), ["note", "stage_move", "stage_move"]);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let story = Story::told().await;
    let ada = &story.crm.ada;
    let path = format!("/crm/v1/contacts/{}/timeline", story.contact);
    let whole = ada.get(&path).await.expect_status(200);
    assert_eq!(whole.header("link"), None);
    let whole = whole.json();
    for limit in 1..=5 {
        let mut seen = Vec::new();
        let mut next = Some(format!("{path}?limit={limit}"));
        while let Some(target) = next {
            let page = ada.get(&target).await.expect_status(200);
            seen.extend(page.json().as_array().expect("a page").clone());
            let link = page.header("link").map(|link| {
                let target = link
                    .strip_prefix('<')
                    .and_then(|link| link.strip_suffix(">; rel=\"next\""));
                target.expect("a link").to_owned()
            });
            next = link;
        }
        assert_eq!(Value::Array(seen), whole, "{limit}");
    }
    // What comes in ahead moves nothing that follows.
    let first = ada.get(&format!("{path}?limit=2")).await;
    let next = first
        .header("link")
        .and_then(|link| link[1..].split('>').next())
        .expect("a link")
        .to_owned();
    let before = ada.get(&next).await.json();
    let note = make(ada, "notes", &json!({ "content": "new" })).await;
    make(
        ada,
        "note_targets",
        &json!({ "note_id": note, "contact_id": story.contact }),
    )
    .await;
    assert_eq!(ada.get(&next).await.json(), before);
    // A cursor belongs to its record, and nobody makes one.
    let elsewhere = next
        .replace(&story.contact, &story.company)
        .replace("contacts", "companies");
    assert_eq!(
        ada.get(&elsewhere).await.expect_status(400).code(),
        "cursor_mismatch"
    );
    let forged = next.replace("cursor=", "cursor=AAAA");
    assert_eq!(ada.get(&forged).await.expect_status(400).code(), "cursor_invalid");
}

#[tokio::test]
async fn a_timeline_shows_what_its_reader_may_read_and_nothing_deleted() {
    let story = Story::told().await;
    let crm = &story.crm;
    let path = format!("contacts/{}/timeline", story.contact);
    let few = crm.acme.key(&["contacts:read", "activities:read"]).await;
    assert_eq!(kinds(&story.read(&few.client(), &path).await), ["activity"]);
    let some = crm
        .acme
        .key(&[
            "contacts:read",
            "deals:read",
            "deal_stage_history:read",
            "notes:read",
        ])
        .await;
    assert_eq!(
        kinds(&story.read(&some.client(), &path).await),
        ["stage_move", "stage_move"],
        "targets are an object too"
    );
    let none = crm.acme.key(&["activities:read"]).await;
    none.get(&format!("/crm/v1/{path}")).await.expect_status(403);
    let globex = crm.app.tenant("globex").await.member("bob", Admin).await;
    globex.get(&format!("/crm/v1/{path}")).await.expect_status(404);
    // With the deal go its moves and its activity; a note goes by itself.
    crm.ada
        .delete(&format!("/rest/v1/deals/{}", story.deal))
        .await
        .expect_status(204);
    assert_eq!(kinds(&story.read(&crm.ada, &path).await), ["appointment", "note"]);
    let left = story.read(&crm.ada, &format!("{path}?kind=note")).await[0]["id"].clone();
    let left = format!("/rest/v1/notes/{}", left.as_str().expect("an id"));
    crm.ada.delete(&left).await.expect_status(204);
    assert_eq!(kinds(&story.read(&crm.ada, &path).await), ["appointment"]);
    crm.ada
        .delete(&format!("/rest/v1/contacts/{}", story.contact))
        .await
        .expect_status(204);
    crm.ada.get(&format!("/crm/v1/{path}")).await.expect_status(404);
}

#[tokio::test]
async fn a_timeline_is_asked_for_as_it_should_be() {
    let story = Story::told().await;
    let ada = &story.crm.ada;
    let path = format!("/crm/v1/contacts/{}/timeline", story.contact);
    for (query, code) in [
        ("limit=0", "bad_parameter"),
        ("limit=201", "bad_parameter"),
        ("kind=calls", "bad_parameter"),
        ("cursors=", "unknown_parameter"),
        ("cursor=x", "cursor_invalid"),
    ] {
        let answer = ada.get(&format!("{path}?{query}")).await.expect_status(400);
        assert_eq!(answer.code(), code, "{query}");
    }
    let tag = make(ada, "tags", &json!({ "name": "a" })).await;
    let none = ada
        .get(&format!("/crm/v1/tags/{tag}/timeline"))
        .await
        .expect_status(404);
    assert_eq!(
        none.field("details"),
        "Timelines are of companies, contacts, deals"
    );
    let unknown = ada
        .get(&format!("/crm/v1/contact/{tag}/timeline"))
        .await
        .expect_status(404);
    assert_eq!(unknown.field("hint"), "Perhaps you meant 'contacts'");
    ada.get("/crm/v1/contacts/7/timeline").await.expect_status(400);
    ada.get(&format!("/crm/v1/contacts/{tag}/timeline"))
        .await
        .expect_status(404);
}
