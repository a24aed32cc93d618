//! The statements that write pipelines with their stages.

use crate::crm::answer;

/// All of them.
pub(crate) const STATEMENTS: &[&str] = &[
    LOCK,
    LEAVE_DEFAULT,
    LEAVE_DEFAULT_FOR,
    REMOVE,
    ARCHIVE,
    CREATE,
    REPLACE,
    REORDER,
];

/// Locks a pipeline: its stages are written by one request after the other.
pub(super) const LOCK: &str = "select p.id from pipelines p where p.id = $1::uuid for no key update";

/// No pipeline is the default any more.
pub(super) const LEAVE_DEFAULT: &str = "update pipelines p set is_default = false where p.is_default";

/// Whether a pipeline `$1` can be replaced: it is there, has one of the versions `$2`, and all stages `$3` are its own.
macro_rules! is_possible {
    () => {
        "exists (select from pipelines p where p.id = $1::uuid and p.deleted_at is null
                    and ($2::bigint[] is null or p.version = any ($2::bigint[])))
   and not exists (select from unnest($3::uuid[]) i (id)
                    where not exists (select from stages k where k.id = i.id and k.pipeline_id = $1::uuid))"
    };
}

/// No other pipeline is the default.
pub(super) const LEAVE_DEFAULT_FOR: &str = concat!(
    "update pipelines o set is_default = false where o.is_default and o.id <> $1::uuid\n   and ",
    is_possible!()
);

/// Removes the stages that are left out and in which no deal has been.
pub(super) const REMOVE: &str = concat!(
    "delete from stages s
 where s.pipeline_id = $1::uuid and s.id <> all ($3::uuid[])
   and not exists (select from deals d where d.pipeline_id = s.pipeline_id and d.stage_id = s.id)
   and not exists (select from deal_stage_history h where h.to_stage_id = s.id)
   and ",
    is_possible!()
);

/// Archives the others that are left out.
pub(super) const ARCHIVE: &str = concat!(
    "update stages s set archived_at = now()
 where s.pipeline_id = $1::uuid and s.id <> all ($3::uuid[]) and s.archived_at is null
   and ",
    is_possible!()
);

/// The stages of a body, `$n`, with their places.
macro_rules! given {
    ($stages:literal) => {
        concat!(
            "_given as (
  select g.id, g.name, g.kind, g.probability, g.rot_after_days, g.color,
         coalesce(g.required_fields, '{}') as required_fields, g.place::integer as place
    from rows from (jsonb_to_recordset(",
            $stages,
            "::jsonb) as (id uuid, name text, kind text, probability numeric, rot_after_days integer, color text,
           required_fields text[])) with ordinality
      g (id, name, kind, probability, rot_after_days, color, required_fields, place)
),"
        )
    };
}

/// A pipeline `p` as it is answered, with stages of `_shown`.
macro_rules! pipeline {
    () => {
        "(select row_to_json(r) from (
    select p.id, p.name, p.is_default, p.currency, p.position, p.owner_id, p.created_at, p.updated_at, p.version,
           (select coalesce(json_agg(row_to_json(s) order by s.position), '[]') from _shown s) as stages) r)"
    };
}

macro_rules! shown {
    () => {
        "id, s.name, s.kind, s.position, s.probability, s.rot_after_days, s.color, s.required_fields, s.archived_at, s.version"
    };
}

/// `$1` to `$4` name, default, currency and position; `$5` the stages.
pub(super) const CREATE: &str = concat!(
    "with ",
    given!("$5"),
    "
_new as (
  insert into pipelines as p (name, is_default, currency, position)
  values ($1::text, coalesce($2::boolean, false), coalesce($3::text, 'EUR'),
          coalesce($4::integer, (select coalesce(max(o.position), 0) + 1 from pipelines o)))
  returning p.id, p.name, p.is_default, p.currency, p.position, p.owner_id, p.created_at, p.updated_at, p.version
),
_shown as (
  insert into stages as s (pipeline_id, name, kind, position, probability, rot_after_days, color, required_fields)
  select n.id, g.name, g.kind, g.place, g.probability, g.rot_after_days, g.color, g.required_fields
    from _new n cross join _given g
  returning s.",
    shown!(),
    "
),
_answer as (
  select ",
    pipeline!(),
    "::text as body, 1::bigint as count, p.version::text as version, p.id::text as key from _new p
)",
    answer!()
);

/// What a write to the stages of a pipeline refuses first.
macro_rules! refused_first {
    () => {
        "    select 1 as rank, 'unknown' as word, null::json as body
     where not exists (select from pipelines p where p.id = $1::uuid and p.deleted_at is null)
     union all
    select 2, 'outdated', json_build_object('details', p.version) from pipelines p
     where p.id = $1::uuid and p.version <> all ($2::bigint[])
     union all"
    };
}

