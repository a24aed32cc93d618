//! What somebody who has stolen the server's login can not do with it.

use catalog::memberships::MemberRole::Member;
use tests::TestApp;
use tests::app::{AppTenant, PASSWORD};
use tokio_postgres::Client;

/// The server's login, working for this organization.
async fn server(tenant: &AppTenant) -> Client {
    let server = tenant.db().as_server().await;
    let scope = format!("set tenantry.organization = '{}'", tenant.organization());
    server.batch_execute(&scope).await.expect("anybody may");
    server
}

#[track_caller]
fn refused(result: Result<u64, tokio_postgres::Error>, sqlstate: &str, case: &str) {
    match result {
        Err(error) => assert_eq!(
            error.code().map(tokio_postgres::error::SqlState::code),
            Some(sqlstate),
            "{case}: {error:?}"
        ),
        Ok(rows) => panic!("{case}: it was done to {rows} rows"),
    }
}

#[tokio::test]
async fn it_cannot_undo_the_end_of_a_session_or_a_token() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    acme.refresh(&ann.refresh).await.expect_status(200);
    ann.ask(axum::http::Method::POST, "/auth/v1/logout")
        .await
        .expect_status(204);
    let (server, owner) = (server(&acme).await, app.db().as_owner().await);
    for sql in [
        "update catalog.sessions set revoked_at = null, revoked_reason = null",
        "update catalog.refresh_tokens set revoked_at = null where revoked_at is not null",
        "update catalog.refresh_tokens set used_at = null where used_at is not null",
    ] {
        refused(server.execute(sql, &[]).await, "23001", sql);
        refused(owner.execute(sql, &[]).await, "23001", sql);
    }
    let again = "update catalog.sessions set revoked_at = now()";
    assert_eq!(server.execute(again, &[]).await.expect("ended is ended"), 1);
}

#[tokio::test]
async fn it_cannot_speak_for_operators_in_the_audit_log() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let server = server(&acme).await;
    let insert = "insert into catalog.catalog_audit_logs \
        (id, organization_id, actor, event_type, entity_type, entity_id) \
        values (gen_random_uuid(), catalog.current_organization(), $1, 'session.started', 'session', 'x')";
    let forged = server.execute(insert, &[&"operator:root"]).await;
    refused(forged, "42501", "an operator's line");
    let own = server.execute(insert, &[&"user:x"]).await;
    assert_eq!(own.expect("a line of its own"), 1);
}

#[tokio::test]
async fn it_cannot_set_an_operators_password() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Member).await;
    let new = app.db().user("new@acme.test").await;
    let appoint = "update catalog.users set platform_role = 'operator'";
    let owner = app.db().as_owner().await;
    owner.batch_execute(appoint).await.expect("the owner may");
    let server = server(&acme).await;
    let update = "update catalog.user_credentials set password_hash = $2 where user_id = $1";
    let insert =
        "insert into catalog.user_credentials (user_id, password_hash, changed_at) values ($1, $2, now())";
    let hash = "$argon2id$of-the-thief";
    for (sql, user) in [(update, ann.user.id), (insert, new.id)] {
        refused(server.execute(sql, &[&user, &hash]).await, "42501", sql);
    }
    let email = ann.user.email.as_str();
    acme.sign_in(email, "wrong").await.expect_status(400);
    acme.sign_in(email, PASSWORD).await.expect_status(200);
    assert_eq!(
        owner
            .execute(update, &[&ann.user.id, &hash])
            .await
            .expect("the owner may"),
        1
    );
    refused(server.execute(appoint, &[]).await, "42501", appoint);
}

#[tokio::test]
async fn an_operator_signs_in_though_the_hash_is_outdated() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let (ann, _) = acme.enroll("ann", Member).await;
    let owner = app.db().as_owner().await;
    let older = catalog::password::PasswordHasher::new(
        catalog::password::Argon2Params {
            passes: 2,
            ..catalog::password::Argon2Params::CHEAPEST
        },
        app.db().source().clone(),
    );
    let password = catalog::password::PlainPassword::presented(PASSWORD.to_owned()).expect("short enough");
    let hash = older.expect("parameters").hash(&password).await.expect("a hash");
    let mut tx = app.db().catalog().begin().await.expect("a transaction");
    catalog::credentials::set_password(&mut tx, ann.id, &hash, app.db().source().now())
        .await
        .expect("set");
    tx.commit().await.expect("committed");
    let appoint = "update catalog.users set platform_role = 'operator'";
    owner.batch_execute(appoint).await.expect("the owner may");
    acme.sign_in(ann.email.as_str(), PASSWORD)
        .await
        .expect_status(200);
}
