//! Appointments on their way: held, booked, confirmed, moved, and what became of them.
//!
//! That nobody is booked twice at once is the table's exclusion constraint. New appointments come by `ON CONFLICT ON CONSTRAINT
//! … DO NOTHING`: who loses a race waits for the winner and makes nothing, where a plain `INSERT` would sometimes end in a
//! deadlock. An `UPDATE` has no such clause, so those that move appointments go one after the other for each of the staff, by
//! a lock.
//!
//! A hold that has expired keeps nobody from booking: the verb that wants its time cancels it, in its own transaction.
//!
//! What may follow what is written once, in `allowed`; the trigger of `appointments` keeps it for everybody else.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::slots::{NO_ZONE, SERVICE_INACTIVE, STAFF_UNFIT, UNKNOWN_SERVICE, UNKNOWN_STAFF};
use super::{Fields, Rule, Step, Verb, id_of, moment};
use crate::records::{Conditions, RecordError, SchemaModel};

pub(crate) mod change;
pub(crate) mod place;
pub(crate) mod reschedule;

pub use change::Outcome;

/// The most characters of a note, and of a reason, as the table has it.
const MOST_NOTE: usize = 5000;
const MOST_REASON: usize = 1000;

/// How long a hold keeps its slot where nothing is said, in minutes, and at most.
const HOLD_MINUTES: i64 = 5;
const MOST_HOLD_MINUTES: i64 = 60;

/// An appointment as verbs answer it, a column of JSON, of the row `b`.
macro_rules! appointment {
    () => {
        "(select row_to_json(_r) from (select b.id, b.service_id, b.staff_id, b.contact_id, b.starts_at, b.ends_at, \
         b.buffer_before_minutes, b.buffer_after_minutes, b.busy, b.time_zone, b.status, b.hold_expires_at, \
         b.price::text as price, b.currency, b.source, b.note, b.cancel_reason, b.rescheduled_count, b.created_at, \
         b.updated_at, b.created_by, b.updated_by, b.version, b.deleted_at) _r)"
    };
}
pub(crate) use appointment;

/// The verbs that an appointment of a status takes, as a JSON array; whether it is an expired hold, and whether it has begun, are conditions.
macro_rules! allowed {
    ($status:literal, $is_expired:literal, $is_begun:literal) => {
        concat!(
            "(case when ",
            $status,
            " = 'held' and ",
            $is_expired,
            " then '[\"cancel\"]'
                   when ",
            $status,
            " = 'held' then '[\"book\", \"reschedule\", \"cancel\"]'
                   when ",
            $status,
            " = 'scheduled' and ",
            $is_begun,
            "
                        then '[\"confirm\", \"reschedule\", \"complete\", \"no-show\", \"cancel\"]'
                   when ",
            $status,
            " = 'scheduled' then '[\"confirm\", \"reschedule\", \"cancel\"]'
                   when ",
            $status,
            " = 'confirmed' and ",
            $is_begun,
            "
                        then '[\"reschedule\", \"complete\", \"no-show\", \"cancel\"]'
                   when ",
            $status,
            " = 'confirmed' then '[\"reschedule\", \"cancel\"]'
                   else '[]' end)::json"
        )
    };
}
pub(crate) use allowed;

/// The statement that lists the nearest free slots, behind `free!`, of the instant `$at`.
macro_rules! nearest {
    ($at:literal) => {
        concat!(
            "_near as (
  select f.at, f.ends_at, json_agg(f.staff_id order by f.staff_id) as staff_ids
    from free f group by f.at, f.ends_at order by abs(extract(epoch from f.at - ", $at, ")), f.at limit 5
),
_nearest as (
  select json_build_object('details', json_build_object('nearest', coalesce(json_agg(json_build_object(
           'starts_at', n.at, 'ends_at', n.ends_at, 'staff_ids', n.staff_ids) order by n.at), '[]')))::text as body
    from _near n
)"
        )
    };
}
pub(crate) use nearest;

