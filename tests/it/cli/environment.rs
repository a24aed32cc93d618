//! What the environment does not allow: exit status 2, all that is wrong with it at once, and no secret repeated.

use insta::{assert_json_snapshot, assert_snapshot};
use secrecy::ExposeSecret as _;
use tests::TestDb;

use super::program::{Tenantry, masked};

const LIST: &[&str] = &["tenant", "list"];

#[tokio::test]
async fn without_a_database() {
    let _masked = masked();
    let tenantry = Tenantry::alone().await;
    assert_snapshot!(tenantry.run(LIST).await, @r"
    exit status 2
    -- err
    error: no database is named, and no demo is running
      next: export DATABASE_URL=postgres://owner@host/database, or start `tenantry demo` in another terminal
    ");
    assert_json_snapshot!(tenantry.run("tenant list --json").await.failure(), @r#"
    {
      "message": "no database is named, and no demo is running",
      "next": "export DATABASE_URL=postgres://owner@host/database, or start `tenantry demo` in another terminal",
      "status": 2
    }
    "#);
    assert_snapshot!(tenantry.run("erd --tenant acme").await, @r"
    exit status 2
    -- err
    error: could not draw acme: no database is named, and no demo is running
      next: set DATABASE_URL, or leave out --tenant to draw the template
    ");
    // An empty variable is as good as none.
    let ran = tenantry.with("DATABASE_URL", "").run(LIST).await;
    assert_eq!(ran.status, Some(2), "{ran}");
    assert!(ran.stderr.contains("no database is named"), "{ran}");
}

#[tokio::test]
async fn with_a_database_that_is_not_there() {
    let _masked = masked();
    let t = TestDb::new().await;
    let url = t.owner_url();
    let url = url.expose_secret();
    let with = async |url: &str| Tenantry::on(&t).await.with("DATABASE_URL", url).run(LIST).await;

    // Port 1 is tcpmux's (RFC 1078), which nobody runs.
    let down = url.replace(&format!(":{}/", t.cluster().port().await), ":1/");
    assert_snapshot!(with(&down).await, @r"
    exit status 2
    -- err
    error: could not list the tenants: the database is unavailable: error connecting to server: Connection refused (os error <n>)
      next: check that PostgreSQL runs and that the connection URL is right
    ");
    assert_snapshot!(with(&url.replace(t.name(), "elsewhere")).await, @r#"
    exit status 2
    -- err
    error: could not list the tenants: the database is unavailable: database "elsewhere" does not exist (SQLSTATE 3D000)
      next: create the database, or correct its name in the connection URL
    "#);
    let (_, rest) = url.split_once('@').expect("it names a login");
    let wrong = format!("postgres://{}:hunter2hunter2@{rest}", tests::cluster::OWNER);
    let refused = with(&wrong).await;
    assert!(!refused.stderr.contains("hunter2"), "{refused}");
    assert_snapshot!(refused, @r#"
    exit status 2
    -- err
    error: could not list the tenants: the database is unavailable: password authentication failed for user "tenantry_owner" (SQLSTATE 28P01)
      next: check the login and the password in the connection URL
    "#);
    // A database that was never made fit.
    assert_snapshot!(with(&url.replace(t.name(), "postgres")).await, @r#"
    exit status 2
    -- err
    error: could not list the tenants: the statement failed: relation "catalog.organizations" does not exist (SQLSTATE 42P01)
      next: run `tenantry init` on this database first
    "#);
}

#[tokio::test]
async fn with_settings_that_mean_nothing() {
    let _masked = masked();
    let tenantry = Tenantry::alone()
        .await
        .with("DATABASE_URL", "mysql://ann:hunter2@db/app")
        .with(
            "SERVER_DATABASE_URL",
            "postgres://ann:hunter2@db/app?sslmode=perhaps",
        )
        .with("TENANTRY_KEYRING", "hunter2")
        .with("TENANTRY_LISTEN", "8080")
        .with("TENANTRY_BASE_DOMAIN", "exa mple")
        .with("TENANTRY_PUBLIC_SCHEME", "gopher")
        .with("TENANTRY_PUBLIC_PORT", "many")
        .with("TENANTRY_TRUSTED_PROXIES", "10.0.0.0/8, ten")
        .with("TENANTRY_ALLOWED_ORIGINS", "http://localhost:*, app.example")
        .with("RUST_LOG", "server=loud=er");
    let ran = tenantry.run("serve").await;
    assert!(!ran.stderr.contains("hunter2"), "{ran}");
    assert_snapshot!(ran, @r#"
    exit status 2
    -- err
    error: the environment is not usable:
      - TENANTRY_LISTEN: an address and a port is the form, such as 127.0.0.1:<port> or [::]:8080
      - TENANTRY_BASE_DOMAIN: the host is malformed
      - TENANTRY_PUBLIC_SCHEME: it is http or https
      - TENANTRY_PUBLIC_PORT: invalid digit found in string
      - TENANTRY_ALLOWED_ORIGINS: "app.example" is not an origin: a scheme, a host and a port if it is not the scheme's, such as https://app.example.com, http://localhost:5173, http://localhost:* for any port, or * for every origin
      - TENANTRY_TRUSTED_PROXIES: "ten" is not a network: an address such as 10.0.0.1, or one with a prefix length such as 10.0.0.0/8
      - DATABASE_URL: a connection URL begins with postgres:// or postgresql://, as in postgres://user@host:5432/database
      - SERVER_DATABASE_URL: sslmode=perhaps is not supported: use disable, prefer, require or verify-full
      - TENANTRY_KEYRING: entry 1 of the key ring is not id:base64 (an id has 1 to <version> of a-z, A-Z, 0-9, _ and -)
      - RUST_LOG: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
      next: correct these variables; `tenantry serve --help` explains all of them
    "#);
    let tenantry = Tenantry::alone()
        .await
        .with("TENANTRY_KEYRING_FILE", "/nowhere/keyring");
    assert_snapshot!(tenantry.run("serve").await, @r"
    exit status 2
    -- err
    error: the environment is not usable:
      - TENANTRY_KEYRING_FILE: /nowhere/keyring: No such file or directory (os error <n>)
      next: correct these variables; `tenantry serve --help` explains all of them
    ");
}

#[tokio::test]
async fn a_server_that_must_not_start() {
    let _masked = masked();
    let t = TestDb::new().await;
    let serving = Tenantry::on(&t).await.with("TENANTRY_LISTEN", "127.0.0.1:0");
    assert_snapshot!(serving.run("serve").await, @r"
    exit status 2
    -- err
    error: could not serve: SERVER_DATABASE_URL is not set
      next: give it the connection of login tenantry_server, whose password `tenantry init` sets
    ");
    let serving = serving.with("SERVER_DATABASE_URL", t.owner_url().expose_secret());
    assert_snapshot!(serving.run("serve").await, @r"
    exit status 2
    -- err
    error: could not serve: the login tenantry_owner owns the catalog or is a member of its owner
      next: log in as tenantry_server, which `tenantry init` makes
    ");
    let serving = serving.with(
        "SERVER_DATABASE_URL",
        t.cluster().superuser_url(t.name()).await.expose_secret(),
    );
    let refused = serving.run("serve").await;
    assert_snapshot!(refused, @r"
    exit status 2
    -- err
    error: could not serve: the login postgres is a superuser
      next: log in as tenantry_server, which `tenantry init` makes
    ");
    let serving = serving.with("SERVER_DATABASE_URL", t.server_url().expose_secret());
    let other = catalog::seal::KeyRing::generate_text("other", t.source());
    let serving = serving.with("TENANTRY_KEYRING", other.expose_secret());
    assert_snapshot!(serving.run("serve").await, @r#"
    exit status 2
    -- err
    error: could not serve: could not load the signing keys: the key ring has no key "test"; put it back to open what it sealed
      next: use the key ring that `tenantry init` was run with
    "#);
    let serving = serving.without("TENANTRY_KEYRING");
    assert_snapshot!(serving.run("serve").await, @r"
    exit status 2
    -- err
    error: could not serve: there is no key ring to open the signing keys with
      next: set TENANTRY_KEYRING or TENANTRY_KEYRING_FILE to what `tenantry init` was run with
    ");
}

#[tokio::test]
async fn a_server_on_a_catalog_that_is_behind() {
    let _masked = masked();
    let t = TestDb::new().await;
    let serving = Tenantry::on(&t)
        .await
        .with("TENANTRY_LISTEN", "127.0.0.1:0")
        .with("SERVER_DATABASE_URL", t.server_url().expose_secret());
    let superuser = t.as_superuser().await;
    superuser.batch_execute(FORGET_THE_NEWEST).await.expect("older");
    assert_snapshot!(serving.run("serve").await, @r"
    exit status 2
    -- err
    error: could not serve: the catalog is at version <version>, and this program needs <version>
      next: run `tenantry migrate` as the database's owner
    ");
    superuser
        .batch_execute("drop schema catalog cascade")
        .await
        .expect("gone");
    assert_snapshot!(serving.run("serve").await, @r"
    exit status 2
    -- err
    error: could not serve: the database has no catalog
      next: run `tenantry init` as the database's owner
    ");
    assert_snapshot!(serving.run("migrate").await, @r"
    exit status 2
    -- err
    error: could not migrate: the database has no catalog
      next: run `tenantry init` first
    ");
}

const FORGET_THE_NEWEST: &str = "\
delete from catalog.refinery_schema_history
 where version = (select max(version) from catalog.refinery_schema_history)";
