//! What cannot be asked, by whom, and where.

use axum::http::Method;
use catalog::memberships::MemberRole::Member;
use serde_json::json;

use super::*;

const NOBODY: &str = "00000000-0000-7000-8000-000000000001";

/// Questions with something wrong in them: status, code and a part of the message. `{s}` is a service, `{n}` nobody.
const QUESTIONS: &[(&str, u16, &str, &str)] = &[
    ("", 400, "bad_parameter", "'service' must be given"),
    ("service=", 400, "bad_parameter", "'service' must be a UUID"),
    ("service=7", 400, "bad_parameter", "'service' must be a UUID"),
    (
        "service={s}&service={s}",
        400,
        "repeated_parameter",
        "'service' may stand once",
    ),
    (
        "service={s}&servise={s}",
        400,
        "unknown_parameter",
        "no parameter 'servise'",
    ),
    (
        "service={s}&staff=ann",
        400,
        "bad_parameter",
        "'staff' must be a UUID",
    ),
    (
        "service={s}&from=tomorrow",
        400,
        "bad_parameter",
        "'from' must be a day such as",
    ),
    (
        "service={s}&from=2026-02-30",
        400,
        "bad_parameter",
        "'from' must be a day such as",
    ),
    (
        "service={s}&to=2026-01-06T09:00",
        400,
        "bad_parameter",
        "'to' must be a day such as",
    ),
    (
        "service={s}&to=9999-12-31",
        400,
        "bad_parameter",
        "'to' must be a day such as",
    ),
    (
        "service={s}&time_zone=Europe/Nowhere",
        400,
        "bad_parameter",
        "'time_zone' must be the name of a zone",
    ),
    (
        "service={s}&time_zone=",
        400,
        "bad_parameter",
        "'time_zone' must be the name of a zone",
    ),
    (
        "service={s}&from=2026-01-07&to=2026-01-06",
        422,
        "window_backwards",
        "'to' must be later than 'from'",
    ),
    (
        "service={s}&from=2026-01-07T00:00:00Z&to=2026-01-07T00:00:00Z",
        422,
        "window_backwards",
        "'to' must be later",
    ),
    (
        "service={s}&to=2025-01-06",
        422,
        "window_backwards",
        "'to' must be later than 'from'",
    ),
    (
        "service={s}&from=2026-01-05&to=2026-02-16",
        422,
        "window_too_long",
        "longer than 42 days",
    ),
    (
        "service={s}&from=1970-01-01&to=9990-12-31",
        422,
        "window_too_long",
        "longer than 42 days",
    ),
    ("service={n}", 422, "unknown_service", "no such service"),
    ("service={s}&staff={n}", 422, "unknown_staff", "no such staff"),
];

