//! Appointments that are moved.

use chrono::TimeDelta;
use serde_json::json;

use super::*;

#[tokio::test]
async fn an_appointment_is_moved_to_another_slot() {
    let (shop, contact) = tuesdays().await;
    let client = &shop.scene.ada;
    let id = shop.book(NINE, &contact).await.expect_status(201).field("id");
    shop.book(ELEVEN, &contact).await.expect_status(201);
    let moved = send(client, &id, "reschedule", &json!({ "starts_at": TEN }))
        .await
        .expect_status(200);
    let moved = moved.json();
    assert_eq!(
        (&moved["starts_at"], &moved["ends_at"]),
        (&json!(TEN), &json!(ELEVEN))
    );
    assert_eq!(
        (&moved["rescheduled_count"], &moved["status"]),
        (&json!(1), &json!("scheduled"))
    );
    let taken = send(client, &id, "reschedule", &json!({ "starts_at": ELEVEN }))
        .await
        .expect_status(409);
    assert_eq!(taken.code(), "slot_taken");
    // Its own time is none that is taken.
    assert_eq!(nearest(&taken)[..2], [NINE, TEN]);
    for (starts_at, code) in [
        ("2026-01-06T09:30:00Z", "no_such_slot"),
        ("2026-01-01T09:00:00Z", "slot_too_soon"),
        ("2027-01-05T09:00:00Z", "slot_too_far"),
    ] {
        let refused = send(client, &id, "reschedule", &json!({ "starts_at": starts_at })).await;
        assert_eq!(
            (refused.status(), refused.code()),
            (409, code.to_owned()),
            "{starts_at}"
        );
        assert!(!nearest(&refused).is_empty());
    }
    let forced = json!({ "starts_at": "2026-01-06T09:30:00Z", "force": true });
    send(client, &id, "reschedule", &forced).await.expect_status(200);
    let forced = json!({ "starts_at": "2026-01-06T10:30:00Z", "force": true });
    assert_eq!(
        send(client, &id, "reschedule", &forced)
            .await
            .expect_status(409)
            .code(),
        "slot_taken"
    );
}

#[tokio::test]
async fn an_appointment_goes_to_somebody_else() {
    let (shop, contact) = tuesdays().await;
    let client = &shop.scene.ada;
    let id = shop.book(NINE, &contact).await.expect_status(201).field("id");
    let other = shop.book(ELEVEN, &contact).await.expect_status(201).field("id");
    // To somebody else, who is free then.
    let ben = shop.hire("Ben", "UTC", &[(2, "09:00", "12:00")]).await;
    let to_ben = json!({ "starts_at": ELEVEN, "staff_id": ben });
    let moved = send(client, &id, "reschedule", &to_ben).await.expect_status(200);
    assert_eq!(
        (moved.field("staff_id"), moved.field("rescheduled_count")),
        (ben, "1".to_owned())
    );
    // A hold that has expired is no obstacle; what is over is not moved.
    let hold = json!({ "service_id": shop.service, "starts_at": TEN, "staff_id": shop.ann });
    client
        .post("/crm/v1/appointments/hold", &hold)
        .await
        .expect_status(201);
    let earlier = json!({ "starts_at": TEN });
    assert_eq!(
        send(client, &other, "reschedule", &earlier)
            .await
            .expect_status(409)
            .code(),
        "slot_taken"
    );
    shop.scene.app.db().clock().advance(TimeDelta::minutes(5));
    send(client, &other, "reschedule", &earlier)
        .await
        .expect_status(200);
    send(client, &other, "cancel", &json!({}))
        .await
        .expect_status(200);
    let over = send(client, &other, "reschedule", &json!({ "starts_at": NINE }))
        .await
        .expect_status(409);
    assert_eq!(
        (over.code(), over.json()["details"]["allowed"].clone()),
        ("not_possible_now".to_owned(), json!([]))
    );
}

#[tokio::test]
async fn what_is_moved_keeps_its_length_and_its_buffers() {
    let (shop, contact) = tuesdays().await;
    let client = &shop.scene.ada;
    let id = shop.book(NINE, &contact).await.expect_status(201).field("id");
    let longer = json!({ "duration_minutes": 120, "slot_step_minutes": 60, "buffer_after_minutes": 60 });
    client
        .patch(&format!("/rest/v1/services/{}", shop.service), &longer)
        .await
        .expect_status(204);
    let moved = send(client, &id, "reschedule", &json!({ "starts_at": ELEVEN }))
        .await
        .expect_status(200);
    assert_eq!(moved.field("ends_at"), "2026-01-06T12:00:00+00:00");
    assert_eq!(
        moved.field("busy"),
        r#"["2026-01-06 11:00:00+00","2026-01-06 12:00:00+00")"#
    );
}
