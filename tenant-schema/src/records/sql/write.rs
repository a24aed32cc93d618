//! The statements that write.
//!
//! Each is `with w as (insert, update or delete … returning …)` and an answer made of `w` (`answer`). What an answer
//! shows of other objects is as it was before the write, because all parts of a statement see one snapshot
//! (PostgreSQL documentation, section 7.8.4).

use super::Query;
use super::embed::record_as_a_whole;
use super::rows::{RowsOf, rows};
use super::select::Form;
use super::writer::Writer;
use crate::records::ast::Filter;
use crate::records::error::RecordError;
use crate::records::model::Field;
use crate::records::plan::{Answering, Bound, Delete, SortBy, Subject, Update};

mod answer;
mod insert;

use super::from;
use answer::answer;
pub(super) use answer::guarded;
pub use insert::insert;

/// An update of everything the filter finds; with no columns, the same answer without a change.
pub fn update(plan: &Update<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    if plan.columns.is_empty() && plan.defaults.is_empty() {
        sql.push("with w as (select ");
        returned(&mut sql, &plan.answer)?;
        from(&mut sql, plan.object)?;
        found(&mut sql, &plan.filter, plan.bound.as_ref())?;
    } else {
        sql.push("with w as (update ");
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
        sql.push(" returning ");
        returned(&mut sql, &plan.answer)?;
    }
    sql.push(")");
    answer(&mut sql, &plan.answer, false)?;
    sql.finish()
}

/// A delete, or the update that stands for it, of everything the filter finds.
pub fn delete(plan: &Delete<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    sql.push(if plan.soft {
        "with w as (update "
    } else {
        "with w as (delete from "
    });
    sql.name(&plan.object.name)?;
    sql.push(if plan.soft {
        " as t set deleted_at = now()"
    } else {
        " as t"
    });
    found(&mut sql, &plan.filter, plan.bound.as_ref())?;
    sql.push(" returning ");
    returned(&mut sql, &plan.answer)?;
    sql.push(")");
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

/// The columns of a written row that the answer needs, each once.
fn returned(sql: &mut Writer, answer: &Answering<'_>) -> Result<(), RecordError> {
    let mut fields: Vec<&Field> = Vec::new();
    let node = answer.node.as_ref();
    let selected = node.map(|node| node.selection.fields()).unwrap_or_default();
    let sorted = node.into_iter().flat_map(|node| &node.order);
    let sorted = sorted.filter_map(|term| match &term.key {
        SortBy::Own(spot) => Some(spot.field),
        SortBy::Related(..) | SortBy::Shown(_) | SortBy::Relevance(_) => None,
    });
    let key = answer.key.iter().copied();
    for field in selected
        .into_iter()
        .chain(sorted)
        .chain(answer.version)
        .chain(key)
    {
        if !fields.iter().any(|known| known.name == field.name) {
            fields.push(field);
        }
    }
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
