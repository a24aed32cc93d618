//! Activities: done, open again, and what is due.

use std::fmt;

use catalog::actor::Actor;

use super::verb::UTC;
use super::{Fields, Parameters, Rule, Step, Verb, answer, id_of, moment};
use crate::records::{Conditions, RecordError};

/// What is done to an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It is done.
    Complete,
    /// It is not done after all.
    Reopen,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "complete",
            Self::Reopen => "reopen",
        })
    }
}

/// The most characters of an outcome, as the table has it.
const MOST_OUTCOME: usize = 2000;

/// The most minutes of an activity, as the table has it.
const MOST_MINUTES: i64 = 10_080;

/// Completes or reopens an activity. Whoever asks has done it, if it is a member.
///
/// # Errors
/// An id or a body that cannot be read.
pub fn change(
    change: Change,
    id: &str,
    asker: &Actor,
    conditions: &Conditions,
    body: &[u8],
) -> Result<Verb, RecordError> {
    let id = id_of(id)?.to_string();
    let versions = conditions.versions()?;
    let known: &[&str] = match change {
        Change::Complete => &["outcome", "completed_at", "duration_minutes"],
        Change::Reopen => &[],
    };
    let mut fields = Fields::read(body, known)?;
    let outcome = fields.text("outcome", MOST_OUTCOME);
    let at = fields.text("completed_at", 64).and_then(|text| {
        let at = moment::instant(&text);
        if at.is_none() {
            let expected = "must be a time with its offset, such as 2026-03-31T09:30:00Z";
            fields.refuse("completed_at", "not_a_time", expected);
        }
        at
    });
    let minutes = fields.take("duration_minutes").and_then(|value| {
        let minutes = value
            .as_i64()
            .filter(|minutes| (0..=MOST_MINUTES).contains(minutes));
        if minutes.is_none() {
            let expected = format!("must be a whole number from 0 to {MOST_MINUTES}");
            fields.refuse("duration_minutes", "not_a_number", expected);
        }
        minutes
    });
    fields.finish()?;
    let lock = Step {
        sql: LOCK,
        params: vec![Some(id.clone())],
    };
    let statement = Step {
        sql: CHANGE,
        params: vec![
            Some(id),
            Some(change.to_string()),
            versions,
            user(asker),
            outcome,
            at,
            minutes.map(|minutes| minutes.to_string()),
        ],
    };
    Ok(Verb::writes("activities", vec![lock], statement, RULES))
}

/// The id of a person who asks.
fn user(asker: &Actor) -> Option<String> {
    match asker {
        Actor::User(id) => Some(id.to_string()),
        Actor::Key(_) | Actor::Operator(_) => None,
    }
}

const RULES: &[Rule] = &[
    Rule {
        word: "not_possible_now",
        status: 409,
        message: "The activity is not in a state in which this can be done",
        hint: Some("The details say what can be done with it"),
    },
    Rule {
        word: "not_yet",
        status: 422,
        message: "An activity cannot have been completed in the future",
        hint: None,
    },
];

/// Locks the activity.
pub(crate) const LOCK: &str = "select a.id from activities a where a.id = $1::uuid for no key update";

/// `$1` the activity, `$2` what is done, `$3` the versions it may have, `$4` who asks, `$5` to `$7` outcome, time, minutes.
pub(crate) const CHANGE: &str = concat!(
    "\
with _was as (
  select a.id, a.version, a.completed_at from activities a where a.id = $1::uuid and a.deleted_at is null
),
_refused as (
  select r.word, r.body from (
    select 1 as rank, 'unknown' as word, null::json as body where not exists (select from _was)
     union all
    select 2, 'outdated', json_build_object('details', w.version) from _was w where w.version <> all ($3::bigint[])
     union all
    select 3, 'not_possible_now', json_build_object('details', json_build_object('completed_at', w.completed_at,
             'allowed', json_build_array(case when w.completed_at is null then 'complete' else 'reopen' end)))
      from _was w where (w.completed_at is null) = ($2::text = 'reopen')
     union all
    select 4, 'not_yet', json_build_object('errors', json_build_array(json_build_object(
             'field', 'completed_at', 'code', 'in_the_future', 'message', 'The time is yet to come')))
     where $6::timestamptz > now()
  ) r order by r.rank limit 1
),
_changed as (
  update activities a
     set completed_at = case $2::text when 'complete' then coalesce($6::timestamptz, now()) end,
         completed_by = case $2::text when 'complete' then
             (select m.id from members m where m.user_id = $4::uuid) end,
         outcome = coalesce($5::text, a.outcome),
         duration_minutes = coalesce($7::integer, a.duration_minutes)
    from _was w
   where a.id = w.id and not exists (select from _refused)
  returning a.version, (select row_to_json(r) from (
    select a.id, a.type, a.subject, a.description, a.due_at, a.completed_at, a.is_completed, a.completed_by,
           a.duration_minutes, a.outcome, a.contact_id, a.company_id, a.deal_id, a.owner_id, a.created_at, a.updated_at,
           a.created_by, a.updated_by, a.deleted_at, a.version) r) as body
),
_answer as (
  select c.body::text as body, 1::bigint as count, c.version::text as version, null::text as key from _changed c
   union all
  select r.body::text, -1, null, r.word from _refused r
)",
    answer!()
);

