//! Two tenants over one and the same connection: interleaved, at once, and after everything that can go wrong.

use std::future::IntoFuture as _;
use std::pin::pin;
use std::task::Poll;

use catalog::memberships::MemberRole::Admin;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::TestApp;
use tests::app::{AppTenant, Ask, PASSWORD, Person};
use tests::database::one_connection;

struct Scene {
    acme: (AppTenant, Person),
    globex: (AppTenant, Person),
}

impl Scene {
    async fn set() -> Self {
        let app = TestApp::with(|settings| {
            settings.tenants = one_connection();
            settings.catalog.size = 1;
        })
        .await;
        let mut both = Vec::new();
        for slug in ["acme", "globex"] {
            let tenant = app.tenant(slug).await;
            let admin = tenant.member("admin", Admin).await;
            for n in 0..5 {
                add(&admin, slug, n).await.expect_status(201);
            }
            both.push((tenant, admin));
        }
        let globex = both.pop().expect("two were made");
        Self {
            globex,
            acme: both.pop().expect("two were made"),
        }
    }

    /// Each writes what stays, then sees its own contacts, all of them, and nothing else.
    async fn is_right(&self, after: &str) {
        for (tenant, admin) in [&self.globex, &self.acme] {
            let slug = tenant.tenant.slug.as_str();
            let added = add(admin, slug, 0).await;
            assert_eq!(added.status(), 201, "{slug}, after {after}: {}", added.text());
            let rows = admin.get("/rest/v1/contacts?select=last_name").await;
            assert_own(&rows.expect_status(200).json(), slug, after);
        }
    }
}

fn add(who: &Person, slug: &str, n: usize) -> Ask {
    who.post(
        "/rest/v1/contacts",
        &json!({ "first_name": format!("n{n}"), "last_name": slug }),
    )
}

#[track_caller]
fn assert_own(rows: &Value, slug: &str, after: &str) {
    let rows = rows.as_array().expect("an array");
    assert!(rows.len() >= 5, "{slug} has its contacts, after {after}");
    assert!(
        rows.iter().all(|row| row["last_name"] == slug),
        "{slug} sees its own only, after {after}: {rows:?}"
    );
}

#[tokio::test]
async fn five_hundred_requests_in_turn() {
    let scene = Scene::set().await;
    for n in 0..500 {
        let (tenant, admin) = if n % 2 == 0 { &scene.acme } else { &scene.globex };
        let slug = tenant.tenant.slug.as_str();
        if n % 10 < 2 {
            add(admin, slug, n).await.expect_status(201);
        } else {
            let rows = admin
                .get("/rest/v1/contacts?select=last_name")
                .await
                .expect_status(200)
                .json();
            assert_own(&rows, slug, "another's turn");
        }
    }
    let (tenant, admin) = &scene.acme;
    let all = admin.get("/rest/v1/contacts?select=last_name").await.json();
    assert_eq!(all.as_array().map(Vec::len), Some(55), "{}", tenant.tenant.slug);
}

#[tokio::test]
async fn five_hundred_requests_at_once() {
    let scene = Scene::set().await;
    let asks = (0..500).map(|n| {
        let (tenant, admin) = if n % 2 == 0 { &scene.acme } else { &scene.globex };
        let slug = tenant.tenant.slug.as_str();
        async move {
            if n % 10 < 2 {
                add(admin, slug, n).await.expect_status(201);
            } else {
                let rows = admin
                    .get("/rest/v1/contacts?select=last_name")
                    .await
                    .expect_status(200)
                    .json();
                assert_own(&rows, slug, "many at once");
            }
        }
    });
    join_all(asks).await;
}

#[tokio::test]
async fn after_every_kind_of_error() {
    let scene = Scene::set().await;
    let (_, admin) = &scene.acme;
    let twin = json!({ "email": "twin@example.com", "last_name": "acme" });
    admin.post("/rest/v1/contacts", &twin).await.expect_status(201);
    let stage = admin
        .get("/rest/v1/stages?select=id&kind=eq.open&limit=1")
        .await
        .json();
    let stage = stage[0]["id"].as_str().expect("a stage");
    for (what, ask, status) in [
        ("a duplicate", admin.post("/rest/v1/contacts", &twin), 409),
        (
            "a check",
            admin.post("/rest/v1/contacts", &json!({ "first_name": "x", "status": "no" })),
            422,
        ),
        (
            "a missing value",
            admin.post("/rest/v1/companies", &json!({ "domain": "x" })),
            422,
        ),
        (
            "a foreign key",
            admin.patch(
                "/rest/v1/contacts?status=eq.lead",
                &json!({ "company_id": stage }),
            ),
            409,
        ),
        ("a bad value", admin.get("/rest/v1/contacts?id=eq.x"), 400),
        (
            "a bad number",
            admin.post("/rest/v1/deals", &json!({ "title": "x", "value": "1e999999" })),
            400,
        ),
        (
            "a deferred check",
            admin.patch(
                "/rest/v1/stages?kind=eq.open",
                &json!({ "archived_at": "2026-01-01" }),
            ),
            422,
        ),
        ("a syntax error", admin.get("/rest/v1/contacts?id=is"), 400),
    ] {
        let answer = ask.await;
        assert_eq!(answer.status(), status, "{what}: {}", answer.text());
        scene.is_right(what).await;
    }
}

