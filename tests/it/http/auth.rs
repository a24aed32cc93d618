//! Identity: no answer tells who exists, no token outlives what it stands for.

mod audit;
mod forgery;
mod lock;
mod rotation;

use catalog::changes::Change;
use catalog::memberships::MemberRole::{Admin, Member};
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::TestApp;
use tests::app::{Client, PASSWORD};

async fn user(client: &Client) -> (u16, String) {
    let answer = client.get("/auth/v1/user").await;
    let code = if answer.status() < 400 {
        String::new()
    } else {
        answer.code()
    };
    (answer.status(), code)
}

const SIGNED_OUT: u16 = 401;

#[tokio::test]
async fn signing_up_answers_known_and_unknown_addresses_alike() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    let sign_up = async |email: &str| {
        let body = json!({ "email": email, "password": "another good password", "data": { "name": "Ann" } });
        let answer = acme
            .nobody()
            .post("/auth/v1/signup", &body)
            .await
            .expect_status(200);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let mut json = answer.json();
        for varies in ["id", "email"] {
            assert!(json[varies].is_string(), "{json}");
            json[varies] = Value::Null;
        }
        json
    };
    assert_eq!(
        sign_up(ann.user.email.as_str()).await,
        sign_up("new@example.com").await
    );
    // The known account is as it was, the new one is a member of nothing yet.
    acme.sign_in(ann.user.email.as_str(), PASSWORD)
        .await
        .expect_status(200);
    for (email, password) in [
        ("new@example.com", "another good password"),
        ("ann@acme.test", "another good password"),
    ] {
        acme.sign_in(email, password).await.expect_status(400);
    }
}

#[tokio::test]
async fn signing_up_tells_everything_that_is_wrong() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    for (body, status, code) in [
        (
            json!({ "email": "ann", "password": "correct horse" }),
            422,
            "email_address_invalid",
        ),
        (
            json!({ "email": "ann@example.com", "password": "short" }),
            422,
            "weak_password",
        ),
        (
            json!({ "email": "ann@example.com", "password": "ann@example.com" }),
            422,
            "weak_password",
        ),
        (
            json!({ "email": "ann@example.com", "password": "a\0bcdefghijkl" }),
            422,
            "validation_failed",
        ),
        (
            json!({ "email": "ann", "password": "x".repeat(300) }),
            422,
            "validation_failed",
        ),
        (json!({ "email": "ann@example.com" }), 400, "validation_failed"),
        (json!({ "email": 1, "password": true }), 400, "validation_failed"),
        (json!([]), 400, "validation_failed"),
    ] {
        let answer = acme.nobody().post("/auth/v1/signup", &body).await;
        assert_eq!(
            (answer.status(), answer.code().as_str()),
            (status, code),
            "{body}"
        );
        assert_eq!(answer.field("error_code"), answer.code());
        assert_eq!(answer.field("msg"), answer.field("message"));
    }
}

#[tokio::test]
async fn every_refused_sign_in_is_the_same_answer() {
    let app = TestApp::new().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let ann = acme.member("ann", Member).await;
    let disabled = acme.member("dan", Member).await;
    let former = acme.member("fay", Member).await;
    let stranger = globex.member("bob", Member).await;
    let nobody_yet = acme.account("new").await;
    let no_password = app.db().user("none@acme.test").await;
    acme.disable(disabled.user.id).await;
    acme.dismiss(former.membership.id).await;
    let expected = acme
        .sign_in(ann.user.email.as_str(), "wrong password")
        .await
        .expect_status(400);
    assert_eq!(expected.code(), "invalid_credentials");
    let long = "x".repeat(1000);
    for (case, email, password) in [
        ("unknown", "nobody@example.com", PASSWORD),
        ("disabled", disabled.user.email.as_str(), PASSWORD),
        ("former member", former.user.email.as_str(), PASSWORD),
        ("member elsewhere", stranger.user.email.as_str(), PASSWORD),
        ("member of nothing", nobody_yet.email.as_str(), PASSWORD),
        ("without a password", no_password.email.as_str(), PASSWORD),
        ("an empty password", ann.user.email.as_str(), ""),
        ("an endless password", ann.user.email.as_str(), long.as_str()),
        ("a NUL", ann.user.email.as_str(), "\0"),
        ("no address", "ann", PASSWORD),
        ("SQL", "' or 1=1 --@example.com", PASSWORD),
    ] {
        let answer = acme.sign_in(email, password).await;
        assert_eq!(
            (answer.status(), answer.anonymous()),
            (400, expected.anonymous()),
            "{case}"
        );
    }
    acme.sign_in(
        &format!("  {}  ", ann.user.email.as_str().to_uppercase()),
        PASSWORD,
    )
    .await
    .expect_status(200);
}

#[tokio::test]
async fn ten_wrong_passwords_close_the_account_for_a_while() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    let email = ann.user.email.as_str();
    for _ in 0..10 {
        acme.sign_in(email, "wrong").await.expect_status(400);
    }
    let locked = acme.sign_in(email, PASSWORD).await.expect_status(400);
    assert_eq!(locked.code(), "invalid_credentials");
    assert_eq!(user(&ann).await.0, 200, "who is signed in stays so");
    app.clock().advance(TimeDelta::seconds(31));
    acme.sign_in(email, PASSWORD).await.expect_status(200);
}

