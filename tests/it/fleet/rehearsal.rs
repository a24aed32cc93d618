//! The rehearsal: what each statement takes is told, and nothing of it stays.

use tenant_schema::fleet::Lock;

use super::Small;

fn lock(relation: &str, mode: &str) -> Lock {
    Lock {
        relation: relation.to_owned(),
        mode: mode.to_owned(),
    }
}

#[tokio::test]
async fn locks_and_rewrites_are_told_statement_by_statement_and_nothing_stays() {
    let small = Small::with(&["ant", "bee"]).await;
    small.write(
        "V3__amounts.sql",
        "\n\nalter table notes alter column amount type bigint",
    );
    let plan = small.plan().await;
    let chosen = plan.one_of_each_version();
    assert_eq!(chosen.len(), 1, "both have the same version");
    let before = small.versions().await;
    let template = small.template();
    let rehearsal = small
        .fleet(&template)
        .rehearse(chosen[0])
        .await
        .expect("an answer");
    assert_eq!((rehearsal.from, rehearsal.to, &rehearsal.failure), (1, 3, &None));

    let statements = rehearsal.statements;
    let places: Vec<(&str, usize)> = statements
        .iter()
        .map(|statement| (statement.file.as_str(), statement.line))
        .collect();
    let expected = [
        ("V2__labels", 2),
        ("V2__labels", 3),
        ("V2__labels", 4),
        ("V2__labels", 5),
        ("V3__amounts", 3),
    ];
    assert_eq!(places, expected);
    let nothing: [Lock; 0] = [];
    assert_eq!(statements[0].locks, nothing, "what is new is nobody's yet");
    assert_eq!(statements[2].locks, [lock("notes", "AccessExclusiveLock")]);
    assert_eq!(
        statements[2].rewrites, [""; 0],
        "a constant default is no reason to rewrite"
    );
    assert!(
        statements[3].locks.contains(&lock("notes", "ShareLock")),
        "{statements:?}"
    );
    assert_eq!(statements[4].rewrites, ["notes"]);

    assert_eq!(small.versions().await, before);
    let tables = "select count(*) from pg_tables where tablename = 'labels'";
    let tables = small
        .t
        .as_superuser()
        .await
        .query_one(tables, &[])
        .await
        .expect("an answer");
    assert_eq!(tables.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn the_statement_that_would_fail_is_told() {
    let small = Small::with(&["ant"]).await;
    let plan = small.plan().await;
    small
        .within(&plan.steps[0], "alter table notes add column place text")
        .await;
    let template = small.template();
    let rehearsal = small
        .fleet(&template)
        .rehearse(&plan.steps[0])
        .await
        .expect("an answer");
    assert_eq!(rehearsal.statements.len(), 2);
    let failure = rehearsal.failure.expect("there is one");
    assert_eq!(failure.sqlstate.as_deref(), Some("42701"));
    let statement = "alter table notes add column place integer not null default 0";
    assert_eq!(failure.statement.as_deref(), Some(statement));
}
