//! The place of a page among all records.

use super::{Answer, ResultRow, Status};
use crate::records::error::RecordError;
use crate::records::{Count, Form, Prepared};

/// Says of a page where it stands and what comes behind it. Where a cursor says where it begins, nobody has counted what
/// comes before.
pub(super) fn render(
    prepared: &Prepared,
    offset: Option<u64>,
    row: &ResultRow,
    answer: &mut Answer,
) -> Result<(), RecordError> {
    let total = total(prepared, row);
    answer.status = status(prepared.form, offset.unwrap_or(0), row.count, total)?;
    answer.content_range = Some(match offset {
        Some(offset) => content_range(offset, row.count, total),
        None => nowhere(total),
    });
    name_next(prepared, row, answer)
}

/// Says what comes behind the last record, where the row has its sort values.
pub(super) fn name_next(
    prepared: &Prepared,
    row: &ResultRow,
    answer: &mut Answer,
) -> Result<(), RecordError> {
    if let (Some(next), Some(values)) = (&prepared.planned.next, &row.key) {
        answer.next = Some(next.after(values)?);
    }
    Ok(())
}

/// The same of a function's results.
pub(super) fn render_results(
    prepared: &Prepared,
    offset: u64,
    limit: u64,
    row: &ResultRow,
    answer: &mut Answer,
) -> Result<(), RecordError> {
    let total = total_of_results(prepared, row, offset, limit);
    answer.status = status(prepared.form, offset, row.count, total)?;
    answer.content_range = Some(content_range(offset, row.count, total));
    Ok(())
}

/// How many records there are in all, as far as that is wanted. A number that is to be estimated is counted exactly up
/// to a bound, as PostgreSQL's guess is worst where there are few.
fn total(prepared: &Prepared, row: &ResultRow) -> Option<i64> {
    match prepared.count? {
        Count::Exact => row.extra,
        Count::Planned => row.estimate,
        Count::Estimated => {
            let counted = row.extra?;
            let bound = i64::try_from(prepared.max_rows).unwrap_or(i64::MAX);
            if counted <= bound {
                Some(counted)
            } else {
                row.estimate.map(|guess| guess.max(counted))
            }
        }
    }
}

/// How many results a function has. Those of a call that cannot be made twice to count them are known on the last page,
/// which is one that is not full.
fn total_of_results(prepared: &Prepared, row: &ResultRow, offset: u64, limit: u64) -> Option<i64> {
    if row.extra.is_some() {
        return total(prepared, row);
    }
    let is_last = u64::try_from(row.count).is_ok_and(|count| (1..limit).contains(&count));
    let is_known = is_last && prepared.count.is_some_and(Count::counts);
    let before = i64::try_from(offset).unwrap_or(i64::MAX);
    is_known.then(|| row.count.saturating_add(before))
}

/// A page that is not all there is, is a part (206, RFC 9110, section 15.3.7); one that begins behind the last record
/// cannot be satisfied (416). One object is made of exactly one record (406).
fn status(form: Form, offset: u64, count: i64, total: Option<i64>) -> Result<Status, RecordError> {
    let count = u64::try_from(count).unwrap_or_default();
    if form.is_singular() && count != 1 {
        return Err(RecordError::NotSingular { count });
    }
    let Some(total) = total.and_then(|total| u64::try_from(total).ok()) else {
        return Ok(Status::Ok);
    };
    if count == 0 && offset > 0 && offset >= total {
        return Err(RecordError::InvalidRange {
            details: format!("An offset of {offset} was requested, but there are only {total} rows."),
        });
    }
    Ok(if count < total {
        Status::PartialContent
    } else {
        Status::Ok
    })
}

/// RFC 9110, section 14.4, with rows as the unit; an unknown total is `*`.
pub(super) fn content_range(offset: u64, count: i64, total: Option<i64>) -> String {
    match u64::try_from(count) {
        Ok(count) if count > 0 => {
            let total = total.map_or_else(|| "*".to_owned(), |total| total.to_string());
            format!("{offset}-{}/{total}", offset.saturating_add(count - 1))
        }
        _ => nowhere(total),
    }
}

/// The range of rows that have no place.
pub(super) fn nowhere(total: Option<i64>) -> String {
    total.map_or_else(|| "*/*".to_owned(), |total| format!("*/{total}"))
}
