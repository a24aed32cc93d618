//! The statement that calls a function.
//!
//! The call stands in `from`, so that a function which can be inlined is, with the filters and the page of the
//! request (PostgreSQL documentation, section 38.5). Arguments are named, and given as one JSON parameter or as one
//! text each.

use super::filter::array_literal;
use super::rows::{RowsOf, all, rows};
use super::select::Form;
use super::write::{guarded, typed};
use super::writer::Writer;
use super::{Query, body, keep};
use crate::records::Count;
use crate::records::error::RecordError;
use crate::records::model::Parameter;
use crate::records::plan::{Call, Given, Node, Results};

/// Writes a call: one row whose `count` is that of the results.
pub fn call(plan: &Call<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    let fifth = plan.count.map(|_| "total");
    if plan.keep.is_some() {
        sql.push("with ");
        keep::open(&mut sql);
    }
    guarded(&mut sql, &plan.guards, None, fifth)?;
    match &plan.result {
        Results::Nothing => {
            sql.push("select null::text as body");
            totals(&mut sql);
            sql.push(" from ");
            source(&mut sql, plan)?;
            sql.push(" as t");
        }
        Results::Rows(node) => records(&mut sql, plan, node)?,
        Results::Values {
            exact,
            untyped,
            limit,
            offset,
        } => {
            sql.push("select ");
            body::of_values(&mut sql, plan.form, plan.function)?;
            sql.push(" as body");
            totals(&mut sql);
            let values = |sql: &mut Writer| {
                if *untyped {
                    return select_call(sql, plan);
                }
                source(sql, plan)?;
                sql.push(" as t(v)");
                Ok(())
            };
            total(&mut sql, plan, |sql| {
                sql.push("select from ");
                values(sql)
            })?;
            sql.push(" from (select t.v");
            if let Some(cast) = exact {
                sql.push("::");
                sql.push(cast);
                sql.push(" as v");
            }
            sql.push(" from ");
            values(&mut sql)?;
            page(&mut sql, *limit, *offset)?;
            sql.push(") r");
        }
    }
    sql.push(") a");
    if let Some(kept) = plan.keep {
        keep::close(&mut sql, kept, fifth)?;
    }
    sql.finish()
}

fn records(sql: &mut Writer, plan: &Call<'_>, node: &Node<'_>) -> Result<(), RecordError> {
    // A function that returns no row has the answer `null`.
    let is_one = plan.form.is_singular();
    sql.push(if is_one { "select coalesce(" } else { "select " });
    body::of_all(sql, plan.form, &node.selection)?;
    sql.push(if is_one { ", 'null') as body" } else { " as body" });
    totals(sql);
    let called = |sql: &mut Writer| source(sql, plan);
    total(sql, plan, |sql| all(sql, node, RowsOf::Call(&called)))?;
    sql.push(" from (");
    rows(sql, node, RowsOf::Call(&called), Form::Labels)?;
    sql.push(") r");
    Ok(())
}

/// `, (select count(*) from (…) c) as total`, if all results are counted.
fn total(
    sql: &mut Writer,
    plan: &Call<'_>,
    all: impl Fn(&mut Writer) -> Result<(), RecordError>,
) -> Result<(), RecordError> {
    let Some(count) = plan.count else {
        return Ok(());
    };
    sql.push(", (select count(*) from (");
    all(sql)?;
    if count == Count::Estimated {
        // PostgreSQL's guess about a function says nothing: what is more than a page may hold is not known.
        sql.push(" limit ");
        sql.push(&(plan.max_rows + 1).to_string());
    }
    sql.push(") c) as total");
    Ok(())
}

fn totals(sql: &mut Writer) {
    sql.push(", count(*) as count, null::text as version, null::text as key");
}

fn page(sql: &mut Writer, limit: Option<u64>, offset: u64) -> Result<(), RecordError> {
    if let Some(limit) = limit {
        sql.push(" limit ");
        sql.bind("limit", limit.to_string())?;
        sql.push("::bigint");
    }
    if offset > 0 {
        sql.push(" offset ");
        sql.bind("offset", offset.to_string())?;
        sql.push("::bigint");
    }
    Ok(())
}

/// `"function"(…)`, with what its arguments are taken from before it.
fn source(sql: &mut Writer, plan: &Call<'_>) -> Result<(), RecordError> {
    if let Given::Object { parameters, body } = &plan.given
        && !parameters.is_empty()
    {
        members(sql, parameters, body)?;
        sql.push(" cross join lateral ");
    }
    function(sql, plan)
}

/// `(select "function"(…) as v) as t`: rows without named columns come only as whole values.
fn select_call(sql: &mut Writer, plan: &Call<'_>) -> Result<(), RecordError> {
    sql.push("(select ");
    function(sql, plan)?;
    sql.push(" as v");
    if let Given::Object { parameters, body } = &plan.given
        && !parameters.is_empty()
    {
        sql.push(" from ");
        members(sql, parameters, body)?;
    }
    sql.push(") as t");
    Ok(())
}

/// `json_to_record($n::json) as g("name" type, …)`
fn members(sql: &mut Writer, parameters: &[&Parameter], body: &str) -> Result<(), RecordError> {
    sql.push("json_to_record(");
    sql.bind_body(body);
    sql.push("::json) as g(");
    sql.list(parameters, |sql, parameter| {
        typed(sql, &parameter.name, &parameter.type_name)
    })?;
    sql.push(")");
    Ok(())
}

fn function(sql: &mut Writer, plan: &Call<'_>) -> Result<(), RecordError> {
    sql.name(&plan.function.name)?;
    sql.push("(");
    match &plan.given {
        Given::Object { parameters, .. } => sql.list(parameters, |sql, parameter| {
            named(sql, parameter)?;
            sql.column_named("g", &parameter.name)
        })?,
        Given::Texts(texts) => sql.list(texts, |sql, (parameter, values)| {
            named(sql, parameter)?;
            let value = match values.as_slice() {
                [one] if !parameter.variadic => one.clone(),
                many => array_literal(many),
            };
            sql.bind(&parameter.name, value)?;
            cast(sql, parameter);
            Ok(())
        })?,
        Given::Whole(parameter, body) => {
            sql.bind("body", body.clone())?;
            cast(sql, parameter);
        }
    }
    sql.push(")");
    Ok(())
}

/// `"name" => `
fn named(sql: &mut Writer, parameter: &Parameter) -> Result<(), RecordError> {
    if parameter.variadic {
        sql.push("variadic ");
    }
    sql.name(&parameter.name)?;
    sql.push(" => ");
    Ok(())
}

/// PostgreSQL's own word for the type, from the introspected model.
fn cast(sql: &mut Writer, parameter: &Parameter) {
    sql.push("::");
    sql.push(&parameter.type_name);
}
