//! Another template: a stemming configuration, trigrams of both kinds of index, vectors that are nobody's, views.

use serde_json::json;
use tests::TestDb;

use super::Searched;

const RECORDS: &str = "
insert into products (sku, name, price) values ('BELL', 'Bell', 5), ('BRAKE', 'Disc brake', 30), ('TYRE', 'Winter tyre', 20);
insert into employees (name) values ('Zoë Müller'), ('Max Weld');
insert into customers (name) values ('Ann Müller'), ('Bob');
insert into documents (title, body, deleted_at) values
  ('Cats', 'the fat cats were running', null), ('Dogs', 'a dog runs', null), ('Gone', 'cats', now());
insert into samples (id, a_large_quantity, a_tsvector) values (1, 101, 'fat:1 cat:2'), (2, 101, null);
insert into orders (customer_id) values (1), (2);
";

async fn workshop() -> Searched {
    Searched::new(TestDb::workshop().await, RECORDS).await
}

#[tokio::test]
async fn every_kind_of_column_is_searched_as_it_is_made() {
    let shop = workshop().await;
    for (object, column, words, expected) in [
        // A gin index of trigrams.
        ("products", "name", "bell", vec!["Bell"]),
        ("products", "name", "brak disk", vec!["Disc brake"]),
        ("products", "name", "wintr", vec!["Winter tyre"]),
        // A gist index of trigrams without accents.
        ("employees", "name", "zoe muler", vec!["Zoë Müller"]),
        // A vector that has accents.
        ("customers", "name", "ann m%C3%BC", vec!["Ann Müller"]),
        ("customers", "name", "muller", vec![]),
        // English: stems, and words that are passed over.
        ("documents", "title", "cat", vec!["Cats"]),
        ("documents", "title", "the cats", vec!["Cats"]),
        ("documents", "title", "running", vec!["Cats", "Dogs"]),
        ("documents", "title", "runni", vec![]),
        // A vector that somebody writes.
        ("samples", "a_tsvector", "ca", vec!["'cat':2 'fat':1"]),
    ] {
        let query = format!("select={column}&q={words}&order={column}");
        let rows = shop.ask(object, &query).await.expect(&query);
        let rows = rows.as_array().expect("an array").iter();
        let found: Vec<_> = rows.map(|row| row[column].as_str().unwrap_or_default()).collect();
        assert_eq!(found, expected, "{object}?{query}");
    }
    shop.finds("documents", "title", "cats", &["Cats"]).await;
    shop.finds("products", "name", "tyre", &["Winter tyre"]).await;
}

#[tokio::test]
async fn a_view_is_searched_where_it_shows_what_a_table_is_searched_by() {
    let shop = workshop().await;
    let rows = shop.ask("order_overview", "select=id&q=ann").await;
    assert_eq!(rows.expect_err("it shows no vector").code(), "search_unsupported");
    let rows = shop
        .ask("lines_with_products", "q=tyre")
        .await
        .expect("a view of products");
    assert_eq!(rows, json!([]));
}

#[tokio::test]
async fn what_has_nothing_to_search_in_says_so() {
    let shop = workshop().await;
    for object in ["orders", "tasks", "order_lines", "names", "sales"] {
        shop.refused(object, "q=ann", "search_unsupported").await;
        shop.refused(object, "q=", "search_unsupported").await;
    }
    // Words are for lists, and of one object.
    let error = shop.records.update("products", "q=bell", r#"{"price": 1}"#).await;
    assert_eq!(error.expect_err("a filter is needed").code(), "PGRST100");
    let error = shop.records.delete("products", "q=bell&price=gt.0").await;
    assert_eq!(error.expect_err("it is no filter").code(), "PGRST100");
    shop.refused("orders", "select=id,customers(name)&customers.q=ann", "PGRST100")
        .await;
}
