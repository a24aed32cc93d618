//! Exports: all of a list, streamed, with clients that are slow, gone or never there.

mod broken;
mod sockets;

use axum::body::Body;
use axum::http::Response;
use catalog::memberships::MemberRole::Admin;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tests::app::AppTenant;

use super::scene::Scene;

const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv;rows=all";

/// The sessions of exports, in a transaction.
const EXPORTING: &str = "from pg_stat_activity where datname = current_database() and xact_start is not null \
                         and application_name = 'tenantry export'";

impl Scene {
    /// So many notes, made by the owner of the database; `content` is an expression of `n`.
    async fn notes(&self, tenant: &AppTenant, count: u32, content: &str) {
        let schema = &tenant.tenant.schema;
        let sql = format!(
            "insert into {schema}.notes (content) select {content} from generate_series(1, {count}) as n"
        );
        let owner = self.app.db().as_owner().await;
        owner.batch_execute(&sql).await.expect("notes");
    }

    /// Begins an export.
    async fn export(&self, accept: &str, list: &str) -> Response<Body> {
        let ask = self.ada.get(&format!("/rest/v1/{list}"));
        ask.header("accept", accept).respond().await
    }

    /// How many transactions of exports are open.
    async fn transactions(&self) -> i64 {
        let sql = &format!("select count(*) {EXPORTING}");
        let watcher = self.app.db().as_superuser().await;
        watcher.query_one(sql, &[]).await.expect("a count").get(0)
    }

    /// When all exports have ended, nothing of them runs, and another one works.
    async fn leaves_nothing(&self) {
        self.app.tenants().exports().ended().await;
        assert_eq!(self.transactions().await, 0);
        let again = self.export(NDJSON, "notes?select=id&limit=1500").await;
        assert_eq!(text(again).await.lines().count(), 1500);
    }
}

async fn text(response: Response<Body>) -> String {
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.expect("a whole body");
    String::from_utf8(body.to_bytes().to_vec()).expect("UTF-8")
}

fn records(text: &str) -> Vec<Value> {
    let record = |line| serde_json::from_str(line).expect("a line is a record");
    text.lines().map(record).collect()
}

#[tokio::test]
async fn two_tenants_export_all_they_have_at_once() {
    let scene = Scene::set().await;
    let globex = scene.app.tenant("globex").await;
    let gita = globex.member("gita", Admin).await;
    scene.notes(&scene.acme, 50_000, "'acme ' || n").await;
    scene.notes(&globex, 50_000, "'globex ' || n").await;
    let list = "/rest/v1/notes?select=content&order=created_at,id";
    let of_gita = async {
        let response = gita.get(list).header("accept", NDJSON).respond().await;
        text(response).await
    };
    let of_ada = async { text(scene.export(NDJSON, &list["/rest/v1/".len()..]).await).await };
    let (of_ada, of_gita) = tokio::join!(of_ada, of_gita);
    for (text, name) in [(of_ada, "acme"), (of_gita, "globex")] {
        let contents: Vec<_> = records(&text)
            .iter()
            .map(|record| record["content"].as_str().expect("a text").to_owned())
            .collect();
        assert_eq!(contents.len(), 50_000);
        assert!(contents.iter().all(|content| content.starts_with(name)));
    }
    scene.leaves_nothing().await;
}

#[tokio::test]
async fn an_export_is_the_list_without_its_bound() {
    let scene = Scene::set().await;
    let company = json!({ "name": "Initech, \"the\" best\nof all" });
    let company = scene
        .ada
        .post("/rest/v1/companies", &company)
        .header("prefer", "return=representation");
    let company = company.await.expect_status(201).json()[0]["id"].clone();
    let people: Vec<_> = (0..1200)
        .map(|n| json!({ "first_name": format!("P{n:04}"), "company_id": company }))
        .collect();
    scene
        .ada
        .post("/rest/v1/contacts", &json!(people))
        .await
        .expect_status(201);

    let query = "contacts?select=first_name,company:companies(name,contacts(first_name))&first_name=gte.P0003\
                 &order=first_name.desc&company.contacts.limit=2&company.contacts.order=first_name";
    let all = records(&text(scene.export("application/ndjson", query).await).await);
    assert_eq!(all.len(), 1197);
    let list = scene
        .ada
        .get(&format!("/rest/v1/{query}"))
        .await
        .expect_status(200)
        .json();
    assert_eq!(all[..1000], list.as_array().expect("a list")[..]);
    let middle = scene
        .export(
            NDJSON,
            "contacts?select=first_name&order=first_name&limit=1100&offset=5",
        )
        .await;
    let middle = records(&text(middle).await);
    assert_eq!((middle.len(), &middle[0]["first_name"]), (1100, &json!("P0005")));
    let none = scene.export(NDJSON, "contacts?first_name=eq.nobody").await;
    assert_eq!(text(none).await, "");
    let counted = scene.export(NDJSON, "contacts?select=count()").await;
    assert_eq!(text(counted).await, "{\"count\":1200}\n");
}

