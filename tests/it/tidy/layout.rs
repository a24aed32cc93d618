//! Rules on files and on what Rust code may call.

use super::source::SourceFile;
use super::{Finding, finding};

/// Files longer than [`LONGEST`], with their length: an entry may only shrink, and goes when the file has fit in.
const LONG: &[(&str, usize)] = &[];

/// Lines in a file; about twice what one reads with ease.
const LONGEST: usize = 500;

/// Names that say nothing.
const NAMELESS: &[&str] = &[
    "utils", "util", "helpers", "helper", "common", "misc", "types", "core",
];

/// Programs of their own that take their settings from the environment: a test that starts PostgreSQL from `PATH`, and
/// the benchmark.
const READS_ENVIRONMENT: &[&str] = &["catalog/tests/local_cluster.rs", "tests/benches/"];

/// Files are headed by a sentence, named after a concept, laid out as `foo.rs` + `foo/`, and fit a head.
pub(super) fn shape(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !file.text.starts_with("//! ") && !file.text.starts_with("#!") {
        findings.push(finding(
            file,
            1,
            "a file begins with a //! sentence that says what it is".to_owned(),
        ));
    }
    let name = file.path.rsplit('/').next().unwrap_or_default();
    if name == "mod.rs" {
        findings.push(finding(file, 1, "foo.rs and foo/, not mod.rs".to_owned()));
    }
    let nameless = file
        .path
        .split('/')
        .any(|part| NAMELESS.contains(&part.trim_end_matches(".rs")));
    if nameless {
        findings.push(finding(
            file,
            1,
            "a module is named after what it is about".to_owned(),
        ));
    }
    findings.extend(length(file, LONG));
    findings
}

fn length(file: &SourceFile, long: &[(&str, usize)]) -> Option<Finding> {
    let lines = file.text.lines().count();
    let listed = long
        .iter()
        .find(|(path, _)| *path == file.path)
        .map(|(_, lines)| *lines);
    let trouble = match listed {
        None if lines > LONGEST => format!("{lines} lines: split it"),
        Some(_) if lines <= LONGEST => "fits by now: take it off the list of long files".to_owned(),
        Some(was) if lines > was => format!("{lines} lines, was {was}: a long file may only shrink"),
        _ => return None,
    };
    Some(finding(file, lines, trouble))
}

/// I6: below the binary, time, randomness and environment are parameters.
pub(super) fn ambient(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.path != "catalog/src/clock.rs" {
        for call in [
            "Utc::now",
            "Local::now",
            "SystemTime::now",
            "now_v7",
            "new_v4",
            "new_v7",
            "thread_rng",
        ] {
            let lines = file.lines_with(call);
            findings.extend(
                lines
                    .into_iter()
                    .map(|line| finding(file, line, format!("{call}: take a catalog::clock::Source"))),
            );
        }
    }
    let may = file.is_config()
        || file.path.ends_with("build.rs")
        || READS_ENVIRONMENT.iter().any(|place| file.path.starts_with(place));
    if !may {
        for call in ["env::var", "env::temp_dir", "env::set_var", "env::home_dir"] {
            let lines = file.lines_with(call);
            findings.extend(
                lines
                    .into_iter()
                    .map(|line| finding(file, line, format!("{call} outside config.rs"))),
            );
        }
    }
    findings
}

/// I3: the doors that are wider than a request needs are for the SQL crates and the tests.
pub(super) fn doors(file: &SourceFile) -> Vec<Finding> {
    let program = ["server/src/", "admin/src/"]
        .iter()
        .any(|place| file.path.starts_with(place));
    let records = "tenant-schema/src/records/";
    let makes = ["prepared.rs", "export.rs"].map(|name| format!("{records}{name}"));
    let calls: &[&str] = match (program, file.path.starts_with("tests/")) {
        (true, _) => &["of_test(", ".transaction(", "pg::tx", "pg::flight"],
        (false, false) if !makes.contains(&file.path) => &["of_test("],
        (false, _) => &[],
    };
    let say = |call: &str| format!("{call} is not for programs: it goes around the tenant's scope");
    calls
        .iter()
        .flat_map(|call| {
            file.lines_with(call)
                .into_iter()
                .map(|line| finding(file, line, say(call)))
        })
        .collect()
}

