//! Pages by cursor and searches, as clients see them.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use tests::app::{Answer, Person};
use tests::{TestApp, TestDb};

use super::{Scene, column};

/// Where an answer says that the next page is.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    let (place, relation) = link.split_once('>').expect("an address in brackets");
    assert_eq!(relation, "; rel=\"next\"");
    Some(
        place
            .strip_prefix('<')
            .expect("an address in brackets")
            .to_owned(),
    )
}

async fn contacts(scene: &Scene, names: &[&str]) {
    for name in names {
        scene.add("contacts", &json!({ "first_name": name })).await;
    }
}

/// The first names on all pages from an address on.
async fn follow(person: &Person, first: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut place = Some(first.to_owned());
    while let Some(target) = place.take() {
        let answer = person.get(&target).await.expect_status(200);
        names.extend(column(&answer.json(), "first_name"));
        place = next(&answer);
        assert!(names.len() < 100, "no end");
    }
    names
}

#[tokio::test]
async fn a_client_follows_the_link() {
    let scene = Scene::set().await;
    contacts(&scene, &["a", "b", "c", "d", "e"]).await;
    for first in [
        "/rest/v1/contacts?select=first_name&order=first_name&limit=2&cursor=",
        "/rest/v1/contacts?cursor=&select=first_name&order=first_name&limit=2",
        "/rest/v1/contacts?select=first_name&order=first_name&%63ursor&limit=2",
        "/rest/v1/contacts?select=first_name&order=first_name&limit=5&cursor=",
        // What an address may not hold in brackets is escaped in the link.
        "/rest/v1/contacts?select=first_name&order=first_name&limit=2&cursor=&first_name=neq.{|[]}",
        "/rest/v1/contacts?select=first_name&order=first_name&limit=2&cursor=&or=(first_name.eq.%3E,first_name.neq.%26%2B%C3%A9+)",
    ] {
        assert_eq!(follow(&scene.ada, first).await.concat(), "abcde", "{first}");
    }
    let target = "/rest/v1/contacts?select=first_name&order=first_name.desc&limit=2&cursor=";
    let first = scene.ada.get(target).await;
    let head = scene.ada.ask(Method::HEAD, target).await.expect_status(200);
    assert_eq!((head.text(), next(&head)), ("", next(&first)));
    let csv = scene
        .ada
        .get(target)
        .header("accept", "text/csv")
        .await
        .expect_status(200);
    assert_eq!((csv.text(), next(&csv)), ("first_name\ne\nd", next(&first)));
}

#[tokio::test]
async fn those_who_do_not_ask_see_no_difference() {
    let scene = Scene::set().await;
    contacts(&scene, &["a", "b"]).await;
    for query in [
        "",
        "limit=1",
        "order=first_name&limit=1",
        "limit=1&offset=1",
        "q=a&limit=1",
    ] {
        let answer = scene
            .ada
            .get(&format!("/rest/v1/contacts?{query}"))
            .await
            .expect_status(200);
        assert_eq!(answer.header("link"), None, "{query}");
    }
}

#[tokio::test]
async fn another_instance_continues_what_one_began() {
    let database = Arc::new(TestDb::new().await);
    let app = TestApp::on(Arc::clone(&database), |_| {}).await;
    let acme = app.tenant("acme").await;
    let ada = acme.member("ada", catalog::memberships::MemberRole::Admin).await;
    for name in ["a", "b"] {
        ada.post("/rest/v1/contacts", &json!({ "first_name": name }))
            .await
            .expect_status(201);
    }
    let first = ada
        .get("/rest/v1/contacts?select=first_name&order=first_name&limit=1&cursor=")
        .await;
    let place = next(&first).expect("a next page");
    let other = TestApp::on(database, |_| {}).await;
    let second = ada.through(&other).get(&place).await.expect_status(200);
    assert_eq!(second.json(), json!([{ "first_name": "b" }]));
}

#[tokio::test]
async fn a_cursor_that_does_not_fit_is_a_problem_with_its_own_code() {
    let scene = Scene::set().await;
    contacts(&scene, &["a", "b"]).await;
    let globex = scene.app.tenant("globex").await;
    let bob = globex
        .member("bob", catalog::memberships::MemberRole::Admin)
        .await;
    let target = "/rest/v1/contacts?order=first_name&limit=1&cursor=";
    let place = next(&scene.ada.get(target).await).expect("a next page");
    let problem = |answer: Answer| {
        let body: Value = answer.expect_status(400).json();
        assert!(body["hint"].is_string(), "{body}");
        body["code"].as_str().expect("a code").to_owned()
    };
    assert_eq!(
        problem(bob.get(&place).await),
        "cursor_invalid",
        "another tenant's"
    );
    assert_eq!(
        problem(scene.ada.get(&place[..place.len() - 2]).await),
        "cursor_invalid"
    );
    assert_eq!(
        problem(scene.ada.get(&format!("{place}&q=a")).await),
        "cursor_mismatch"
    );
    let other = place
        .replace("contacts", "companies")
        .replace("first_name", "name");
    assert_eq!(problem(scene.ada.get(&other).await), "cursor_mismatch");
    assert_eq!(
        problem(scene.ada.get(&format!("{place}&offset=1")).await),
        "cursor_unsupported"
    );
    let ranged = scene.ada.get(&place).header("range", "0-9").await;
    assert_eq!(problem(ranged), "cursor_unsupported");
    for (method, target) in [
        (
            Method::GET,
            "/rest/v1/contacts/00000000-0000-7000-8000-000000000000?cursor=",
        ),
        (
            Method::GET,
            "/rest/v1/contacts/00000000-0000-7000-8000-000000000000?q=a",
        ),
        (Method::DELETE, "/rest/v1/contacts?first_name=eq.a&cursor="),
        (Method::DELETE, "/rest/v1/contacts?q=a"),
    ] {
        let answer = scene.ada.ask(method, target).await;
        assert_eq!(
            (answer.status(), answer.code()),
            (400, "PGRST100".to_owned()),
            "{target}"
        );
    }
    assert_eq!(
        column(&scene.list("contacts?order=first_name").await, "first_name").concat(),
        "ab"
    );
}

#[tokio::test]
async fn a_search_field_finds_people() {
    let scene = Scene::set().await;
    let person = json!({ "first_name": "Anna", "last_name": "Müller" });
    scene.add("contacts", &person).await;
    contacts(&scene, &["Bob"]).await;
    for words in ["ann+m%C3%BCl", "anna%20mulller"] {
        let found = scene.list(&format!("contacts?select=full_name&q={words}")).await;
        assert_eq!(found, json!([{ "full_name": "Anna Müller" }]), "{words}");
    }
    let answer = scene.ada.get("/rest/v1/members?q=ada").await;
    assert_eq!(
        (answer.status(), answer.code()),
        (400, "search_unsupported".to_owned())
    );
}
