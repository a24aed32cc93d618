//! What a page by cursor says.

use serde_json::json;
use tenant_schema::records::{Count, Form};

use super::Shop;

const RECORDS: &str = r"
insert into customers (name, email) values ('Ann', 'ann@x.example'), ('Bob', null), ('Cid', null), ('Dan', null), ('Ann', null);
insert into employees (name, manager_id) values ('Max', null), ('Eve', 1), ('Tom', 1), ('Kim', 2), ('Ina', 2);
insert into mentorships (mentor_id, pupil_id) values (1, 2), (1, 3), (1, 4), (2, 1), (2, 3), (3, 5);
insert into orders (customer_id, status, total) values (1, 'placed', 5), (2, 'draft', 5), (3, 'done', 7), (5, 'done', 9);
";

async fn filled() -> Shop {
    let shop = Shop::new().await;
    shop.run(RECORDS).await;
    shop
}

#[tokio::test]
async fn a_full_page_names_the_next_and_others_do_not() {
    let shop = filled().await;
    let sizes = async |query: &str| {
        let pages = shop.pages("customers", query).await;
        pages.iter().map(|page| page.rows.len()).collect::<Vec<_>>()
    };
    assert_eq!(sizes("limit=2&order=name").await, [2, 2, 1]);
    assert_eq!(
        sizes("limit=5&order=name").await,
        [5, 0],
        "a full page may be the last"
    );
    assert_eq!(sizes("limit=6").await, [5]);
    assert_eq!(sizes("").await, [5]);
    assert_eq!(sizes("limit=0").await, [0]);
    assert_eq!(sizes("limit=2&name=eq.Ann").await, [2, 0]);
    for query in ["limit=2&order=name", "order=name", "limit=2"] {
        let page = shop.page("customers", query).await.expect("a page");
        assert_eq!(page.next, None, "nobody asked for a cursor: {query}");
    }
}

