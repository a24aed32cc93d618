//! Related records over HTTP: what clients get of the CRM, and what a key may not see by way of another object.

use serde_json::{Value, json};

use super::{Scene, id};

#[tokio::test]
async fn a_client_gets_what_is_related() {
    let scene = Scene::set().await;
    let company = scene.add("companies", &json!({ "name": "Initech" })).await;
    let contact = json!({ "first_name": "Ann", "email": "ann@x.test", "company_id": id(&company) });
    let contact = scene.add("contacts", &contact).await;
    let gone = json!({ "first_name": "Bob", "email": "bob@x.test", "company_id": id(&company) });
    let gone = scene.add("contacts", &gone).await;
    let path = format!("/rest/v1/contacts/{}", id(&gone));
    scene.ada.delete(&path).await.expect_status(204);

    let found = scene
        .list("contacts?select=first_name,company:companies(name)")
        .await;
    assert_eq!(
        found,
        json!([{ "first_name": "Ann", "company": { "name": "Initech" } }])
    );
    let found = scene.list("companies?select=name,contacts(first_name)").await;
    let expected = json!([{ "name": "Initech", "contacts": [{ "first_name": "Ann" }] }]);
    assert_eq!(found, expected, "what is deleted is not embedded");
    let found = scene.list("companies?select=name,contacts(count)").await;
    assert_eq!(found[0]["contacts"], json!([{ "count": 1 }]));
    let path = format!("/rest/v1/contacts/{}?select=email,companies(name)", id(&contact));
    let one = scene.ada.get(&path).await.expect_status(200).json();
    assert_eq!(
        one,
        json!({ "email": "ann@x.test", "companies": { "name": "Initech" } })
    );
}

#[tokio::test]
async fn an_ambiguous_request_is_a_choice() {
    let scene = Scene::set().await;
    let answer = scene
        .ada
        .get("/rest/v1/activities?select=members(id)")
        .await
        .expect_status(300)
        .json();
    assert_eq!(answer["code"], "PGRST201");
    let relationships: Vec<&Value> = answer["details"]
        .as_array()
        .expect("candidates")
        .iter()
        .map(|candidate| &candidate["relationship"])
        .collect();
    assert_eq!(
        relationships,
        [
            "activities_completed_by_fkey using activities(completed_by) and members(id)",
            "activities_owner_id_fkey using activities(owner_id) and members(id)",
        ]
    );
}

#[tokio::test]
async fn a_key_embeds_only_what_it_may_read() {
    let scene = Scene::set().await;
    let key = scene.acme.key(&["contacts:read", "contacts:insert"]).await;
    let client = key.client();
    let may = "/rest/v1/contacts?select=first_name";
    client.get(may).await.expect_status(200);
    for select in [
        "companies(name)",
        "companies()&companies=is.null",
        "...companies(name)",
        "first_name,companies()&order=companies(name)",
        "tags(name)",
    ] {
        let path = format!("/rest/v1/contacts?select={select}");
        let refused = client.get(&path).await.expect_status(403).json();
        assert_eq!(refused["code"], "42501", "{select}");
    }
    let key = scene.acme.key(&["contacts:read", "tags:read"]).await;
    let path = "/rest/v1/contacts?select=tags(name)";
    let refused = key.client().get(path).await.expect_status(403).json();
    let message = refused["message"].as_str().expect("a message");
    assert!(
        message.contains("contact_tags"),
        "what leads there counts too: {message}"
    );
}