#[tokio::test]
async fn a_session_has_the_shape_clients_expect() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Admin).await;
    let session = acme.sign_in(ann.user.email.as_str(), PASSWORD).await.json();
    assert_eq!(session["token_type"], "bearer");
    assert_eq!(session["expires_in"], 600);
    assert_eq!(session["expires_at"], app.clock_seconds() + 600);
    let (id, member) = (ann.user.id.to_string(), ann.membership.id.to_string());
    let now = "2026-01-05T09:00:00Z";
    let expected = json!({
        "id": id, "aud": "authenticated", "role": "authenticated", "email": "ann@acme.test", "phone": "",
        "email_confirmed_at": null, "last_sign_in_at": now, "created_at": now,
        "updated_at": session["user"]["updated_at"],
        "app_metadata": {
            "provider": "email", "providers": ["email"], "member_id": member, "member_role": "admin",
        },
        "user_metadata": { "display_name": "ann" }, "identities": [], "is_anonymous": false,
    });
    assert_eq!(session["user"], expected);
    assert_eq!(ann.get("/auth/v1/user").await.expect_status(200).json(), expected);
}

#[tokio::test]
async fn a_refresh_token_is_good_once_and_its_return_ends_the_session() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    let other = acme
        .sign_in(ann.user.email.as_str(), PASSWORD)
        .await
        .field("access_token");
    let second = acme.refresh(&ann.refresh).await.expect_status(200);
    assert_ne!(second.field("refresh_token"), ann.refresh);
    let access = acme.nobody().bearer(&second.field("access_token"));
    assert_eq!(user(&access).await.0, 200);

    let raced = acme.refresh(&ann.refresh).await;
    assert_eq!(
        (raced.status(), raced.code()),
        (409, "conflict".to_owned()),
        "two tabs are no theft"
    );
    assert_eq!(user(&access).await.0, 200);

    app.clock().advance(TimeDelta::seconds(11));
    let reused = acme.refresh(&ann.refresh).await;
    assert_eq!(
        (reused.status(), reused.code()),
        (400, "refresh_token_already_used".to_owned())
    );
    for client in [&access, &ann.client()] {
        assert_eq!(user(client).await.0, SIGNED_OUT);
    }
    let successor = acme.refresh(&second.field("refresh_token")).await;
    assert_eq!(
        (successor.status(), successor.code()),
        (400, "refresh_token_not_found".to_owned())
    );
    assert_eq!(
        user(&acme.nobody().bearer(&other)).await.0,
        200,
        "another session of the person goes on"
    );
}

#[tokio::test]
async fn of_thirty_two_exchanges_at_once_one_succeeds() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    let answers = join_all((0..32).map(|_| acme.refresh(&ann.refresh))).await;
    let count = |status| answers.iter().filter(|answer| answer.status() == status).count();
    assert_eq!((count(200), count(409)), (1, 31));
    let winner = answers.iter().find(|answer| answer.status() == 200).expect("one");
    acme.refresh(&winner.field("refresh_token"))
        .await
        .expect_status(200);
}

#[tokio::test]
async fn refresh_tokens_and_sessions_come_to_their_end() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    app.clock().advance(TimeDelta::days(29));
    let second = acme
        .refresh(&ann.refresh)
        .await
        .expect_status(200)
        .field("refresh_token");
    app.clock().advance(TimeDelta::days(29));
    let third = acme
        .refresh(&second)
        .await
        .expect_status(200)
        .field("refresh_token");
    app.clock().advance(TimeDelta::days(29));
    let fourth = acme
        .refresh(&third)
        .await
        .expect_status(200)
        .field("refresh_token");
    app.clock().advance(TimeDelta::days(4));
    acme.refresh(&fourth).await.expect_status(400);
    let dan = acme.member("dan", Member).await;
    app.clock().advance(TimeDelta::days(31));
    acme.refresh(&dan.refresh).await.expect_status(400);
}

#[tokio::test]
async fn signing_out_ends_the_access_token_at_once_on_every_instance() {
    let app = TestApp::new().await;
    let beside = app.beside().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    let there = ann.through(&beside);
    for client in [&ann.client(), &there] {
        assert_eq!(user(client).await.0, 200);
        assert_eq!(user(client).await.0, 200);
    }
    let session = session_of(&ann.token);
    let news = beside.news();
    ann.ask(axum::http::Method::POST, "/auth/v1/logout")
        .await
        .expect_status(204);
    assert_eq!(user(&ann).await.0, SIGNED_OUT);
    news.tell(Change::Session(session)).await;
    assert_eq!(user(&there).await.0, SIGNED_OUT);
    let refused = acme.refresh(&ann.refresh).await;
    assert_eq!(
        (refused.status(), refused.code()),
        (400, "refresh_token_not_found".to_owned())
    );
}

