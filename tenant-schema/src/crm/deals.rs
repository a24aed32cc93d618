//! Deals on their way: moved, won, lost and reopened, and ranked within their stage.
//!
//! All of it is one statement behind two locks. The stages come first, so that deals which go to the same stage go one after
//! the other and two are never given the same place; then the deal. The trigger of `deals` writes the history in the
//! same transaction.
//!
//! A place is a number between those of two neighbours, the middle of them, so that moving a deal changes no other. Where there
//! is no room left (neighbours of the same number, or a number with more than 24 digits behind the point)
//! the deals of the stage get new numbers, 1024 apart.

use std::fmt;

use serde_json::Value;
use uuid::Uuid;

use super::{Fields, Rule, Step, Verb, answer, id_of};
use crate::records::{Conditions, RecordError};

/// What is done to a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It goes to a stage, or to another place in its own.
    Move,
    /// It is won.
    Win,
    /// It is lost.
    Lose,
    /// It is open again.
    Reopen,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Move => "move",
            Self::Win => "win",
            Self::Lose => "lose",
            Self::Reopen => "reopen",
        })
    }
}

impl Change {
    /// The fields of its body.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Move => &["stage_id", "position", "lost_reason_id", "lost_reason", "note"],
            Self::Lose => &["lost_reason_id", "lost_reason", "note", "stage_id"],
            Self::Win | Self::Reopen => &["stage_id"],
        }
    }
}

/// The most characters of a reason in words, as the table has it.
const MOST_REASON: usize = 200;

/// The most characters of a note.
const MOST_NOTE: usize = 10_000;

/// Where in its stage a deal is put.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    First,
    Last,
    Before(Uuid),
    After(Uuid),
}