#[tokio::test]
async fn ties_are_broken_by_the_whole_key_in_the_direction_of_the_order() {
    let shop = filled().await;
    let pairs = async |query: &str| {
        let pages = shop.pages("mentorships", query).await;
        let rows = pages.iter().flat_map(|page| &page.rows);
        rows.map(|row| format!("{}{}", row["mentor_id"], row["pupil_id"]))
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (query, expected) in [
        ("limit=2", "12 13 14 21 23 35"),
        ("limit=2&order=since", "12 13 14 21 23 35"),
        ("limit=1&order=since.desc", "35 23 21 14 13 12"),
        ("limit=2&order=pupil_id", "21 12 13 23 14 35"),
        ("limit=4&order=pupil_id.desc", "35 14 23 13 12 21"),
        ("limit=1&order=mentor_id.desc,pupil_id", "35 21 23 12 13 14"),
        ("limit=3&order=mentor_id,pupil_id.desc", "14 13 12 23 21 35"),
    ] {
        assert_eq!(pairs(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn embedded_objects_sort_restrict_and_are_shown() {
    let shop = filled().await;
    let ids = async |query: &str| shop.all("employees", query, "id").await.join(" ");
    let by_manager = "select=id,boss:manager_id(name)&limit=2";
    assert_eq!(ids(&format!("{by_manager}&order=boss(name)")).await, "4 5 2 3 1");
    assert_eq!(
        ids(&format!("{by_manager}&order=boss(name).desc")).await,
        "1 3 2 5 4"
    );
    assert_eq!(
        ids(&format!("{by_manager}&order=boss(name).desc.nullslast,id")).await,
        "2 3 4 5 1"
    );
    let inner = "select=id,boss:manager_id!inner(name)&limit=1&boss.name=eq.Max";
    assert_eq!(ids(&format!("{inner}&order=name")).await, "2 3");
    let pages = shop
        .pages(
            "orders",
            "select=id,customer:customers(name)&order=total.desc&limit=3",
        )
        .await;
    let rows: Vec<_> = pages.iter().flat_map(|page| page.rows.clone()).collect();
    assert_eq!(
        rows,
        [
            json!({"id": 4, "customer": {"name": "Ann"}}),
            json!({"id": 3, "customer": {"name": "Cid"}}),
            json!({"id": 2, "customer": {"name": "Bob"}}),
            json!({"id": 1, "customer": {"name": "Ann"}}),
        ]
    );
}

#[tokio::test]
async fn what_a_function_computes_sorts_too() {
    let shop = filled().await;
    let ids = async |order: &str| {
        shop.all("orders", &format!("select=id&limit=1&order={order}"), "id")
            .await
    };
    assert_eq!(ids("total_with_tax.desc").await.join(" "), "4 3 2 1");
    assert_eq!(ids("total_with_tax,customer_id.desc").await.join(" "), "2 1 3 4");
}

#[tokio::test]
async fn views_are_paged_by_the_key_they_show() {
    let shop = filled().await;
    let all = shop.all("open_orders", "order=status&limit=1", "number").await;
    assert_eq!(all, ["2", "1"]);
    for object in ["names", "billed_products"] {
        let error = shop.page(object, "cursor=").await.map(|_| ()).unwrap_err();
        assert_eq!(
            (error.status(), error.code()),
            (400, "cursor_unsupported"),
            "{object}"
        );
    }
}

#[tokio::test]
async fn pages_are_counted_and_have_every_form() {
    let shop = filled().await;
    let first = "order=name&limit=2&select=name&cursor=";
    let exact = Some(Count::Exact);
    let answer = shop
        .answer(exact, Form::Plural, "customers", first)
        .await
        .expect("a page");
    assert_eq!(
        (answer.status.as_u16(), answer.content_range.as_deref()),
        (206, Some("0-1/5"))
    );
    let second = answer.next.expect("a next page");
    for (form, expected) in [
        (
            Form::Plural,
            r#"[{"name":"Bob"}, 
 {"name":"Cid"}]"#,
        ),
        (Form::Csv, "name\nBob\nCid"),
    ] {
        for count in [exact, Some(Count::Estimated), Some(Count::Planned), None] {
            let answer = shop
                .answer(count, form, "customers", &second)
                .await
                .expect("a page");
            let body = answer.body.unwrap_or_default();
            assert_eq!(
                String::from_utf8_lossy(&body)
                    .replace(" \n", "")
                    .replace(", ", ","),
                expected.replace(" \n", "").replace(", ", ",")
            );
            // Nobody counted what comes before.
            let total = match count {
                Some(Count::Exact | Count::Estimated) => Some("*/5"),
                Some(Count::Planned) => answer
                    .content_range
                    .as_deref()
                    .filter(|range| range.starts_with("*/")),
                None => Some("*/*"),
            };
            assert_eq!(answer.content_range.as_deref(), total);
            assert!(answer.next.is_some());
        }
    }
    let one = shop
        .answer(None, Form::Singular, "customers", "limit=1&cursor=")
        .await
        .expect("one");
    assert!(one.next.is_some());
}

#[tokio::test]
async fn a_next_page_may_have_another_size_and_other_columns() {
    let shop = filled().await;
    let first = shop
        .page("customers", "order=name&limit=2&select=id&cursor=")
        .await
        .expect("a page");
    let next = first.next.expect("a next page");
    let other = next
        .replace("limit=2", "limit=9")
        .replace("select=id", "select=name,email");
    let page = shop.page("customers", &other).await.expect("a page");
    assert_eq!(page.rows.len(), 3);
    assert_eq!(page.rows[0], json!({"name": "Bob", "email": null}));
}

#[tokio::test]
async fn what_is_deleted_between_two_pages_is_found_as_the_list_says() {
    let shop = Shop::new().await;
    let fill = "insert into papers (code, title, deleted_at) select 'P' || n, 'p' || n, \
                case when n % 2 = 0 then now() end from generate_series(1, 8) n";
    for (deleted, first, second) in [
        // Paper 7 falls between the pages, and paper 8 comes back.
        ("exclude", vec!["p1", "p3", "p5"], vec!["p8"]),
        (
            "include",
            vec!["p1", "p2", "p3", "p4", "p5"],
            vec!["p6", "p7", "p8"],
        ),
        ("only", vec!["p2", "p4"], vec!["p6", "p7"]),
    ] {
        shop.run(&format!("truncate papers cascade; {fill}")).await;
        let query = format!(
            "select=title&order=title&deleted={deleted}&limit={}&cursor=",
            first.len()
        );
        let titles = |page: &super::Page| {
            let rows = page.rows.iter().map(|row| super::text(&row["title"]));
            rows.collect::<Vec<_>>()
        };
        let page = shop.page("papers", &query).await.expect("a page");
        assert_eq!(titles(&page), first, "{deleted}");
        // The last record of the page goes too: a page begins behind it all the same.
        let last = first.last().expect("a record");
        let change = format!(
            "update papers set deleted_at = now() where title = 'p7';
             update papers set deleted_at = null where title = 'p8';
             update papers set deleted_at = case when deleted_at is null then now() end where title = '{last}'"
        );
        shop.run(&change).await;
        let next = page.next.expect("a next page");
        let page = shop.page("papers", &next).await.expect("a page");
        assert_eq!(titles(&page), second, "{deleted}");
    }
}