/// What the verbs refuse; each some of it.
const RULES: &[Rule] = &[
    UNKNOWN_SERVICE,
    SERVICE_INACTIVE,
    UNKNOWN_STAFF,
    STAFF_UNFIT,
    Rule {
        word: "unknown_contact",
        status: 422,
        message: "There is no such contact",
        hint: Some("GET /rest/v1/contacts lists those there are"),
    },
    Rule {
        word: "slot_taken",
        status: 409,
        message: "Somebody else has the slot",
        hint: NEAREST,
    },
    Rule {
        word: "slot_too_soon",
        status: 409,
        message: "The slot begins sooner than the service takes bookings",
        hint: NEAREST,
    },
    Rule {
        word: "slot_too_far",
        status: 409,
        message: "The slot is further ahead than the service takes bookings",
        hint: NEAREST,
    },
    Rule {
        word: "nobody_does_it",
        status: 422,
        message: "Nobody who is active does the service",
        hint: Some("POST /rest/v1/staff_services says that somebody does it"),
    },
    Rule {
        word: "no_such_slot",
        status: 409,
        message: "No slot of the service begins then: outside working hours, in time off, or between two slots",
        hint: Some(
            "The details list the nearest free slots; \"force\": true books outside the working hours",
        ),
    },
    Rule {
        word: "hold_expired",
        status: 409,
        message: "The hold has expired",
        hint: Some("Book anew by POST /crm/v1/appointments/book: the slot may still be free"),
    },
    Rule {
        word: "not_possible_now",
        status: 409,
        message: "The appointment is not in a state in which this can be done",
        hint: Some("The details say what can be done with it"),
    },
];

const NEAREST: Option<&str> = Some("The details list the nearest free slots");

/// A new appointment, as a body asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAppointment {
    id: Uuid,
    service: Uuid,
    /// Whoever has least to do, where nobody is named.
    staff: Option<Uuid>,
    starts_at: String,
    contact: Option<Uuid>,
    time_zone: Option<String>,
    note: Option<String>,
    force: bool,
    /// Until when it is only held.
    held_until: Option<DateTime<Utc>>,
}

impl NewAppointment {
    /// Reads the body of `POST /crm/v1/appointments/book`.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn book(model: &SchemaModel, body: &[u8], id: Uuid) -> Result<Self, RecordError> {
        let known = [
            "service_id",
            "staff_id",
            "starts_at",
            "contact_id",
            "time_zone",
            "note",
            "force",
        ];
        let mut fields = Fields::read(body, &known)?;
        let contact = fields.id("contact_id");
        let contact = fields.required("contact_id", contact);
        let note = fields.text("note", MOST_NOTE);
        let new = Self::read(model, &mut fields, id);
        fields.finish()?;
        Ok(Self { contact, note, ..new })
    }

    /// Reads the body of `POST /crm/v1/appointments/hold`.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn hold(model: &SchemaModel, body: &[u8], id: Uuid, now: DateTime<Utc>) -> Result<Self, RecordError> {
        let known = [
            "service_id",
            "staff_id",
            "starts_at",
            "minutes",
            "time_zone",
            "force",
        ];
        let mut fields = Fields::read(body, &known)?;
        let minutes = match fields.take("minutes") {
            None => HOLD_MINUTES,
            Some(value) => {
                let minutes = value
                    .as_i64()
                    .filter(|minutes| (1..=MOST_HOLD_MINUTES).contains(minutes));
                if minutes.is_none() {
                    fields.refuse(
                        "minutes",
                        "out_of_range",
                        format!("must be a whole number from 1 to {MOST_HOLD_MINUTES}"),
                    );
                }
                minutes.unwrap_or(HOLD_MINUTES)
            }
        };
        let new = Self::read(model, &mut fields, id);
        fields.finish()?;
        let held_until = Some(now + Duration::minutes(minutes));
        Ok(Self { held_until, ..new })
    }

    /// What both have; what is missing is told by `fields`.
    fn read(model: &SchemaModel, fields: &mut Fields, id: Uuid) -> Self {
        let service = fields.id("service_id");
        let service = fields.required("service_id", service).unwrap_or_default();
        let starts_at = starts_at(fields);
        Self {
            id,
            service,
            staff: fields.id("staff_id"),
            starts_at,
            contact: None,
            time_zone: zone(model, fields),
            note: None,
            force: force(fields),
            held_until: None,
        }
    }

    /// Whether it is to be booked whatever the working hours are.
    pub fn is_forced(&self) -> bool {
        self.force
    }

    /// Makes it, as of now.
    pub fn make(&self, now: DateTime<Utc>) -> Verb {
        place::make(self, now)
    }
}

