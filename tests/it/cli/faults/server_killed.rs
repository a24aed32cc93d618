//! PostgreSQL killed by SIGKILL in the middle of every operation, and started again.

use std::pin::pin;

use super::{OPERATIONS, Stage, assert_told, spread};

/// At how many places of each.
const PLACES: u64 = 5;

#[tokio::test]
async fn postgresql_killed_in_the_middle_of_any_operation_leaves_nothing_or_all_and_it_is_run_again() {
    let stage = Stage::set().await;
    let (proxy, cluster) = (&stage.scene.proxy, stage.scene.small.t.cluster());
    let (mut told, mut before_the_end) = (Vec::new(), 0);
    // Of these two, it is killed after every message in `lifecycle`.
    let operations = OPERATIONS
        .iter()
        .filter(|one| !["provision", "drop"].contains(&one.name));
    for operation in operations {
        let messages = stage.messages(operation).await;
        for n in spread(messages, PLACES) {
            let when = format!("{}, killed after message {n} of {messages}", operation.name);
            let trial = stage.trial(operation).await;
            let reached = proxy.hold_after(n);
            let command = trial.command();
            let mut running = pin!(stage.scene.cut.run(&command));
            let ended = tokio::select! {
                reached = reached => {
                    reached.expect("held");
                    cluster.crash().await.expect("killed");
                    running.await
                }
                // One message less than the time before: it has bidden farewell.
                ran = &mut running => {
                    cluster.crash().await.expect("killed");
                    ran
                }
            };
            if ended.status != Some(0) {
                before_the_end += 1;
                assert_told(&ended, &when);
            }
            cluster.recover().await.expect("it recovers");
            proxy.reset();
            trial.assert_is_whole(&when).await;
            trial.assert_finishes(&when).await;
        }
        told.push(format!("{} {messages}", operation.name));
    }
    let fewest = told.len() * 3;
    assert!(
        before_the_end >= fewest,
        "only {before_the_end} were in the middle"
    );
    crate::tell(&format!(
        "PostgreSQL killed at {PLACES} places of each, messages: {}",
        told.join(", ")
    ));
}
