//! What becomes of an appointment.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{allowed, appointment, text, verb};
use crate::crm::{Step, Verb, answer, moment};

/// What somebody says of an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It will take place.
    Confirm,
    /// It has taken place.
    Complete,
    /// The person did not come.
    NoShow,
    /// It will not take place, or the hold is given up.
    Cancel,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Confirm => "confirm",
            Self::Complete => "complete",
            Self::NoShow => "no-show",
            Self::Cancel => "cancel",
        })
    }
}

impl Outcome {
    /// The status that follows.
    fn status(self) -> &'static str {
        match self {
            Self::Confirm => "confirmed",
            Self::Complete => "completed",
            Self::NoShow => "no_show",
            Self::Cancel => "cancelled",
        }
    }
}

/// Locks the appointment.
pub(crate) const LOCK: &str =
    "select b.id from appointments b where b.id = $1::uuid and b.deleted_at is null for update";

/// Gives the appointment `$1`, if it has one of the versions `$2`, the status `$4` by the verb `$3`.
pub(crate) const CHANGE: &str = concat!(
    "with _old as (
  select b.id, b.status, b.version, ",
    allowed!(
        "b.status",
        "b.hold_expires_at <= $6::timestamptz",
        "b.starts_at <= $6::timestamptz"
    ),
    " as allowed
    from appointments b where b.id = $1::uuid and b.deleted_at is null
),
_refused as (
  select r.word, r.body from (
    select 1 as rank, 'unknown' as word, null::json as body where not exists (select from _old)
     union all
    select 2, 'outdated', json_build_object('details', o.version) from _old o where o.version <> all ($2::bigint[])
     union all
    select 3, 'not_possible_now', json_build_object('details', json_build_object('status', o.status, 'allowed', o.allowed))
      from _old o where not (o.allowed::jsonb ? $3::text)
  ) r order by r.rank limit 1
),
_new as (
  update appointments b set status = $4::text, cancel_reason = coalesce($5::text, b.cancel_reason)
    from _old o where b.id = o.id and not exists (select from _refused)
  returning b.version, ",
    appointment!(),
    " as body
),
_answer as (
  select n.body::text as body, 1::bigint as count, n.version::text as version, null::text as key from _new n
   union all
  select r.body::text, -1, null, r.word from _refused r
)",
    answer!()
);

pub(super) fn to(
    outcome: Outcome,
    id: Uuid,
    versions: Option<String>,
    reason: Option<String>,
    now: DateTime<Utc>,
) -> Verb {
    let lock = Step {
        sql: LOCK,
        params: vec![text(id)],
    };
    let change = Step {
        sql: CHANGE,
        params: vec![
            text(id),
            versions,
            Some(outcome.to_string()),
            Some(outcome.status().to_owned()),
            reason,
            Some(moment::of(now)),
        ],
    };
    verb(vec![lock], change)
}

/// The hold `$1`, if it has one of the versions `$2`, becomes an appointment of the contact `$3`.
pub(crate) const BOOK: &str = concat!(
    "with _old as (
  select b.id, b.status, b.version, b.hold_expires_at, ",
    allowed!(
        "b.status",
        "b.hold_expires_at <= $5::timestamptz",
        "b.starts_at <= $5::timestamptz"
    ),
    " as allowed
    from appointments b where b.id = $1::uuid and b.deleted_at is null
),
_refused as (
  select r.word, r.body from (
    select 1 as rank, 'unknown' as word, null::json as body where not exists (select from _old)
     union all
    select 2, 'outdated', json_build_object('details', o.version) from _old o where o.version <> all ($2::bigint[])
     union all
    select 3, 'not_possible_now', json_build_object('details', json_build_object('status', o.status, 'allowed', o.allowed))
      from _old o where o.status <> 'held'
     union all
    select 4, 'hold_expired', json_build_object('details', format('Since %s', o.hold_expires_at))
      from _old o where o.hold_expires_at <= $5::timestamptz
     union all
    select 5, 'unknown_contact', null
     where not exists (select from contacts k where k.id = $3::uuid and k.deleted_at is null)
  ) r order by r.rank limit 1
),
_new as (
  update appointments b set status = 'scheduled', contact_id = $3::uuid, note = coalesce($4::text, b.note)
    from _old o where b.id = o.id and not exists (select from _refused)
  returning b.version, ",
    appointment!(),
    " as body
),
_answer as (
  select n.body::text as body, 1::bigint as count, n.version::text as version, null::text as key from _new n
   union all
  select r.body::text, -1, null, r.word from _refused r
)",
    answer!()
);

pub(super) fn book(
    id: Uuid,
    versions: Option<String>,
    contact: Uuid,
    note: Option<String>,
    now: DateTime<Utc>,
) -> Verb {
    let lock = Step {
        sql: LOCK,
        params: vec![text(id)],
    };
    let book = Step {
        sql: BOOK,
        params: vec![text(id), versions, text(contact), note, Some(moment::of(now))],
    };
    verb(vec![lock], book)
}
