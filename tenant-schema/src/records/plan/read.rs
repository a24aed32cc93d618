//! Reads: a page of records, and one record.

use super::Context;
use super::filter::{Subject, visible};
use super::items::selection;
use super::levels::Levels;
use super::order::{SortBy, order};
use super::query::{finds, read_query};
use super::select::Selection;
use crate::records::ast::{Filter, OrderTerm};
use crate::records::error::RecordError;
use crate::records::model::Object;

/// Records of one object: what of them, which of them, and in what order.
pub struct Node<'m> {
    pub(in crate::records) selection: Selection<'m>,
    pub(in crate::records) filter: Filter<Subject<'m>>,
    pub(in crate::records) order: Vec<OrderTerm<SortBy<'m>>>,
    /// In rows; nothing where there is at most one.
    pub(in crate::records) limit: Option<u64>,
    /// In rows.
    pub(in crate::records) offset: u64,
}

/// Reads a page of records.
pub struct List<'m> {
    pub(in crate::records) node: Node<'m>,
    /// Bytes of the answer, at most.
    pub(in crate::records) answer_bytes: u64,
}

impl List<'_> {
    /// How many rows come before the page.
    pub(in crate::records) fn offset(&self) -> u64 {
        self.node.offset
    }
}

/// Reads the one record that the filter's key names.
pub struct Get<'m> {
    pub(in crate::records) node: Node<'m>,
}

/// Plans a page of records.
pub fn list<'m>(context: Context<'m>, object: &'m Object, query: &str) -> Result<List<'m>, RecordError> {
    let limits = context.limits;
    let said = read_query(object, query, limits, "list records", |_| true)?;
    let mut levels = Levels::place(&said.select, said.embedded)?;
    let selection = selection(context, object, said.select, &mut levels)?;
    let node = Node {
        order: order(&selection, said.root.order)?,
        filter: visible(object, None, said.root.filter, &selection.embeds)?,
        selection,
        limit: Some(limits.rows(said.root.limit)),
        offset: said.root.offset.unwrap_or(0),
    };
    Ok(List {
        node,
        answer_bytes: limits.answer_bytes,
    })
}

/// Plans reading one record by its id.
pub fn get<'m>(
    context: Context<'m>,
    object: &'m Object,
    id: &str,
    query: &str,
) -> Result<Get<'m>, RecordError> {
    let said = read_query(object, query, context.limits, "get one record", finds)?;
    let mut levels = Levels::place(&said.select, said.embedded)?;
    let selection = selection(context, object, said.select, &mut levels)?;
    selection.refuse_aggregates()?;
    let node = Node {
        filter: visible(object, Some(id), said.root.filter, &selection.embeds)?,
        order: Vec::new(),
        selection,
        limit: None,
        offset: 0,
    };
    Ok(Get { node })
}
