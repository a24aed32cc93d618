//! Who may do what: every route by every kind of caller. A route that stands in no row fails the test.

mod table;
mod verbs;

use std::sync::Arc;

use axum::http::Method;
use catalog::access::Action;
use catalog::memberships::MemberRole::{Admin, Member};
use chrono::TimeDelta;
use serde_json::{Value, json};
use server::access::Access;
use tests::app::{AppTenant, Ask, Client, PASSWORD, Person};
use tests::{TestApp, TestDb};

use self::table::{
    MANY, ONE, PURGE, READS, RESTORE, RPC, Row, SIGN_UP, TIMELINE, TOKEN, VERB, WRITES, table,
    table_of_functions,
};

/// The callers, in the order of the table's columns.
const CALLERS: [&str; 13] = [
    "nobody",
    "garbage",
    "member of another tenant",
    "key of another tenant",
    "member",
    "admin",
    "key with the scope",
    "key with another scope",
    "revoked key",
    "expired key",
    "member of a suspended tenant",
    "disabled user",
    "former member",
];

/// The tenants and people of the table.
struct Scene {
    app: TestApp,
    acme: AppTenant,
    ann: Person,
    ada: Person,
    suspended: Person,
    callers: Vec<Option<Client>>,
    made: std::cell::Cell<u32>,
}

impl Scene {
    async fn set() -> Self {
        Box::pin(Self::build(TestApp::new().await, "contacts")).await
    }

    /// With the template that has functions.
    async fn workshop() -> Self {
        let app = TestApp::on(Arc::new(TestDb::workshop().await), |_| {}).await;
        let scene = Box::pin(Self::build(app, "customers")).await;
        let customer = scene.ada.post("/rest/v1/customers", &json!({ "name": "Ann" }));
        customer.await.expect_status(201);
        scene
    }

    /// Everybody who should has read `object` once.
    async fn build(app: TestApp, object: &str) -> Self {
        let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
        let initech = app.tenant("initech").await;
        let (ann, ada) = (acme.member("ann", Member).await, acme.member("ada", Admin).await);
        let stranger = globex.member("bob", Admin).await;
        let foreign_key = globex.key(&["*:*"]).await;
        let revoked = acme.key(&["*:*"]).await;
        let now = app.db().source().now();
        let expired = acme.key_until(&["*:*"], Some(now + TimeDelta::minutes(1))).await;
        let suspended = initech.member("ivy", Member).await;
        let (disabled, former) = (acme.member("dan", Admin).await, acme.member("fay", Admin).await);
        let other_scope = acme.key(&["tags:*"]).await;
        // They were all good once, and the server has seen that they were.
        for client in [&*revoked, &*expired, &*suspended, &*disabled, &*former] {
            let list = client.get(&format!("/rest/v1/{object}"));
            list.await.expect_status(200);
        }
        app.clock().advance(TimeDelta::minutes(1));
        acme.revoke(revoked.key.id).await;
        acme.disable(disabled.user.id).await;
        acme.dismiss(former.membership.id).await;
        initech.set_status("suspended").await;
        let nobody = acme.nobody();
        let callers = vec![
            Some(nobody.clone()),
            Some(nobody.bearer("garbage")),
            Some(stranger.at(&acme.host())),
            Some(foreign_key.at(&acme.host())),
            Some(ann.client()),
            Some(ada.client()),
            // A key of its own for each row.
            None,
            Some(other_scope.client()),
            Some(revoked.client()),
            Some(expired.client()),
            Some(suspended.client()),
            Some(disabled.client()),
            Some(former.client()),
        ];
        Self {
            app,
            acme,
            ann,
            ada,
            suspended,
            callers,
            made: 0.into(),
        }
    }

    fn fresh(&self, word: &str) -> String {
        self.made.set(self.made.get() + 1);
        format!("{word}-{}", self.made.get())
    }

    /// The id of a record that nothing else depends on.
    async fn record(&self, object: &str) -> String {
        let name = self.fresh("record");
        let made = match object {
            "contacts" => self
                .ada
                .post("/rest/v1/contacts?select=id", &json!({ "first_name": name })),
            "pipelines" => self
                .ada
                .post("/rest/v1/pipelines?select=id", &json!({ "name": name })),
            "members" => return self.ann.membership.id.to_string(),
            _ => {
                let row = self
                    .ada
                    .get(&format!("/rest/v1/{object}?select=id&limit=1"))
                    .await
                    .json();
                return row[0]["id"].as_str().expect("a deal was made").to_owned();
            }
        };
        let made = made
            .header("prefer", "return=representation")
            .await
            .expect_status(201)
            .json();
        made[0]["id"].as_str().expect("an id").to_owned()
    }