/// `POST /crm/v1/appointments/{id}/book`: a hold becomes an appointment of a contact's.
///
/// # Errors
/// An id or a body that cannot be read.
pub fn book_held(
    id: &str,
    conditions: &Conditions,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<Verb, RecordError> {
    let (id, versions) = (id_of(id)?, conditions.versions()?);
    let mut fields = Fields::read(body, &["contact_id", "note"])?;
    let contact = fields.id("contact_id");
    let contact = fields.required("contact_id", contact).unwrap_or_default();
    let note = fields.text("note", MOST_NOTE);
    fields.finish()?;
    Ok(change::book(id, versions, contact, note, now))
}

/// `POST /crm/v1/appointments/{id}/{confirm, complete, no-show, cancel}`.
///
/// # Errors
/// An id or a body that cannot be read.
pub fn end(
    outcome: Outcome,
    id: &str,
    conditions: &Conditions,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<Verb, RecordError> {
    let (id, versions) = (id_of(id)?, conditions.versions()?);
    let known: &[&str] = if outcome == Outcome::Cancel {
        &["reason"]
    } else {
        &[]
    };
    let mut fields = Fields::read(body, known)?;
    let reason = fields.text("reason", MOST_REASON);
    fields.finish()?;
    Ok(change::to(outcome, id, versions, reason, now))
}

/// Another time for an appointment, or another of the staff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reschedule {
    id: Uuid,
    versions: Option<String>,
    starts_at: String,
    staff: Option<Uuid>,
    force: bool,
}

impl Reschedule {
    /// Reads the body of `POST /crm/v1/appointments/{id}/reschedule`.
    ///
    /// # Errors
    /// An id or a body that cannot be read.
    pub fn read(id: &str, conditions: &Conditions, body: &[u8]) -> Result<Self, RecordError> {
        let (id, versions) = (id_of(id)?, conditions.versions()?);
        let mut fields = Fields::read(body, &["starts_at", "staff_id", "force"])?;
        let read = Self {
            id,
            versions,
            starts_at: starts_at(&mut fields),
            staff: fields.id("staff_id"),
            force: force(&mut fields),
        };
        fields.finish()?;
        Ok(read)
    }

    /// Whether it is to be moved whatever the working hours are.
    pub fn is_forced(&self) -> bool {
        self.force
    }

    /// Moves it, as of now.
    pub fn make(&self, now: DateTime<Utc>) -> Verb {
        reschedule::make(self, now)
    }
}

fn starts_at(fields: &mut Fields) -> String {
    let given = fields.take("starts_at");
    let read = given
        .as_ref()
        .map(|value| value.as_str().and_then(moment::instant));
    if read == Some(None) {
        fields.refuse(
            "starts_at",
            "not_an_instant",
            "must be an instant such as 2026-03-29T09:00:00+02:00",
        );
    }
    fields.required("starts_at", read.flatten()).unwrap_or_default()
}

fn zone(model: &SchemaModel, fields: &mut Fields) -> Option<String> {
    let zone = fields.text("time_zone", 100)?;
    if !model.time_zones.contains(&zone) {
        fields.refuse("time_zone", "unknown", NO_ZONE);
        return None;
    }
    Some(zone)
}

fn force(fields: &mut Fields) -> bool {
    match fields.take("force") {
        None => false,
        Some(value) => value.as_bool().unwrap_or_else(|| {
            fields.refuse("force", "not_a_boolean", "must be true or false");
            false
        }),
    }
}

/// A parameter that is an id.
fn text(id: impl Into<Option<Uuid>>) -> Option<String> {
    id.into().map(|id| id.to_string())
}

/// A verb about appointments that writes.
fn verb(locks: Vec<Step>, statement: Step) -> Verb {
    Verb::writes("appointments", locks, statement, RULES)
}
