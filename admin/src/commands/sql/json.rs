//! Rows as JSON: values in the type they have, where JSON has it.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tenant_schema::fleet_sql::{Column, Row};

/// The most digits that every double keeps.
const DIGITS: usize = 15;

/// The beginning of a document.
pub(super) fn head(columns: &[Column]) -> anyhow::Result<String> {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    Ok(format!(
        "{{\"columns\":{},\"rows\":[",
        serde_json::to_string(&names)?
    ))
}

/// Rows of a document.
pub(super) fn members(columns: &[Column], rows: &[Row], first: bool) -> anyhow::Result<String> {
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        text.push_str(if first && at == 0 { "\n" } else { ",\n" });
        push_row(&mut text, columns, row)?;
    }
    Ok(text)
}

/// The end of a document: what is known when all rows are there.
pub(super) fn tail(more: &Value, rows: u64) -> String {
    let more = more.to_string();
    let line = if rows == 0 { "" } else { "\n" };
    format!("{line}],{}\n", more.strip_prefix('{').unwrap_or(&more))
}

/// Rows, one a line.
pub(super) fn lines(columns: &[Column], rows: &[Row]) -> anyhow::Result<String> {
    let mut text = String::new();
    for row in rows {
        push_row(&mut text, columns, row)?;
        text.push('\n');
    }
    Ok(text)
}

fn push_row(text: &mut String, columns: &[Column], row: &Row) -> anyhow::Result<()> {
    for (at, (column, value)) in columns.iter().zip(row).enumerate() {
        text.push(if at == 0 { '{' } else { ',' });
        text.push_str(&serde_json::to_string(&column.name)?);
        text.push(':');
        text.push_str(&serde_json::to_string(&json(column.type_oid, value.as_deref()))?);
    }
    text.push('}');
    Ok(())
}

/// A value of JSON.
#[derive(Serialize)]
#[serde(untagged)]
enum Json<'a> {
    Plain(Value),
    Text(&'a str),
    Raw(&'a RawValue),
}

/// Numbers that every reader keeps are numbers; greater ones, and what is no number (`NaN`), are texts. The numbers of
/// types are those of PostgreSQL's `pg_type.dat`.
fn json(type_oid: u32, value: Option<&str>) -> Json<'_> {
    let Some(text) = value else {
        return Json::Plain(Value::Null);
    };
    let is_written_as_it_is = match type_oid {
        // bool
        16 => return Json::Plain(Value::Bool(text == "t")),
        // int2, int4, oid, float4, float8; json, jsonb
        21 | 23 | 26 | 700 | 701 | 114 | 3802 => true,
        // int8, numeric
        20 | 1700 => text.bytes().filter(u8::is_ascii_digit).count() <= DIGITS,
        _ => false,
    };
    let raw = is_written_as_it_is.then(|| serde_json::from_str(text).ok());
    raw.flatten().map_or(Json::Text(text), Json::Raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_type_they_have() {
        for (type_oid, text, expected) in [
            (16, "t", "true"),
            (23, "-7", "-7"),
            (20, "9007199254740993", "\"9007199254740993\""),
            (1700, "1.50", "1.50"),
            (1700, "12345678901234567890.5", "\"12345678901234567890.5\""),
            (1700, "NaN", "\"NaN\""),
            (701, "0.1", "0.1"),
            (701, "Infinity", "\"Infinity\""),
            (3802, "{\"a\": 1.10}", "{\"a\": 1.10}"),
            (25, "12", "\"12\""),
            (1082, "2026-01-31", "\"2026-01-31\""),
        ] {
            let given = serde_json::to_string(&json(type_oid, Some(text))).expect("it is JSON");
            assert_eq!(given, expected, "{type_oid} {text}");
        }
        assert_eq!(
            serde_json::to_string(&json(25, None)).expect("it is JSON"),
            "null"
        );
    }
}
