//! Free slots, and appointments on their way. It is Monday, 2026-01-05, nine o'clock (UTC), unless a test moves the clock.

mod moves;
mod property;
mod race;
mod refusals;
mod slots;
mod verbs;

use serde_json::{Value, json};
use tests::app::{Answer, Client};

use super::scene::Scene;

/// A shop: a service, and somebody who does it.
struct Shop {
    scene: Scene,
    service: String,
    ann: String,
}

const BERLIN: &str = "Europe/Berlin";

impl Shop {
    /// Ann has working hours by this zone's clocks, none yet, and does a service with these fields.
    async fn open(zone: &str, service: Value) -> Self {
        Self::open_in(Scene::set().await, zone, service).await
    }

    /// The same in this scene.
    async fn open_in(scene: Scene, zone: &str, service: Value) -> Self {
        let mut named = json!({ "name": "Consultation", "duration_minutes": 60 });
        let fields = named.as_object_mut().expect("an object");
        fields.extend(service.as_object().expect("an object").clone());
        let mut shop = Self {
            service: add(&scene, "services", &named).await,
            ann: String::new(),
            scene,
        };
        shop.ann = shop.hire("Ann", zone, &[]).await;
        shop
    }

    /// Somebody else who does the service, with working hours: weekday, from, until.
    async fn hire(&self, name: &str, zone: &str, rules: &[(i32, &str, &str)]) -> String {
        let staff = add(&self.scene, "staff", &json!({ "name": name })).await;
        let does = json!({ "staff_id": staff, "service_id": self.service });
        self.scene
            .ada
            .post("/rest/v1/staff_services", &does)
            .await
            .expect_status(201);
        let schedule = json!({ "staff_id": staff, "time_zone": zone });
        let schedule = add(&self.scene, "schedules", &schedule).await;
        self.rules(&schedule, rules).await;
        staff
    }

    async fn rules(&self, schedule: &str, rules: &[(i32, &str, &str)]) {
        for (weekday, from, to) in rules {
            let rule =
                json!({ "schedule_id": schedule, "weekday": weekday, "start_local": from, "end_local": to });
            add(&self.scene, "schedule_rules", &rule).await;
        }
    }

    /// Ann's only schedule.
    async fn schedule(&self) -> String {
        let path = format!("/rest/v1/schedules?select=id&staff_id=eq.{}", self.ann);
        let found = self.scene.ada.get(&path).await.expect_status(200).json();
        found[0]["id"].as_str().expect("an id").to_owned()
    }

    /// Ann works then.
    async fn works(&self, rules: &[(i32, &str, &str)]) {
        self.rules(&self.schedule().await, rules).await;
    }

    async fn contact(&self) -> String {
        add(&self.scene, "contacts", &json!({ "first_name": "Kim" })).await
    }

    /// The answer to a question for slots.
    async fn ask(&self, query: &str) -> Answer {
        let path = format!("/crm/v1/slots?service={}&{query}", self.service);
        self.scene.ada.get(&path).await
    }

    /// The beginnings of the free slots.
    async fn free(&self, query: &str) -> Vec<String> {
        starts(&self.ask(query).await.expect_status(200).json())
    }

    async fn book(&self, starts_at: &str, contact: &str) -> Answer {
        let body = json!({ "service_id": self.service, "starts_at": starts_at, "contact_id": contact });
        self.scene.ada.post("/crm/v1/appointments/book", &body).await
    }

    async fn hold(&self, starts_at: &str) -> Answer {
        let body = json!({ "service_id": self.service, "starts_at": starts_at });
        self.scene.ada.post("/crm/v1/appointments/hold", &body).await
    }
}

/// A shop that is open on Tuesdays from nine to twelve.
async fn tuesdays() -> (Shop, String) {
    let shop = Shop::open("UTC", json!({ "price": "40" })).await;
    shop.works(&[(2, "09:00", "12:00")]).await;
    let contact = shop.contact().await;
    (shop, contact)
}

const NINE: &str = "2026-01-06T09:00:00+00:00";
const TEN: &str = "2026-01-06T10:00:00+00:00";
const ELEVEN: &str = "2026-01-06T11:00:00+00:00";
const NEXT_WEEK: [&str; 3] = [
    "2026-01-13T09:00:00+00:00",
    "2026-01-13T10:00:00+00:00",
    "2026-01-13T11:00:00+00:00",
];

/// `POST /crm/v1/appointments/{id}/{verb}`
async fn send(client: &Client, appointment: &str, verb: &str, body: &Value) -> Answer {
    client
        .post(&format!("/crm/v1/appointments/{appointment}/{verb}"), body)
        .await
}

/// Adds a record and gives its id back.
async fn add(scene: &Scene, object: &str, body: &Value) -> String {
    let ask = scene.ada.post(&format!("/rest/v1/{object}"), body);
    let added = ask
        .header("prefer", "return=representation")
        .await
        .expect_status(201);
    added.json()[0]["id"].as_str().expect("an id").to_owned()
}

/// The beginnings of the slots of all days.
fn starts(found: &Value) -> Vec<String> {
    let days = found["days"].as_array().expect("days").iter();
    let slots = days.flat_map(|day| day["slots"].as_array().expect("slots"));
    slots
        .map(|slot| slot["starts_at"].as_str().expect("a time").to_owned())
        .collect()
}

/// The beginnings of the nearest free slots that a refusal lists.
fn nearest(refusal: &Answer) -> Vec<String> {
    let refusal = refusal.json();
    let nearest = refusal["details"]["nearest"]
        .as_array()
        .expect("the nearest slots")
        .iter();
    nearest
        .map(|slot| slot["starts_at"].as_str().expect("a time").to_owned())
        .collect()
}
