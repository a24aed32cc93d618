//! Any order of columns of any type: while records come and go between the pages, those that stay are each in exactly one,
//! in order.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::{Shop, text};

/// Columns of `samples` that sort, with expressions of `n`, a number from one to five, for their values.
const COLUMNS: [(&str, &str); 29] = [
    ("a_smallint", "n"),
    ("a_bigint", "9007199254740990 + n"),
    ("a_real", "n / 3.0"),
    (
        "a_double",
        "(case n when 1 then 'NaN' when 2 then '-Infinity' else (n / 3.0)::text end)::float8",
    ),
    (
        "a_numeric",
        "case n when 1 then 'NaN'::numeric else n * 1e-20 end",
    ),
    ("a_char", "chr(96 + n)"),
    (
        "a_varchar",
        "case n when 1 then '' when 2 then 'a,b' when 3 then 'Ä\"' when 4 then 'a\\' else 'z'' --' end",
    ),
    ("a_boolean", "n > 2"),
    (
        "a_date",
        "(case n when 1 then 'infinity' else ('2000-01-01'::date - n * 200000)::text end)::date",
    ),
    ("a_time", "'00:00'::time + n * '1 microsecond'::interval"),
    ("a_timetz", "('12:00+0' || n)::timetz"),
    (
        "a_timestamp",
        "'2000-01-01'::timestamp + n * '1 microsecond'::interval",
    ),
    (
        "a_timestamptz",
        "(case n when 1 then '-infinity' else ('1880-01-01'::timestamptz + n * '1 microsecond'::interval)::text end)::timestamptz",
    ),
    ("an_interval", "n * '1 month -1 day 1.5 seconds'::interval"),
    ("a_uuid", "('00000000-0000-0000-0000-00000000000' || n)::uuid"),
    (
        "a_jsonb",
        "jsonb_build_object('a', case when n < 5 then n end, 'b', repeat('x', n))",
    ),
    ("a_jsonb->a", ""),
    ("a_jsonb->>b", ""),
    ("a_jsonb->c", ""),
    ("a_bytea", "decode('0' || n, 'hex')"),
    ("an_inet", "('10.0.0.' || n)::inet"),
    ("a_bit", "n::bit(4)"),
    (
        "an_int4range",
        "(case n when 1 then 'empty' else int4range(n, 10)::text end)::int4range",
    ),
    ("a_status", "(enum_range(null::order_status))[least(n, 4)]"),
    ("some_statuses", "(enum_range(null::order_status))[1:n % 3]"),
    ("an_email", "'x' || n || '@x.example'"),
    ("an_address", "row('Main \"St\", ' || n, null, n)::address"),
    ("a_matrix", "array[array[n, null], array[1, 2]]"),
    ("\"select\"", "repeat('é', n)"),
];

/// How many records stay.
const STAYING: usize = 40;

/// The statement that adds a record, each of its values NULL in one of four cases.
fn insert(ids: &str) -> String {
    let columns = COLUMNS.iter().filter(|(_, value)| !value.is_empty());
    let names: Vec<&str> = columns.clone().map(|(name, _)| *name).collect();
    let values = columns.map(|(_, value)| {
        format!("(select {value} from (select 1 + floor(random() * 5)::int as n where s.id is not null) v where random() > 0.25)")
    });
    let values: Vec<String> = values.collect();
    format!(
        "insert into samples (id, a_large_quantity, {}) select s.id, 101, {} from {ids} s (id) on conflict do nothing",
        names.join(", "),
        values.join(", ")
    )
}

fn any_order() -> impl Strategy<Value = String> {
    let direction = prop::sample::select(vec!["", ".asc", ".desc"]);
    let nulls = prop::sample::select(vec!["", ".nullsfirst", ".nullslast"]);
    let column = prop::sample::select(COLUMNS.map(|(name, _)| name).to_vec());
    let term = (column, direction, nulls);
    let term = term.prop_map(|(column, direction, nulls)| format!("{column}{direction}{nulls}"));
    prop::collection::vec(term, 0..4).prop_map(|terms| terms.join(","))
}

#[tokio::test]
async fn every_record_that_stays_is_in_exactly_one_page() {
    let shop = Shop::new().await;
    shop.run("select setseed(0.5)").await;
    shop.run(&insert(&format!("generate_series(1, {STAYING})"))).await;
    let mut runner = TestRunner::deterministic();
    let mut coming = 1000;
    for _ in 0..60 {
        let order = any_order().new_tree(&mut runner).expect("an order").current();
        let size = (1..9_usize).new_tree(&mut runner).expect("a size").current();
        let order = if order.is_empty() {
            order
        } else {
            format!("order={order}&")
        };
        let staying = shop
            .all(
                "samples",
                &format!("{order}select=id&limit=1000&id=lte.{STAYING}"),
                "id",
            )
            .await;
        assert_eq!(staying.len(), STAYING, "{order}");

        let mut seen = Vec::new();
        let mut next = Some(format!("{order}select=id&limit={size}&cursor="));
        while let Some(query) = next.take() {
            let page = shop.page("samples", &query).await;
            let page = page.unwrap_or_else(|error| panic!("{query}: {error:?}"));
            seen.extend(page.rows.iter().map(|row| text(&row["id"])));
            next = page.next;
            // The record at which the page ended is as likely to go as any other that does not stay.
            shop.run("delete from samples where id > 1000 and random() < 0.4")
                .await;
            // No record comes back under another's id, and none comes for ever behind the last.
            if seen.len() < 3 * STAYING {
                shop.run(&insert(&format!("generate_series({coming} + 1, {coming} + 3)")))
                    .await;
                coming += 3;
            }
            assert!(seen.len() < 2000, "{order} has no end");
        }
        let mut once = seen.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{order} twice: {seen:?}");
        seen.retain(|id| id.parse::<usize>().is_ok_and(|id| id <= STAYING));
        assert_eq!(seen, staying, "{order} by {size}");
        shop.run("delete from samples where id > 1000").await;
    }
}

#[tokio::test]
async fn the_order_of_pages_is_that_of_one_list() {
    let shop = Shop::new().await;
    shop.run("select setseed(0.25)").await;
    shop.run(&insert(&format!("generate_series(1, {STAYING})"))).await;
    for (column, _) in COLUMNS {
        for rest in ["", ".desc", ".nullsfirst", ".desc.nullslast"] {
            let direction = if rest.contains("desc") { ".desc" } else { "" };
            let whole = shop
                .page(
                    "samples",
                    &format!("select=id&order={column}{rest},id{direction}"),
                )
                .await;
            let whole = whole.unwrap_or_else(|error| panic!("{column}: {error:?}"));
            let whole: Vec<String> = whole.rows.iter().map(|row| text(&row["id"])).collect();
            let paged = shop
                .all(
                    "samples",
                    &format!("select=id&order={column}{rest}&limit=7"),
                    "id",
                )
                .await;
            assert_eq!(paged, whole, "{column}{rest}");
        }
    }
}
