//! The statements that read.

use super::embed::{Clause, Parent, Stands, restrict};
use super::rows::{RowsOf, all, cursor, rows};
use super::select::{Form, record};
use super::writer::Writer;
use super::{Query, body, bounded, from};
use crate::records::Count;
use crate::records::error::RecordError;
use crate::records::plan::{Get, List};

/// A page: one row whose `body` is an array and whose `count` is its length. One that is continued by cursor has the sort
/// values of its last record as its `key`.
pub fn list(plan: &List<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    let is_counted = plan.count.is_some_and(Count::counts);
    bounded(
        &mut sql,
        plan.answer_bytes,
        if is_counted { ", a.total" } else { "" },
    );
    if let Some(paging) = &plan.paging {
        cursor::page(&mut sql, &plan.node, paging)?;
    }
    sql.push("select ");
    body::of_all(&mut sql, plan.form, &plan.node.selection)?;
    sql.push(" as body, count(*) as count, null::text as version, ");
    match &plan.paging {
        Some(_) => cursor::last(&mut sql, &plan.node)?,
        None => sql.push("null::text"),
    }
    sql.push(" as key");
    if is_counted {
        sql.push(", (select count(*) from (");
        all(&mut sql, &plan.node, RowsOf::Object)?;
        if plan.count == Some(Count::Estimated) {
            // One more than what is counted exactly says that there are more.
            sql.push(" limit ");
            sql.push(&(plan.max_rows + 1).to_string());
        }
        sql.push(") c) as total");
    }
    sql.push(" from (");
    match &plan.paging {
        Some(_) => cursor::records(&mut sql, &plan.node)?,
        None => rows(&mut sql, &plan.node, RowsOf::Object, Form::Labels)?,
    }
    sql.push(") r) a");
    sql.finish()
}

/// Asks PostgreSQL how many records it expects a page to be taken from: one row, a JSON text.
pub fn estimate(plan: &List<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    sql.push("explain (format json) ");
    all(&mut sql, &plan.node, RowsOf::Object)?;
    sql.finish()
}

/// One record: one row whose `body` is an object, or no row.
pub fn get(plan: &Get<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    let selection = &plan.node.selection;
    if let Some(bytes) = plan.answer_bytes {
        bounded(&mut sql, bytes, "");
    }
    sql.push("select ");
    body::of_one(&mut sql, plan.form, selection)?;
    sql.push(" as body, 1::bigint as count, ");
    match selection.object.version() {
        Some(version) => {
            sql.column("t", version)?;
            sql.push("::text as version");
        }
        None => sql.push("null::text as version"),
    }
    sql.push(", null::text as key");
    from(&mut sql, selection.object)?;
    let parent = Parent {
        selection,
        alias: "t",
        stands: Stands::Object,
    };
    record(&mut sql, parent)?;
    restrict(&mut sql, &mut Clause::begin(" where "), &plan.node, "t")?;
    if plan.answer_bytes.is_some() {
        // Without the offset the planner would put the body wherever the bound names it, and make it twice.
        sql.push(" offset 0) a");
    }
    sql.finish()
}
