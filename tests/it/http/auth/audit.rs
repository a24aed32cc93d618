//! What concerns security leaves a trace in the catalog's audit log.

use axum::http::Method;
use catalog::memberships::MemberRole::Member;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::app::{AppTenant, PASSWORD};
use tests::{TestApp, TestDb};

/// What, by whom, to what, and the id of the request; the oldest first.
type Entry = (String, String, String, Value, Option<String>);

/// The entries of one tenant but for its making.
async fn entries(tenant: &AppTenant) -> Vec<Entry> {
    let sql = "select event_type, actor, entity_id, changes, request_id from catalog.catalog_audit_logs
                where organization_id = $1 and entity_type <> 'organization' order by created_at";
    let owner = tenant.db().as_owner().await;
    let rows = owner.query(sql, &[&tenant.organization()]).await;
    let rows = rows.expect("the owner reads the log");
    let entry = |row: &tokio_postgres::Row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4));
    rows.iter().map(entry).collect()
}

#[tokio::test]
async fn sign_ins_and_the_ends_of_sessions_are_written_down() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let (user, _) = acme.enroll("ann", Member).await;
    let (email, id) = (user.email.as_str(), user.id.to_string());
    let by = format!("user:{id}");
    let tick = || app.clock().advance(TimeDelta::seconds(11));
    let mut expected: Vec<Entry> = Vec::new();
    let mut expect = |event: &str, entity: &str, changes: Value, answer: &tests::app::Answer| {
        let request = answer.header("x-request-id").map(str::to_owned);
        expected.push((event.to_owned(), by.clone(), entity.to_owned(), changes, request));
        tick();
    };
    let session = |token: &str| super::session_of(token).to_string();

    // Nothing tells from the log either whether an address has an account: it names none that has not.
    acme.sign_in("nobody@example.com", "wrong")
        .await
        .expect_status(400);
    let wrong = acme.sign_in(email, "wrong").await.expect_status(400);
    expect("user.sign_in_failed", &id, json!({}), &wrong);

    let stolen = acme.sign_in(email, PASSWORD).await.expect_status(200);
    let first = session(&stolen.field("access_token"));
    expect("session.started", &first, json!({ "user_id": id }), &stolen);
    acme.refresh(&stolen.field("refresh_token"))
        .await
        .expect_status(200);
    app.clock().advance(TimeDelta::seconds(11));
    let reused = acme
        .refresh(&stolen.field("refresh_token"))
        .await
        .expect_status(400);
    expect("session.refresh_token_reused", &first, json!({}), &reused);

    let mut open = Vec::new();
    for _ in 0..3 {
        let signed_in = acme.sign_in(email, PASSWORD).await.expect_status(200);
        let token = signed_in.field("access_token");
        expect(
            "session.started",
            &session(&token),
            json!({ "user_id": id }),
            &signed_in,
        );
        open.push(token);
    }
    let here = acme.nobody().bearer(&open[0]);
    let out = here.ask(Method::POST, "/auth/v1/logout?scope=local").await;
    let changes = json!({ "reason": "sign_out" });
    expect(
        "session.revoked",
        &session(&open[0]),
        changes,
        &out.expect_status(204),
    );
    let there = acme.nobody().bearer(&open[1]);
    let out = there.ask(Method::POST, "/auth/v1/logout?scope=others").await;
    let changes = json!({ "reason": "sign_out", "sessions": [session(&open[2])] });
    expect("user.sessions_revoked", &id, changes, &out.expect_status(204));

    assert_eq!(entries(&acme).await, expected);
}

#[tokio::test]
async fn a_session_refused_to_a_suspended_organization_is_written_down_as_that() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let (user, _) = acme.enroll("ann", Member).await;
    acme.set_status("suspended").await;
    let refused = acme
        .sign_in(user.email.as_str(), PASSWORD)
        .await
        .expect_status(403);
    let found = entries(&acme).await;
    assert_eq!(found.len(), 2, "{found:?}");
    let request = refused.header("x-request-id");
    assert!(found.iter().all(|entry| entry.4.as_deref() == request));
    assert!(
        found
            .iter()
            .any(|entry| entry.3["reason"] == "organization_suspended")
    );
}

#[tokio::test]
async fn a_locked_account_does_not_fill_the_log() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let (user, _) = acme.enroll("ann", Member).await;
    for _ in 0..13 {
        acme.sign_in(user.email.as_str(), "wrong")
            .await
            .expect_status(400);
    }
    assert_eq!(entries(&acme).await.len(), 10);
}

#[tokio::test]
async fn the_first_signing_key_is_written_down() {
    let t = TestDb::new().await;
    let sql = "select l.actor, l.entity_id = k.kid as same from catalog.catalog_audit_logs l
                 cross join catalog.jwks k where l.event_type = 'signing_key.created'";
    let row = t.as_owner().await.query_one(sql, &[]).await.expect("one entry");
    assert_eq!((row.get("actor"), row.get("same")), ("operator:test", true));
}
