//! Tidy: the invariants of the code map that a machine can check, by reading the source tree as text.
//!
//! Every rule is shown to catch a bad sample by a test of its own beside it.

mod dependencies;
mod layout;
mod named_tests;
mod source;
mod sql_text;

use std::fs;
use std::path::{Path, PathBuf};

use tenant_schema::template_check::{self, SqlFile, Target};

use self::source::SourceFile;

/// A place that breaks a rule.
struct Finding {
    path: String,
    line: usize,
    says: String,
}

fn finding(file: &SourceFile, line: usize, says: String) -> Finding {
    Finding {
        path: file.path.clone(),
        line,
        says,
    }
}

const CRATES: &[&str] = &["catalog", "tenant-schema", "server", "admin", "tests"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests crate lies within the repository")
        .to_owned()
}

fn files_under(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("the source tree can be read").path();
        if path.is_dir() && !path.ends_with("target") {
            files_under(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
}

fn rust_files() -> Vec<SourceFile> {
    let root = repository();
    let mut paths = Vec::new();
    for krate in CRATES {
        files_under(&root.join(krate), "rs", &mut paths);
    }
    assert!(paths.len() > CRATES.len(), "the source tree was found");
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).expect("sources are UTF-8");
        let relative = path
            .strip_prefix(&root)
            .expect("it was found under the root")
            .to_string_lossy();
        SourceFile::new(&relative.replace('\\', "/"), &text)
    };
    paths.iter().map(read).collect()
}

#[track_caller]
fn holds(rule: impl Fn(&SourceFile) -> Vec<Finding>) {
    let findings: Vec<String> = rust_files()
        .iter()
        .flat_map(rule)
        .map(|Finding { path, line, says }| format!("{path}:{line}: {says}"))
        .collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn crates_depend_on_each_other_as_the_table_says() {
    let wrong: Vec<String> = CRATES
        .iter()
        .flat_map(|krate| {
            let manifest =
                fs::read_to_string(repository().join(krate).join("Cargo.toml")).expect("a manifest");
            dependencies::check(krate, &manifest)
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sql_stands_in_catalog_and_tenant_schema_only() {
    holds(sql_text::sql_outside_the_sql_crates);
}

#[test]
fn ddl_stands_in_migrations_and_the_lifecycle_only() {
    holds(sql_text::ddl_elsewhere);
}

#[test]
fn no_setting_outlives_its_transaction() {
    holds(sql_text::session_settings);
}

#[test]
fn statements_name_their_columns() {
    holds(sql_text::star);
    checked("catalog", |finding| finding.rule.name() == "select-star");
}

#[test]
fn tenant_schema_asks_the_catalog_instead_of_reading_its_tables() {
    holds(sql_text::catalog_tables_in_tenant_schema);
}

#[test]
fn time_randomness_and_environment_are_parameters() {
    holds(layout::ambient);
}

#[test]
fn programs_go_through_the_scope() {
    holds(layout::doors);
}

#[test]
fn files_are_headed_named_and_short() {
    holds(layout::shape);
}

#[test]
fn nothing_is_unfinished_skipped_or_left_to_luck() {
    holds(layout::unfinished);
}

#[test]
fn every_test_that_a_page_names_is_there() {
    let root = repository();
    let page = fs::read_to_string(root.join("docs/faults.md")).expect("the page of faults");
    let named = named_tests::of(&page);
    assert!(named.len() > 30, "{} tests are named", named.len());
    let read = |file: &str| fs::read_to_string(root.join("tests/it").join(file)).ok();
    let missing: Vec<&str> = named
        .into_iter()
        .filter(|path| !named_tests::is_there(path, read))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// The migrations of a crate.
fn migrations(krate: &str) -> Vec<SqlFile> {
    let folder = repository().join(krate).join("migrations");
    let files = template_check::files_of(&folder).expect("migrations are there, and UTF-8");
    assert!(!files.is_empty(), "{krate} has migrations");
    files
}

/// No finding of `tenantry template check` that counts.
#[track_caller]
fn checked(krate: &str, counts: impl Fn(&template_check::Finding) -> bool) {
    let mut findings = template_check::check(&migrations(krate), Target::PostgreSql);
    findings.retain(counts);
    assert_eq!(findings, [], "{krate}");
}

#[test]
fn migrations_are_numbered_without_gaps() {
    for krate in ["catalog", "tenant-schema"] {
        checked(krate, |finding| finding.rule.name().starts_with("file-"));
    }
}

#[test]
fn the_template_keeps_to_its_rules() {
    checked("tenant-schema", |_| true);
}
