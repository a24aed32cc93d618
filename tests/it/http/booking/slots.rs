//! Which slots are free; each list was worked out by hand.

use serde_json::json;

use super::*;

#[tokio::test]
async fn slots_of_a_week_are_those_of_the_rules() {
    let shop = Shop::open(BERLIN, json!({ "duration_minutes": 60, "slot_step_minutes": 30 })).await;
    shop.works(&[
        (2, "09:00", "11:00"),
        (2, "13:00", "14:30"),
        (4, "08:15", "09:15"),
    ])
    .await;
    let found = shop
        .ask("from=2026-01-05&to=2026-01-11&time_zone=Europe/Berlin")
        .await;
    let found = found.expect_status(200).json();
    let slot = |starts_at: &str, ends_at: &str| json!({ "starts_at": starts_at, "ends_at": ends_at, "staff_ids": [shop.ann] });
    let days = json!([
        { "day": "2026-01-06", "slots": [
            slot("2026-01-06T09:00:00+01:00", "2026-01-06T10:00:00+01:00"),
            slot("2026-01-06T09:30:00+01:00", "2026-01-06T10:30:00+01:00"),
            slot("2026-01-06T10:00:00+01:00", "2026-01-06T11:00:00+01:00"),
            slot("2026-01-06T13:00:00+01:00", "2026-01-06T14:00:00+01:00"),
            slot("2026-01-06T13:30:00+01:00", "2026-01-06T14:30:00+01:00"),
        ] },
        { "day": "2026-01-08", "slots": [slot("2026-01-08T08:15:00+01:00", "2026-01-08T09:15:00+01:00")] },
    ]);
    let expected = json!({
        "service_id": shop.service, "time_zone": BERLIN,
        "from": "2026-01-05T00:00:00+01:00", "to": "2026-01-12T00:00:00+01:00", "days": days,
    });
    assert_eq!(found, expected);
    // The days are those of whoever asks.
    let auckland = "time_zone=Pacific/Auckland";
    let sixth = shop
        .free(&format!("from=2026-01-06&to=2026-01-06&{auckland}"))
        .await;
    let expected = [
        "2026-01-06T21:00:00+13:00",
        "2026-01-06T21:30:00+13:00",
        "2026-01-06T22:00:00+13:00",
    ];
    assert_eq!(sixth, expected);
    let seventh = shop
        .ask(&format!("from=2026-01-07&to=2026-01-07&{auckland}"))
        .await
        .json();
    assert_eq!(seventh["days"][0]["day"], "2026-01-07");
    assert_eq!(
        starts(&seventh),
        ["2026-01-07T01:00:00+13:00", "2026-01-07T01:30:00+13:00"]
    );
}

#[tokio::test]
async fn a_window_is_half_open_and_says_nothing_of_where_slots_begin() {
    let shop = Shop::open("UTC", json!({ "slot_step_minutes": 45 })).await;
    shop.works(&[(2, "09:00", "12:00")]).await;
    let all = [
        "2026-01-06T09:00:00+00:00",
        "2026-01-06T09:45:00+00:00",
        "2026-01-06T10:30:00+00:00",
    ];
    assert_eq!(shop.free("from=2026-01-06&to=2026-01-06").await, all);
    let from = "from=2026-01-06T09:01:00Z&to=2026-01-06T10:30:00Z";
    assert_eq!(shop.free(from).await, all[1..2]);
    let with_plus = "from=2026-01-06T10:45:00+01:00&to=2026-01-06T11:30:00.000001+01:00";
    assert_eq!(shop.free(with_plus).await, all[1..]);
    // Without a window: seven days from now.
    assert_eq!(shop.free("").await, all);
    let week = [all[1], all[2], "2026-01-13T09:00:00+00:00"];
    assert_eq!(shop.free("from=2026-01-06T09:30:00Z").await, week);
}