/// The parameters of what is due.
pub const PARAMETERS: &[&str] = &["time_zone", "owner_id", "limit"];

/// The most activities of either kind that are shown.
pub const MOST: u32 = 200;

/// Lists what is overdue, and what is left of today by the asker's clocks.
///
/// # Errors
/// Parameters that cannot be read.
pub fn due(asker: &Actor, query: &str, preferred_zone: Option<&str>) -> Result<Verb, RecordError> {
    let mut parameters = Parameters::read(query, PARAMETERS)?;
    let zone = parameters.take("time_zone");
    let zone = zone.or_else(|| preferred_zone.map(str::to_owned));
    let limit = parameters.number("limit", 0..=MOST).unwrap_or(50);
    let owner = match parameters.take("owner_id") {
        Some(me) if me == "me" => {
            let me = user(asker);
            if me.is_none() {
                parameters.refuse("owner_id", "not_a_member", "says me, and a key is no member");
            }
            (None, me)
        }
        Some(id) => {
            let id = uuid::Uuid::parse_str(&id).ok();
            if id.is_none() {
                parameters.refuse("owner_id", "not_an_id", "must be me, or the UUID of a member");
            }
            (id.map(|id| id.to_string()), None)
        }
        None => (None, None),
    };
    parameters.finish()?;
    let params = vec![owner.0, owner.1, Some(limit.to_string())];
    let zone = zone.unwrap_or_else(|| UTC.to_owned());
    Ok(Verb::reads("activities", DUE, params).in_time_zone(Some(zone)))
}

/// `$1` whose, by their member; `$2` whose, by their user; `$3` how many. A day is as long as the zone of the transaction
/// makes it.
pub(crate) const DUE: &str = concat!(
    "\
with _day as (
  select now() as now, current_date as today, (current_date + 1)::timestamptz as ends
),
_due as (
  select a.due_at < d.now as is_overdue, a.due_at, a.id, (select row_to_json(r) from (
           select a.id, a.type, a.subject, a.due_at, a.duration_minutes, a.contact_id, a.company_id, a.deal_id,
                  a.owner_id, a.version) r) as activity
    from activities a cross join _day d
   where a.completed_at is null and a.deleted_at is null and a.due_at < d.ends
     and ($1::uuid is null or a.owner_id = $1::uuid)
     and ($2::uuid is null or a.owner_id = (select m.id from members m where m.user_id = $2::uuid))
),
_ranked as (
  select d.is_overdue, d.activity, row_number() over (partition by d.is_overdue order by d.due_at, d.id) as rank from _due d
),
_lists as (
  select l.is_overdue, json_build_object(
           'count', (select count(*) from _due d where d.is_overdue = l.is_overdue),
           'activities', coalesce((select json_agg(r.activity order by r.rank) from _ranked r
                                    where r.is_overdue = l.is_overdue and r.rank <= $3::bigint), '[]')) as list
    from (values (true), (false)) l (is_overdue)
),
_answer as (
  select json_build_object('time_zone', current_setting('TimeZone'), 'day', d.today,
           'overdue', (select l.list from _lists l where l.is_overdue),
           'today', (select l.list from _lists l where not l.is_overdue))::text as body,
         1::bigint as count, null::text as version, null::text as key
    from _day d
)",
    answer!()
);
