//! The connection cut in the middle of every operation: what is done is known, and what is said is a sentence.

use super::{OPERATIONS, Stage, assert_told, spread};

/// At how many places of each.
const PLACES: u64 = 6;

#[tokio::test]
async fn a_connection_lost_in_the_middle_of_any_operation_is_told_and_leaves_nothing_or_all() {
    let stage = Stage::set().await;
    let proxy = &stage.scene.proxy;
    for operation in OPERATIONS {
        let messages = stage.messages(operation).await;
        for n in spread(messages, PLACES) {
            let when = format!("{}, cut after message {n} of {messages}", operation.name);
            let trial = stage.trial(operation).await;
            proxy.cut_after(n);
            let ran = stage.scene.cut.run(&trial.command()).await;
            proxy.all_ended().await;
            let found = trial.assert_is_whole(&when).await;
            match ran.status {
                Some(0) => assert_eq!(found, operation.after, "{when}\n{ran}"),
                // A run of migrations that has other connections notes the tenant's failure, and says so at its end.
                Some(1) => assert!(
                    ran.to_string().contains("the database is unavailable"),
                    "{when}\n{ran}"
                ),
                _ => assert_told(&ran, &when),
            }
            trial.assert_finishes(&when).await;
        }
    }
}
