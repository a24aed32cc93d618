//! Requests for slots and appointments.

use super::*;

/// Somebody who works around the clock and has nothing to do yet.
struct Shop {
    service: String,
    contact: String,
}

const TOMORROW: &str = "2026-01-06T09:00:00Z";
const LATER: &str = "2026-01-06T10:00:00Z";

impl Shop {
    async fn open(scene: &Scene) -> Self {
        let number = scene.made.replace(scene.made.get() + 1);
        let service = json!({ "name": format!("Service {number}"), "duration_minutes": 60 });
        let service = add(scene, "services", service).await;
        let staff = add(scene, "staff", json!({ "name": "Ann" })).await;
        let does = json!({ "staff_id": staff, "service_id": service });
        let does = scene.ada.post("/rest/v1/staff_services", &does);
        does.await.expect_status(201);
        let schedule = json!({ "staff_id": staff, "time_zone": "UTC" });
        let schedule = add(scene, "schedules", schedule).await;
        let day =
            json!({ "schedule_id": schedule, "weekday": 2, "start_local": "00:00", "end_local": "24:00" });
        add(scene, "schedule_rules", day).await;
        let contact = add(scene, "contacts", json!({ "first_name": "Kim" })).await;
        Self { service, contact }
    }

    /// An appointment that `verb` may be done with.
    async fn appointment(&self, scene: &Scene, verb: &str) -> String {
        let what = if verb == "book" { "hold" } else { "book" };
        let mut new = json!({ "service_id": self.service, "starts_at": TOMORROW, "force": true });
        if what == "book" {
            new["contact_id"] = json!(self.contact);
        }
        if ["complete", "no-show"].contains(&verb) {
            new["starts_at"] = json!("2026-01-05T08:00:00Z");
        }
        let made = scene.ada.post(&format!("/crm/v1/appointments/{what}"), &new);
        made.await.expect_status(201).field("id")
    }
}

async fn add(scene: &Scene, object: &str, body: Value) -> String {
    let made = scene.ada.post(&format!("/rest/v1/{object}?select=id"), &body);
    let made = made.header("prefer", "return=representation").await;
    let made = made.expect_status(201).json();
    made[0]["id"].as_str().expect("an id").to_owned()
}

pub(super) async fn request(scene: &Scene, client: &Client, method: &Method, path: &str) -> Ask {
    let shop = Shop::open(scene).await;
    let body = match path.rsplit('/').next().expect("a last segment") {
        "slots" => {
            let path = format!("{path}?service={}", shop.service);
            return client.ask(method.clone(), &path);
        }
        "hold" => json!({ "service_id": shop.service, "starts_at": TOMORROW }),
        "book" if path.contains("{id}") => json!({ "contact_id": shop.contact }),
        "book" => json!({ "service_id": shop.service, "starts_at": TOMORROW, "contact_id": shop.contact }),
        "reschedule" => json!({ "starts_at": LATER }),
        _ => json!({}),
    };
    let path = match path.split_once("{id}/") {
        Some((_, verb)) => path.replace("{id}", &shop.appointment(scene, verb).await),
        None => path.to_owned(),
    };
    client.ask(method.clone(), &path).json(&body)
}
