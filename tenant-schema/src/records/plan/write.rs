//! Writes: adding, changing and removing records, and what is given back of them.

use catalog::access::ObjectWrite;
use uuid::Uuid;

use super::Context;
use super::filter::{Subject, visible};
use super::levels::Levels;
use super::query::{finds, read_query};
use super::select::{Selection, selection};
use crate::records::Target;
use crate::records::ast::{Filter, Level, QueryString, SelectItem};
use crate::records::error::{self, RecordError};
use crate::records::model::{Field, Object};
use crate::records::nearest::nearest;
use crate::records::parse::body::Body;
use crate::records::parse::prefer::Return;

/// Adds records.
pub struct Insert<'m> {
    pub(in crate::records) object: &'m Object,
    /// The columns in the body.
    pub(in crate::records) columns: Vec<&'m Field>,
    /// A JSON array of objects with exactly these columns.
    pub(in crate::records) body: String,
    pub(in crate::records) answer: Answering<'m>,
}

/// Changes records.
pub struct Update<'m> {
    pub(in crate::records) object: &'m Object,
    /// The columns in the body; none when nothing is to change.
    pub(in crate::records) columns: Vec<&'m Field>,
    /// A JSON object with exactly these columns.
    pub(in crate::records) body: String,
    pub(in crate::records) filter: Filter<Subject<'m>>,
    pub(in crate::records) answer: Answering<'m>,
}

/// Removes records, or marks them as deleted.
pub struct Delete<'m> {
    pub(in crate::records) object: &'m Object,
    /// Set `deleted_at` instead of removing.
    pub(in crate::records) soft: bool,
    pub(in crate::records) filter: Filter<Subject<'m>>,
    pub(in crate::records) answer: Answering<'m>,
}

/// What a write gives back.
pub struct Answering<'m> {
    /// The representation, when it is wanted.
    pub(in crate::records) select: Option<Selection<'m>>,
    /// The representation is one object rather than an array.
    pub(in crate::records) as_object: bool,
    /// Bytes of the representation, at most.
    pub(in crate::records) answer_bytes: u64,
    /// The new version, when exactly one record is written.
    pub(in crate::records) version: Option<&'m Field>,
    /// The new record's key, when exactly one is added.
    pub(in crate::records) key: Vec<&'m Field>,
}

/// Plans adding the body's records. A key `id uuid` that the body leaves out comes from `new_id`.
pub fn insert<'m>(
    context: Context<'m>,
    object: &'m Object,
    query: &str,
    body: &[u8],
    returning: Return,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Insert<'m>, RecordError> {
    may_write(object, object.writable.insert, "insert records")?;
    let said = read_query(object, query, context.limits, "insert records", |name| {
        name == "select"
    })?;
    let body = Body::parse(body, context.limits.objects)?;
    let mut columns = written_columns(object, &body)?;
    let missing_id = object.key().filter(|key| {
        key.name == "id"
            && key.base_type == "uuid"
            && !body.columns.contains(&key.name)
            && key.accepts_values()
    });
    let text = match missing_id {
        Some(id) if body.rows() > 0 => {
            columns.insert(0, id);
            body.array_with_ids(&id.name, new_id)
        }
        _ => body.to_array(),
    };
    let one = body.rows() == 1;
    let key = object
        .primary_key
        .iter()
        .filter_map(|name| object.field(name))
        .filter(|_| one)
        .collect();
    Ok(Insert {
        object,
        columns,
        body: text,
        answer: Answering {
            key,
            ..answering(
                context,
                object,
                (said.select, said.embedded),
                returning,
                one,
                false,
            )?
        },
    })
}

/// Plans changing the target's records.
pub fn update<'m>(
    context: Context<'m>,
    object: &'m Object,
    target: Target<'_>,
    query: &str,
    body: &[u8],
    returning: Return,
) -> Result<Update<'m>, RecordError> {
    may_write(object, object.writable.update, "update records")?;
    let said = read_query(object, query, context.limits, "update records", finds)?;
    let id = targeted(target, &said, "UPDATE")?;
    let body = Body::parse(body, context.limits.objects)?;
    if !body.single {
        return Err(RecordError::body("The body of an update must be one object"));
    }
    let columns = written_columns(object, &body)?;
    if let Some(field) = columns.iter().find(|field| !field.updatable) {
        return Err(computed(object, field));
    }
    Ok(Update {
        object,
        columns,
        body: body.to_object(),
        filter: visible(object, id, said.root.filter, &[])?,
        answer: answering(
            context,
            object,
            (said.select, said.embedded),
            returning,
            id.is_some(),
            id.is_some(),
        )?,
    })
}

/// Plans removing the target's records.
pub fn delete<'m>(
    context: Context<'m>,
    object: &'m Object,
    target: Target<'_>,
    query: &str,
    returning: Return,
) -> Result<Delete<'m>, RecordError> {
    let able = if object.soft_delete {
        object.writable.update
    } else {
        object.writable.delete
    };
    may_write(object, able, "delete records")?;
    let said = read_query(object, query, context.limits, "delete records", finds)?;
    let id = targeted(target, &said, "DELETE")?;
    Ok(Delete {
        object,
        soft: object.soft_delete,
        filter: visible(object, id, said.root.filter, &[])?,
        answer: answering(
            context,
            object,
            (said.select, said.embedded),
            returning,
            id.is_some(),
            id.is_some(),
        )?,
    })
}

fn may_write(object: &Object, able: bool, action: &'static str) -> Result<(), RecordError> {
    if able && object.write != ObjectWrite::Nobody {
        return Ok(());
    }
    Err(RecordError::NotWritable {
        object: object.name.clone(),
        action,
    })
}

/// The id of a target, or the proof that its filter says something.
fn targeted<'a>(
    target: Target<'a>,
    said: &QueryString,
    verb: &'static str,
) -> Result<Option<&'a str>, RecordError> {
    match target {
        Target::Id(id) => Ok(Some(id)),
        Target::Filtered if said.root.filter.is_empty() => Err(RecordError::Unfiltered { verb }),
        Target::Filtered => Ok(None),
    }
}

fn written_columns<'m>(object: &'m Object, body: &Body<'_>) -> Result<Vec<&'m Field>, RecordError> {
    let fields = body.columns.iter().map(|name| {
        let field = object.field(name).ok_or_else(|| RecordError::UnknownBodyColumn {
            object: object.name.clone(),
            column: error::shorten(name),
            nearest: nearest(name, object.fields.iter().map(|field| field.name.as_str())).map(str::to_owned),
        })?;
        if field.accepts_values() {
            Ok(field)
        } else {
            Err(computed(object, field))
        }
    });
    fields.collect()
}

fn computed(object: &Object, field: &Field) -> RecordError {
    RecordError::ComputedColumn {
        object: object.name.clone(),
        column: field.name.clone(),
    }
}

fn answering<'m>(
    context: Context<'m>,
    object: &'m Object,
    (select, embedded): (Vec<SelectItem>, Vec<(Vec<String>, Level)>),
    returning: Return,
    one: bool,
    as_object: bool,
) -> Result<Answering<'m>, RecordError> {
    // Names are checked even when nothing is returned: a wrong one is an error either way.
    let mut levels = Levels::place(&select, embedded)?;
    let selection = selection(context, object, select, &mut levels)?;
    selection.refuse_aggregates()?;
    Ok(Answering {
        select: (returning == Return::Representation).then_some(selection),
        as_object,
        answer_bytes: context.limits.answer_bytes,
        version: if one && object.versioned {
            object.field("version")
        } else {
            None
        },
        key: Vec::new(),
    })
}
