//! Reading a container, part by part, and believing nothing of it.

use aws_lc_rs::digest::{Context, SHA256};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use zstd::bulk::Decompressor;

use super::content::{self, Rows, Sha256, TableContent};
use super::writer::Sealed;
use super::{Closing, ContainerError, Head, LONGEST_TEXT, MAGIC, PIECE, part};

/// The longest compressed piece: what does not shrink grows by less than one in 256 and 64 bytes.
const LONGEST_PIECE: usize = PIECE + PIECE / 128 + 64;

/// The longest end of a table.
const LONGEST_END: usize = 1024;

/// A container being read: [`Reader::next_table`], [`Reader::next_rows`] until there are none, and again; then [`Reader::finish`].
pub struct Reader<R> {
    parts: Parts<R>,
    decompressor: Decompressor<'static>,
    head: Head,
    rows: Rows,
    done: Vec<TableContent>,
    /// A table was begun and has not ended.
    is_within: bool,
    /// The part that ended the tables.
    closing: Option<Vec<u8>>,
}

/// The bytes, part by part.
struct Parts<R> {
    input: R,
    seal: Context,
    read: u64,
}

/// Reads a container to its end, and says what is in it.
///
/// # Errors
/// Whatever is wrong with it.
pub async fn check<R: AsyncRead + Unpin>(input: R) -> Result<(Head, Sealed), ContainerError> {
    let mut reader = Reader::open(input).await?;
    while reader.next_table().await?.is_some() {
        while reader.next_rows().await?.is_some() {}
    }
    let head = reader.head.clone();
    Ok((head, reader.finish().await?))
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// Reads the head.
    pub async fn open(mut input: R) -> Result<Self, ContainerError> {
        let mut magic = [0; MAGIC.len()];
        let known = MAGIC.len() - 2;
        if let Err(error) = input.read_exact(&mut magic).await {
            return Err(match error.kind() {
                std::io::ErrorKind::UnexpectedEof => ContainerError::Foreign,
                _ => ContainerError::Io(error),
            });
        }
        if magic[..known] != MAGIC[..known] {
            return Err(ContainerError::Foreign);
        }
        if magic != *MAGIC {
            let number = String::from_utf8_lossy(&magic[known..]);
            let number: String = number.chars().filter(char::is_ascii_digit).collect();
            return Err(ContainerError::LaterFormat(number));
        }
        let mut parts = Parts {
            input,
            seal: Context::new(&SHA256),
            read: MAGIC.len() as u64,
        };
        parts.seal.update(&magic);
        let (kind, json) = parts.next("its head").await?;
        if kind != part::HEAD {
            return Err(malformed("it does not begin with its head"));
        }
        Ok(Self {
            parts,
            decompressor: Decompressor::new().map_err(ContainerError::Io)?,
            head: Head::read(&json)?,
            rows: Rows::default(),
            done: Vec::new(),
            is_within: false,
            closing: None,
        })
    }

    /// What it says of itself.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The number of the next table in the head, `None` behind the last. The rows of the one before have been taken.
    pub async fn next_table(&mut self) -> Result<Option<usize>, ContainerError> {
        let (kind, payload) = self.parts.next("its tables").await?;
        match kind {
            part::TABLE => {
                let expected = u32::try_from(self.done.len()).unwrap_or(u32::MAX);
                if payload != expected.to_be_bytes() || self.done.len() >= self.head.tables.len() {
                    return Err(malformed("its tables do not follow the order of its head"));
                }
                self.is_within = true;
                Ok(Some(self.done.len()))
            }
            part::CLOSING if self.done.len() == self.head.tables.len() => {
                self.closing = Some(payload);
                Ok(None)
            }
            part::CLOSING => Err(malformed("tables are missing")),
            _ => Err(malformed("something else stands where a table should begin")),
        }
    }

    /// The next rows of the table, in COPY's text format and cut anywhere; `None` behind the last.
    pub async fn next_rows(&mut self) -> Result<Option<Vec<u8>>, ContainerError> {
        if !self.is_within {
            return Ok(None);
        }
        let (kind, payload) = self.parts.next("the rows of a table").await?;
        match kind {
            part::DATA => {
                let rows = self.decompressor.decompress(&payload, PIECE);
                let rows = rows.map_err(|_| altered("rows cannot be decompressed"))?;
                self.rows.take(&rows);
                Ok(Some(rows))
            }
            part::END => {
                let said: TableContent = serde_json::from_slice(&payload)
                    .map_err(|error| malformed(&format!("the end of a table: {error}")))?;
                let found = std::mem::take(&mut self.rows).finish();
                if found != Some(said) {
                    let name = &self.head.tables[self.done.len()].name;
                    return Err(altered(&format!(
                        "the rows of {name:?} are not those that were written"
                    )));
                }
                self.done.push(said);
                self.is_within = false;
                Ok(None)
            }
            _ => Err(malformed("something else stands where rows should be")),
        }
    }

    /// Reads the seal. Only now is it known that all of it is what was written.
    pub async fn finish(mut self) -> Result<Sealed, ContainerError> {
        let closing = self
            .closing
            .take()
            .ok_or_else(|| malformed("its closing is missing"))?;
        let closing: Closing =
            serde_json::from_slice(&closing).map_err(|error| malformed(&format!("its closing: {error}")))?;
        let expected = self.parts.seal.clone().finish();
        let (kind, seal) = self.parts.next("its seal").await?;
        if kind != part::SEAL || seal != expected.as_ref() {
            return Err(altered("its SHA-256 is another"));
        }
        let contents = self.head.tables.iter().zip(self.done.iter().copied());
        let computed = Closing {
            rows: self.done.iter().map(|table| table.rows).sum(),
            content: content::of_tables(contents),
            tables: self.done,
        };
        if closing != computed {
            return Err(malformed("its closing tells of other rows"));
        }
        let mut beyond = [0];
        if self
            .parts
            .input
            .read(&mut beyond)
            .await
            .map_err(ContainerError::Io)?
            > 0
        {
            return Err(altered("something follows its end"));
        }
        Ok(Sealed {
            closing,
            bytes: self.parts.read,
            sha256: Sha256::from_digest(self.parts.seal.finish().as_ref()),
        })
    }
}

impl<R: AsyncRead + Unpin> Parts<R> {
    async fn next(&mut self, within: &'static str) -> Result<(u8, Vec<u8>), ContainerError> {
        let mut before = [0; 5];
        self.exactly(&mut before, within).await?;
        let [kind, length @ ..] = before;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        let longest = match kind {
            part::HEAD | part::CLOSING => LONGEST_TEXT,
            part::TABLE => 4,
            part::DATA => LONGEST_PIECE,
            part::END => LONGEST_END,
            part::SEAL => 32,
            _ => return Err(altered("there is something that no container has")),
        };
        if length > longest {
            return Err(malformed(&format!(
                "a part of {length} bytes, where {longest} is the most"
            )));
        }
        let mut payload = vec![0; length];
        self.exactly(&mut payload, within).await?;
        Ok((kind, payload))
    }

    async fn exactly(&mut self, bytes: &mut [u8], within: &'static str) -> Result<(), ContainerError> {
        self.input
            .read_exact(bytes)
            .await
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::UnexpectedEof => ContainerError::Cut(within),
                _ => ContainerError::Io(error),
            })?;
        self.seal.update(bytes);
        self.read += bytes.len() as u64;
        Ok(())
    }
}

fn altered(what: &str) -> ContainerError {
    ContainerError::Altered(what.to_owned())
}

fn malformed(what: &str) -> ContainerError {
    ContainerError::Malformed(what.to_owned())
}
