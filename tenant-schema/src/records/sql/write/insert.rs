//! `insert`, with and without `on conflict`.

use super::held::{holds, locked};
use super::{answer, returned, typed};
use crate::records::error::RecordError;
use crate::records::model::Field;
use crate::records::plan::{Absent, Conflict, Held, Insert, Written};
use crate::records::quote;
use crate::records::sql::Query;
use crate::records::sql::writer::Writer;

/// How many rows the statement has merged so far, counted by [`COUNT_MERGED`].
pub(super) const MERGED: &str = "coalesce(nullif(current_setting('tenantry.merged', true), ''), '0')::bigint";

/// A condition that holds for every row, and counts those it is asked about. `xmax` would tell new rows from others
/// too, but neither views nor partitioned tables have it.
const COUNT_MERGED: &str = "set_config('tenantry.merged', (coalesce(nullif(current_setting('tenantry.merged', true), \
    ''), '0')::bigint + 1)::text, true) <> ''";

/// An insert of all objects in the body, in their order.
pub fn insert(plan: &Insert<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    sql.push("with ");
    if !plan.key.is_empty() {
        put(&mut sql, plan)?;
    }
    sql.push("_w as (insert into ");
    sql.name(&plan.object.name)?;
    sql.push(" as t");
    if plan.columns.is_empty() {
        // One row of defaults for each object, none for an empty array.
        sql.push(" select from json_array_elements(");
        sql.bind_body(&plan.body);
        sql.push("::json)");
    } else {
        sql.push(" (");
        sql.list(&plan.columns, |sql, column| sql.name(&column.field.name))?;
        sql.push(") select ");
        if plan.key.is_empty() {
            rows(&mut sql, plan)?;
        } else {
            sql.list(&plan.columns, |sql, column| sql.column("_n", column.field))?;
            sql.push(" from _n");
            if let Some(held) = plan
                .answer
                .held
                .as_ref()
                .filter(|held| held.absent == Absent::Fails)
            {
                sql.push(" cross join ");
                locked(&mut sql, held)?;
                sql.push(" c");
            }
        }
    }
    if let Some(conflict) = &plan.conflict {
        on_conflict(&mut sql, conflict, plan.answer.held.as_ref())?;
    }
    sql.push(" returning ");
    returned(&mut sql, &plan.answer, &[])?;
    sql.push(")");
    answer(&mut sql, &plan.answer, plan.merges())?;
    sql.finish()
}

/// `_n as (…), `: the object of the body, when its key is the one that the URL names.
fn put(sql: &mut Writer, plan: &Insert<'_>) -> Result<(), RecordError> {
    sql.push("_n as (select ");
    rows(sql, plan)?;
    for (index, (field, value)) in plan.key.iter().enumerate() {
        sql.push(if index == 0 { " where " } else { " and " });
        sql.column("r", field)?;
        sql.push(" = ");
        sql.bind(&field.name, value.clone())?;
    }
    sql.push("), ");
    Ok(())
}

/// `columns from rows`, as a select has them.
fn rows(sql: &mut Writer, plan: &Insert<'_>) -> Result<(), RecordError> {
    let some_default = plan.columns.iter().any(|column| column.defaults);
    sql.list(&plan.columns, |sql, column| {
        if column.defaults {
            defaulted(sql, &plan.object.name, column.field)
        } else {
            sql.column("r", column.field)
        }
    })?;
    if some_default {
        sql.push(" from json_array_elements(");
        sql.bind_body(&plan.body);
        sql.push("::json) as e(value) cross join lateral json_to_record(e.value) as r(");
    } else {
        sql.push(" from json_to_recordset(");
        sql.bind_body(&plan.body);
        sql.push("::json) as r(");
    }
    sql.list(&plan.columns, |sql, Written { field, defaults }| {
        // A domain may refuse the NULL that is there before the default is.
        let type_name = if *defaults {
            &field.base_type
        } else {
            &field.type_name
        };
        typed(sql, &field.name, type_name)
    })?;
    sql.push(")");
    Ok(())
}

/// The value in the object, or the column's default where the object does not have it; a NULL is a value.
fn defaulted(sql: &mut Writer, object: &str, field: &Field) -> Result<(), RecordError> {
    sql.push("case when (e.value -> ");
    sql.bind(&field.name, field.name.clone())?;
    sql.push("::text) is null then (");
    if let Some(default) = &field.default {
        // PostgreSQL's own words, from the introspected model.
        sql.push(default);
    } else {
        let mut table = String::new();
        quote::push_identifier(&mut table, object)?;
        sql.push("nextval(pg_get_serial_sequence(");
        sql.bind(&field.name, table)?;
        sql.push(", ");
        sql.bind(&field.name, field.name.clone())?;
        sql.push("))");
    }
    sql.push(")::");
    sql.push(&field.type_name);
    sql.push(" else ");
    sql.column("r", field)?;
    sql.push(" end");
    Ok(())
}

fn on_conflict(
    sql: &mut Writer,
    conflict: &Conflict<'_>,
    held: Option<&Held<'_>>,
) -> Result<(), RecordError> {
    sql.push(" on conflict (");
    sql.list(&conflict.columns, |sql, field| sql.name(&field.name))?;
    let Some(merge) = &conflict.merge else {
        sql.push(") do nothing");
        return Ok(());
    };
    sql.push(") do update set ");
    sql.list(&merge.set, |sql, field| {
        sql.name(&field.name)?;
        sql.push(" = ");
        sql.column("excluded", field)
    })?;
    sql.push(" where ");
    if let Some(deleted_at) = merge.deleted_at {
        sql.column("t", deleted_at)?;
        sql.push(" is null and ");
    }
    if let Some(held) = held {
        holds(sql, held, "t")?;
        sql.push(" and ");
    }
    // Counted last: what fails the conditions is not merged.
    sql.push(COUNT_MERGED);
    Ok(())
}
