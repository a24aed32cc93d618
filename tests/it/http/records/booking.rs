//! What the template does about booking by itself: nobody twice at once, working hours that can be, an order of statuses, a
//! history that nobody writes.

use catalog::clock::{Clock, SystemClock};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::app::Answer;

use super::{Scene, column, id};

/// A service of half an hour with buffers, and somebody who does it.
async fn shop(scene: &Scene) -> (Value, Value) {
    let service = json!({ "name": "Consultation", "duration_minutes": 30, "buffer_before_minutes": 5,
        "buffer_after_minutes": 10, "price": "25", "currency": "CHF" });
    let staff = json!({ "name": "Ann", "time_zone": "Europe/Berlin" });
    (
        scene.add("services", &service).await,
        scene.add("staff", &staff).await,
    )
}

fn booking(service: &Value, staff: &Value, starts_at: &str, ends_at: &str) -> Value {
    json!({ "service_id": id(service), "staff_id": id(staff), "starts_at": starts_at, "ends_at": ends_at })
}

fn refusal(answer: &Answer) -> (u16, String) {
    let said = answer.json();
    (
        answer.status(),
        said["message"].as_str().unwrap_or_default().to_owned(),
    )
}

/// The answer names what the status may become.
fn cannot_become(answer: &Answer, from: &str, status: &str) {
    let says = format!("an appointment that is {from} cannot become {status}");
    assert_eq!(refusal(answer), (422, says));
    let allowed = match from {
        "held" => "allowed: scheduled, confirmed, cancelled",
        "scheduled" => "allowed: confirmed, completed, cancelled, no_show",
        "confirmed" => "allowed: completed, cancelled, no_show",
        _ => "allowed: nothing",
    };
    assert_eq!(answer.json()["hint"], allowed, "{from}");
}

#[tokio::test]
async fn nobody_is_booked_twice_at_once_buffers_included() {
    let scene = Scene::set().await;
    let (service, ann) = shop(&scene).await;
    let (from, to) = ("2030-01-07T10:00:00Z", "2030-01-07T10:30:00Z");
    let first = scene
        .add("appointments", &booking(&service, &ann, from, to))
        .await;
    assert_eq!(
        (&first["price"], &first["currency"], &first["status"]),
        (&json!("25.0000"), &json!("CHF"), &json!("scheduled"))
    );
    assert_eq!(
        first["busy"],
        r#"["2030-01-07 09:55:00+00","2030-01-07 10:40:00+00")"#
    );
    for (starts_at, ends_at, status) in [
        ("2030-01-07T10:40:00Z", "2030-01-07T11:10:00Z", 409),
        ("2030-01-07T10:45:00Z", "2030-01-07T11:15:00Z", 201),
        ("2030-01-07T09:20:00Z", "2030-01-07T09:50:00Z", 409),
        ("2030-01-07T09:15:00Z", "2030-01-07T09:45:00Z", 201),
    ] {
        let next = booking(&service, &ann, starts_at, ends_at);
        let answer = scene.ada.post("/rest/v1/appointments", &next).await;
        assert_eq!(answer.status(), status, "{starts_at}: {}", answer.text());
        if status == 409 {
            assert_eq!(answer.code(), "23P01");
        }
    }
    // Another is free at that time, and what was cancelled keeps nobody busy.
    let ben = scene.add("staff", &json!({ "name": "Ben" })).await;
    scene
        .add("appointments", &booking(&service, &ben, from, to))
        .await;
    let path = format!("/rest/v1/appointments/{}", id(&first));
    let cancel = json!({ "status": "cancelled", "cancel_reason": "ill" });
    scene.ada.patch(&path, &cancel).await.expect_status(204);
    scene
        .add("appointments", &booking(&service, &ann, from, to))
        .await;
    // `busy` follows the times and is nobody's to set.
    let forged = json!({ "busy": "empty" });
    assert_eq!(scene.ada.patch(&path, &forged).await.status(), 400);
    let backwards = scene
        .ada
        .post("/rest/v1/appointments", &booking(&service, &ben, to, from))
        .await;
    assert_eq!((backwards.status(), backwards.code()), (422, "23514".to_owned()));
}

