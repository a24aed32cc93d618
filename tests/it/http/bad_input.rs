//! No input is an internal error: every nasty text in every place, and random ones.

mod bodies;
mod calls;
mod headers;
mod literals;
mod nasty;
mod sizes;

use axum::http::Method;
use catalog::memberships::MemberRole::Admin;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use server::config::AttemptLimits;
use tests::TestApp;
use tests::app::{Answer, AppTenant, Ask, Person};

use self::nasty::{TEXTS, encoded};

struct Scene {
    acme: AppTenant,
    ada: Person,
}

impl Scene {
    async fn set() -> Self {
        // Hundreds of attempts at signing in are part of it.
        let app = TestApp::with(|settings| settings.server.attempts = AttemptLimits::UNLIMITED).await;
        let acme = app.tenant("acme").await;
        let ada = acme.member("ada", Admin).await;
        Self { acme, ada }
    }
}

/// Sends requests and keeps what should not have come back.
#[derive(Default)]
struct Trial {
    asked: usize,
    wrong: Vec<String>,
}

impl Trial {
    async fn put(&mut self, ask: Ask) -> Answer {
        let (asked, is_head) = (ask.describe(), ask.is_head());
        let answer = ask.await;
        self.asked += 1;
        if let Some(why) = fault(&answer, is_head) {
            let text: String = answer.text().chars().take(300).collect();
            self.wrong.push(format!("{asked}: {why}: {text}"));
        }
        answer
    }

    fn end(self, at_least: usize) {
        assert!(self.asked >= at_least, "only {} requests were tried", self.asked);
        let shown: Vec<_> = self.wrong.iter().take(40).map(String::as_str).collect();
        assert!(
            shown.is_empty(),
            "{} of {}:\n{}",
            self.wrong.len(),
            self.asked,
            shown.join("\n")
        );
    }
}

/// What is wrong with an answer, whatever was asked: a status of ours, or an error that is no problem document.
fn fault(answer: &Answer, is_head: bool) -> Option<&'static str> {
    if answer.status() >= 500 {
        return Some("our fault");
    }
    if answer.status() < 400 {
        return None;
    }
    if answer.header("content-type") != Some("application/problem+json") {
        return Some("no problem document");
    }
    if is_head {
        return None;
    }
    let problem = answer.json();
    let missing = ["code", "message", "request_id", "title", "instance"];
    let missing = missing
        .iter()
        .any(|name| problem[*name].as_str().is_none_or(str::is_empty));
    let contradiction = problem["status"] != answer.status();
    (missing || contradiction).then_some("a member is missing or wrong")
}

/// Places in a query string; `{}` is the text.
const QUERIES: &[&str] = &[
    "contacts?{}",
    "contacts?{}=eq.x",
    "contacts?first_name={}",
    "contacts?first_name=eq.{}",
    "contacts?first_name=in.({})",
    "contacts?first_name=in.(a,{})",
    "contacts?first_name=is.{}",
    "contacts?first_name=not.{}",
    "contacts?first_name={}.x",
    "contacts?email=gt.{}",
    "contacts?id=eq.{}",
    "contacts?id=in.({})",
    "contacts?company_id=neq.{}",
    "contacts?created_at=gte.{}",
    "contacts?tag_ids=eq.{}",
    "contacts?version=lt.{}",
    "companies?address=eq.{}",
    "pipelines?currency=eq.{}",
    "pipelines?is_default=eq.{}",
    "pipelines?position=eq.{}",
    "activities?is_completed=is.{}",
    "stages?probability=gt.{}",
    "deals?value=gt.{}",
    "deals?expected_close_date=eq.{}",
    "deals?position=lt.{}",
    "contacts?select={}",
    "contacts?select=id,{}",
    "contacts?select={}:id",
    "contacts?order={}",
    "contacts?order=id.{}",
    "contacts?limit={}",
    "contacts?offset={}",
    "contacts?and={}",
    "contacts?or=({})",
    "contacts?or=(first_name.eq.{},id.is.null)",
    "contacts?not.and=(id.{})",
    "contacts/{}",
    "deals/{}?select=id",
    "{}",
    "{}/x",
    "{}?select=id",
];

