//! `migrate` as an operator types it: the plan, the dry run, waves, what is told, and what is refused.

use insta::assert_snapshot;
use insta::internals::SettingsBindDropGuard;
use tests::TestDb;

use super::program::{Tenantry, masked};
use crate::fleet::Small;

/// Three tenants at version 1 of a template that has two, and the program.
async fn three() -> (Small, Tenantry) {
    let small = Small::with(&["gnu", "owl", "yak"]).await;
    let tenantry = Tenantry::on(&small.t)
        .await
        .with("TENANTRY_TEMPLATE", small.folder.path());
    (small, tenantry)
}

/// Puts a table in the way of a tenant's migration, or takes it away.
async fn in_the_way(small: &Small, slug: &str, sql: &str) {
    let superuser = small.t.as_superuser().await;
    let schema = "select schema_name from catalog.tenant_schemas t \
                  join catalog.organizations o on o.id = t.organization_id where o.slug = $1";
    let row = superuser.query_one(schema, &[&slug]).await.expect("a tenant");
    let schema: &str = row.get(0);
    let sql = sql.replace("SCHEMA", schema);
    small.t.as_owner().await.batch_execute(&sql).await.expect("done");
}

/// The tenants come in the order of their ids, which is another in each run.
fn masked_slugs() -> SettingsBindDropGuard {
    let masked = masked();
    let mut settings = insta::Settings::clone_current();
    drop(masked);
    settings.add_filter(r"\b(gnu|owl|yak)\b", "<slug>");
    settings.bind_to_scope()
}

