//! What will be done, with every name resolved to a field of the schema model.

use std::borrow::Cow;

use catalog::access::ObjectWrite;
use uuid::Uuid;

use super::Target;
use super::ast::{Comparison, Filter, Is, OrderTerm, QueryString, SelectItem, Test};
use super::error::RecordError;
use super::limits::{Exceeded, Limits};
use super::model::{Field, Object};
use super::nearest::nearest;
use super::parse::body::Body;
use super::parse::prefer::Return;
use super::parse::{self, Parameters, RESERVED};

/// Reads a page of records.
pub struct List<'m> {
    pub(super) object: &'m Object,
    pub(super) select: Vec<Output<'m>>,
    pub(super) filter: Filter<&'m Field>,
    pub(super) order: Vec<OrderTerm<&'m Field>>,
    pub(super) limit: u64,
    pub(super) offset: u64,
    /// Bytes of the answer, at most.
    pub(super) answer_bytes: u64,
}

/// Reads the one record that the filter's key names.
pub struct Get<'m> {
    pub(super) object: &'m Object,
    pub(super) select: Vec<Output<'m>>,
    pub(super) filter: Filter<&'m Field>,
}

/// Adds records.
pub struct Insert<'m> {
    pub(super) object: &'m Object,
    /// The columns in the body.
    pub(super) columns: Vec<&'m Field>,
    /// A JSON array of objects with exactly these columns.
    pub(super) body: String,
    pub(super) answer: Answering<'m>,
}

/// Changes records.
pub struct Update<'m> {
    pub(super) object: &'m Object,
    /// The columns in the body; none when nothing is to change.
    pub(super) columns: Vec<&'m Field>,
    /// A JSON object with exactly these columns.
    pub(super) body: String,
    pub(super) filter: Filter<&'m Field>,
    pub(super) answer: Answering<'m>,
}

/// Removes records, or marks them as deleted.
pub struct Delete<'m> {
    pub(super) object: &'m Object,
    /// Set `deleted_at` instead of removing.
    pub(super) soft: bool,
    pub(super) filter: Filter<&'m Field>,
    pub(super) answer: Answering<'m>,
}

/// What a write gives back.
pub struct Answering<'m> {
    /// The representation, when it is wanted.
    pub(super) select: Option<Vec<Output<'m>>>,
    /// The representation is one object rather than an array.
    pub(super) as_object: bool,
    /// Bytes of the representation, at most.
    pub(super) answer_bytes: u64,
    /// The new version, when exactly one record is written.
    pub(super) version: Option<&'m Field>,
    /// The new record's key, when exactly one is added.
    pub(super) key: Vec<&'m Field>,
}

/// A column of the answer.
pub struct Output<'m> {
    pub(super) field: &'m Field,
    /// Its key in JSON.
    pub(super) label: Cow<'m, str>,
}

/// PostgreSQL cuts longer identifiers (`NAMEDATALEN`), so a longer alias would come back under another name.
const MAX_ALIAS_BYTES: usize = 63;

/// Plans a page of records.
pub fn list<'m>(object: &'m Object, query: &str, limits: Limits) -> Result<List<'m>, RecordError> {
    let said = read_query(object, query, limits, "list records", |_| true)?;
    let resolve = |name: String| column(object, name);
    let order = said.order.into_iter().map(|term| {
        Ok(OrderTerm {
            column: resolve(term.column)?,
            direction: term.direction,
            nulls: term.nulls,
        })
    });
    Ok(List {
        object,
        order: order.collect::<Result<_, RecordError>>()?,
        select: outputs(object, said.select, limits)?,
        filter: visible(object, None, said.filter)?,
        limit: said.limit.unwrap_or(limits.default_rows).min(limits.max_rows),
        offset: said.offset.unwrap_or(0),
        answer_bytes: limits.answer_bytes,
    })
}

