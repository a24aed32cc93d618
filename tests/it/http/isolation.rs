//! One tenant never sees, changes or learns of another, whoever asks and however.

mod one_connection;

use axum::http::Method;
use catalog::changes::Change;
use catalog::memberships::MemberRole::{Admin, Member};
use serde_json::{Value, json};
use tests::TestApp;
use tests::app::{Answer, AppTenant, BASE, Client, PASSWORD, Person};
use tests::tenant::OBJECTS;

/// Stands in every text of acme's.
const MARK: &str = "only-acme-knows";

/// An id nothing has.
const NO_ID: &str = "00000000-0000-7000-8000-000000000000";

/// Acme with a record in every object, and globex beside it.
struct Scene {
    app: TestApp,
    acme: AppTenant,
    globex: AppTenant,
    ann: Person,
    bob: Person,
    /// Ids of acme's records, by object.
    ids: Vec<(&'static str, String)>,
}

impl Scene {
    async fn set() -> Self {
        let app = TestApp::new().await;
        let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
        let (ann, bob) = (acme.member("ann", Admin).await, globex.member("bob", Admin).await);
        let stage = ann
            .get("/rest/v1/stages?select=id,pipeline_id&position=eq.1")
            .await
            .json();
        let company = make(&ann, "companies", json!({ "name": MARK })).await;
        let contact = make(
            &ann,
            "contacts",
            json!({ "first_name": MARK, "company_id": company }),
        )
        .await;
        let (pipeline, stage) = (&stage[0]["pipeline_id"], &stage[0]["id"]);
        let deal =
            json!({ "title": MARK, "pipeline_id": pipeline, "stage_id": stage, "contact_id": contact });
        let deal = make(&ann, "deals", deal).await;
        let tag = make(&ann, "tags", json!({ "name": MARK })).await;
        let note = make(&ann, "notes", json!({ "content": MARK })).await;
        for (link, column, id) in [
            ("contact_tags", "contact_id", &contact),
            ("company_tags", "company_id", &company),
            ("deal_tags", "deal_id", &deal),
        ] {
            let body = json!({ column: id, "tag_id": tag });
            ann.post(&format!("/rest/v1/{link}"), &body)
                .await
                .expect_status(201);
        }
        make(&ann, "note_targets", json!({ "note_id": note, "deal_id": deal })).await;
        let activity = json!({ "type": "call", "subject": MARK, "deal_id": deal });
        make(&ann, "activities", activity).await;
        make_the_rest(&ann, &contact, &deal).await;
        let mut ids = Vec::new();
        for object in OBJECTS {
            let rows = ann
                .get(&format!("/rest/v1/{object}"))
                .await
                .expect_status(200)
                .json();
            let row = rows[0].as_object().expect("acme has a record of every object");
            let id = row.get(key_of(object)).and_then(Value::as_str);
            ids.push((object, id.expect("an id").to_owned()));
        }
        Self {
            app,
            acme,
            globex,
            ann,
            bob,
            ids,
        }
    }

    /// Everything in acme's schema, as text.
    async fn everything(&self) -> String {
        let superuser = self.app.db().as_superuser().await;
        let schema = &self.acme.tenant.schema;
        let mut all = String::new();
        for object in OBJECTS {
            let sql = format!(
                "select coalesce(string_agg(t::text, e'\\n' order by t::text), '') from {schema}.{object} t"
            );
            all.push_str(
                superuser
                    .query_one(&sql, &[])
                    .await
                    .expect("a superuser sees it")
                    .get(0),
            );
        }
        all
    }

    /// Every route with everything a caller could fill in: acme's objects and acme's ids.
    async fn ask_everything(&self, client: &Client) -> Vec<(String, Answer)> {
        let mut answers = Vec::new();
        for route in server::routes::table() {
            let targets: Vec<String> = if route.path.contains("{object}") {
                let fill = |(object, id): &(&str, String)| {
                    let path = route.path.replace("{object}", object).replace("{id}", id);
                    let filter = matches!(route.method, Method::PUT | Method::PATCH | Method::DELETE)
                        && !path.ends_with(id);
                    if filter {
                        format!("{path}?{}=not.is.null", key_of(object))
                    } else {
                        path
                    }
                };
                self.ids.iter().map(fill).collect()
            } else if route.path.contains("{id}") {
                let fill = |(_, id): &(&str, String)| route.path.replace("{id}", id);
                self.ids.iter().map(fill).collect()
            } else {
                vec![route.path.replace("{function}", "anything")]
            };
            for target in targets {
                let ask = client.ask(route.method.clone(), &target);
                let asked = ask.describe();
                let body = json!({ "email": self.ann.user.email, "password": "not the password" });
                let ask = match route.method {
                    Method::POST | Method::PUT | Method::PATCH if target.starts_with("/rest") => {
                        ask.json(&body_for(&target))
                    }
                    Method::POST if target.starts_with("/crm") => ask.json(&json!({})),
                    Method::POST => ask.json(&body),
                    _ => ask,
                };
                answers.push((asked, ask.await));
            }
        }
        answers
    }
}

fn key_of(object: &str) -> &'static str {
    match object {
        "company_tags" | "contact_tags" | "deal_tags" => "tag_id",
        "current_consents" => "consent_id",
        "member_roles" | "role_permissions" => "role_id",
        "settings" => "key",
        "staff_services" => "service_id",
        "team_members" => "member_id",
        _ => "id",
    }
}

