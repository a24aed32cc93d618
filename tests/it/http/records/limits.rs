//! What one request may ask for, and how it is told that it asked for too much.

use serde_json::json;

use super::{Scene, id};

#[tokio::test]
async fn what_asks_for_too_much_is_refused_by_the_bound_it_breaks() {
    let scene = Scene::set().await;
    let repeated = |count: usize, item: &str, by: &str| vec![item; count].join(by);
    for (query, status, code, says) in [
        (
            "select=a:email,b:email,c:email".to_owned(),
            400,
            "PGRST100",
            "'email' more than 2",
        ),
        (
            format!("select={}", repeated(101, "id", ",")),
            400,
            "PGRST100",
            "100 items",
        ),
        (
            repeated(101, "email=neq.x", "&"),
            400,
            "PGRST100",
            "100 conditions",
        ),
        (
            format!("order={}", repeated(17, "id", ",")),
            400,
            "PGRST100",
            "16 items",
        ),
        (
            format!("email=in.({})", repeated(1001, "x", ",")),
            400,
            "PGRST100",
            "1000 values",
        ),
        (
            format!("email=eq.{}", "x".repeat(16_384)),
            414,
            "query_too_long",
            "16384 bytes",
        ),
        (nested_tests(), 400, "PGRST100", "131072 bytes"),
        (
            "select=id,companies(contacts(deals(id)))&companies.contacts.limit=500\
             &companies.contacts.deals.limit=500"
                .to_owned(),
            400,
            "PGRST100",
            "100000 records",
        ),
    ] {
        let answer = scene.ada.get(&format!("/rest/v1/contacts?{query}")).await;
        let problem = answer.expect_status(status).json();
        assert_eq!(problem["code"], code);
        let message = problem["message"].as_str().expect("a message");
        assert!(message.contains(says), "{message}");
        assert!(problem["hint"].is_string(), "{problem}");
    }
    let objects = vec![json!({}); 10_001];
    let answer = scene.ada.post("/rest/v1/contacts", &json!(objects)).await;
    assert_eq!(answer.expect_status(413).json()["code"], "too_many_objects");
}

/// Embedded objects eight deep, with conditions at each step on whether they are there.
fn nested_tests() -> String {
    let select = ["contacts", "companies"]
        .repeat(4)
        .iter()
        .fold("id".to_owned(), |within, object| {
            format!("id,a:{object}({within})")
        });
    let tests = (0..8).map(|depth| format!("&{}or=(a.is.null,a.not.is.null)", "a.".repeat(depth)).repeat(6));
    format!("select={select}{}", tests.collect::<String>())
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_sent_and_its_write_does_not_happen() {
    let scene = Scene::set().await;
    // Ten notes of 900 kB, each twice in the answer: 18 MB.
    let note = json!({ "content": "x".repeat(900_000) });
    for _ in 0..10 {
        scene.ada.post("/rest/v1/notes", &note).await.expect_status(201);
    }
    let twice = "select=content,again:content";
    let refused = scene.ada.get(&format!("/rest/v1/notes?{twice}")).await;
    let problem = refused.expect_status(413).json();
    assert_eq!(problem["code"], "answer_too_large");
    assert_eq!(
        problem["hint"],
        "Ask for fewer records with limit, or for fewer columns with select"
    );
    let fits = scene.list(&format!("notes?{twice}&limit=9")).await;
    assert_eq!(fits.as_array().map(Vec::len), Some(9));

    let pin = format!("/rest/v1/notes?pinned=is.false&{twice}");
    let refused = scene
        .ada
        .patch(&pin, &json!({ "pinned": true }))
        .header("prefer", "return=representation")
        .await;
    assert_eq!(refused.expect_status(413).json()["code"], "answer_too_large");
    assert_eq!(
        scene.list("notes?pinned=is.true&select=id").await,
        json!([]),
        "it was undone"
    );
}

#[tokio::test]
async fn one_record_with_too_much_in_it_is_not_sent() {
    let scene = Scene::set().await;
    let company = scene.add("companies", &json!({ "name": "Initech" })).await;
    for _ in 0..10 {
        let note = json!({ "content": "x".repeat(900_000) });
        let note = scene.add("notes", &note).await;
        let target = json!({ "note_id": id(&note), "company_id": id(&company) });
        scene.add("note_targets", &target).await;
    }
    let path = format!(
        "/rest/v1/companies/{}?select=note_targets(notes(content,again:content))",
        id(&company)
    );
    let refused = scene.ada.get(&path).await;
    assert_eq!(refused.expect_status(413).json()["code"], "answer_too_large");
    let fits = scene.ada.get(&format!("{path}&note_targets.limit=9")).await;
    let fits = fits.expect_status(200).json();
    assert_eq!(fits["note_targets"].as_array().map(Vec::len), Some(9));
    let missing = path.replace(id(&company), "01890a5d-ac96-774b-bcce-b302099a8057");
    scene.ada.get(&missing).await.expect_status(404);
}
