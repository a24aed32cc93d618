//! Reads: a page of records, and one record.

use super::Asked;
use super::cursor::{Paging, Wanted};
use super::filter::{Subject, visible};
use super::items::selection;
use super::levels::Levels;
use super::order::{SortBy, order};
use super::query::read_query;
use super::search::Words;
use super::select::{Output, Selection, Value};
use crate::records::ast::{Filter, OrderTerm};
use crate::records::cursor::Next;
use crate::records::error::RecordError;
use crate::records::model::Object;
use crate::records::parse::Verb;
use crate::records::{Count, Form, RowRange};

/// The greatest `limit` that PostgreSQL takes.
const EVERY_ROW: u64 = i64::MAX.cast_unsigned();

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
    pub(in crate::records) form: Form,
    /// How the number of all records is found that the page is taken from.
    pub(in crate::records) count: Option<Count>,
    /// The rows that an estimated number is counted up to.
    pub(in crate::records) max_rows: u64,
    /// Bytes of the answer, at most.
    pub(in crate::records) answer_bytes: u64,
    /// How it is paged, if that is by cursor.
    pub(in crate::records) paging: Option<Paging<'m>>,
}

impl List<'_> {
    /// How many rows come before the page, as far as that is known.
    pub(in crate::records) fn offset(&self) -> Option<u64> {
        let is_behind_another = self.paging.as_ref().is_some_and(|paging| paging.after.is_some());
        (!is_behind_another).then_some(self.node.offset)
    }

    /// What names the next page.
    pub(in crate::records) fn next(&self) -> Option<Next> {
        self.paging.as_ref().map(|paging| paging.next.clone())
    }
}

/// Reads the one record that the filter's key names.
pub struct Get<'m> {
    pub(in crate::records) node: Node<'m>,
    pub(in crate::records) form: Form,
    /// Bytes of the answer, at most, where it holds more than the record.
    pub(in crate::records) answer_bytes: Option<u64>,
}

impl Get<'_> {
    /// What it answers follows from the version of the record: its own columns as JSON, and nothing of other records,
    /// which change by themselves.
    pub(in crate::records) fn is_plain(&self) -> bool {
        let selection = &self.node.selection;
        let is_own = |output: &Output<'_>| match &output.value {
            Value::Spot(spot) => selection.object.field(&spot.field.name).is_some(),
            Value::Record => false,
        };
        matches!(self.form, Form::Plural | Form::Singular)
            && !selection.object.kind.is_view()
            && selection.embeds.is_empty()
            && selection.outputs.iter().all(is_own)
    }
}

/// Plans a page of records.
pub fn list<'m>(object: &'m Object, asked: &Asked<'m>) -> Result<List<'m>, RecordError> {
    let (context, limits) = (asked.context, asked.context.limits);
    let mut said = read_query(object, asked.request.query, limits, Verb::List)?;
    let wanted = Wanted::of(&mut said, asked)?;
    if wanted.is_some() && asked.every_row {
        return Err(RecordError::MisplacedParameter {
            parameter: "cursor".to_owned(),
            action: "export records",
        });
    }
    if asked.request.range.is_some() && asked.every_row {
        return Err(RecordError::MisplacedHeader {
            header: "Range",
            action: "export records",
        });
    }
    let words = said.search.as_deref();
    let words = words
        .map(|text| Words::find(object, text, limits))
        .transpose()?
        .flatten();
    let (offset, limit) = page(
        said.root.offset.unwrap_or(0),
        said.root.limit,
        asked.request.range,
    )?;
    let mut levels = Levels::place(&said.select, said.embedded)?;
    let selection = selection(context, object, said.select, &mut levels)?;
    let mut order = order(&selection, said.root.order)?;
    let mut filter = visible(object, None, said.root.filter, said.deleted, &selection.embeds)?;
    if let Some(words) = words {
        filter.and(words.condition());
        if order.is_empty() && !selection.aggregates() {
            order = words.by_relevance(object);
        }
    }
    let paging = wanted
        .map(|wanted| wanted.plan(&selection, &mut order, asked))
        .transpose()?;
    let node = Node {
        order,
        filter,
        selection,
        limit: Some(if asked.every_row {
            limit.unwrap_or(EVERY_ROW).min(EVERY_ROW)
        } else {
            limits.rows(limit)
        }),
        offset,
    };
    Ok(List {
        paging,
        node,
        form: asked.request.form,
        count: asked.request.preferences.count,
        max_rows: limits.max_rows,
        answer_bytes: limits.answer_bytes,
    })
}

/// Plans reading one record by its id.
pub fn get<'m>(object: &'m Object, id: &str, asked: &Asked<'m>) -> Result<Get<'m>, RecordError> {
    let context = asked.context;
    let said = read_query(object, asked.request.query, context.limits, Verb::Get)?;
    let mut levels = Levels::place(&said.select, said.embedded)?;
    let selection = selection(context, object, said.select, &mut levels)?;
    selection.refuse_aggregates()?;
    let node = Node {
        filter: visible(
            object,
            Some(id),
            said.root.filter,
            said.deleted,
            &selection.embeds,
        )?,
        order: Vec::new(),
        selection,
        limit: None,
        offset: 0,
    };
    let holds_more = !node.selection.embeds.is_empty();
    Ok(Get {
        node,
        form: asked.request.form,
        answer_bytes: holds_more.then_some(context.limits.answer_bytes),
    })
}

/// The page that `offset` and `limit` and the `Range` header have in common.
pub(super) fn page(
    offset: u64,
    limit: Option<u64>,
    range: Option<RowRange>,
) -> Result<(u64, Option<u64>), RecordError> {
    let Some(RowRange { first, last }) = range else {
        return Ok((offset, limit));
    };
    let begin = offset.max(first);
    let of_range = last.map(|last| last.saturating_add(1));
    let of_limit = limit.map(|limit| offset.saturating_add(limit));
    match [of_range, of_limit].into_iter().flatten().min() {
        None => Ok((begin, None)),
        Some(end) if end > begin || limit == Some(0) => Ok((begin, Some(end.saturating_sub(begin)))),
        Some(_) => Err(RecordError::InvalidRange {
            details:
                "The lower boundary must be lower than or equal to the upper boundary in the Range header."
                    .into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_what_the_query_and_the_header_have_in_common() {
        let range = |first, last| Some(RowRange { first, last });
        for (offset, limit, header, expected) in [
            (0, None, None, (0, None)),
            (5, Some(10), None, (5, Some(10))),
            (0, None, range(0, Some(24)), (0, Some(25))),
            (0, None, range(10, None), (10, None)),
            (5, Some(10), range(0, Some(9)), (5, Some(5))),
            (5, Some(10), range(12, Some(99)), (12, Some(3))),
            (0, Some(0), range(0, Some(9)), (0, Some(0))),
            (0, None, range(0, Some(u64::MAX)), (0, Some(u64::MAX))),
        ] {
            assert_eq!(
                page(offset, limit, header).ok(),
                Some(expected),
                "{offset} {limit:?} {header:?}"
            );
        }
        for (offset, limit, header) in [
            (0, None, range(5, Some(4))),
            (20, None, range(0, Some(9))),
            (0, Some(5), range(5, None)),
        ] {
            let refused = page(offset, limit, header).expect_err("they have no row in common");
            assert_eq!((refused.status(), refused.code()), (416, "PGRST103"));
        }
    }
}
