//! Related records inside records.

use super::Workshop;

#[tokio::test]
async fn every_kind_of_relationship_is_embedded() {
    let workshop = Workshop::new().await;
    let cases: &[(&str, &str)] = &[
        // Many to one, by the object's name, the column's and the constraint's.
        (
            "orders?select=id,customers(name),customer_id(id),orders_customer_id_fkey(email)&id=eq.1",
            r#"[{"id":1,"customers":{"name":"Ann"},"customer_id":{"id":1},
                "orders_customer_id_fkey":{"email":"ann@x.example"}}]"#,
        ),
        // One of two foreign keys to the same table, by constraint and by column; none is null.
        (
            "orders?select=id,b:addresses!orders_billing_address_id_fkey(place->>city),\
             s:addresses!shipping_address_id(place->city)&id=lt.3&order=id",
            r#"[{"id":1,"b":{"city":"Rome"},"s":{"city":"Oslo"}},{"id":2,"b":{"city":"Rome"},"s":null}]"#,
        ),
        // One to many; none is an empty array.
        (
            "customers?select=name,orders(id)&orders.order=id.desc&order=id&id=neq.2",
            r#"[{"name":"Ann","orders":[{"id":2},{"id":1}]},{"name":"Cid","orders":[{"id":4}]},
                {"name":"Dan, Jr. (x)","orders":[]}]"#,
        ),
        // One to one, from both sides, by a shared key and by a unique column.
        (
            "customer_details?select=remarks,customers(name)&customer_id=eq.1",
            r#"[{"remarks":"good","customers":{"name":"Ann"}}]"#,
        ),
        (
            "employees?select=name,badges(code)&order=id&limit=3",
            r#"[{"name":"Max","badges":{"code":"M-1   "}},{"name":"Eve","badges":{"code":"E-1   "}},
                {"name":"Tom","badges":null}]"#,
        ),
        // Many to many, by a junction of two and one of three.
        (
            "orders?select=id,products!order_lines(name)&products.order=name.desc&id=in.(1,4)&order=id",
            r#"[{"id":1,"products":[{"name":"Tyre"},{"name":"Bell"}]},{"id":4,"products":[]}]"#,
        ),
        (
            "employees?select=name,orders(id)&orders.order=id&id=eq.2",
            r#"[{"name":"Eve","orders":[{"id":1},{"id":3}]}]"#,
        ),
        // A key of two columns.
        (
            "line_remarks?select=remark,order_lines(amount)&order=id",
            r#"[{"remark":"loud","order_lines":{"amount":2}},{"remark":"red","order_lines":{"amount":2}}]"#,
        ),
        // A partitioned table.
        (
            "visits?select=id,customers(name)&order=id.desc&limit=1",
            r#"[{"id":3,"customers":{"name":"Bob"}}]"#,
        ),
    ];
    workshop.answers(cases).await;
}

#[tokio::test]
async fn an_object_is_embedded_in_itself() {
    let workshop = Workshop::new().await;
    let cases: &[(&str, &str)] = &[
        (
            "employees?select=name,employees(name)&employees.order=name&id=eq.1",
            r#"[{"name":"Max","employees":[{"name":"Eve"},{"name":"Tom"}]}]"#,
        ),
        (
            "employees?select=name,boss:manager_id(name,boss:manager_id(name))&id=in.(1,4)&order=id",
            r#"[{"name":"Max","boss":null},{"name":"Kim","boss":{"name":"Eve","boss":{"name":"Max"}}}]"#,
        ),
        (
            "employees?select=name,team:employees!manager_id(name)&team.name=eq.Tom&id=eq.1",
            r#"[{"name":"Max","team":[{"name":"Tom"}]}]"#,
        ),
        (
            "employees?select=name,mentorships!mentor_id(...employees!pupil_id(name))&id=eq.2",
            r#"[{"name":"Eve","mentorships":[{"name":"Kim"}]}]"#,
        ),
        (
            "employees?select=name,pupils:employees!mentorships_mentor_id_fkey(name)&id=eq.2",
            r#"[{"name":"Eve","pupils":[{"name":"Kim"}]}]"#,
        ),
    ];
    workshop.answers(cases).await;
}

#[tokio::test]
async fn views_and_functions_are_embedded_like_tables() {
    let workshop = Workshop::new().await;
    let cases: &[(&str, &str)] = &[
        (
            "large_open_orders?select=number,customers(name)",
            r#"[{"number":1,"customers":{"name":"Ann"}}]"#,
        ),
        (
            "customers?select=name,open_orders(number)&id=lt.3&order=id&open_orders.order=number",
            r#"[{"name":"Ann","open_orders":[{"number":1},{"number":2}]},{"name":"Bob","open_orders":[]}]"#,
        ),
        (
            "order_overview?select=id,lines,order_lines(amount)&id=eq.1&order_lines.order=amount",
            r#"[{"id":1,"lines":2,"order_lines":[{"amount":1},{"amount":2}]}]"#,
        ),
        (
            "customers?select=id,initials,latest_order(id),large_orders(id)&id=in.(1,4)&order=id",
            r#"[{"id":1,"initials":"A.","latest_order":{"id":2},"large_orders":[{"id":1}]},
                {"id":4,"initials":"D.","latest_order":null,"large_orders":[]}]"#,
        ),
        (
            "customers?select=id,latest_order()&order=latest_order(total).desc.nullslast",
            r#"[{"id":2},{"id":3},{"id":1},{"id":4}]"#,
        ),
        (
            "customers?select=id,latest_order()&latest_order=is.null",
            r#"[{"id":4}]"#,
        ),
    ];
    workshop.answers(cases).await;
}

