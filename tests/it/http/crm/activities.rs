//! Activities: done, open again, and what is due.

use catalog::memberships::MemberRole::Admin;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::app::Answer;

use super::{Crm, make, refusal};

impl Crm {
    async fn task(&self, more: Value) -> String {
        let deal = self.deal("a", "New", json!({})).await;
        let mut task = json!({ "type": "task", "subject": "Call back", "deal_id": deal });
        for (name, value) in more.as_object().expect("fields") {
            task[name] = value.clone();
        }
        make(&self.ada, "activities", &task).await
    }

    async fn does(&self, task: &str, verb: &str, body: Value) -> Answer {
        self.ada
            .post(&format!("/crm/v1/activities/{task}/{verb}"), &body)
            .await
    }
}

#[tokio::test]
async fn an_activity_is_completed_by_whoever_says_so() {
    let crm = Crm::set().await;
    let task = crm.task(json!({})).await;
    let body =
        json!({ "outcome": "Reached", "completed_at": "2026-01-02T10:00:00+01:00", "duration_minutes": 20 });
    let done = crm.does(&task, "complete", body).await.expect_status(200);
    assert_eq!(done.header("etag"), Some("\"2\""));
    let (done, read) = (
        done.json(),
        crm.ada.get(&format!("/rest/v1/activities/{task}")).await.json(),
    );
    for (name, value) in done.as_object().expect("an activity") {
        assert_eq!(*value, read[name], "{name}");
    }
    assert_eq!(done["completed_by"], json!(crm.ada.membership.id.to_string()));
    assert_eq!(
        (&done["completed_at"], &done["is_completed"]),
        (&json!("2026-01-02T09:00:00+00:00"), &json!(true))
    );
    let again = refusal(&crm.does(&task, "complete", json!({})).await);
    assert_eq!(
        (again.0, again.1.as_str(), &again.2["allowed"]),
        (409, "not_possible_now", &json!(["reopen"]))
    );
    let open = crm
        .does(&task, "reopen", json!({}))
        .await
        .expect_status(200)
        .json();
    assert_eq!(
        (&open["completed_at"], &open["completed_by"], &open["outcome"]),
        (&Value::Null, &Value::Null, &json!("Reached"))
    );
    let again = refusal(&crm.does(&task, "reopen", json!({})).await);
    assert_eq!(again.2["allowed"], json!(["complete"]));
    let key = crm.acme.key(&["activities:*"]).await;
    let by_key = key
        .post(&format!("/crm/v1/activities/{task}/complete"), &json!({}))
        .await
        .expect_status(200);
    assert_eq!(by_key.json()["completed_by"], Value::Null, "a key is nobody");
}

