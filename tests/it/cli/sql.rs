//! `sql`: one statement in many tenants, its formats, its wall, and what it says of tenants that fail.

use insta::assert_snapshot;
use tests::TestDb;

use super::program::{Ran, Tenantry};
use crate::fleet::Small;

/// Three tenants with one, two and three notes.
async fn three() -> (Small, Tenantry) {
    let small = Small::with(&["gnu", "owl", "yak"]).await;
    for (slug, notes) in [("gnu", 1), ("owl", 2), ("yak", 3)] {
        let insert = "insert into SCHEMA.notes (amount) select generate_series(1, NOTES)";
        within(&small.t, slug, &insert.replace("NOTES", &notes.to_string())).await;
    }
    let tenantry = Tenantry::on(&small.t)
        .await
        .with("TENANTRY_TEMPLATE", small.folder.path());
    (small, tenantry)
}

/// Runs a statement about a tenant's schema as the owner.
async fn within(t: &TestDb, slug: &str, sql: &str) {
    let schema = schema(t, slug).await;
    let sql = sql.replace("SCHEMA", &schema);
    t.as_owner().await.batch_execute(&sql).await.expect("done");
}

async fn schema(t: &TestDb, slug: &str) -> String {
    let find = "select schema_name from catalog.tenant_schemas t \
                join catalog.organizations o on o.id = t.organization_id where o.slug = $1";
    let row = t.as_superuser().await.query_one(find, &[&slug]).await;
    row.expect("a tenant").get(0)
}

/// Logins that were made for statements and are still there.
async fn logins(t: &TestDb) -> i64 {
    // Other tests of this cluster make some too: only those that belong to this test's owner's sessions count.
    let count = "select count(*) from pg_stat_activity where datname = current_database() \
                 and usename like 'tenantry\\_sql\\_%'";
    let row = t.as_superuser().await.query_one(count, &[]).await;
    row.expect("a count").get(0)
}

async fn sums(t: &TestDb, slug: &str) -> i64 {
    let sum = format!(
        "select coalesce(sum(amount), 0)::bigint from {}.notes",
        schema(t, slug).await
    );
    let row = t.as_superuser().await.query_one(&sum, &[]).await;
    row.expect("a sum").get(0)
}

