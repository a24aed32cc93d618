//! Changing and removing records.

use uuid::Uuid;

use super::removal;
use super::said::{self, Said};
use super::{
    Answering, Extent, Held, answering, computed, may_read, may_write, read_only, shows, written,
    written_records,
};
use crate::records::Target;
use crate::records::ast::{Deleted, Filter, OrderTerm, QueryString};
use crate::records::error::RecordError;
use crate::records::guard::Guard;
use crate::records::model::{Field, Object};
use crate::records::parse::Verb;
use crate::records::parse::body::{Body, Given, Payload};
use crate::records::parse::prefer::Missing;
use crate::records::plan::Asked;
use crate::records::plan::filter::visible;
use crate::records::plan::order::order;
use crate::records::plan::{Cascade, Node, Selection, SortBy, Subject};

/// Changes records.
pub struct Update<'m> {
    pub(in crate::records) object: &'m Object,
    /// The columns that take values of the body.
    pub(in crate::records) columns: Vec<&'m Field>,
    /// The columns that take their defaults.
    pub(in crate::records) defaults: Vec<&'m Field>,
    /// A JSON object; keys beside the columns are ignored.
    pub(in crate::records) body: String,
    pub(in crate::records) filter: Filter<Subject<'m>>,
    /// At most so many of what the filter finds.
    pub(in crate::records) bound: Option<Bound<'m>>,
    pub(in crate::records) answer: Answering<'m>,
}

/// Removes records, or marks them as deleted.
pub struct Delete<'m> {
    pub(in crate::records) object: &'m Object,
    /// Set `deleted_at` instead of removing.
    pub(in crate::records) soft: bool,
    /// What falls with the records.
    pub(in crate::records) fall: Option<Fall<'m>>,
    pub(in crate::records) filter: Filter<Subject<'m>>,
    /// At most so many of what the filter finds.
    pub(in crate::records) bound: Option<Bound<'m>>,
    pub(in crate::records) answer: Answering<'m>,
}

/// Records that are removed together, with those that belong to them.
pub struct Fall<'m> {
    /// What they have in common from then on.
    pub(in crate::records) id: Uuid,
    pub(in crate::records) cascade: Cascade<'m>,
}

/// A limited write: the records that a page of a list would have.
pub struct Bound<'m> {
    /// What a record is known by: the primary key, or else the columns of the order.
    pub(in crate::records) key: Vec<&'m Field>,
    /// That page, of nothing but the key.
    pub(in crate::records) page: Node<'m>,
}

/// Plans changing the target's records.
pub fn update<'m>(
    object: &'m Object,
    target: Target<'_>,
    body: Payload<'_>,
    asked: &Asked<'m>,
) -> Result<Update<'m>, RecordError> {
    may_write(object, object.writable.update, "update records")?;
    let verb = match target {
        Target::Filtered => Verb::Update,
        Target::Id(_) => Verb::UpdateOne,
    };
    let said = said::read(object, asked, verb)?;
    let id = targeted(target, &said, asked, "UPDATE")?;
    let several = "The body of an update must be one object";
    let body = Body::parse_one(body, said.columns.as_deref(), several)?;
    removal::check(object, &body, asked)?;
    let with_defaults = asked.request.preferences.missing == Some(Missing::Default);
    let (mut columns, mut defaults) = (Vec::new(), Vec::new());
    for column in &body.columns {
        let field = written(object, &column.name)?;
        if body.rows() == 0 {
            continue;
        }
        if column.given == Given::Nowhere && with_defaults {
            defaults.push(field);
        } else if field.accepts_values() {
            columns.push(field);
        } else {
            return Err(computed(object, field));
        }
        if !field.updatable {
            return Err(read_only(object, field));
        }
    }
    let (filter, bound, mut answer) = found(object, id, said.query, asked)?;
    if let Some(held) = &mut answer.held {
        held.merge(&[columns.as_slice(), &defaults].concat(), asked)?;
    }
    Ok(Update {
        object,
        columns,
        defaults,
        body: body.to_object(),
        filter,
        bound,
        answer,
    })
}