/// Polls a request a number of times; `None` when it was not answered by then. It is dropped with what it holds.
async fn cut(ask: Ask, polls: usize) -> Option<u16> {
    let mut future = pin!(ask.into_future());
    let mut left = polls;
    std::future::poll_fn(move |context| match future.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer.status())),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn after_requests_that_were_given_up_at_every_point() {
    let scene = Scene::set().await;
    let (_, admin) = &scene.acme;
    let mut cuts = 0;
    for round in 0..60 {
        // Half of the requests are new to the connection and have to be prepared, the others are known.
        let label = format!("l{}", if round < 30 { round } else { 0 });
        for ask in [
            add(admin, "acme", round),
            admin.get(&format!("/rest/v1/contacts?select={label}:last_name")),
            admin.patch(
                &format!("/rest/v1/contacts?select={label}:id&first_name=eq.n1"),
                &json!({ "phone": label }),
            ),
        ] {
            cuts += usize::from(cut(ask, round % 6).await.is_none());
            scene.is_right("a request that was given up").await;
        }
    }
    assert!(
        (30..150).contains(&cuts),
        "requests were given up in the middle, and some answered: {cuts}"
    );
}

#[tokio::test]
async fn after_exchanges_that_were_given_up_at_every_point() {
    let scene = Scene::set().await;
    let (acme, admin) = &scene.acme;
    let superuser = acme.db().as_superuser().await;
    let mut cuts = 0;
    for polls in 0..24 {
        let signed_in = acme
            .sign_in(admin.user.email.as_str(), PASSWORD)
            .await
            .expect_status(200);
        let body = json!({ "refresh_token": signed_in.field("refresh_token") });
        let exchange = acme
            .nobody()
            .post("/auth/v1/token?grant_type=refresh_token", &body);
        cuts += usize::from(cut(exchange, polls / 2).await.is_none());
        // Whatever comes next on the same connection must not make half an exchange permanent.
        let next = json!({ "email": format!("new{polls}@example.com"), "password": PASSWORD });
        let next = scene.globex.0.nobody().post("/auth/v1/signup", &next);
        next.await.expect_status(200);
        let half = superuser
            .query_one(SPENT_FOR_NOTHING, &[])
            .await
            .expect("a superuser sees it");
        assert_eq!(
            half.get::<_, i64>(0),
            0,
            "tokens spent without a successor, cut after {polls}"
        );
    }
    assert!(
        (4..24).contains(&cuts),
        "some were given up in the middle, and some answered: {cuts}"
    );
}

const SPENT_FOR_NOTHING: &str = "\
    select count(*) from catalog.refresh_tokens t \
    where t.used_at is not null \
      and not exists (select from catalog.refresh_tokens s where s.rotated_from = t.id)";

#[tokio::test]
async fn after_panics_in_the_middle() {
    let scene = Scene::set().await;
    let (_, admin) = &scene.acme;
    for polls in 0..12 {
        let ask = add(admin, "acme", polls);
        let panicking = tokio::spawn(async move {
            let mut future = pin!(ask.into_future());
            let mut left = polls;
            std::future::poll_fn(move |context| {
                assert!(left > 0, "the task panics while its request is under way");
                left -= 1;
                future.as_mut().poll(context)
            })
            .await
            .status()
        });
        let _answered_or_not = panicking.await;
        scene.is_right("a panic").await;
    }
}

#[tokio::test]
async fn after_a_handler_panicked() {
    let scene = Scene::set().await;
    let (_, admin) = &scene.acme;
    let answer = admin.post("/rest/v1/contacts", &json!({})).panicking_body().await;
    assert_eq!(
        (answer.status(), answer.code()),
        (500, "internal_error".to_owned())
    );
    assert!(!answer.text().contains("on purpose"), "{}", answer.text());
    scene.is_right("a handler's panic").await;
}
