//! Upsert and `PUT`.

use serde_json::json;

use super::{Scene, told};

const MERGE: &str = "return=representation, resolution=merge-duplicates";
const IGNORE: &str = "return=representation, resolution=ignore-duplicates";

#[tokio::test]
async fn a_record_that_is_there_takes_new_values_or_stays() {
    let scene = Scene::set().await;
    let bell = |name: &str| json!({ "sku": "bell", "name": name, "price": 1.0 });
    let chain = json!({ "sku": "chain", "name": "Chain", "price": 2.0 });
    let select = "select=sku,name,price";
    let made = scene
        .insert("products", select, MERGE, &json!([bell("Bell")]))
        .await;
    assert_eq!(told(made), (201, json!([bell("Bell")])));
    let both = json!([bell("Brass bell"), chain]);
    let merged = scene
        .insert("products", &format!("{select}&order=sku"), MERGE, &both)
        .await;
    let applied = merged
        .as_ref()
        .ok()
        .and_then(|answer| answer.preference_applied.clone());
    assert_eq!(
        applied.as_deref(),
        Some("resolution=merge-duplicates, return=representation")
    );
    assert_eq!(told(merged), (201, both.clone()), "one of them is new");
    let again = scene
        .insert("products", &format!("{select}&order=sku"), MERGE, &both)
        .await;
    assert_eq!(told(again), (200, both.clone()), "none of them is");
    let ignored = scene.insert("products", select, IGNORE, &both).await;
    assert_eq!(told(ignored), (201, json!([])));
    let nothing = scene.insert("products", select, MERGE, &json!([])).await;
    assert_eq!(told(nothing), (200, json!([])));
}

#[tokio::test]
async fn keys_are_the_primary_one_or_those_that_are_named() {
    let scene = Scene::set().await;
    let made = |name: &str| json!([{ "name": name, "email": "cy@x.test" }]);
    scene
        .insert("customers", "", "", &made("Cy"))
        .await
        .expect("written");
    let (status, twice) = told(scene.insert("customers", "", MERGE, &made("Cyrus")).await);
    assert_eq!(
        (status, &twice["code"]),
        (409, &json!("23505")),
        "another key than the primary one"
    );
    assert_eq!(twice["details"], "Key (email)=(cy@x.test) already exists.");
    let query = "on_conflict=email&select=id,name";
    let merged = scene.insert("customers", query, MERGE, &made("Cyrus")).await;
    assert_eq!(told(merged), (200, json!([{ "id": 1, "name": "Cyrus" }])));
    let (status, wrong) = told(
        scene
            .insert("customers", "on_conflict=name", MERGE, &made("x"))
            .await,
    );
    assert_eq!((status, &wrong["code"]), (400, &json!("42P10")), "not unique");
    let (status, unknown) = told(
        scene
            .insert("customers", "on_conflict=mail", MERGE, &made("x"))
            .await,
    );
    assert_eq!((status, &unknown["code"]), (400, &json!("42703")));
    // A table of nothing but its key, a partitioned one, and one without a key.
    let pair = json!([{ "mentor_id": 1, "pupil_id": 2 }]);
    for status in [201, 200] {
        let answer = scene
            .insert("mentorships", "select=mentor_id,pupil_id", MERGE, &pair)
            .await;
        assert_eq!(told(answer), (status, pair.clone()));
    }
    let visit = json!([{ "id": 1, "customer_id": 1, "came_at": "2024-01-01T00:00:00+00:00" }]);
    for status in [201, 200] {
        let answer = scene.insert("visits", "", MERGE, &visit).await;
        assert_eq!(told(answer), (status, visit.clone()));
    }
}

#[tokio::test]
async fn an_id_of_the_servers_never_replaces_one_that_is_there() {
    let scene = Scene::set().await;
    let badge = |code: &str| json!([{ "employee_id": 1, "code": code }]);
    let query = "on_conflict=employee_id&select=id,code";
    let (_, first) = told(scene.insert("badges", query, MERGE, &badge("aaaaaa")).await);
    let (status, second) = told(scene.insert("badges", query, MERGE, &badge("bbbbbb")).await);
    assert_eq!((status, &second[0]["code"]), (200, &json!("bbbbbb")));
    assert_eq!(first[0]["id"], second[0]["id"]);
}

#[tokio::test]
async fn a_deleted_record_is_not_merged_with_unseen() {
    let scene = Scene::set().await;
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    let document = json!({ "id": id, "title": "Plan" });
    scene
        .insert("documents", "", "", &document)
        .await
        .expect("written");
    scene
        .delete("documents", &format!("id=eq.{id}"), "")
        .await
        .expect("deleted");
    let other = json!({ "id": "01890a5d-ac96-774b-bcce-b302099a8058", "title": "Other" });
    let both = scene
        .insert("documents", "", MERGE, &json!([other, document]))
        .await;
    assert_eq!(
        both.as_ref()
            .map_err(|refused| (refused.status(), refused.code()))
            .err(),
        Some((409, "23505"))
    );
    let put = scene
        .put("documents", &format!("id=eq.{id}"), "", &document)
        .await;
    assert_eq!(told(put).0, 409);
    assert_eq!(
        scene.list("documents", "").await,
        json!([]),
        "nothing of it stays"
    );
}

#[tokio::test]
async fn put_writes_the_one_record_that_it_names() {
    let scene = Scene::set().await;
    let bell = json!({ "sku": "bell", "name": "Bell", "price": 1.0 });
    let query = "sku=eq.bell&select=sku,name,price";
    let prefer = "return=representation";
    assert_eq!(
        told(scene.put("products", query, prefer, &bell).await),
        (201, json!([bell]))
    );
    assert_eq!(
        told(scene.put("products", query, prefer, &json!([bell])).await),
        (200, json!([bell]))
    );
    assert_eq!(told(scene.put("products", query, "", &bell).await).0, 204);
    let pair = json!({ "mentor_id": 1, "pupil_id": 2 });
    let both = "pupil_id=eq.2&mentor_id=eq.1";
    assert_eq!(told(scene.put("mentorships", both, "", &pair).await).0, 201);
    for (object, query, body, status, code) in [
        ("products", "sku=eq.bell&limit=1", &bell, 400, "PGRST114"),
        ("products", "sku=eq.bell&offset=1", &bell, 400, "PGRST114"),
        ("products", "name=eq.Bell", &bell, 405, "PGRST105"),
        ("products", "sku=not.eq.bell", &bell, 405, "PGRST105"),
        ("products", "sku=in.(bell)", &bell, 405, "PGRST105"),
        ("products", "and=(sku.eq.bell)", &bell, 405, "PGRST105"),
        ("products", "sku=eq.bell&name=eq.Bell", &bell, 405, "PGRST105"),
        ("products", "", &bell, 405, "PGRST105"),
        ("mentorships", "mentor_id=eq.1", &pair, 405, "PGRST105"),
        ("products", "sku=eq.chain", &bell, 400, "PGRST115"),
        (
            "products",
            "sku=eq.bell",
            &json!({ "name": "x", "price": 1 }),
            400,
            "PGRST115",
        ),
        (
            "mentorships",
            "mentor_id=eq.1&pupil_id=eq.1",
            &pair,
            400,
            "PGRST115",
        ),
    ] {
        let refused = scene.put(object, query, "", body).await.expect_err("refused");
        assert_eq!(
            (refused.status(), refused.code()),
            (status, code),
            "{object}?{query}"
        );
    }
}
