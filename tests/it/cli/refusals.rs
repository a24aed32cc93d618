//! What cannot be done as asked: exit status 1, and a sentence that says what was attempted, why not, and what next.

use insta::{assert_json_snapshot, assert_snapshot};
use tests::TestDb;

use super::program::{Tenantry, masked};

/// A tenant owned by Ann.
fn create(slug: &str, more: &str) -> String {
    format!("tenant create {slug} --name Acme --owner-email ann@acme.example {more}")
}

#[tokio::test]
async fn a_slug_that_cannot_be_had() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(&create("acme", "")).await;
    assert_snapshot!(tenantry.run(&create("acme", "")).await, @r"
    exit status 1
    -- err
    error: could not create tenant acme: the slug is taken
      next: choose another slug; `tenantry tenant list` shows those in use
    ");
    assert_json_snapshot!(tenantry.run(&create("acme", "--json")).await.failure(), @r#"
    {
      "message": "could not create tenant acme: the slug is taken",
      "next": "choose another slug; `tenantry tenant list` shows those in use",
      "status": 1
    }
    "#);
    assert_snapshot!(tenantry.run(&create("admin", "")).await, @r"
    exit status 1
    -- err
    error: could not create tenant admin: the slug is reserved
      next: choose another slug
    ");
    assert_snapshot!(tenantry.run(&create("Acme", "")).await, @r#"
    exit status 1
    -- err
    error: invalid value 'Acme' for '<SLUG>': slug "Acme" is not usable: a slug has 3 to <version> characters, a-z, 0-9 and inner hyphens, and begins with a letter

    For more information, try '--help'.
    "#);
    assert_json_snapshot!(tenantry.run(&create("-acme", "--json")).await.failure(), @r#"
    {
      "message": "unexpected argument '-a' found",
      "next": "add --help to the command to see what it takes",
      "status": 1
    }
    "#);
    assert_eq!(
        tenantry.json("tenant list").await.as_array().map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn what_is_not_there() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry
        .does("organization create hub --kind platform --name Hub")
        .await;
    assert_snapshot!(tenantry.run("tenant show globex").await, @r"
    exit status 1
    -- err
    error: could not show tenant globex: there is no organization globex
      next: `tenantry tenant list` shows those there are
    ");
    assert_snapshot!(tenantry.run("tenant show hub").await, @r"
    exit status 1
    -- err
    error: could not show tenant hub: hub is no tenant: an organization of kind platform has no schema
      next: `tenantry tenant list` shows the tenants
    ");
    assert_snapshot!(tenantry.run("psql globex").await, @r"
    exit status 1
    -- err
    error: could not make a login to tenant globex: there is no organization globex
      next: `tenantry tenant list` shows those there are
    ");
    assert_snapshot!(tenantry.run("erd --tenant globex").await, @r"
    exit status 1
    -- err
    error: could not draw globex: there is no organization globex
      next: `tenantry tenant list` shows those there are
    ");
}

#[tokio::test]
async fn what_would_belong_to_what_is_not_there() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(&create("acme", "")).await;
    assert_snapshot!(tenantry.run("key create globex --name K --scope '*:*'").await, @r"
    exit status 1
    -- err
    error: could not create a key of globex: there is no organization globex
      next: `tenantry tenant list` shows those there are
    ");
    assert_snapshot!(tenantry.run("key revoke acme tk_12345").await, @r"
    exit status 1
    -- err
    error: could not revoke the key of acme: there is no such key
      next: `tenantry key list acme` shows the keys
    ");
    assert_snapshot!(
        tenantry.run("user create --email bob@acme.example --organization globex").await,
        @r"
    exit status 1
    -- err
    error: could not create user bob@acme.example: there is no organization globex
      next: `tenantry tenant list` shows those there are
    "
    );
    // The account was not made either.
    tenantry
        .does("user create --email bob@acme.example --organization acme")
        .await;
    assert_snapshot!(tenantry.run(&create("initech", "--kind client --parent globex")).await, @r"
    exit status 1
    -- err
    error: could not create tenant initech: there is no organization globex
      next: `tenantry tenant list` shows those there are
    ");
}

#[tokio::test]
async fn what_is_there_already() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(&create("acme", "")).await;
    let ann = "user create --email ann@acme.example";
    assert_snapshot!(tenantry.run(ann).await, @r"
    exit status 1
    -- err
    error: could not create user ann@acme.example: the account exists already
      next: name an --organization to add it to one
    ");
    assert_snapshot!(tenantry.run(&format!("{ann} --organization acme")).await, @r"
    exit status 1
    -- err
    error: could not create user ann@acme.example: the user is a member already
      next: nothing is left to do
    ");
    let key = tenantry.json("key create acme --name K --scope '*:*'").await;
    let revoke = format!("key revoke acme {}", key["id"].as_str().expect("a text"));
    tenantry.does(&revoke).await;
    assert_snapshot!(tenantry.run(&revoke).await, @r"
    exit status 1
    -- err
    error: could not revoke the key of acme: the key <prefix>… was revoked before
      next: nothing is left to do
    ");
    // A password is nobody's to change but its owner's.
    let create = create("globex", "--owner-password-stdin");
    assert_snapshot!(tenantry.run_with_input(&create, "correct horse battery\n").await, @r"
    exit status 1
    -- err
    error: could not create tenant globex: the account ann@acme.example exists, and its password is its owner's to change
      next: run it again without a password
    ");
}

#[tokio::test]
async fn what_would_break_a_rule() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(&create("acme", "")).await;
    // An agency belongs to a platform, not to a tenant.
    let agency = "organization create studio --kind agency --parent acme --name S";
    assert_snapshot!(tenantry.run(agency).await, @r"
    exit status 1
    -- err
    error: could not create organization studio: the parent does not fit: a client belongs to an agency, an agency to a platform, others to nothing
      next: a client needs --parent <agency>, an agency --parent <platform>, the others none
    ");
    assert_snapshot!(tenantry.run(&create("globex", "--parent acme")).await, @r"
    exit status 1
    -- err
    error: could not create tenant globex: the parent does not fit: a client belongs to an agency, an agency to a platform, others to nothing
      next: a client needs --parent <agency>, an agency --parent <platform>, the others none
    ");
    // Passwords.
    let chosen = create("globex", "--owner-password-stdin").replace("ann@", "bob@");
    assert_snapshot!(tenantry.run_with_input(&chosen, "short\n").await, @r"
    exit status 1
    -- err
    error: could not create tenant globex: a password has at least 8 characters
      next: choose another password
    ");
    assert_snapshot!(tenantry.run_with_input(&chosen, "").await, @r"
    exit status 1
    -- err
    error: could not create tenant globex: standard input holds no password
      next: give it on one line
    ");
}

#[tokio::test]
async fn what_cannot_be_understood() {
    let _masked = masked();
    let tenantry = Tenantry::alone().await;
    assert_snapshot!(tenantry.run("tenant create acme").await, @r"
    exit status 1
    -- err
    error: the following required arguments were not provided:
      --name <NAME>
      --owner-email <ADDRESS>

    Usage: tenantry tenant create --name <NAME> --owner-email <ADDRESS> <SLUG>

    For more information, try '--help'.
    ");
    assert_json_snapshot!(tenantry.run("--json tenant create acme").await.failure(), @r#"
    {
      "message": "the following required arguments were not provided:\n  --name <NAME>\n  --owner-email <ADDRESS>",
      "next": "add --help to the command to see what it takes",
      "status": 1
    }
    "#);
    assert_snapshot!(tenantry.run("tenants").await, @r"
    exit status 1
    -- err
    error: unrecognized subcommand 'tenants'

      tip: a similar subcommand exists: 'tenant'

    Usage: tenantry [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    assert_snapshot!(tenantry.run("user create --email nobody").await, @r"
    exit status 1
    -- err
    error: invalid value 'nobody' for '--email <ADDRESS>': this is not an e-mail address: name@example.com is the form, at most 254 characters

    For more information, try '--help'.
    ");
    assert_snapshot!(tenantry.run("user create --email a@b.example --role owner").await, @r"
    exit status 1
    -- err
    error: invalid value 'owner' for '--role <ROLE>': the word is not one of: admin, member

    For more information, try '--help'.
    ");
    assert_snapshot!(tenantry.run("key create acme --name K --scope read").await, @r#"
    exit status 1
    -- err
    error: invalid value 'read' for '--scope <OBJECT:ACTION>...': "read" is not a scope: object:action is the form, with an object's name or *, and read, insert, update, delete, purge, write or *

    For more information, try '--help'.
    "#);
    assert_snapshot!(
        tenantry.run("key create acme --name K --scope '*:*' --expires soon").await,
        @r"
    exit status 1
    -- err
    error: invalid value 'soon' for '--expires <TIME>': a number and m, h, d or w is the form, such as 45m, 12h, 30d or 2w, ten years at most

    For more information, try '--help'.
    "
    );
}

#[tokio::test]
async fn there_are_no_shards_without_citus() {
    let t = TestDb::new().await;
    t.tenant("acme").await;
    let tenantry = Tenantry::on(&t).await;
    for typed in [
        "shard status",
        "shard distribute acme",
        "shard move acme --to worker-2:5432",
        "shard rebalance",
    ] {
        let ran = tenantry.run(typed).await;
        assert_eq!(ran.status, Some(1), "{typed}: {ran}");
        assert!(
            ran.stderr.contains("this database has no Citus"),
            "{typed}: {ran}"
        );
    }
    let ran = tenantry.run("shard move acme --to worker-2").await;
    assert!(ran.stderr.contains("a host and a port is the form"), "{ran}");
}
