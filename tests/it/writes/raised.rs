//! What triggers of a template raise for the client.

use serde_json::json;
use tenant_schema::records::RecordError;

use super::Scene;

/// A trigger that raises what a new product is called.
const RAISE: &str = r#"
create function raise_it() returns trigger language plpgsql as $$
begin
    if new.sku = 'PGRST' then
        raise sqlstate 'PGRST' using message = new.name,
            detail = '{"status":402,"headers":{"X-Reason":"quota"}}';
    end if;
    raise exception using errcode = new.sku, message = new.name, detail = 'Quota exceeded', hint = 'Upgrade';
end
$$;
create trigger products_raise before insert on products for each row execute function raise_it();
"#;

#[tokio::test]
async fn a_template_says_what_it_refuses_and_how() {
    let scene = Scene::set().await;
    let superuser = scene.t.as_superuser().await;
    let path = format!("set search_path = {};", scene.acme.schema);
    superuser.batch_execute(&(path + RAISE)).await.expect("a trigger");
    for (sku, status) in [
        ("P0001", 400),
        ("PT402", 402),
        ("PT418", 418),
        ("42501", 403),
        ("23505", 409),
        ("23514", 422),
        ("42P01", 404),
        ("42883", 404),
        ("28000", 403),
        ("57014", 503),
        ("40001", 409),
        ("ABCDE", 400),
        ("XX000", 500),
    ] {
        let product = json!({ "sku": sku, "name": "No more", "price": 1 });
        let refused = scene
            .insert("products", "", "", &product)
            .await
            .expect_err("refused");
        assert_eq!((refused.code(), refused.status()), (sku, status));
        let shown = (refused.message(), refused.hint());
        if status < 500 {
            assert_eq!(shown, ("No more".to_owned(), Some("Upgrade".to_owned())), "{sku}");
        } else {
            assert!(!shown.0.contains("No more") && shown.1.is_none(), "{sku}");
        }
    }
    let said = r#"{"code":"quota","message":"No more","hint":"Upgrade"}"#;
    let product = json!({ "sku": "PGRST", "name": said, "price": 1 });
    let refused = scene
        .insert("products", "", "", &product)
        .await
        .expect_err("refused");
    assert_eq!((refused.code(), refused.status()), ("quota", 402));
    let RecordError::Raised(raised) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(raised.headers, [("X-Reason".to_owned(), "quota".to_owned())]);
    let product = json!({ "sku": "PGRST", "name": "no JSON", "price": 1 });
    let refused = scene
        .insert("products", "", "", &product)
        .await
        .expect_err("refused");
    assert_eq!((refused.code(), refused.status()), ("PGRST121", 500));
    assert_eq!(scene.list("products", "").await, json!([]));
}
