//! Rows as a table for people, and as CSV.

use std::borrow::Cow;

use tenant_schema::fleet_sql::{Column, Row};

/// How wide the columns of a table are, in characters.
pub(super) struct Widths(Vec<usize>);

impl Widths {
    /// As wide as the widest of these.
    pub(super) fn of(columns: &[Column], rows: &[Row]) -> Self {
        let mut widths: Vec<usize> = columns
            .iter()
            .map(|column| visible(&column.name).chars().count())
            .collect();
        for row in rows {
            for (width, value) in widths.iter_mut().zip(row) {
                let value = value.as_deref().map_or(0, |value| visible(value).chars().count());
                *width = value.max(*width);
            }
        }
        Self(widths)
    }
}

/// The names of the columns.
pub(super) fn table_header(widths: &Widths, columns: &[Column]) -> String {
    let names = columns.iter().map(|column| Some(column.name.as_str()));
    table_line(widths, names)
}

/// Rows, one a line.
pub(super) fn table(widths: &Widths, rows: &[Row]) -> String {
    let lines = rows
        .iter()
        .map(|row| table_line(widths, row.iter().map(Option::as_deref)));
    lines.collect()
}

fn table_line<'a>(widths: &Widths, values: impl Iterator<Item = Option<&'a str>>) -> String {
    let cells: Vec<String> = values
        .zip(&widths.0)
        .map(|(value, width)| format!("{:width$}", visible(value.unwrap_or_default())))
        .collect();
    format!("{}\n", cells.join("  ").trim_end())
}

/// A text without characters that would move the cursor or speak to a terminal: they are written as in Rust (`\n`).
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let escaped = |c: char| -> Box<dyn Iterator<Item = char>> {
        if c.is_control() {
            Box::new(c.escape_default())
        } else {
            Box::new(std::iter::once(c))
        }
    };
    Cow::Owned(text.chars().flat_map(escaped).collect())
}

/// The first line of CSV (RFC 4180, with the line ends of Unix).
pub(super) fn csv_header(columns: &[Column]) -> String {
    csv_line(columns.iter().map(|column| Some(column.name.as_str())))
}

/// Rows as CSV.
pub(super) fn csv(rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| csv_line(row.iter().map(Option::as_deref)));
    lines.collect()
}

fn csv_line<'a>(values: impl Iterator<Item = Option<&'a str>>) -> String {
    let cells: Vec<Cow<'_, str>> = values
        .map(|value| value.map_or(Cow::Borrowed(""), csv_value))
        .collect();
    format!("{}\n", cells.join(","))
}

/// An empty text is in quotes, which tells it from NULL.
fn csv_value(value: &str) -> Cow<'_, str> {
    if value.is_empty() || value.contains(['"', ',', '\n', '\r']) {
        Cow::Owned(format!("\"{}\"", value.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[Option<&str>]) -> Row {
        values.iter().map(|value| value.map(str::to_owned)).collect()
    }

    #[test]
    fn csv_tells_null_from_nothing() {
        let rows = [row(&[
            None,
            Some(""),
            Some("a,b"),
            Some("say \"x\"\n"),
            Some("é"),
        ])];
        assert_eq!(csv(&rows), ",\"\",\"a,b\",\"say \"\"x\"\"\n\",é\n");
    }

    #[test]
    fn a_table_does_not_speak_to_the_terminal() {
        let columns = ["a", "b"].map(|name| Column {
            name: name.to_owned(),
            type_oid: 25,
        });
        let rows = [row(&[Some("x\ny"), Some("\u{1b}[2J")]), row(&[None, Some("z")])];
        let widths = Widths::of(&columns, &rows);
        assert_eq!(table_header(&widths, &columns), "a     b\n");
        assert_eq!(table(&widths, &rows), "x\\ny  \\u{1b}[2J\n      z\n");
    }
}
