//! The rows are the same each time, and make sense.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

fn base() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap()
}

fn small(seed: &str) -> Vec<Batch> {
    batches(seed, &[], base(), Size::Small)
}

/// What each batch says, whole.
fn texts(batches: &[Batch]) -> Vec<(&'static str, String)> {
    let whole = |batch: &Batch| (batch.sql, batch.chunks(usize::MAX).collect());
    batches.iter().map(whole).collect()
}

fn rows(batches: &[Batch], sql: &str) -> Vec<Value> {
    let batch = batches.iter().find(|batch| batch.sql == sql).unwrap();
    let chunks = batch.chunks(7);
    let chunks = chunks.map(|chunk| serde_json::from_str::<Vec<Value>>(&chunk).unwrap());
    chunks.flatten().collect()
}

#[test]
fn the_same_seed_gives_the_same_rows() {
    let members = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let made = || texts(&batches("acme", &members, base(), Size::Small));
    assert_eq!(made(), made());
}

#[test]
fn another_seed_gives_other_rows() {
    let (acme, globex) = (texts(&small("acme")), texts(&small("globex")));
    for (one, other) in acme.iter().zip(&globex) {
        assert_eq!(one.0, other.0);
        assert_ne!(one.1, other.1);
    }
}

#[test]
fn a_tenant_gets_a_few_hundred_rows() {
    let batches = small("initech");
    let count = |sql| rows(&batches, sql).len();
    assert_eq!(count(INSERT_COMPANIES), 40);
    assert_eq!(count(INSERT_CONTACTS), 180);
    assert_eq!(count(INSERT_DEALS), 90);
    assert_eq!(count(INSERT_ACTIVITIES), 150);
    assert_eq!(count(INSERT_NOTES), 60);
    assert_eq!(count(INSERT_NOTE_TARGETS), 80);
    assert_eq!((count(INSERT_SERVICES), count(INSERT_STAFF)), (3, 1));
    assert!(count(INSERT_APPOINTMENTS) > 10);
}

#[test]
fn no_two_contacts_share_an_address() {
    for seed in ["acme", "globex", "initech", "umbrella", ""] {
        let contacts = rows(&small(seed), INSERT_CONTACTS);
        let emails: BTreeSet<&str> = contacts
            .iter()
            .map(|row| row["email"].as_str().unwrap())
            .collect();
        assert_eq!(emails.len(), contacts.len());
        assert!(emails.iter().all(|email| email.is_ascii()));
    }
}

#[test]
fn every_lost_deal_has_a_reason_and_nothing_has_happened_yet_in_the_future() {
    let batches = small("acme");
    let moves = batches.iter().filter(|batch| batch.sql == MOVE_DEALS);
    let moves: Vec<Value> = moves
        .flat_map(|batch| batch.chunks(usize::MAX))
        .flat_map(|chunk| serde_json::from_str::<Vec<Value>>(&chunk).unwrap())
        .collect();
    for step in &moves {
        assert_eq!(step["stage"] == "Lost", step["lost_reason"].is_string());
        let entered_at: DateTime<Utc> = step["entered_at"].as_str().unwrap().parse().unwrap();
        assert!(entered_at < base());
    }
}

#[test]
fn ids_are_of_version_7() {
    for row in rows(&small("acme"), INSERT_CONTACTS) {
        let id: Uuid = row["id"].as_str().unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 7);
    }
}

#[test]
fn namesakes_of_a_larger_tenant_are_told_apart() {
    let made = batches("acme", &[], base(), Size::Medium);
    let distinct = |sql, column: &str| {
        let all = rows(&made, sql);
        let texts: BTreeSet<&str> = all.iter().map(|row| row[column].as_str().unwrap()).collect();
        assert_eq!(texts.len(), all.len(), "{column}");
        all.len()
    };
    assert_eq!(distinct(INSERT_COMPANIES, "domain"), 1_500);
    assert_eq!(distinct(INSERT_CONTACTS, "email"), 8_000);
    let ids = [INSERT_DEALS, INSERT_ACTIVITIES, INSERT_NOTES].map(|sql| distinct(sql, "id"));
    assert_eq!(ids, [90 * 36, 6_000, 2_000]);
}
