//! `dba`: people's own logins, and what they see and do in a plain session.

use insta::assert_snapshot;
use secrecy::ExposeSecret as _;
use tests::TestDb;
use tokio_postgres::{Client, Config, NoTls};

use super::program::{Tenantry, masked};

/// Two tenants, the program, and a login's name that no other test of the cluster has: roles belong to the cluster.
async fn two() -> (TestDb, Tenantry, String) {
    let t = TestDb::new().await;
    for slug in ["acme", "globex"] {
        t.tenant(slug).await;
    }
    let tenantry = Tenantry::on(&t).await;
    let ann = format!("ann of {}", t.name());
    (t, tenantry, ann)
}

/// Grants with `--create`, and opens a session as the new login.
async fn created(t: &TestDb, tenantry: &Tenantry, role: &str, more: &[&str]) -> Client {
    let mut typed = vec!["dba", "grant", role, "acme", "--create", "--json"];
    typed.extend(more);
    let ran = tenantry.does(&typed).await;
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one JSON document");
    connect(t, role, told["password"].as_str().expect("a password")).await
}

async fn connect(t: &TestDb, role: &str, password: &str) -> Client {
    let mut config: Config = t.owner_url().expose_secret().parse().expect("a URL");
    config.user(role).password(password);
    let (client, connection) = config.connect(NoTls).await.expect("let in");
    tokio::spawn(connection);
    client
}

async fn sqlstate(session: &Client, sql: &str) -> String {
    let error = session.batch_execute(sql).await.expect_err(sql);
    error
        .code()
        .map_or_else(|| error.to_string(), |code| code.code().to_owned())
}

async fn seen(session: &Client) -> String {
    let seen = "select coalesce(string_agg(slug, ' ' order by slug), '') from catalog.tenants";
    session.query_one(seen, &[]).await.expect("an answer").get(0)
}

async fn message(session: &Client, sql: &str) -> String {
    let error = session.batch_execute(sql).await.expect_err(sql);
    error
        .as_db_error()
        .map_or_else(String::new, |said| said.message().to_owned())
}

#[tokio::test]
async fn a_login_uses_the_tenants_it_was_granted_and_no_other() {
    let (t, tenantry, ann) = two().await;
    let session = created(&t, &tenantry, &ann, &[]).await;
    assert_eq!(seen(&session).await, "acme");
    session
        .batch_execute("select catalog.use_tenant('acme')")
        .await
        .expect("granted");
    let insert = "insert into companies (name) values ('x'); select name from companies";
    session.batch_execute(insert).await.expect("its own tables");
    // Nobody learns which tenants there are.
    session.batch_execute("reset role").await.expect("anybody may");
    let foreign = message(&session, "select catalog.use_tenant('globex')").await;
    let nobody = message(&session, "select catalog.use_tenant('nobody')").await;
    assert_eq!(foreign.replace("globex", "nobody"), nobody);
    assert_eq!(nobody, format!("no tenant \"nobody\" is granted to {ann}"));
    let globex: String = t
        .as_superuser()
        .await
        .query_one(
            "select schema_name from catalog.tenant_schemas t join catalog.organizations o on o.id = t.organization_id \
             where slug = 'globex'",
            &[],
        )
        .await
        .expect("a tenant")
        .get(0);
    for sql in [
        "select catalog.use_tenant('globex')",
        "select catalog.use_tenant(null)",
        "select email from catalog.users",
        "select slug from catalog.organizations",
        "select role_name from catalog.dba_grants",
        "insert into catalog.dba_grants select * from catalog.dba_grants",
        &format!("select count(*) from {globex}.companies"),
        &format!("set role {globex}_rw"),
        &format!("set role {globex}_ro"),
        "set role tenantry_server",
        "set session authorization tenantry_server",
        "select catalog.resolve_slug('globex')",
    ] {
        assert_eq!(sqlstate(&session, sql).await, "42501", "{sql}");
    }
    let nothing = "select count(*) from catalog.granted_tenant('globex')";
    let row = session.query_one(nothing, &[]).await.expect("it may ask");
    assert_eq!(row.get::<_, i64>(0), 0);
    // As the tenant it has not even the catalog.
    session
        .batch_execute("select catalog.use_tenant('acme')")
        .await
        .expect("granted");
    for sql in [
        "select catalog.use_tenant('acme')",
        "select slug from catalog.tenants",
        &format!("set role {globex}_rw"),
    ] {
        assert_eq!(sqlstate(&session, sql).await, "42501", "{sql}");
    }
    tenantry.does(&["dba", "revoke", &ann, "--all"]).await;
    drop(session);
}