impl Place {
    fn word(&self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Before(_) => "before",
            Self::After(_) => "after",
        }
    }

    fn neighbour(&self) -> Option<Uuid> {
        match self {
            Self::Before(id) | Self::After(id) => Some(*id),
            Self::First | Self::Last => None,
        }
    }

    fn take(fields: &mut Fields) -> Option<Self> {
        let value = fields.take("position")?;
        let place = Self::of(&value);
        if place.is_none() {
            let expected =
                r#"must be "first", "last", {"before": id} or {"after": id}, the id being that of a deal"#;
            fields.refuse("position", "not_a_position", expected);
        }
        place
    }

    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(word) if word == "first" => Some(Self::First),
            Value::String(word) if word == "last" => Some(Self::Last),
            Value::Object(object) if object.len() == 1 => {
                let (side, id) = object.iter().next()?;
                let id = Uuid::parse_str(id.as_str()?).ok()?;
                match side.as_str() {
                    "before" => Some(Self::Before(id)),
                    "after" => Some(Self::After(id)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// Changes a deal.
///
/// # Errors
/// An id or a body that cannot be read.
pub fn change(change: Change, id: &str, conditions: &Conditions, body: &[u8]) -> Result<Verb, RecordError> {
    let id = id_of(id)?;
    let versions = conditions.versions()?;
    let mut fields = Fields::read(body, change.fields())?;
    let is_placed = fields.has("position");
    let (stage, place) = (fields.id("stage_id"), Place::take(&mut fields));
    let (reason, words) = (
        fields.id("lost_reason_id"),
        fields.text("lost_reason", MOST_REASON),
    );
    let note = fields.text("note", MOST_NOTE);
    if change == Change::Move && !is_placed {
        fields.required("stage_id", stage);
    }
    fields.finish()?;
    let text = |id: Option<Uuid>| id.map(|id| id.to_string());
    let (deal, stage) = (Some(id.to_string()), text(stage));
    let neighbour = text(place.as_ref().and_then(Place::neighbour));
    let lock = |sql, params| Step { sql, params };
    let statement = lock(
        CHANGE,
        vec![
            deal.clone(),
            stage.clone(),
            Some(change.to_string()),
            place.map(|place| place.word().to_owned()),
            neighbour,
            versions,
            text(reason),
            words,
            note,
        ],
    );
    let locks = vec![
        lock(LOCK_STAGES, vec![deal.clone(), stage]),
        lock(LOCK_DEAL, vec![deal]),
    ];
    Ok(Verb::writes("deals", locks, statement, RULES))
}

/// What a change refuses.
const RULES: &[Rule] = &[
    Rule {
        word: "not_possible_now",
        status: 409,
        message: "The deal is not in a state in which this can be done",
        hint: Some("The details say what can be done with it"),
    },
    Rule {
        word: "pipeline_deleted",
        status: 409,
        message: "The pipeline of the deal is in the bin",
        hint: Some("Restore the pipeline, or name a stage of another one by stage_id"),
    },
    Rule {
        word: "stage_missing",
        status: 409,
        message: "The pipeline of the deal has no stage for this",
        hint: Some("Add a stage of that kind to the pipeline, or name one of another pipeline by stage_id"),
    },
    Rule {
        word: "stage_unknown",
        status: 422,
        message: "There is no such stage",
        hint: None,
    },
    Rule {
        word: "stage_of_another_kind",
        status: 422,
        message: "The stage is not of the kind that this needs",
        hint: None,
    },
    Rule {
        word: "stage_archived",
        status: 422,
        message: "The stage is archived and takes no more deals",
        hint: None,
    },
    Rule {
        word: "neighbour_gone",
        status: 409,
        message: "The deal that the position names is not in the stage, or not any more",
        hint: Some("Read the board again"),
    },
    Rule {
        word: "fields_missing",
        status: 422,
        message: "The deal lacks fields that the stage asks for",
        hint: Some("Set them by PATCH /rest/v1/deals/{id} first"),
    },
    Rule {
        word: "loss_misplaced",
        status: 422,
        message: "A reason and a note are for deals that are lost, and the stage is no lost one",
        hint: None,
    },
    Rule {
        word: "reason_unknown",
        status: 422,
        message: "There is no such reason, or it is archived",
        hint: Some("GET /rest/v1/lost_reasons?archived_at=is.null lists the reasons"),
    },
    Rule {
        word: "reason_missing",
        status: 422,
        message: "A deal that is lost needs a reason",
        hint: Some("Give lost_reason_id, lost_reason in words, or a note"),
    },
    Rule {
        word: "note_missing",
        status: 422,
        message: "This reason needs a note",
        hint: None,
    },
];

/// Locks the stage that a deal goes to; all stages of its pipeline, where the statement will choose one of them.
pub(crate) const LOCK_STAGES: &str = "\
select s.id from stages s
 where s.id = $2::uuid
    or ($2::uuid is null and s.pipeline_id = (select d.pipeline_id from deals d where d.id = $1::uuid))
 order by s.id
   for no key update";

/// Locks the deal.
pub(crate) const LOCK_DEAL: &str = "select d.id from deals d where d.id = $1::uuid for no key update";

/// A deal as verbs answer it, a column of JSON.
macro_rules! deal {
    () => {
        "(select row_to_json(r) from (select d.id, d.title, d.value::text as value, d.currency, d.pipeline_id, d.stage_id, d.status, \
         d.probability, d.position::text as position, d.stage_entered_at, d.expected_close_date, d.closed_at, d.lost_reason_id, \
         d.lost_reason, d.lost_note, d.contact_id, d.company_id, d.owner_id, d.tag_ids, d.created_at, d.updated_at, \
         d.created_by, d.updated_by, d.deleted_at, d.version) r)"
    };
}

/// Changes a deal. `$1` the deal, `$2` the stage, `$3` what is done, `$4` and `$5` the place, `$6` the versions it may
/// have, `$7` to `$9` why it was lost.
pub(crate) const CHANGE: &str = concat!(
    "\
with _deal as (
  select d.id, d.version, d.pipeline_id, d.stage_id, d.status, d.position,
         coalesce($7::uuid, d.lost_reason_id) as reason_id, coalesce($8::text, d.lost_reason) as reason,
         coalesce($9::text, d.lost_note) as note, to_jsonb(d) as fields
    from deals d where d.id = $1::uuid and d.deleted_at is null
),
_kind as (select case $3::text when 'win' then 'won' when 'lose' then 'lost' when 'reopen' then 'open' end as kind),
_last as (
  select s.id from deal_stage_history h
    join _deal d on d.id = h.deal_id
    join stages s on s.id = h.to_stage_id and s.pipeline_id = d.pipeline_id
   where s.kind = 'open' and s.archived_at is null
   order by h.entered_at desc limit 1
),
_usual as (
  select s.id from stages s join _deal d on d.pipeline_id = s.pipeline_id join _kind k on k.kind = s.kind
   where s.archived_at is null
   order by s.position limit 1
),
_stage as (
  select s.id, s.pipeline_id, s.kind, s.name, s.required_fields, s.archived_at
    from stages s join pipelines p on p.id = s.pipeline_id
   where p.deleted_at is null
     and s.id = coalesce($2::uuid, case $3::text
           when 'move' then (select d.stage_id from _deal d)
           when 'reopen' then coalesce((select l.id from _last l), (select u.id from _usual u))
           else (select u.id from _usual u) end)
),
_others as not materialized (
  select o.id, o.position from deals o
    join _stage s on o.pipeline_id = s.pipeline_id and o.stage_id = s.id and o.status = s.kind
   where o.deleted_at is null and o.id <> $1::uuid
),
_anchor as (select o.id, o.position from _others o where o.id = $5::uuid),
_missing as (
  select f.name, f.place, s.name as stage
    from _deal d cross join _stage s cross join unnest(s.required_fields) with ordinality f (name, place)
   where s.id <> d.stage_id and coalesce(d.fields -> f.name, 'null') = 'null'
),
_refused as (
  select r.word, r.body from (
    select 1 as rank, 'unknown' as word, null::json as body where not exists (select from _deal)
     union all
    select 2, 'outdated', json_build_object('details', d.version) from _deal d where d.version <> all ($6::bigint[])
     union all
    select 3, 'not_possible_now', json_build_object('details', json_build_object('status', d.status, 'allowed',
             case d.status when 'open' then json_build_array('move', 'win', 'lose') else json_build_array('move', 'reopen') end))
      from _deal d left join _stage s on true
     where case $3::text when 'reopen' then d.status = 'open' when 'move' then d.status <> 'open' and s.kind <> d.status
                         else d.status <> 'open' end
     union all
    select 4, 'stage_unknown', json_build_object('errors', json_build_array(json_build_object(
             'field', 'stage_id', 'code', 'unknown', 'message', 'There is no such stage')))
     where $2::uuid is not null and not exists (select from _stage)
     union all
    select 5, 'pipeline_deleted', null
      from _deal d join pipelines p on p.id = d.pipeline_id where p.deleted_at is not null and $2::uuid is null
     union all
    select 6, 'stage_missing', json_build_object('details', 'It has no stage of the kind ' || k.kind)
      from _kind k where not exists (select from _stage)
     union all
    select 7, 'stage_of_another_kind', json_build_object('details',
             format('The stage \"%s\" is of the kind %s, and this needs one of the kind %s', s.name, s.kind, k.kind))
      from _stage s join _kind k on k.kind <> s.kind
     union all
    select 8, 'stage_archived', json_build_object('details', format('Since %s', s.archived_at))
      from _stage s join _deal d on d.stage_id <> s.id where s.archived_at is not null
     union all
    select 9, 'neighbour_gone', null where $5::uuid is not null and not exists (select from _anchor)
     union all
    select 10, 'fields_missing', json_build_object(
             'details', format('The stage \"%s\" asks for %s', min(m.stage), string_agg(m.name, ', ' order by m.place)),
             'errors', json_agg(json_build_object('field', m.name, 'code', 'missing', 'message',
                         format('The stage \"%s\" asks for it', m.stage)) order by m.place))
      from _missing m having count(*) > 0
     union all
    select 11, 'loss_misplaced', null from _stage s
     where s.kind <> 'lost' and num_nonnulls($7::uuid, $8::text, $9::text) > 0
     union all
    select 12, 'reason_unknown', json_build_object('errors', json_build_array(json_build_object(
             'field', 'lost_reason_id', 'code', 'unknown', 'message', 'There is no such reason, or it is archived')))
     where $7::uuid is not null
       and not exists (select from lost_reasons r where r.id = $7::uuid and r.archived_at is null)
     union all
    select 13, 'reason_missing', null from _stage s cross join _deal d
     where s.kind = 'lost' and num_nonnulls(d.reason_id, d.reason, d.note) = 0
     union all
    select 14, 'note_missing', json_build_object('errors', json_build_array(json_build_object(
             'field', 'note', 'code', 'missing', 'message', 'The reason needs a note')))
      from _stage s cross join _deal d join lost_reasons r on r.id = d.reason_id
     where s.kind = 'lost' and r.requires_note and btrim(coalesce(d.note, '')) = ''
  ) r order by r.rank limit 1
),
_how as (
  select coalesce($4::text, case when s.id = d.stage_id then 'stay' else 'last' end) as how
    from _stage s cross join _deal d
),
_low as (
  select a.id, a.position from _anchor a, _how h where h.how = 'after'
   union all
  (select o.id, o.position from _others o, _how h where h.how = 'last' order by o.position desc, o.id desc limit 1)
   union all
  (select o.id, o.position from _others o, _anchor a, _how h
    where h.how = 'before' and (o.position, o.id) < (a.position, a.id)
    order by o.position desc, o.id desc limit 1)
),
_high as (
  select a.id, a.position from _anchor a, _how h where h.how = 'before'
   union all
  (select o.id, o.position from _others o, _how h where h.how = 'first' order by o.position, o.id limit 1)
   union all
  (select o.id, o.position from _others o, _anchor a, _how h
    where h.how = 'after' and (o.position, o.id) > (a.position, a.id)
    order by o.position, o.id limit 1)
),
_gap as (
  select l.position as low, h.position as high, h.id as high_id,
         case when abs(l.position) < 1e30 and abs(h.position) < 1e30 then (l.position + h.position) * 0.5 end as middle,
         coalesce(abs(l.position) >= 1e30, false) or coalesce(abs(h.position) >= 1e30, false) as is_far
    from (select 1) one (one) left join _low l on true left join _high h on true
),
_place as (
  select case when h.how = 'stay' then d.position
              when g.is_far then null
              when g.low is null and g.high is null then 1024
              when g.low is null then ceil(g.high) - 1024
              when g.high is null then floor(g.low) + 1024
              else g.middle end as position,
         coalesce(h.how <> 'stay' and (g.is_far or g.low >= g.high or scale(g.middle) > 24), false) as is_full
    from _gap g cross join _how h cross join _deal d
),
_numbered as (
  select o.id, o.position as old,
         1024 * (row_number() over (order by o.position, o.id)
                 + case when (o.position, o.id) >= (g.high, g.high_id) then 1 else 0 end)::numeric as position,
         coalesce((o.position, o.id) >= (g.high, g.high_id), false) as is_above
    from _others o cross join _gap g
   where (select p.is_full from _place p) and not exists (select from _refused)
),
_shifted as (
  update deals o set position = n.position from _numbered n where o.id = n.id and n.position <> n.old returning 1
),
_moved as (
  update deals d
     set pipeline_id = s.pipeline_id, stage_id = s.id,
         position = case when p.is_full then 1024 * (1 + (select count(*) from _numbered n where not n.is_above))
                         else p.position end,
         lost_reason_id = case when s.kind = 'lost' then was.reason_id end,
         lost_reason = case when s.kind = 'lost' then was.reason end,
         lost_note = case when s.kind = 'lost' then was.note end
    from _deal was cross join _stage s cross join _place p
   where d.id = was.id and not exists (select from _refused)
  returning d.version, ",
    deal!(),
    " as body
),
_answer as (
  select m.body::text as body, 1::bigint as count, m.version::text as version, null::text as key from _moved m
   union all
  select r.body::text, -1, null, r.word from _refused r
)",
    answer!()
);

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(how: Change, body: &str) -> String {
        let id = Uuid::nil().to_string();
        let error = change(how, &id, &Conditions::NONE, body.as_bytes()).unwrap_err();
        format!("{} {}", error.status(), error.message())
    }

    #[test]
    fn a_body_says_where_a_deal_goes() {
        assert_eq!(
            refused(Change::Move, "{}"),
            "422 The field 'stage_id' must be given"
        );
        for wrong in [r#""top""#, "3", r#"{"before": 1}"#, r#"{"over": "x"}"#, "[]"] {
            let told = refused(Change::Move, &format!(r#"{{"position": {wrong}}}"#));
            assert!(told.starts_with("422 The field 'position' must be"), "{told}");
        }
        assert_eq!(
            refused(Change::Win, r#"{"note": "x"}"#),
            "400 This takes no field 'note'"
        );
        let id = change(Change::Win, "7", &Conditions::NONE, b"").unwrap_err();
        assert_eq!((id.status(), id.code()), (400, "bad_id"));
    }

    #[test]
    fn the_statement_says_the_words_of_its_rules() {
        for rule in RULES {
            assert!(CHANGE.contains(&format!("'{}'", rule.word)), "{}", rule.word);
        }
    }
}
