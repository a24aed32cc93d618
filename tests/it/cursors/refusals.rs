//! Cursors that are none, and lists that have none.

use tests::TestDb;

use super::{Shop, text};

const RECORDS: &str = "
insert into customers (name, email, profile) values ('Ann', 'ann@x.example', '{\"level\": 1}'), ('Bob', null, '{}'), ('Cid', null, '{}');
insert into orders (customer_id, status, total) values (1, 'placed', 5), (2, 'draft', 5), (3, 'done', 7);
";

async fn filled() -> Shop {
    let shop = Shop::new().await;
    shop.run(RECORDS).await;
    shop
}

impl Shop {
    async fn next(&self, object: &str, query: &str) -> String {
        let page = self.page(object, query).await;
        let page = page.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        page.next.expect("a next page")
    }

    async fn refused(&self, object: &str, query: &str, status: u16, code: &str) {
        let error = self
            .page(object, query)
            .await
            .map(|page| page.rows)
            .expect_err(query);
        assert_eq!((error.status(), error.code()), (status, code), "{object}?{query}");
        assert!(error.hint().is_some() || !code.starts_with("cursor"), "{query}");
    }
}

fn cursor(next: &str) -> &str {
    next.split("cursor=").last().expect("a cursor")
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused_and_never_the_first_page() {
    let shop = filled().await;
    let query = "order=name&limit=1&name=neq.Zoe";
    let next = shop.next("customers", &format!("{query}&cursor=")).await;
    let cursor = cursor(&next);
    for (object, other) in [
        ("customers", "order=name.desc&limit=1&name=neq.Zoe"),
        ("customers", "order=name.nullsfirst&limit=1&name=neq.Zoe"),
        ("customers", "order=email&limit=1&name=neq.Zoe"),
        ("customers", "order=name,email&limit=1&name=neq.Zoe"),
        ("customers", "limit=1&name=neq.Zoe"),
        ("customers", "order=name&limit=1&name=neq.Zoë"),
        ("customers", "order=name&limit=1&name=eq.Zoe"),
        ("customers", "order=name&limit=1&email=neq.Zoe"),
        ("customers", "order=name&limit=1"),
        ("customers", "order=name&limit=1&name=neq.Zoe&id=gt.0"),
        ("customers", "order=name&limit=1&or=(name.neq.Zoe)"),
        (
            "customers",
            "order=name&limit=1&name=neq.Zoe&select=id,orders(id)",
        ),
        (
            "customers",
            "order=name&limit=1&name=neq.Zoe&select=id,orders!inner(id)",
        ),
        ("employees", query),
    ] {
        shop.refused(
            object,
            &format!("{other}&cursor={cursor}"),
            400,
            "cursor_mismatch",
        )
        .await;
    }
    for same in [
        "name=neq.Zoe&order=name&limit=7",
        "limit=1&%6eame=neq.Zo%65&order=name&select=name",
        "order=name&name=neq.Zoe",
    ] {
        let page = shop
            .page("customers", &format!("{same}&cursor={cursor}"))
            .await
            .expect(same);
        assert_eq!(page.rows[0]["name"], "Bob", "{same}");
    }
}

#[tokio::test]
async fn what_is_no_cursor_is_refused() {
    let shop = filled().await;
    let query = "order=name&limit=1";
    let next = shop.next("customers", &format!("{query}&cursor=")).await;
    let cursor = cursor(&next);
    let mut forged = cursor.to_owned();
    forged.replace_range(24..25, if &forged[24..25] == "A" { "B" } else { "A" });
    for broken in [
        &cursor[..cursor.len() - 1],
        &cursor[..cursor.len() / 2],
        &cursor[..1],
        &forged,
        &format!("{cursor}A"),
        &format!("{cursor}{cursor}"),
        &format!(" {cursor}"),
        "first",
        "0",
        "null",
        "%00",
        "%F0%9F%98%80",
        "'%20or%201=1--",
        &"A".repeat(3000),
        &"A".repeat(12_000),
    ] {
        shop.refused(
            "customers",
            &format!("{query}&cursor={broken}"),
            400,
            "cursor_invalid",
        )
        .await;
    }
    shop.refused("customers", &format!("{query}&cursor=&cursor="), 400, "PGRST100")
        .await;
    shop.refused("customers", &format!("{query}&cursor=%FF"), 400, "PGRST100")
        .await;
    shop.refused(
        "customers",
        &format!("{query}&cursor={}", "A".repeat(17_000)),
        414,
        "query_too_long",
    )
    .await;
    let long = format!("{query}&name=neq.{}&cursor=", "x".repeat(8200));
    shop.refused("customers", &long, 414, "query_too_long").await;
}

#[tokio::test]
async fn another_tenants_cursor_is_worth_nothing() {
    let database = TestDb::workshop().await;
    let (acme, globex) = (database.tenant("acme").await, database.tenant("globex").await);
    let tenants = database.tenants();
    let (acme, globex) = (
        acme.records(&database, &tenants),
        globex.records(&database, &tenants),
    );
    let tasks = r#"[{"name": "Ann"}, {"name": "Bob"}]"#;
    for tenant in [&acme, &globex] {
        tenant.insert("customers", tasks).await.expect("two customers");
    }
    let list = tenant_schema::records::Operation::List;
    let first = acme
        .prepared("customers", "limit=1&cursor=", list)
        .await
        .expect("a request");
    let next = acme.run(&first).await.expect("a page").next.expect("a next page");
    assert!(acme.prepared("customers", &next, list).await.is_ok());
    let error = globex
        .prepared("customers", &next, list)
        .await
        .expect_err("not of theirs");
    assert_eq!((error.status(), error.code()), (400, "cursor_invalid"));
}

#[tokio::test]
async fn lists_that_cannot_be_continued_say_so() {
    let shop = filled().await;
    for (object, query) in [
        ("customers", "cursor=&offset=0"),
        ("customers", "cursor=&offset=5&limit=2"),
        ("customers", "cursor=&select=count()"),
        ("customers", "cursor=&select=name,id.max()&order=name"),
        ("products", "cursor=&q=bell"),
        ("names", "cursor="),
    ] {
        shop.refused(object, query, 400, "cursor_unsupported").await;
    }
    for query in [
        "cursor=&order=profile->x->y(z)",
        "cursor=&order=nothing",
        "cursor=&order=search(x)",
    ] {
        let error = shop.page("customers", query).await.map(|_| ()).expect_err(query);
        assert_eq!(error.status(), 400, "{query}");
    }
}

#[tokio::test]
async fn sort_values_that_fit_into_no_cursor_are_refused_where_the_page_ends() {
    let shop = filled().await;
    shop.run("update customers set name = repeat('é', 1500) where id = 2")
        .await;
    shop.run("update customers set name = repeat('a', 2000) where id = 1")
        .await;
    shop.run("update customers set name = repeat('z', 3000000) where id = 3")
        .await;
    let next = shop
        .next("customers", "order=name&limit=1&select=id&cursor=")
        .await;
    let page = shop
        .page("customers", &next.replace("limit=1", "limit=3"))
        .await
        .expect("the last page");
    assert_eq!(
        page.rows.iter().map(|row| text(&row["id"])).collect::<Vec<_>>(),
        ["3", "2"]
    );
    shop.refused("customers", &next, 400, "cursor_too_long").await;
    shop.refused(
        "customers",
        "order=name.desc&limit=1&cursor=",
        400,
        "cursor_too_long",
    )
    .await;
}

#[tokio::test]
async fn values_are_bound_and_never_part_of_the_statement() {
    let shop = filled().await;
    shop.run("update customers set name = ''' or true; drop table customers --\\' where id = 1")
        .await;
    let next = shop.next("customers", "order=name&limit=1&cursor=").await;
    let list = tenant_schema::records::Operation::List;
    let prepared = shop
        .records
        .prepared("customers", &next, list)
        .await
        .expect("a request");
    assert!(!prepared.text().contains("drop table"), "{}", prepared.text());
    let names = shop.all("customers", "order=name&limit=1", "name").await;
    assert_eq!(names, ["' or true; drop table customers --\\", "Bob", "Cid"]);
}
