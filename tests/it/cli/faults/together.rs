//! Two operators who do the same at once: one does it, and the other does it after him or is told.

use super::super::containers::Scene;
use super::{OPERATIONS, Stage, assert_told};

/// How often each pair is let go.
const ROUNDS: usize = 3;

#[tokio::test]
async fn of_two_who_do_the_same_at_once_one_does_it_and_the_other_is_told_or_finds_it_done() {
    let stage = Stage::set().await;
    let direct = &stage.scene.direct;
    let mut told = Vec::new();
    for operation in OPERATIONS {
        let mut refused = 0;
        for round in 1..=ROUNDS {
            let when = format!("{} by two, round {round}", operation.name);
            let trial = stage.trial(operation).await;
            let command = trial.command();
            let both = tokio::join!(direct.run(&command), direct.run(&command));
            let (one, other) = &both;
            let pair = format!("{when}\n{one}\n{other}");
            assert!(one.status == Some(0) || other.status == Some(0), "{pair}");
            for ran in [one, other].into_iter().filter(|ran| ran.status != Some(0)) {
                refused += 1;
                assert_told(ran, &when);
                let known = ran.status == Some(1) || ran.stderr.contains("next: run it again: somebody else");
                assert!(known, "{pair}");
            }
            assert_eq!(trial.state().await, operation.after, "{pair}");
            stage.assert_no_error(&when).await;
        }
        told.push(format!("{} {refused}", operation.name));
    }
    crate::tell(&format!("two at once, {ROUNDS} times; told: {}", told.join(", ")));
}

#[tokio::test]
async fn a_file_that_somebody_writes_is_nobody_elses_meanwhile() {
    let stage = Stage::set().await;
    let Scene {
        cut, direct, proxy, ..
    } = &stage.scene;
    let file = stage.scene.file("both.tenantry");
    let export = format!("tenant export ant --output {file}");
    let archive = format!("tenant archive ant --to {file} --yes");
    let reached = proxy.hold_after(30);
    let mut first = cut.start(&export);
    reached.await.expect("it is at work");
    for command in [&export, &archive] {
        let second = direct.run(command).await;
        assert_eq!(second.status, Some(1), "{second}");
        assert!(
            second
                .stderr
                .contains("both.tenantry is being written by another program"),
            "{second}"
        );
        assert_told(&second, command);
    }
    first.kill().await;
    proxy.all_ended().await;
    direct.does(&archive).await;
    direct.does(&format!("tenant unarchive ant {file}")).await;
}