#[tokio::test]
async fn grants_are_told() {
    let _masked = masked();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"ann of (<database>|test_\d+) *", "ann ");
    settings.add_filter(r"(shown only now: )\S+", "$1<password>");
    let _named = settings.bind_to_scope();
    let (t, tenantry, ann) = two().await;
    assert_snapshot!(tenantry.run(&["dba", "grant", &ann, "acme"]).await, @r"
    exit status 1
    -- err
    error: could not grant acme to ann : there is no such role
      next: make it with --create, or name a role that is there
    ");
    assert_snapshot!(tenantry.run(&["dba", "grant", &ann, "acme", "--create", "--read-only"]).await, @r"
    exit status 0
    -- out
    ann may read acme: select catalog.use_tenant('acme')
    created the login
    password, shown only now: <password>
    ");
    assert_snapshot!(tenantry.run(&["dba", "grant", &ann, "acme", "--read-only"]).await, @r"
    exit status 0
    -- out
    ann may read acme already, and nothing was changed
    ");
    assert_snapshot!(tenantry.run(&["dba", "revoke", &ann, "--all"]).await, @r"
    exit status 0
    -- out
    ann may not open acme any more
    ");
    assert_snapshot!(tenantry.run("dba list").await, @r"
    exit status 0
    -- out
    no role was granted a tenant; `tenantry dba grant --help` shows how
    ");
    let entries = "select string_agg(event_type, ' ' order by id) from catalog.catalog_audit_logs \
                   where event_type like 'organization.dba%'";
    let row = t
        .as_superuser()
        .await
        .query_one(entries, &[])
        .await
        .expect("an answer");
    let expected = "organization.dba_granted organization.dba_revoked";
    assert_eq!(row.get::<_, &str>(0), expected);
    let drop = format!("drop role \"{ann}\"");
    t.as_superuser()
        .await
        .batch_execute(&drop)
        .await
        .expect("nothing depends on it");
}

#[tokio::test]
async fn a_password_may_be_chosen() {
    let (t, tenantry, ann) = two().await;
    let input = ["dba", "grant", &ann, "acme", "--create", "--password-stdin"];
    let chosen = tenantry.run_with_input(&input, "of my own choosing\n").await;
    assert!(
        !chosen.stdout.contains("password") && chosen.status == Some(0),
        "{chosen}"
    );
    let session = connect(&t, &ann, "of my own choosing").await;
    assert_eq!(seen(&session).await, "acme");
    tenantry.does(&["dba", "revoke", &ann, "acme"]).await;
    assert_eq!(
        sqlstate(&session, "select slug from catalog.tenants").await,
        "42501"
    );
}

#[tokio::test]
async fn what_is_granted_may_change() {
    let (t, tenantry, ann) = two().await;
    let session = created(&t, &tenantry, &ann, &["--read-only"]).await;
    let write = "select catalog.use_tenant('acme'); insert into companies (name) values ('x'); reset role";
    assert_eq!(sqlstate(&session, write).await, "42501");
    // Granted anew, it may more; the first role is taken back.
    tenantry.does(&["dba", "grant", &ann, "acme"]).await;
    session
        .batch_execute(&format!("reset role; {write}"))
        .await
        .expect("it may write now");
    tenantry
        .does(&["dba", "grant", &ann, "globex", "--read-only"])
        .await;
    assert_eq!(seen(&session).await, "acme globex");
    // The catalog's row is the proof that the membership is lawful.
    let examined = tenantry.run("doctor").await;
    assert!(!examined.to_string().contains(&ann), "{examined}");
    let open = tenantry.json(&["dba", "revoke", &ann, "acme"][..]).await;
    assert_eq!(open["sessions"], 1, "{open}");
    assert_eq!(seen(&session).await, "globex");
    // Under another slug it is the same tenant.
    tenantry.does("tenant slug globex globex-works").await;
    let used = "select catalog.use_tenant('globex-works'); reset role";
    session.batch_execute(used).await.expect("granted");
    assert_eq!(
        sqlstate(&session, "select catalog.use_tenant('globex')").await,
        "42501"
    );
}

#[tokio::test]
async fn grants_end_with_their_tenant() {
    let (t, tenantry, ann) = two().await;
    let session = created(&t, &tenantry, &ann, &[]).await;
    tenantry.does(&["dba", "grant", &ann, "globex"]).await;
    // A tenant that is dropped is granted to nobody, also when it comes back.
    tenantry.does("tenant drop globex --yes").await;
    assert_eq!(seen(&session).await, "acme");
    assert_eq!(
        sqlstate(&session, "select catalog.use_tenant('globex')").await,
        "42501"
    );
    let refused = tenantry.run(&["dba", "grant", &ann, "globex"]).await;
    assert!(
        refused.status == Some(1) && refused.stderr.contains("the tenant was dropped"),
        "{refused}"
    );
    tenantry.does("tenant undrop globex").await;
    assert_eq!(seen(&session).await, "acme");
    assert_eq!(tenantry.json("dba list").await.as_array().map(Vec::len), Some(1));
    // One that is purged takes its grant along, and the last grant the way into the catalog.
    tenantry.does("tenant drop acme --yes --now").await;
    assert_eq!(
        sqlstate(&session, "select slug from catalog.tenants").await,
        "42501"
    );
    assert_eq!(tenantry.json("dba list").await.as_array().map(Vec::len), Some(0));
    drop(session);
    let drop = format!("drop role \"{ann}\"");
    t.as_superuser()
        .await
        .batch_execute(&drop)
        .await
        .expect("nothing depends on it");
}

#[tokio::test]
async fn what_cannot_be_granted_is_refused() {
    let (t, tenantry, ann) = two().await;
    for (typed, reason) in [
        (&["grant", "postgres", "acme"][..], "sees every tenant anyway"),
        (&["grant", "tenantry_server", "acme"], "own"),
        (&["grant", "pg_read_all_data", "acme"], "own"),
        (&["grant", &ann, "nobody"], "there is no organization nobody"),
        (&["grant", &ann, "acme"], "there is no such role"),
        (&["revoke", &ann, "acme"], "was not granted"),
        (&["revoke", &ann], "required"),
        (
            &["grant", "a\"; drop schema catalog; --", "acme"],
            "there is no such role",
        ),
    ] {
        let ran = tenantry.run(&[&["dba"], typed].concat()).await;
        assert_eq!(ran.status, Some(1), "{typed:?}: {ran}");
        assert!(ran.stderr.contains(reason), "{typed:?}: {ran}");
    }
    // A group is as good as a login, and one whose role is gone is shown as broken.
    let superuser = t.as_superuser().await;
    let (group, member) = (format!("group_{}", t.name()), format!("member_{}", t.name()));
    superuser
        .batch_execute(&format!(
            "create role {group} nologin; create role {member} login password 'known' in role {group}"
        ))
        .await
        .expect("roles");
    tenantry
        .does(&["dba", "grant", &group, "acme", "--read-only"])
        .await;
    let session = connect(&t, &member, "known").await;
    assert_eq!(seen(&session).await, "acme");
    session
        .batch_execute("select catalog.use_tenant('acme'); select name from companies; reset role")
        .await
        .expect("granted");
    superuser
        .batch_execute(&format!(
            "drop owned by {group}; drop role {group}; create role {group}"
        ))
        .await
        .expect("made anew");
    let listed = tenantry.json("dba list").await;
    assert_eq!(listed[0]["broken"], true, "{listed}");
    superuser.batch_execute(&format!("grant {group} to {member}; grant usage on schema catalog to {member}; grant execute on all functions in schema catalog to {member}")).await.expect("done");
    assert_eq!(
        sqlstate(&session, "select catalog.use_tenant('acme')").await,
        "42501",
        "a new role of the old name"
    );
    tenantry.does(&["dba", "revoke", &group, "acme"]).await;
    superuser
        .batch_execute(&format!("drop owned by {member}; drop role {member}, {group}"))
        .await
        .expect("gone");
}

#[tokio::test]
async fn the_owner_sees_the_whole_fleet() {
    let (t, _tenantry, _ann) = two().await;
    let owner = t.as_owner().await;
    assert_eq!(seen(&owner).await, "acme globex");
    let size =
        "select min(size_bytes) > 100000, min(version) > 0, count(last_migration) = 2 from catalog.tenants";
    let row = owner.query_one(size, &[]).await.expect("an answer");
    assert!(row.get::<_, bool>(0) && row.get(1) && row.get(2));
}
