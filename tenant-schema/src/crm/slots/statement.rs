//! The text that works out what is free, shared by every statement that asks for it.
//!
//! [`first_moment`] turns a time on a wall clock into an instant; [`free`] is the parts of a `with` that stand behind a part
//! `asked` of one row, which says what for: `service_id`, `staff_id` (null for everybody who does it), `from_at` and `to_at`
//! between which a slot begins, `now_at`, `zone`, `except_id` (an appointment that does not count), `length`,
//! `before` and `after` where they are not the service's, and `forced`: at `from_at`, whatever the hours are.
//!
//! A hold has expired when both clocks say so, the server's and the database's: of two servers, the one whose clock is ahead
//! does not give away what the other holds.

/// The first moment at which the clocks of a zone show this time of this day, or a later one. So a time that a zone
/// leaves out in spring is the moment at which it goes on, one that it has twice in autumn is the first of both, and of two
/// times the later one is never the earlier moment. PostgreSQL's own `at time zone` takes the second of both, and for a
/// time that is left out one as far behind the gap as it is behind the gap's beginning.
macro_rules! first_moment {
    ($local:literal, $zone:literal) => {
        concat!(
            "(select case when _s.at at time zone ", $zone, " <> ", $local, "
               then (select min(_m.at) from generate_series(
                       _s.at - (_s.at at time zone ", $zone, " - ", $local, "), _s.at, interval '1 minute') _m(at)
                      where _m.at at time zone ", $zone, " >= ", $local, ")
               when _s.early < _s.at and _s.early at time zone ", $zone, " = ", $local, " then _s.early
               else _s.at end
          from (select _c.at, (", $local, " - ((_c.at - interval '24 hours') at time zone ", $zone, "
                                - (_c.at - interval '24 hours') at time zone 'UTC')) at time zone 'UTC' as early
                  from (select ", $local, " at time zone ", $zone, " as at) _c) _s)"
        )
    };
}
pub(crate) use first_moment;

/// The parts `svc`, `people`, `hours`, `working`, `taken`, `away`, `starts`, `possible` and `free`.
///
/// Hours are those of whole days of the schedule's zone, more of them than the window has, so that what a slot is does not
/// depend on the window: it begins a multiple of the step behind the beginning of the hours that it begins in. Hours that
/// touch are one, so that an appointment may go over midnight. Days and hours are never added to an instant but as a fixed
/// length.
macro_rules! free {
    () => {
        concat!(
            "svc as (
  select s.id, coalesce(a.length, make_interval(mins => s.duration_minutes)) as length,
         make_interval(mins => coalesce(s.slot_step_minutes, s.duration_minutes)) as step,
         coalesce(a.before, make_interval(mins => s.buffer_before_minutes)) as before,
         coalesce(a.after, make_interval(mins => s.buffer_after_minutes)) as after,
         case when a.forced then a.from_at
              else greatest(a.from_at, a.now_at + make_interval(mins => s.min_notice_minutes)) end as lower,
         case when a.forced then a.to_at
              else least(a.to_at, a.now_at + make_interval(hours => 24 * s.max_advance_days)) end as upper
    from asked a join services s on s.id = a.service_id and s.active and s.deleted_at is null
),
people as (
  select p.id as staff_id
    from asked a join staff_services d on d.service_id = a.service_id join staff p on p.id = d.staff_id
   where p.active and p.deleted_at is null and (a.staff_id is null or p.id = a.staff_id)
),
hours as (
  select c.staff_id, e.opens, e.closes
    from people p join schedules c on c.staff_id = p.staff_id and c.deleted_at is null
   cross join svc v
   cross join lateral (select (v.lower at time zone c.time_zone)::date - 1 as first,
                              (v.upper at time zone c.time_zone)::date + 2 as last) w
   cross join lateral generate_series(0, w.last - w.first) n
   cross join lateral (
     select r.start_local, r.end_local from schedule_rules r
      where r.schedule_id = c.id and r.weekday = extract(isodow from w.first + n)
        and not exists (select from schedule_overrides o where o.schedule_id = c.id and o.day = w.first + n)
      union all
     select o.start_local, o.end_local from schedule_overrides o
      where o.schedule_id = c.id and o.day = w.first + n and o.start_local is not null
   ) h
   cross join lateral (select ",
            $crate::crm::slots::statement::first_moment!("(w.first + n + h.start_local)", "c.time_zone"),
            " as opens, ",
            $crate::crm::slots::statement::first_moment!("(w.first + n + h.end_local)", "c.time_zone"),
            " as closes offset 0) e
   where e.opens < e.closes and w.first + n <@ daterange(c.valid_from, c.valid_until, '[]')
),
working as (
  select h.staff_id, range_agg(tstzrange(h.opens, h.closes)) as open from hours h group by h.staff_id
),
taken as (
  select b.staff_id, range_agg(b.busy) as busy
    from people p join appointments b on b.staff_id = p.staff_id cross join svc v cross join asked a
   where b.status in ('held', 'scheduled', 'confirmed') and b.deleted_at is null
     and b.busy && tstzrange(v.lower - interval '48 hours', v.upper + interval '48 hours' + v.length)
     and (b.status <> 'held' or b.hold_expires_at > least(a.now_at, now())) and b.id is distinct from a.except_id
   group by b.staff_id
),
away as (
  select o.staff_id, range_agg(tstzrange(o.starts_at, o.ends_at)) as periods
    from people p join time_off o on o.staff_id = p.staff_id cross join svc v
   where o.ends_at > v.lower and o.starts_at < v.upper + v.length
   group by o.staff_id
),
starts as (
  select h.staff_id, s.at from hours h cross join svc v cross join asked a
   cross join lateral generate_series(h.opens, h.closes, v.step) s(at)
   where s.at >= v.lower and s.at < v.upper and not a.forced
   union
  select p.staff_id, v.lower from people p cross join svc v cross join asked a where a.forced
),
possible as (
  select s.staff_id, s.at, s.at + v.length as ends_at,
         coalesce(t.busy && tstzrange(s.at - v.before, s.at + v.length + v.after), false) as is_taken
    from starts s cross join svc v cross join asked a
    left join working w on w.staff_id = s.staff_id
    left join away o on o.staff_id = s.staff_id
    left join taken t on t.staff_id = s.staff_id
   where a.forced or (w.open @> tstzrange(s.at, s.at + v.length)
                      and not coalesce(o.periods && tstzrange(s.at, s.at + v.length), false))
),
free as (select p.staff_id, p.at, p.ends_at from possible p where not p.is_taken)"
        )
    };
}
pub(crate) use free;