#[tokio::test]
async fn a_day_that_is_overridden_has_other_hours_or_none() {
    let shop = Shop::open(BERLIN, json!({})).await;
    shop.works(&[(2, "09:00", "11:00"), (3, "09:00", "11:00")]).await;
    let schedule = shop.schedule().await;
    let day = |day: &str, from: Option<&str>, to: Option<&str>| json!({ "schedule_id": schedule, "day": day, "start_local": from, "end_local": to });
    for day in [
        day("2026-01-06", None, None),
        day("2026-01-07", Some("20:00"), Some("22:00")),
        day("2026-01-08", Some("06:00"), Some("07:00")),
    ] {
        add(&shop.scene, "schedule_overrides", &day).await;
    }
    let free = shop.free("from=2026-01-05&to=2026-01-13").await;
    let expected = [
        "2026-01-07T19:00:00+00:00",
        "2026-01-07T20:00:00+00:00",
        "2026-01-08T05:00:00+00:00",
        "2026-01-13T08:00:00+00:00",
        "2026-01-13T09:00:00+00:00",
    ];
    assert_eq!(free, expected);
}

#[tokio::test]
async fn a_schedule_holds_from_a_day_until_a_day() {
    let shop = Shop::open("UTC", json!({})).await;
    let first = format!("/rest/v1/schedules?id=eq.{}", shop.schedule().await);
    shop.works(&[(1, "09:00", "10:00"), (2, "09:00", "10:00")]).await;
    let until = json!({ "valid_until": "2026-01-12" });
    shop.scene.ada.patch(&first, &until).await.expect_status(204);
    let next = json!({ "staff_id": shop.ann, "time_zone": "UTC", "valid_from": "2026-01-13", "valid_until": "2026-01-19" });
    let next = add(&shop.scene, "schedules", &next).await;
    shop.rules(&next, &[(1, "15:00", "16:00"), (2, "15:00", "16:00")])
        .await;
    let free = shop.free("from=2026-01-06&to=2026-01-30").await;
    let expected = [
        "2026-01-06T09:00:00+00:00",
        "2026-01-12T09:00:00+00:00",
        "2026-01-13T15:00:00+00:00",
        "2026-01-19T15:00:00+00:00",
    ];
    assert_eq!(free, expected);
    // In the bin it is not in force.
    shop.scene.ada.delete(&first).await.expect_status(204);
    assert_eq!(shop.free("from=2026-01-06&to=2026-01-30").await, expected[2..]);
}

#[tokio::test]
async fn time_off_takes_what_it_touches() {
    let shop = Shop::open(
        "UTC",
        json!({ "buffer_before_minutes": 30, "buffer_after_minutes": 30 }),
    )
    .await;
    shop.works(&[(2, "09:00", "13:00")]).await;
    let off = json!({ "staff_id": shop.ann, "starts_at": "2026-01-06T10:59:00Z", "ends_at": "2026-01-06T12:00:00Z" });
    add(&shop.scene, "time_off", &off).await;
    // Buffers may reach into time off, and beyond the working hours.
    let free = shop.free("from=2026-01-06&to=2026-01-06").await;
    assert_eq!(free, ["2026-01-06T09:00:00+00:00", "2026-01-06T12:00:00+00:00"]);
}

#[tokio::test]
async fn appointments_and_holds_take_their_time_with_all_buffers() {
    let shop = Shop::open(
        "UTC",
        json!({ "duration_minutes": 30, "slot_step_minutes": 15, "buffer_after_minutes": 15 }),
    )
    .await;
    shop.works(&[(2, "09:00", "11:00")]).await;
    let contact = shop.contact().await;
    shop.book("2026-01-06T09:45:00Z", &contact)
        .await
        .expect_status(201);
    // Busy from 9:45 to 10:30; what comes before needs a quarter of an hour behind it.
    let left = ["2026-01-06T09:00:00+00:00", "2026-01-06T10:30:00+00:00"];
    assert_eq!(shop.free("from=2026-01-06&to=2026-01-06").await, left);
    let hold = shop.hold("2026-01-06T10:30:00Z").await.expect_status(201);
    assert_eq!(hold.field("status"), "held");
    assert_eq!(hold.field("hold_expires_at"), "2026-01-05T09:05:00+00:00");
    assert_eq!(shop.free("from=2026-01-06&to=2026-01-06").await, left[..1]);
    // It keeps its slot until the moment that it says, not until somebody cancels it.
    let clock = shop.scene.app.db().clock();
    clock.advance(chrono::TimeDelta::seconds(299));
    assert_eq!(shop.free("from=2026-01-06&to=2026-01-06").await, left[..1]);
    clock.advance(chrono::TimeDelta::seconds(1));
    assert_eq!(shop.free("from=2026-01-06&to=2026-01-06").await, left);
    // Neither what is cancelled nor what is in the bin keeps anybody busy.
    let other = shop
        .book("2026-01-06T10:30:00Z", &contact)
        .await
        .expect_status(201)
        .field("id");
    send(&shop.scene.ada, &other, "cancel", &json!({}))
        .await
        .expect_status(200);
    let again = shop
        .book("2026-01-06T10:30:00Z", &contact)
        .await
        .expect_status(201)
        .field("id");
    shop.scene
        .ada
        .delete(&format!("/rest/v1/appointments/{again}"))
        .await
        .expect_status(204);
    assert_eq!(shop.free("from=2026-01-06&to=2026-01-06").await, left);
}

