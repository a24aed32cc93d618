//! The statements of the reports. `$1` and `$2` are the first and the last day, `$3` whose; then the pipeline, then what is
//! grouped by, as far as a report has them.

use crate::crm::answer;

/// All of them.
pub(crate) const STATEMENTS: &[&str] = &[FORECAST, FUNNEL, WIN_RATE, CYCLE_TIME, ACTIVITIES];

/// The period: this month and the two that follow it, or the three that begin with the first day, or end with the last.
macro_rules! ahead {
    () => {
        "\
with _from as (
  select coalesce($1::date, date_trunc('month', coalesce($2::date - interval '2 months', current_date::timestamp)))::date
           as first
),
_span as (
  select f.first, coalesce($2::date, (date_trunc('month', f.first::timestamp) + interval '3 months - 1 day')::date) as last
    from _from f
),"
    };
}

/// The period: the twelve months that end with today, or with the last day.
macro_rules! behind {
    () => {
        "\
with _to as (select coalesce($2::date, greatest($1::date, current_date)) as last),
_span as (
  select coalesce($1::date, (t.last - interval '1 year' + interval '1 day')::date) as first, t.last from _to t
),"
    };
}

/// Deals that were decided within the period.
macro_rules! decided {
    () => {
        "
_deals as (
  select d.status, d.owner_id, d.pipeline_id, d.created_at, d.closed_at,
         to_char(d.closed_at, 'YYYY-MM') as month,
         extract(epoch from d.closed_at - d.created_at) / 86400 as days
    from deals d cross join _span s
   where d.deleted_at is null and d.status <> 'open'
     and d.closed_at >= s.first::timestamptz and d.closed_at < (s.last + 1)::timestamptz
     and ($3::uuid is null or d.owner_id = $3::uuid) and ($4::uuid is null or d.pipeline_id = $4::uuid)
),"
    };
}

/// A period that is too long, where only one of its ends was said.
macro_rules! too_long {
    () => {
        "
   union all
  select json_build_object('errors', json_build_array(json_build_object(
           'field', 'from', 'code', 'too_long', 'message', 'must be at most 3660 days before the last day')))::text,
         -1, null, 'bad_parameter'
    from _span s where s.last - s.first > 3660"
    };
}

/// The answer: what was asked, and the rows in their order.
macro_rules! report {
    ($group:literal) => {
        concat!(
            "
_answer as (
  select json_build_object('from', s.first, 'to', s.last, 'time_zone', current_setting('TimeZone'), 'group', ",
            $group,
            ",
           'rows', coalesce((select json_agg(row_to_json(r)) from _rows r), '[]'))::text as body,
         1::bigint as count, null::text as version, null::text as key
    from _span s where s.last - s.first <= 3660",
            too_long!(),
            "
)",
            answer!()
        )
    };
}