/// Plans reading one record by its id.
pub fn get<'m>(object: &'m Object, id: &str, query: &str, limits: Limits) -> Result<Get<'m>, RecordError> {
    let said = read_query(object, query, limits, "get one record", finds)?;
    Ok(Get {
        object,
        select: outputs(object, said.select, limits)?,
        filter: visible(object, Some(id), said.filter)?,
    })
}

/// Plans adding the body's records. A key `id uuid` that the body leaves out comes from `new_id`.
pub fn insert<'m>(
    object: &'m Object,
    query: &str,
    body: &[u8],
    returning: Return,
    limits: Limits,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Insert<'m>, RecordError> {
    may_write(object, object.writable.insert, "insert records")?;
    let said = read_query(object, query, limits, "insert records", |name| name == "select")?;
    let body = Body::parse(body, limits.objects)?;
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
            ..answering(object, said.select, returning, limits, one, false)?
        },
    })
}

/// Plans changing the target's records.
pub fn update<'m>(
    object: &'m Object,
    target: Target<'_>,
    query: &str,
    body: &[u8],
    returning: Return,
    limits: Limits,
) -> Result<Update<'m>, RecordError> {
    may_write(object, object.writable.update, "update records")?;
    let said = read_query(object, query, limits, "update records", finds)?;
    let id = targeted(target, &said, "UPDATE")?;
    let body = Body::parse(body, limits.objects)?;
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
        filter: visible(object, id, said.filter)?,
        answer: answering(object, said.select, returning, limits, id.is_some(), id.is_some())?,
    })
}

/// Plans removing the target's records.
pub fn delete<'m>(
    object: &'m Object,
    target: Target<'_>,
    query: &str,
    returning: Return,
    limits: Limits,
) -> Result<Delete<'m>, RecordError> {
    let able = if object.soft_delete {
        object.writable.update
    } else {
        object.writable.delete
    };
    may_write(object, able, "delete records")?;
    let said = read_query(object, query, limits, "delete records", finds)?;
    let id = targeted(target, &said, "DELETE")?;
    Ok(Delete {
        object,
        soft: object.soft_delete,
        filter: visible(object, id, said.filter)?,
        answer: answering(object, said.select, returning, limits, id.is_some(), id.is_some())?,
    })
}

/// Whether a parameter selects or filters, and does not make a page.
fn finds(parameter: &str) -> bool {
    !["order", "limit", "offset"].contains(&parameter)
}

/// Parses a query string after looking at the names in it, so that a mistyped parameter is called unknown
/// rather than a filter that does not parse.
fn read_query(
    object: &Object,
    raw: &str,
    limits: Limits,
    action: &'static str,
    suits: impl Fn(&str) -> bool,
) -> Result<QueryString, RecordError> {
    limits.check_length(raw)?;
    let parameters: Parameters = parse::parameters(raw)?;
    for (name, _) in &parameters {
        let quoted = name.starts_with('"');
        if !quoted && !RESERVED.contains(&name.as_str()) && object.field(name).is_none() {
            return Err(unknown_column(object, name, &RESERVED));
        }
        if !suits(name) {
            return Err(RecordError::MisplacedParameter {
                parameter: super::error::shorten(name),
                action,
            });
        }
    }
    let said = parse::query(&parameters)?;
    limits.check(&said)?;
    Ok(said)
}

fn unknown_column(object: &Object, name: &str, besides: &[&str]) -> RecordError {
    let names = object
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .chain(besides.iter().copied());
    RecordError::UnknownColumn {
        object: object.name.clone(),
        column: super::error::shorten(name),
        nearest: nearest(name, names).map(str::to_owned),
    }
}

// Takes the name by value because the tree gives it up.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that Filter::resolve asks for"
)]
fn column(object: &Object, name: String) -> Result<&Field, RecordError> {
    object
        .field(&name)
        .ok_or_else(|| unknown_column(object, &name, &[]))
}

