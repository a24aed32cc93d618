//! Appointments: made, moved, and what becomes of them.

use chrono::TimeDelta;
use serde_json::json;

use super::*;

/// What the database has of each step of an appointment.
async fn steps(shop: &Shop, appointment: &str) -> Vec<String> {
    let path = format!(
        "/rest/v1/appointment_events?select=to_status,reason&appointment_id=eq.{appointment}&order=at"
    );
    let events = shop.scene.ada.get(&path).await.expect_status(200).json();
    let events = events.as_array().expect("a list").iter();
    events
        .map(|event| match event["reason"].as_str() {
            Some(reason) => format!("{}: {reason}", event["to_status"].as_str().expect("a status")),
            None => event["to_status"].as_str().expect("a status").to_owned(),
        })
        .collect()
}

#[tokio::test]
async fn a_slot_is_booked_once() {
    let (shop, contact) = tuesdays().await;
    let body = json!({ "service_id": shop.service, "starts_at": "2026-01-06T11:00:00+01:00", "contact_id": contact,
        "time_zone": BERLIN, "note": "first time" });
    let made = shop
        .scene
        .ada
        .post("/crm/v1/appointments/book", &body)
        .await
        .expect_status(201);
    let id = made.field("id");
    let found = shop
        .scene
        .ada
        .get(&format!("/rest/v1/appointments/{id}"))
        .await
        .expect_status(200);
    assert_eq!(made.json(), found.json());
    assert_eq!(made.header("etag"), found.header("etag"));
    for (field, value) in [
        ("starts_at", json!(TEN)),
        ("ends_at", json!(ELEVEN)),
        ("staff_id", json!(shop.ann)),
        ("status", json!("scheduled")),
        ("source", json!("api")),
        ("price", json!("40.0000")),
        ("note", json!("first time")),
        ("time_zone", json!(BERLIN)),
    ] {
        assert_eq!(made.json()[field], value, "{field}");
    }
    let again = shop
        .book("2026-01-06T10:00:00Z", &contact)
        .await
        .expect_status(409);
    assert_eq!(again.code(), "slot_taken");
    let near = [NINE, ELEVEN, NEXT_WEEK[0], NEXT_WEEK[1], NEXT_WEEK[2]];
    assert_eq!(nearest(&again), near);
    assert_eq!(
        again.json()["details"]["nearest"][0]["staff_ids"],
        json!([shop.ann])
    );
}

#[tokio::test]
async fn only_what_is_a_slot_is_booked() {
    let (shop, contact) = tuesdays().await;
    let service = format!("/rest/v1/services/{}", shop.service);
    let rules = json!({ "min_notice_minutes": 25 * 60, "max_advance_days": 8 });
    shop.scene.ada.patch(&service, &rules).await.expect_status(204);
    // The first slot is a day and an hour away at ten; the last is eight days away at nine, which is too far.
    for (starts_at, code) in [
        ("2026-01-05T08:00:00Z", "slot_too_soon"),
        ("2026-01-06T09:00:00Z", "slot_too_soon"),
        ("2026-01-13T09:00:00Z", "slot_too_far"),
        ("2026-09-01T09:00:00Z", "slot_too_far"),
        ("2026-01-06T10:30:00Z", "no_such_slot"),
        ("2026-01-06T12:00:00Z", "no_such_slot"),
        ("2026-01-07T10:00:00Z", "no_such_slot"),
    ] {
        let refused = shop.book(starts_at, &contact).await.expect_status(409);
        assert_eq!(refused.code(), code, "{starts_at}");
        assert_eq!(nearest(&refused), [TEN, ELEVEN], "{starts_at}");
    }
    shop.book(TEN, &contact).await.expect_status(201);
    // By force at any time at which nobody else is there, for those who may change the working hours.
    let at = |starts_at: &str| json!({ "service_id": shop.service, "starts_at": starts_at, "contact_id": contact, "force": true });
    let path = "/crm/v1/appointments/book";
    let forced = shop
        .scene
        .ada
        .post(path, &at("2026-01-10T23:30:00Z"))
        .await
        .expect_status(201);
    assert_eq!(forced.field("ends_at"), "2026-01-11T00:30:00+00:00");
    let taken = shop
        .scene
        .ada
        .post(path, &at("2026-01-06T10:30:00Z"))
        .await
        .expect_status(409);
    assert_eq!(
        (taken.code(), nearest(&taken)),
        ("slot_taken".to_owned(), vec![ELEVEN.to_owned()])
    );
    let bob = shop
        .scene
        .acme
        .member("bob", catalog::memberships::MemberRole::Member)
        .await;
    let refused = bob
        .post(path, &at("2026-01-11T23:30:00Z"))
        .await
        .expect_status(403);
    assert_eq!(refused.code(), "42501");
    bob.post(
        path,
        &json!({ "service_id": shop.service, "starts_at": ELEVEN, "contact_id": contact }),
    )
    .await
    .expect_status(201);
}

