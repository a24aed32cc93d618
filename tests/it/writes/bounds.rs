//! How many records a write may touch, and how its transaction goes.

use serde_json::{Value, json};
use tenant_schema::records::{End, Form, Operation, Preferences, Target};

use super::{Ask, Scene, told};

async fn with_samples() -> Scene {
    let scene = Box::pin(Scene::set()).await;
    let samples: Vec<Value> = (1..=5)
        .map(|n| json!({ "id": n, "a_smallint": n % 2, "a_large_quantity": 101 }))
        .collect();
    scene
        .insert("samples", "", "", &json!(samples))
        .await
        .expect("written");
    scene
}

async fn ids(scene: &Scene, query: &str) -> Value {
    let rows = scene
        .list("samples", &format!("{query}&select=id&order=id"))
        .await;
    rows.as_array()
        .into_iter()
        .flatten()
        .map(|row| row["id"].clone())
        .collect()
}

#[tokio::test]
async fn a_limit_writes_a_page_of_what_is_found() {
    let scene = with_samples().await;
    let changed = scene
        .update(
            "samples",
            "order=id.desc&limit=2&offset=1&select=id",
            "return=representation",
            &json!({ "a_date": "2025-01-01" }),
        )
        .await;
    assert_eq!(told(changed), (200, json!([{ "id": 4 }, { "id": 3 }])));
    assert_eq!(ids(&scene, "a_date=not.is.null").await, json!([3, 4]));
    scene
        .delete("samples", "a_smallint=eq.1&order=id&limit=1", "")
        .await
        .expect("deleted");
    assert_eq!(ids(&scene, "").await, json!([2, 3, 4, 5]));
    for (query, code) in [
        ("id=gt.0&limit=1", "PGRST109"),
        ("id=gt.0&offset=1", "PGRST109"),
        ("order=id", "21000"),
        ("", "21000"),
    ] {
        let refused = scene.delete("samples", query, "").await.expect_err("refused");
        assert_eq!((refused.status(), refused.code()), (400, code), "{query}");
    }
}

#[tokio::test]
async fn a_limit_by_an_order_that_is_not_unique_is_undone() {
    let scene = Box::pin(Scene::set()).await;
    scene
        .insert("customers", "", "", &json!({ "name": "Cy" }))
        .await
        .expect("written");
    let orders = json!([
        { "id": 1, "customer_id": 1 }, { "id": 2, "customer_id": 1 }, { "id": 3, "customer_id": 1 },
    ]);
    scene.insert("orders", "", "", &orders).await.expect("written");
    let (status, refused) = told(
        scene
            .update("bosses", "order=name&limit=1", "", &json!({ "name": "x" }))
            .await,
    );
    assert_eq!(
        (status, &refused["code"]),
        (405, &json!("PGRST117")),
        "PostgreSQL cannot write it"
    );
    let changed = scene
        .update(
            "open_orders",
            "order=number&limit=1&select=number",
            "return=representation",
            &json!({ "total": 1 }),
        )
        .await;
    assert_eq!(
        told(changed),
        (200, json!([{ "number": 1 }])),
        "a view has the key of its table"
    );
}

#[tokio::test]
async fn max_affected_undoes_what_is_more() {
    let scene = with_samples().await;
    let refused = scene
        .delete("samples", "id=gt.1", "handling=strict, max-affected=3")
        .await
        .expect_err("refused");
    assert_eq!((refused.status(), refused.code()), (400, "PGRST124"));
    assert_eq!(refused.details().as_deref(), Some("The query affects 4 rows"));
    assert_eq!(ids(&scene, "").await, json!([1, 2, 3, 4, 5]));
    let gone = scene
        .delete("samples", "id=gt.3", "handling=strict, max-affected=2")
        .await
        .expect("deleted");
    assert_eq!(
        (gone.status.as_u16(), gone.preference_applied.as_deref()),
        (204, Some("handling=strict, max-affected=2"))
    );
    let lenient = scene
        .delete("samples", "id=gt.1", "handling=lenient, max-affected=1")
        .await
        .expect("deleted");
    assert_eq!(lenient.preference_applied.as_deref(), Some("handling=lenient"));
}

#[tokio::test]
async fn one_object_is_asked_for_or_nothing_is_written() {
    let scene = with_samples().await;
    let ask = |query| Ask {
        query,
        prefer: "return=representation",
        form: Form::Singular,
    };
    let delete = Operation::Delete {
        target: Target::Filtered,
    };
    let one = scene.run("samples", ask("id=eq.1&select=id"), delete).await;
    assert_eq!(told(one), (200, json!({ "id": 1 })));
    for (query, details) in [
        ("id=eq.99", "The result contains 0 rows"),
        ("id=gt.0", "The result contains 4 rows"),
    ] {
        let refused = scene
            .run("samples", ask(query), delete)
            .await
            .expect_err("refused");
        assert_eq!((refused.status(), refused.code()), (406, "PGRST116"));
        assert_eq!(refused.details().as_deref(), Some(details));
    }
    assert_eq!(ids(&scene, "").await, json!([2, 3, 4, 5]));
}

#[tokio::test]
async fn counts_are_of_what_was_written() {
    let scene = with_samples().await;
    let changed = scene
        .update("samples", "id=gt.3", "count=exact", &json!({ "a_smallint": 7 }))
        .await;
    let changed = changed.expect("written");
    assert_eq!(changed.content_range.as_deref(), Some("0-1/2"));
    assert_eq!(changed.preference_applied.as_deref(), Some("count=exact"));
    let gone = scene
        .delete("samples", "id=gt.3", "count=exact")
        .await
        .expect("deleted");
    assert_eq!(gone.content_range.as_deref(), Some("*/2"));
}

#[tokio::test]
async fn a_request_says_how_its_transaction_goes() {
    let scene = Box::pin(Scene::set()).await;
    let prefer = "tx=rollback, timezone=America/Los_Angeles, handling=strict";
    let prepared = |prefer: &'static str| {
        let records = scene.records.clone();
        async move {
            let preferences = Preferences::parse(prefer);
            records
                .preferring(&preferences, Form::Plural, "samples", "", Operation::List)
                .await
        }
    };
    let known = prepared(prefer).await.expect("prepared");
    assert_eq!(
        (known.end(), known.time_zone()),
        (End::Rollback, Some("America/Los_Angeles"))
    );
    let lenient = prepared("timezone=Jupiter/Red_Spot").await.expect("prepared");
    assert_eq!((lenient.end(), lenient.time_zone()), (End::Commit, None));
    let strict = prepared("handling=strict, timezone=Jupiter/Red_Spot")
        .await
        .expect_err("refused");
    assert_eq!((strict.status(), strict.code()), (400, "PGRST122"));
}