/// The filter that finds what the request may see: its own conditions, the key, and not what is deleted, unless
/// the request asks about `deleted_at` itself.
fn visible<'m>(
    object: &'m Object,
    id: Option<&str>,
    said: Filter<String>,
) -> Result<Filter<&'m Field>, RecordError> {
    let asks_for_deleted = said.mentions(&|name| name == "deleted_at");
    let mut parts = Vec::new();
    if let Some(id) = id {
        let key = object.key().ok_or_else(|| RecordError::NoKey {
            object: object.name.clone(),
        })?;
        parts.push(Filter::Test(key, Test::Compare(Comparison::Equal, id.to_owned())));
    }
    match said.resolve(&mut |name| column(object, name))? {
        Filter::All(said) => parts.extend(said),
        other => parts.push(other),
    }
    if object.soft_delete && !asks_for_deleted {
        parts.extend(
            object
                .field("deleted_at")
                .map(|field| Filter::Test(field, Test::Is(Is::Null))),
        );
    }
    Ok(Filter::All(parts))
}

fn outputs(object: &Object, items: Vec<SelectItem>, limits: Limits) -> Result<Vec<Output<'_>>, RecordError> {
    let items = if items.is_empty() {
        vec![SelectItem::Star]
    } else {
        items
    };
    let mut outputs: Vec<Output<'_>> = Vec::new();
    for item in items {
        let found = match item {
            SelectItem::Star => {
                let fields = object.fields.iter().filter(|field| field.in_default_select());
                fields
                    .map(|field| Output {
                        field,
                        label: Cow::Borrowed(&field.name),
                    })
                    .collect()
            }
            SelectItem::Column { name, alias } => {
                let field = column(object, name)?;
                vec![Output {
                    field,
                    label: label(field, alias)?,
                }]
            }
        };
        for output in found {
            let same = |other: &&Output<'_>| std::ptr::eq(other.field, output.field);
            let uses = outputs.iter().filter(same).count();
            match outputs.iter().find(|other| other.label == output.label) {
                None if uses >= limits.column_uses => {
                    let (column, allowed) = (output.field.name.clone(), limits.column_uses);
                    return Err(Exceeded::Column { column, allowed }.into());
                }
                None => outputs.push(output),
                Some(other) if same(&other) => {}
                Some(_) => {
                    let details = format!("two columns would both be called '{}'", output.label);
                    return Err(RecordError::syntax("select", &output.label, details));
                }
            }
        }
    }
    Ok(outputs)
}

fn label(field: &Field, alias: Option<String>) -> Result<Cow<'_, str>, RecordError> {
    match alias {
        None => Ok(Cow::Borrowed(&field.name)),
        Some(alias) if alias.is_empty() || alias.len() > MAX_ALIAS_BYTES => {
            let details = format!("an alias has 1 to {MAX_ALIAS_BYTES} bytes");
            Err(RecordError::syntax("select", &alias, details))
        }
        Some(alias) => Ok(Cow::Owned(alias)),
    }
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
        Target::Filtered if said.filter.is_empty() => Err(RecordError::Unfiltered { verb }),
        Target::Filtered => Ok(None),
    }
}

fn written_columns<'m>(object: &'m Object, body: &Body<'_>) -> Result<Vec<&'m Field>, RecordError> {
    let fields = body.columns.iter().map(|name| {
        let field = object.field(name).ok_or_else(|| RecordError::UnknownBodyColumn {
            object: object.name.clone(),
            column: super::error::shorten(name),
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

fn answering(
    object: &Object,
    select: Vec<SelectItem>,
    returning: Return,
    limits: Limits,
    one: bool,
    as_object: bool,
) -> Result<Answering<'_>, RecordError> {
    // Names are checked even when nothing is returned: a wrong one is an error either way.
    let outputs = outputs(object, select, limits)?;
    Ok(Answering {
        select: (returning == Return::Representation).then_some(outputs),
        as_object,
        answer_bytes: limits.answer_bytes,
        version: if one && object.versioned {
            object.field("version")
        } else {
            None
        },
        key: Vec::new(),
    })
}
