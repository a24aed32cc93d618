//! The statements that write.
//!
//! Each is `with _w as (insert, update or delete … returning …)` and an answer made of `_w` (`answer`). What an answer
//! shows of other objects is as it was before the write, because all parts of a statement see one snapshot
//! (PostgreSQL documentation, section 7.8.4).

use super::Query;
use super::embed::record_as_a_whole;
use super::rows::{RowsOf, rows};
use super::select::Form;
use super::writer::Writer;
use crate::records::ast::Filter;
use crate::records::error::RecordError;
use crate::records::model::{DELETED_AT, Field, distinct};
use crate::records::plan::{Answering, Bound, Delete, SortBy, Subject, Update};

mod answer;
mod cascade;
mod held;
mod insert;
mod restore;

use super::from;
use answer::answer;
pub(super) use answer::guarded;
use held::and_holds;
pub use insert::insert;
pub use restore::{purge, restore};

/// An update of everything the filter finds; with no columns, the same answer without a change.
pub fn update(plan: &Update<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    if plan.columns.is_empty() && plan.defaults.is_empty() {
        sql.push("with _w as (select ");
        returned(&mut sql, &plan.answer, &[])?;
        from(&mut sql, plan.object)?;
        found(&mut sql, &plan.filter, plan.bound.as_ref())?;
        and_holds(&mut sql, plan.answer.held.as_ref(), "t")?;
    } else {
        sql.push("with _w as (update ");
        sql.name(&plan.object.name)?;
        sql.push(" as t set ");
        sql.list(&plan.columns, |sql, field| {
            sql.name(&field.name)?;
            sql.push(" = ");
            sql.column("r", field)
        })?;
        if !plan.columns.is_empty() && !plan.defaults.is_empty() {
            sql.push(", ");
        }
        sql.list(&plan.defaults, |sql, field| {
            sql.name(&field.name)?;
            sql.push(" = default");
            Ok(())
        })?;
        leave_deletion(&mut sql, plan);
        if !plan.columns.is_empty() {
            sql.push(" from json_to_record(");
            sql.bind_body(&plan.body);
            sql.push("::json) as r(");
            sql.list(&plan.columns, |sql, field| {
                typed(sql, &field.name, &field.type_name)
            })?;
            sql.push(")");
        }
        found(&mut sql, &plan.filter, plan.bound.as_ref())?;
        and_holds(&mut sql, plan.answer.held.as_ref(), "t")?;
        sql.push(" returning ");
        returned(&mut sql, &plan.answer, &[])?;
    }
    sql.push(")");
    answer(&mut sql, &plan.answer, false)?;
    sql.finish()
}

/// A record that a body marks as removed, or as live again, is marked alone: it has nothing in common any more with what
/// was removed together with it. One that stays removed stays what it was.
fn leave_deletion(sql: &mut Writer, plan: &Update<'_>) {
    let sets = |fields: &[&Field]| fields.iter().any(|field| field.name == DELETED_AT);
    if plan.object.deletion().is_none() {
        return;
    }
    if sets(&plan.columns) {
        sql.push(", deletion_id = case when r.deleted_at is null or t.deleted_at is null then null else t.deletion_id end");
    } else if sets(&plan.defaults) {
        sql.push(", deletion_id = null");
    }
}

/// A delete, or the update that stands for it, of everything the filter finds.
pub fn delete(plan: &Delete<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    let fall = plan.fall.as_ref();
    sql.push(if cascade::is_recursive(fall) {
        "with recursive "
    } else {
        "with "
    });
    sql.push(if plan.soft {
        "_w as (update "
    } else {
        "_w as (delete from "
    });
    sql.name(&plan.object.name)?;
    sql.push(if plan.soft {
        " as t set deleted_at = now()"
    } else {
        " as t"
    });
    if let Some(fall) = fall {
        cascade::set_deletion(&mut sql, fall.id)?;
    }
    found(&mut sql, &plan.filter, plan.bound.as_ref())?;
    and_holds(&mut sql, plan.answer.held.as_ref(), "t")?;
    sql.push(" returning ");
    returned(&mut sql, &plan.answer, &cascade::carried(plan.object, fall))?;
    sql.push(")");
    if let Some(fall) = fall {
        cascade::fall(&mut sql, plan.object, fall)?;
    }
    answer(&mut sql, &plan.answer, false)?;
    sql.finish()
}

/// The filter, and where the write is limited, the keys of a page of what it finds. The filter stands in both places:
/// a record that another transaction has changed meanwhile is looked at again by the outer one only.
fn found(
    sql: &mut Writer,
    filter: &Filter<Subject<'_>>,
    bound: Option<&Bound<'_>>,
) -> Result<(), RecordError> {
    sql.where_clause(filter)?;
    let Some(bound) = bound else {
        return Ok(());
    };
    sql.push(if filter.is_empty() { " where (" } else { " and (" });
    sql.list(&bound.key, |sql, field| sql.column("t", field))?;
    sql.push(") in (");
    rows(sql, &bound.page, RowsOf::Object, Form::Raw)?;
    sql.push(")");
    Ok(())
}

/// `"column" type`: the type is PostgreSQL's own word, from the introspected model.
pub(super) fn typed(sql: &mut Writer, name: &str, type_name: &str) -> Result<(), RecordError> {
    sql.name(name)?;
    sql.push(" ");
    sql.push(type_name);
    Ok(())
}

/// The columns of a written row that the answer needs, and others that the statement does, each once.
fn returned(sql: &mut Writer, answer: &Answering<'_>, others: &[&Field]) -> Result<(), RecordError> {
    let node = answer.node.as_ref();
    let selected = node.map(|node| node.selection.fields()).unwrap_or_default();
    let sorted = node.into_iter().flat_map(|node| &node.order);
    let sorted = sorted.filter_map(|term| match &term.key {
        SortBy::Own(spot) => Some(spot.field),
        SortBy::Related(..) | SortBy::Shown(_) | SortBy::Relevance(_) => None,
    });
    let key = answer.key.iter().copied();
    let needed = selected
        .into_iter()
        .chain(sorted)
        .chain(answer.version)
        .chain(key);
    let fields = distinct(needed.chain(others.iter().copied()));
    let whole = node.map(|node| &node.selection);
    let whole = whole.filter(|selection| selection.takes_record());
    if fields.is_empty() && whole.is_none() {
        sql.push("1");
    }
    sql.list(&fields, |sql, field| sql.column("t", field))?;
    if let Some(selection) = whole {
        sql.push(if fields.is_empty() { "" } else { ", " });
        record_as_a_whole(sql, selection, "t")?;
    }
    Ok(())
}
