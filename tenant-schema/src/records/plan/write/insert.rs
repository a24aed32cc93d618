//! Adding records, or merging them with those that have their key.

use catalog::access::Action;
use uuid::Uuid;

use super::removal;
use super::said::{self, Said};
use super::{
    Answering, Extent, Held, answering, computed, may_read, may_write, read_only, shows, written,
    written_records,
};
use crate::records::Target;
use crate::records::ast::{Column, Comparison, Filter, Test};
use crate::records::error::RecordError;
use crate::records::guard::Guard;
use crate::records::model::{Field, Generated, Object};
use crate::records::parse::Verb;
use crate::records::parse::body::{Body, Given, Payload};
use crate::records::parse::prefer::{Missing, Resolution, Return};
use crate::records::plan::Asked;
use crate::records::plan::filter::{unknown_column, visible};

/// Adds records.
pub struct Insert<'m> {
    pub(in crate::records) object: &'m Object,
    /// The columns to give values to.
    pub(in crate::records) columns: Vec<Written<'m>>,
    /// A JSON array of objects; keys beside the columns are ignored.
    pub(in crate::records) body: String,
    /// Takes only those objects whose columns have these values.
    pub(in crate::records) key: Vec<(&'m Field, String)>,
    /// What to do with keys that are there already; without it, they are an error.
    pub(in crate::records) conflict: Option<Conflict<'m>>,
    pub(in crate::records) answer: Answering<'m>,
}

/// A column that an insert writes.
#[derive(Clone, Copy)]
pub struct Written<'m> {
    pub(in crate::records) field: &'m Field,
    /// It takes its default in the objects that do not have it.
    pub(in crate::records) defaults: bool,
}

/// An insert that may meet records with its keys.
pub struct Conflict<'m> {
    /// The columns of the key.
    pub(in crate::records) columns: Vec<&'m Field>,
    /// How to change those records; without it, they are left alone.
    pub(in crate::records) merge: Option<Merge<'m>>,
}

/// How a record that is there takes new values.
pub struct Merge<'m> {
    /// The columns that take them; at least one.
    pub(in crate::records) set: Vec<&'m Field>,
    /// Says that the record was removed: it must not be changed unseen.
    pub(in crate::records) deleted_at: Option<&'m Field>,
}

impl Insert<'_> {
    /// It may change records that are there.
    pub fn merges(&self) -> bool {
        self.conflict
            .as_ref()
            .is_some_and(|conflict| conflict.merge.is_some())
    }
}

/// Plans adding the body's records. A key `id uuid` that the body leaves out comes from `new_id`.
pub fn insert<'m>(
    object: &'m Object,
    body: Payload<'_>,
    asked: &Asked<'m>,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Insert<'m>, RecordError> {
    may_write(object, object.writable.insert, "insert records")?;
    let said = said::read(object, asked, Verb::Insert)?;
    let body = Body::parse(body, said.columns.as_deref(), asked.context.limits.objects)?;
    let on_conflict = match &said.on_conflict {
        None => object.key_fields(),
        Some(names) => names
            .iter()
            .map(|name| {
                object
                    .field(name)
                    .ok_or_else(|| unknown_column(object, name, &[]))
            })
            .collect::<Result<_, _>>()?,
    };
    let resolution = asked
        .request
        .preferences
        .resolution
        .filter(|_| !on_conflict.is_empty());
    let rows = New::of(object, &body, asked, new_id)?;
    let merge = match resolution {
        Some(Resolution::MergeDuplicates) => Some(merge(object, &rows, &on_conflict, asked)?),
        _ => None,
    };
    let conflict = resolution.map(|_| Conflict {
        columns: on_conflict,
        merge,
    });
    build(object, &body, rows, said, conflict, asked)
}

/// Plans putting one record at its key, whether it is there or not (PostgREST's `PUT`).
pub fn replace<'m>(
    object: &'m Object,
    target: Target<'_>,
    body: Payload<'_>,
    asked: &Asked<'m>,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Insert<'m>, RecordError> {
    may_write(object, object.writable.insert, "insert records")?;
    let said = said::read(object, asked, Verb::Put)?;
    if said.query.root.limit.is_some() || said.query.root.offset.is_some() {
        return Err(RecordError::PagedPut);
    }
    let key = match target {
        Target::Id(id) if said.query.root.filter.is_empty() => {
            let field = object.key().ok_or_else(|| RecordError::NoKey {
                object: object.name.clone(),
            })?;
            vec![(field, id.to_owned())]
        }
        Target::Id(_) => return Err(RecordError::PutFilters),
        Target::Filtered => named_key(object, &said.query.root.filter)?,
    };
    let several = "The body of a PUT must be one object";
    let body = Body::parse_one(body, said.columns.as_deref(), several)?;
    if body.rows() != 1 {
        return Err(RecordError::body(several));
    }
    let has_key = |(field, _): &(&Field, String)| {
        body.column(&field.name)
            .is_some_and(|column| column.given == Given::Everywhere)
    };
    if !key.iter().all(has_key) {
        return Err(RecordError::PutMismatch);
    }
    let rows = New::of(object, &body, asked, new_id)?;
    let columns: Vec<&Field> = key.iter().map(|(field, _)| *field).collect();
    let held = match target {
        Target::Id(id) => {
            let found = visible(object, Some(id), Filter::default(), None, &[])?;
            Held::by_put(object, &found, asked)
        }
        Target::Filtered => None,
    };
    let is_new = held.as_ref().is_some_and(Held::must_be_new);
    let merge = merge(object, &rows, &columns, asked)?;
    let conflict = Conflict {
        merge: Some(merge).filter(|_| !is_new),
        columns,
    };
    let mut plan = build(object, &body, rows, said, Some(conflict), asked)?;
    plan.key = key;
    if asked.request.preferences.returning != Some(Return::Representation) {
        // What was put is stamped and computed upon, so the tag is not of what the client has (RFC 9110, section 9.3.4).
        plan.answer.version = None;
    }
    plan.answer.hold(held);
    plan.answer.guards.push(Guard::Put);
    if matches!(target, Target::Id(_)) {
        plan.answer.form = asked.request.form.of_one();
    }
    Ok(plan)
}

