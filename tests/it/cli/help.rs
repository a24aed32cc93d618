//! The help teaches: every command shows how it is used.

use super::program::Tenantry;

const COMMANDS: &[&[&str]] = &[
    &["demo"],
    &["serve"],
    &["init"],
    &["organization", "create"],
    &["tenant", "create"],
    &["tenant", "list"],
    &["tenant", "show"],
    &["tenant", "sizes"],
    &["tenant", "stats"],
    &["tenant", "top"],
    &["tenant", "pin"],
    &["tenant", "unpin"],
    &["tenant", "suspend"],
    &["tenant", "resume"],
    &["tenant", "rename"],
    &["tenant", "slug"],
    &["tenant", "clone"],
    &["tenant", "seed"],
    &["tenant", "move"],
    &["tenant", "drop"],
    &["tenant", "undrop"],
    &["tenant", "purge-dropped"],
    &["tenant", "erasures"],
    &["spare", "fill"],
    &["spare", "list"],
    &["spare", "drop"],
    &["user", "create"],
    &["key", "create"],
    &["key", "list"],
    &["key", "revoke"],
    &["domain", "add"],
    &["domain", "verify"],
    &["domain", "list"],
    &["domain", "remove"],
    &["migrate"],
    &["migrate", "status"],
    &["doctor"],
    &["psql"],
    &["sql"],
    &["dba", "grant"],
    &["dba", "revoke"],
    &["dba", "list"],
    &["man"],
    &["completions"],
    &["erd"],
    &["template", "check"],
];

#[tokio::test]
async fn every_command_shows_an_example() {
    let tenantry = Tenantry::alone().await;
    for command in COMMANDS {
        let help = tenantry.does(&[command, &["--help"][..]].concat()).await;
        assert_eq!(help.stderr, "", "{command:?}");
        let (_, examples) = help.stdout.split_once("Example").expect("an example");
        let typed = format!("tenantry {}", command.join(" "));
        assert!(examples.contains(&typed), "{command:?}: {}", help.stdout);
    }
}

#[tokio::test]
async fn the_overview_names_every_command_variable_and_status() {
    let tenantry = Tenantry::alone().await;
    let help = tenantry.does("--help").await.stdout;
    let mut words: Vec<&str> = COMMANDS.iter().map(|command| command[0]).collect();
    words.extend([
        "DATABASE_URL",
        "SERVER_DATABASE_URL",
        "TENANTRY_KEYRING",
        "TENANTRY_LISTEN",
        "Exit status",
    ]);
    words.extend([
        "tenantry demo",
        "tenantry psql acme",
        "TENANT",
        "SLUG",
        "TEMPLATE",
        "CATALOG",
    ]);
    for word in words {
        assert!(help.contains(word), "{word} in {help}");
    }
}

#[tokio::test]
async fn nothing_typed_is_answered_by_help() {
    let tenantry = Tenantry::alone().await;
    let ran = tenantry.run(&[]).await;
    assert_eq!(ran.status, Some(1));
    assert!(
        ran.stderr.contains("Usage: tenantry") && ran.stderr.contains("tenantry demo"),
        "{ran}"
    );
}

/// The names of all commands, as the program's own overviews list them.
fn every_command() -> Vec<String> {
    COMMANDS.iter().map(|command| command.join("-")).collect()
}

#[tokio::test]
async fn every_command_has_a_manual_page_with_its_examples() {
    let tenantry = Tenantry::alone().await;
    let told = tenantry.json("man --output pages/man1").await;
    let pages = told["pages"].as_array().expect("a list");
    for command in every_command() {
        let name = format!("tenantry-{command}.1");
        assert!(pages.contains(&name.as_str().into()), "{name}");
        let page = std::fs::read_to_string(tenantry.home().join("pages/man1").join(&name)).expect("a page");
        assert!(
            page.contains(".SH SYNOPSIS") && page.contains("Example"),
            "{name}: {page}"
        );
    }
    // The others are of commands that came since, or of groups, whose pages name their commands.
    for name in pages.iter().filter_map(serde_json::Value::as_str) {
        let page = std::fs::read_to_string(tenantry.home().join("pages/man1").join(name)).expect("a page");
        assert!(
            page.contains("Example") || page.contains(".SH SUBCOMMANDS"),
            "{name}: {page}"
        );
    }
}

#[tokio::test]
async fn every_shell_completes_every_command() {
    let tenantry = Tenantry::alone().await;
    for shell in ["bash", "zsh", "fish"] {
        let script = tenantry.does(&["completions", shell]).await.stdout;
        for word in COMMANDS.iter().copied().flatten().chain(&["--where"]) {
            assert!(script.contains(word.trim_start_matches("--")), "{shell}: {word}");
        }
    }
}
