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
    &["tenant", "pin"],
    &["tenant", "unpin"],
    &["tenant", "suspend"],
    &["tenant", "resume"],
    &["tenant", "rename"],
    &["tenant", "slug"],
    &["tenant", "clone"],
    &["tenant", "drop"],
    &["tenant", "undrop"],
    &["tenant", "purge-dropped"],
    &["tenant", "erasures"],
    &["user", "create"],
    &["key", "create"],
    &["key", "list"],
    &["key", "revoke"],
    &["migrate"],
    &["migrate", "status"],
    &["doctor"],
    &["psql"],
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
