//! A new appointment takes its place, or does not get it.

use chrono::{DateTime, Utc};

use super::{NewAppointment, appointment, nearest, text, verb};
use crate::crm::slots::{statement, unfit};
use crate::crm::{Step, Verb, answer, moment};

/// Where nobody is named, bookings of a service go one after the other: each sees what the one before it has left.
pub(crate) const LOCK_SERVICE: &str = "select s.id from services s where s.id = $1::uuid for no key update";

/// Cancels the holds of the service's staff (`$1`), or of one of them (`$2`), that have expired and would be in the way at `$3`.
pub(crate) const SWEEP: &str = "\
update appointments h set status = 'cancelled', cancel_reason = 'The hold expired'
 where h.id in (
   select e.id
     from services s
     join appointments e
       on e.busy && tstzrange($3::timestamptz - make_interval(mins => s.buffer_before_minutes),
                              $3::timestamptz + make_interval(mins => s.duration_minutes + s.buffer_after_minutes))
      and e.staff_id in (select d.staff_id from staff_services d
                          where d.service_id = s.id and ($2::uuid is null or d.staff_id = $2::uuid))
    where s.id = $1::uuid and s.active and s.deleted_at is null
      and ($5::uuid is null or exists (select from contacts k where k.id = $5::uuid and k.deleted_at is null))
      and e.status = 'held' and e.deleted_at is null and e.hold_expires_at <= least($4::timestamptz, now())
    order by e.id for update of e)";

/// Makes the appointment `$7` with whoever is free at `$3`: of several the one with the fewest appointments on that day, and of
/// those the one with the smallest id.
pub(crate) const MAKE: &str = concat!(
    "with asked as (
  select $1::uuid as service_id, $2::uuid as staff_id, $3::timestamptz as from_at,
         $3::timestamptz + interval '1 microsecond' as to_at, $4::timestamptz as now_at,
         coalesce($5::text, 'UTC') as zone, null::uuid as except_id, null::interval as length,
         null::interval as before, null::interval as after, $6::boolean as forced
),
",
    statement::free!(),
    ",
chosen as (
  select f.staff_id, f.at, f.ends_at
    from free f cross join asked a
   cross join lateral (
     select count(*) as n from appointments b
      where b.staff_id = f.staff_id and b.deleted_at is null
        and b.status in ('held', 'scheduled', 'confirmed', 'completed')
        and b.starts_at between f.at - interval '48 hours' and f.at + interval '48 hours'
        and (b.starts_at at time zone a.zone)::date = (f.at at time zone a.zone)::date
   ) load
   order by load.n, f.staff_id limit 1
)
insert into appointments (id, service_id, staff_id, contact_id, starts_at, ends_at, time_zone, status, hold_expires_at,
                          source, note)
select $7::uuid, a.service_id, c.staff_id, $8::uuid, c.at, c.ends_at, $5::text,
       case when $9::timestamptz is null then 'scheduled' else 'held' end, $9::timestamptz, 'api', $10::text
  from chosen c cross join asked a
 where ($8::uuid is null or exists (select from contacts k where k.id = $8::uuid and k.deleted_at is null))
   and not exists (select from appointments b where b.id = $7::uuid)
    on conflict on constraint appointments_overlap_excl do nothing"
);

/// The appointment `$7`, or why there is none: then with the nearest free slots of a week before and two behind, of a day and two
/// where so many do the service in so short steps that three weeks would be too much to look at.
pub(crate) const MADE: &str = concat!(
    "with asked as (
  select $1::uuid as service_id, $2::uuid as staff_id,
         c.at - case when c.is_large then interval '24 hours' else interval '168 hours' end as from_at,
         c.at + case when c.is_large then interval '48 hours' else interval '336 hours' end as to_at, $4::timestamptz as now_at, coalesce($5::text, 'UTC') as zone,
         null::uuid as except_id, null::interval as length, null::interval as before, null::interval as after,
         false as forced, c.earliest, c.latest
    from (select 1) one (one)
    left join services s on s.id = $1::uuid
   cross join lateral (select $4::timestamptz + make_interval(mins => coalesce(s.min_notice_minutes, 0)) as earliest,
                              $4::timestamptz + make_interval(hours => 24 * coalesce(s.max_advance_days, 0)) as latest) w
   cross join lateral (select greatest(w.earliest, least(w.latest, $3::timestamptz)) as at, w.earliest, w.latest,
                             504 * 60 / coalesce(s.slot_step_minutes, s.duration_minutes) * (
                               select count(*) from staff_services d
                                where d.service_id = s.id and ($2::uuid is null or d.staff_id = $2::uuid)) > 50000 as is_large) c
),
",
    statement::free!(),
    ",
",
    nearest!("$3::timestamptz"),
    ",
_made as (
  select b.version::text as version, ",
    appointment!(),
    "::text as body
    from appointments b where b.id = $7::uuid
),
_verdict as (
  select case when exists (select from _made) then null ",
    unfit!(),
    "     when $8::uuid is not null
               and not exists (select from contacts k where k.id = $8::uuid and k.deleted_at is null)
               then 'unknown_contact'
          when not exists (select from people) then 'nobody_does_it'
          when $6::boolean then 'slot_taken'
          when $3::timestamptz < a.earliest then 'slot_too_soon'
          when $3::timestamptz >= a.latest then 'slot_too_far'
          when exists (select from possible q where q.at = $3::timestamptz) then 'slot_taken'
          else 'no_such_slot' end as word
    from asked a left join services s on s.id = a.service_id and s.deleted_at is null
    left join staff p on p.id = a.staff_id and p.deleted_at is null
),
_answer as (
  select case when v.word is null then (select m.body from _made m)
              when v.word in ('slot_taken', 'slot_too_soon', 'slot_too_far', 'no_such_slot')
              then (select n.body from _nearest n) end as body,
         case when v.word is null then 1 else -1 end::bigint as count,
         (select m.version from _made m) as version, coalesce(v.word, ($7::uuid)::text) as key
    from _verdict v
)",
    answer!()
);

/// How often a booking for whoever is free tries, should somebody book the chosen one by name meanwhile.
const TRIES: usize = 3;

/// The statements that make it. Each sees what was committed before it began, so that a second try chooses anew, and does
/// nothing where the first has made it: its id is taken.
pub(super) fn make(new: &NewAppointment, now: DateTime<Utc>) -> Verb {
    let (service, staff, starts_at) = (text(new.service), text(new.staff), Some(new.starts_at.clone()));
    let now = Some(moment::of(now));
    let sweep = Step {
        sql: SWEEP,
        params: vec![
            service.clone(),
            staff.clone(),
            starts_at.clone(),
            now.clone(),
            text(new.contact),
        ],
    };
    let lock = Step {
        sql: LOCK_SERVICE,
        params: vec![service.clone()],
    };
    let (zone, force) = (new.time_zone.clone(), Some(new.force.to_string()));
    let asked = vec![
        service,
        staff,
        starts_at,
        now,
        zone,
        force,
        text(new.id),
        text(new.contact),
    ];
    let more = [new.held_until.map(moment::of), new.note.clone()];
    let try_it = Step {
        sql: MAKE,
        params: asked.iter().cloned().chain(more).collect(),
    };
    let (lock, tries) = if new.staff.is_some() {
        (None, 1)
    } else {
        (Some(lock), TRIES)
    };
    let tries = std::iter::repeat_n(try_it, tries);
    let locks = lock.into_iter().chain([sweep]).chain(tries).collect();
    let made = Step {
        sql: MADE,
        params: asked,
    };
    Verb {
        creates: true,
        ..verb(locks, made)
    }
}
