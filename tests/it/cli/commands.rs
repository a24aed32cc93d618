//! What every command prints when all is well, to people and to machines.

use std::process::Stdio;

use insta::{assert_json_snapshot, assert_snapshot};
use secrecy::ExposeSecret as _;
use tests::TestDb;

use super::program::{Tenantry, masked};

const ACME: &str = "tenant create acme --name 'Acme Industrial' --owner-email ann@acme.example";

#[tokio::test]
async fn init_may_be_repeated() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    assert_snapshot!(tenantry.run("init").await, @r"
    exit status 0
    -- out
    database <database> is fit for Tenantry
      catalog      version <version> (was current)
      server login tenantry_server (password not changed)
      signing key  ready

    next:
      tenantry init --server-password-stdin < password
      tenantry tenant create acme --name Acme --owner-email ann@acme.example
      SERVER_DATABASE_URL=postgres://tenantry_server:…@host/database tenantry serve
    ");
}

#[tokio::test]
async fn init_makes_a_new_database_fit() {
    let _masked = masked();
    let t = TestDb::new().await;
    let fresh = format!("{}_fresh", t.name());
    let superuser = t.as_superuser().await;
    let create = format!("create database {fresh} owner {}", tests::cluster::OWNER);
    superuser.batch_execute(&create).await.expect("a database");
    let url = t.owner_url();
    let url = url.expose_secret().replace(t.name(), &fresh);
    let ring = t.cluster().key_ring_text();
    let tenantry = Tenantry::on(&t).await.with("DATABASE_URL", url);
    assert_json_snapshot!(tenantry.json("init").await, @r#"
    {
      "applied": [<versions>],
      "catalog_version": <version>,
      "next": [
        "tenantry init --server-password-stdin < password",
        "tenantry tenant create acme --name Acme --owner-email ann@acme.example",
        "SERVER_DATABASE_URL=postgres://tenantry_server:…@host/database tenantry serve"
      ],
      "server_login": "tenantry_server",
      "server_password_set": false,
      "signing_key": true
    }
    "#);
    let again = tenantry
        .without("TENANTRY_KEYRING")
        .run_with_input("init --server-password-stdin", &the_server_password(&t))
        .await;
    let suggested = again
        .stdout
        .lines()
        .find_map(|line| line.trim().strip_prefix("export TENANTRY_KEYRING="))
        .expect("a key ring is suggested");
    assert_ne!(suggested, ring.expose_secret());
    suggested.parse::<catalog::seal::KeyRing>().expect("it is usable");
    assert_snapshot!(again.to_string().replace(suggested, "<suggested>"), @r"
    exit status 0
    -- out
    database <database>_fresh is fit for Tenantry
      catalog      version <version> (was current)
      server login tenantry_server (password set)
      signing key  none yet: there is no key ring to seal it

    next:
      export TENANTRY_KEYRING=<suggested>
      tenantry init
      tenantry tenant create acme --name Acme --owner-email ann@acme.example
      SERVER_DATABASE_URL=postgres://tenantry_server:…@host/database tenantry serve
    ");
    let drop = format!("drop database {fresh} with (force)");
    superuser.batch_execute(&drop).await.expect("dropped");
}

/// Roles belong to the cluster: the server's login keeps the password that other tests use.
fn the_server_password(t: &TestDb) -> String {
    let url = t.server_url();
    let url = url.expose_secret();
    let (_, rest) = url.split_once("tenantry_server:").expect("its login");
    let (password, _) = rest.split_once('@').expect("its password");
    password.to_owned()
}

#[tokio::test]
async fn a_tenant_is_created() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    assert_snapshot!(tenantry.run("tenant list").await, @r"
    exit status 0
    -- out
    there are no organizations yet; `tenantry tenant create --help` shows how to make one
    ");
    assert_eq!(tenantry.json("tenant list").await, serde_json::json!([]));
    assert_snapshot!(tenantry.run(ACME).await, @r"
    exit status 0
    -- out
    tenant   acme
    id       <id>
    schema   <schema>
    version  <version>
    url      http://acme.localhost:8080

    created the account ann@acme.example
    password, shown only now: <password>

    next:
      tenantry key create acme --name 'First key' --scope '*:*'
    ");
    assert_json_snapshot!(
        tenantry.json("tenant create globex --name Globex --owner-email ann@acme.example").await,
        @r#"
    {
      "id": "<id>",
      "owner": {
        "account": "kept",
        "email": "ann@acme.example"
      },
      "schema": "<schema>",
      "slug": "globex",
      "template_version": <version>,
      "url": "http://globex.localhost:8080"
    }
    "#
    );
}

#[tokio::test]
async fn tenants_are_listed() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    tenantry
        .does("organization create hub --kind platform --name Hub")
        .await;
    assert_snapshot!(tenantry.run("tenant list").await, @r"
    exit status 0
    -- out
    SLUG  NAME             KIND        STATUS  VERSION  MEMBERS  KEYS  SCHEMA
    acme  Acme Industrial  standalone  active  <version>        1        0     <schema>
    hub   Hub              platform    active           0        0
    ");
    assert_json_snapshot!(tenantry.json("tenant list").await[0], @r#"
    {
      "api_keys": 0,
      "id": "<id>",
      "kind": "standalone",
      "members": 1,
      "name": "Acme Industrial",
      "schema": "<schema>",
      "slug": "acme",
      "state": "ready",
      "status": "active",
      "template_version": <version>
    }
    "#);
}

#[tokio::test]
async fn a_tenant_is_shown() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    assert_snapshot!(tenantry.run("tenant show acme").await, @r"
    exit status 0
    -- out
    tenant    acme
    name      Acme Industrial
    id        <id>
    kind      standalone
    status    active
    url       http://acme.localhost:8080
    schema    <schema> (ready)
    version   <version> (the latest)
    migrated  <time>
    size      <size>
    created   <time>

    MEMBER            NAME  ROLE   STATE
    ann@acme.example        owner  active
    ");
    assert_json_snapshot!(tenantry.json("tenant show acme").await, @r#"
    {
      "created_at": "<time>",
      "id": "<id>",
      "kind": "standalone",
      "last_error": null,
      "latest_version": <version>,
      "members": [
        {
          "active": true,
          "email": "ann@acme.example",
          "name": null,
          "owner": true,
          "role": "admin"
        }
      ],
      "migrated_at": "<time>",
      "name": "Acme Industrial",
      "schema": "<schema>",
      "size_bytes": <size>,
      "slug": "acme",
      "state": "ready",
      "status": "active",
      "template_version": <version>,
      "url": "http://acme.localhost:8080"
    }
    "#);
}

#[tokio::test]
async fn a_platform_an_agency_and_its_client() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    let hub = "organization create hub --kind platform --name Hub";
    assert_snapshot!(tenantry.run(hub).await, @r"
    exit status 0
    -- out
    organization  hub
    id            <id>
    kind          platform
    ");
    let studio = "organization create studio --kind agency --parent hub --name Studio";
    assert_json_snapshot!(tenantry.json(studio).await, @r#"
    {
      "id": "<id>",
      "kind": "agency",
      "name": "Studio",
      "slug": "studio"
    }
    "#);
    tenantry
        .does(&format!("{ACME} --kind client --parent studio"))
        .await;
    let listed = tenantry.json("tenant list").await;
    let kinds: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            (
                one["slug"].as_str(),
                one["kind"].as_str(),
                one["schema"].is_string(),
            )
        })
        .collect();
    let expected = [
        ("acme", "client", true),
        ("hub", "platform", false),
        ("studio", "agency", false),
    ];
    assert_eq!(
        kinds,
        expected.map(|(slug, kind, schema)| (Some(slug), Some(kind), schema))
    );
}

#[tokio::test]
async fn a_person_gets_an_account_and_joins() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    let bob = "user create --email bob@acme.example --name 'Bob Lee' --organization acme";
    assert_snapshot!(tenantry.run(bob).await, @r"
    exit status 0
    -- out
    created the account bob@acme.example
    password, shown only now: <password>
    bob@acme.example is member of acme
    ");
    let chloe = "user create --email chloe@acme.example --password-stdin --json";
    let chloe = tenantry.run_with_input(chloe, "correct horse battery\n").await;
    assert_snapshot!(chloe, @r#"
    exit status 0
    -- out
    {"id":"<id>","email":"chloe@acme.example","account":"created"}
    "#);
    // Somebody signed up with this address without verifying it: an operator's word does not open the door to them.
    t.user("dora@acme.example").await;
    let dora = "user create --email dora@acme.example --organization acme --role admin";
    assert_json_snapshot!(tenantry.json(dora).await, @r#"
    {
      "account": "taken_over",
      "email": "dora@acme.example",
      "id": "<id>",
      "membership": {
        "id": "<id>",
        "organization": "acme",
        "role": "admin"
      },
      "password": "<password>"
    }
    "#);
    let shown =
        "select count(*) from catalog.users where email = 'dora@acme.example' and display_name is null";
    let shown = t.as_owner().await.query_one(shown, &[]).await.expect("an answer");
    assert_eq!(
        shown.get::<_, i64>(0),
        1,
        "what the stranger called herself is gone"
    );
}

#[tokio::test]
async fn a_key_is_created() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    assert_snapshot!(tenantry.run("key list acme").await, @r"
    exit status 0
    -- out
    acme has no keys; `tenantry key create --help` shows how to make one
    ");
    let site = "key create acme --name 'Web site' --scope contacts:read companies:read";
    assert_snapshot!(tenantry.run(site).await, @r"
    exit status 0
    -- out
    key, shown only now  <key>
    id                   <id>
    name                 Web site
    scopes               contacts:read companies:read
    expires              never

    try it:
      curl -H 'Authorization: Bearer <key>' 'http://acme.localhost:8080/rest/v1/contacts?limit=1'
    ");
    let import = "key create acme --name Import --scope '*:*' --expires 30d";
    assert_json_snapshot!(tenantry.json(import).await, @r#"
    {
      "expires_at": "<time>",
      "id": "<id>",
      "key": "<key>",
      "name": "Import",
      "organization": "acme",
      "scopes": [
        "*:*"
      ]
    }
    "#);
}

#[tokio::test]
async fn a_key_is_listed_and_revoked() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    tenantry
        .does("key create acme --name 'Web site' --scope contacts:read companies:read")
        .await;
    let made = tenantry
        .json("key create acme --name Import --scope '*:*' --expires 30d")
        .await;
    assert_json_snapshot!(tenantry.json("key list acme").await[0], @r#"
    {
      "created_at": "<time>",
      "created_by": "operator:ann",
      "expires_at": "<time>",
      "id": "<id>",
      "last_used_at": null,
      "name": "Import",
      "prefix": "<prefix>",
      "revoked_at": null,
      "scopes": [
        "*:*"
      ],
      "state": "good"
    }
    "#);
    let prefix: String = made["key"].as_str().expect("a text").chars().take(8).collect();
    assert_snapshot!(tenantry.run(&format!("key revoke acme {prefix}")).await, @r"
    exit status 0
    -- out
    revoked <prefix>… (Import, <id>)
    ");
    let listed = tenantry.json("key list acme").await;
    let id = listed
        .as_array()
        .expect("a list")
        .iter()
        .find_map(|key| (key["state"] == "good").then(|| key["id"].as_str()))
        .flatten()
        .expect("the other one is good");
    assert_json_snapshot!(tenantry.json(&format!("key revoke acme {id}")).await, @r#"
    {
      "id": "<id>",
      "name": "Web site",
      "prefix": "<prefix>"
    }
    "#);
    assert_snapshot!(tenantry.run("key list acme").await, @r"
    exit status 0
    -- out
    KEY        NAME      SCOPES                        STATE    EXPIRES                  LAST USED  ID
    <prefix>…  Import    *:*                           revoked  <time>  never      <id>
    <prefix>…  Web site  contacts:read companies:read  revoked  never                    never      <id>
    ");
}

#[tokio::test]
async fn the_audit_log_names_who_was_at_the_keyboard() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    tenantry.does(ACME).await;
    let sudo = Tenantry::on(&t)
        .await
        .with("USER", "root")
        .with("SUDO_USER", "bob");
    sudo.does("key create acme --name Everything --scope '*:*'").await;
    let rows = t
        .as_superuser()
        .await
        .query(ACTORS, &[])
        .await
        .expect("an answer");
    let actors: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected = [
        ("operator:ann", "organization.provisioned"),
        ("operator:ann", "user.created"),
        ("operator:bob", "api_key.created"),
    ];
    assert_eq!(
        actors,
        expected.map(|(who, what)| (who.to_owned(), what.to_owned()))
    );
}

/// The signing key was made with the database the test's own is a copy of.
const ACTORS: &str = "\
select actor, event_type from catalog.catalog_audit_logs
 where event_type <> 'signing_key.created' order by actor, event_type";

#[tokio::test]
async fn a_reader_that_has_gone_is_no_failure() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    for arguments in ["tenant list", "tenant list --json", "--help", "--version"] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = tenantry.command(arguments);
        command.stdout(Stdio::from(writer));
        let ran = tenantry.end_of(command).await;
        assert_eq!(ran.to_string(), "exit status 0", "{arguments:?}");
    }
}
