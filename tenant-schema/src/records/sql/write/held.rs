//! The state that a record must be in to be written, as SQL.
//!
//! The statement that writes decides it: under `read committed` it waits for whoever is writing the record, and looks at
//! its condition again on what they left (PostgreSQL documentation, section 13.2.1). Only when nothing was written, the
//! record is read once more, under a lock, to tell a missing record from one in another state, and to say which.

use crate::records::error::RecordError;
use crate::records::guard::Guard;
use crate::records::plan::{Absent, Held, Since, States};
use crate::records::sql::from;
use crate::records::sql::writer::Writer;

/// The column that keeps at which version each field last changed.
const FIELD_VERSIONS: &str = "field_versions";

/// ` and …`: the condition on the record `source`, if there is one.
pub(super) fn and_holds(sql: &mut Writer, held: Option<&Held<'_>>, source: &str) -> Result<(), RecordError> {
    let Some(held) = held else {
        return Ok(());
    };
    sql.push(" and ");
    holds(sql, held, source)
}

/// The condition on the record `source`, which there must be.
pub(super) fn holds(sql: &mut Writer, held: &Held<'_>, source: &str) -> Result<(), RecordError> {
    match &held.states {
        States::None => sql.push("false"),
        States::Versions(versions) => is_one_of(sql, held, versions, source)?,
        States::Merged(versions, since) => {
            sql.push("(");
            is_one_of(sql, held, versions, source)?;
            sql.push(" or (");
            sql.column(source, held.version)?;
            sql.push(" > ");
            sql.bind("If-Match", since.version.to_string())?;
            sql.push("::bigint and not exists (select");
            clashes(sql, since, source)?;
            sql.push(")))");
        }
        States::AllBut(versions) => {
            sql.column(source, held.version)?;
            sql.push(" <> all(");
            sql.bind("If-None-Match", array(versions))?;
            sql.push("::bigint[])");
        }
    }
    Ok(())
}

/// `version = any($n)`
fn is_one_of(sql: &mut Writer, held: &Held<'_>, versions: &[i64], source: &str) -> Result<(), RecordError> {
    sql.column(source, held.version)?;
    sql.push(" = any(");
    sql.bind("If-Match", array(versions))?;
    sql.push("::bigint[])");
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
    if held.merges() {
        sql.push(", ");
        sql.column_named("t", FIELD_VERSIONS)?;
    }
    from(sql, held.object)?;
    sql.where_clause(&held.filter)?;
    sql.push(" for no key update)");
    Ok(())
}

/// ` when …`: the error that says in which state the record is, or that there is none. It is raised by the condition
/// itself, which holds never: so the checks that follow are made when this one finds nothing wrong.
pub(super) fn refused(sql: &mut Writer, held: &Held<'_>) -> Result<(), RecordError> {
    let words = Guard::State.words();
    sql.push(" when case when a.count = 0 then ");
    let fails = held.absent == Absent::Fails || held.must_be_new();
    if fails {
        sql.push("coalesce(");
    }
    sql.push("(select ");
    // It may be in another state by now than when the statement looked for what to write.
    if !fails {
        sql.push("case when not (");
        holds(sql, held, "c")?;
        sql.push(") then ");
    }
    sql.push("current_setting(");
    sql.column("c", held.version)?;
    sql.push(" || ' ");
    sql.push(words);
    sql.push(" '");
    if let States::Merged(_, since) = &held.states {
        sql.push(" || coalesce((select json_agg(f.field order by f.field)");
        clashes(sql, since, "c")?;
        sql.push(")::text, '')");
    }
    sql.push(")");
    sql.push(if fails { " from " } else { " end from " });
    locked(sql, held)?;
    sql.push(" c)");
    if fails {
        // No record, or one that is hidden or that this statement cannot see yet.
        sql.push(", current_setting(a.count || ' ");
        sql.push(words);
        sql.push("'))");
    }
    sql.push(" end is not null then null");
    Ok(())
}

fn array(versions: &[i64]) -> String {
    let versions: Vec<String> = versions.iter().map(ToString::to_string).collect();
    format!("{{{}}}", versions.join(","))
}