#[tokio::test]
async fn of_many_at_once_one_completes_it() {
    let crm = Crm::set().await;
    let task = crm.task(json!({})).await;
    let all = join_all((0..6).map(|_| crm.does(&task, "complete", json!({})))).await;
    let mut statuses: Vec<u16> = all.iter().map(Answer::status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn what_cannot_be_completed_is_told() {
    let crm = Crm::set().await;
    let task = crm.task(json!({})).await;
    for (body, expected) in [
        (json!({ "outcom": "x" }), "400 This takes no field 'outcom'"),
        (
            json!({ "outcome": "x".repeat(2001) }),
            "422 The field 'outcome' has more than 2000 characters",
        ),
        (
            json!({ "completed_at": "2999-01-01T00:00:00Z" }),
            "422 An activity cannot have been completed in the future",
        ),
        (
            json!({ "completed_at": "yesterday" }),
            "422 The field 'completed_at' must be a time with its offset, such as 2026-03-31T09:30:00Z",
        ),
        (
            json!({ "duration_minutes": -1 }),
            "422 The field 'duration_minutes' must be a whole number from 0 to 10080",
        ),
    ] {
        let answer = crm.does(&task, "complete", body).await;
        assert_eq!(
            format!("{} {}", answer.status(), answer.field("message")),
            expected
        );
    }
    crm.does("x", "complete", json!({})).await.expect_status(400);
    crm.does(&crm.pipeline, "complete", json!({}))
        .await
        .expect_status(404);
    let path = format!("/crm/v1/activities/{task}/complete");
    crm.ada
        .post(&path, &json!({}))
        .header("if-match", "\"4\"")
        .await
        .expect_status(412);
    let globex = crm.app.tenant("globex").await.member("bob", Admin).await;
    globex.post(&path, &json!({})).await.expect_status(404);
    crm.ada
        .delete(&format!("/rest/v1/activities/{task}"))
        .await
        .expect_status(204);
    crm.does(&task, "complete", json!({})).await.expect_status(404);
}

/// A zone in which it is neither night nor evening, so that the day does not end while the test looks.
async fn zone_by_day(crm: &Crm) -> &'static str {
    let owner = crm.app.db().as_owner().await;
    let hour = owner.query_one("select extract(hour from now() at time zone 'UTC')::integer", &[]);
    let hour: i32 = hour.await.expect("the hour").get(0);
    if (2..=21).contains(&hour) {
        "UTC"
    } else {
        "Asia/Tokyo"
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story")]
async fn overdue_and_today_go_by_the_clocks_of_the_asker() {
    let crm = Crm::set().await;
    let zone = zone_by_day(&crm).await;
    let mut ids = Vec::new();
    for subject in ["over", "later", "tomorrow", "done", "gone"] {
        ids.push(
            crm.task(json!({ "subject": subject, "owner_id": crm.ada.membership.id }))
                .await,
        );
    }
    crm.task(json!({ "subject": "of nobody" })).await;
    crm.operate(&format!(
        "set timezone = '{zone}';
         update activities set due_at = now() - interval '90 days' where subject in ('over', 'done', 'of nobody', 'gone');
         update activities set due_at = (current_date + 1)::timestamptz - interval '1 second' where subject = 'later';
         update activities set due_at = (current_date + 1)::timestamptz where subject = 'tomorrow';
         update activities set deleted_at = now() where subject = 'gone'"
    ))
    .await;
    crm.does(&ids[3], "complete", json!({})).await.expect_status(200);
    let due = async |query: &str| {
        crm.ada
            .get(&format!("/crm/v1/activities/due?{query}"))
            .await
            .expect_status(200)
            .json()
    };
    let subjects = |list: &Value| -> Vec<String> {
        let all = list["activities"].as_array().expect("activities").iter();
        all.map(|task| task["subject"].as_str().expect("a subject").to_owned())
            .collect()
    };
    let mine = due(&format!("time_zone={zone}&owner_id=me")).await;
    assert_eq!(
        (subjects(&mine["overdue"]), subjects(&mine["today"])),
        (vec!["over".to_owned()], vec!["later".to_owned()])
    );
    assert_eq!(mine["time_zone"], json!(zone));
    let by_id = due(&format!("time_zone={zone}&owner_id={}", crm.ada.membership.id)).await;
    assert_eq!(by_id["overdue"], mine["overdue"]);
    let all = due(&format!("time_zone={zone}&limit=1")).await;
    assert_eq!(
        (&all["overdue"]["count"], subjects(&all["overdue"]).len()),
        (&json!(2), 1)
    );
    let (west, east) = (
        due("time_zone=Etc/GMT%2B12").await,
        due("time_zone=Etc/GMT-14").await,
    );
    assert!(west["day"].as_str() < east["day"].as_str(), "{west} {east}");
    for (query, status) in [
        ("time_zone=Mars", 400),
        ("owner_id=x", 400),
        ("limit=x", 400),
        ("zone=UTC", 400),
    ] {
        crm.ada
            .get(&format!("/crm/v1/activities/due?{query}"))
            .await
            .expect_status(status);
    }
    let key = crm.acme.key(&["activities:read"]).await;
    let me = key
        .get("/crm/v1/activities/due?owner_id=me")
        .await
        .expect_status(400);
    assert!(
        me.field("message").contains("a key is no member"),
        "{}",
        me.text()
    );
}
