//! The page "Aggregate Functions".

use super::{get, stage, walk};

#[tokio::test]
async fn records_are_summed_up() {
    let examples = [
        // Aggregate functions
        get("sales?select=amount.sum()").gives(r#"[{"sum":716.25}]"#),
        get("sales?select=total:amount.sum(),mean:amount.avg(),pieces:quantity.sum()")
            .gives(r#"[{"total":716.25,"mean":179.0625000000000000,"pieces":15}]"#),
        get("sales?select=amount.max(),amount.min()").gives(r#"[{"max":300.50,"min":100.25}]"#),
        // Automatic GROUP BY
        get("sales?select=amount.sum(),amount.avg(),sold_on&order=sold_on").gives(
            r#"[{"sum":415.75,"avg":138.5833333333333333,"sold_on":"2023-09-01"},
                {"sum":300.50,"avg":300.5000000000000000,"sold_on":"2023-09-03"}]"#,
        ),
        get("sales?select=amount.sum(),amount.avg(),sold_on,buyer_id&order=sold_on,buyer_id").gives(
            r#"[{"sum":215.25,"avg":107.6250000000000000,"sold_on":"2023-09-01","buyer_id":1},
                {"sum":200.50,"avg":200.5000000000000000,"sold_on":"2023-09-01","buyer_id":2},
                {"sum":300.50,"avg":300.5000000000000000,"sold_on":"2023-09-03","buyer_id":3}]"#,
        ),
        // Not here: `db-aggregates-enabled`. Aggregates are always on here, bounded by the statement's time.
        // The case of count()
        get("sales?select=count(),sold_on&order=sold_on")
            .gives(r#"[{"count":3,"sold_on":"2023-09-01"},{"count":2,"sold_on":"2023-09-03"}]"#),
        get("sales?select=amount.count(),sold_on&order=sold_on")
            .gives(r#"[{"count":3,"sold_on":"2023-09-01"},{"count":1,"sold_on":"2023-09-03"}]"#),
        get("sales?select=count").gives(r#"[{"count":5}]"#),
        // Renaming aggregates
        get("sales?select=pieces:quantity.sum()").gives(r#"[{"pieces":15}]"#),
        // Casting aggregates
        get("sales?select=details->tax::numeric.sum()").gives(r#"[{"sum":41.5}]"#),
        get("sales?select=amount.avg()::int").gives(r#"[{"avg":179}]"#),
        get("sales?select=details->>tax::numeric.avg()::text").gives(r#"[{"avg":"13.8333333333333333"}]"#),
        // `HAVING` and orders by an aggregate are not in the reference either.
    ];
    walk(&stage().await, &examples).await;
}

#[tokio::test]
async fn aggregates_and_embedded_records() {
    let examples = [
        // Embedded resources as grouping columns
        get("sales?select=amount.sum(),buyers(name)&buyer_id=eq.1")
            .gives(r#"[{"sum":215.25,"buyers":{"name":"Buyer A"}}]"#),
        get("sales?select=amount.sum(),buyers(name)&order=buyers(name)").fails(
            400,
            r#"{"code":"PGRST100","message":"failed to parse order (name)",
                "details":"groups of records can be sorted by what select shows of them only"}"#,
        ),
        // Groups are sorted by what is shown of them: by columns, also of a spread object, not by those of an object
        // within.
        // Aggregates within an embedded resource
        get("buyers?select=name,town,region,sales(amount.sum(),sold_on)&order=id&sales.order=sold_on").gives(
            r#"[{"name":"Buyer A","town":"Ulm","region":"Swabia","sales":[{"sum":215.25,
                "sold_on":"2023-09-01"}]},
                {"name":"Buyer B","town":"Ulm","region":"Swabia","sales":[{"sum":200.50,
                "sold_on":"2023-09-01"}]},
                {"name":"Buyer C","town":"Trier","region":"Eifel","sales":[{"sum":300.50,
                "sold_on":"2023-09-03"}]}]"#,
        ),
        // Grouping with columns of a spread resource
        get("sales?select=amount.sum(),...buyers(town,region)&order=buyers(town)").gives(
            r#"[{"sum":300.50,"town":"Trier","region":"Eifel"},
                {"sum":415.75,"town":"Ulm","region":"Swabia"}]"#,
        ),
        // Aggregates of columns of a spread resource
        get("sales?select=sold_on,...buyers(joined_on.max(),joined_on.min())&order=sold_on").gives(
            r#"[{"sold_on":"2023-09-01","max":"2023-10-15","min":"2013-10-01"},
                {"sold_on":"2023-09-03","max":"2016-02-11","min":"2016-02-11"}]"#,
        ),
        get("buyers?select=region,...sales(amount.sum())&order=region").fails(
            400,
            r#"{"code":"PGRST127","message":"Feature not implemented",
                "details":"Aggregates are not implemented for one-to-many or many-to-many spreads."}"#,
        ),
    ];
    walk(&stage().await, &examples).await;
}