/// Plans removing the target's records. Where removed records are kept, what they have in common comes from `new_id`.
pub fn delete<'m>(
    object: &'m Object,
    target: Target<'_>,
    asked: &Asked<'m>,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Delete<'m>, RecordError> {
    let able = if object.soft_delete {
        object.writable.update
    } else {
        object.writable.delete
    };
    may_write(object, able, "delete records")?;
    let verb = match target {
        Target::Filtered => Verb::Delete,
        Target::Id(_) => Verb::DeleteOne,
    };
    let said = said::read(object, asked, verb)?;
    let id = targeted(target, &said, asked, "DELETE")?;
    let mut said = said.query;
    if object.soft_delete {
        // What is in the bin stays as it fell, however it is asked for.
        said.deleted = Some(Deleted::Exclude);
    }
    let (filter, bound, mut answer) = found(object, id, said, asked)?;
    if !object.soft_delete {
        // What is gone has no version.
        answer.version = None;
    }
    Ok(Delete {
        object,
        soft: object.soft_delete,
        fall: object.deletion().map(|_| Fall {
            id: new_id(),
            cascade: Cascade::of(asked.context.model, object),
        }),
        filter,
        bound,
        answer,
    })
}

fn extent(id: Option<&str>) -> Extent {
    if id.is_some() { Extent::Named } else { Extent::Many }
}

/// The id of a target, or the proof that its filter or its limit says something. A limit above that of a page does not:
/// it stands for all records.
fn targeted<'a>(
    target: Target<'a>,
    said: &Said,
    asked: &Asked<'_>,
    verb: &'static str,
) -> Result<Option<&'a str>, RecordError> {
    let root = &said.query.root;
    let is_page = root
        .limit
        .is_some_and(|limit| limit <= asked.context.limits.max_rows);
    match target {
        Target::Id(id) => Ok(Some(id)),
        Target::Filtered if root.filter.is_empty() && !is_page => Err(RecordError::Unfiltered { verb }),
        Target::Filtered => Ok(None),
    }
}

/// The filter, the bound and the answer of a write.
type Found<'m> = (Filter<Subject<'m>>, Option<Bound<'m>>, Answering<'m>);

/// Plans which records are written, and what is given back of them. `limit` with `order` bounds a write (PostgREST's
/// "limited update/delete"), and so does `max-affected`.
fn found<'m>(
    object: &'m Object,
    id: Option<&str>,
    mut said: QueryString,
    asked: &Asked<'m>,
) -> Result<Found<'m>, RecordError> {
    may_read(object, asked, shows(&said, asked) || !said.root.filter.is_empty())?;
    let (own, deleted) = (std::mem::take(&mut said.root.filter), said.deleted);
    let filter = visible(object, id, own, deleted, &[])?;
    let (limit, offset) = (said.root.limit, said.root.offset);
    let terms = said.root.order.clone();
    let node = written_records(object, said, asked)?;
    let mut answer = answering(node, asked, extent(id));
    if let Some(most) = asked.request.preferences.bound() {
        answer.guards.push(Guard::MaxAffected(most));
    }
    answer.hold(Held::by(object, &filter, asked));
    if limit.is_none() && offset.is_none() {
        return Ok((filter, None, answer));
    }
    if terms.is_empty() {
        return Err(RecordError::LimitWithoutOrder);
    }
    let most = i64::MAX.unsigned_abs();
    let limit = limit.unwrap_or(most).min(most);
    let order = order(&Selection::nothing(object), terms)?;
    let mut key = object.key_fields();
    if key.is_empty() {
        key = order.iter().filter_map(sorted_by).collect();
        answer.guards.push(Guard::Limit(limit));
    }
    let page = Node {
        selection: Selection::of(object, &key),
        filter: filter.clone(),
        order,
        limit: Some(limit),
        offset: offset.unwrap_or(0),
    };
    Ok((filter, Some(Bound { key, page }), answer))
}

fn sorted_by<'m>(term: &OrderTerm<SortBy<'m>>) -> Option<&'m Field> {
    match &term.key {
        SortBy::Own(spot) => Some(spot.field),
        SortBy::Related(..) | SortBy::Shown(_) | SortBy::Relevance(_) => None,
    }
}