#[tokio::test]
async fn every_format_has_the_tenant_first_and_the_tenants_in_order() {
    let (small, tenantry) = three().await;
    let count = "select count(*) as n, null as nothing, '' as empty from notes";
    assert_snapshot!(tenantry.run(&["sql", "--all", count]).await, @r"
    exit status 0
    -- out
    tenant  n  nothing  empty
    gnu     1
    owl     2
    yak     3
    -- err

    rows 3, tenants 3, failed 0
    ");
    assert_snapshot!(tenantry.run(&["sql", "--all", "--format", "csv", count]).await, @r#"
    exit status 0
    -- out
    tenant,n,nothing,empty
    gnu,1,,""
    owl,2,,""
    yak,3,,""
    "#);
    assert_snapshot!(tenantry.run(&["sql", "--where", "slug!=gnu", "--format", "ndjson", count]).await, @r#"
    exit status 0
    -- out
    {"tenant":"owl","n":2,"nothing":null,"empty":""}
    {"tenant":"yak","n":3,"nothing":null,"empty":""}
    "#);
    assert_snapshot!(tenantry.run(&["sql", "--only", "yak,gnu", "--json", count]).await, @r#"
    exit status 0
    -- out
    {"columns":["tenant","n","nothing","empty"],"rows":[
    {"tenant":"gnu","n":1,"nothing":null,"empty":""},
    {"tenant":"yak","n":3,"nothing":null,"empty":""}
    ],"failures":[],"skipped":0,"tenants":2}
    "#);
    let none = tenantry.json("sql --where slug=nobody 'select 1 as n'").await;
    assert_eq!(none["rows"].as_array().map(Vec::len), Some(0));
    assert_eq!(logins(&small.t).await, 0);
}

#[tokio::test]
async fn all_results_together_are_a_table() {
    let (small, tenantry) = three().await;
    assert_snapshot!(
        tenantry
            .run(&[
                "sql", "--all", "select amount, now() as at, '{\"a\": [1]}'::jsonb as more, 'x\"\\,{}' as text from notes",
                "--then", "select count(distinct tenant) as tenants, sum(amount), max(more #>> '{a,0}') as more, \
                           max(text) as text, count(at) as dates from fleet",
            ])
            .await, @r#"
    exit status 0
    -- out
    tenants  sum  more  text    dates
    3        10   1     x"\,{}  6
    -- err

    rows 1, tenants 3, failed 0
    "#);
    // What is asked there sees nothing else.
    for beyond in [
        "select count(*) from catalog.organizations",
        &format!("select count(*) from {}.notes", schema(&small.t, "gnu").await),
    ] {
        let refused = tenantry
            .run(&["sql", "--all", "select 1 as n", "--then", beyond, "--json"])
            .await;
        let told = refused.failure();
        assert_eq!(told["status"], 1, "{refused}");
        assert!(
            told["message"]
                .as_str()
                .is_some_and(|text| text.contains("42501")),
            "{refused}"
        );
    }
    let twice = tenantry
        .run(&["sql", "--all", "select 1 as n, 2 as n", "--then", "select 1"])
        .await;
    assert!(twice.stderr.contains("two columns are called \"n\""), "{twice}");
}

/// Texts that try to be another tenant, the operator, or the catalog, and what they are told or show. `OTHER` is another
/// tenant's schema.
const ESCAPES: &[(&str, &str)] = &[
    ("select count(*) from OTHER.notes", "42501"),
    ("select count(*) from catalog.organizations", "42501"),
    (
        "select set_config('role', 'none', true), query_to_xml('select amount from OTHER.notes', true, false, '')",
        "42501",
    ),
    ("select set_config('role', 'OTHER_ro', true)", "42501"),
    ("select set_config('role', 'tenantry_server', true)", "42501"),
    (
        "select set_config('session_authorization', 'tenantry_server', true)",
        "42501",
    ),
    (
        "select query_to_xml('set role OTHER_ro', true, false, '')",
        "0A000",
    ),
    (
        "do $$ begin execute 'reset role'; execute 'select count(*) from OTHER.notes'; end $$",
        "42501",
    ),
    (
        "do $$ begin execute 'reset role'; execute 'insert into notes (amount) values (100)'; end $$",
        "42P01",
    ),
    ("do $$ begin commit; end $$", "2D000"),
    ("insert into notes (amount) values (100)", "25006"),
    (
        "select set_config('transaction_read_only', 'off', true), (select count(*) from notes)",
        "25001",
    ),
    ("select pg_read_file('/etc/passwd')", "42501"),
    ("create table OTHER.more ()", "25006"),
    ("select pg_sleep(60)", "57014"),
];

#[tokio::test]
async fn no_text_leads_out_of_its_tenant() {
    let (small, tenantry) = three().await;
    let other = schema(&small.t, "yak").await;
    for (text, sqlstate) in ESCAPES {
        let text = text.replace("OTHER", &other);
        let ran = tenantry
            .run(&["sql", "--only", "gnu", "--timeout", "1s", "--json", &text])
            .await;
        assert_eq!(ran.status, Some(1), "{text}\n{ran}");
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains(sqlstate), "{text}\n{ran}");
    }
    // To write opens no way to another tenant either.
    for text in [
        "insert into OTHER.notes (amount) values (100)",
        "select set_config('role', 'OTHER_rw', false)",
        "do $$ begin perform set_config('role', 'OTHER_rw', false); insert into OTHER.notes (amount) values (100); end $$",
        "create table OTHER.more ()",
        "create table more ()",
    ] {
        let text = text.replace("OTHER", &other);
        let ran = tenantry
            .run(&["sql", "--only", "gnu", "--write", "--json", &text])
            .await;
        assert_eq!(ran.status, Some(1), "{text}\n{ran}");
        assert!(ran.to_string().contains("42501"), "{text}\n{ran}");
    }
    assert_eq!((sums(&small.t, "gnu").await, sums(&small.t, "yak").await), (1, 6));
    assert_eq!(logins(&small.t).await, 0);
}

#[tokio::test]
async fn nothing_of_a_tenant_stays_in_the_session_for_the_next() {
    let (_small, tenantry) = three().await;
    let write = ["sql", "--all", "--write", "--yes", "--jobs", "1"];
    for text in [
        "create temporary table left_behind as select amount from notes",
        "select set_config('search_path', 'pg_temp', false), set_config('my.setting', 'x', false), pg_advisory_lock(1)",
    ] {
        let mut all = write.to_vec();
        all.push(text);
        // Were the first's still there, the second could not make its own, or would wait for its lock.
        tenantry.does(&all).await;
    }
}

#[tokio::test]
async fn texts_that_make_no_sense_are_refused_before_anything_begins() {
    let tenantry = Tenantry::on(&TestDb::new().await).await;
    assert_snapshot!(tenantry.run(&["sql", "--all", "select 1; select 2"]).await, @r"
    exit status 1
    -- err
    error: there are 2 statements in the text, and a tenant is sent one
      next: give one statement, such as 'select count(*) from contacts'
    ");
    assert_snapshot!(tenantry.run(&["sql", "--all", "reset role"]).await, @r"
    exit status 1
    -- err
    error: RESET has no place here: settings, cursors and prepared statements end with the tenant's turn
      next: give one statement, such as 'select count(*) from contacts'
    ");
    assert_snapshot!(tenantry.run(&["sql", "select 1"]).await, @r"
    exit status 1
    -- err
    error: it is not said in which tenants
      next: add --all, --only SLUG,… or --where CONDITION
    ");
    assert_eq!(
        tenantry.run("sql --all --dry-run 'select 1'").await.status,
        Some(1)
    );
}

#[tokio::test]
async fn writing_is_told_by_tenant_and_said_twice() {
    let (small, tenantry) = three().await;
    let text = "update notes set amount = amount + 10";
    assert_snapshot!(tenantry.run(&["sql", "--all", "--write", text]).await, @r"
    exit status 1
    -- err
    error: this would write in 3 tenants
      next: add --yes, or see with --dry-run what it would do
    ");
    let told = |ran: Ran| ran.stdout;
    let tried = tenantry
        .does(&["sql", "--all", "--write", "--dry-run", text])
        .await;
    assert_eq!(sums(&small.t, "yak").await, 6, "it was taken back");
    let done = tenantry.does(&["sql", "--all", "--write", "--yes", text]).await;
    assert_eq!(sums(&small.t, "yak").await, 36);
    let (tried, done) = (told(tried), told(done));
    assert_eq!(tried, done);
    assert_snapshot!(done, @r"
    tenant  command  rows
    gnu     UPDATE   1
    owl     UPDATE   2
    yak     UPDATE   3
    ");
    let row = small
        .t
        .as_superuser()
        .await
        .query_one(
            "select changes::text from catalog.catalog_audit_logs where event_type = 'fleet.queried' \
             and changes ->> 'write' = 'true'",
            &[],
        )
        .await
        .expect("one entry");
    let changes: serde_json::Value = serde_json::from_str(row.get(0)).expect("JSON");
    assert_eq!(
        (&changes["tenants"], &changes["statement"]),
        (&3.into(), &text.into())
    );
}

#[tokio::test]
async fn tenants_that_fail_are_listed_and_the_others_stand() {
    let (small, tenantry) = three().await;
    within(
        &small.t,
        "owl",
        "alter table SCHEMA.notes rename column amount to total",
    )
    .await;
    assert_snapshot!(tenantry.run(&["sql", "--all", "select amount from notes order by amount"]).await, @r#"
    exit status 1
    -- out
    tenant  amount
    gnu     1
    yak     1
    yak     2
    yak     3
    -- err

    rows 4, tenants 3, failed 1
    failed: owl (version 1): column "amount" does not exist (SQLSTATE 42703)
    "#);
    assert_snapshot!(tenantry.run(&["sql", "--all", "--format", "csv", "select * from notes where false"]).await, @r"
    exit status 1
    -- out
    tenant,id,amount
    -- err
    failed: owl (version 1): its columns are (id, total), not (id, amount) as in the tenants before
    ");
    let told = tenantry
        .run(&[
            "sql",
            "--all",
            "--json",
            "select 10 / (amount - 2) as n from notes order by amount",
        ])
        .await;
    let told: serde_json::Value = serde_json::from_str(&told.stdout).expect("one JSON document");
    let failed: Vec<_> = told["failures"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|failure| (&failure["tenant"], &failure["sqlstate"]))
        .collect();
    assert_eq!(
        failed,
        [(&"owl".into(), &"42703".into()), (&"yak".into(), &"22012".into())]
    );
    assert_eq!(told["rows"], serde_json::json!([{"tenant": "gnu", "n": -10}]));
    let stopped = tenantry
        .run(&[
            "sql",
            "--all",
            "--jobs",
            "1",
            "--max-failures",
            "0",
            "--json",
            "select 10 / (2 - count(*)) as n from notes",
        ])
        .await;
    let stopped: serde_json::Value = serde_json::from_str(&stopped.stdout).expect("one JSON document");
    assert_eq!((&stopped["tenants"], &stopped["skipped"]), (&2.into(), &1.into()));
}

#[tokio::test]
async fn great_results_come_whole_and_in_order() {
    let (_small, tenantry) = three().await;
    let rows = "select n, repeat('x', 100) as padding from generate_series(1, 5000) as n";
    let ran = tenantry
        .does(&["sql", "--all", "--jobs", "3", "--format", "csv", rows])
        .await;
    let mut expected = vec!["tenant,n,padding".to_owned()];
    for slug in ["gnu", "owl", "yak"] {
        expected.extend((1..=5000).map(|n| format!("{slug},{n},{}", "x".repeat(100))));
    }
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines == expected, "{} lines", lines.len());
    let total = tenantry
        .does(&[
            "sql",
            "--all",
            "--format",
            "csv",
            rows,
            "--then",
            "select sum(n), count(*) from fleet",
        ])
        .await;
    assert_eq!(total.stdout, "sum,count\n37507500,15000\n");
}

#[tokio::test]
async fn what_no_version_understands_is_not_tried_everywhere() {
    let (_small, tenantry) = three().await;
    assert_snapshot!(tenantry.run("sql --all 'select nothing from notes'").await, @r#"
    exit status 1
    -- err
    error: the statement cannot be run in any tenant: at version 1 (gnu): column "nothing" does not exist (SQLSTATE 42703)
      next: mend the statement; `tenantry psql` on one tenant helps to try it
    "#);
}
