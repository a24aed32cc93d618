//! The body of an answer, made of rows called `r`.

use super::writer::Writer;
use crate::records::Form;
use crate::records::error::RecordError;

/// Writes the expression that makes a body of all rows, in their order: JSON, or a header line and a line for each
/// (RFC 4180). `as_one` is for a single row that is no list, and gives NULL where there is none.
///
/// A row as text has its values as CSV has them, in brackets, except that a backslash is doubled (`record_out`).
pub(super) fn body(sql: &mut Writer, form: Form, as_one: bool, labels: &[&str]) -> Result<(), RecordError> {
    let record = match form {
        Form::PluralStripped | Form::SingularStripped => "json_strip_nulls(row_to_json(r.*))",
        Form::Plural | Form::Singular => "row_to_json(r.*)",
        Form::Csv => {
            sql.bind("select", header(labels))?;
            sql.push("::text || coalesce(string_agg(chr(10) || replace(substring(row(r.*)::text from 2 for ");
            sql.push("length(row(r.*)::text) - 2), '\\\\', '\\'), ''), '')");
            return Ok(());
        }
    };
    if as_one {
        sql.push("min(");
        sql.push(record);
        sql.push("::text)");
    } else {
        sql.push("coalesce(json_agg(");
        sql.push(record);
        sql.push("), '[]')::text");
    }
    Ok(())
}

/// The names of the columns as the first line. They are the client's to choose, and so no part of the statement.
fn header(labels: &[&str]) -> String {
    let quoted = labels.iter().map(|label| {
        if label.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", label.replace('"', "\"\""))
        } else {
            (*label).to_owned()
        }
    });
    quoted.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_quoted_where_it_must_be() {
        assert_eq!(
            header(&["id", "a b", "x,y", "say \"no\""]),
            "id,a b,\"x,y\",\"say \"\"no\"\"\""
        );
        assert_eq!(header(&[]), "");
    }
}
