//! Locks against guessing, and against whoever would keep others out by them.

use catalog::memberships::MemberRole::Member;
use chrono::TimeDelta;
use tests::TestApp;
use tests::app::{AppTenant, PASSWORD};

async fn guess(tenant: &AppTenant, email: &str, times: usize) {
    for _ in 0..times {
        tenant.sign_in(email, "wrong").await.expect_status(400);
    }
}

#[tokio::test]
async fn guesses_at_a_strangers_host_lock_nobody() {
    let app = TestApp::new().await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let ann = acme.member("ann", Member).await;
    let email = ann.user.email.as_str();
    guess(&globex, email, 20).await;
    acme.sign_in(email, PASSWORD).await.expect_status(200);
    let former = acme.member("fay", Member).await;
    acme.dismiss(former.membership.id).await;
    guess(&acme, former.user.email.as_str(), 20).await;
    let failures = "select coalesce(sum(failed_count), 0) from catalog.user_credentials";
    let row = app.db().as_owner().await.query_one(failures, &[]).await;
    assert_eq!(row.expect("a sum").get::<_, i64>(0), 0);
}

#[tokio::test]
async fn after_a_lock_one_more_mistake_does_not_lock_again() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    let email = ann.user.email.as_str();
    guess(&acme, email, 10).await;
    acme.sign_in(email, PASSWORD).await.expect_status(400);
    app.clock().advance(TimeDelta::seconds(30));
    guess(&acme, email, 4).await;
    acme.sign_in(email, PASSWORD).await.expect_status(200);
}

#[tokio::test]
async fn each_lock_takes_five_mistakes_more_and_lasts_longer() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    let email = ann.user.email.as_str();
    guess(&acme, email, 10).await;
    for seconds in [30, 60, 120, 240, 480, 900, 900] {
        app.clock().advance(TimeDelta::seconds(seconds - 1));
        acme.sign_in(email, PASSWORD).await.expect_status(400);
        app.clock().advance(TimeDelta::seconds(1));
        guess(&acme, email, 5).await;
    }
    app.clock().advance(TimeDelta::seconds(900));
    acme.sign_in(email, PASSWORD).await.expect_status(200);
    guess(&acme, email, 9).await;
    acme.sign_in(email, PASSWORD).await.expect_status(200);
}

#[tokio::test]
async fn a_quiet_hour_is_forgiven() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    let email = ann.user.email.as_str();
    guess(&acme, email, 9).await;
    app.clock().advance(TimeDelta::minutes(60));
    guess(&acme, email, 9).await;
    acme.sign_in(email, PASSWORD).await.expect_status(200);
}