#[tokio::test]
async fn who_has_least_to_do_gets_it() {
    let (shop, contact) = tuesdays().await;
    let mut people = vec![shop.ann.clone()];
    for name in ["Ben", "Cid"] {
        people.push(shop.hire(name, "UTC", &[(2, "09:00", "12:00")]).await);
    }
    people.sort();
    // Three at nine: by id, since nobody has anything to do yet.
    for expected in &people {
        assert_eq!(
            shop.book(NINE, &contact)
                .await
                .expect_status(201)
                .field("staff_id"),
            *expected
        );
    }
    assert_eq!(
        shop.book(NINE, &contact).await.expect_status(409).code(),
        "slot_taken"
    );
    let named =
        json!({ "service_id": shop.service, "starts_at": TEN, "contact_id": contact, "staff_id": people[0] });
    shop.scene
        .ada
        .post("/crm/v1/appointments/book", &named)
        .await
        .expect_status(201);
    // The first has two by now; of the others the second is the first by id, and then the third has the fewest.
    assert_eq!(
        shop.book(ELEVEN, &contact)
            .await
            .expect_status(201)
            .field("staff_id"),
        people[1]
    );
    assert_eq!(
        shop.book(ELEVEN, &contact)
            .await
            .expect_status(201)
            .field("staff_id"),
        people[2]
    );
    assert_eq!(
        shop.book(ELEVEN, &contact)
            .await
            .expect_status(201)
            .field("staff_id"),
        people[0]
    );
}

#[tokio::test]
async fn a_hold_becomes_an_appointment_or_expires() {
    let (shop, contact) = tuesdays().await;
    let hold = shop.hold(NINE).await.expect_status(201).field("id");
    assert_eq!(
        shop.book(NINE, &contact).await.expect_status(409).code(),
        "slot_taken"
    );
    let body = json!({ "contact_id": contact, "note": "from a hold" });
    let booked = send(&shop.scene.ada, &hold, "book", &body)
        .await
        .expect_status(200)
        .json();
    assert_eq!(
        (&booked["status"], &booked["hold_expires_at"]),
        (&json!("scheduled"), &Value::Null)
    );
    assert_eq!(
        (&booked["contact_id"], &booked["note"]),
        (&json!(contact), &json!("from a hold"))
    );
    let again = send(&shop.scene.ada, &hold, "book", &body)
        .await
        .expect_status(409);
    assert_eq!(again.code(), "not_possible_now");
    // One that has expired keeps nobody from booking, and is no more by then.
    let late = shop.hold(TEN).await.expect_status(201).field("id");
    shop.scene.app.db().clock().advance(TimeDelta::minutes(5));
    assert_eq!(
        send(&shop.scene.ada, &late, "book", &body)
            .await
            .expect_status(409)
            .code(),
        "hold_expired"
    );
    shop.book(TEN, &contact).await.expect_status(201);
    assert_eq!(steps(&shop, &late).await, ["held", "cancelled: The hold expired"]);
    // A hold may be for up to an hour, and given up before.
    let hour = json!({ "service_id": shop.service, "starts_at": ELEVEN, "minutes": 60 });
    let hour = shop
        .scene
        .ada
        .post("/crm/v1/appointments/hold", &hour)
        .await
        .expect_status(201);
    assert_eq!(hour.field("hold_expires_at"), "2026-01-05T10:05:00+00:00");
    send(&shop.scene.ada, &hour.field("id"), "cancel", &json!({}))
        .await
        .expect_status(200);
    shop.book(ELEVEN, &contact).await.expect_status(201);
}

/// What was done with an appointment, whether it has begun, and what may be done with it then.
type Possible = (&'static [&'static str], bool, &'static [&'static str]);

const POSSIBLE: [Possible; 8] = [
    (&[], false, &["confirm", "reschedule", "cancel"]),
    (
        &[],
        true,
        &["confirm", "reschedule", "complete", "no-show", "cancel"],
    ),
    (&["confirm"], false, &["reschedule", "cancel"]),
    (
        &["confirm"],
        true,
        &["reschedule", "complete", "no-show", "cancel"],
    ),
    (&["cancel"], false, &[]),
    (&["confirm", "complete"], true, &[]),
    (&["no-show"], true, &[]),
    (&["confirm", "cancel"], true, &[]),
];

