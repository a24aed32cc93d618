//! Aggregates, with the groups that the other columns make.

use super::Workshop;

#[tokio::test]
async fn groups_are_made_by_what_else_is_selected() {
    let workshop = Workshop::new().await;
    let cases: &[(&str, &str)] = &[
        ("orders?select=count()", r#"[{"count":4}]"#),
        ("orders?select=count", r#"[{"count":4}]"#),
        (
            "orders?select=n:billing_address_id.count(),count()",
            r#"[{"n":3,"count":4}]"#,
        ),
        (
            "orders?select=total.sum(),total.avg()::int,low:total.min(),total.max()",
            r#"[{"sum":580.00,"avg":145,"low":50.00,"max":300.00}]"#,
        ),
        (
            "orders?select=n:count(),customer_id&order=n.desc,customer_id",
            r#"[{"n":2,"customer_id":1},{"n":1,"customer_id":2},{"n":1,"customer_id":3}]"#,
        ),
        ("orders?select=notes->>k::numeric.sum()::text", r#"[{"sum":"1"}]"#),
        (
            "customer_details?select=credit.sum()",
            r#"[{"sum":"12345678901234.5678"}]"#,
        ),
        ("orders?select=count()&id=gt.100", r#"[{"count":0}]"#),
        ("orders?select=status,count()&id=gt.100", "[]"),
    ];
    workshop.answers(cases).await;
}

#[tokio::test]
async fn related_records_are_grouped_and_group() {
    let workshop = Workshop::new().await;
    let cases: &[(&str, &str)] = &[
        (
            "customers?select=name,orders(count)&order=id",
            r#"[{"name":"Ann","orders":[{"count":2}]},{"name":"Bob","orders":[{"count":1}]},
                {"name":"Cid","orders":[{"count":1}]},{"name":"Dan, Jr. (x)","orders":[{"count":0}]}]"#,
        ),
        (
            "customers?select=id,orders(total.sum(),status)&orders.order=status&id=eq.1",
            r#"[{"id":1,"orders":[{"sum":50.00,"status":"draft"},{"sum":150.00,"status":"placed"}]}]"#,
        ),
        (
            "orders?select=total.sum(),customers(name)&order=sum",
            r#"[{"sum":80.00,"customers":{"name":"Cid"}},{"sum":200.00,"customers":{"name":"Ann"}},
                {"sum":300.00,"customers":{"name":"Bob"}}]"#,
        ),
        (
            "orders?select=total.sum(),...customers(name)&order=customers(name)",
            r#"[{"sum":200.00,"name":"Ann"},{"sum":300.00,"name":"Bob"},{"sum":80.00,"name":"Cid"}]"#,
        ),
        (
            "order_lines?select=product_sku,...orders(total.max(),...customers(n:count()))&order=product_sku",
            r#"[{"product_sku":"BELL","max":150.00,"n":2},{"product_sku":"LAMP","max":300.00,"n":1},
                {"product_sku":"TYRE","max":150.00,"n":1}]"#,
        ),
        (
            "customers?select=...customer_details(held:count(),credit.sum())",
            r#"[{"held":2,"sum":"12345678901234.5678"}]"#,
        ),
    ];
    workshop.answers(cases).await;
}
