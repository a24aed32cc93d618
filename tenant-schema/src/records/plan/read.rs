//! Reads: a page of records, and one record.

use super::filter::{column, visible};
use super::query::{finds, read_query};
use super::select::{Output, outputs};
use crate::records::ast::{Filter, OrderTerm};
use crate::records::error::RecordError;
use crate::records::limits::Limits;
use crate::records::model::{Field, Object};

/// Reads a page of records.
pub struct List<'m> {
    pub(in crate::records) object: &'m Object,
    pub(in crate::records) select: Vec<Output<'m>>,
    pub(in crate::records) filter: Filter<&'m Field>,
    pub(in crate::records) order: Vec<OrderTerm<&'m Field>>,
    pub(in crate::records) limit: u64,
    pub(in crate::records) offset: u64,
    /// Bytes of the answer, at most.
    pub(in crate::records) answer_bytes: u64,
}

/// Reads the one record that the filter's key names.
pub struct Get<'m> {
    pub(in crate::records) object: &'m Object,
    pub(in crate::records) select: Vec<Output<'m>>,
    pub(in crate::records) filter: Filter<&'m Field>,
}

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
