//! What is printed: documents on standard output, as tables for people or JSON for machines; progress on standard
//! error.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// Whom to print for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

/// Standard output was closed by its reader, as by `head`. The command ends quietly, with status 0.
#[derive(Debug)]
pub(crate) struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("standard output was closed")
    }
}

impl std::error::Error for Closed {}

impl Output {
    /// For machines or for people.
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a machine reads.
    pub(crate) const fn is_json(self) -> bool {
        self.json
    }

    /// Prints the command's result: `document` as one JSON document, or what `human` makes of it.
    pub(crate) fn document<T: Serialize>(
        self,
        document: &T,
        human: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let mut text = if self.json {
            serde_json::to_string(document)?
        } else {
            human(document)
        };
        if !text.ends_with('\n') {
            text.push('\n');
        }
        self.piece(&text)
    }

    /// Prints a piece of a result that is not held whole.
    #[expect(clippy::unused_self, reason = "whoever prints has an output")]
    pub(crate) fn piece(self, text: &str) -> anyhow::Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Closed.into()),
            done => Ok(done?),
        }
    }

    /// Tells a person what goes on, on standard error. An error of writing is ignored: the command goes on without it.
    pub(crate) fn progress(self, line: impl std::fmt::Display) {
        if !self.json {
            let _unread = writeln!(io::stderr(), "{line}");
        }
    }

    /// Writes a line of a terminal anew: what stands in it is erased, and the cursor stays in it (ECMA-48, EL).
    pub(crate) fn overwrite(self, line: impl std::fmt::Display) {
        if !self.json {
            let mut stderr = io::stderr();
            let _unread = write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush());
        }
    }
}

/// A table without frames: easy to read, to copy, and to cut by column.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// Names and values, one pair a line.
pub(crate) fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let pairs: Vec<_> = pairs.into_iter().collect();
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name:width$}  {value}\n"))
        .collect();
    lines.concat()
}

/// An instant as people read it: to the second, UTC.
pub(crate) fn instant(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The same where there may be none.
pub(crate) fn instant_or(at: Option<chrono::DateTime<chrono::Utc>>, none: &str) -> String {
    at.map_or_else(|| none.to_owned(), instant)
}

/// Bytes in the unit that leaves the fewest digits.
pub(crate) fn bytes(count: i64) -> String {
    let units = [("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)];
    units.into_iter().find(|(_, size)| count >= *size).map_or_else(
        || format!("{count} bytes"),
        |(unit, size)| format!("{}.{} {unit}", count / size, count % size * 10 / size),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_a_header_and_no_trailing_spaces() {
        let text = table(
            ["SLUG", "NAME"],
            [
                ["acme".to_owned(), "Acme Industrial".to_owned()],
                ["b".to_owned(), "B".to_owned()],
            ],
        );
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].contains("SLUG") && lines[1].contains("acme"));
        assert!(lines.iter().all(|line| *line == line.trim_end()));
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(bytes(512), "512 bytes");
        assert_eq!(bytes(1_536), "1.5 kB");
        assert_eq!(bytes(3 << 30), "3.0 GB");
    }
}