/// A record of what a team and those who book have.
async fn make_the_rest(ann: &Client, contact: &str, deal: &str) {
    let add = async |object: &str, body: Value| {
        let path = format!("/rest/v1/{object}");
        ann.post(&path, &body).await.expect_status(201);
    };
    let member = ann.get("/rest/v1/members?select=id&limit=1").await.json()[0]["id"].clone();
    let other = make(ann, "contacts", json!({ "first_name": MARK })).await;
    add(
        "deal_contacts",
        json!({ "deal_id": deal, "contact_id": other, "role": MARK }),
    )
    .await;
    let point = json!({ "contact_id": contact, "phone": "030 123", "label": MARK });
    add("contact_points", point).await;
    make_a_booking(ann, contact).await;
    let purpose = ann
        .get("/rest/v1/consent_purposes?select=id&limit=1")
        .await
        .json()[0]["id"]
        .clone();
    let consent =
        json!({ "contact_id": contact, "purpose_id": purpose, "decision": "granted", "channel": MARK });
    add("consents", consent).await;
    add(
        "privacy_requests",
        json!({ "type": "access", "contact_id": contact, "note": MARK }),
    )
    .await;
    let team = make(ann, "teams", json!({ "name": MARK })).await;
    add("team_members", json!({ "team_id": team, "member_id": member })).await;
    let role = make(ann, "roles", json!({ "name": MARK })).await;
    add(
        "role_permissions",
        json!({ "role_id": role, "permission": "contacts:read" }),
    )
    .await;
    add("member_roles", json!({ "role_id": role, "member_id": member })).await;
    add("views", json!({ "object": "deals", "name": MARK })).await;
    add("widgets", json!({ "name": MARK })).await;
}

/// Somebody who does something at some hours, and an appointment.
async fn make_a_booking(ann: &Client, contact: &str) {
    let add = async |object: &str, body: Value| {
        let path = format!("/rest/v1/{object}");
        ann.post(&path, &body).await.expect_status(201);
    };
    let service = make(ann, "services", json!({ "name": MARK, "duration_minutes": 30 })).await;
    let staff = make(ann, "staff", json!({ "name": MARK })).await;
    add(
        "staff_services",
        json!({ "staff_id": staff, "service_id": service }),
    )
    .await;
    let schedule = json!({ "staff_id": staff, "name": MARK, "time_zone": "Europe/Berlin" });
    let schedule = make(ann, "schedules", schedule).await;
    let hours =
        json!({ "schedule_id": schedule, "weekday": 1, "start_local": "09:00", "end_local": "17:00" });
    add("schedule_rules", hours).await;
    add(
        "schedule_overrides",
        json!({ "schedule_id": schedule, "day": "2030-01-01", "reason": MARK }),
    )
    .await;
    let (from, to) = ("2030-01-07T08:00:00Z", "2030-01-07T08:30:00Z");
    let away = json!({ "staff_id": staff, "starts_at": from, "ends_at": to, "reason": MARK });
    add("time_off", away).await;
    let booked = json!({ "service_id": service, "staff_id": staff, "contact_id": contact, "starts_at": from,
        "ends_at": to, "note": MARK });
    add("appointments", booked).await;
}

/// A change that would be seen.
fn body_for(target: &str) -> Value {
    let object = target
        .trim_start_matches("/rest/v1/")
        .split(['/', '?'])
        .next()
        .unwrap_or_default();
    match object {
        "companies" | "pipelines" | "stages" | "tags" | "lost_reasons" | "services" | "staff"
        | "schedules" | "consent_purposes" | "teams" | "roles" | "views" | "widgets" => {
            json!({ "name": "changed" })
        }
        "contacts" => json!({ "first_name": "changed" }),
        "deals" => json!({ "title": "changed" }),
        "activities" => json!({ "subject": "changed" }),
        "notes" => json!({ "content": "changed" }),
        "members" => json!({ "display_name": "changed" }),
        "deal_stage_history" => json!({ "to_stage_name": "changed" }),
        _ => json!({ "created_at": "2001-01-01T00:00:00Z" }),
    }
}