/// `$1` the pipeline, `$2` the versions it may have, `$3` the stages that stay; then as in [`CREATE`], from `$4` on.
pub(super) const REPLACE: &str = concat!(
    "with ",
    given!("$8"),
    "
_refused as (
  select r.word, r.body from (
",
    refused_first!(),
    "
    select 3, 'stages_unknown', json_build_object('details', json_build_object('unknown', json_agg(i.id)))
      from unnest($3::uuid[]) i (id)
     where not exists (select from stages k where k.id = i.id and k.pipeline_id = $1::uuid)
    having count(*) > 0
  ) r order by r.rank limit 1
),
_changed as (
  update pipelines p
     set name = $4::text, is_default = coalesce($5::boolean, p.is_default), currency = coalesce($6::text, p.currency),
         position = coalesce($7::integer, p.position)
   where p.id = $1::uuid and not exists (select from _refused)
  returning p.id, p.name, p.is_default, p.currency, p.position, p.owner_id, p.created_at, p.updated_at, p.version
),
_behind as (
  select s.id, row_number() over (order by s.position) + (select count(*) from _given g) as place
    from stages s join _changed c on c.id = s.pipeline_id where s.id <> all ($3::uuid[])
),
_kept as (
  update stages s
     set name = coalesce(g.name, s.name), kind = coalesce(g.kind, s.kind), position = coalesce(g.place, b.place),
         probability = coalesce(g.probability, s.probability),
         rot_after_days = case when g.id is null then s.rot_after_days else g.rot_after_days end,
         color = case when g.id is null then s.color else g.color end,
         required_fields = coalesce(g.required_fields, s.required_fields),
         archived_at = case when g.id is null then s.archived_at end
    from _changed c, (select i.id from stages i where i.pipeline_id = $1::uuid) i
    left join _given g on g.id = i.id left join _behind b on b.id = i.id
   where s.pipeline_id = c.id and s.id = i.id
  returning s.",
    shown!(),
    "
),
_new as (
  insert into stages as s (pipeline_id, name, kind, position, probability, rot_after_days, color, required_fields)
  select c.id, g.name, g.kind, g.place, g.probability, g.rot_after_days, g.color, g.required_fields
    from _changed c cross join _given g where g.id is null
  returning s.",
    shown!(),
    "
),
_shown as (
  select s.",
    shown!(),
    " from _kept s
   union all
  select s.",
    shown!(),
    " from _new s
),
_answer as (
  select ",
    pipeline!(),
    "::text as body, 1::bigint as count, p.version::text as version, null::text as key from _changed p
   union all
  select r.body::text, -1, null, r.word from _refused r
)",
    answer!()
);

/// `$1` the pipeline, `$2` the versions it may have, `$3` its stages in their order. The archived ones come behind.
pub(super) const REORDER: &str = concat!(
    "with _placed as (
  select i.id, i.place from unnest($3::uuid[]) with ordinality i (id, place)
),
_live as (
  select s.id from stages s where s.pipeline_id = $1::uuid and s.archived_at is null
),
_refused as (
  select r.word, r.body from (
",
    refused_first!(),
    "
    select 3, 'stages_incomplete', json_build_object('details', json_build_object(
             'missing', coalesce(json_agg(l.id) filter (where i.id is null), '[]'),
             'unknown', coalesce(json_agg(i.id) filter (where l.id is null), '[]')))
      from _placed i full join _live l on l.id = i.id
     where i.id is null or l.id is null
    having count(*) > 0
  ) r order by r.rank limit 1
),
_order as (
  select s.id, row_number() over (order by i.place nulls last, s.position)::integer as place
    from stages s left join _placed i on i.id = s.id
   where s.pipeline_id = $1::uuid and not exists (select from _refused)
),
_moved as (
  update stages s set position = o.place from _order o where s.id = o.id and s.position <> o.place
  returning s.id, s.version
),
_shown as (
  select s.id, s.name, s.kind, o.place as position, s.probability, s.rot_after_days, s.color, s.required_fields,
         s.archived_at, coalesce(m.version, s.version) as version
    from _order o join stages s on s.id = o.id left join _moved m on m.id = o.id
),
_answer as (
  select ",
    pipeline!(),
    "::text as body, 1::bigint as count, p.version::text as version, null::text as key
    from pipelines p where p.id = $1::uuid and not exists (select from _refused)
   union all
  select r.body::text, -1, null, r.word from _refused r
)",
    answer!()
);
