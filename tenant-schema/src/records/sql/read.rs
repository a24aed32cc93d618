//! The statements that read.

use super::writer::Writer;
use super::{Query, bounded, from, lateral, outputs};
use crate::records::ast::{Direction, Nulls};
use crate::records::error::RecordError;
use crate::records::plan::{Get, List};

/// A page: one row whose `body` is an array and whose `count` is its length.
pub fn list(plan: &List<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    bounded(&mut sql, plan.answer_bytes);
    sql.push("select coalesce(json_agg(row_to_json(r.*)), '[]')::text as body, count(*) as count, ");
    sql.push("null::text as version, null::text as key from (select ");
    outputs(&mut sql, "t", &plan.select)?;
    from(&mut sql, plan.object)?;
    sql.where_clause(&plan.filter)?;
    for (index, term) in plan.order.iter().enumerate() {
        sql.push(if index == 0 { " order by " } else { ", " });
        sql.column("t", term.column)?;
        sql.push(match term.direction {
            Direction::Ascending => "",
            Direction::Descending => " desc",
        });
        sql.push(match term.nulls {
            None => "",
            Some(Nulls::First) => " nulls first",
            Some(Nulls::Last) => " nulls last",
        });
    }
    sql.push(" limit ");
    sql.bind("limit", plan.limit.to_string())?;
    sql.push("::bigint");
    if plan.offset > 0 {
        sql.push(" offset ");
        sql.bind("offset", plan.offset.to_string())?;
        sql.push("::bigint");
    }
    sql.push(") r) a");
    Ok(sql.finish())
}

/// One record: one row whose `body` is an object, or no row.
pub fn get(plan: &Get<'_>) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    sql.push("select row_to_json(r.*)::text as body, 1::bigint as count, ");
    match plan.object.field("version").filter(|_| plan.object.versioned) {
        Some(version) => {
            sql.column("t", version)?;
            sql.push("::text as version");
        }
        None => sql.push("null::text as version"),
    }
    sql.push(", null::text as key");
    from(&mut sql, plan.object)?;
    lateral(&mut sql, "t", &plan.select)?;
    sql.where_clause(&plan.filter)?;
    Ok(sql.finish())
}
