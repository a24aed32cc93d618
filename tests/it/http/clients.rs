//! What others have written, as npm has it: clients, on a tenant behind a real socket, and a validator of `OpenAPI`
//! documents.
//!
//! `npm ci` in `tests/js` fetches it; without it the tests say that they did not run, unless it is required.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;

use catalog::memberships::MemberRole::{Admin, Member};
use serde_json::{Value, json};
use server::Server;
use tests::app::PASSWORD;
use tests::{TestApp, TestDb, config};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::sync::oneshot;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("js")
}

/// Whether there are clients to drive a tenant with.
///
/// # Panics
/// When there are none, and they are required.
async fn are_there(test: &str) -> bool {
    let node = Command::new("node").arg("--version").output().await;
    let is_there = node.is_ok_and(|output| output.status.success()) && folder().join("node_modules").is_dir();
    assert!(
        is_there || !config::requires_clients(),
        "no Node.js, or nothing in tests/js/node_modules: run `npm ci` in tests/js"
    );
    if !is_there {
        // Past the capture of what passing tests print.
        let told = writeln!(
            std::io::stderr(),
            "{test}: not run, there is no Node.js or no tests/js/node_modules (`npm ci` in tests/js)"
        );
        told.expect("standard error is open");
    }
    is_there
}

/// Runs a script of assertions on acme, a tenant of this instance.
async fn drive(app: TestApp, script: &str) {
    let acme = app.tenant("acme").await;
    let (ann, key) = (
        acme.member("ann", Member).await,
        acme.key(&["*:*", "companies:purge"]).await,
    );
    let server = Server::bind(app.state().clone()).await.expect("a free port");
    let port = server.local_addr().port();
    let (shutdown, asked) = oneshot::channel();
    let running = tokio::spawn(async move {
        server.run(async { drop(asked.await) }).await;
    });
    let node = Command::new("node")
        .current_dir(folder())
        .args([script, &port.to_string(), &acme.host(), &key.secret])
        .args([ann.user.email.as_str(), PASSWORD])
        .kill_on_drop(true)
        .output()
        .await
        .expect("it starts");
    let _ = shutdown.send(());
    running.await.expect("it ends");
    succeeded(&node);
}

fn succeeded(node: &Output) {
    assert!(
        node.status.success(),
        "{}{}",
        String::from_utf8_lossy(&node.stdout),
        String::from_utf8_lossy(&node.stderr)
    );
}

/// What the tenants of a template say of themselves, to an admin, to a member and to a key that may read one object.
async fn documents(template: &str, db: TestDb, object: &str) -> Vec<Value> {
    let app = TestApp::on(Arc::new(db), |_| {}).await;
    let acme = app.tenant("acme").await;
    let key = acme.key(&[&format!("{object}:read")]).await;
    let (ada, ann) = (acme.member("ada", Admin).await, acme.member("ann", Member).await);
    let mut documents = Vec::new();
    for (who, answer) in [
        ("an admin", ada.get("/openapi.json").await),
        ("a member", ann.get("/openapi.json").await),
        ("a key", key.get("/openapi.json").await),
    ] {
        documents.push(json!([
            format!("{template} for {who}"),
            answer.expect_status(200).json()
        ]));
    }
    documents
}

#[tokio::test]
async fn they_do_everything_with_tables() {
    if are_there("they_do_everything_with_tables").await {
        Box::pin(drive(TestApp::new().await, "crm.js")).await;
    }
}

#[tokio::test]
async fn they_call_functions() {
    if are_there("they_call_functions").await {
        let app = TestApp::on(Arc::new(TestDb::workshop().await), |_| {}).await;
        Box::pin(drive(app, "workshop.js")).await;
    }
}

#[tokio::test]
async fn plain_requests_do_the_rest() {
    if are_there("plain_requests_do_the_rest").await {
        Box::pin(drive(TestApp::new().await, "plain.js")).await;
    }
}

#[tokio::test]
async fn documents_are_valid() {
    if !are_there("documents_are_valid").await {
        return;
    }
    let mut all = Box::pin(documents("the CRM", TestDb::new().await, "contacts")).await;
    all.extend(Box::pin(documents("the workshop", TestDb::workshop().await, "orders")).await);
    all.extend(Box::pin(documents("the reference", TestDb::reference().await, "works")).await);
    let mut node = Command::new("node")
        .current_dir(folder())
        .arg("openapi.js")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let mut input = node.stdin.take().expect("it is piped");
    let text = Value::Array(all).to_string();
    input.write_all(text.as_bytes()).await.expect("it reads");
    drop(input);
    succeeded(&node.wait_with_output().await.expect("it ends"));
}
