//! The statements that write.

use super::select::record;
use super::writer::Writer;
use super::{Query, bounded, from};
use crate::records::error::RecordError;
use crate::records::model::Field;
use crate::records::plan::{Answering, Delete, Insert, Selection, Update};

/// An insert of all objects in the body, in their order.
pub fn insert(plan: &Insert<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    sql.push("with w as (insert into ");
    sql.name(&plan.object.name)?;
    sql.push(" as t");
    if plan.columns.is_empty() {
        // One row of defaults for each object, none for an empty array.
        sql.push(" select from json_array_elements(");
        sql.bind_body(&plan.body);
        sql.push("::json)");
    } else {
        sql.push(" (");
        sql.list(&plan.columns, |sql, field| sql.name(&field.name))?;
        sql.push(") select ");
        sql.list(&plan.columns, |sql, field| sql.column("r", field))?;
        sql.push(" from json_to_recordset(");
        body_columns(&mut sql, &plan.body, &plan.columns)?;
    }
    returning(&mut sql, &plan.answer, " returning ")?;
    sql.push(")");
    answer(&mut sql, &plan.answer)?;
    Ok(sql.finish())
}

/// An update of everything the filter finds; with no columns, the same answer without a change.
pub fn update(plan: &Update<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    if plan.columns.is_empty() {
        returning(&mut sql, &plan.answer, "with w as (select ")?;
        from(&mut sql, plan.object)?;
        sql.where_clause(&plan.filter)?;
    } else {
        sql.push("with w as (update ");
        sql.name(&plan.object.name)?;
        sql.push(" as t set ");
        sql.list(&plan.columns, |sql, field| {
            sql.name(&field.name)?;
            sql.push(" = ");
            sql.column("r", field)
        })?;
        sql.push(" from json_to_record(");
        body_columns(&mut sql, &plan.body, &plan.columns)?;
        sql.where_clause(&plan.filter)?;
        returning(&mut sql, &plan.answer, " returning ")?;
    }
    sql.push(")");
    answer(&mut sql, &plan.answer)?;
    Ok(sql.finish())
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
    sql.where_clause(&plan.filter)?;
    returning(&mut sql, &plan.answer, " returning ")?;
    sql.push(")");
    answer(&mut sql, &plan.answer)?;
    Ok(sql.finish())
}

/// `$n::json) as r("column" type, …)`. The types are PostgreSQL's own words, from the introspected model.
fn body_columns(sql: &mut Writer, body: &str, columns: &[&Field]) -> Result<(), RecordError> {
    sql.bind_body(body);
    sql.push("::json) as r(");
    sql.list(columns, |sql, field| {
        sql.name(&field.name)?;
        sql.push(" ");
        sql.push(&field.type_name);
        Ok(())
    })?;
    sql.push(")");
    Ok(())
}

/// The columns of a written row that the answer needs, each once.
fn returning(sql: &mut Writer, answer: &Answering<'_>, verb: &str) -> Result<(), RecordError> {
    let mut fields: Vec<&Field> = answer.select.as_ref().map(Selection::fields).unwrap_or_default();
    for field in answer.version.into_iter().chain(answer.key.iter().copied()) {
        if !fields.iter().any(|known| known.name == field.name) {
            fields.push(field);
        }
    }
    sql.push(verb);
    if fields.is_empty() {
        sql.push("1");
    }
    sql.list(&fields, |sql, field| sql.column("t", field))
}

/// The statement's end: the four result columns over the written rows.
fn answer(sql: &mut Writer, answer: &Answering<'_>) -> Result<(), RecordError> {
    sql.push(" ");
    if answer.select.is_some() {
        bounded(sql, answer.answer_bytes);
    }
    sql.push(match (&answer.select, answer.as_object) {
        (None, _) => "select null::text as body",
        (Some(_), true) => "select min(row_to_json(r.*)::text) as body",
        (Some(_), false) => "select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body",
    });
    sql.push(", count(*) as count, ");
    match answer.version {
        Some(version) => {
            sql.push("min(");
            sql.column("w", version)?;
            sql.push(")::text as version, ");
        }
        None => sql.push("null::text as version, "),
    }
    if answer.key.is_empty() {
        sql.push("null::text as key from w");
    } else {
        sql.push("min(json_build_array(");
        sql.list(&answer.key, |sql, field| {
            sql.column("w", field)?;
            sql.push("::text");
            Ok(())
        })?;
        sql.push(")::text) as key from w");
    }
    match &answer.select {
        Some(select) => {
            record(sql, select, "w")?;
            sql.push(") a");
            Ok(())
        }
        None => Ok(()),
    }
}
