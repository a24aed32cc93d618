//! `tenantry template check`: templates that break one rule each, and those that break none.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tenant_schema::template::Template;
use tenant_schema::template_check::{self, Finding, Rule, Severity, Target, live};
use tests::TestDb;
use tests::database::workshop_folder;

use super::program::Tenantry;

/// A folder for each rule. A line that breaks it says so itself: `broken: <rule>`.
fn bad_templates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bad_templates")
}

/// File, line and rule of each finding.
type Places = Vec<(String, usize, String)>;

fn marked(folder: &Path) -> Places {
    let mut places = Vec::new();
    for file in template_check::files_of(folder).expect("a folder of SQL files") {
        for (line, text) in (1..).zip(file.text.lines()) {
            if let Some((_, rule)) = text.split_once("broken: ") {
                let is_name = |c: char| c.is_ascii_lowercase() || c == '-';
                let end = rule.find(|c| !is_name(c)).unwrap_or(rule.len());
                places.push((file.name.clone(), line, rule[..end].to_owned()));
            }
        }
    }
    places.sort();
    places
}

fn places(findings: &[Finding]) -> Places {
    let place = |finding: &Finding| (finding.file.clone(), finding.line, finding.rule.name().to_owned());
    let mut places: Places = findings.iter().map(place).collect();
    places.sort();
    places
}

/// Both layers, as the command goes through them.
async fn check(t: &TestDb, folder: &Path) -> Vec<Finding> {
    let files = template_check::files_of(folder).expect("a folder of SQL files");
    let is_citus = folder
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("citus-"));
    let target = if is_citus {
        Target::Citus
    } else {
        Target::PostgreSql
    };
    let mut findings = template_check::check(&files, target);
    if findings
        .iter()
        .all(|finding| finding.severity == Severity::Warning)
    {
        let template = Template::read(folder).expect("a template");
        let found = live::check(t.catalog(), &template, &files).await;
        findings.extend(found.expect("it can be looked at"));
    }
    findings
}

#[tokio::test]
async fn each_rule_is_broken_where_it_is_and_no_other() {
    let t = TestDb::new().await;
    let elsewhere = "create schema elsewhere; create table elsewhere.colours (id bigint, colour text)";
    t.as_owner().await.batch_execute(elsewhere).await.expect("made");
    let mut rules = BTreeSet::new();
    for entry in fs::read_dir(bad_templates()).expect("a folder") {
        let folder = entry.expect("readable").path();
        let rule = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let expected = marked(&folder);
        assert!(
            !expected.is_empty() && expected.iter().all(|(_, _, named)| *named == rule),
            "{rule}"
        );
        let findings = check(&t, &folder).await;
        assert_eq!(places(&findings), expected, "{rule}: {findings:#?}");
        rules.insert(rule);
    }
    let all: BTreeSet<String> = Rule::ALL.iter().map(|rule| rule.name().to_owned()).collect();
    assert_eq!(rules, all);
    let left = "select count(*) from pg_namespace where nspname like 't\\_%'";
    let left: i64 = t
        .as_owner()
        .await
        .query_one(left, &[])
        .await
        .expect("a count")
        .get(0);
    assert_eq!(left, 0, "nothing of it is left");
}

#[tokio::test]
async fn the_help_names_every_rule() {
    let help = Tenantry::alone().await.does("template check --help").await.stdout;
    let (errors, warnings) = help.split_once("WARNINGS").expect("both are told");
    for rule in Rule::ALL {
        let part = if rule.severity() == Severity::Error {
            errors
        } else {
            warnings
        };
        let mut words = part.split(|c: char| !c.is_ascii_lowercase() && c != '-');
        assert!(words.any(|word| word == rule.name()), "{rule}");
    }
}

#[tokio::test]
async fn templates_that_work_pass() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    let crm = tenantry.json("template check --strict").await;
    assert_eq!(crm["findings"], serde_json::json!([]));
    assert_eq!((&crm["applied"], &crm["files"]), (&true.into(), &16.into()));
    let workshop = workshop_folder();
    let workshop = workshop.to_str().expect("UTF-8");
    let checked = tenantry.json(&["template", "check", workshop]).await;
    assert_eq!(checked["errors"], 0);
    assert_eq!(checked["applied"], true);
    let strict = tenantry.run(&["template", "check", workshop, "--strict"]).await;
    assert_eq!(strict.status, Some(1), "{strict}");
}

#[tokio::test]
async fn for_citus_more_is_found_and_for_postgresql_nothing_of_it() {
    let tenantry = Tenantry::alone().await;
    let folder = bad_templates().join("citus-rule");
    let folder = folder.to_str().expect("UTF-8");
    let plain = tenantry.run(&["template", "check", folder, "--text-only"]).await;
    assert_eq!(plain.status, Some(0), "{plain}");
    let citus = ["template", "check", folder, "--text-only", "--target", "citus"];
    let ran = tenantry.run(&citus).await;
    assert_eq!(ran.status, Some(1), "{ran}");
    assert!(
        ran.stdout
            .contains("error[citus-rule]: Citus does not support rules"),
        "{ran}"
    );
    // What the CRM loses there is told, and nothing of it is refused.
    let crm = tenantry
        .run("template check --text-only --target citus --json")
        .await;
    let crm: serde_json::Value = serde_json::from_str(&crm.stdout).expect("JSON");
    assert_eq!(crm["errors"], 0, "{crm}");
    let rules: BTreeSet<&str> = crm["findings"]
        .as_array()
        .expect("an array")
        .iter()
        .filter_map(|finding| finding["rule"].as_str())
        .collect();
    assert_eq!(rules, BTreeSet::from(["citus-setting", "citus-trigger"]));
}

#[tokio::test]
async fn what_is_found_is_told_as_compilers_do() {
    let tenantry = Tenantry::alone().await;
    let folder = bad_templates().join("transaction");
    let folder = folder.to_str().expect("UTF-8");
    let ran = tenantry.run(&["template", "check", folder]).await;
    assert_eq!(ran.status, Some(1), "{ran}");
    let first = "V1__things.sql:1: error[transaction]: transaction control: a migration runs in the transaction \
                 that makes or migrates the tenant\n    leave it out: all files are applied together or not at all\n";
    assert!(ran.stdout.starts_with(first), "{ran}");
    let last = "1 file, 2 errors, 0 warnings; the files were read and not applied\n";
    assert!(ran.stdout.ends_with(last), "{ran}");

    let ran = tenantry.run(&["template", "check", folder, "--json"]).await;
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!((ran.status, &document["errors"]), (Some(1), &2.into()));
    assert_eq!(document["findings"][1]["line"], 8);

    let nowhere = tenantry.run("template check nowhere").await;
    assert_eq!(nowhere.status, Some(2), "{nowhere}");
    let warns = bad_templates().join("own-type");
    let warns = warns.to_str().expect("UTF-8");
    let ran = tenantry.run(&["template", "check", warns, "--text-only"]).await;
    assert_eq!(ran.status, Some(0), "{ran}");
}
