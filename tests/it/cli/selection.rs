//! `--only` and `--where`: which tenants a command of the fleet takes, and how it says that it cannot.

use insta::assert_snapshot;

use super::program::{Tenantry, masked};
use crate::fleet::Small;

/// Tenants that differ in everything there are conditions on: gnu is plain; owl is suspended, pinned, and of January;
/// yak is a client with another plan, has failed, and is at version 2; studio is an agency.
const DIFFERENT: &str = "\
insert into catalog.organizations (id, kind, slug, name, status) values
  ('00000000-0000-7000-8000-000000000001', 'platform', 'plat', 'The Platform', 'active');
insert into catalog.organizations (id, kind, parent_id, slug, name, status) values
  ('00000000-0000-7000-8000-000000000002', 'agency', '00000000-0000-7000-8000-000000000001', 'studio', 'Studio', 'active');
update catalog.organizations set created_at = '2026-03-01' where slug in ('gnu', 'yak', 'plat', 'studio');
update catalog.organizations set status = 'suspended', created_at = '2026-01-31 23:59:59.999999Z', name = '100% Owl_s'
  where slug = 'owl';
update catalog.organizations set kind = 'client', parent_id = '00000000-0000-7000-8000-000000000002', plan = 'pro'
  where slug = 'yak';
update catalog.tenant_schemas t set migrated_at = '2026-03-01' from catalog.organizations o where o.id = organization_id;
update catalog.tenant_schemas t set pinned_version = 1 from catalog.organizations o
  where o.id = organization_id and o.slug = 'owl';
update catalog.tenant_schemas t set template_version = 2, last_error = 'x', migrated_at = '2026-03-02T12:00:00Z'
  from catalog.organizations o where o.id = organization_id and o.slug = 'yak'";

async fn different() -> (Small, Tenantry) {
    let small = Small::with(&["gnu", "owl", "yak"]).await;
    let superuser = small.t.as_superuser().await;
    superuser.batch_execute(DIFFERENT).await.expect("done");
    let tenantry = Tenantry::on(&small.t)
        .await
        .with("TENANTRY_TEMPLATE", small.folder.path());
    (small, tenantry)
}

/// Conditions, and who is left: of all organizations.
const TAKEN: &[(&[&str], &str)] = &[
    (&["slug=gnu"], "gnu"),
    (&["slug=*u*"], "gnu studio"),
    (&["slug=?n?"], "gnu"),
    (&["slug!=*u*"], "owl plat yak"),
    (&["slug~TUD"], "studio"),
    (&["slug!~u"], "owl plat yak"),
    (&["name=100% Owl_s"], "owl"),
    (&["name=100%*"], "owl"),
    (&["name=%"], ""),
    (&["name=___"], ""),
    (&["name~plat"], "plat"),
    (&["name ~ 0% o"], "owl"),
    (&["plan=pro"], "yak"),
    (&["plan!=pro", "kind=standalone"], "gnu owl"),
    (&["kind=agency,client"], "studio yak"),
    (&["kind!=agency,client"], "gnu owl plat"),
    (&["status=suspended"], "owl"),
    (&["status!=suspended"], "gnu plat studio yak"),
    (&["state=ready"], "gnu owl yak"),
    (&["state!=ready"], ""),
    (&["parent=studio"], "yak"),
    (&["parent=none"], "gnu owl plat"),
    (&["parent!=studio,none"], "studio"),
    (&["version=1"], "gnu owl"),
    (&["version!=1"], "yak"),
    (&["version<2"], "gnu owl"),
    (&["version<=2"], "gnu owl yak"),
    (&["version > 1"], "yak"),
    (&["version>=1"], "gnu owl yak"),
    (&["pinned=true"], "owl"),
    (&["pinned=false"], "gnu yak"),
    (&["pinned!=false"], "owl"),
    (&["failed=true"], "yak"),
    (&["created<2026-02-01"], "owl"),
    (&["created=2026-01-31"], "owl"),
    (&["created!=2026-01-31"], "gnu plat studio yak"),
    (&["created>2026-01-31"], "gnu plat studio yak"),
    (&["created<=2026-01-31"], "owl"),
    (&["created<=2026-01-30"], ""),
    (&["created>=2026-03-01"], "gnu plat studio yak"),
    (
        &["created>=2026-01-31T23:59:59.999999Z"],
        "gnu owl plat studio yak",
    ),
    (&["created>2026-01-31T23:59:59.999999Z"], "gnu plat studio yak"),
    (&["migrated=2026-03-02T13:00:00+01:00"], "yak"),
    (&["migrated<2026-03-02"], "gnu owl"),
    (&["status=active", "version<2"], "gnu"),
    (&["name=' or true --"], ""),
];

#[tokio::test]
async fn every_condition_takes_whom_it_says() {
    let (_small, tenantry) = different().await;
    for (conditions, expected) in TAKEN {
        let mut typed = vec!["tenant", "list", "--json"];
        typed.extend(conditions.iter().flat_map(|condition| ["--where", condition]));
        let ran = tenantry.does(&typed).await;
        let listed: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one JSON document");
        let slugs: Vec<&str> = listed
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|organization| organization["slug"].as_str())
            .collect();
        assert_eq!(slugs.join(" "), *expected, "{conditions:?}");
    }
}

