//! Free slots: when a service can be booked, and with whom.
//!
//! A slot is free with somebody if all of this holds; one statement works it out (`statement`).
//!
//! - The service is `active`, somebody who is `active` does it, and neither is in the bin.
//! - It begins at the beginning of working hours or a multiple of the service's step behind it, and lies within them,
//!   hours that touch being one. The hours of a day are those of the schedule that is in force: the rules of its weekday,
//!   or what is said of the day itself. They are wall-clock times of the schedule's zone: see
//!   `first_moment` for days on which clocks are changed.
//! - It is outside time off. Buffers may be in it, and beyond the working hours.
//! - With the service's buffers around it, it does not touch the `busy` of an appointment, nor of a hold that has not
//!   expired: what the exclusion constraint would refuse.
//! - It begins no sooner than `min_notice_minutes` from now, and before `max_advance_days` (of 24 hours) are over.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::verb::UTC;
use super::{Parameters, Rule, Verb, answer, moment};
use crate::records::{RecordError, SchemaModel};

pub(crate) mod statement;

/// The parameters of a question for free slots.
const PARAMETERS: [&str; 5] = ["service", "staff", "from", "to", "time_zone"];

/// What a name is that is no zone's.
pub(crate) const NO_ZONE: &str = "must be the name of a zone in the IANA database, for example Europe/Berlin";

/// What is said of the service and the people that are asked for, by which `case` a word.
macro_rules! unfit {
    () => {
        "when s.id is null then 'unknown_service'
         when not s.active then 'service_inactive'
         when a.staff_id is not null and p.id is null then 'unknown_staff'
         when p.id is not null
              and (not p.active or not exists (select from staff_services d
                                                where d.staff_id = p.id and d.service_id = s.id)) then 'staff_unfit'"
    };
}
pub(crate) use unfit;

/// There is no such service.
pub(crate) const UNKNOWN_SERVICE: Rule = Rule {
    word: "unknown_service",
    status: 422,
    message: "There is no such service",
    hint: Some("GET /rest/v1/services lists those there are"),
};

/// The service is not to be booked.
pub(crate) const SERVICE_INACTIVE: Rule = Rule {
    word: "service_inactive",
    status: 422,
    message: "The service cannot be booked: it is not active",
    hint: None,
};

/// There is nobody of that id.
pub(crate) const UNKNOWN_STAFF: Rule = Rule {
    word: "unknown_staff",
    status: 422,
    message: "There is no such staff",
    hint: Some("GET /rest/v1/staff lists those there are"),
};

/// It is not to be booked with them.
pub(crate) const STAFF_UNFIT: Rule = Rule {
    word: "staff_unfit",
    status: 422,
    message: "This staff does not do the service, or is not active",
    hint: Some("GET /rest/v1/staff_services lists who does what"),
};

/// What a question for free slots refuses.
const RULES: &[Rule] = &[
    UNKNOWN_SERVICE,
    SERVICE_INACTIVE,
    UNKNOWN_STAFF,
    STAFF_UNFIT,
    Rule {
        word: "window_backwards",
        status: 422,
        message: "The window ends before it begins: 'to' must be later than 'from'",
        hint: Some("A day as 'to' is asked for to its end"),
    },
    Rule {
        word: "window_too_full",
        status: 422,
        message: "The window has more than 100000 places to begin, of all staff together",
        hint: Some("Ask for fewer days, or for one of the staff"),
    },
    Rule {
        word: "window_too_long",
        status: 422,
        message: "The window is longer than 42 days: 'to' must be nearer to 'from'",
        hint: Some("Ask once for each month"),
    },
];

