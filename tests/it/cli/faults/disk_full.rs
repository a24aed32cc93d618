//! A disk without room, PostgreSQL's or that of a file: said in a sentence, and nothing is half-done.

use tests::SmallDisk;
use tests::small_disk::with_disk;

use super::super::program::Tenantry;
use super::{OPERATIONS, Stage, assert_told};

/// How much more room there is each time, in kilobytes: four pages.
const STEP: i64 = 32;

#[tokio::test]
async fn postgresqls_disk_full_at_any_point_of_an_operation_leaves_nothing_and_it_is_run_again() {
    let (disk, t) = SmallDisk::database().await;
    let stage = Stage::on(t).await;
    let mut told = Vec::new();
    for operation in OPERATIONS.iter().filter(|operation| operation.name != "export") {
        let mut refused = 0;
        for room in (0..).map(|n| n * STEP) {
            let when = format!("{} with {room} kB of room", operation.name);
            let trial = stage.trial(operation).await;
            disk.leave(room).await;
            let ran = stage.scene.direct.run(&trial.command()).await;
            disk.make_room().await;
            let found = trial.assert_is_whole(&when).await;
            if ran.status == Some(0) {
                assert_eq!(found, operation.after, "{when}\n{ran}");
                break;
            }
            refused += 1;
            let said = ran.to_string();
            assert!(said.contains("(SQLSTATE 53100)"), "{when}\n{ran}");
            if operation.name != "migrate" {
                assert_told(&ran, &when);
                assert!(
                    said.contains("next: make room on the disk of PostgreSQL's data"),
                    "{when}\n{ran}"
                );
            }
            trial.assert_finishes(&when).await;
        }
        told.push(format!("{} {refused}", operation.name));
    }
    crate::tell(&format!(
        "a full disk, {STEP} kB more room each time; refused: {}",
        told.join(", ")
    ));
}

/// What writes a file, and how much it says of what it did not write.
const WRITERS: &[&str] = &[
    "tenant export ant --output {disk}/ant.tenantry",
    "tenant export ant --plain --output {disk}/ant.sql",
    "tenant archive ant --to {disk} --yes",
    "backup {disk}/backup",
];

#[tokio::test]
async fn a_full_disk_under_a_file_is_told_and_leaves_no_file_and_the_tenant() {
    let stage = Stage::set().await;
    // More than the file's first block holds, which a disk of one page has room for.
    stage.scene.small.notes(20_000).await;
    let place = stage.scene.direct.home().join("disk");
    std::fs::create_dir(&place).expect("a folder");
    for writer in WRITERS {
        let command = writer.replace("{disk}", &place.display().to_string());
        let script = format!(
            "{} sh -c '\"$@\"; status=$?; find {} -name '*.tenantry*' -o -name '*.sql*' >found; exit $status' sh \"$@\"",
            with_disk(&place, "64k"),
            place.display()
        );
        let program = Tenantry::program();
        let program = program.to_str().expect("UTF-8");
        let words = command.split_whitespace();
        let arguments: Vec<&str> = ["-c", &script, "sh", program].into_iter().chain(words).collect();
        let direct = &stage.scene.direct;
        let ran = direct.end_of(direct.other("sh", &arguments)).await;
        // A backup goes on with the other tenants, and tells at its end.
        if command.starts_with("backup") {
            assert_eq!(ran.status, Some(1), "{command}\n{ran}");
        } else {
            assert_eq!(ran.status, Some(2), "{command}\n{ran}");
            assert_told(&ran, &command);
        }
        assert!(ran.stderr.contains("No space left on device"), "{command}\n{ran}");
        let found = std::fs::read_to_string(direct.home().join("found")).expect("a list");
        assert_eq!(found, "", "{command}");
        let shown = direct.json("tenant show ant").await;
        assert_eq!(shown["status"], "active", "{command}");
    }
    let script = format!("{} tenant export ant > /dev/full", Tenantry::program().display());
    let ran = stage
        .scene
        .direct
        .end_of(stage.scene.direct.other("sh", &["-c", &script]))
        .await;
    assert_eq!(ran.status, Some(2), "{ran}");
    assert_told(&ran, "to standard output");
    stage.assert_no_error("after all").await;
}