#[tokio::test]
async fn a_verb_is_possible_or_says_what_is() {
    let (shop, contact) = tuesdays().await;
    // A key, because the clock goes further than an access token is good for.
    let scopes = ["read", "insert", "update", "delete"].map(|action| format!("appointments:{action}"));
    let scopes: Vec<&str> = scopes
        .iter()
        .map(String::as_str)
        .chain(["schedules:read", "services:read", "staff:read"])
        .collect();
    let key = shop.scene.acme.key(&scopes).await;
    let client = &*key;
    let clock = shop.scene.app.db().clock().clone();
    let day = TimeDelta::days(1) + TimeDelta::minutes(1);
    for (before, is_begun, possible) in POSSIBLE {
        for verb in ["confirm", "complete", "no-show", "cancel", "book"] {
            let new = json!({ "service_id": shop.service, "starts_at": NINE, "contact_id": contact });
            let new = client
                .post("/crm/v1/appointments/book", &new)
                .await
                .expect_status(201);
            let id = new.field("id");
            if is_begun {
                clock.advance(day);
            }
            for verb in before {
                send(client, &id, verb, &json!({})).await.expect_status(200);
            }
            let body = if verb == "book" {
                json!({ "contact_id": contact })
            } else {
                json!({})
            };
            let answer = send(client, &id, verb, &body).await;
            if possible.contains(&verb) {
                answer.expect_status(200);
            } else {
                let answer = answer.expect_status(409);
                assert_eq!(answer.code(), "not_possible_now", "{before:?} {verb}");
                assert_eq!(
                    answer.json()["details"]["allowed"],
                    json!(possible),
                    "{before:?} {verb}"
                );
            }
            if is_begun {
                clock.advance(-day);
            }
            client
                .delete(&format!("/rest/v1/appointments/{id}"))
                .await
                .expect_status(204);
        }
    }
}

#[tokio::test]
async fn whoever_wants_little_is_told_where_the_new_one_is() {
    let (shop, contact) = tuesdays().await;
    let client = &shop.scene.ada;
    let hold = json!({ "service_id": shop.service, "starts_at": NINE });
    let book = json!({ "service_id": shop.service, "starts_at": TEN, "contact_id": contact });
    let pipeline = json!({ "name": "Rentals", "stages": [{ "name": "New" }] });
    for (path, object, body) in [
        ("appointments/hold", "appointments", &hold),
        ("appointments/book", "appointments", &book),
        ("pipelines", "pipelines", &pipeline),
    ] {
        let ask = |key: &'static str| {
            let ask = client.post(&format!("/crm/v1/{path}"), body);
            ask.header("prefer", "return=minimal")
                .header("idempotency-key", format!("{key}/{path}"))
        };
        let made = ask("once").await.expect_status(201);
        assert_eq!(made.text(), "", "{path}");
        let place = made.header("location").expect("a place").to_owned();
        assert!(place.starts_with(&format!("/rest/v1/{object}/")), "{place}");
        let found = client.get(&place).await.expect_status(200);
        assert_eq!(found.header("etag"), made.header("etag"), "{path}");
        let replayed = ask("once").await.expect_status(201);
        assert_eq!(replayed.header("location"), Some(&*place), "{path}");
        // What is new has no version yet.
        let bound = client.post(&format!("/crm/v1/{path}"), body);
        let refused = bound.header("if-match", "\"1\"").await.expect_status(400);
        assert_eq!(refused.code(), "condition_unsupported", "{path}");
    }
    let asked = client.get(&format!("/crm/v1/slots?service={}", shop.service));
    let asked = asked.header("if-none-match", "\"1\"").await.expect_status(400);
    assert_eq!(asked.code(), "condition_unsupported");
}

#[tokio::test]
async fn an_expired_hold_is_only_given_up() {
    let (shop, contact) = tuesdays().await;
    let client = &shop.scene.ada;
    let hold = shop.hold(NINE).await.expect_status(201).field("id");
    shop.scene.app.db().clock().advance(TimeDelta::minutes(5));
    let moved = send(client, &hold, "reschedule", &json!({ "starts_at": TEN })).await;
    assert_eq!((moved.status(), &*moved.code()), (409, "hold_expired"));
    let confirmed = send(client, &hold, "confirm", &json!({}))
        .await
        .expect_status(409);
    assert_eq!(confirmed.json()["details"]["allowed"], json!(["cancel"]));
    // Bookings that are refused leave it as it is.
    let nobody = "00000000-0000-7000-8000-000000000001";
    shop.book(NINE, nobody).await.expect_status(422);
    assert_eq!(steps(&shop, &hold).await, ["held"]);
    let other = shop.book(TEN, &contact).await.expect_status(201).field("id");
    let late = client.post(
        &format!("/crm/v1/appointments/{other}/reschedule"),
        &json!({ "starts_at": NINE }),
    );
    late.header("if-match", "\"9\"").await.expect_status(412);
    assert_eq!(steps(&shop, &hold).await, ["held"]);
    send(client, &hold, "cancel", &json!({})).await.expect_status(200);
}

