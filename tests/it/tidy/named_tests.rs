//! Pages that name tests: every one of them is there.

/// Tests of this program that a page names in backticks, by their paths: `cli::killed::killed_at_any_step`.
pub(super) fn of(page: &str) -> Vec<&str> {
    let spans = page.split('`').skip(1).step_by(2);
    spans.filter(|span| is_path(span)).collect()
}

fn is_path(span: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    span.contains("::") && span.split("::").all(is_name)
}

/// Whether the file of the path's module has a test of that name; `read` gives a file of `tests/it`.
pub(super) fn is_there(path: &str, read: impl Fn(&str) -> Option<String>) -> bool {
    let Some((module, name)) = path.rsplit_once("::") else {
        return false;
    };
    let Some(text) = read(&format!("{}.rs", module.replace("::", "/"))) else {
        return false;
    };
    let headed = |attribute: &str, keyword: &str| text.contains(&format!("{attribute}\n{keyword} {name}("));
    headed("#[tokio::test]", "async fn") || headed("#[test]", "fn")
}

#[cfg(test)]
mod shown_to_catch {
    use super::*;

    #[test]
    fn a_test_that_is_not_there() {
        let page = "Shown by `cli::killed::there`, `cli::killed::gone` and `cli::away::there`; `--json`, `a::B` are none.";
        let read = |file: &str| {
            (file == "cli/killed.rs").then(|| "#[tokio::test]\nasync fn there() {}\nfn gone() {}".to_owned())
        };
        let found: Vec<bool> = of(page).into_iter().map(|path| is_there(path, read)).collect();
        assert_eq!(found, [true, false, false]);
    }
}