    /// The request of a row, as it would be right.
    async fn request(&self, client: &Client, (method, path, object, access, _): &Row, caller: &str) -> Ask {
        if object.is_empty() {
            let target = match *path {
                TOKEN => format!("{TOKEN}?grant_type=password"),
                "/auth/v1/logout" => "/auth/v1/logout?scope=others".to_owned(),
                path => path.replace(['{', '}'], ""),
            };
            let ask = client.ask(method.clone(), &target);
            return match *path {
                SIGN_UP => {
                    ask.json(&json!({ "email": self.fresh("new") + "@example.com", "password": PASSWORD }))
                }
                TOKEN => {
                    let member = if caller == CALLERS[10] {
                        &self.suspended
                    } else {
                        &self.ann
                    };
                    ask.json(&json!({ "email": member.user.email, "password": PASSWORD }))
                }
                _ => ask,
            };
        }
        if *path == RPC {
            return call(client, method, object);
        }
        if *object == VERB {
            return verbs::request(self, client, method, path).await;
        }
        let id = self.record(object).await;
        if [RESTORE, PURGE].contains(path) {
            let record = format!("/rest/v1/{object}/{id}");
            if ["contacts", "pipelines"].contains(object) {
                self.ada.delete(&record).await.expect_status(204);
            }
            return client.ask(
                method.clone(),
                &path.replace("{object}", object).replace("{id}", &id),
            );
        }
        let target = match (*path, *access) {
            (TIMELINE, _) => path.replace("{object}", object).replace("{id}", &id),
            (ONE, _) => format!("/rest/v1/{object}/{id}"),
            (_, Access::Replace | Access::Object(Action::Update | Action::Delete)) => {
                format!("/rest/v1/{object}?id=eq.{id}")
            }
            _ => format!("/rest/v1/{object}"),
        };
        let ask = client.ask(method.clone(), &target);
        match *access {
            Access::Object(Action::Insert | Action::Update) => ask.json(&self.body(object)),
            Access::Replace => {
                let mut body = self.body(object);
                body["id"] = json!(id);
                ask.json(&body)
            }
            _ => ask,
        }
    }

    fn body(&self, object: &str) -> Value {
        let name = self.fresh("name");
        match object {
            "contacts" => json!({ "first_name": name }),
            "pipelines" => json!({ "name": name }),
            "members" => json!({ "display_name": name }),
            _ => json!({ "to_stage_name": name }),
        }
    }