#[tokio::test]
async fn a_service_that_nobody_does_is_not_taken() {
    let (shop, contact) = tuesdays().await;
    let service = json!({ "name": "Massage", "duration_minutes": 60 });
    let service = add(&shop.scene, "services", &service).await;
    for force in [false, true] {
        let body = json!({ "service_id": service, "starts_at": NINE, "contact_id": contact, "force": force });
        let refused = shop.scene.ada.post("/crm/v1/appointments/book", &body).await;
        assert_eq!(
            (refused.status(), &*refused.code()),
            (422, "nobody_does_it"),
            "{force}"
        );
    }
}

#[tokio::test]
async fn each_step_is_kept_with_its_reason() {
    let (shop, contact) = tuesdays().await;
    let client = &shop.scene.ada;
    let id = shop.book(NINE, &contact).await.expect_status(201).field("id");
    for (verb, body, status) in [
        ("confirm", json!({}), "confirmed"),
        ("cancel", json!({ "reason": "ill" }), "cancelled"),
    ] {
        let answer = send(client, &id, verb, &body).await.expect_status(200);
        assert_eq!(answer.field("status"), status);
        let found = client.get(&format!("/rest/v1/appointments/{id}")).await;
        assert_eq!(
            (answer.json(), answer.header("etag")),
            (found.json(), found.header("etag"))
        );
    }
    assert_eq!(
        steps(&shop, &id).await,
        ["scheduled", "confirmed", "cancelled: ill"]
    );
}

#[tokio::test]
async fn a_request_that_is_sent_twice_books_once() {
    let (shop, contact) = tuesdays().await;
    let body = json!({ "service_id": shop.service, "starts_at": NINE, "contact_id": contact });
    let book = || {
        shop.scene
            .ada
            .post("/crm/v1/appointments/book", &body)
            .header("idempotency-key", "b-1")
    };
    let first = book().await.expect_status(201);
    let second = book().await.expect_status(201);
    assert_eq!(first.json(), second.json());
    assert_eq!(second.header("idempotent-replayed"), Some("true"));
    let other = json!({ "service_id": shop.service, "starts_at": TEN, "contact_id": contact });
    let other = shop
        .scene
        .ada
        .post("/crm/v1/appointments/book", &other)
        .header("idempotency-key", "b-1");
    assert_eq!(other.await.status(), 422);
    // A refusal is not kept: the same request may work once the slot is free.
    let again = || {
        shop.scene
            .ada
            .post("/crm/v1/appointments/book", &body)
            .header("idempotency-key", "b-2")
    };
    again().await.expect_status(409);
    send(&shop.scene.ada, &first.field("id"), "cancel", &json!({}))
        .await
        .expect_status(200);
    again().await.expect_status(201);
    let taken = shop
        .scene
        .ada
        .get("/rest/v1/appointments?select=id&status=eq.scheduled")
        .await
        .json();
    assert_eq!(taken.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_change_may_be_bound_to_a_version_or_only_tried() {
    let (shop, contact) = tuesdays().await;
    let made = shop.book(NINE, &contact).await.expect_status(201);
    let (id, etag) = (made.field("id"), made.header("etag").expect("a tag").to_owned());
    let ask = |verb: &str, body: Value| {
        shop.scene
            .ada
            .post(&format!("/crm/v1/appointments/{id}/{verb}"), &body)
    };
    let tried = ask("confirm", json!({}))
        .header("prefer", "tx=rollback")
        .await
        .expect_status(200);
    assert_eq!(tried.field("status"), "confirmed");
    let confirmed = ask("confirm", json!({}))
        .header("if-match", &etag)
        .await
        .expect_status(200);
    assert_eq!(confirmed.field("version"), "2");
    for (verb, body) in [("cancel", json!({})), ("reschedule", json!({ "starts_at": TEN }))] {
        let late = ask(verb, body).header("if-match", &etag).await;
        assert_eq!(
            (late.status(), late.header("etag")),
            (412, Some("\"2\"")),
            "{verb}"
        );
    }
    let body = json!({ "service_id": shop.service, "starts_at": TEN, "contact_id": contact });
    let tried = shop
        .scene
        .ada
        .post("/crm/v1/appointments/book", &body)
        .header("prefer", "tx=rollback");
    tried.await.expect_status(201);
    shop.book(TEN, &contact).await.expect_status(201);
}