/// Open deals count in the month in which they are expected, decided ones in that in which they were. Open is all that is
/// open; slipped is that part of it which was expected before today.
pub(super) const FORECAST: &str = concat!(
    ahead!(),
    "
_open as (
  select d.status, d.owner_id, d.pipeline_id, d.currency, coalesce(d.value, 0) as value,
         round(coalesce(d.value, 0) * coalesce(d.probability, t.probability) / 100, 4) as weighted,
         to_char(d.expected_close_date, 'YYYY-MM') as month, d.expected_close_date < current_date as is_slipped
    from deals d join stages t on t.id = d.stage_id cross join _span s
   where d.deleted_at is null and d.status = 'open' and d.expected_close_date between s.first and s.last
     and ($3::uuid is null or d.owner_id = $3::uuid) and ($4::uuid is null or d.pipeline_id = $4::uuid)
),
_closed as (
  select d.status, d.owner_id, d.pipeline_id, d.currency, coalesce(d.value, 0) as value, 0::numeric as weighted,
         to_char(d.closed_at, 'YYYY-MM') as month, false as is_slipped
    from deals d cross join _span s
   where d.deleted_at is null and d.status <> 'open'
     and d.closed_at >= s.first::timestamptz and d.closed_at < (s.last + 1)::timestamptz
     and ($3::uuid is null or d.owner_id = $3::uuid) and ($4::uuid is null or d.pipeline_id = $4::uuid)
),
_deals as (
  select o.status, o.owner_id, o.pipeline_id, o.currency, o.value, o.weighted, o.month, o.is_slipped from _open o
   union all
  select c.status, c.owner_id, c.pipeline_id, c.currency, c.value, c.weighted, c.month, c.is_slipped from _closed c
),
_sums as (
  select case when 'month' = any ($5::text[]) then d.month end as month,
         case when 'owner' = any ($5::text[]) then d.owner_id end as owner_id,
         case when 'pipeline' = any ($5::text[]) then d.pipeline_id end as pipeline_id, d.currency,
         count(*) filter (where d.status = 'open') as open_count, sum(d.value) filter (where d.status = 'open') as open,
         sum(d.weighted) as weighted,
         count(*) filter (where d.status = 'won') as won_count, sum(d.value) filter (where d.status = 'won') as won,
         count(*) filter (where d.status = 'lost') as lost_count, sum(d.value) filter (where d.status = 'lost') as lost,
         count(*) filter (where d.is_slipped) as slipped_count, sum(d.value) filter (where d.is_slipped) as slipped
    from _deals d
   group by 1, 2, 3, 4
),
_rows as (
  select m.month, m.owner_id, m.pipeline_id, m.currency,
         json_build_object('count', m.open_count, 'value', round(coalesce(m.open, 0), 4)::text) as open,
         round(m.weighted, 4)::text as weighted,
         json_build_object('count', m.won_count, 'value', round(coalesce(m.won, 0), 4)::text) as won,
         json_build_object('count', m.lost_count, 'value', round(coalesce(m.lost, 0), 4)::text) as lost,
         json_build_object('count', m.slipped_count, 'value', round(coalesce(m.slipped, 0), 4)::text) as slipped
    from _sums m
   order by m.month, m.owner_id, m.pipeline_id, m.currency
),",
    report!("$5::text[]")
);

/// Of the deals that were decided, how many were won; the sample beside each rate.
pub(super) const WIN_RATE: &str = concat!(
    behind!(),
    decided!(),
    "
_rows as (
  select case when 'month' = any ($5::text[]) then d.month end as month,
         case when 'owner' = any ($5::text[]) then d.owner_id end as owner_id,
         case when 'pipeline' = any ($5::text[]) then d.pipeline_id end as pipeline_id,
         count(*) as sample, count(*) filter (where d.status = 'won') as won,
         count(*) filter (where d.status = 'lost') as lost,
         round(count(*) filter (where d.status = 'won')::numeric / count(*), 4) as win_rate
    from _deals d
   group by 1, 2, 3
   order by 1, 2, 3
),",
    report!("$5::text[]")
);

/// The days from the making of a deal to its decision.
pub(super) const CYCLE_TIME: &str = concat!(
    behind!(),
    decided!(),
    "
_rows as (
  select case when 'month' = any ($5::text[]) then d.month end as month,
         case when 'owner' = any ($5::text[]) then d.owner_id end as owner_id,
         case when 'pipeline' = any ($5::text[]) then d.pipeline_id end as pipeline_id, d.status,
         count(*) as sample, round(avg(d.days), 2) as average_days,
         round(percentile_cont(0.5) within group (order by d.days)::numeric, 2) as median_days,
         round(percentile_cont(0.9) within group (order by d.days)::numeric, 2) as ninetieth_percentile_days
    from _deals d
   group by 1, 2, 3, 4
   order by 1, 2, 3, 4 desc
),",
    report!("$5::text[]")
);

