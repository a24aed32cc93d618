//! An appointment gets another time, or goes to another of the staff.
//!
//! It keeps its length and its buffers. Its own time does not stand in its way.

use chrono::{DateTime, Utc};

use super::{Reschedule, allowed, appointment, nearest, text, verb};
use crate::crm::slots::{statement, unfit};
use crate::crm::{Step, Verb, answer, moment};

/// Locks whom the appointment `$1` is with and whom it goes to (`$2`): those who move appointments of one person wait here for
/// each other, and not for each other's rows.
pub(crate) const LOCK_STAFF: &str = "\
select p.id from staff p
 where p.id = $2::uuid or p.id = (select b.staff_id from appointments b where b.id = $1::uuid)
 order by p.id
   for no key update";

/// Cancels the holds that have expired and would be in the way at `$3`.
pub(crate) const SWEEP: &str = "\
update appointments h set status = 'cancelled', cancel_reason = 'The hold expired'
 where h.id in (
   select e.id
     from appointments b
     join appointments e
       on e.staff_id = coalesce($2::uuid, b.staff_id) and e.id <> b.id
      and e.busy && tstzrange($3::timestamptz - (b.starts_at - lower(b.busy)), $3::timestamptz + (upper(b.busy) - b.starts_at))
    where b.id = $1::uuid and b.deleted_at is null and b.version = any (coalesce($5::bigint[], array[b.version]))
      and (b.status in ('scheduled', 'confirmed') or b.hold_expires_at > $4::timestamptz)
      and e.status = 'held' and e.deleted_at is null and e.hold_expires_at <= least($4::timestamptz, now())
    order by e.id for update of e)";

/// Moves the appointment `$1`, if it has one of the versions `$6`, to `$3`.
pub(crate) const MOVE: &str = concat!(
    "with _old as (
  select b.id, b.status, b.hold_expires_at, b.version, b.service_id, b.time_zone, coalesce($2::uuid, b.staff_id) as staff_id,
         b.ends_at - b.starts_at as length, b.starts_at - lower(b.busy) as before, upper(b.busy) - b.ends_at as after, ",
    allowed!(
        "b.status",
        "b.hold_expires_at <= $4::timestamptz",
        "b.starts_at <= $4::timestamptz"
    ),
    " as allowed
    from appointments b where b.id = $1::uuid and b.deleted_at is null
),
asked as (
  select o.service_id, o.staff_id, c.at - interval '168 hours' as from_at, c.at + interval '336 hours' as to_at,
         $4::timestamptz as now_at, coalesce(o.time_zone, 'UTC') as zone, o.id as except_id, o.length, o.before, o.after,
         false as forced, w.earliest, w.latest
    from _old o join services s on s.id = o.service_id
   cross join lateral (select $4::timestamptz + make_interval(mins => s.min_notice_minutes) as earliest,
                              $4::timestamptz + make_interval(hours => 24 * s.max_advance_days) as latest) w
   cross join lateral (select greatest(w.earliest, least(w.latest, $3::timestamptz)) as at) c
),
",
    statement::free!(),
    ",
",
    nearest!("$3::timestamptz"),
    ",
_busy as (
  select exists (select from appointments b join asked a on b.staff_id = a.staff_id
                  where b.status in ('held', 'scheduled', 'confirmed') and b.deleted_at is null and b.id <> a.except_id
                    and b.busy && tstzrange($3::timestamptz - a.before, $3::timestamptz + a.length + a.after)) as is_taken
),
_refused as (
  select r.word, r.body from (
    select 1 as rank, 'unknown' as word, null::text as body where not exists (select from _old)
     union all
    select 2, 'outdated', json_build_object('details', o.version)::text from _old o where o.version <> all ($6::bigint[])
     union all
    select 3, 'hold_expired', json_build_object('details', format('Since %s', o.hold_expires_at))::text
      from _old o where o.status = 'held' and o.hold_expires_at <= $4::timestamptz
     union all
    select 4, 'not_possible_now',
           json_build_object('details', json_build_object('status', o.status, 'allowed', o.allowed))::text
      from _old o where not (o.allowed::jsonb ? 'reschedule')
     union all
    select 5, v.word, null from (
      select case ",
    unfit!(),
    " end as word
        from asked a left join services s on s.id = a.service_id and s.deleted_at is null
        left join staff p on p.id = a.staff_id and p.deleted_at is null) v
     where v.word is not null
     union all
    select 6, v.word, n.body from _nearest n cross join (
      select case when $5::boolean then case when b.is_taken then 'slot_taken' end
                  when $3::timestamptz < a.earliest then 'slot_too_soon'
                  when $3::timestamptz >= a.latest then 'slot_too_far'
                  when not exists (select from possible q where q.at = $3::timestamptz) then 'no_such_slot'
                  when b.is_taken then 'slot_taken' end as word
        from asked a cross join _busy b) v
     where v.word is not null
  ) r order by r.rank limit 1
),
_new as (
  update appointments b
     set staff_id = o.staff_id, starts_at = $3::timestamptz, ends_at = $3::timestamptz + o.length
    from _old o where b.id = o.id and not exists (select from _refused)
  returning b.version, ",
    appointment!(),
    " as body
),
_answer as (
  select n.body::text as body, 1::bigint as count, n.version::text as version, null::text as key from _new n
   union all
  select r.body, -1, null, r.word from _refused r
)",
    answer!()
);

pub(super) fn make(asked: &Reschedule, now: DateTime<Utc>) -> Verb {
    let (id, staff) = (text(asked.id), text(asked.staff));
    let (starts_at, now) = (Some(asked.starts_at.clone()), Some(moment::of(now)));
    let lock = |sql, params| Step { sql, params };
    let locks = vec![
        lock(LOCK_STAFF, vec![id.clone(), staff.clone()]),
        lock(super::change::LOCK, vec![id.clone()]),
        lock(
            SWEEP,
            vec![
                id.clone(),
                staff.clone(),
                starts_at.clone(),
                now.clone(),
                asked.versions.clone(),
            ],
        ),
    ];
    let change = Step {
        sql: MOVE,
        params: vec![
            id,
            staff,
            starts_at,
            now,
            Some(asked.force.to_string()),
            asked.versions.clone(),
        ],
    };
    verb(locks, change)
}