#[tokio::test]
async fn the_plan_is_told_and_nothing_is_done() {
    let _masked = masked();
    let (small, tenantry) = three().await;
    assert_snapshot!(tenantry.run("migrate --plan --only owl").await, @r"
    exit status 0
    -- out
    SLUG  FROM  TO  MIGRATIONS
    owl   1     2   1

    tenants 1, migrations 1
    ");
    let all = tenantry.json("migrate --plan").await;
    assert_eq!(
        (&all["migrations"], all["tenants"].as_array().map(Vec::len)),
        (&3.into(), Some(3))
    );
    assert!(small.versions().await.iter().all(|(_, version, _)| *version == 1));
    assert_snapshot!(tenantry.run("migrate --plan --only nobody").await, @r"
    exit status 1
    -- err
    error: there is no organization nobody
      next: `tenantry tenant list` shows those there are
    ");
}

#[tokio::test]
async fn the_dry_run_tells_statements_locks_and_rewrites() {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r" *\d+\.\d ms", " <ms>");
    let _masked = settings.bind_to_scope();
    let (small, tenantry) = three().await;
    small.write(
        "V3__amounts.sql",
        "alter table notes alter column amount type bigint",
    );
    assert_snapshot!(tenantry.run("migrate --dry-run --only owl").await, @r"
    exit status 0
    -- out
    owl: version 1 to 3, <ms>
     <ms>  V2__labels.sql:2  create table labels (id uuid not null, constraint labels_pkey primary key (id))
     <ms>  V2__labels.sql:3  comment on table labels is 'Labels.'
     <ms>  V2__labels.sql:4  alter table notes add column place integer not null default 0
                   AccessExclusiveLock on notes
     <ms>  V2__labels.sql:5  create index notes_place_idx on notes (place)
                   ShareLock on notes
     <ms>  V3__amounts.sql:1  alter table notes alter column amount type bigint
                   AccessExclusiveLock on notes_pkey
                   REWRITES notes

    all of it was rolled back
    -- err
    trying owl
    ");
    let told = tenantry.json("migrate --dry-run").await;
    assert_eq!(told.as_array().map(Vec::len), Some(1), "one of each version");
    assert_eq!(told[0]["statements"][4]["rewrites"], serde_json::json!(["notes"]));
    in_the_way(&small, "owl", "create table SCHEMA.labels (id uuid)").await;
    let fails = tenantry.run("migrate --dry-run --only owl").await;
    assert_eq!(fails.status, Some(1));
    assert!(
        fails
            .stdout
            .contains("FAILS: the statement failed: relation \"labels\""),
        "{fails}"
    );
    assert!(small.versions().await.iter().all(|(_, version, _)| *version == 1));
}

#[tokio::test]
async fn a_wave_that_fails_is_told_by_the_run_and_by_status() {
    let _masked = masked_slugs();
    let (small, tenantry) = three().await;
    for slug in ["gnu", "owl", "yak"] {
        in_the_way(&small, slug, "create table SCHEMA.labels (id uuid)").await;
    }
    assert_snapshot!(tenantry.run("migrate --jobs 1 --wave 1,100%").await, @r#"
    exit status 1
    -- out
    0 migrated to version <version>, 1 failed
      <slug>: the template could not be applied: error applying migration V2__labels: the statement failed: relation "labels" already exists (SQLSTATE 42P07)
        create table labels (id uuid not null, constraint labels_pkey primary key (id))

    stopped: 1 tenant failed in wave 1
    next: `tenantry migrate --resume` goes on with what is left
    -- err
    catalog: version <version>
    wave 1 of 2: 1 tenant
    1/3 <slug>: failed, still version <version>
    "#);
    let status = tenantry.run("migrate status").await;
    assert_eq!(status.status, Some(1));
    for words in [
        "stopped",
        "42P07",
        "create table labels (id uuid not null",
        "operator:ann",
        "--resume",
        "3 behind",
    ] {
        assert!(status.stdout.contains(words), "{words} in {status}");
    }
    let document = tenantry.run("migrate status --json").await;
    let document: serde_json::Value = serde_json::from_str(&document.stdout).expect("one JSON document");
    assert_eq!(document["runs"][0]["planned"], 2);
    assert_eq!(document["failures"][0]["sqlstate"], "42P07");
    assert_eq!(document["versions"][0]["failed"], 1);
}

#[tokio::test]
async fn what_was_stopped_is_resumed() {
    let _masked = masked_slugs();
    let (small, tenantry) = three().await;
    for slug in ["gnu", "owl", "yak"] {
        in_the_way(&small, slug, "create table SCHEMA.labels (id uuid)").await;
    }
    let stopped = tenantry.run("migrate --jobs 1 --wave 1,100%").await;
    assert_eq!(stopped.status, Some(1), "{stopped}");
    for slug in ["gnu", "owl", "yak"] {
        in_the_way(&small, slug, "drop table SCHEMA.labels").await;
    }
    assert_snapshot!(tenantry.run("migrate --resume --jobs 1").await, @r"
    exit status 0
    -- out
    3 migrated to version <version>, 0 failed
    -- err
    catalog: version <version>
    wave 1 of 2: 1 tenant
    1/3 <slug>: version <version> to <version>
    wave 2 of 2: 2 tenants
    2/3 <slug>: version <version> to <version>
    3/3 <slug>: version <version> to <version>
    ");
    let status = tenantry.json("migrate status").await;
    assert_eq!(
        (&status["behind"], &status["runs"][0]["state"]),
        (&0.into(), &"finished".into())
    );
    assert_snapshot!(tenantry.run("migrate --resume").await, @r"
    exit status 1
    -- err
    catalog: version <version>
    error: could not migrate the tenants: there is no run to resume
      next: run `tenantry migrate` without --resume
    ");
    assert_snapshot!(tenantry.run("migrate").await, @r"
    exit status 0
    -- out
    every tenant is at version <version>
    -- err
    catalog: version <version>
    ");
}

#[tokio::test]
async fn the_catalog_and_the_tenants_can_be_migrated_apart() {
    let _masked = masked();
    let (small, tenantry) = three().await;
    assert_snapshot!(tenantry.run("migrate catalog").await, @r"
    exit status 0
    -- out
    the catalog is at version <version>
    -- err
    catalog: version <version>
    ");
    assert!(small.versions().await.iter().all(|(_, version, _)| *version == 1));
    tenantry.does("migrate tenants --only gnu,owl").await;
    let versions: Vec<i32> = small
        .versions()
        .await
        .iter()
        .map(|(_, version, _)| *version)
        .collect();
    assert_eq!(versions, [2, 2, 1]);
    let old = "delete from catalog.refinery_schema_history where version > 9";
    small
        .t
        .as_superuser()
        .await
        .batch_execute(old)
        .await
        .expect("an older catalog");
    for words in ["migrate tenants", "migrate --plan", "migrate status"] {
        let ran = tenantry.run(words).await;
        assert_eq!(ran.status, Some(1), "{ran}");
        assert!(ran.stderr.contains("`tenantry migrate catalog` first"), "{ran}");
    }
}

#[tokio::test]
async fn a_pinned_tenant_is_named_and_left() {
    let _masked = masked();
    let (small, tenantry) = three().await;
    assert_snapshot!(tenantry.run("tenant pin owl").await, @r"
    exit status 0
    -- out
    owl is at version <version> and is not migrated beyond version <version>
    ");
    let plan = tenantry.json("migrate --plan").await;
    assert_eq!(plan["pinned"], serde_json::json!([{"slug": "owl", "version": 1}]));
    let done = tenantry.does("migrate --jobs 1").await;
    assert_snapshot!(done.stdout, @r"
    2 migrated to version <version>, 0 failed
      owl: pinned at version <version>
    ");
    assert_snapshot!(tenantry.run("migrate").await, @r"
    exit status 0
    -- out
    every tenant is at version <version> or pinned
      owl: pinned at version <version>
    -- err
    catalog: version <version>
    ");
    let pinned: Vec<i32> = small
        .versions()
        .await
        .iter()
        .map(|(_, version, _)| *version)
        .collect();
    assert_eq!(pinned, [2, 1, 2]);
    assert_snapshot!(tenantry.run("tenant pin gnu --version 1").await, @r"
    exit status 1
    -- err
    error: could not pin tenant gnu: gnu is at version <version> already, which is beyond 1
      next: schemas are migrated forwards only
    ");
    let unpinned = tenantry.json("tenant unpin owl").await;
    assert_eq!(unpinned["pinned_version"], serde_json::Value::Null);
    tenantry.does("migrate").await;
    assert!(small.versions().await.iter().all(|(_, version, _)| *version == 2));
}

#[tokio::test]
async fn what_does_not_go_together_is_refused() {
    let tenantry = Tenantry::alone().await;
    for words in [
        "migrate --jobs 0",
        "migrate --jobs 65",
        "migrate --wave 5%,1%",
        "migrate --wave 0",
        "migrate --pause-between 5",
        "migrate --plan --dry-run",
        "migrate --plan --resume",
        "migrate --resume --only acme",
        "migrate --resume --wave 1",
        "migrate --behind --only acme",
        "migrate --jobs 2 status",
        "migrate everything",
    ] {
        let ran = tenantry.run(words).await;
        assert_eq!(ran.status, Some(1), "{words}: {ran}");
    }
}

#[tokio::test]
async fn a_pin_waits_for_a_migration_and_knows_the_version_it_made() {
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    let acme = t.tenant("acme").await;
    let (migration, superuser) = (t.as_superuser().await, t.as_superuser().await);
    let begin = format!(
        "begin; update catalog.tenant_schemas set template_version = 3 where schema_name = '{}'",
        acme.schema
    );
    migration.batch_execute(&begin).await.expect("at work");
    let committed = async {
        let waits = "select count(*) from pg_locks where not granted and transactionid is not null
                        and pid in (select pid from pg_stat_activity where datname = current_database())";
        while superuser
            .query_one(waits, &[])
            .await
            .expect("an answer")
            .get::<_, i64>(0)
            == 0
        {}
        migration.batch_execute("commit").await.expect("committed");
    };
    let (pinned, ()) = tokio::join!(tenantry.json("tenant pin acme"), committed);
    assert_eq!(
        (&pinned["template_version"], &pinned["pinned_version"]),
        (&3.into(), &3.into())
    );
}
