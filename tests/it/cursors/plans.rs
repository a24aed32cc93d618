//! How PostgreSQL finds where a page begins.

use tenant_schema::records::Operation;

use super::Shop;

impl Shop {
    /// The generic plan of the page behind the first one.
    async fn plan(&self, query: &str) -> String {
        let first = self
            .page("samples", &format!("{query}&cursor="))
            .await
            .expect("a page");
        let next = first.next.expect("a next page");
        let prepared = self.records.prepared("samples", &next, Operation::List).await;
        let prepared = prepared.expect("a request");
        let n_params = (1..100)
            .take_while(|n| prepared.text().contains(&format!("${n}")))
            .count();
        let nulls = vec!["null"; n_params].join(", ");
        let text = prepared.text();
        self.run(&format!("deallocate all; prepare page as {text}")).await;
        let rows = self
            .behind
            .query(&format!("explain execute page ({nulls})"), &[])
            .await;
        let rows = rows.expect("a plan");
        let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        lines.join("\n")
    }
}

#[tokio::test]
async fn a_page_begins_where_an_index_says() {
    let shop = Shop::new().await;
    shop.run(
        "insert into samples (id, a_large_quantity, a_bigint, a_date)
         select n, 101, case when n % 10 > 0 then n % 1000 end, '2000-01-01'::date + n % 2000
           from generate_series(1, 20000) n;
         create index samples_bigint on samples (a_bigint, id);
         create index samples_date on samples (a_date);
         analyze samples;
         set plan_cache_mode = force_generic_plan",
    )
    .await;
    for (query, condition) in [
        // Rows are compared.
        ("select=id&limit=20", "Index Cond: (id > "),
        ("select=id&limit=20&order=id.desc", "Index Cond: (id < "),
        ("select=id&limit=20&order=a_bigint", "(ROW(a_bigint, id) > ROW("),
        (
            "select=id&limit=20&order=a_bigint.desc",
            "(ROW(a_bigint, id) < ROW(",
        ),
        // A bound on the first of several.
        (
            "select=id&limit=20&order=a_date.desc.nullslast,id",
            "Index Cond: (a_date <= ",
        ),
        (
            "select=id&limit=20&order=a_date,a_bigint.desc",
            "Index Cond: (a_date >= ",
        ),
    ] {
        // A page behind a value, and not behind NULL.
        let query = format!("{query}&a_bigint=not.is.null");
        let plan = shop.plan(&query).await;
        assert!(plan.contains(condition), "{query}\n{plan}");
        assert!(!plan.contains("Seq Scan on samples"), "{query}\n{plan}");
    }
}
