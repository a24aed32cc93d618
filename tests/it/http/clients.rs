//! The clients that others have written, as npm has them, on a tenant behind a real socket.
//!
//! `npm ci` in `tests/js` fetches them; without them the tests say that they did not run, unless they are required.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use catalog::memberships::MemberRole::Member;
use server::Server;
use tests::app::PASSWORD;
use tests::{TestApp, TestDb, config};
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
    let (ann, key) = (acme.member("ann", Member).await, acme.key(&["*:*"]).await);
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
    assert!(
        node.status.success(),
        "{}{}",
        String::from_utf8_lossy(&node.stdout),
        String::from_utf8_lossy(&node.stderr)
    );
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