#[tokio::test]
async fn every_nasty_text_in_every_place_of_a_query() {
    let scene = Scene::set().await;
    let mut trial = Trial::default();
    for place in QUERIES {
        for text in TEXTS {
            let target = format!("/rest/v1/{}", place.replace("{}", &encoded(text)));
            trial.put(scene.ada.get(&target)).await;
        }
    }
    for place in [
        "contacts?id=eq.{}",
        "contacts?first_name=eq.{}",
        "contacts?{}=eq.x",
        "contacts/{}",
        "{}?id=eq.x",
    ] {
        for text in TEXTS {
            let target = format!("/rest/v1/{}", place.replace("{}", &encoded(text)));
            trial.put(scene.ada.delete(&target)).await;
            trial
                .put(scene.ada.patch(&target, &serde_json::json!({ "phone": "1" })))
                .await;
            trial.put(scene.ada.ask(Method::HEAD, &target)).await;
        }
    }
    trial.end(1500);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
async fn queries_that_are_hardly_queries() {
    let scene = Scene::set().await;
    let mut trial = Trial::default();
    let long = |text: &str, n| text.repeat(n);
    let mut queries: Vec<String> = [
        "%",
        "%%",
        "%2",
        "%zz",
        "%ff",
        "%c3%28",
        "%00",
        "a=%00",
        "%00=a",
        "&&&&",
        "====",
        "=",
        "?",
        "??x=1",
        "+",
        "+=+",
        "id=eq.x&id=eq.y&id=eq.z",
        "select=id&select=id",
        "limit=1&limit=1",
        "select=*,*,*",
        "select=id,id",
        "select=a:id,a:email",
        "select=id::text",
        "select=company:companies(name)",
        "select=count()",
        "select=address->city",
        "select=\"id\"",
        "select=\"\"",
        "select=\"id",
        "select=id,,email",
        "order=id.asc.asc",
        "order=id.nullsfirst.desc",
        "first_name=fts.x",
        "first_name=like.*",
        "first_name=match.(",
        "tag_ids=cs.{a}",
        "first_name=eq",
        "first_name=.",
        "first_name=eq(any).{a}",
        "or=()",
        "or=(",
        "or=)",
        "or=(,)",
        "or=(id)",
        "or=(id.eq)",
        "and=(or(and(or(id.eq.x))))",
        "on_conflict=id",
        "columns=id",
        "apikey=x",
        "search=eq.x",
        "search=is.null",
        "deleted_at=eq.x",
        "constructor=eq.x",
        "__proto__=eq.x",
        "ctid=eq.(0,0)",
        "xmin=eq.1",
        "tableoid=eq.1",
        "id=eq.x%0d%0aset-cookie:a=b",
        "'=eq.1",
        "\"=eq.1",
    ]
    .map(str::to_owned)
    .into();
    queries.extend([
        format!("first_name=eq.{}", long("a", 60_000)),
        format!("id=in.({}x)", long("x,", 20_000)),
        format!("version=in.({}1)", long("1,", 25_000)),
        format!("version=eq.{}", long("9", 60_000)),
        format!("and={}id.eq.x{}", long("(and", 5_000), long(")", 5_000)),
        format!("or=({}id.is.null)", long("id.is.null,", 5_000)),
        format!("or=({}version.eq.1)", long("version.eq.1,", 4_000)),
        long("id=is.null&", 5_000),
        long("first_name=eq.a&", 3_900),
        long("&", 60_000),
        long("%2525", 10_000),
        format!("select={}id", long("id,", 15_000)),
        format!("select={}:id", long("a", 64)),
        format!("select={}:id", long("%C3%A4", 32)),
        format!(
            "select={}",
            (0..3_000)
                .map(|n| format!("a{n}:id"))
                .collect::<Vec<_>>()
                .join(",")
        ),
        format!("order={}id", long("id.desc,", 5_000)),
        format!("first_name=not.{}eq.a", long("not.", 5_000)),
    ]);
    for query in &queries {
        // The rest of these texts can stand in a request line as it is.
        let query = query.replace('"', "%22").replace('>', "%3E");
        trial
            .put(scene.ada.get(&format!("/rest/v1/contacts?{query}")))
            .await;
        trial
            .put(scene.ada.delete(&format!("/rest/v1/contacts?id=is.null&{query}")))
            .await;
    }
    trial.end(130);
}

/// Paths that no client writes by accident.
const PATHS: &[&str] = &[
    "/",
    "//",
    "/rest",
    "/rest/",
    "/rest/v1",
    "/rest/v1/",
    "/rest/v1//",
    "/rest/v1//x",
    "/rest/v1/contacts/",
    "/rest/v1/contacts/a/b",
    "/rest/v1/contacts/..",
    "/rest/v1/contacts/x/restore",
    "/rest/v1/contacts/%00/restore?deleted=%ff",
    "/rest/v1/contacts/%ff/restore",
    "/rest/v1/contacts/00000000-0000-7000-8000-000000000000/purge?select=nothing(*)",
    "/rest/v1/contact_tags/x/purge",
    "/rest/v1/nothing/x/restore",
    "/rest/v1/contacts//purge",
    "/rest/v1/rpc/x/restore",
    "/rest/v1/contacts?deleted=%00",
    "/rest/v1/contacts?deleted=only&deleted",
    "/rest/v1/../../etc/passwd",
    "/rest/v1/%2e%2e/%2e%2e",
    "/rest/v1/contacts%2f",
    "/rest/v1/contacts%00",
    "/rest/v1/%ff",
    "/rest/v1/%ff/%fe",
    "/rest/v1/contacts/%ff",
    "/rest/v1/%",
    "/rest/v1/%zz",
    "/rest/v1/contacts;x=1",
    "/rest/v1/*",
    "/rest/v2/contacts",
    "/REST/V1/contacts",
    "/auth/v1",
    "/auth/v1/",
    "/auth/v1/token/",
    "/auth/v1/token?grant_type=%ff",
    "/auth/v1/token?grant_type=a&grant_type=b",
    "/auth/v1/token?grant_type",
    "/auth/v1/logout?scope=%00",
    "/auth/v1/user?%ff",
    "/.well-known/../auth/v1/user",
    "/.well-known/jwks.json/x",
    "/healthz/",
    "/healthz?%ff",
    "/metrics",
    "/favicon.ico",
    "*",
];

#[tokio::test]
async fn every_path_and_method() {
    let scene = Scene::set().await;
    let mut trial = Trial::default();
    let odd = ["TRACE", "CONNECT", "PURGE", "PROPFIND", "get", "M-SEARCH"];
    let odd = odd.map(|method| Method::from_bytes(method.as_bytes()).expect("a token"));
    let usual = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    for path in PATHS {
        for method in usual.iter().chain(&odd) {
            trial.put(scene.ada.ask(method.clone(), path)).await;
            trial
                .put(
                    scene
                        .acme
                        .nobody()
                        .ask(method.clone(), path)
                        .header("content-type", "application/json"),
                )
                .await;
        }
    }
    trial.end(900);
}

#[test]
fn random_requests_are_never_our_fault() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let scene = runtime.block_on(Scene::set());
    let seed = [7; 32];
    let rng = proptest::test_runner::TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(
        Config {
            failure_persistence: None,
            ..Config::with_cases(256)
        },
        rng,
    );
    let name =
        "(select|order|limit|offset|and|or|not\\.or|id|first_name|version|created_at|tag_ids|\\PC{0,6})";
    let value = "((not\\.)?(eq|gt|lte|in|is|neq)\\.)?[-a-z0-9.,:(){}\"'\\\\*\\PC]{0,30}";
    let pairs = prop::collection::vec((name, value), 0..4);
    let body = prop_oneof![
        "\\PC{0,60}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..60),
        "[\\[{\"a-z:,0-9}\\] ]{0,60}".prop_map(String::into_bytes),
        (
            "(first_name|email|company_id|tag_ids|created_at|status|version)",
            "(\"\\PC{0,20}\"|-?[0-9]{1,40}(e[0-9]{1,4})?|\\[\\]|\\{\\}|null)"
        )
            .prop_map(|(name, value)| format!("{{\"{name}\":{value}}}").into_bytes()),
    ];
    let tested = runner.run(&(pairs, body), |(pairs, body)| {
        let pairs = pairs
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
        let query = pairs.collect::<Vec<_>>().join("&");
        let target = format!("/rest/v1/contacts?{query}");
        runtime.block_on(async {
            for method in [
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ] {
                let ask = scene
                    .ada
                    .ask(method, &target)
                    .header("content-type", "application/json")
                    .body(body.clone());
                let answer = ask.await;
                prop_assert!(
                    fault(&answer, false).is_none(),
                    "{} {}",
                    answer.status(),
                    answer.text()
                );
            }
            Ok(())
        })
    });
    if let Err(failure) = tested {
        panic!("{failure}");
    }
}