/// The free slots of a window, by day. A day as `from` begins with it, and as `to` ends with it; a window without an end has
/// seven days. An hour more than 42 days, because that many days may have one more. How many places there are to begin is known
/// before they are looked at.
pub(crate) const FIND: &str = concat!(
    "with asked as (
  select $1::uuid as service_id, $2::uuid as staff_id, w.from_at, coalesce(e.at, w.from_at + interval '168 hours') as to_at,
         $5::timestamptz as now_at, $6::text as zone, null::uuid as except_id, null::interval as length,
         null::interval as before, null::interval as after, false as forced
    from (select case when length($3::text) = 10 then ",
    statement::first_moment!("($3::text)::date::timestamp", "$6::text"),
    " else coalesce(($3::text)::timestamptz, $5::timestamptz) end as from_at) w
   cross join (select case when length($4::text) = 10 then ",
    statement::first_moment!("(($4::text)::date + 1)::timestamp", "$6::text"),
    " else ($4::text)::timestamptz end as at) e
),
",
    statement::free!(),
    ",
_day as (
  select (t.at at time zone a.zone)::date as day,
         json_agg(json_build_object('starts_at', t.at, 'ends_at', t.ends_at, 'staff_ids', t.staff_ids) order by t.at) as slots
    from (select f.at, f.ends_at, json_agg(f.staff_id order by f.staff_id) as staff_ids
            from free f group by f.at, f.ends_at) t cross join asked a
   group by 1
),
_size as (
  select coalesce(sum(greatest(0, extract(epoch from least(h.closes, v.upper) - greatest(h.opens, v.lower))
                                  / extract(epoch from v.step))), 0) as places
    from hours h cross join svc v
),
_wrong as (
  select case ",
    unfit!(),
    "     when a.to_at <= a.from_at then 'window_backwards'
          when a.to_at > a.from_at + interval '1009 hours' then 'window_too_long'
          when (select z.places from _size z) > 100000 then 'window_too_full' end as word
    from asked a left join services s on s.id = a.service_id and s.deleted_at is null
    left join staff p on p.id = a.staff_id and p.deleted_at is null
),
_answer as (
  select case when w.word is null then (
           select json_build_object('service_id', a.service_id, 'time_zone', a.zone, 'from', a.from_at, 'to', a.to_at,
                    'days', coalesce((select json_agg(json_build_object('day', d.day, 'slots', d.slots) order by d.day)
                                        from _day d), '[]'))::text from asked a) end as body,
         case when w.word is null then 1 else -1 end::bigint as count, null::text as version, w.word as key
    from _wrong w
)",
    answer!()
);

/// `GET /crm/v1/slots?{query}` as of now, by the clocks of the `preferred` zone if the query says none.
///
/// # Errors
/// Parameters that are not there or cannot be read.
pub fn find(
    model: &SchemaModel,
    query: &str,
    preferred: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Verb, RecordError> {
    let mut given = Parameters::read(query, &PARAMETERS)?;
    let service = given.id("service");
    let service = given.required("service", service);
    let staff = given.id("staff");
    let (from, to) = (bound(&mut given, "from"), bound(&mut given, "to"));
    let zone = given
        .take("time_zone")
        .unwrap_or_else(|| preferred.unwrap_or(UTC).to_owned());
    if !model.time_zones.contains(&zone) {
        given.refuse("time_zone", "unknown", NO_ZONE);
    }
    given.finish()?;
    let text = |id: Option<Uuid>| id.map(|id| id.to_string());
    let params = vec![
        text(service),
        text(staff),
        from,
        to,
        Some(moment::of(now)),
        Some(zone.clone()),
    ];
    Ok(Verb {
        rules: RULES,
        ..Verb::reads("appointments", FIND, params).in_time_zone(Some(zone))
    })
}

/// A day, or an instant.
fn bound(given: &mut Parameters, name: &str) -> Option<String> {
    let text = given.take(name)?;
    let read = moment::day(&text).or_else(|| moment::instant(&text));
    if read.is_none() {
        let says =
            "must be a day such as 2026-03-29, or an instant such as 2026-03-29T09:00:00Z, from 1970 to 9990";
        given.refuse(name, "not_a_moment", says);
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_says_the_words_of_its_rules() {
        for rule in RULES {
            assert!(FIND.contains(&format!("'{}'", rule.word)), "{}", rule.word);
        }
    }
}