#[tokio::test]
async fn lists_are_of_whom_was_named() {
    let (_small, tenantry) = different().await;
    let listed = tenantry.json("tenant list --only yak,studio --only owl").await;
    assert_eq!(listed.as_array().map(Vec::len), Some(3));
    assert_snapshot!(tenantry.run("tenant list --where status=cancelled").await, @r"
    exit status 0
    -- out
    no organization matches --where status=cancelled
    ");
    assert_snapshot!(tenantry.run("tenant list --only yak,stduio,nobody").await, @r"
    exit status 1
    -- err
    error: could not list the tenants: there are no organizations stduio, nobody
      next: perhaps you meant studio; `tenantry tenant list` shows those there are
    ");
}

#[tokio::test]
async fn what_cannot_be_read_is_named_with_what_would_be_right() {
    let tenantry = Tenantry::alone().await;
    assert_snapshot!(tenantry.run("tenant list --where stauts=active").await, @r#"
    exit status 1
    -- err
    error: invalid value 'stauts=active' for '--where <CONDITION>': there is no field "stauts", perhaps you meant "status"; the fields are: slug, name, plan, kind, status, state, parent, version, pinned, failed, created, migrated

    For more information, try '--help'.
    "#);
    assert_snapshot!(tenantry.run("migrate --where status<active").await, @r"
    exit status 1
    -- err
    error: invalid value 'status<active' for '--where <CONDITION>': status does not go with <; it goes with: = !=

    For more information, try '--help'.
    ");
    for both in [
        "migrate --only acme --where status=active",
        "migrate --all --where status=active",
        "migrate --behind --where status=active",
        "migrate --resume --where status=active",
        "tenant list --only acme --all",
    ] {
        let ran = tenantry.run(both).await;
        assert_eq!(ran.status, Some(1), "{both}");
        assert!(ran.stderr.contains("cannot be used with"), "{ran}");
    }
}

#[tokio::test]
async fn a_migration_takes_whom_was_selected_and_its_run_says_so() {
    let _masked = masked();
    let (small, tenantry) = different().await;
    assert_snapshot!(tenantry.run("migrate --plan --where status=active --where kind=standalone").await, @r"
    exit status 0
    -- out
    SLUG  FROM  TO  MIGRATIONS
    gnu   1     2   1

    tenants 1, migrations 1
    ");
    assert_snapshot!(tenantry.run("migrate --where slug=nobody").await, @r"
    exit status 0
    -- out
    none of the chosen tenants can be brought to version <version>
    -- err
    catalog: version <version>
    no tenant matches --where slug=nobody
    ");
    let refused = tenantry.run("migrate --only gnu,studio").await;
    assert_snapshot!(refused, @r"
    exit status 1
    -- err
    error: studio is no tenant: an organization of kind agency has no schema
      next: `tenantry tenant list` shows the tenants
    ");
    let refused = tenantry.run("migrate --only gnu,nobody").await;
    assert_eq!(refused.status, Some(1), "{refused}");
    assert!(
        small
            .versions()
            .await
            .iter()
            .all(|(slug, version, _)| slug == "yak" || *version == 1)
    );
}

#[tokio::test]
async fn what_is_resumed_is_what_was_selected() {
    let (small, tenantry) = different().await;
    small.write("V3__more.sql", "alter table notes add column more integer");
    // owl is pinned, so gnu and yak are behind.
    let dry = tenantry.json("migrate --dry-run --where slug=*").await;
    assert_eq!(dry.as_array().map(Vec::len), Some(2), "one of each version");
    let owner = small.t.as_owner().await;
    let row = owner
        .query_one(
            "select schema_name from catalog.tenant_schemas t join catalog.organizations o on o.id = t.organization_id \
             where slug = 'gnu'",
            &[],
        )
        .await
        .expect("a tenant");
    let schema: &str = row.get(0);
    owner
        .batch_execute(&format!("create table {schema}.labels ()"))
        .await
        .expect("done");
    let stopped = tenantry.run("migrate --where slug=gnu --max-failures 0").await;
    assert_eq!(stopped.status, Some(1), "{stopped}");
    let status = tenantry.run("migrate status --json").await;
    let status: serde_json::Value = serde_json::from_str(&status.stdout).expect("one JSON document");
    assert_eq!(status["runs"][0]["selection"], "--where slug=gnu", "{status}");
    owner
        .batch_execute(&format!("drop table {schema}.labels"))
        .await
        .expect("done");
    tenantry.does("migrate --resume").await;
    let versions = small.versions().await;
    let version_of = |slug: &str| {
        versions
            .iter()
            .find(|(other, ..)| other == slug)
            .map(|found| found.1)
    };
    assert_eq!(
        (version_of("gnu"), version_of("yak")),
        (Some(3), Some(2)),
        "yak was not asked for"
    );
}