async fn make(who: &Client, object: &str, body: Value) -> String {
    let ask = who
        .post(&format!("/rest/v1/{object}?select=id"), &body)
        .header("prefer", "return=representation");
    let made = ask.await.expect_status(201).json();
    made[0]["id"].as_str().expect("an id").to_owned()
}

/// Body and headers of an answer that must tell nothing.
fn told(answer: &Answer) -> String {
    let names = [
        "content-type",
        "www-authenticate",
        "allow",
        "retry-after",
        "etag",
        "content-range",
        "location",
    ];
    let headers: Vec<_> = names.iter().map(|name| answer.header(name)).collect();
    format!("{} {headers:?} {}", answer.status(), answer.anonymous())
}

#[tokio::test]
async fn nobody_from_outside_reads_or_changes_anything() {
    let scene = Scene::set().await;
    let host = scene.acme.host();
    let marked = scene.everything().await;
    assert!(marked.matches(MARK).count() >= 8, "acme's data bears the mark");
    let former = scene.acme.member("fay", Admin).await;
    scene.acme.dismiss(former.membership.id).await;
    let before = scene.everything().await;
    let foreign_key = scene.globex.key(&["*:*", "*:purge"]).await;
    for (who, client, allowed) in [
        ("nobody", scene.acme.nobody(), &[401][..]),
        ("garbage", scene.acme.nobody().bearer("garbage"), &[401]),
        ("a stranger", scene.bob.at(&host), &[404]),
        ("a stranger's key", foreign_key.at(&host), &[401]),
        ("a former member", former.client(), &[404]),
    ] {
        for (asked, answer) in scene.ask_everything(&client).await {
            assert!(!answer.text().contains(MARK), "{who}: {asked}: {}", answer.text());
            if asked.starts_with("OPTIONS") {
                assert_eq!((answer.status(), answer.text()), (200, ""), "{who}: {asked}");
            } else if asked.contains("/rest/")
                || asked.contains("/crm/")
                || asked.contains("/user")
                || asked.contains("/logout")
            {
                assert!(
                    allowed.contains(&answer.status()),
                    "{who}: {asked}: {}",
                    answer.status()
                );
            }
        }
    }
    assert_eq!(scene.everything().await, before);
}

#[tokio::test]
async fn ids_of_another_tenant_are_no_ids_at_home() {
    let scene = Scene::set().await;
    let before = scene.everything().await;
    // By key, since one of the routes signs out.
    let key = scene.globex.key(&["*:*", "*:purge"]).await;
    for (asked, answer) in scene.ask_everything(&key.client()).await {
        assert!(!answer.text().contains(MARK), "{asked}: {}", answer.text());
    }
    for (object, id) in &scene.ids {
        // What has no id has no path either, or one by a name that every tenant has.
        if key_of(object) != "id" {
            continue;
        }
        let one = |id: &str| format!("/rest/v1/{object}/{id}");
        let unknown = scene.bob.get(&one(NO_ID)).await;
        let guessed = scene.bob.get(&one(id)).await;
        assert_eq!(
            (guessed.status(), told(&guessed)),
            (404, told(&unknown)),
            "{object}"
        );
        let filtered = scene.bob.get(&format!("/rest/v1/{object}?id=eq.{id}")).await;
        assert_eq!((filtered.status(), filtered.text()), (200, "[]"), "{object}");
    }
    assert_eq!(scene.everything().await, before);
}

#[tokio::test]
async fn a_reference_to_another_tenants_record_is_a_reference_to_nothing() {
    let scene = Scene::set().await;
    let company = &scene
        .ids
        .iter()
        .find(|(object, _)| *object == "companies")
        .expect("a company")
        .1;
    let refer = async |id: &str| {
        let body = json!({ "first_name": "x", "company_id": id });
        let answer = scene.bob.post("/rest/v1/contacts", &body).await;
        told(&answer).replace(id, "…")
    };
    let foreign = refer(company).await;
    assert!(foreign.starts_with("409 "), "{foreign}");
    assert_eq!(foreign, refer(NO_ID).await);
}

