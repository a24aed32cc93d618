//! The timeline of a contact, a company or a deal: notes, activities, moves through the stages and appointments, the latest
//! first.
//!
//! A page begins behind the last entry of the one before, by its time and its id, whatever comes or goes meanwhile. What is
//! in the bin is left out, and so is every source whose records the caller may not read.
//!
//! A source more is a part of the statements below, and a line of the list of sources.

use catalog::access::Action;

use super::{Parameters, Refusal, Verb, answer, id_of};
use crate::records::{CursorSeal, ListDigest, Next, Object, RecordError, Rights, SchemaModel};

/// A kind of entry, and the objects that whoever sees it may read.
struct Source {
    kind: &'static str,
    reads: &'static [&'static str],
}

/// The kinds of entries.
const SOURCES: &[Source] = &[
    Source {
        kind: "note",
        reads: &["notes", "note_targets"],
    },
    Source {
        kind: "activity",
        reads: &["activities"],
    },
    Source {
        kind: "stage_move",
        reads: &["deals", "deal_stage_history"],
    },
    Source {
        kind: "appointment",
        reads: &["appointments", "contacts"],
    },
];

/// The parameters of a timeline.
pub const PARAMETERS: &[&str] = &["limit", "cursor", "kind"];

/// The most entries of a page.
pub const MOST: u32 = 200;

/// The objects that have a timeline, each with its statement.
const OBJECTS: [(&str, &str); 3] = [
    ("companies", OF_COMPANY),
    ("contacts", OF_CONTACT),
    ("deals", OF_DEAL),
];

/// The names of the kinds of entries.
pub fn kinds() -> Vec<&'static str> {
    SOURCES.iter().map(|source| source.kind).collect()
}

/// The names of the objects that have a timeline.
pub fn objects() -> [&'static str; 3] {
    OBJECTS.map(|(name, _)| name)
}

/// Whether a tenant of this model has timelines: every object of every source is the one that is meant.
pub fn is_offered(model: &SchemaModel) -> bool {
    let has = |object: &str, columns: &[&str]| {
        let object = model.objects.get(object);
        object.is_some_and(|object| columns.iter().all(|column| object.field(column).is_some()))
    };
    let target = ["contact_id", "company_id", "deal_id"];
    has("notes", &["content", "pinned", "deleted_at"])
        && has("note_targets", &target)
        && has("activities", &target)
        && has("deals", &["contact_id", "company_id", "stage_id", "deleted_at"])
        && has("deal_stage_history", &["entered_at", "to_stage_name", "actor"])
        && has("appointments", &["starts_at", "contact_id", "deleted_at"])
        && has("contacts", &["company_id", "deleted_at"])
        && has("companies", &["deleted_at"])
}

/// Who asks for a timeline.
pub struct Reader<'a> {
    /// What the tenant has.
    pub model: &'a SchemaModel,
    /// What the caller may do.
    pub rights: Rights<'a>,
    /// Signs the cursors.
    pub cursors: &'a CursorSeal,
}

/// Reads the timeline of a record. That the caller may read the record's object is proved before.
///
/// # Errors
/// An object without timelines; an id, parameters or a cursor that cannot be read.
pub fn timeline(reader: &Reader<'_>, object: &str, id: &str, query: &str) -> Result<Verb, RecordError> {
    let found = OBJECTS
        .iter()
        .find(|(name, _)| *name == object && is_offered(reader.model));
    let Some((object, sql)) = found else {
        let refusal = Refusal::new(404, "no_timeline", "This object has no timeline");
        return Err(refusal
            .with_details(format!("Timelines are of {}", objects().join(", ")))
            .into());
    };
    let id = id_of(id)?.to_string();
    let mut parameters = Parameters::read(query, PARAMETERS)?;
    let limit = parameters.number("limit", 1..=MOST).unwrap_or(50);
    let cursor = parameters.take("cursor").unwrap_or_default();
    let kinds = take_kinds(&mut parameters, reader);
    parameters.finish()?;
    let kinds = format!("{{{}}}", kinds.join(","));
    let list = ListDigest::of([*object, "timeline", &id, &kinds].into_iter());
    let after = if cursor.is_empty() {
        vec![None, None]
    } else {
        reader.cursors.read(list, &cursor)?
    };
    let [at, entry] = after.try_into().unwrap_or([None, None]);
    let params = vec![Some(id), Some(limit.to_string()), at, entry, Some(kinds)];
    Ok(Verb {
        next: Some(Next::new(reader.cursors.clone(), list, query)),
        ..Verb::reads(object, sql, params)
    })
}