/// The deals that came into each open stage within the period, each counted once for a stage, and what became of them: on to
/// a later stage or won, lost, or still there. An entry into a later stage counts whenever it was.
pub(super) const FUNNEL: &str = concat!(
    behind!(),
    "
_pipeline as (
  select p.id, p.name from pipelines p
   where p.deleted_at is null and (p.id = $4::uuid or $4::uuid is null and p.is_default)
),
_entries as (
  select h.to_stage_id as stage_id, h.deal_id, min(h.entered_at) as entered_at,
         sum(extract(epoch from h.left_at - h.entered_at)) / 86400 as days
    from deal_stage_history h
    join stages t on t.id = h.to_stage_id
    join _pipeline p on p.id = t.pipeline_id
    join deals d on d.id = h.deal_id
    cross join _span s
   where d.deleted_at is null and t.kind = 'open'
     and h.entered_at >= s.first::timestamptz and h.entered_at < (s.last + 1)::timestamptz
     and ($3::uuid is null or d.owner_id = $3::uuid)
   group by h.to_stage_id, h.deal_id
),
_fates as (
  select e.stage_id, e.days, d.status, d.stage_id = e.stage_id as is_there,
         exists (select from deal_stage_history h join stages t on t.id = h.to_stage_id
                  where h.deal_id = e.deal_id and h.entered_at > e.entered_at and t.pipeline_id = o.pipeline_id
                    and (t.kind = 'won' or t.kind = 'open' and t.position > o.position)) as has_advanced
    from _entries e join deals d on d.id = e.deal_id join stages o on o.id = e.stage_id
),
_rows as (
  select t.id as stage_id, t.name as stage, t.position, count(f.stage_id) as sample,
         count(*) filter (where f.has_advanced) as advanced,
         count(*) filter (where f.status = 'won') as won,
         count(*) filter (where f.status = 'lost') as lost,
         count(*) filter (where f.is_there) as still_here,
         round(count(*) filter (where f.has_advanced)::numeric / nullif(count(f.stage_id), 0), 4) as conversion,
         round(count(*) filter (where f.status = 'won')::numeric / nullif(count(f.stage_id), 0), 4) as won_rate,
         round(percentile_cont(0.5) within group (order by f.days)::numeric, 2) as median_days
    from _pipeline p join stages t on t.pipeline_id = p.id and t.kind = 'open' left join _fates f on f.stage_id = t.id
   where t.archived_at is null or f.stage_id is not null
   group by t.id, t.name, t.position
   order by t.position
),
_answer as (
  select json_build_object('from', s.first, 'to', s.last, 'time_zone', current_setting('TimeZone'),
           'pipeline_id', p.id, 'pipeline', p.name,
           'rows', coalesce((select json_agg(row_to_json(r)) from _rows r), '[]'))::text as body,
         1::bigint as count, null::text as version, null::text as key
    from _span s cross join _pipeline p where s.last - s.first <= 3660
   union all
  select null, -1, null, 'unknown' where not exists (select from _pipeline)",
    too_long!(),
    "
)",
    answer!()
);

/// An activity counts as done in the period in which it was, and as due in that in which it is.
pub(super) const ACTIVITIES: &str = concat!(
    behind!(),
    "
_all as (
  select a.type, a.owner_id, a.completed_at as at, true as is_done, false as is_open, false as is_overdue
    from activities a cross join _span s
   where a.deleted_at is null and ($3::uuid is null or a.owner_id = $3::uuid)
     and a.completed_at >= s.first::timestamptz and a.completed_at < (s.last + 1)::timestamptz
   union all
  select a.type, a.owner_id, a.due_at, false, a.completed_at is null, a.completed_at is null and a.due_at < now()
    from activities a cross join _span s
   where a.deleted_at is null and ($3::uuid is null or a.owner_id = $3::uuid)
     and a.due_at >= s.first::timestamptz and a.due_at < (s.last + 1)::timestamptz
),
_rows as (
  select case when 'type' = any ($4::text[]) then a.type end as type,
         case when 'month' = any ($4::text[]) then to_char(a.at, 'YYYY-MM') end as month,
         case when 'day' = any ($4::text[]) then a.at::date end as day,
         case when 'owner' = any ($4::text[]) then a.owner_id end as owner_id,
         count(*) filter (where a.is_done) as completed, count(*) filter (where not a.is_done) as due,
         count(*) filter (where a.is_open) as open, count(*) filter (where a.is_overdue) as overdue
    from _all a
   group by 1, 2, 3, 4
   order by 1, 2, 3, 4
),",
    report!("$4::text[]")
);