#[tokio::test]
async fn a_table_for_a_spreadsheet_has_a_header_and_nothing_is_changed_in_it() {
    let scene = Scene::set().await;
    for content in ["=1+1", "a, \"b\"\nc", "plain"] {
        let note = json!({ "content": content });
        scene.ada.post("/rest/v1/notes", &note).await.expect_status(201);
    }
    let response = scene
        .export(
            CSV,
            "notes?select=content,%22my%20owner%22:owner_id&order=content.desc",
        )
        .await;
    let header = |name: &str| response.headers()[name].to_str().expect("ASCII").to_owned();
    assert_eq!(header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(
        header("content-disposition"),
        "attachment; filename=\"notes.csv\""
    );
    assert!(!response.headers().contains_key("content-range"));
    assert_eq!(
        text(response).await,
        "content,my owner\r\nplain,\r\n\"a, \"\"b\"\"\nc\",\r\n=1+1,\r\n"
    );
    let empty = scene.export(CSV, "notes?select=id&content=eq.none").await;
    assert_eq!(text(empty).await, "id\r\n");
    let page = scene
        .export("text/csv", "notes?select=content&order=content&limit=1")
        .await;
    assert_eq!(text(page).await, "content\n=1+1", "a page stays as it was");
}

#[tokio::test]
async fn what_cannot_be_exported_is_refused_with_a_status() {
    let scene = Scene::set().await;
    for (accept, list, status, code) in [
        (NDJSON, "notes?pinned=eq.perhaps", 400, "22P02"),
        (CSV, "notes?nothing=eq.1", 400, "42703"),
        (NDJSON, "nothing", 404, "PGRST205"),
        (
            NDJSON,
            "notes/01890a5d-ac96-774b-bcce-b302099a8057",
            406,
            "PGRST107",
        ),
        (NDJSON, "notes?select=content::integer", 400, "22P02"),
    ] {
        scene
            .ada
            .post("/rest/v1/notes", &json!({ "content": "x" }))
            .await
            .expect_status(201);
        let ask = scene
            .ada
            .get(&format!("/rest/v1/{list}"))
            .header("accept", accept);
        let problem = ask.await.expect_status(status);
        assert_eq!(problem.code(), code, "{list}");
        assert_eq!(problem.header("content-type"), Some("application/problem+json"));
        assert_eq!(problem.header("content-disposition"), None);
    }
    let head = scene.ada.ask(axum::http::Method::HEAD, "/rest/v1/notes");
    let head = head.header("accept", NDJSON).await.expect_status(200);
    assert_eq!(
        head.header("content-type"),
        Some("application/x-ndjson; charset=utf-8")
    );
    let key = scene.acme.key(&["companies:read"]).await;
    let refused = key.get("/rest/v1/notes").header("accept", NDJSON).await;
    assert_eq!(refused.expect_status(403).code(), "42501");
    scene.app.tenants().exports().ended().await;
}

#[tokio::test]
async fn an_export_takes_what_a_list_takes() {
    let scene = Scene::set().await;
    let ada = &scene.ada;
    for name in ["Initech", "Globex"] {
        let company = json!({ "name": name });
        ada.post("/rest/v1/companies", &company).await.expect_status(201);
    }
    let exported = async |query: &str| {
        let response = scene
            .export(NDJSON, &format!("companies?select=name&{query}"))
            .await;
        let names = records(&text(response).await);
        let names: Vec<_> = names
            .iter()
            .map(|record| record["name"].as_str().expect("a name").to_owned())
            .collect();
        names
    };
    assert_eq!(exported("q=initech").await, ["Initech"]);
    ada.delete("/rest/v1/companies?name=eq.Globex")
        .await
        .expect_status(204);
    assert_eq!(exported("deleted=only").await, ["Globex"]);
    assert_eq!(
        exported("deleted=include&order=name").await,
        ["Globex", "Initech"]
    );
    assert_eq!(exported("order=name").await, ["Initech"]);
    scene.app.tenants().exports().ended().await;
}

#[tokio::test]
async fn an_export_says_what_it_does_not_take() {
    let scene = Scene::set().await;
    let ada = &scene.ada;
    let company = json!({ "name": "Initech" });
    ada.post("/rest/v1/companies", &company).await.expect_status(201);
    let ask = |header: &str, value: &str| {
        let ask = ada.get("/rest/v1/companies?select=created_at");
        ask.header("accept", NDJSON).header(header, value)
    };
    let zoned = ask("prefer", "timezone=Asia/Tokyo, count=exact")
        .await
        .expect_status(200);
    assert_eq!(zoned.header("preference-applied"), Some("timezone=Asia/Tokyo"));
    assert!(zoned.field("created_at").ends_with("+09:00"), "{}", zoned.text());
    for (header, value, code, told) in [
        ("range", "0-0", "bad_header", "Range"),
        ("if-none-match", "\"1\"", "condition_unsupported", "If-None-Match"),
        ("prefer", "handling=strict, count=exact", "PGRST122", "handling"),
        (
            "prefer",
            "handling=strict, timezone=Nowhere",
            "PGRST122",
            "handling",
        ),
    ] {
        let refused = ask(header, value).await.expect_status(400);
        assert_eq!(refused.code(), code, "{header}: {value}");
        assert!(refused.field("message").contains(told), "{}", refused.text());
    }
    let strict = ask("prefer", "handling=strict, return=minimal")
        .await
        .expect_status(200);
    assert_eq!(strict.header("preference-applied"), Some("handling=strict"));
    let paged = ada.get("/rest/v1/companies?cursor=").header("accept", NDJSON);
    assert_eq!(paged.await.expect_status(400).code(), "PGRST100");
    scene.app.tenants().exports().ended().await;
}