/// The kinds that are wanted, of those that the caller may see.
fn take_kinds(parameters: &mut Parameters, reader: &Reader<'_>) -> Vec<&'static str> {
    let may_read = |name: &&str| {
        let object: Option<&Object> = reader.model.objects.get(*name);
        object.is_some_and(|object| reader.rights.allows(object, Action::Read))
    };
    let seen = SOURCES.iter().filter(|source| source.reads.iter().all(may_read));
    let mut seen: Vec<&str> = seen.map(|source| source.kind).collect();
    if let Some(said) = parameters.take("kind") {
        let wanted: Vec<&str> = said.split(',').collect();
        if wanted.iter().any(|kind| !kinds().contains(kind)) {
            let expected = format!("must be of {}, separated by commas", kinds().join(", "));
            parameters.refuse("kind", "not_a_kind", expected);
        }
        seen.retain(|kind| wanted.contains(kind));
    }
    seen
}

/// A source within a statement: kind, time, id and what is shown, of those behind the cursor. The part in parentheses is
/// what tells whose they are.
macro_rules! source {
    ($kind:literal, $at:literal, $id:literal, $from:expr, $shown:literal) => {
        concat!(
            "(select '",
            $kind,
            "' as kind, ",
            $at,
            " as at, ",
            $id,
            " as id, (select row_to_json(r) from (select ",
            $shown,
            ") r) as entry\n    from ",
            $from,
            "\n     and '",
            $kind,
            "' = any ($5::text[])\n     and ($3::timestamptz is null or (",
            $at,
            ", ",
            $id,
            ") < ($3::timestamptz, $4::uuid))\n   order by 2 desc, 3 desc limit $2::bigint + 1)"
        )
    };
}

macro_rules! notes {
    ($of:literal) => {
        source!(
            "note",
            "n.created_at",
            "n.id",
            concat!(
                "note_targets t join notes n on n.id = t.note_id\n   where n.deleted_at is null and t.",
                $of,
                " = $1::uuid"
            ),
            "n.content, n.format, n.pinned, n.owner_id, n.created_by, n.version"
        )
    };
}

macro_rules! activities {
    ($of:literal) => {
        source!(
            "activity",
            "coalesce(a.completed_at, a.due_at, a.created_at)",
            "a.id",
            concat!("activities a\n   where a.deleted_at is null and a.", $of, " = $1::uuid"),
            "a.type, a.subject, a.description, a.due_at, a.completed_at, a.outcome, a.contact_id, a.company_id, a.deal_id, \
             a.owner_id, a.version"
        )
    };
}

macro_rules! moves {
    ($of:literal) => {
        source!(
            "stage_move",
            "h.entered_at",
            "h.id",
            concat!("deals d join deal_stage_history h on h.deal_id = d.id\n   where d.deleted_at is null and d.", $of, " = $1::uuid"),
            "h.deal_id, d.title, h.from_stage_name, h.to_stage_name, h.value_at::text as value_at, h.currency_at, h.actor"
        )
    };
}

macro_rules! appointments {
    ($whose:literal) => {
        source!(
            "appointment",
            "p.starts_at",
            "p.id",
            concat!("appointments p\n   where p.deleted_at is null and ", $whose),
            "p.service_id, p.staff_id, p.contact_id, p.starts_at, p.ends_at, p.status, p.version"
        )
    };
}

macro_rules! timeline {
    ($object:literal, $($source:expr),+) => {
        concat!(
            "with _record as (select o.id from ", $object, " o where o.id = $1::uuid and o.deleted_at is null),\n",
            "_all as (\n  ", timeline!(@joined $($source),+), "\n),\n",
            "_page as (
  select a.kind, a.at, a.id, a.entry, row_number() over (order by a.at desc, a.id desc) as place from _all a
   order by a.at desc, a.id desc limit $2::bigint + 1
),
_last as (
  select json_build_array(p.at::text, p.id::text)::text as key from _page p
   where p.place = $2::bigint and exists (select from _page n where n.place > $2::bigint)
),
_answer as (
  select coalesce((select json_agg(json_build_object('kind', p.kind, 'at', p.at, 'id', p.id, 'entry', p.entry) order by p.place)
                     from _page p where p.place <= $2::bigint), '[]')::text as body,
         1::bigint as count, null::text as version, (select l.key from _last l) as key
    from _record
   union all
  select null, -1, null, 'unknown' where not exists (select from _record)
)",
            answer!()
        )
    };
    (@joined $only:expr) => { $only };
    (@joined $first:expr, $($rest:expr),+) => { concat!($first, "\n   union all\n  ", timeline!(@joined $($rest),+)) };
}

const OF_CONTACT: &str = timeline!(
    "contacts",
    notes!("contact_id"),
    activities!("contact_id"),
    moves!("contact_id"),
    appointments!("p.contact_id = $1::uuid")
);

const OF_COMPANY: &str = timeline!(
    "companies",
    notes!("company_id"),
    activities!("company_id"),
    moves!("company_id"),
    appointments!(
        "p.contact_id in (select c.id from contacts c where c.company_id = $1::uuid and c.deleted_at is null)"
    )
);

const OF_DEAL: &str = timeline!("deals", notes!("deal_id"), activities!("deal_id"), moves!("id"));

/// All of them.
pub(crate) const STATEMENTS: &[&str] = &[OF_COMPANY, OF_CONTACT, OF_DEAL];
