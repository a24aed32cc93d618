//! Related records inside records.

use catalog::access::Action;

use super::filter::Subject;
use super::items::{check_alias, held};
use super::levels::Levels;
use super::read::Node;
use super::select::Selection;
use super::{Context, filter, order, relate};
use crate::records::ast::{EmbedItem, Filter, SelectItem};
use crate::records::error::{EmbedError, RecordError};
use crate::records::model::{Object, Relationship, Via};

/// Related records, and how a record holds them.
pub struct Embed<'m> {
    /// What the rest of the request calls it.
    pub(in crate::records) name: String,
    pub(in crate::records) relationship: &'m Relationship,
    /// What the records between the two must be like, for a relationship of many with many.
    pub(in crate::records) junction_filter: Option<Filter<Subject<'m>>>,
    pub(in crate::records) shape: Shape,
    /// Records without a related one are left out.
    pub(in crate::records) inner: bool,
    pub(in crate::records) node: Node<'m>,
}

/// How a record holds its related records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// Not at all: they are only there to be asked about.
    Hidden,
    /// As JSON, under the embedded object's name.
    Json,
    /// Column by column, as if they were its own; as arrays if there are many.
    Spread,
}

impl Embed<'_> {
    /// There is at most one.
    pub(in crate::records) fn is_to_one(&self) -> bool {
        self.relationship.cardinality.is_to_one()
    }
}

/// Plans what one item of `select` embeds in the records of `object`.
pub(super) fn embed<'m>(
    context: Context<'m>,
    object: &'m Object,
    item: EmbedItem,
    levels: Levels,
) -> Result<Embed<'m>, RecordError> {
    let relationship = relate::find(context, object, &item)?;
    let target = readable(context, &relationship.target)?;
    let junction_filter = match &relationship.via {
        Via::Junction { object, .. } => filter::not_deleted(readable(context, object)?),
        _ => None,
    };
    let name = item.name().to_owned();
    if let Some(alias) = &item.alias {
        check_alias(alias)?;
    }
    let shape = if item.select.is_empty() {
        Shape::Hidden
    } else if item.spread {
        Shape::Spread
    } else {
        Shape::Json
    };
    let node = node(
        context,
        target,
        item.select,
        levels,
        relationship.cardinality.is_to_one(),
    )?;
    // What holds only hidden objects is hidden too.
    let holds_nothing = node.selection.shown().is_empty();
    let shape = if holds_nothing { Shape::Hidden } else { shape };
    let is_array = shape == Shape::Spread && !relationship.cardinality.is_to_one();
    if is_array && node.selection.aggregates() {
        let details = "Aggregates are not implemented for one-to-many or many-to-many spreads.";
        return Err(RecordError::NotImplemented { details });
    }
    Ok(Embed {
        name,
        relationship,
        junction_filter,
        shape,
        inner: item.inner,
        node,
    })
}

fn node<'m>(
    context: Context<'m>,
    target: &'m Object,
    select: Vec<SelectItem>,
    mut levels: Levels,
    is_to_one: bool,
) -> Result<Node<'m>, RecordError> {
    let own = std::mem::take(&mut levels.own);
    let selection = if select.is_empty() {
        Selection::nothing(target)
    } else {
        held(context, target, select, &mut levels)?
    };
    let limit = match own.limit {
        None if is_to_one => None,
        limit => Some(context.limits.rows(limit)),
    };
    Ok(Node {
        filter: filter::visible(target, None, own.filter, None, &selection.embeds)?,
        order: order::order(&selection, own.order)?,
        selection,
        limit,
        offset: own.offset.unwrap_or(0),
    })
}

/// The object of this name, if the caller may read it.
fn readable<'m>(context: Context<'m>, name: &str) -> Result<&'m Object, RecordError> {
    let object = context.model.object(name)?;
    if context.rights.allows(object, Action::Read) {
        return Ok(object);
    }
    Err(EmbedError::Forbidden {
        object: name.to_owned(),
    }
    .into())
}
