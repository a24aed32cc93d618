//! The state that a record must be in to be written, as SQL.
//!
//! The statement that writes decides it: under `read committed` it waits for whoever is writing the record, and looks at
//! its condition again on what they left (PostgreSQL documentation, section 13.2.1). Only when nothing was written, the
//! record is read once more, under a lock, to tell a missing record from one in another state, and to say which.

use crate::records::error::RecordError;
use crate::records::guard::Guard;
use crate::records::plan::{Held, Since, Unwanted};
use crate::records::sql::from;
use crate::records::sql::writer::Writer;

/// The column that keeps at which version each field last changed.
const FIELD_VERSIONS: &str = "field_versions";

/// ` and …`: the condition on the record `source`, if there is one.
pub(super) fn and_holds(sql: &mut Writer, held: Option<&Held<'_>>, source: &str) -> Result<(), RecordError> {
    let Some(held) = held.filter(|held| held.asks_for_state()) else {
        return Ok(());
    };
    sql.push(" and ");
    holds(sql, held, source)
}

/// The condition on the record `source`, which there must be.
pub(super) fn holds(sql: &mut Writer, held: &Held<'_>, source: &str) -> Result<(), RecordError> {
    if let Some(versions) = &held.wanted {
        sql.push("(");
        sql.column(source, held.version)?;
        sql.push(" = any(");
        sql.bind("If-Match", array(versions))?;
        sql.push("::bigint[])");
        if let Some(since) = &held.merges {
            sql.push(" or (");
            sql.column(source, held.version)?;
            sql.push(" > ");
            sql.bind("If-Match", since.version.to_string())?;
            sql.push("::bigint and not exists (select");
            clashes(sql, since, source)?;
            sql.push("))");
        }
        sql.push(")");
    }
    match &held.unwanted {
        None => {}
        Some(unwanted) => {
            sql.push(if held.wanted.is_some() { " and " } else { "" });
            match unwanted {
                Unwanted::Any => sql.push("false"),
                Unwanted::Versions(versions) => {
                    sql.column(source, held.version)?;
                    sql.push(" <> all(");
                    sql.bind("If-None-Match", array(versions))?;
                    sql.push("::bigint[])");
                }
            }
        }
    }
    Ok(())
}

/// ` from … where …`: of the fields that are to change, those `f` that others have changed since.
fn clashes(sql: &mut Writer, since: &Since, source: &str) -> Result<(), RecordError> {
    sql.push(" from jsonb_each_text(");
    sql.column_named(source, FIELD_VERSIONS)?;
    sql.push(") as f(field, version) where f.version::bigint > ");
    sql.bind("If-Match", since.version.to_string())?;
    sql.push("::bigint and f.field = any(array(select json_array_elements_text(");
    let fields = serde_json::Value::from(since.fields.clone());
    sql.bind("If-Match", fields.to_string())?;
    sql.push("::json)))");
    Ok(())
}

/// `(select … for no key update)`: the record as it is now, held until the transaction ends.
pub(super) fn locked(sql: &mut Writer, held: &Held<'_>) -> Result<(), RecordError> {
    sql.push("(select ");
    sql.column("t", held.version)?;
    if held.merges.is_some() {
        sql.push(", ");
        sql.column_named("t", FIELD_VERSIONS)?;
    }
    from(sql, held.object)?;
    sql.where_clause(&held.filter)?;
    sql.push(" for no key update)");
    Ok(())
}

/// ` when nothing was written then …`: the error that says in which state the record is, or that there is none. Nothing,
/// where a record that is not there is told as it is without conditions.
pub(super) fn refused(sql: &mut Writer, held: &Held<'_>) -> Result<(), RecordError> {
    let words = Guard::State.words();
    let always = held.must_be_there || held.must_be_new;
    sql.push(" when a.count = 0 then ");
    if always {
        sql.push("coalesce(");
    }
    sql.push("(select ");
    // It may be in another state by now than when the statement looked for what to write.
    if !always {
        sql.push("case when not (");
        holds(sql, held, "c")?;
        sql.push(") then ");
    }
    sql.push("(");
    sql.column("c", held.version)?;
    sql.push(" || ' ");
    sql.push(words);
    sql.push(" '");
    if let Some(since) = &held.merges {
        sql.push(" || coalesce((select json_agg(f.field order by f.field)");
        clashes(sql, since, "c")?;
        sql.push(")::text, '')");
    }
    sql.push(")::bigint::text");
    sql.push(if always { " from " } else { " end from " });
    locked(sql, held)?;
    sql.push(" c)");
    if always {
        // No record, or one that is hidden or that this statement cannot see yet.
        sql.push(", (a.count || ' ");
        sql.push(words);
        sql.push("')::bigint::text)");
    }
    Ok(())
}

fn array(versions: &[i64]) -> String {
    let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
    format!("{{{}}}", versions.join(","))
}