#[tokio::test]
async fn notice_and_advance_bound_what_is_offered() {
    let shop = Shop::open("UTC", json!({ "min_notice_minutes": 120, "max_advance_days": 7 })).await;
    shop.works(&[(1, "09:00", "13:00")]).await;
    // It is nine: eleven is two hours from now, and a week from now is too late.
    let free = shop.free("from=2026-01-05&to=2026-01-20").await;
    assert_eq!(free, ["2026-01-05T11:00:00+00:00", "2026-01-05T12:00:00+00:00"]);
    shop.scene
        .app
        .db()
        .clock()
        .advance(chrono::TimeDelta::microseconds(1));
    let free = shop.free("from=2026-01-05&to=2026-01-20").await;
    assert_eq!(free, ["2026-01-05T12:00:00+00:00", "2026-01-12T09:00:00+00:00"]);
}

#[tokio::test]
async fn hours_that_touch_are_one() {
    let shop = Shop::open("UTC", json!({ "duration_minutes": 120, "slot_step_minutes": 60 })).await;
    shop.works(&[
        (2, "22:00", "24:00"),
        (3, "00:00", "01:00"),
        (4, "09:00", "10:00"),
        (4, "10:00", "11:00"),
    ])
    .await;
    let free = shop.free("from=2026-01-06&to=2026-01-08").await;
    let expected = [
        "2026-01-06T22:00:00+00:00",
        "2026-01-06T23:00:00+00:00",
        "2026-01-08T09:00:00+00:00",
    ];
    assert_eq!(free, expected);
}

#[tokio::test]
async fn several_people_are_offered_at_the_same_time() {
    let shop = Shop::open("UTC", json!({})).await;
    shop.works(&[(2, "09:00", "11:00")]).await;
    let ben = shop.hire("Ben", BERLIN, &[(2, "11:00", "13:00")]).await;
    let found = shop
        .ask("from=2026-01-06&to=2026-01-06")
        .await
        .expect_status(200)
        .json();
    let slots = found["days"][0]["slots"].as_array().expect("slots");
    let who: Vec<_> = slots
        .iter()
        .map(|slot| (&slot["starts_at"], &slot["staff_ids"]))
        .collect();
    let mut both = [shop.ann.clone(), ben.clone()];
    both.sort();
    let nine_ten_eleven = [
        (json!("2026-01-06T09:00:00+00:00"), json!([shop.ann])),
        (json!("2026-01-06T10:00:00+00:00"), json!(both)),
        (json!("2026-01-06T11:00:00+00:00"), json!([ben])),
    ];
    assert_eq!(
        who,
        nine_ten_eleven
            .iter()
            .map(|(at, who)| (at, who))
            .collect::<Vec<_>>()
    );
    let bens = shop
        .free(&format!("from=2026-01-06&to=2026-01-06&staff={ben}"))
        .await;
    assert_eq!(bens.len(), 2);
    // Who is not active, or in the bin, is offered no more.
    let path = format!("/rest/v1/staff/{ben}");
    shop.scene
        .ada
        .patch(&path, &json!({ "active": false }))
        .await
        .expect_status(204);
    assert_eq!(shop.free("from=2026-01-06&to=2026-01-06").await.len(), 2);
    shop.scene
        .ada
        .patch(&path, &json!({ "active": true }))
        .await
        .expect_status(204);
    shop.scene.ada.delete(&path).await.expect_status(204);
    assert_eq!(shop.free("from=2026-01-06&to=2026-01-06").await.len(), 2);
}