/// Nothing unfinished, nothing skipped, nothing that waits for luck.
pub(super) fn unfinished(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for call in ["todo!", "unimplemented!", "dbg!", "#[ignore"] {
        let lines = file.lines_with(call);
        findings.extend(
            lines
                .into_iter()
                .map(|line| finding(file, line, format!("{call} has no place here"))),
        );
    }
    // A network's distance is time.
    let tests_from = if file.path.ends_with("tests/harness/bench/link.rs") {
        usize::MAX
    } else if file.path.contains("tests/") {
        1
    } else {
        file.tests_from()
    };
    for call in ["sleep(", "sleep_until(", "sleep_ms("] {
        let lines = file
            .lines_with(call)
            .into_iter()
            .filter(|line| *line >= tests_from);
        findings.extend(
            lines.map(|line| finding(file, line, format!("{call}…): a test waits for the thing itself"))),
        );
    }
    findings
}

#[cfg(test)]
mod shown_to_catch {
    use super::*;

    fn file(path: &str, code: &str) -> SourceFile {
        SourceFile::new(path, &format!("//! x\n{code}\n"))
    }

    #[test]
    fn headless_nameless_and_long_files() {
        assert_eq!(shape(&SourceFile::new("catalog/src/a.rs", "fn x() {}")).len(), 1);
        assert_eq!(shape(&file("catalog/src/a/mod.rs", "")).len(), 1);
        assert_eq!(shape(&file("catalog/src/utils.rs", "")).len(), 1);
        assert_eq!(shape(&file("catalog/src/common/a.rs", "")).len(), 1);
        let long = file("a.rs", &"\n".repeat(501));
        assert_eq!(shape(&long).len(), 1);
        assert!(length(&long, &[("a.rs", 501)]).is_some_and(|found| found.says.contains("only shrink")));
        assert!(length(&long, &[("a.rs", 600)]).is_none());
        assert!(
            length(&file("a.rs", ""), &[("a.rs", 600)])
                .is_some_and(|found| found.says.contains("fits by now"))
        );
        assert_eq!(shape(&file("catalog/src/a.rs", "fn x() {}")).len(), 0);
    }

    #[test]
    fn ambient_time_randomness_and_environment() {
        for code in [
            "let a = Utc::now();",
            "Uuid::now_v7()",
            "std::time::SystemTime::now()",
            "std::env::var(\"A\")",
        ] {
            assert_eq!(ambient(&file("server/src/a.rs", code)).len(), 1, "{code}");
        }
        assert_eq!(ambient(&file("catalog/src/clock.rs", "Utc::now()")).len(), 0);
        assert_eq!(
            ambient(&file("server/src/config.rs", "std::env::var(\"A\")")).len(),
            0
        );
        assert_eq!(
            ambient(&file("server/src/a.rs", "// Utc::now() is not called here")).len(),
            0
        );
    }

    #[test]
    fn the_ways_around_the_scope() {
        assert_eq!(
            doors(&file("server/src/a.rs", "Prepared::of_test(mode, text)")).len(),
            1
        );
        assert_eq!(
            doors(&file("admin/src/a.rs", "tx.transaction().batch(text)")).len(),
            1
        );
        assert_eq!(
            doors(&file("catalog/src/a.rs", "Prepared::of_test(mode, text)")).len(),
            1
        );
        assert_eq!(
            doors(&file("tests/it/a.rs", "Prepared::of_test(mode, text)")).len(),
            0
        );
        assert_eq!(
            doors(&file("tenant-schema/src/a.rs", "tx.transaction().batch(text)")).len(),
            0
        );
    }

    #[test]
    fn the_unfinished_and_the_skipped() {
        for code in ["todo!()", "unimplemented!()", "dbg!(1)", "#[ignore = \"slow\"]"] {
            assert_eq!(unfinished(&file("server/src/a.rs", code)).len(), 1, "{code}");
        }
        let nap = "tokio::time::sleep(x).await";
        assert_eq!(unfinished(&file("tests/it/a.rs", nap)).len(), 1);
        assert_eq!(
            unfinished(&file("catalog/src/a.rs", nap)).len(),
            0,
            "the feed may wait before it tries again"
        );
        assert_eq!(
            unfinished(&file(
                "catalog/src/a.rs",
                &format!("#[cfg(test)]\nmod tests {{ {nap} }}")
            ))
            .len(),
            1
        );
    }
}
