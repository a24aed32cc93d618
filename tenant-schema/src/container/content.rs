//! What a tenant's records are, in 64 digits: the same for the same records wherever they are and in whatever order they lie.
//!
//! A row's hash is the SHA-256 of its line in COPY's text format, without the line's end, its columns in the order the
//! template has made them. A table's content is the sum of its rows' hashes modulo 2²⁵⁶, and how many there are: a sum
//! does not depend on the order, so nothing is sorted. A tenant's content hash is the SHA-256 of the lines `table`, `columns`,
//! `rows`, `sum` of its tables by name. Settings that change how a value is written are fixed by `SETTINGS`.
//!
//! It tells damage and omissions, not forgery: whoever can choose rows could look for others of the same sum.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256, digest};
use catalog::schema_name::SchemaName;
use catalog::tx::CatalogTx;
use serde::{Deserialize, Serialize};

use super::shape::{self, Shape};
use super::{ContainerError, Table};

/// How values are written as text, whatever the database, its users and the session say otherwise; for the transaction.
pub(crate) const SETTINGS: &str = "\
set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres'; set local timezone = 'UTC';
set local extra_float_digits = 1; set local bytea_output = 'hex'; set local lc_monetary = 'C';
set local xmloption = 'content'; set local row_security = off";

/// 32 bytes, written in hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256([u8; 32]);

impl Sha256 {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self::from_digest(digest(&SHA256, bytes).as_ref())
    }

    pub(super) fn from_digest(digest: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest);
        Self(bytes)
    }

    /// Adds another, as numbers whose first byte is the lowest, and forgets what overflows.
    fn add(&mut self, other: &[u8]) {
        let mut carry = 0;
        for (byte, added) in self.0.iter_mut().zip(other) {
            let sum = u16::from(*byte) + u16::from(*added) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl From<Sha256> for String {
    fn from(hash: Sha256) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Sha256 {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        let pairs = text.as_bytes().as_chunks::<2>().0;
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("a SHA-256 has 64 hexadecimal digits");
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let pair = std::str::from_utf8(pair).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16).unwrap_or_default();
        }
        Ok(Self(bytes))
    }
}

/// What is in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableContent {
    /// Its rows.
    pub rows: u64,
    /// Their length in COPY's text format.
    pub bytes: u64,
    /// The sum of their hashes.
    pub content: Sha256,
}

/// Reads rows in COPY's text format, in pieces of any length.
#[derive(Default)]
pub(super) struct Rows {
    done: TableContent,
    /// A row of which the end has not come yet.
    open: Option<Context>,
}

impl Rows {
    /// Takes the next piece. A line feed within a value is written as two characters, so one by itself ends a row.
    pub(super) fn take(&mut self, mut piece: &[u8]) {
        self.done.bytes += piece.len() as u64;
        while let Some(at) = piece.iter().position(|byte| *byte == b'\n') {
            let (row, rest) = (&piece[..at], &piece[at + 1..]);
            match self.open.take() {
                Some(mut open) => {
                    open.update(row);
                    self.done.content.add(open.finish().as_ref());
                }
                None => self.done.content.add(digest(&SHA256, row).as_ref()),
            }
            self.done.rows += 1;
            piece = rest;
        }
        if !piece.is_empty() {
            self.open
                .get_or_insert_with(|| Context::new(&SHA256))
                .update(piece);
        }
    }

    /// What there was; `None` if the last row has no end.
    pub(super) fn finish(self) -> Option<TableContent> {
        self.open.is_none().then_some(self.done)
    }
}

/// The content hash of a tenant with these tables.
pub(super) fn of_tables<'a>(tables: impl Iterator<Item = (&'a Table, TableContent)>) -> Sha256 {
    let mut lines: Vec<String> = tables
        .map(|(table, content)| {
            let (columns, TableContent { rows, content, .. }) = (table.columns.join("\t"), content);
            format!("{}\n{columns}\n{rows}\n{content}\n", table.name)
        })
        .collect();
    lines.sort_unstable();
    Sha256::of(lines.concat().as_bytes())
}

/// Reads the rows of these tables in the transaction, and says what they are. Values are written as [`SETTINGS`] says.
pub(crate) async fn of_schema(
    tx: &mut CatalogTx,
    schema: &SchemaName,
    shape: &Shape,
) -> Result<Vec<TableContent>, ContainerError> {
    tx.transaction().batch(SETTINGS).await?;
    let mut contents = Vec::with_capacity(shape.tables.len());
    for table in &shape.tables {
        let mut rows = Rows::default();
        let mut out = tx
            .transaction()
            .copy_out(&shape::copy_out(schema, table)?)
            .await?;
        while let Some(piece) = out.next().await? {
            rows.take(&piece);
        }
        contents.push(rows.finish().unwrap_or_default());
    }
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(pieces: &[&str]) -> Option<TableContent> {
        let mut rows = Rows::default();
        for piece in pieces {
            rows.take(piece.as_bytes());
        }
        rows.finish()
    }

    #[test]
    fn neither_the_order_of_rows_nor_where_pieces_end_matters() {
        let whole = content(&["a\tb\n", "c\\nd\te\n"]);
        assert_eq!(whole.map(|whole| (whole.rows, whole.bytes)), Some((2, 11)));
        assert_eq!(whole, content(&["c\\", "nd\te", "\na", "\tb", "\n"]));
        assert_ne!(whole, content(&["a\tc\n", "c\\nd\te\n"]));
        assert_ne!(whole, content(&["a\tb\n", "a\tb\n", "c\\nd\te\n"]));
        assert_eq!(content(&["a"]), None, "the row has no end");
    }

    #[test]
    fn a_hash_reads_back() {
        let hash = Sha256::of(b"x");
        assert_eq!(Sha256::try_from(hash.to_string()), Ok(hash));
        for text in ["", "00", &"g".repeat(64), &"é".repeat(32)] {
            assert!(Sha256::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn sums_carry_and_overflow() {
        let mut all = Sha256([0xff; 32]);
        let mut unit = [0; 32];
        unit[0] = 1;
        all.add(&unit);
        assert_eq!(all, Sha256::default());
        all.add(&[0xff; 32]);
        all.add(&[0xff; 32]);
        let mut expected = [0xff; 32];
        expected[0] = 0xfe;
        assert_eq!(all, Sha256(expected));
    }
}
