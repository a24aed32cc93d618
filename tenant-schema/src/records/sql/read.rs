//! The statements that read.

use super::embed::{Clause, Parent, Stands, restrict};
use super::rows::{RowsOf, all_rows, rows};
use super::select::{Form, record};
use super::writer::Writer;
use super::{Query, bounded, from};
use crate::records::error::RecordError;
use crate::records::plan::{Get, List};

/// A page: one row whose `body` is an array and whose `count` is its length.
pub fn list(plan: &List<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    bounded(&mut sql, plan.answer_bytes);
    sql.push("select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, ");
    sql.push("null::text as version, null::text as key from (");
    rows(&mut sql, &plan.node, RowsOf::Object, Form::Labels)?;
    sql.push(") r) a");
    Ok(sql.finish())
}

/// One record: one row whose `body` is an object, or no row.
pub fn get(plan: &Get<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    let selection = &plan.node.selection;
    sql.push("select row_to_json(r.*)::text as body, 1::bigint as count, ");
    match selection
        .object
        .field("version")
        .filter(|_| selection.object.versioned)
    {
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
    Ok(sql.finish())
}

/// How many records the list has on all its pages: one row, `total bigint`. What it embeds is not made.
pub fn total(plan: &List<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    let node = &plan.node;
    sql.push("select count(*) as total from ");
    if node.selection.aggregates() {
        sql.push("(");
        all_rows(&mut sql, node)?;
        sql.push(") r");
    } else {
        sql.name(&node.selection.object.name)?;
        sql.push(" as t");
        restrict(&mut sql, &mut Clause::begin(" where "), node, "t")?;
    }
    Ok(sql.finish())
}