#[tokio::test]
async fn another_service_brings_its_price_and_its_buffers() {
    let scene = Scene::set().await;
    let (service, ann) = shop(&scene).await;
    let long = json!({ "name": "Inspection", "duration_minutes": 60, "price": "180", "currency": "EUR" });
    let long = scene.add("services", &long).await;
    let first = booking(&service, &ann, "2030-01-07T10:00:00Z", "2030-01-07T10:30:00Z");
    let first = scene.add("appointments", &first).await;
    let path = format!("/rest/v1/appointments/{}", id(&first));
    let query = "appointments?select=price,currency,busy";
    scene
        .ada
        .patch(&path, &json!({ "service_id": id(&long) }))
        .await
        .expect_status(204);
    assert_eq!(
        scene.list(query).await[0],
        json!({ "price": "180.0000", "currency": "EUR", "busy": "[\"2030-01-07 10:00:00+00\",\"2030-01-07 10:30:00+00\")" })
    );
    let back = json!({ "service_id": id(&service), "price": "20", "currency": "CHF" });
    scene.ada.patch(&path, &back).await.expect_status(204);
    assert_eq!(
        scene.list(query).await[0],
        json!({ "price": "20.0000", "currency": "CHF", "busy": "[\"2030-01-07 09:55:00+00\",\"2030-01-07 10:40:00+00\")" })
    );
    // Deleted, it keeps nobody busy; and it is in the bin with what became of it.
    scene.ada.delete(&path).await.expect_status(204);
    let again = booking(&service, &ann, "2030-01-07T10:00:00Z", "2030-01-07T10:30:00Z");
    scene.add("appointments", &again).await;
    assert_eq!(
        scene.list("appointments?select=id&deleted=only").await[0]["id"],
        first["id"]
    );
    let restored = scene.ada.post(&format!("{path}/restore"), &json!({})).await;
    assert_eq!((restored.status(), restored.code()), (409, "23P01".to_owned()));
}

#[tokio::test]
async fn a_status_follows_only_what_it_may_follow() {
    let scene = Scene::set().await;
    let (service, ann) = shop(&scene).await;
    // It has begun, by the database's clock.
    let (from, to) = ("2020-01-07T10:00:00Z", "2020-01-07T10:30:00Z");
    let mut hold = booking(&service, &ann, from, to);
    (hold["status"], hold["hold_expires_at"]) = (json!("held"), json!("2020-01-01T00:05:00Z"));
    let hold = scene.add("appointments", &hold).await;
    let path = format!("/rest/v1/appointments/{}", id(&hold));
    for (status, refused) in [
        ("completed", Some("held")),
        ("scheduled", None),
        ("held", Some("scheduled")),
        ("confirmed", None),
        ("scheduled", Some("confirmed")),
        ("no_show", None),
        ("confirmed", Some("no_show")),
        ("cancelled", Some("no_show")),
    ] {
        let mut to = json!({ "status": status });
        if status == "held" {
            to["hold_expires_at"] = json!("2020-01-01T00:05:00Z");
        }
        let answer = scene.ada.patch(&path, &to).await;
        match refused {
            None => assert_eq!(answer.status(), 204, "{status}: {}", answer.text()),
            Some(from) => cannot_become(&answer, from, status),
        }
    }
    let moved = json!({ "starts_at": "2030-01-08T10:00:00Z", "ends_at": "2030-01-08T10:30:00Z" });
    assert_eq!(
        refusal(&scene.ada.patch(&path, &moved).await),
        (422, "an appointment that is no_show cannot be moved".to_owned())
    );
    let events = scene
        .list("appointment_events?select=from_status,to_status,actor&order=at")
        .await;
    assert_eq!(
        column(&events, "to_status"),
        ["held", "scheduled", "confirmed", "no_show"]
    );
    assert_eq!(
        column(&events, "from_status"),
        ["null", "held", "scheduled", "confirmed"]
    );
    let actor = format!("user:{}", scene.ada.user.id);
    assert!(column(&events, "actor").iter().all(|by| *by == actor));
}

#[tokio::test]
async fn an_appointment_begins_with_what_is_to_come() {
    let scene = Scene::set().await;
    let (service, ann) = shop(&scene).await;
    let (from, to) = ("2030-01-07T10:00:00Z", "2030-01-07T10:30:00Z");
    let done = scene.ada.post("/rest/v1/appointments", &{
        let mut new = booking(&service, &ann, from, to);
        new["status"] = json!("completed");
        new
    });
    assert_eq!(
        refusal(&done.await),
        (
            422,
            "an appointment that is new cannot become completed".to_owned()
        )
    );
}

/// Else whoever may write appointments could free a slot that is taken, or keep one for ever.
#[tokio::test]
async fn what_has_not_begun_is_not_over_and_a_hold_ends() {
    let scene = Scene::set().await;
    let (service, ann) = shop(&scene).await;
    let (from, to) = ("2030-01-07T10:00:00Z", "2030-01-07T10:30:00Z");
    let first = scene
        .add("appointments", &booking(&service, &ann, from, to))
        .await;
    let path = format!("/rest/v1/appointments/{}", id(&first));
    for status in ["completed", "no_show"] {
        let answer = scene.ada.patch(&path, &json!({ "status": status })).await;
        let says = format!("an appointment that has not begun cannot become {status}");
        assert_eq!(refusal(&answer), (422, says));
    }
    let mut hold = booking(&service, &ann, "2030-01-08T10:00:00Z", "2030-01-08T10:30:00Z");
    (hold["status"], hold["hold_expires_at"]) = (json!("held"), json!("infinity"));
    let answer = scene.ada.post("/rest/v1/appointments", &hold).await;
    assert_eq!(refusal(&answer), (422, "a hold lasts an hour at most".to_owned()));
    // Whose clock is a few seconds ahead of the database's has asked for an hour, too.
    for (seconds, status) in [(3630, 201), (3690, 422)] {
        let until = SystemClock.now() + TimeDelta::seconds(seconds);
        hold["hold_expires_at"] = json!(until.to_rfc3339());
        let answer = scene.ada.post("/rest/v1/appointments", &hold).await;
        assert_eq!(answer.status(), status, "{seconds}: {}", answer.text());
    }
    // Nor does anything begin or end never.
    for (from, to) in [("-infinity", to), (from, "infinity")] {
        let endless = booking(&service, &ann, from, to);
        let answer = scene.ada.post("/rest/v1/appointments", &endless).await;
        assert_eq!(answer.status(), 422, "{}", answer.text());
    }
    // An operator brings what was: an import of last year's calendar, or next year's.
    let done = format!(
        "update {}.appointments set status = 'completed' where status = 'scheduled'",
        scene.acme.tenant.schema
    );
    let owner = scene.app.db().as_owner().await;
    owner.batch_execute(&done).await.expect("an operator may");
}