#[tokio::test]
async fn what_must_not_be_known_is_one_answer() {
    let scene = Scene::set().await;
    let former = scene.acme.member("fay", Member).await;
    let gone = format!(
        "delete from catalog.memberships where id = '{}'",
        former.membership.id
    );
    scene
        .app
        .change(&gone, Change::Organization(scene.acme.organization()))
        .await;
    let cancelled = scene.app.tenant("hooli").await;
    let hal = cancelled.member("hal", Member).await;
    cancelled.set_status("cancelled").await;
    let bob = &scene.bob;
    let ask = async |client: Client| told(&client.get("/rest/v1/contacts").await);
    let expected = ask(bob.at("nobody-has-this.tenantry.test")).await;
    assert!(expected.starts_with("404 "), "{expected}");
    for (case, client) in [
        ("another domain", bob.at("acme.example.com")),
        ("an address", bob.at("127.0.0.1")),
        ("two labels", bob.at("www.acme.tenantry.test")),
        ("the base", bob.at(BASE)),
        ("a reserved label", bob.at("www.tenantry.test")),
        ("a label that is no slug", bob.at("1a.tenantry.test")),
        ("another tenant", bob.at(&scene.acme.host())),
        ("a tenant left", former.client()),
        ("a cancelled tenant", hal.client()),
        ("a cancelled tenant, by nobody", cancelled.nobody()),
    ] {
        assert_eq!(ask(client).await, expected, "{case}");
    }
    let nowhere = scene.acme.nobody().get("/no/such/path").await;
    assert_eq!(told(&nowhere), expected);
}

#[tokio::test]
async fn tokens_are_good_on_their_own_host_only() {
    let scene = Scene::set().await;
    // The same person, a member of both.
    let new = catalog::memberships::NewMembership {
        organization: scene.globex.organization(),
        user: scene.ann.user.id,
        role: Member,
        is_owner: false,
    };
    let db = scene.app.db();
    let mut tx = db.catalog().begin().await.expect("a transaction");
    catalog::memberships::insert(&mut tx, &new, db.source())
        .await
        .expect("a membership");
    tx.commit().await.expect("committed");
    let email = scene.ann.user.email.as_str();
    let there = scene
        .globex
        .sign_in(email, PASSWORD)
        .await
        .expect_status(200)
        .field("access_token");
    let list = async |client: Client| client.get("/rest/v1/contacts").await.status();
    assert_eq!(list(scene.globex.nobody().bearer(&there)).await, 200);
    assert_eq!(list(scene.acme.nobody().bearer(&there)).await, 404);
    assert_eq!(list(scene.ann.at(&scene.globex.host())).await, 404);
    let refreshed = scene.globex.refresh(&scene.ann.refresh).await;
    assert_eq!(
        (refreshed.status(), refreshed.code()),
        (400, "refresh_token_not_found".to_owned())
    );
    scene.acme.refresh(&scene.ann.refresh).await.expect_status(200);
}

#[tokio::test]
async fn the_organization_header_counts_where_it_is_configured_and_on_the_base_host_only() {
    let plain = Scene::set().await;
    let named = plain.ann.at(BASE).with("x-organization", "acme");
    assert_eq!(
        named.get("/rest/v1/contacts").await.status(),
        404,
        "not configured"
    );

    let app = TestApp::with(|settings| settings.server.allow_organization_header = true).await;
    let (acme, globex) = (app.tenant("acme").await, app.tenant("globex").await);
    let ann = acme.member("ann", Member).await;
    let bob = globex.member("bob", Member).await;
    let list = async |client: &Client| client.get("/rest/v1/contacts").await.status();
    let name = |client: &Client, host: &str| client.at(host).with("x-organization", "acme");
    assert_eq!(list(&name(&ann, BASE)).await, 200);
    assert_eq!(list(&name(&bob, BASE)).await, 404, "named, but not a member");
    assert_eq!(list(&ann.at(BASE)).await, 404, "not named");
    assert_eq!(
        list(&name(&ann, &globex.host())).await,
        404,
        "the host of another tenant says who it is"
    );
    assert_eq!(
        list(&name(&bob, &globex.host())).await,
        200,
        "and nothing else does"
    );
    assert_eq!(list(&name(&ann, "example.com")).await, 404, "not our host");
    let twice = ann
        .at(BASE)
        .get("/rest/v1/contacts")
        .header("x-organization", "acme");
    assert_eq!(
        twice.header("x-organization", "acme").await.status(),
        404,
        "named twice"
    );
    for value in ["", "ACME!", "acme,globex", "acme.tenantry.test", "\u{fe}"] {
        let ask = ann
            .at(BASE)
            .get("/rest/v1/contacts")
            .header("x-organization", value);
        assert_eq!(ask.await.status(), 404, "{value:?}");
    }
}