fn session_of(token: &str) -> catalog::ids::SessionId {
    let claims = forgery::claims(token);
    claims["sid"]
        .as_str()
        .and_then(|id| id.parse().ok())
        .expect("a token names its session")
}

#[tokio::test]
async fn signing_out_ends_what_its_scope_says() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    for (n, (scope, expected)) in [
        ("?scope=local", [SIGNED_OUT, 200, 200]),
        ("?scope=others", [200, SIGNED_OUT, 200]),
        ("?scope=global", [SIGNED_OUT, SIGNED_OUT, 200]),
        ("", [SIGNED_OUT, SIGNED_OUT, 200]),
        ("?scope=everything", [200, 200, 200]),
    ]
    .into_iter()
    .enumerate()
    {
        let here = acme.member(&format!("ann{n}"), Member).await;
        let again = acme
            .sign_in(here.user.email.as_str(), PASSWORD)
            .await
            .field("access_token");
        let again = acme.nobody().bearer(&again);
        let other = acme.member(&format!("bob{n}"), Member).await;
        for client in [&here.client(), &again, &other.client()] {
            assert_eq!(user(client).await.0, 200);
        }
        here.ask(axum::http::Method::POST, &format!("/auth/v1/logout{scope}"))
            .await;
        let got = [user(&here).await.0, user(&again).await.0, user(&other).await.0];
        assert_eq!(got, expected, "{scope}");
    }
}

/// The token would be good for longer, and its bearer is remembered.
#[tokio::test]
async fn an_access_token_does_not_outlive_its_session() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    let end = app.clock_seconds() + 300;
    let shorten = format!("update catalog.sessions set expires_at = to_timestamp({end})");
    app.db()
        .as_superuser()
        .await
        .batch_execute(&shorten)
        .await
        .expect("shortened");
    app.clock()
        .advance(TimeDelta::minutes(5) - TimeDelta::microseconds(1));
    assert_eq!(user(&ann).await.0, 200);
    app.clock().advance(TimeDelta::microseconds(1));
    assert_eq!(user(&ann).await.0, 401);
}

#[tokio::test]
async fn an_access_token_expires_by_the_clock() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    app.clock()
        .advance(TimeDelta::minutes(10) + TimeDelta::seconds(4));
    assert_eq!(user(&ann).await.0, 200, "clocks may be a little apart");
    app.clock().advance(TimeDelta::seconds(1));
    assert_eq!(user(&ann).await, (401, "PGRST303".to_owned()));
    let answer = ann.get("/rest/v1/contacts").await;
    assert_eq!(
        answer.header("www-authenticate"),
        Some(r#"Bearer error="invalid_token", error_description="expired""#)
    );
    let next = acme
        .refresh(&ann.refresh)
        .await
        .expect_status(200)
        .field("access_token");
    assert_eq!(user(&acme.nobody().bearer(&next)).await.0, 200);
}

#[tokio::test]
async fn an_api_key_ends_at_its_instant_remembered_or_not() {
    let app = TestApp::new().await;
    let beside = app.beside().await;
    let acme = app.tenant("acme").await;
    let end = app.db().source().now() + TimeDelta::minutes(1);
    let key = acme.key_until(&["contacts:read"], Some(end)).await;
    app.clock()
        .advance(TimeDelta::minutes(1) - TimeDelta::microseconds(1));
    key.get("/rest/v1/contacts").await.expect_status(200);
    app.clock().advance(TimeDelta::microseconds(1));
    for instance in [&app, &beside] {
        key.through(instance)
            .get("/rest/v1/contacts")
            .await
            .expect_status(401);
    }
}

#[tokio::test]
async fn what_is_taken_away_is_gone_as_soon_as_the_feed_says_so() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ada = acme.member("ada", Admin).await;
    let key = acme.key(&["*:*"]).await;
    let pipeline = json!({ "name": "Partners" });
    ada.post("/rest/v1/pipelines", &pipeline).await.expect_status(201);
    key.get("/rest/v1/contacts").await.expect_status(200);
    let organization = Change::Organization(acme.organization());

    let demote = format!(
        "update catalog.memberships set role = 'member' where id = '{}'",
        ada.membership.id
    );
    app.change(&demote, organization).await;
    ada.post("/rest/v1/pipelines", &pipeline).await.expect_status(403);

    acme.revoke(key.key.id).await;
    key.get("/rest/v1/contacts").await.expect_status(401);

    for (status, expected, code) in [
        ("suspended", 403, "organization_suspended"),
        ("cancelled", 404, "not_found"),
    ] {
        acme.set_status(status).await;
        let answer = ada.get("/rest/v1/contacts").await;
        assert_eq!((answer.status(), answer.code().as_str()), (expected, code));
        if status == "suspended" {
            acme.nobody().get("/rest/v1/contacts").await.expect_status(401);
            acme.sign_in(ada.user.email.as_str(), "wrong")
                .await
                .expect_status(400);
        }
    }
    acme.set_status("active").await;
    ada.get("/rest/v1/contacts").await.expect_status(200);
}