    /// Every row by every caller.
    async fn check(&self, rows: Vec<Row>) {
        let mut wrong = Vec::new();
        for row in rows {
            let right_key = self
                .acme
                .key(&scopes(&row).iter().map(String::as_str).collect::<Vec<_>>())
                .await;
            for ((caller, client), expected) in CALLERS.iter().zip(&self.callers).zip(row.4) {
                let client = client.as_ref().unwrap_or(&right_key);
                let ask = self.request(client, &row, caller).await;
                let asked = ask.describe();
                let answer = ask.await;
                if answer.status() != expected {
                    wrong.push(format!(
                        "{asked} by {caller}: {}, not {expected}",
                        answer.status()
                    ));
                }
                let headless = row.0 == Method::HEAD && !answer.text().is_empty();
                let silent =
                    row.0 != Method::HEAD && expected >= 400 && answer.field("request_id").is_empty();
                if headless || silent {
                    wrong.push(format!(
                        "{asked} by {caller}: a body that should not be so: {}",
                        answer.text()
                    ));
                }
            }
        }
        assert!(
            wrong.is_empty(),
            "{} cells are wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }

    async fn deal(&self) {
        let stage = self
            .ada
            .get("/rest/v1/stages?select=id,pipeline_id&position=eq.1")
            .await
            .json();
        let (pipeline, stage) = (&stage[0]["pipeline_id"], &stage[0]["id"]);
        let deal = json!({ "title": "A deal", "pipeline_id": pipeline, "stage_id": stage });
        self.ada.post("/rest/v1/deals", &deal).await.expect_status(201);
    }
}

/// A call as it would be right.
fn call(client: &Client, method: &Method, function: &str) -> Ask {
    let (name, value) = match function {
        READS => ("a", 1),
        WRITES => ("customer", 1),
        _ => ("factor", 2),
    };
    let target = format!("/rest/v1/rpc/{function}");
    if *method == Method::POST {
        client.post(&target, &json!({ name: value }))
    } else {
        client.ask(method.clone(), &format!("{target}?{name}={value}"))
    }
}

/// The scopes that exactly one kind of request needs.
fn scopes((_, path, object, access, _): &Row) -> Vec<String> {
    match access {
        // What a function does decides, not how it is called.
        Access::Function(_) if *object == READS => vec![format!("{object}:read")],
        // A filter reads.
        Access::Object(action @ (Action::Update | Action::Delete)) if *path == MANY => {
            vec![format!("{object}:{action}"), format!("{object}:read")]
        }
        Access::Object(action) | Access::Function(action) => vec![format!("{object}:{action}")],
        Access::Replace => vec![format!("{object}:insert"), format!("{object}:update")],
        Access::Verb(uses) => {
            let scope = |(object, action): &(&str, Action)| format!("{object}:{action}");
            uses.iter().map(scope).collect()
        }
        _ => vec!["*:*".to_owned()],
    }
}

#[test]
fn every_route_stands_in_the_table_with_its_access() {
    let routes = server::routes::table();
    let rows: Vec<Row> = table().into_iter().chain(table_of_functions()).collect();
    let missing = routes.iter().filter(|route| {
        !rows.iter().any(|(method, path, _, access, _)| {
            (method, *path, access) == (&route.method, route.path, &route.access)
        })
    });
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "routes that no row tests: {missing:#?}");
    let stale = rows.iter().filter(|(method, path, ..)| {
        !routes
            .iter()
            .any(|route| (&route.method, route.path) == (method, *path))
    });
    let stale: Vec<_> = stale.map(|row| (&row.0, row.1)).collect();
    assert!(stale.is_empty(), "rows of routes that are gone: {stale:?}");
}

#[tokio::test]
async fn every_caller_gets_what_the_table_says_on_every_route() {
    let scene = Scene::set().await;
    scene.deal().await;
    Box::pin(scene.check(table())).await;
}

#[tokio::test]
async fn every_caller_gets_what_the_table_says_of_functions() {
    let scene = Scene::workshop().await;
    Box::pin(scene.check(table_of_functions())).await;
}

#[tokio::test]
async fn every_scope_opens_what_it_says_and_nothing_else() {
    let scene = Scene::set().await;
    scene.deal().await;
    let mut wrong = Vec::new();
    for object in ["contacts", "pipelines", "members", "deal_stage_history"] {
        let written_by_nobody = matches!(object, "members" | "deal_stage_history");
        for (word, opened) in [
            ("read", [true, false, false, false, false]),
            ("insert", [false, true, false, false, false]),
            ("update", [false, false, true, false, false]),
            ("delete", [false, false, false, true, false]),
            ("purge", [false, false, false, false, true]),
            ("write", [false, true, true, true, false]),
            ("*", [true, true, true, true, false]),
        ] {
            for holder in [object, "*"] {
                let key = scene.acme.key(&[&format!("{holder}:{word}")]).await;
                for (action, opens) in Action::ALL.into_iter().zip(opened) {
                    let id = scene.record(object).await;
                    let one = format!("/rest/v1/{object}/{id}");
                    let (ask, done) = match action {
                        Action::Read => (key.get(&one), 200),
                        Action::Insert => (key.post(&format!("/rest/v1/{object}"), &scene.body(object)), 201),
                        Action::Update => (key.patch(&one, &scene.body(object)), 204),
                        Action::Delete => (key.delete(&one), 204),
                        Action::Purge => {
                            if !written_by_nobody {
                                scene.ada.delete(&one).await.expect_status(204);
                            }
                            (key.ask(Method::POST, &format!("{one}/purge")), 204)
                        }
                    };
                    let opens = opens && (action == Action::Read || !written_by_nobody);
                    let (expected, status) = (if opens { done } else { 403 }, ask.await.status());
                    if status != expected {
                        wrong.push(format!(
                            "{holder}:{word}, {action} {object}: {status}, not {expected}"
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn credentials_are_taken_in_every_way_clients_send_them() {
    let scene = Scene::set().await;
    let (acme, ann) = (&scene.acme, &scene.ann);
    let key = acme.key(&["contacts:read"]).await;
    let other = acme.key(&["contacts:read"]).await;
    let foreign = scene.app.tenant("hooli").await.key(&["*:*"]).await;
    let nobody = acme.nobody();
    let list = |headers: &[(&str, String)]| {
        let ask = nobody.get("/rest/v1/contacts");
        headers
            .iter()
            .fold(ask, |ask, (name, value)| ask.header(name, value))
    };
    let bearer = |credential: &str| ("authorization", format!("Bearer {credential}"));
    let apikey = |credential: &str| ("apikey", credential.to_owned());
    for (headers, expected) in [
        (vec![apikey(&key.secret)], 200),
        (vec![bearer(&key.secret)], 200),
        (vec![("authorization", format!("bEARER   {}", key.secret))], 200),
        (vec![bearer(&key.secret), apikey(&key.secret)], 200),
        (vec![bearer(&ann.token), apikey(&key.secret)], 200),
        (vec![bearer(&ann.token), apikey(&foreign.secret)], 401),
        (vec![bearer(&ann.token), apikey("garbage")], 401),
        (vec![bearer(&other.secret), apikey(&key.secret)], 401),
        (vec![apikey(&ann.token)], 401),
        (vec![bearer(&ann.refresh)], 401),
        (vec![("authorization", format!("Basic {}", key.secret))], 401),
        (vec![("authorization", "Bearer".to_owned())], 401),
        (vec![("authorization", "Bearer ".to_owned())], 401),
        (vec![bearer(&key.secret), bearer(&key.secret)], 400),
        (vec![apikey(&key.secret), apikey(&key.secret)], 400),
        (vec![bearer(&"x".repeat(5000))], 401),
        (vec![apikey("'; drop table contacts; --")], 401),
    ] {
        let said = format!("{headers:?}");
        assert_eq!(list(&headers).await.status(), expected, "{said}");
    }
    let refused = list(&[]).await;
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
}
