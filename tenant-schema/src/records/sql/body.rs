//! The body of an answer: the rows `r` of a statement in the form that the client wants.

use super::writer::Writer;
use crate::records::ast::AggregateFunction;
use crate::records::error::RecordError;
use crate::records::model::{Function, Returned};
use crate::records::plan::{Origin, Selection, Value};
use crate::records::{Form, Lines};

/// One text of all rows `r`, an aggregate.
pub(super) fn of_all(sql: &mut Writer, form: Form, selection: &Selection<'_>) -> Result<(), RecordError> {
    match form {
        Form::Plural => sql.push("coalesce(json_agg(row_to_json(r.*)), '[]')::text"),
        Form::PluralStripped => {
            sql.push("coalesce(json_agg(json_strip_nulls(row_to_json(r.*))), '[]')::text");
        }
        Form::Singular => sql.push("min(row_to_json(r.*)::text)"),
        Form::SingularStripped => sql.push("min(json_strip_nulls(row_to_json(r.*))::text)"),
        Form::Csv => {
            header(sql, &labels(selection))?;
            sql.push(" || coalesce(string_agg(");
            line(sql, &labels(selection))?;
            sql.push(", ''), '')");
        }
        Form::Text | Form::Bytes | Form::Xml => {
            sql.push("coalesce(string_agg(");
            only(sql, form, selection)?;
            sql.push(", ''), '')");
        }
    }
    Ok(())
}

/// The text of the one row `r`.
pub(super) fn of_one(sql: &mut Writer, form: Form, selection: &Selection<'_>) -> Result<(), RecordError> {
    match form {
        Form::Plural | Form::Singular => sql.push("row_to_json(r.*)::text"),
        Form::PluralStripped | Form::SingularStripped => {
            sql.push("json_strip_nulls(row_to_json(r.*))::text");
        }
        Form::Csv => {
            header(sql, &labels(selection))?;
            sql.push(" || ");
            line(sql, &labels(selection))?;
        }
        Form::Text | Form::Bytes | Form::Xml => {
            sql.push("coalesce(");
            only(sql, form, selection)?;
            sql.push(", '')");
        }
    }
    Ok(())
}

/// One text of all values `r.v`, an aggregate: the results of a function that returns no records.
pub(super) fn of_values(sql: &mut Writer, form: Form, function: &Function) -> Result<(), RecordError> {
    match form {
        Form::Csv => {
            header(sql, &[function.name.as_str()])?;
            sql.push(" || coalesce(string_agg(E'\\n' || ");
            cell(sql, "r.v");
            sql.push(", ''), '')");
        }
        Form::Plural => sql.push("coalesce(json_agg(r.v), '[]')::text"),
        Form::PluralStripped => {
            sql.push("coalesce(json_agg(json_strip_nulls(to_json(r.v))), '[]')::text");
        }
        Form::Singular => sql.push("coalesce(min(to_json(r.v)::text), 'null')"),
        Form::SingularStripped => {
            sql.push("coalesce(min(json_strip_nulls(to_json(r.v))::text), 'null')");
        }
        Form::Text | Form::Bytes | Form::Xml => {
            let Returned::Scalar(field) = &function.returns else {
                return Err(RecordError::NotOneColumn {
                    media_type: form.media_type(),
                });
            };
            sql.push("coalesce(string_agg(");
            bare(sql, form, "r.v", Some(&field.base_type))?;
            sql.push(", ''), '')");
        }
    }
    Ok(())
}

/// The bare value of the one column of the row `r`.
fn only(sql: &mut Writer, form: Form, selection: &Selection<'_>) -> Result<(), RecordError> {
    let shown = selection.shown();
    let [column] = shown.as_slice() else {
        return Err(RecordError::NotOneColumn {
            media_type: form.media_type(),
        });
    };
    let mut value = Writer::default();
    value.column_named("r", column.label)?;
    bare(
        sql,
        form,
        &value.finish()?.text,
        type_of(selection, column.origin),
    )
}

