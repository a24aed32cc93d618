//! The board of a pipeline: its stages, what the deals in each come to, and the first of them.

use super::{Parameters, Verb, answer, id_of};
use crate::records::RecordError;

/// The parameters of a board.
pub const PARAMETERS: &[&str] = &["limit", "owner_id"];

/// How many deals of a stage are shown where the request says nothing.
const USUAL: u32 = 20;

/// The most deals of a stage that are shown.
pub const MOST: u32 = 200;

/// Reads the board of a pipeline.
///
/// # Errors
/// An id or parameters that cannot be read.
pub fn board(id: &str, query: &str) -> Result<Verb, RecordError> {
    let id = id_of(id)?;
    let mut parameters = Parameters::read(query, PARAMETERS)?;
    let limit = parameters.number("limit", 0..=MOST).unwrap_or(USUAL);
    let owner = parameters.id("owner_id").map(|id| id.to_string());
    parameters.finish()?;
    let params = vec![Some(id.to_string()), owner, Some(limit.to_string())];
    Ok(Verb::reads("pipelines", BOARD, params))
}

/// `$1` the pipeline, `$2` whose deals, `$3` how many of each stage. An archived stage is shown while deals are in it.
pub(crate) const BOARD: &str = concat!(
    "\
with _pipeline as (
  select p.id, p.name, p.currency, p.version from pipelines p where p.id = $1::uuid and p.deleted_at is null
),
_sums as (
  select d.stage_id, d.currency, count(*) as count, sum(coalesce(d.value, 0)) as value,
         sum(round(coalesce(d.value, 0) * coalesce(d.probability, s.probability) / 100, 4)) as weighted
    from deals d
    join _pipeline p on p.id = d.pipeline_id
    join stages s on s.id = d.stage_id
   where d.deleted_at is null and ($2::uuid is null or d.owner_id = $2::uuid)
   group by d.stage_id, d.currency
),
_stages as (
  select s.position, (select row_to_json(r) from (
           select s.id, s.name, s.kind, s.position, s.probability, s.color, s.rot_after_days, s.required_fields,
                  s.archived_at, coalesce(t.count, 0) as count, coalesce(t.totals, '[]') as totals,
                  coalesce(f.deals, '[]') as deals) r) as stage
    from _pipeline p
    join stages s on s.pipeline_id = p.id
    left join lateral (
      select sum(m.count)::bigint as count, json_agg(json_build_object('currency', m.currency, 'count', m.count,
               'value', round(m.value, 4)::text, 'weighted', round(m.weighted, 4)::text) order by m.currency) as totals
        from _sums m where m.stage_id = s.id having count(*) > 0
    ) t on true
    left join lateral (
      select json_agg(row_to_json(c) order by c.rank) as deals from (
        select row_number() over (order by d.position, d.id) as rank, d.id, d.title, d.value::text as value, d.currency,
               coalesce(d.probability, s.probability) as probability, d.position::text as position,
               d.expected_close_date, d.stage_entered_at,
               d.status = 'open' and coalesce(d.stage_entered_at + s.rot_after_days * interval '1 day' < now(), false)
                 as is_stale,
               d.contact_id, d.company_id, d.owner_id, d.version
          from deals d
         where d.pipeline_id = s.pipeline_id and d.stage_id = s.id and d.status = s.kind and d.deleted_at is null
           and ($2::uuid is null or d.owner_id = $2::uuid)
         order by d.position, d.id limit $3::bigint) c
    ) f on true
   where s.archived_at is null or t.count > 0
),
_answer as (
  select (select row_to_json(b) from (
           select p.id, p.name, p.currency, p.version,
                  coalesce((select json_agg(s.stage order by s.position) from _stages s), '[]') as stages) b)::text as body,
         1::bigint as count, null::text as version, null::text as key
    from _pipeline p
   union all
  select null, -1, null, 'unknown' where not exists (select from _pipeline)
)",
    answer!()
);