/// The rows to add.
struct New<'m> {
    columns: Vec<Written<'m>>,
    body: String,
    /// The key that was given ids here.
    made: Option<&'m Field>,
}

impl<'m> New<'m> {
    fn of(
        object: &'m Object,
        body: &Body<'_>,
        asked: &Asked<'m>,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Result<Self, RecordError> {
        removal::check(object, body, asked)?;
        let is_made = |field: &&Field| {
            field.name == "id"
                && field.base_type == "uuid"
                && field.accepts_values()
                && body
                    .column(&field.name)
                    .is_none_or(|column| column.given != Given::Everywhere)
        };
        let made = object.key().filter(is_made).filter(|_| body.rows() > 0);
        let mut columns: Vec<Written<'m>> = Vec::new();
        columns.extend(made.map(|field| Written {
            field,
            defaults: false,
        }));
        let defaults = asked.request.preferences.missing == Some(Missing::Default);
        for column in &body.columns {
            let field = written(object, &column.name)?;
            if made.is_some_and(|made| made.name == field.name) {
                continue;
            }
            if column.given == Given::Nowhere && (defaults || body.rows() == 0) {
                continue;
            }
            if !field.accepts_values() {
                return Err(computed(object, field));
            }
            columns.push(Written {
                field,
                defaults: defaults && column.given == Given::Somewhere && has_default(field),
            });
        }
        let body = match made {
            Some(id) => body.array_with_ids(&id.name, new_id)?,
            None => body.to_array(),
        };
        Ok(Self { columns, body, made })
    }
}

fn has_default(field: &Field) -> bool {
    field.default.is_some() || field.generated == Generated::IdentityByDefault
}

/// How records that are there take the values of `rows`: all but the key, and not an id that only a new record needs.
fn merge<'m>(
    object: &'m Object,
    rows: &New<'m>,
    key: &[&'m Field],
    asked: &Asked<'m>,
) -> Result<Merge<'m>, RecordError> {
    may_write(object, object.writable.update, "update records")?;
    if !asked.context.rights.allows(object, Action::Update) {
        return Err(RecordError::MayNotUpdate {
            object: object.name.clone(),
        });
    }
    let is_kept = |field: &Field| {
        key.iter().any(|part| part.name == field.name)
            || rows.made.is_some_and(|made| made.name == field.name)
    };
    let mut set: Vec<&Field> = rows.columns.iter().map(|column| column.field).collect();
    set.retain(|field| !is_kept(field));
    if let Some(field) = set.iter().find(|field| !field.updatable) {
        return Err(read_only(object, field));
    }
    if set.is_empty() {
        // A change that changes nothing, so that the record is given back.
        set.extend(key.first());
    }
    Ok(Merge {
        set,
        deleted_at: object.deleted_at(),
    })
}

/// The key that a filter names: each of its columns is equal to one value, and nothing else is asked.
fn named_key<'m>(
    object: &'m Object,
    filter: &Filter<Column>,
) -> Result<Vec<(&'m Field, String)>, RecordError> {
    let Filter::All(parts) = filter else {
        return Err(RecordError::PutFilters);
    };
    let mut named = Vec::new();
    for part in parts {
        let Filter::Test(column, Test::Compare(Comparison::Equal, None, value)) = part else {
            return Err(RecordError::PutFilters);
        };
        if !column.path.is_empty() {
            return Err(RecordError::PutFilters);
        }
        named.push((&column.name, value));
    }
    let value_of = |field: &'m Field| {
        let (_, value) = named.iter().find(|(name, _)| **name == field.name)?;
        Some((field, (*value).clone()))
    };
    let key: Vec<_> = object.key_fields().into_iter().filter_map(value_of).collect();
    if key.is_empty() || key.len() != object.primary_key.len() || key.len() != named.len() {
        return Err(RecordError::PutFilters);
    }
    Ok(key)
}

fn build<'m>(
    object: &'m Object,
    body: &Body<'_>,
    rows: New<'m>,
    said: Said,
    conflict: Option<Conflict<'m>>,
    asked: &Asked<'m>,
) -> Result<Insert<'m>, RecordError> {
    // The key of a record that was there is not of the caller's making.
    let may_meet = conflict.is_some();
    let tells_key = may_meet && asked.request.preferences.returning == Some(Return::HeadersOnly);
    may_read(object, asked, tells_key || shows(&said.query, asked))?;
    let one = body.rows() == 1;
    let extent = if one { Extent::One } else { Extent::Many };
    let node = written_records(object, said.query, asked)?;
    let mut answer = answering(node, asked, extent);
    if one && (!may_meet || asked.context.rights.allows(object, Action::Read)) {
        answer.key = object.key_fields();
    }
    let merge = conflict.as_ref().and_then(|conflict| conflict.merge.as_ref());
    if merge.is_some_and(|merge| merge.deleted_at.is_some()) {
        answer.guards.push(Guard::Hidden(body.rows()));
    }
    Ok(Insert {
        object,
        columns: rows.columns,
        body: rows.body,
        key: Vec::new(),
        conflict,
        answer,
    })
}
