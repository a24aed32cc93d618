//! The end of a statement that writes: the result columns over the written rows, and the checks of the outcome.

use crate::records::error::RecordError;
use crate::records::guard::Guard;
use crate::records::plan::{Answering, Held};
use crate::records::sql::rows::{RowsOf, rows};
use crate::records::sql::select::Form;
use crate::records::sql::writer::Writer;
use crate::records::sql::{body, bounded, keep};

use super::held::refused;
use super::insert::MERGED;

/// Writes the answer. One that `merges` says how many of the rows are new.
pub(super) fn answer(sql: &mut Writer, answer: &Answering<'_>, merges: bool) -> Result<(), RecordError> {
    if answer.keep.is_some() {
        sql.push(", ");
        keep::open(sql);
    } else {
        sql.push(" ");
    }
    if !answer.guards.is_empty() {
        guarded(
            sql,
            &answer.guards,
            answer.held.as_ref(),
            merges.then_some("inserted"),
        )?;
    }
    match &answer.node {
        None => sql.push("select null::text as body"),
        Some(node) => {
            sql.push("select (select ");
            body::of_all(sql, answer.form, &node.selection)?;
            sql.push(" from (");
            rows(sql, node, RowsOf::Written, Form::Labels)?;
            sql.push(") r) as body");
        }
    }
    sql.push(", count(*) as count, ");
    match answer.version {
        Some(version) => {
            sql.push("min(");
            sql.column("_w", version)?;
            sql.push(")::text as version, ");
        }
        None => sql.push("null::text as version, "),
    }
    if answer.key.is_empty() {
        sql.push("null::text as key");
    } else {
        sql.push("min(json_build_array(");
        sql.list(&answer.key, |sql, field| {
            sql.column("_w", field)?;
            sql.push("::text");
            Ok(())
        })?;
        sql.push(")::text) as key");
    }
    if merges {
        sql.push(", count(*) - ");
        sql.push(MERGED);
        sql.push(" as inserted");
    }
    sql.push(" from _w");
    if !answer.guards.is_empty() {
        sql.push(") a");
    }
    if let Some(kept) = answer.keep {
        keep::close(sql, kept, merges.then_some("inserted"))?;
    }
    Ok(())
}

/// The beginning of a statement around the answer `a`, which gives it only when all checks hold. `fifth` names a column
/// besides the four.
pub(in crate::records::sql) fn guarded(
    sql: &mut Writer,
    guards: &[Guard],
    held: Option<&Held<'_>>,
    fifth: Option<&str>,
) -> Result<(), RecordError> {
    if let ([Guard::Size(bytes)], None, None) = (guards, held, fifth) {
        bounded(sql, *bytes, "");
        return Ok(());
    }
    let mut guards = guards.to_vec();
    guards.sort_unstable();
    let after = guards.partition_point(|guard| *guard <= Guard::State);
    sql.push("select case");
    for guard in &guards[..after] {
        check(sql, *guard)?;
    }
    if let Some(held) = held {
        refused(sql, held)?;
    }
    for guard in &guards[after..] {
        check(sql, *guard)?;
    }
    sql.push(" else a.body end as body, a.count, a.version, a.key");
    if let Some(fifth) = fifth {
        sql.push(", a.");
        sql.push(fifth);
    }
    sql.push(" from (");
    Ok(())
}

/// ` when what must not be then the error that says so`
fn check(sql: &mut Writer, guard: Guard) -> Result<(), RecordError> {
    let outcome = match guard {
        // What is held says what is asked, and stands at this place.
        Guard::State => return Ok(()),
        Guard::Put => "(select count(*) from _n)",
        Guard::Owner => "(select min(p.n) from _p as p)",
        Guard::Deleted => "(select count(*) from _l where a.count = 0)",
        Guard::Size(_) | Guard::Kept(_) => "octet_length(a.body)",
        Guard::Hidden(_) | Guard::Limit(_) | Guard::MaxAffected(_) | Guard::Singular => "a.count",
    };
    sql.push(" when ");
    sql.push(outcome);
    match guard {
        Guard::State => {}
        Guard::Put | Guard::Singular => sql.push(" <> 1"),
        Guard::Owner => sql.push(" is not null"),
        Guard::Deleted => sql.push(" > 0"),
        Guard::Hidden(sent) => {
            sql.push(" <> ");
            sql.bind("body", sent.to_string())?;
            sql.push("::bigint");
        }
        Guard::Limit(most) | Guard::MaxAffected(most) => {
            sql.push(" > ");
            sql.bind("limit", most.to_string())?;
            sql.push("::bigint");
        }
        Guard::Size(bytes) | Guard::Kept(bytes) => {
            sql.push(" > ");
            sql.push(&bytes.to_string());
        }
    }
    sql.push(" then current_setting(");
    sql.push(outcome);
    sql.push(" || ' ");
    sql.push(guard.words());
    sql.push("')");
    Ok(())
}
