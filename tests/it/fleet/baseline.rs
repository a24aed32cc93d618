//! A baseline: what new tenants are made of in the place of the first files.

use tenant_schema::template::Template;
use tenant_schema::template_check::{self, Target, live};
use tests::TestDb;

use super::{Small, migrate};

/// What the first two files of the small template make, with other words.
const BASELINE: &str = "\
create table labels (id uuid not null, constraint labels_pkey primary key (id));
comment on table labels is 'Labels.';
create table notes (id uuid not null default gen_random_uuid(), amount integer not null default 0,
  place integer not null default 0, constraint notes_pkey primary key (id));
comment on table notes is 'Notes.';
create index notes_place_idx on notes (place)";

async fn findings(t: &TestDb, small: &Small, template: &Template) -> Vec<String> {
    let files = template_check::files_of(small.folder.path()).expect("files");
    let mut findings = template_check::check(&files, Target::default());
    findings.extend(live::check(t.catalog(), template, &files).await.expect("checked"));
    findings
        .iter()
        .map(|finding| format!("{}: {}", finding.rule, finding.reason))
        .collect()
}

#[tokio::test]
async fn a_new_tenant_is_made_of_the_baseline_and_an_old_one_of_the_files_and_both_go_on_alike() {
    let small = Small::with(&["ant"]).await;
    small.write("B2__start.sql", BASELINE);
    small.write("V3__words.sql", "create table words (id integer, constraint words_pkey primary key (id));\ncomment on table words is 'Words.'");
    let template = small.template();
    assert_eq!(findings(&small.t, &small, &template).await, [""; 0]);
    let made = small.provision("bee", &template).await;
    let (ended, told) = migrate(&small.fleet(&template), &small.plan().await).await;
    ended.expect("a run");
    assert_eq!(told.tenants.len(), 1, "the new one is where it has to be");
    assert_eq!(
        small.versions().await,
        [("ant".to_owned(), 3, 3), ("bee".to_owned(), 3, 3)]
    );
    // It has the same history, as if it had been made of the files.
    let history =
        format!("select version, name, checksum from {made}.refinery_schema_history order by version");
    let rows = small
        .t
        .as_owner()
        .await
        .query(&history, &[])
        .await
        .expect("an answer");
    let names: Vec<&str> = rows.iter().map(|row| row.get(1)).collect();
    assert_eq!(names, ["notes", "labels", "words"]);
    small.write("V4__more.sql", "alter table words add column word text");
    let template = small.template();
    let (ended, told) = migrate(&small.fleet(&template), &small.plan().await).await;
    ended.expect("a run");
    assert!(
        told.tenants
            .iter()
            .all(|tenant| tenant.outcome.as_ref().ok() == Some(&4)),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_a_baseline_makes_otherwise_is_told() {
    let small = Small::with(&[]).await;
    small.write(
        "B2__start.sql",
        &BASELINE.replace("default 0, constraint", "default 1, constraint"),
    );
    let template = small.template();
    assert_eq!(
        findings(&small.t, &small, &template).await,
        [
            "baseline-differs: V1 to V2 make what it does not: column notes 3 place integer not null p 0",
            "baseline-differs: it makes what V1 to V2 do not: column notes 3 place integer not null p 1",
        ]
    );
    small.write("B2__start.sql", "create table notes (");
    let template = small.template();
    let told = findings(&small.t, &small, &template).await;
    assert!(told[0].starts_with("does-not-apply: "), "{told:?}");
    small.write(
        "B2__start.sql",
        &format!("{BASELINE};\ninsert into labels values (gen_random_uuid())"),
    );
    let template = small.template();
    let told = findings(&small.t, &small, &template).await;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].ends_with("rows of labels: 1"), "{told:?}");
    small.write("B3__later.sql", BASELINE);
    let error = Template::read(small.folder.path()).expect_err("there is no V3");
    assert!(error.to_string().contains("B3__later.sql"), "{error}");
}