/// Fields with something wrong in them: status and a part of the message. `{n}` is nobody's id.
const FIELDS: &[(&str, &str, u16, &str)] = &[
    ("service_id", "null", 422, "'service_id' must be given"),
    ("service_id", r#""x""#, 422, "'service_id' must be a UUID"),
    ("service_id", r#""{n}""#, 422, "no such service"),
    ("staff_id", "7", 422, "'staff_id' must be a UUID"),
    ("staff_id", r#""{n}""#, 422, "no such staff"),
    ("starts_at", "null", 422, "'starts_at' must be given"),
    (
        "starts_at",
        r#""2026-01-06""#,
        422,
        "'starts_at' must be an instant",
    ),
    ("starts_at", "1767603600", 422, "'starts_at' must be an instant"),
    ("contact_id", "null", 422, "'contact_id' must be given"),
    ("contact_id", r#""{n}""#, 422, "no such contact"),
    (
        "time_zone",
        r#""Mars""#,
        422,
        "'time_zone' must be the name of a zone",
    ),
    ("note", r#""{long}""#, 422, "'note' has more than 5000 characters"),
    ("note", r#""\u0000""#, 422, "'note' has a NUL"),
    ("force", r#""yes""#, 422, "'force' must be true or false"),
    ("status", r#""confirmed""#, 400, "no field 'status'"),
];

#[tokio::test]
async fn each_parameter_of_a_question_is_checked() {
    let shop = Shop::open("UTC", json!({})).await;
    let ann = &shop.ann;
    for (query, status, code, says) in QUESTIONS {
        let query = query.replace("{s}", &shop.service).replace("{n}", NOBODY);
        let answer = shop.scene.ada.get(&format!("/crm/v1/slots?{query}")).await;
        assert_eq!(
            (answer.status(), &*answer.code()),
            (*status, *code),
            "{query}: {}",
            answer.text()
        );
        assert!(
            answer.field("message").contains(*says),
            "{query}: {}",
            answer.text()
        );
    }
    // 42 days are not too many, also where clocks are set back in them, nor is anything before now an error.
    for query in [
        "from=2026-01-05&to=2026-02-15",
        "from=2026-10-01&to=2026-11-11&time_zone=Europe/Berlin",
        "from=2020-01-01&to=2020-01-02",
    ] {
        shop.ask(query).await.expect_status(200);
    }
    let several = shop.ask("from=x&to=y&staff=z").await.expect_status(400).json();
    assert_eq!(several["errors"].as_array().map(Vec::len), Some(3));
    let unfit = add(&shop.scene, "staff", &json!({ "name": "Dan" })).await;
    assert_eq!(
        shop.ask(&format!("staff={unfit}"))
            .await
            .expect_status(422)
            .code(),
        "staff_unfit"
    );
    for (path, code) in [
        (format!("/rest/v1/staff/{ann}"), "staff_unfit"),
        (format!("/rest/v1/services/{}", shop.service), "service_inactive"),
    ] {
        shop.scene
            .ada
            .patch(&path, &json!({ "active": false }))
            .await
            .expect_status(204);
        assert_eq!(
            shop.ask(&format!("staff={ann}")).await.expect_status(422).code(),
            code
        );
    }
}

#[tokio::test]
async fn a_window_has_so_many_places_at_most() {
    let shop = Shop::open("UTC", json!({ "duration_minutes": 1 })).await;
    let always: Vec<_> = (1..=7).map(|day| (day, "00:00", "24:00")).collect();
    shop.works(&always).await;
    shop.hire("Ben", "UTC", &always).await;
    let window = "from=2026-01-05&to=2026-02-15";
    let refused = shop.ask(window).await.expect_status(422);
    assert_eq!(refused.code(), "window_too_full");
    shop.ask(&format!("{window}&staff={}", shop.ann))
        .await
        .expect_status(200);
    // Where there are so many, the nearest ones are looked for within three days.
    let contact = shop.contact().await;
    let refused = shop
        .book("2026-01-06T09:00:30Z", &contact)
        .await
        .expect_status(409);
    assert_eq!(refused.code(), "no_such_slot");
    assert_eq!(nearest(&refused).len(), 5);
}

#[tokio::test]
async fn days_are_those_of_the_zone_that_is_preferred_and_known() {
    let shop = Shop::open("UTC", json!({})).await;
    shop.works(&[(2, "09:00", "10:00")]).await;
    let ask = |more: &str, prefer: &'static str| {
        let path = format!("/crm/v1/slots?service={}{more}", shop.service);
        shop.scene.ada.get(&path).header("prefer", prefer)
    };
    let (tokyo, applied) = ("timezone=Asia/Tokyo", Some("timezone=Asia/Tokyo"));
    let preferred = ask("", tokyo).await.expect_status(200);
    assert_eq!(starts(&preferred.json()), ["2026-01-06T18:00:00+09:00"]);
    assert_eq!(preferred.header("preference-applied"), applied);
    let said = ask("&time_zone=Europe/Berlin", tokyo).await.expect_status(200);
    assert_eq!(starts(&said.json()), ["2026-01-06T10:00:00+01:00"]);
    assert_eq!(said.header("preference-applied"), None);
    let unknown = ask("", "timezone=Mars").await.expect_status(200);
    assert_eq!(starts(&unknown.json()), ["2026-01-06T09:00:00+00:00"]);
    let strict = ask("", "handling=strict, timezone=Mars").await;
    assert_eq!(strict.status(), 400, "{}", strict.text());
    let due = shop.scene.ada.get("/crm/v1/activities/due");
    due.header("prefer", "timezone=Mars").await.expect_status(200);
}

#[tokio::test]
async fn free_slots_are_for_those_who_may_read_schedules() {
    let (shop, contact) = tuesdays().await;
    let id = shop.book(NINE, &contact).await.expect_status(201).field("id");
    let scopes = ["appointments:insert", "appointments:update", "appointments:read"];
    let scopes: Vec<&str> = scopes
        .into_iter()
        .chain(["services:read", "staff:read"])
        .collect();
    let key = shop.scene.acme.key(&scopes).await;
    let at_night = "2026-01-06T03:00:00Z";
    let new = json!({ "service_id": shop.service, "starts_at": at_night, "contact_id": contact });
    let hold = json!({ "service_id": shop.service, "starts_at": at_night });
    let to = json!({ "starts_at": at_night });
    for (path, body) in [
        ("appointments/book".to_owned(), new),
        ("appointments/hold".to_owned(), hold),
        (format!("appointments/{id}/reschedule"), to),
    ] {
        let refused = key
            .post(&format!("/crm/v1/{path}"), &body)
            .await
            .expect_status(403);
        assert!(refused.json()["details"]["nearest"].is_null(), "{path}");
    }
    send(&key, &id, "confirm", &json!({})).await.expect_status(200);
}

#[tokio::test]
async fn each_field_of_a_body_is_checked() {
    let shop = Shop::open("UTC", json!({})).await;
    shop.works(&[(2, "09:00", "12:00")]).await;
    let contact = shop.contact().await;
    let good =
        json!({ "service_id": shop.service, "starts_at": "2026-01-06T09:00:00Z", "contact_id": contact });
    for (field, value, status, says) in FIELDS {
        let value = value.replace("{n}", NOBODY).replace("{long}", &"x".repeat(5001));
        let mut body = good.clone();
        body[field] = serde_json::from_str(&value).expect("JSON");
        let answer = shop.scene.ada.post("/crm/v1/appointments/book", &body).await;
        assert_eq!(answer.status(), *status, "{field}: {}", answer.text());
        assert!(
            answer.field("message").contains(*says),
            "{field}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_hold_is_for_an_hour_at_most() {
    let shop = Shop::open("UTC", json!({})).await;
    for minutes in [json!(0), json!(61), json!(1.5), json!("5")] {
        let body =
            json!({ "service_id": shop.service, "starts_at": "2026-01-06T09:00:00Z", "minutes": minutes });
        let answer = shop
            .scene
            .ada
            .post("/crm/v1/appointments/hold", &body)
            .await
            .expect_status(422);
        assert!(
            answer
                .field("message")
                .contains("'minutes' must be a whole number from 1 to 60")
        );
    }
}

#[tokio::test]
async fn changes_are_checked_too() {
    let shop = Shop::open("UTC", json!({})).await;
    shop.works(&[(2, "09:00", "12:00")]).await;
    let deleted = shop.contact().await;
    shop.scene
        .ada
        .delete(&format!("/rest/v1/contacts/{deleted}"))
        .await
        .expect_status(204);
    assert_eq!(
        shop.book("2026-01-06T09:00:00Z", &deleted)
            .await
            .expect_status(422)
            .code(),
        "unknown_contact"
    );
    let hold = shop
        .hold("2026-01-06T09:00:00Z")
        .await
        .expect_status(201)
        .field("id");
    for (verb, body, status, code) in [
        ("book", json!({}), 422, "validation_failed"),
        ("book", json!({ "contact_id": deleted }), 422, "unknown_contact"),
        ("reschedule", json!({}), 422, "validation_failed"),
        (
            "reschedule",
            json!({ "starts_at": "2026-01-06T10:00:00Z", "staff_id": NOBODY }),
            422,
            "unknown_staff",
        ),
        ("confirm", json!({ "reason": "x" }), 400, "unknown_field"),
        (
            "cancel",
            json!({ "reason": "x".repeat(1001) }),
            422,
            "validation_failed",
        ),
        ("cancel", json!([]), 400, "PGRST102"),
    ] {
        let answer = send(&shop.scene.ada, &hold, verb, &body).await;
        assert_eq!(
            (answer.status(), answer.code()),
            (status, code.to_owned()),
            "{verb} {body}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_path_names_an_appointment_that_is_there() {
    let shop = Shop::open("UTC", json!({})).await;
    let contact = shop.contact().await;
    for (id, status) in [("x", 400), (NOBODY, 404)] {
        for verb in ["confirm", "complete", "no-show", "cancel"] {
            assert_eq!(
                send(&shop.scene.ada, id, verb, &json!({})).await.status(),
                status,
                "{verb}"
            );
        }
        let to = json!({ "starts_at": "2026-01-06T10:00:00Z" });
        assert_eq!(
            send(&shop.scene.ada, id, "reschedule", &to).await.status(),
            status
        );
        assert_eq!(
            send(&shop.scene.ada, id, "book", &json!({ "contact_id": contact }))
                .await
                .status(),
            status
        );
    }
}

#[tokio::test]
async fn rights_are_those_of_the_records() {
    let shop = Shop::open("UTC", json!({})).await;
    shop.works(&[(2, "09:00", "12:00")]).await;
    let contact = shop.contact().await;
    let made = shop
        .book("2026-01-06T09:00:00Z", &contact)
        .await
        .expect_status(201)
        .field("id");
    let slots = format!("/crm/v1/slots?service={}", shop.service);
    let book =
        json!({ "service_id": shop.service, "starts_at": "2026-01-06T10:00:00Z", "contact_id": contact });
    let confirm = format!("/crm/v1/appointments/{made}/confirm");
    let sees = [
        "appointments:read",
        "schedules:read",
        "services:read",
        "staff:read",
    ];
    for (scopes, statuses) in [
        (&sees[..], [200, 403, 403]),
        (&sees[..3], [403, 403, 403]),
        (&sees[1..], [403, 403, 403]),
        (
            &[
                "appointments:read",
                "appointments:insert",
                "schedules:read",
                "services:read",
                "staff:read",
            ],
            [200, 201, 403],
        ),
        (&["appointments:read", "appointments:update"], [403, 403, 200]),
        (&["contacts:read"], [403, 403, 403]),
    ] {
        let key = shop.scene.acme.key(scopes).await;
        let told = [
            key.get(&slots).await.status(),
            key.post("/crm/v1/appointments/book", &book).await.status(),
            key.post(&confirm, &json!({})).await.status(),
        ];
        assert_eq!(told, statuses, "{scopes:?}");
    }
    // Another tenant has nothing of it.
    let globex = shop.scene.app.tenant("globex").await;
    let gil = globex.member("gil", Member).await;
    assert_eq!(gil.get(&slots).await.expect_status(422).code(), "unknown_service");
    assert_eq!(gil.post(&confirm, &json!({})).await.status(), 404);
    assert_eq!(gil.at(&shop.scene.acme.host()).get(&slots).await.status(), 404);
    assert_eq!(shop.scene.acme.nobody().get(&slots).await.status(), 401);
    // And a template of one's own none of the verbs.
    let scene = Scene::workshop().await;
    assert_eq!(scene.ada.get("/crm/v1/slots").await.status(), 404);
    assert_eq!(
        scene
            .ada
            .ask(Method::POST, "/crm/v1/appointments/book")
            .await
            .status(),
        404
    );
}
