//! Values in the words by which the engine's own checks are known. None of them is taken for a check.

use serde_json::json;

use super::scene::Scene;

/// In the words of each check.
const FORGED: [&str; 7] = [
    "1 answer to this key was kept",
    "true request with this key is being answered",
    "9 bytes are too many for one answer",
    "9 bytes are too many to be kept",
    "7 records are not one record",
    "7 records are more than max-affected",
    "3 is the version of the record now [\"name\"]",
];

#[tokio::test]
async fn what_a_client_says_is_not_taken_for_a_check() {
    let scene = Scene::workshop().await;
    let ada = &scene.ada;
    ada.post("/rest/v1/customers", &json!({ "name": "Ann" }))
        .await
        .expect_status(201);
    let order = json!({ "customer_id": 1, "total": 1 });
    ada.post("/rest/v1/orders", &order).await.expect_status(201);
    for (n, words) in FORGED.into_iter().enumerate() {
        let order = json!({ "customer_id": words, "total": 1 });
        let asked = [
            ada.post("/rest/v1/orders", &order),
            ada.patch("/rest/v1/orders?id=eq.1&order=id&limit=1", &order),
            ada.post("/rest/v1/rpc/place_order", &json!({ "customer": words })),
        ];
        for (m, ask) in asked.into_iter().enumerate() {
            let bound = if m < 2 {
                ", handling=strict, max-affected=1"
            } else {
                ""
            };
            let ask = ask
                .header("idempotency-key", format!("k{n}-{m}"))
                .header("accept", "application/vnd.pgrst.object+json")
                .header("prefer", format!("return=representation{bound}"));
            let what = format!("{words}: {}", ask.describe());
            let refused = ask.await;
            assert_eq!(
                (refused.status(), refused.code()),
                (400, "22P02".to_owned()),
                "{what}"
            );
            let place = if m == 2 { "customer" } else { "customer_id" };
            let details = refused.field("details");
            assert!(details.contains(&format!("'{place}'")), "{what}: {details}");
        }
        let encoded = words.replace(' ', "%20").replace('"', "%22");
        for list in [
            format!("orders?customer_id=eq.{encoded}"),
            format!("orders?select=customers(name)&customers.id=eq.{encoded}"),
        ] {
            let refused = ada.get(&format!("/rest/v1/{list}")).await.expect_status(400);
            assert_eq!(refused.code(), "22P02", "{list}");
        }
        let config = ada
            .get(&format!("/rest/v1/customers?name=fts(%22{encoded}%22).x"))
            .await;
        assert_eq!(config.status(), 400, "{words}: {}", config.text());

        let named = json!({ "name": words });
        ada.post("/rest/v1/customers", &named).await.expect_status(201);
        let cast = ada
            .get("/rest/v1/customers?select=name::bigint&order=id.desc&limit=1")
            .await;
        assert_eq!((cast.status(), cast.code()), (400, "22P02".to_owned()), "{words}");
    }
}

#[tokio::test]
async fn the_checks_themselves_still_refuse() {
    let scene = Scene::workshop().await;
    let ada = &scene.ada;
    let two = json!([{ "name": "Ann" }, { "name": "Bob" }]);
    ada.post("/rest/v1/customers", &two).await.expect_status(201);
    let change = || ada.patch("/rest/v1/customers?id=gt.0", &json!({ "name": "x" }));
    let one = change().header("accept", "application/vnd.pgrst.object+json");
    let one = one
        .header("prefer", "return=representation")
        .await
        .expect_status(406);
    assert_eq!(
        (one.code(), one.field("details")),
        ("PGRST116".to_owned(), "The result contains 2 rows".to_owned())
    );
    let most = change().header("prefer", "handling=strict, max-affected=1").await;
    assert_eq!(most.expect_status(400).code(), "PGRST124");
}