/// A value without anything around it, as a text; bytes are in hexadecimal until they are answered, because a text cannot
/// hold them.
fn bare(sql: &mut Writer, form: Form, value: &str, type_name: Option<&str>) -> Result<(), RecordError> {
    sql.push(&match (form, type_name) {
        (Form::Bytes, Some("bytea")) => format!("encode({value}, 'hex')"),
        (Form::Bytes, _) => format!("encode(convert_to({value}::text, 'UTF8'), 'hex')"),
        (Form::Xml, Some("xml")) | (Form::Text, _) => format!("{value}::text"),
        _ => return Err(RecordError::NotXml),
    });
    Ok(())
}

/// The type of a column, where it is one that a bare value depends on.
fn type_of<'a>(selection: &'a Selection<'_>, origin: Origin) -> Option<&'a str> {
    match origin {
        Origin::Output(index) => {
            let output = &selection.outputs[index];
            let own = match &output.value {
                Value::Spot(spot) if spot.path.is_empty() => Some(spot.field.base_type.as_str()),
                _ => None,
            };
            match output.aggregate {
                None | Some((AggregateFunction::Min | AggregateFunction::Max, None)) => output.cast.or(own),
                Some((_, cast)) => cast,
            }
        }
        Origin::Json(_) => None,
        Origin::Spread(embed, column) => {
            let embed = &selection.embeds[embed];
            let within = &embed.node.selection;
            let column = within.shown().get(column).map(|column| column.origin);
            column
                .filter(|_| embed.is_to_one())
                .and_then(|origin| type_of(within, origin))
        }
    }
}

/// The text of each of the rows `r`: a line of an export without its end. CSV has a header besides, [`header_line`].
pub(super) fn of_line(sql: &mut Writer, lines: Lines, selection: &Selection<'_>) -> Result<(), RecordError> {
    match lines {
        Lines::Ndjson => sql.push("row_to_json(r.*)::text"),
        Lines::Csv => cells(sql, &labels(selection))?,
    }
    Ok(())
}

/// The names of the columns as a line of CSV without its end.
pub(super) fn header_line(selection: &Selection<'_>) -> String {
    line_of(&labels(selection))
}

fn labels<'a>(selection: &'a Selection<'_>) -> Vec<&'a str> {
    selection.shown().iter().map(|shown| shown.label).collect()
}

/// The names of the columns, the first line (RFC 4180, section 2.3). Names may be the client's, so they are bound.
fn header(sql: &mut Writer, labels: &[&str]) -> Result<(), RecordError> {
    sql.bind("select", line_of(labels))?;
    sql.push("::text");
    Ok(())
}

fn line_of(labels: &[&str]) -> String {
    let quoted: Vec<String> = labels.iter().map(|label| quoted(label)).collect();
    quoted.join(",")
}

fn quoted(text: &str) -> String {
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A row as a line, with the line break before it.
fn line(sql: &mut Writer, labels: &[&str]) -> Result<(), RecordError> {
    sql.push("E'\\n' || ");
    cells(sql, labels)
}

/// The cells of a row with commas between them; of one without any, an empty text.
fn cells(sql: &mut Writer, labels: &[&str]) -> Result<(), RecordError> {
    if labels.is_empty() {
        sql.push("''");
    }
    for (index, label) in labels.iter().enumerate() {
        sql.push(if index > 0 { " || ',' || " } else { "" });
        let mut value = Writer::default();
        value.column_named("r", label)?;
        cell(sql, &value.finish()?.text);
    }
    Ok(())
}

/// A value as its type's output function writes it, in quotes where it must be (RFC 4180, sections 2.5 to 2.7); an empty
/// text is in quotes too, since NULL is nothing at all.
fn cell(sql: &mut Writer, value: &str) {
    sql.push(&format!(
        "case when concat({value}) ~ E'[\",\\r\\n]' or concat({value}) = '' and {value} is not null \
         then '\"' || replace(concat({value}), '\"', '\"\"') || '\"' else concat({value}) end"
    ));
}
