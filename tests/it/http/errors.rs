//! What an error looks like, and what is told while the database is away.

use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use catalog::memberships::MemberRole::Admin;
use serde_json::{Value, json};
use server::access::Access;
use server::routes::RouteInfo;
use tests::app::{Answer, Ask, PASSWORD, Person};
use tests::{Cluster, TestApp, TestDb};

/// The problem without its request id, which is checked to be there.
fn problem(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let mut problem = answer.json();
    assert_eq!(
        Some(problem["request_id"].as_str().expect("an id")),
        answer.header("x-request-id")
    );
    problem.as_object_mut().expect("an object").remove("request_id");
    problem
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn problems_have_one_shape() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ada = acme.member("ada", Admin).await;
    insta::assert_json_snapshot!(problem(&app.client("nobody.tenantry.test").get("/rest/v1/contacts").await), @r#"
    {
      "code": "not_found",
      "details": null,
      "hint": null,
      "instance": "/rest/v1/contacts",
      "message": "There is nothing here",
      "status": 404,
      "title": "Not Found",
      "type": "about:blank"
    }
    "#);
    insta::assert_json_snapshot!(problem(&acme.nobody().get("/auth/v1/user").await), @r#"
    {
      "code": "PGRST302",
      "details": null,
      "error_code": "no_authorization",
      "hint": null,
      "instance": "/auth/v1/user",
      "message": "This request needs an API key or an access token",
      "msg": "This request needs an API key or an access token",
      "status": 401,
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
    insta::assert_json_snapshot!(problem(&ada.get("/rest/v1/contact").await), @r#"
    {
      "code": "PGRST205",
      "details": null,
      "hint": "Perhaps you meant 'contacts'",
      "instance": "/rest/v1/contact",
      "message": "Could not find the table 'contact' in the schema",
      "status": 404,
      "title": "Not Found",
      "type": "about:blank"
    }
    "#);
    insta::assert_json_snapshot!(problem(&ada.get("/rest/v1/contacts?first_nam=eq.x").await), @r#"
    {
      "code": "42703",
      "details": null,
      "hint": "Perhaps you meant 'first_name'",
      "instance": "/rest/v1/contacts",
      "message": "column contacts.first_nam does not exist",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
    insta::assert_json_snapshot!(problem(&ada.get("/rest/v1/contacts?first_name=x").await), @r#"
    {
      "code": "PGRST100",
      "details": "expected an operator such as 'eq.' at character 1, found 'x'",
      "hint": null,
      "instance": "/rest/v1/contacts",
      "message": "failed to parse first_name (x)",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
    insta::assert_json_snapshot!(problem(&ada.post("/rest/v1/companies", &json!({ "domain": "x" })).await), @r#"
    {
      "code": "23502",
      "details": "The value is for the column 'name'.",
      "errors": [
        {
          "code": "23502",
          "field": "name",
          "message": "null value in column \"name\" of relation \"companies\" violates not-null constraint"
        }
      ],
      "hint": null,
      "instance": "/rest/v1/companies",
      "message": "null value in column \"name\" of relation \"companies\" violates not-null constraint",
      "status": 422,
      "title": "Unprocessable Entity",
      "type": "about:blank"
    }
    "#);
    insta::assert_json_snapshot!(problem(&ada.delete("/rest/v1/members/x").await), @r#"
    {
      "code": "42501",
      "details": null,
      "hint": null,
      "instance": "/rest/v1/members/x",
      "message": "permission denied: this caller may not delete members",
      "status": 403,
      "title": "Forbidden",
      "type": "about:blank"
    }
    "#);
    insta::assert_json_snapshot!(problem(&ada.ask(Method::TRACE, "/rest/v1/contacts").await), @r#"
    {
      "code": "method_not_allowed",
      "details": null,
      "hint": null,
      "instance": "/rest/v1/contacts",
      "message": "This address does not take this method",
      "status": 405,
      "title": "Method Not Allowed",
      "type": "about:blank"
    }
    "#);
}

#[tokio::test]
async fn a_request_id_comes_back_if_it_is_one() {
    let app = TestApp::new().await;
    let acme = app.tenant("acme").await;
    let ann = acme.member("ann", Admin).await;
    for target in [
        "/rest/v1/contacts",
        "/healthz",
        "/no/such/path",
        "/rest/v1/contacts?x=1",
    ] {
        let answer = ann.get(target).header("x-request-id", "req-1_A").await;
        assert_eq!(answer.header("x-request-id"), Some("req-1_A"), "{target}");
    }
    for refused in ["", "a b", "<script>", "a\"b", &"x".repeat(65), "\u{e9}"] {
        let answer = ann.get("/rest/v1/contacts").header("x-request-id", refused).await;
        let id = answer.header("x-request-id").expect("always there").to_owned();
        assert_eq!(id.len(), 36, "{refused:?} gave {id}");
    }
    // The audit columns bear it no further than the transaction: an insert with an odd id works.
    let odd = ann
        .post("/rest/v1/contacts", &json!({ "first_name": "x" }))
        .header("x-request-id", "-_-");
    odd.await.expect_status(201);
}

#[tokio::test]
async fn a_full_server_sheds_requests_but_says_that_it_lives() {
    let app = TestApp::with(|settings| settings.server.concurrency_limit = 0).await;
    for (target, status) in [
        ("/healthz", 200),
        ("/readyz", 503),
        ("/rest/v1/contacts", 503),
        ("/nowhere", 503),
    ] {
        let answer = app.client("acme.tenantry.test").get(target).await;
        assert_eq!(
            (answer.status(), answer.header("retry-after").is_some()),
            (status, status == 503),
            "{target}"
        );
    }
}

#[tokio::test]
async fn a_request_past_its_deadline_is_given_up() {
    let app = TestApp::with(|settings| settings.server.request_deadline = Duration::ZERO).await;
    let acme = app.tenant("acme").await;
    let answer = acme.nobody().get("/rest/v1/contacts").await;
    assert_eq!(
        (answer.status(), answer.code(), answer.header("retry-after")),
        (503, "unavailable".to_owned(), Some("1"))
    );
}

/// A request that would be answered with success.
fn right_request(who: &Person, route: &RouteInfo, id: &str) -> Ask {
    let path = route.path.replace("{object}", "contacts").replace("{id}", id);
    let path = path.replace("{function}", "anything");
    let many =
        matches!(route.method, Method::PUT | Method::PATCH | Method::DELETE) && !route.path.contains("{id}");
    let target = match route.path {
        "/auth/v1/token" => format!("{path}?grant_type=password"),
        _ if many => format!("{path}?id=eq.{id}"),
        _ => path,
    };
    let body = match route.path {
        path if path.starts_with("/rest") => json!({ "first_name": "y" }),
        "/auth/v1/signup" => json!({ "email": "new@example.com", "password": PASSWORD }),
        _ => json!({ "email": who.user.email, "password": PASSWORD }),
    };
    who.ask(route.method.clone(), &target).json(&body)
}

fn tells_no_cause(answer: &Answer, method: &Method) {
    if *method != Method::HEAD {
        let problem = problem(answer);
        let said = (&problem["message"], &problem["details"], &problem["hint"]);
        let message = json!("The service is unavailable for a moment; please try again");
        assert_eq!(said, (&message, &Value::Null, &Value::Null));
    }
}

#[tokio::test]
async fn without_its_database_every_route_says_503_and_then_recovers() {
    let cluster = Cluster::own().await;
    let app = TestApp::on(Arc::new(TestDb::on(Arc::clone(&cluster)).await), |_| {}).await;
    let acme = app.tenant("acme").await;
    let ada = acme.member("ada", Admin).await;
    let contact = ada.post("/rest/v1/contacts", &json!({ "first_name": "x" }));
    let location = contact
        .await
        .expect_status(201)
        .header("location")
        .expect("a place")
        .to_owned();
    ada.get("/readyz").await.expect_status(200);

    cluster.crash().await.expect("killed");
    for round in 0..2 {
        for route in server::routes::table() {
            let id = location.rsplit('.').next().expect("an id");
            let (ask, asked) = (
                right_request(&ada, &route, id),
                format!("{route:?}, round {round}"),
            );
            let answer = ask.await;
            let expected = match (route.access, route.path) {
                (Access::Public, "/readyz") => 503,
                (Access::Public, _) => 200,
                _ => 503,
            };
            assert_eq!(answer.status(), expected, "{asked}: {}", answer.text());
            if expected == 503 {
                assert_eq!(answer.header("retry-after"), Some("1"), "{asked}");
                tells_no_cause(&answer, &route.method);
            }
        }
    }

    cluster.recover().await.expect("started again");
    ada.get("/readyz").await.expect_status(200);
    assert_eq!(
        ada.get(&location).await.expect_status(200).json()[0]["first_name"],
        "x"
    );
    ada.patch("/rest/v1/contacts?first_name=eq.x", &json!({ "phone": "1" }))
        .await
        .expect_status(204);
    acme.sign_in(ada.user.email.as_str(), PASSWORD)
        .await
        .expect_status(200);
}
