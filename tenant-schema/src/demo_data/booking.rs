//! Services, who does them and when, and what was booked: some of it is over, some is to come.

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, Utc, Weekday};
use serde::Serialize;
use uuid::Uuid;

use super::generator::Generator;
use super::people::Contact;

/// Name, minutes, minutes kept free before and after, price.
const SERVICES: [(&str, u32, u32, u32, &str); 3] = [
    ("Consultation", 30, 0, 10, "0"),
    ("Product demo", 45, 5, 10, "0"),
    ("On-site inspection", 120, 30, 30, "180"),
];

/// From how many days ago until how many days ahead.
const DAYS: std::ops::RangeInclusive<i64> = -30..=21;

/// One in the morning, one in the afternoon: whatever is booked, nobody is twice at once.
const HOURS: [u32; 2] = [9, 14];

#[derive(Serialize)]
pub(super) struct Service {
    id: Uuid,
    name: &'static str,
    duration_minutes: u32,
    buffer_before_minutes: u32,
    buffer_after_minutes: u32,
    price: &'static str,
    position: usize,
    created_at: DateTime<Utc>,
}

/// A member, or a desk where there is none.
#[derive(Clone, Serialize)]
pub(super) struct Staff {
    id: Uuid,
    member_id: Option<Uuid>,
    schedule_id: Uuid,
    created_at: DateTime<Utc>,
}

#[derive(Serialize)]
pub(super) struct Appointment {
    id: Uuid,
    service_id: Uuid,
    staff_id: Uuid,
    contact_id: Uuid,
    day: NaiveDate,
    start_local: NaiveTime,
    status: &'static str,
    cancel_reason: Option<&'static str>,
    created_at: DateTime<Utc>,
}

pub(super) fn services(generator: &mut Generator) -> Vec<Service> {
    let created_at = generator.days_ago(200, 220);
    let services = SERVICES.into_iter().enumerate();
    let service = |(position, (name, minutes, before, after, price))| Service {
        id: generator.id(created_at),
        name,
        duration_minutes: minutes,
        buffer_before_minutes: before,
        buffer_after_minutes: after,
        price,
        position,
        created_at,
    };
    services.map(service).collect()
}

pub(super) fn staff(generator: &mut Generator, member_ids: &[Uuid]) -> Vec<Staff> {
    let created_at = generator.days_ago(200, 220);
    let members = member_ids.iter().copied().map(Some);
    let somebody = member_ids.is_empty().then_some(None);
    let staff = |member_id| Staff {
        id: generator.id(created_at),
        member_id,
        schedule_id: generator.id(created_at),
        created_at,
    };
    members.chain(somebody).map(staff).collect()
}

pub(super) fn appointments(
    generator: &mut Generator,
    services: &[Service],
    staff: &[Staff],
    contacts: &[Contact],
) -> Vec<Appointment> {
    let today = generator.base().date_naive();
    let days = DAYS.map(|days| (days, today + Duration::days(days)));
    let days = days.filter(|(_, day)| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
    let mut appointments = Vec::new();
    for (ahead, day) in days {
        for one in staff {
            for hour in HOURS {
                if !generator.chance(35) {
                    continue;
                }
                let status = match ahead {
                    ..0 => generator.pick(&[
                        "completed",
                        "completed",
                        "completed",
                        "completed",
                        "no_show",
                        "cancelled",
                    ]),
                    _ => generator.pick(&["scheduled", "scheduled", "confirmed"]),
                };
                let created_at = generator.days_ago(31, 60);
                appointments.push(Appointment {
                    id: generator.id(created_at),
                    service_id: generator.choose(services).id,
                    staff_id: one.id,
                    contact_id: generator.choose(contacts).id,
                    day,
                    start_local: NaiveTime::from_hms_opt(hour, 0, 0).expect("an hour of a day"),
                    status,
                    cancel_reason: (status == "cancelled").then_some("Something came up."),
                    created_at,
                });
            }
        }
    }
    appointments
}
