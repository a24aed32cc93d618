//! The statement of an export: a row for every record.

use super::rows::{RowsOf, rows};
use super::select::Form;
use super::writer::Writer;
use super::{Query, body, body_within};
use crate::records::Lines;
use crate::records::error::RecordError;
use crate::records::plan::List;

/// All records of a list, in its order: rows of one column, `body`. Each record by itself is held to the bound of an
/// answer, which is the most that is in memory of it.
pub fn export(plan: &List<'_>, lines: Lines) -> Result<Query, RecordError> {
    let mut sql = Writer::default();
    sql.push("select ");
    body_within(&mut sql, plan.answer_bytes);
    sql.push(" from (select ");
    body::of_line(&mut sql, lines, &plan.node.selection)?;
    sql.push(" as body from (");
    rows(&mut sql, &plan.node, RowsOf::Object, Form::Labels)?;
    // Without the offset the planner would make the body twice.
    sql.push(") r offset 0) a");
    sql.finish()
}

/// The first line of an export, if it is no record.
pub fn export_header(plan: &List<'_>, lines: Lines) -> Option<String> {
    match lines {
        Lines::Ndjson => None,
        Lines::Csv => Some(body::header_line(&plan.node.selection)),
    }
}