#[tokio::test]
async fn embedded_records_are_filtered_sorted_and_paged() {
    let workshop = Workshop::new().await;
    let cases: &[(&str, &str)] = &[
        (
            "customers?select=name,orders(id,total)&orders.order=total.desc&orders.limit=1&id=eq.1",
            r#"[{"name":"Ann","orders":[{"id":1,"total":150.00}]}]"#,
        ),
        (
            "customers?select=name,orders(id)&orders.order=id&orders.offset=1&id=eq.1",
            r#"[{"name":"Ann","orders":[{"id":2}]}]"#,
        ),
        (
            "customers?select=id,orders(id,order_lines(amount))&orders.order_lines.amount=gt.1\
             &orders.or=(id.eq.1,id.eq.3)&id=lt.3&order=id",
            r#"[{"id":1,"orders":[{"id":1,"order_lines":[{"amount":2}]}]},
                {"id":2,"orders":[{"id":3,"order_lines":[{"amount":4}]}]}]"#,
        ),
        (
            "customers?select=name,a:orders(id),b:orders(total)&a.limit=1&a.order=id&b.total=lt.100&id=eq.1",
            r#"[{"name":"Ann","a":[{"id":1}],"b":[{"total":50.00}]}]"#,
        ),
        (
            "customers?select=id,orders(id,addresses!billing_address_id(id))\
             &orders.order=addresses(id).desc.nullslast,id&id=eq.1",
            r#"[{"id":1,"orders":[{"id":1,"addresses":{"id":1}},{"id":2,"addresses":{"id":1}}]}]"#,
        ),
        (
            "orders?select=id,customers(name)&order=customers(name).desc,id",
            r#"[{"id":4,"customers":{"name":"Cid"}},{"id":3,"customers":{"name":"Bob"}},
                {"id":1,"customers":{"name":"Ann"}},{"id":2,"customers":{"name":"Ann"}}]"#,
        ),
    ];
    workshop.answers(cases).await;
}

#[tokio::test]
async fn records_are_chosen_by_what_is_related() {
    let workshop = Workshop::new().await;
    let cases: &[(&str, &str)] = &[
        (
            "customers?select=id,orders!inner(id)&orders.total=gt.100&order=id",
            r#"[{"id":1,"orders":[{"id":1}]},{"id":2,"orders":[{"id":3}]}]"#,
        ),
        (
            "orders?select=id,customers!inner(name)&customers.name=eq.Bob",
            r#"[{"id":3,"customers":{"name":"Bob"}}]"#,
        ),
        (
            "customers?select=id,orders!inner(order_lines!inner())&orders.order_lines.product_sku=eq.LAMP",
            r#"[{"id":2}]"#,
        ),
        ("customers?select=id,orders()&orders=is.null", r#"[{"id":4}]"#),
        (
            "customers?select=id,orders()&orders=not.is.null&orders.total=lt.100&order=id",
            r#"[{"id":1},{"id":3}]"#,
        ),
        (
            "customers?select=id,orders(),customer_details(remarks)\
             &or=(orders.is.null,customer_details.not.is.null)&order=id",
            r#"[{"id":1,"customer_details":{"remarks":"good"}},{"id":2,"customer_details":{"remarks":null}},
                {"id":4,"customer_details":null}]"#,
        ),
        (
            "orders?select=id,products!order_lines()&products.name=eq.Bell&products=not.is.null&order=id",
            r#"[{"id":1},{"id":2}]"#,
        ),
    ];
    workshop.answers(cases).await;
}

#[tokio::test]
async fn spread_records_lend_their_columns() {
    let workshop = Workshop::new().await;
    let cases: &[(&str, &str)] = &[
        (
            "orders?select=id,...customers(customer:name,email)&id=eq.3",
            r#"[{"id":3,"customer":"Bob","email":"bob@x.example"}]"#,
        ),
        (
            "order_lines?select=amount,...orders(...customers(name))&order=amount.desc&limit=1",
            r#"[{"amount":4,"name":"Bob"}]"#,
        ),
        (
            "customers?select=name,...orders(ids:id,totals:total,...addresses!billing_address_id(cities:place->>city))\
             &orders.order=id.desc&id=in.(1,3,4)&order=id",
            r#"[{"name":"Ann","ids":[2,1],"totals":[50.00,150.00],"cities":["Rome","Rome"]},
                {"name":"Cid","ids":[4],"totals":[80.00],"cities":[null]},
                {"name":"Dan, Jr. (x)","ids":[],"totals":[],"cities":[]}]"#,
        ),
        (
            "customers?select=...orders(...order_lines(amounts:amount))&orders.order=id&orders.order_lines.order=amount&id=eq.1",
            r#"[{"amounts":[[1,2],[1]]}]"#,
        ),
        // Of equal keys the last stays.
        (
            "orders?select=id,total,...customers(id,name)&id=eq.3",
            r#"[{"total":300.00,"id":2,"name":"Bob"}]"#,
        ),
        (
            "orders?select=*,customer_id(name)&id=eq.4",
            r#"[{"id":4,"customer_id":{"name":"Cid"},"billing_address_id":null,"shipping_address_id":null,
                "status":"in work","past_statuses":[],"promised":null,"total":80.00,"total_with_tax":96.00,
                "notes":null,"placed_at":null}]"#,
        ),
    ];
    workshop.answers(cases).await;
}