#[tokio::test]
async fn an_appointment_that_is_moved_is_counted_and_remembered() {
    let scene = Scene::set().await;
    let (service, ann) = shop(&scene).await;
    let first = booking(&service, &ann, "2030-01-07T10:00:00Z", "2030-01-07T10:30:00Z");
    let first = scene.add("appointments", &first).await;
    let path = format!("/rest/v1/appointments/{}", id(&first));
    let later = json!({ "starts_at": "2030-01-07T12:00:00Z", "ends_at": "2030-01-07T12:30:00Z" });
    scene.ada.patch(&path, &later).await.expect_status(204);
    scene
        .ada
        .patch(&path, &json!({ "note": "by phone" }))
        .await
        .expect_status(204);
    let now = scene.list("appointments?select=rescheduled_count,busy").await;
    assert_eq!(
        now[0],
        json!({ "rescheduled_count": 1, "busy": "[\"2030-01-07 11:55:00+00\",\"2030-01-07 12:40:00+00\")" })
    );
    let events = scene
        .list("appointment_events?select=from_starts_at,to_starts_at&order=at")
        .await;
    assert_eq!(
        column(&events, "to_starts_at"),
        ["2030-01-07T10:00:00+00:00", "2030-01-07T12:00:00+00:00"]
    );
    let forged = scene.ada.post("/rest/v1/appointment_events", &json!({})).await;
    assert_eq!(forged.status(), 403);
}

#[tokio::test]
async fn working_hours_are_those_that_can_be() {
    let scene = Scene::set().await;
    let (_, ann) = shop(&scene).await;
    let nowhere = json!({ "name": "Ben", "time_zone": "Europe/Nowhere" });
    let answer = scene.ada.post("/rest/v1/staff", &nowhere).await;
    assert_eq!(
        refusal(&answer),
        (422, "\"Europe/Nowhere\" is no time zone".to_owned())
    );
    let schedule = |from: Value, until: Value| json!({ "staff_id": id(&ann), "time_zone": "Europe/Berlin", "valid_from": from, "valid_until": until });
    let summer = scene
        .add("schedules", &schedule(json!("2030-06-01"), json!("2030-08-31")))
        .await;
    for (from, until, status) in [
        (json!("2030-08-31"), Value::Null, 409),
        (Value::Null, json!("2030-05-31"), 201),
        (json!("2030-09-01"), Value::Null, 201),
        (json!("2030-09-02"), json!("2030-09-01"), 422),
    ] {
        let answer = scene
            .ada
            .post("/rest/v1/schedules", &schedule(from.clone(), until))
            .await;
        assert_eq!(answer.status(), status, "{from}: {}", answer.text());
    }
    let rule = |weekday: i32, from: &str, to: &str| json!({ "schedule_id": id(&summer), "weekday": weekday, "start_local": from, "end_local": to });
    for (rule, status) in [
        (rule(1, "09:00", "12:00"), 201),
        (rule(1, "12:00", "24:00"), 201),
        (rule(1, "11:59", "12:00"), 409),
        (rule(2, "11:59", "12:00"), 201),
        (rule(8, "09:00", "12:00"), 422),
        (rule(3, "12:00", "09:00"), 422),
        (rule(3, "09:00:30", "12:00"), 422),
    ] {
        let answer = scene.ada.post("/rest/v1/schedule_rules", &rule).await;
        assert_eq!(answer.status(), status, "{rule}: {}", answer.text());
    }
    let day = |from: Value, to: Value| json!({ "schedule_id": id(&summer), "day": "2030-07-01", "start_local": from, "end_local": to });
    // A day is closed or has hours, never both.
    for (day, status) in [
        (day(json!("10:00"), json!("11:00")), 201),
        (day(json!("12:00"), json!("13:00")), 201),
        (day(Value::Null, Value::Null), 409),
        (day(json!("14:00"), Value::Null), 422),
    ] {
        let answer = scene.ada.post("/rest/v1/schedule_overrides", &day).await;
        assert_eq!(answer.status(), status, "{day}: {}", answer.text());
    }
}
