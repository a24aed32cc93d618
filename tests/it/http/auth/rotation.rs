//! A new signing key takes over while the server runs.

use catalog::jwks;
use catalog::memberships::MemberRole::Member;
use chrono::TimeDelta;
use tests::TestApp;
use tests::app::PASSWORD;

use super::forgery::header;

#[tokio::test]
async fn a_new_key_signs_at_once_and_tokens_of_the_old_one_stay_good() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    ann.get("/auth/v1/user").await.expect_status(200);

    app.clock().advance(TimeDelta::seconds(1));
    let db = app.db();
    let mut keys = app.state().token_keys();
    let mut tx = db.catalog().begin().await.expect("a transaction");
    let kid = jwks::insert(&mut tx, &db.key_ring(), &db.actor(), db.source())
        .await
        .expect("a second key");
    tx.commit().await.expect("committed");
    keys.wait_for(|keys| keys.kid() == kid)
        .await
        .expect("the server follows the keys");

    let signed_in = acme.sign_in(ann.user.email.as_str(), PASSWORD).await;
    let token = signed_in.expect_status(200).field("access_token");
    assert_eq!(header(&token)["kid"], kid.as_str());
    assert_ne!(header(&ann.token)["kid"], kid.as_str());
    for token in [&token, &ann.token] {
        acme.nobody()
            .bearer(token)
            .get("/auth/v1/user")
            .await
            .expect_status(200);
    }
    let published = acme.nobody().get("/.well-known/jwks.json").await.json();
    assert_eq!(published["keys"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_key_that_was_removed_verifies_nothing_not_even_what_is_remembered() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    ann.get("/auth/v1/user").await.expect_status(200);
    app.clock().advance(TimeDelta::seconds(1));
    let db = app.db();
    let mut keys = app.state().token_keys();
    let old = keys.borrow().kid().to_owned();
    let mut tx = db.catalog().begin().await.expect("a transaction");
    let kid = jwks::insert(&mut tx, &db.key_ring(), &db.actor(), db.source())
        .await
        .expect("a second key");
    tx.commit().await.expect("committed");
    keys.wait_for(|keys| keys.kid() == kid).await.expect("followed");
    let remove = format!("delete from catalog.jwks where kid = '{old}'");
    db.as_owner().await.batch_execute(&remove).await.expect("removed");
    let gone = |keys: &server::token::TokenKeys| {
        !std::str::from_utf8(&keys.document())
            .expect("JSON")
            .contains(&old)
    };
    keys.wait_for(gone).await.expect("followed");
    let refused = ann.get("/auth/v1/user").await;
    assert_eq!((refused.status(), refused.code()), (401, "PGRST301".to_owned()));
}
