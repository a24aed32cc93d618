//! Many who want the same slots.

use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::future::join_all;
use serde_json::json;

use super::*;

/// How many ask at once.
const CLIENTS: usize = 80;

/// What each of them asks for, one after the other.
const ATTEMPTS: usize = 6;

/// The slots of two days.
const SLOTS: [&str; 6] = [
    "2026-01-06T09:00:00Z",
    "2026-01-06T10:00:00Z",
    "2026-01-06T11:00:00Z",
    "2026-01-07T09:00:00Z",
    "2026-01-07T10:00:00Z",
    "2026-01-07T11:00:00Z",
];

/// A shop with three people and so many connections that its clients meet in the database.
async fn crowded() -> (Shop, Vec<String>, String) {
    let scene = Scene::with(|settings| {
        settings.tenants.lanes.lanes = 32;
        settings.tenants.lanes.share = 32;
    });
    let shop = Shop::open_in(scene.await, "UTC", json!({})).await;
    let hours = [(2, "09:00", "12:00"), (3, "09:00", "12:00")];
    shop.works(&hours).await;
    let mut people = vec![shop.ann.clone()];
    for name in ["Ben", "Cid"] {
        people.push(shop.hire(name, "UTC", &hours).await);
    }
    let contact = shop.contact().await;
    (shop, people, contact)
}

/// How many deadlocks there have been in the shop's database, and how many pairs of appointments keep somebody busy at once.
async fn trouble(shop: &Shop) -> (i64, i64) {
    let superuser = shop.scene.app.db().as_superuser().await;
    let schema = &shop.scene.acme.tenant.schema;
    let sql = format!(
        "select (select d.deadlocks from pg_stat_database d where d.datname = current_database()),
                (select count(*) from {schema}.appointments a join {schema}.appointments b
                     on a.id < b.id and a.staff_id = b.staff_id and a.busy && b.busy
                  where a.status in ('held', 'scheduled', 'confirmed') and b.status in ('held', 'scheduled', 'confirmed'))"
    );
    let row = superuser.query_one(&sql, &[]).await.expect("an answer");
    (row.get(0), row.get(1))
}

/// Counts answers by status and code; anything but success and a slot that is taken is a failure.
fn tally(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        let told = match answer.status() {
            200 | 201 => answer.status().to_string(),
            status => format!("{status} {}", answer.code()),
        };
        let is_fair = ["200", "201", "409 slot_taken"].contains(&told.as_str());
        assert!(is_fair, "{told}: {}", answer.text());
        *counts.entry(told).or_insert(0) += 1;
    }
    counts
}

/// Different for each client and attempt, and the same in each run.
fn pick(client: usize, attempt: usize, of: usize) -> usize {
    let number = client * 2 * ATTEMPTS + attempt + 1;
    (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) % of
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eighty_clients_never_book_anybody_twice() {
    let (shop, people, contact) = crowded().await;
    let ask = |client: usize| {
        let (shop, people, contact) = (&shop, &people, &contact);
        async move {
            let mut answers = Vec::new();
            for attempt in 0..ATTEMPTS {
                let starts_at = SLOTS[pick(client, attempt, SLOTS.len())];
                let mut body = json!({ "service_id": shop.service, "starts_at": starts_at });
                // Some name somebody, some do not mind, some only hold.
                if client.is_multiple_of(2) {
                    body["staff_id"] = json!(people[pick(client, ATTEMPTS + attempt, people.len())]);
                }
                let verb = if client.is_multiple_of(5) { "hold" } else { "book" };
                if verb == "book" {
                    body["contact_id"] = json!(contact);
                }
                let path = format!("/crm/v1/appointments/{verb}");
                answers.push(shop.scene.ada.post(&path, &body).await);
            }
            answers
        }
    };
    let began = Instant::now();
    let answers = join_all((0..CLIENTS).map(ask)).await.concat();
    let took = began.elapsed();
    let counts = tally(&answers);
    let (deadlocks, overlaps) = trouble(&shop).await;
    let figure = format!(
        "{CLIENTS} clients, {} attempts in {took:?}: {counts:?}, {overlaps} overlaps, {deadlocks} deadlocks",
        answers.len()
    );
    crate::tell(&figure);
    assert_eq!((overlaps, deadlocks), (0, 0));
    // Every place was wanted, so every place is taken.
    assert_eq!(counts["201"], SLOTS.len() * people.len());
    assert!(shop.free("from=2026-01-06&to=2026-01-07").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eighty_clients_move_appointments_past_each_other() {
    let (shop, people, contact) = crowded().await;
    let mut made = Vec::new();
    for starts_at in &SLOTS[..3] {
        for _ in &people {
            made.push(
                shop.book(starts_at, &contact)
                    .await
                    .expect_status(201)
                    .field("id"),
            );
        }
    }
    let ask = |client: usize| {
        let (shop, people, made, contact) = (&shop, &people, &made, &contact);
        async move {
            let mut answers = Vec::new();
            for attempt in 0..ATTEMPTS {
                let starts_at = SLOTS[pick(client, attempt, SLOTS.len())];
                let staff = &people[pick(client, ATTEMPTS + attempt, people.len())];
                let answer = if client.is_multiple_of(8) {
                    // A stranger among those who move, through the front door.
                    shop.book(starts_at, contact).await
                } else {
                    let id = &made[pick(client, attempt, made.len())];
                    send(
                        &shop.scene.ada,
                        id,
                        "reschedule",
                        &json!({ "starts_at": starts_at, "staff_id": staff }),
                    )
                    .await
                };
                answers.push(answer);
            }
            answers
        }
    };
    let began = Instant::now();
    let answers = join_all((0..CLIENTS).map(ask)).await.concat();
    let took = began.elapsed();
    let counts = tally(&answers);
    let (deadlocks, overlaps) = trouble(&shop).await;
    let figure = format!(
        "{CLIENTS} clients, {} moves in {took:?}: {counts:?}, {overlaps} overlaps, {deadlocks} deadlocks",
        answers.len()
    );
    crate::tell(&figure);
    assert_eq!((overlaps, deadlocks), (0, 0));
    assert!(counts["200"] > 0 && counts["201"] > 0);
}
