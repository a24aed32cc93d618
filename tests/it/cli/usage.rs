//! `tenant sizes`, `stats` and `top`: what tenants take, what was done in them, what runs.

use serde_json::Value;
use tests::TestDb;

use super::program::Tenantry;

/// Two tenants, of which acme has a thousand companies.
async fn two() -> (TestDb, Tenantry, String) {
    let t = TestDb::new().await;
    let acme = t.tenant("acme").await;
    t.tenant("globex").await;
    let owner = t.as_owner().await;
    let fill = format!(
        "insert into {0}.companies (name) select 'company ' || n from generate_series(1, 1000) as n; \
         delete from {0}.companies where name like '%7'; analyze {0}.companies; \
         select pg_stat_force_next_flush()",
        acme.schema
    );
    // In one session, whose numbers are PostgreSQL's when it has ended.
    for statement in fill.split("; ") {
        owner.batch_execute(statement).await.expect(statement);
    }
    let tenantry = Tenantry::on(&t).await;
    (t, tenantry, acme.schema.to_string())
}

fn slugs(listed: &Value) -> Vec<&str> {
    let all = listed.as_array().expect("a list").iter();
    all.filter_map(|one| one["slug"].as_str()).collect()
}

#[tokio::test]
async fn the_largest_tenants_come_first() {
    let (_t, tenantry, _) = two().await;
    let all = tenantry.json("tenant sizes").await;
    assert_eq!(slugs(&all), ["acme", "globex"]);
    for one in all.as_array().expect("a list") {
        let of = |part: &str| one[part].as_i64().expect("a number");
        assert!(of("heap") + of("indexes") + of("toast") <= of("total"), "{one}");
        assert!(of("indexes") > 0 && of("tables") > 10, "{one}");
    }
    assert_eq!(
        all[0]["rows"].as_i64().map(|rows| rows >= 900),
        Some(true),
        "{all}"
    );
    assert_eq!(
        slugs(&tenantry.json("tenant sizes --limit 1 --sort rows").await),
        ["acme"]
    );
    assert_eq!(
        slugs(&tenantry.json("tenant sizes --only globex --sort slug").await),
        ["globex"]
    );
    let told = tenantry.does("tenant sizes --limit 1").await.stdout;
    assert!(told.starts_with("SLUG") && told.contains("tenants 2, "), "{told}");
}

#[tokio::test]
async fn what_was_done_is_told_by_tenant_and_by_table() {
    let (_t, tenantry, _) = two().await;
    let all = tenantry.json("tenant stats").await;
    assert_eq!(
        (&all[0]["name"], &all[1]["name"]),
        (&"acme".into(), &"globex".into())
    );
    assert!(all[0]["inserted"].as_i64() >= Some(1000), "{all}");
    assert_eq!(all[0]["deleted"], 100, "{all}");
    let tables = tenantry.json("tenant stats acme").await;
    let companies = tables
        .as_array()
        .expect("a list")
        .iter()
        .find(|table| table["name"] == "companies");
    let companies = companies.expect("a table");
    assert_eq!(
        (&companies["inserted"], &companies["deleted"]),
        (&1000.into(), &100.into()),
        "{companies}"
    );
    let none = tenantry.run("tenant stats nobody").await;
    assert_eq!(none.status, Some(1), "{none}");
}

#[tokio::test]
async fn a_session_is_its_tenants_and_says_for_whom_it_waits() {
    let (t, tenantry, acme) = two().await;
    assert_eq!(tenantry.json("tenant top").await, Value::Array(Vec::new()));
    let (holder, waiter) = (t.as_owner().await, t.as_owner().await);
    holder
        .batch_execute(&format!("begin; lock table {acme}.companies"))
        .await
        .expect("nobody else has it");
    let pid = holder.query_one("select pg_backend_pid()", &[]).await;
    let pid: i32 = pid.expect("a number").get(0);
    let wait = format!("select count(*) from {acme}.companies");
    let waiting = tokio::spawn(async move { waiter.batch_execute(&wait).await });
    // It waits as soon as PostgreSQL says so.
    let blocked = loop {
        let running = tenantry.json("tenant top").await;
        let blocked = |one: &&Value| one["blocked_by"] == serde_json::json!([pid]);
        if let Some(one) = running.as_array().expect("a list").iter().find(blocked) {
            break one.clone();
        }
    };
    assert_eq!(blocked["tenant"], "acme", "{blocked}");
    assert!(
        blocked["statement"]
            .as_str()
            .is_some_and(|text| text.contains("count(*)")),
        "{blocked}"
    );
    let told = tenantry.does("tenant top --once").await.stdout;
    assert!(
        told.contains("idle in transaction") && told.contains(&format!("of {pid}")),
        "{told}"
    );
    holder.batch_execute("rollback").await.expect("done");
    waiting.await.expect("it ends").expect("it gets its lock");
}
