//! The whole fleet from the command line: `migrate` with a tenant that is broken, and `erd` of what is really there.

use insta::assert_snapshot;
use tests::{TestDb, TestTenant};

use super::program::{Tenantry, masked};
use crate::lifecycle::migrate::take_back_to_version_6;

#[tokio::test]
async fn a_broken_tenant_keeps_its_version_and_stops_no_other() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    let right = break_globex(&t).await;
    let mut failed = tenantry.run("migrate").await;
    // The order is that of the ids.
    let mut progress: Vec<&str> = failed
        .stderr
        .lines()
        .map(|line| line.trim_start_matches(numbering))
        .collect();
    progress.sort_unstable();
    failed.stderr = progress.join("\n");
    assert_snapshot!(failed, @r"
    exit status 1
    -- out
    2 migrated to version <version>, 1 failed
      globex: schema <schema> is missing or does not bear the stamp of organization <id>

    next: mend what is said above and run `tenantry migrate` again
    -- err
    acme: version <version> to <version>
    catalog: version <version>
    globex: failed, still version <version>
    initech: version <version> to <version>
    ");
    let shown = tenantry.json("tenant show globex").await;
    assert_eq!(shown["template_version"], 6);
    assert!(
        shown["last_error"].as_str().expect("a text").contains("stamp"),
        "{shown}"
    );

    stamp_globex(&t, &right).await;
    assert_snapshot!(tenantry.run("migrate").await, @r"
    exit status 0
    -- out
    1 migrated to version <version>, 0 failed
    -- err
    catalog: version <version>
    1/1 globex: version <version> to <version>
    ");
}

#[tokio::test]
async fn for_machines_a_broken_tenant_is_one_of_the_list() {
    let _masked = masked();
    let t = TestDb::new().await;
    let tenantry = Tenantry::on(&t).await;
    let ran = tenantry.run("migrate --json").await;
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    break_globex(&t).await;
    tenantry.run("migrate").await;
    let failed = tenantry.run("migrate --json").await;
    assert_eq!(failed.status, Some(1), "{failed}");
    let document: serde_json::Value = serde_json::from_str(&failed.stdout).expect("one JSON document");
    insta::assert_json_snapshot!(document, @r#"
    {
      "catalog": {
        "applied": [],
        "version": <version>
      },
      "pinned": [],
      "post_steps": [],
      "run": "<id>",
      "spares": 0,
      "template_version": <version>,
      "tenants": [
        {
          "attempts": 1,
          "error": "schema <schema> is missing or does not bear the stamp of organization <id>",
          "from": 6,
          "slug": "globex"
        }
      ]
    }
    "#);
}

/// Three tenants at version 6, of which globex bears a stamp that is not its own; gives the right one.
async fn break_globex(t: &TestDb) -> String {
    for slug in ["acme", "globex", "initech"] {
        take_back_to_version_6(t, &t.tenant(slug).await).await;
    }
    let superuser = t.as_superuser().await;
    let right = superuser.query_one(STAMP, &[]).await.expect("an answer").get(0);
    stamp_globex(t, "somebody else").await;
    right
}

async fn stamp_globex(t: &TestDb, stamp: &str) {
    let superuser = t.as_superuser().await;
    let row = superuser.query_one(COMMENT, &[&stamp]).await.expect("an answer");
    superuser.batch_execute(row.get(0)).await.expect("a comment");
}

/// The `1/3 ` before a line.
fn numbering(c: char) -> bool {
    c.is_ascii_digit() || c == '/' || c == ' '
}

const COMMENT: &str = "\
select format('comment on schema %I is %L', schema_name, $1::text)
  from catalog.tenant_schemas join catalog.organizations o on o.id = organization_id where o.slug = 'globex'";

const STAMP: &str = "\
select obj_description(schema_name::regnamespace, 'pg_namespace')
  from catalog.tenant_schemas join catalog.organizations o on o.id = organization_id where o.slug = 'globex'";

/// Tables, and foreign keys as the diagram draws them: parent, child, columns.
async fn alive(t: &TestDb, schema: &str) -> (Vec<String>, Vec<String>) {
    let superuser = t.as_superuser().await;
    let texts = async |sql: &str| -> Vec<String> {
        let rows = superuser.query(sql, &[&schema]).await.expect("an answer");
        let mut texts: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        texts.sort();
        texts
    };
    (texts(TABLES).await, texts(RELATIONS).await)
}

const TABLES: &str = "\
select relname::text from pg_class
 where relnamespace = $1::text::regnamespace and relkind = 'r' and relname not in ('refinery_schema_history', '_idempotency_keys')";

const RELATIONS: &str = "\
select concat_ws(' ', p.relname, c.relname,
         (select string_agg(a.attname, ', ' order by n)
            from unnest(k.conkey) with ordinality u (attnum, n)
            join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.attnum))
  from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_class p on p.oid = k.confrelid
 where k.connamespace = $1::text::regnamespace and k.contype = 'f'";

/// The same, read from the diagram.
fn drawn(mermaid: &str) -> (Vec<String>, Vec<String>) {
    let mut tables: Vec<String> = mermaid
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.strip_suffix(" {"))
        .map(str::to_owned)
        .collect();
    let relation = |line: &str| {
        let (ends, columns) = line.split_once(" : ")?;
        let (parent, child) = (ends.split_whitespace().next()?, ends.split_whitespace().last()?);
        Some(format!("{parent} {child} {}", columns.trim_matches('"')))
    };
    let mut relations: Vec<String> = mermaid.lines().filter_map(relation).collect();
    tables.sort();
    relations.sort();
    (tables, relations)
}

#[tokio::test]
async fn erd_draws_every_table_and_relation_there_is() {
    let t = TestDb::new().await;
    let TestTenant { schema, .. } = t.tenant("acme").await;
    let tenantry = Tenantry::on(&t).await;
    let template = alive(&t, schema.as_str()).await;
    assert!(template.0.len() > 10 && template.1.len() > 20, "{template:?}");
    assert_eq!(drawn(&tenantry.does("erd").await.stdout), template);
    assert_eq!(drawn(&tenantry.does("erd template").await.stdout), template);
    assert_eq!(drawn(&tenantry.does("erd --tenant acme").await.stdout), template);

    let catalog = alive(&t, "catalog").await;
    let document = tenantry.json("erd catalog").await;
    assert_eq!(document["subject"], "catalog");
    assert_eq!(drawn(document["mermaid"].as_str().expect("a text")), catalog);

    // What a tenant has of its own is drawn too, and is not the template's.
    let own =
        format!("create table {schema}.own (id uuid primary key, deal_id uuid references {schema}.deals)");
    t.as_owner().await.batch_execute(&own).await.expect("a table");
    let acme = drawn(&tenantry.does("erd --tenant acme").await.stdout);
    assert_eq!(acme, alive(&t, schema.as_str()).await);
    assert_ne!(acme, template);
    assert_eq!(drawn(&tenantry.does("erd").await.stdout), template);
}

#[tokio::test]
async fn erd_needs_no_database() {
    let t = TestDb::new().await;
    let TestTenant { schema, .. } = t.tenant("acme").await;
    let ran = Tenantry::alone().await.does("erd").await;
    assert_eq!(drawn(&ran.stdout), alive(&t, schema.as_str()).await);
    assert_eq!(
        ran.stderr,
        "starting a temporary PostgreSQL (DATABASE_URL is not set, no demo is running)\n"
    );
}
