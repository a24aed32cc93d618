//! A tenant that is moved to another database while it is read and written: no write that was acknowledged is lost or done
//! twice, and whoever cannot write is told to come back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use catalog::moves::{self, Target};
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tenant_schema::lifecycle::relocate::Relocated;
use tests::app::{Client, TestApp};
use tests::{TestDb, TestTenant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::scene::Scene;
use crate::lifecycle::relocate::{Asked, relocate};

/// What somebody saw.
#[derive(Default)]
struct Seen {
    /// How many answers there were of each status and code.
    answers: BTreeMap<String, usize>,
    /// The records that were acknowledged.
    written: BTreeSet<String>,
    /// The longest time in which nothing could be written.
    gap: Duration,
}

impl Seen {
    fn note(&mut self, status: u16, code: &str) {
        *self.answers.entry(format!("{status} {code}")).or_default() += 1;
    }
}

/// Somebody who asks here until he is told that it is elsewhere, and then there, with the same key.
struct Worker {
    here: Client,
    there: Client,
    stop: watch::Receiver<bool>,
}

impl Worker {
    /// Writes one record after the other, each under a key of its own until it is acknowledged.
    async fn writes(mut self, number: usize) -> Seen {
        let mut seen = Seen::default();
        let mut client = self.here.clone();
        let mut last = Instant::now();
        for n in 0.. {
            let name = format!("{number}-{n}");
            loop {
                if *self.stop.borrow_and_update() {
                    return seen;
                }
                let answer = client
                    .post("/rest/v1/tags", &json!({ "name": name }))
                    .header("idempotency-key", &name)
                    .await;
                let status = answer.status();
                if status == 201 {
                    seen.gap = seen.gap.max(last.elapsed());
                    last = Instant::now();
                    seen.note(status, "");
                    seen.written.insert(name);
                    break;
                }
                seen.note(status, &answer.code());
                match status {
                    503 => assert!(answer.header("retry-after").is_some(), "{}", answer.text()),
                    421 => client = self.there.clone(),
                    _ => panic!("{status}: {}", answer.text()),
                }
                tokio::task::yield_now().await;
            }
        }
        seen
    }

    /// Reads one page after the other.
    async fn reads(mut self) -> Seen {
        let mut seen = Seen::default();
        let mut client = self.here.clone();
        while !*self.stop.borrow_and_update() {
            let answer = client.get("/rest/v1/companies?select=id&limit=5").await;
            let code = if answer.status() == 200 {
                String::new()
            } else {
                answer.code()
            };
            seen.note(answer.status(), &code);
            match answer.status() {
                200 => {}
                // A refusal waits for nothing: whoever asks on and on would leave nobody else a thread.
                503 => tokio::task::yield_now().await,
                421 => client = self.there.clone(),
                status => panic!("{status}: {}", answer.text()),
            }
        }
        seen
    }
}

/// Somebody at psql, who hears of nothing and only finds himself shut out.
async fn at_psql(db: Arc<TestDb>, tenant: TestTenant, mut stop: watch::Receiver<bool>) -> BTreeSet<String> {
    let session = db.as_server().await;
    let role = format!("set role {}", tenant.schema.read_write_role());
    session.batch_execute(&role).await.expect("the server may");
    let mut written = BTreeSet::new();
    for n in 0.. {
        if *stop.borrow_and_update() {
            break;
        }
        let name = format!("psql-{n}");
        let insert = format!("insert into {}.tags (name) values ('{name}')", tenant.schema);
        match session.batch_execute(&insert).await {
            Ok(()) => {
                written.insert(name);
            }
            Err(error) => {
                assert_eq!(
                    error.code().map(tokio_postgres::error::SqlState::code),
                    Some("42501")
                );
                break;
            }
        }
    }
    written
}

async fn tags(db: &TestDb, schema: &str) -> Vec<String> {
    let sql = format!("select name from {schema}.tags order by name");
    let rows = db.as_superuser().await.query(&sql, &[]).await.expect("tags");
    rows.iter().map(|row| row.get(0)).collect()
}

/// Waits until so many tags have been written.
async fn has_so_many(db: &TestDb, schema: &str, count: usize) {
    while tags(db, schema).await.len() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_are_here_before_it_or_there_after_it_and_nowhere_twice() {
    let here = TestApp::new().await;
    let there = TestApp::new().await;
    let acme = here.tenant("acme").await;
    let key = acme.key(&["*:*"]).await;
    let tenant = acme.tenant.clone();
    // Long enough to copy that everybody is held off for a while.
    let fill = format!(
        "insert into {}.companies (name) select 'Company ' || n from generate_series(1, 20000) n",
        tenant.schema
    );
    here.db()
        .as_owner()
        .await
        .batch_execute(&fill)
        .await
        .expect("records");
    let (stop, stopped) = watch::channel(false);
    let worker = || Worker {
        here: key.client(),
        there: key.client().through(&there),
        stop: stopped.clone(),
    };
    let writers: Vec<_> = (0..4).map(|n| tokio::spawn(worker().writes(n))).collect();
    let readers: Vec<_> = (0..2).map(|_| tokio::spawn(worker().reads())).collect();
    let psql = tokio::spawn(at_psql(here.shared_db(), tenant.clone(), stopped.clone()));
    has_so_many(here.db(), tenant.schema.as_str(), 100).await;
    let moved = relocate(here.db(), there.db(), (None, None), "acme", Asked::default()).await;
    let Ok(Relocated::Now(moved)) = moved else {
        panic!("{moved:?}");
    };
    let arrived = tags(there.db(), moved.schema.as_str()).await.len();
    has_so_many(there.db(), moved.schema.as_str(), arrived + 100).await;
    stop.send(true).expect("somebody works");
    let mut written = psql.await.expect("no panic");
    let (by_http, gap) = writers_were_told(writers).await;
    written.extend(by_http);
    readers_went_on(readers).await;
    let found = tags(there.db(), moved.schema.as_str()).await;
    let once: BTreeSet<String> = found.iter().cloned().collect();
    assert_eq!(found.len(), once.len(), "nothing is there twice");
    assert_eq!(once, written, "what was acknowledged and nothing else");
    // The left one has nothing that is not there.
    let left = tags(here.db(), tenant.schema.as_str()).await;
    assert!(left.iter().all(|name| once.contains(name)));
    assert!(
        gap < moved.pause + Duration::from_secs(2),
        "{gap:?}, {:?}",
        moved.pause
    );
    crate::tell(&format!(
        "moved under load: {} writes kept, writes paused {:?}, longest gap of a writer {gap:?}",
        once.len(),
        moved.pause
    ));
}

/// What was acknowledged to them, and the longest time that one of them had to wait.
async fn writers_were_told(writers: Vec<JoinHandle<Seen>>) -> (BTreeSet<String>, Duration) {
    let (mut written, mut gap) = (BTreeSet::new(), Duration::ZERO);
    for seen in join_all(writers).await {
        let seen = seen.expect("no panic");
        crate::tell(&format!(
            "a writer: {:?}, longest gap {:?}",
            seen.answers, seen.gap
        ));
        gap = gap.max(seen.gap);
        assert!(
            seen.answers.contains_key("503 tenant_moving"),
            "{:?}",
            seen.answers
        );
        written.extend(seen.written);
    }
    (written, gap)
}

async fn readers_went_on(readers: Vec<JoinHandle<Seen>>) {
    for seen in join_all(readers).await {
        let seen = seen.expect("no panic");
        let read = seen.answers["200 "];
        crate::tell(&format!("a reader: {:?}", seen.answers));
        assert!(read > 100, "readers go on: {:?}", seen.answers);
        assert!(
            !seen.answers.contains_key("503 tenant_moving"),
            "{:?}",
            seen.answers
        );
    }
}

#[tokio::test]
async fn an_answer_that_was_kept_is_given_again_by_the_other_database() {
    let here = TestApp::new().await;
    let there = TestApp::new().await;
    let acme = here.tenant("acme").await;
    let key = acme.key(&["*:*"]).await;
    let tag = json!({ "name": "once" });
    let write = async |client: &Client| {
        let ask = client
            .post("/rest/v1/tags", &tag)
            .header("idempotency-key", "k-1");
        ask.header("prefer", "return=representation").await
    };
    let first = write(&key.client()).await.expect_status(201).json();
    let moved = relocate(here.db(), there.db(), (None, None), "acme", Asked::default()).await;
    assert!(matches!(moved, Ok(Relocated::Now(_))), "{moved:?}");
    let gone = write(&key.client()).await;
    assert_eq!(
        (gone.status(), gone.code()),
        (421, "tenant_moved".to_owned()),
        "{}",
        gone.text()
    );
    let again = write(&key.client().through(&there)).await.expect_status(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.json(), first);
    let all: Value = key
        .client()
        .through(&there)
        .get("/rest/v1/tags?select=name")
        .await
        .json();
    assert_eq!(all, json!([{ "name": "once" }]));
}

/// While it is copied nothing is written by any way, and reading goes on.
#[tokio::test]
async fn a_pause_is_one_for_verbs_as_for_records() {
    let scene = Scene::set().await;
    let db = scene.app.db();
    let mut tx = db.catalog().begin().await.expect("a transaction");
    let target = Target {
        name: "db2".to_owned(),
        identity: "1/2".to_owned(),
    };
    let (id, until) = (
        scene.acme.tenant.organization,
        db.source().now() + TimeDelta::minutes(1),
    );
    let how = (db.source().uuid(), &target);
    let announced = moves::announce(&mut tx, id, how, until, &db.actor(), db.source()).await;
    announced.expect("announced");
    tx.commit().await.expect("committed");
    // The server hears of it a moment later.
    let tag = json!({ "name": "late" });
    while scene.ada.post("/rest/v1/tags", &tag).await.status() != 503 {
        tokio::task::yield_now().await;
    }
    let deal = format!("/crm/v1/deals/{id}/win");
    for path in [deal.as_str(), "/crm/v1/appointments/book", "/rest/v1/tags"] {
        let refused = scene.ada.post(path, &json!({})).await;
        assert_eq!(
            (refused.status(), refused.code()),
            (503, "tenant_moving".to_owned()),
            "{path}: {}",
            refused.text()
        );
        assert_eq!(refused.header("retry-after"), Some("1"), "{path}");
    }
    let read = scene.ada.get("/rest/v1/tags?select=name").await;
    assert_eq!(read.status(), 200, "{}", read.text());
    let slots = scene.ada.get("/crm/v1/slots").await;
    assert_ne!(slots.code(), "tenant_moving", "{}", slots.text());
}