/// The slots of a service of half an hour by the clocks of a zone, on one day.
async fn half_hours(zone: &str, rule: (i32, &str, &str), day: &str) -> Vec<String> {
    let shop = Shop::open(zone, json!({ "duration_minutes": 30, "max_advance_days": 730 })).await;
    shop.works(&[rule]).await;
    shop.free(&format!("from={day}&to={day}&time_zone={zone}")).await
}

#[tokio::test]
async fn in_spring_an_hour_is_left_out() {
    // In Berlin, at two it is three.
    let free = half_hours(BERLIN, (7, "01:00", "04:00"), "2026-03-29").await;
    let expected = [
        "2026-03-29T01:00:00+01:00",
        "2026-03-29T01:30:00+01:00",
        "2026-03-29T03:00:00+02:00",
        "2026-03-29T03:30:00+02:00",
    ];
    assert_eq!(free, expected);
    // Hours that begin within the hour that there is not begin at its end; those that lie in it are none.
    let free = half_hours(BERLIN, (7, "02:30", "04:00"), "2026-03-29").await;
    assert_eq!(free, expected[2..]);
    assert!(
        half_hours(BERLIN, (7, "02:00", "02:30"), "2026-03-29")
            .await
            .is_empty()
    );
    let free = half_hours(BERLIN, (7, "01:00", "02:30"), "2026-03-29").await;
    assert_eq!(free, expected[..2]);
}

#[tokio::test]
async fn in_autumn_an_hour_comes_twice() {
    // In Berlin, at three it is two.
    let free = half_hours(BERLIN, (7, "01:30", "03:30"), "2026-10-25").await;
    let expected = [
        "2026-10-25T01:30:00+02:00",
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ];
    assert_eq!(free, expected);
    // A time that comes twice is meant the first time.
    let free = half_hours(BERLIN, (7, "02:00", "02:30"), "2026-10-25").await;
    assert_eq!(free, expected[1..2]);
    let free = half_hours(BERLIN, (7, "02:30", "03:30"), "2026-10-25").await;
    assert_eq!(free, expected[2..]);
}

#[tokio::test]
async fn on_lord_howe_it_is_half_an_hour() {
    let zone = "Australia/Lord_Howe";
    // In April, at two it is half past one; in October, at two it is half past two.
    let free = half_hours(zone, (7, "01:00", "02:30"), "2026-04-05").await;
    let expected = [
        "2026-04-05T01:00:00+11:00",
        "2026-04-05T01:30:00+11:00",
        "2026-04-05T01:30:00+10:30",
        "2026-04-05T02:00:00+10:30",
    ];
    assert_eq!(free, expected);
    let free = half_hours(zone, (7, "01:00", "03:00"), "2026-10-04").await;
    let expected = [
        "2026-10-04T01:00:00+10:30",
        "2026-10-04T01:30:00+10:30",
        "2026-10-04T02:30:00+11:00",
    ];
    assert_eq!(free, expected);
}

#[tokio::test]
async fn a_day_may_begin_at_one() {
    // In Santiago, at midnight it is one (2026-09-06).
    let free = half_hours("America/Santiago", (7, "00:00", "02:00"), "2026-09-06").await;
    assert_eq!(free, ["2026-09-06T01:00:00-03:00", "2026-09-06T01:30:00-03:00"]);
    // And a day of another zone that ends there goes on without a break: 23:00 to 24:00 on Saturday.
    let free = half_hours("America/Santiago", (6, "23:00", "24:00"), "2026-09-05").await;
    assert_eq!(free, ["2026-09-05T23:00:00-04:00", "2026-09-05T23:30:00-04:00"]);
}
