//! What cannot be answered, with the code, status and hint that clients read.

use tenant_schema::records::{Operation, RecordError};

use super::Workshop;

#[tokio::test]
async fn every_refusal_has_its_code() {
    let workshop = Workshop::new().await;
    let cases = [
        ("orders?select=id,customer(name)", "PGRST200", 400),
        ("orders?select=id,customers!nokey(name)", "PGRST200", 400),
        ("orders?select=id,addresses(*)", "PGRST201", 300),
        ("employees?select=mentorships(since)", "PGRST201", 300),
        ("orders?customers.name=eq.x", "PGRST108", 400),
        (
            "orders?select=id,customers(name)&customers.orders.id=eq.1",
            "PGRST108",
            400,
        ),
        ("orders?select=id&order=customers(name)", "PGRST108", 400),
        ("customers?select=id,orders(id)&order=orders(id)", "PGRST118", 400),
        ("orders?select=id,customers(name)&customers=eq.x", "PGRST120", 400),
        ("customers?select=...orders(total.sum())", "PGRST127", 400),
        ("orders?select=id,customers(nope)", "42703", 400),
        (
            "orders?select=id,customers(name)&customers.nope=eq.1",
            "42703",
            400,
        ),
        ("orders?select=id::regclass", "42704", 400),
        ("orders?select=customers(id),customers(name)", "PGRST100", 400),
        (
            "orders?select=total.sum(),customers(name)&order=customers(name)",
            "PGRST100",
            400,
        ),
        ("orders?status=eq.lost", "22P02", 400),
        ("orders?id=eq.abc", "22P02", 400),
        ("orders?id=eq.99999999999", "22003", 400),
        ("orders?id=like.1*", "42883", 404),
        ("customers?name=match.(", "2201B", 400),
        ("customers?name=fts.a b", "42601", 400),
        ("customers?name=fts(klingon).a", "42704", 400),
        ("orders?promised=cs.2025", "22P02", 400),
        ("orders?select=notes->k::uuid", "42846", 400),
        ("customers?nicknames=eq(any).{a}", "42704", 400),
    ];
    for (request, code, status) in cases {
        let refused = workshop.ask(request).await.expect_err(request);
        assert_eq!(
            (refused.code(), refused.status()),
            (code, status),
            "{request}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn an_ambiguous_request_is_told_its_candidates() {
    let workshop = Workshop::new().await;
    let refused = workshop
        .ask("orders?select=addresses(id)")
        .await
        .expect_err("two keys");
    assert_eq!(
        refused.message(),
        "Could not embed because more than one relationship was found for 'orders' and 'addresses'"
    );
    assert_eq!(
        refused.hint().expect("a hint"),
        "Try changing 'addresses' to one of the following: 'addresses!orders_billing_address_id_fkey', \
         'addresses!orders_shipping_address_id_fkey'. Find the desired relationship in the 'details' key."
    );
    let candidates = serde_json::to_value(refused.candidates()).expect("JSON");
    assert_eq!(
        candidates[0],
        serde_json::json!({
            "cardinality": "many-to-one",
            "embedding": "orders with addresses",
            "relationship":
                "orders_billing_address_id_fkey using orders(billing_address_id) and addresses(id)",
        })
    );
    let refused = workshop
        .ask("orders?select=customer(id)")
        .await
        .expect_err("no such object");
    assert_eq!(
        refused.hint().as_deref(),
        Some("Perhaps you meant 'customers' instead of 'customer'.")
    );
}

/// The bad value's column is named, also on an embedded object.
#[tokio::test]
async fn a_bad_value_names_its_column() {
    let workshop = Workshop::new().await;
    for (request, column) in [
        ("orders?id=eq.1&status=eq.lost", "status"),
        (
            "orders?select=id,customers(name)&customers.birthday=gt.never",
            "birthday",
        ),
        ("orders?or=(id.eq.1,customer_id.in.(1,x))", "customer_id"),
    ] {
        let RecordError::Database(error) = workshop.ask(request).await.expect_err(request) else {
            panic!("{request}: the value is PostgreSQL's to judge");
        };
        assert_eq!(error.column(), Some(column), "{request}");
    }
}

#[tokio::test]
async fn one_record_brings_what_is_related() {
    let workshop = Workshop::new().await;
    let get = async |id: &str, query: &str| {
        let prepared = workshop
            .records
            .prepared("orders", query, Operation::Get { id })
            .await?;
        workshop.records.run(&prepared).await
    };
    let body = get(
        "1",
        "select=id,customers(name,orders(id)),order_lines(amount)&order_lines.order=amount",
    )
    .await
    .expect("a record")
    .body
    .expect("its JSON");
    let answer: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(answer["customers"]["orders"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        answer["order_lines"],
        serde_json::json!([{"amount": 1}, {"amount": 2}])
    );
    let missing = get("1", "select=id,customers!inner(name)&customers.name=eq.Bob").await;
    assert_eq!(missing.expect_err("it is left out").status(), 404);
    let refused = get("1", "select=count()").await;
    assert_eq!(refused.expect_err("no groups").code(), "PGRST127");
}
