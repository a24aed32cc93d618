//! What a tenant's API says of itself.

use catalog::memberships::MemberRole::{Admin, Member};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tests::{TestApp, TestDb};

fn operations(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().expect("paths");
    let methods = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("a path item").keys();
        methods
            .filter(|name| *name != "parameters")
            .map(move |name| format!("{name} {path}"))
    });
    methods.collect()
}

#[tokio::test]
async fn a_document_offers_what_its_reader_may_do() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let (ann, ada) = (acme.member("ann", Member).await, acme.member("ada", Admin).await);
    let key = acme.key(&["contacts:read"]).await;
    let member = operations(&ann.get("/openapi.json").await.expect_status(200).json());
    let admin = operations(&ada.get("/rest/v1/").await.expect_status(200).json());
    let keys = operations(&key.get("/openapi.json").await.expect_status(200).json());

    let more = admin.difference(&member);
    // Of these objects; others are as one or the other.
    let about = [
        "activities",
        "companies",
        "contacts",
        "deals",
        "notes",
        "pipelines",
        "stages",
        "tags",
    ];
    let more: Vec<&String> = more
        .filter(|operation| operation.split(['/', ' ']).any(|part| about.contains(&part)))
        .collect();
    assert!(member.is_subset(&admin));
    insta::assert_debug_snapshot!(more, @r#"
    [
        "delete /rest/v1/pipelines",
        "delete /rest/v1/pipelines/{id}",
        "delete /rest/v1/stages",
        "delete /rest/v1/stages/{id}",
        "patch /rest/v1/pipelines",
        "patch /rest/v1/pipelines/{id}",
        "patch /rest/v1/stages",
        "patch /rest/v1/stages/{id}",
        "post /crm/v1/pipelines",
        "post /crm/v1/pipelines/{id}/reorder",
        "post /rest/v1/activities/{id}/purge",
        "post /rest/v1/companies/{id}/purge",
        "post /rest/v1/contacts/{id}/purge",
        "post /rest/v1/deals/{id}/purge",
        "post /rest/v1/notes/{id}/purge",
        "post /rest/v1/pipelines",
        "post /rest/v1/pipelines/{id}/purge",
        "post /rest/v1/pipelines/{id}/restore",
        "post /rest/v1/stages",
        "put /crm/v1/pipelines/{id}",
        "put /rest/v1/pipelines",
        "put /rest/v1/pipelines/{id}",
        "put /rest/v1/stages",
        "put /rest/v1/stages/{id}",
    ]
    "#);
    let of_key: Vec<&String> = keys.iter().filter(|path| path.contains("/rest/")).collect();
    assert_eq!(of_key, ["get /rest/v1/contacts", "get /rest/v1/contacts/{id}"]);
    assert!(member.contains("post /auth/v1/token") && member.contains("put /rest/v1/contacts"));
    assert!(
        !admin
            .iter()
            .any(|operation| operation.contains("/members") && !operation.starts_with("get"))
    );
}

#[tokio::test]
async fn a_document_is_private_and_says_where_it_is_from() {
    let app = TestApp::new().await;
    let ada = app.tenant("acme").await.member("ada", Admin).await;
    let answer = ada.get("/rest/v1/").await.expect_status(200);
    assert_eq!(
        answer.header("content-type"),
        Some("application/openapi+json; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "acme");
    assert_eq!(document["servers"][0]["url"], "http://acme.tenantry.test");
}

#[tokio::test]
async fn any_template_is_described() {
    let db = Arc::new(TestDb::workshop().await);
    let app = TestApp::on(db, |_| {}).await;
    let ada = app.tenant("acme").await.member("ada", Admin).await;
    let document = ada.get("/openapi.json").await.expect_status(200).json();
    let schema = &document["components"]["schemas"]["orders"]["properties"];
    insta::assert_json_snapshot!(schema["status"], @r#"
    {
      "description": "How far it is.",
      "enum": [
        "draft",
        "placed",
        "in work",
        "done"
      ],
      "type": "string",
      "x-postgres-type": "order_status"
    }
    "#);
    insta::assert_json_snapshot!(schema["total_with_tax"], @r#"
    {
      "readOnly": true,
      "type": [
        "number",
        "null"
      ],
      "x-postgres-type": "numeric(12,2)"
    }
    "#);
    let new = &document["components"]["schemas"]["employees.insert"];
    assert_eq!(new["required"], json!(["name"]));
    assert_eq!(
        new["properties"]["skills"]["items"]["type"],
        json!(["string", "null"])
    );
    assert!(document["components"]["schemas"].get("wages").is_none());
    let text = document.to_string();
    for hidden in ["_ledger", "secret"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    let functions: Vec<String> = operations(&document)
        .into_iter()
        .filter(|operation| operation.contains("/rpc/"))
        .collect();
    assert!(functions.contains(&"get /rest/v1/rpc/add".to_owned()));
    assert!(
        !functions.contains(&"get /rest/v1/rpc/place_order".to_owned()),
        "it writes"
    );
}

#[tokio::test]
async fn the_page_is_the_hosts_own() {
    let app = TestApp::new().await;
    let nobody = app.tenant("acme").await.nobody();
    let page = nobody.get("/docs").await.expect_status(200);
    let policy = page
        .header("content-security-policy")
        .expect("a policy")
        .to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self'"),
        "{policy}"
    );
    assert!(!page.text().contains("//cdn") && !page.text().contains("https://"));
    let script = nobody.get("/docs/page.js").await.expect_status(200);
    assert_eq!(
        script.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert!(!script.text().contains("innerHTML"));
    app.client("nobody.tenantry.test")
        .get("/docs")
        .await
        .expect_status(404);
}
