//! Writing a container, part by part.

use aws_lc_rs::digest::{Context, SHA256};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use zstd::bulk::Compressor;

use super::content::{self, Rows, Sha256, TableContent};
use super::{Closing, ContainerError, Head, MAGIC, PIECE, part};

/// The level at which rows are compressed: the fastest of the ordinary ones, so that the database is what is waited for.
const LEVEL: i32 = 1;

/// A container being written.
pub(super) struct Writer<W> {
    output: W,
    seal: Context,
    written: u64,
    compressor: Compressor<'static>,
    piece: Vec<u8>,
    rows: Rows,
    done: Vec<TableContent>,
}

/// A container that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// What is in it.
    pub closing: Closing,
    /// Its length in bytes.
    pub bytes: u64,
    /// The SHA-256 of the whole file.
    pub sha256: Sha256,
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub(super) async fn begin(output: W, head: &Head) -> Result<Self, ContainerError> {
        let mut writer = Self {
            output,
            seal: Context::new(&SHA256),
            written: 0,
            compressor: Compressor::new(LEVEL).map_err(ContainerError::Io)?,
            piece: Vec::with_capacity(PIECE),
            rows: Rows::default(),
            done: Vec::new(),
        };
        writer.write(MAGIC).await?;
        writer.json(part::HEAD, head).await?;
        Ok(writer)
    }

    pub(super) async fn table(&mut self) -> Result<(), ContainerError> {
        let number = u32::try_from(self.done.len()).unwrap_or(u32::MAX);
        self.part(part::TABLE, &number.to_be_bytes()).await
    }

    pub(super) async fn rows(&mut self, mut rows: &[u8]) -> Result<(), ContainerError> {
        self.rows.take(rows);
        while !rows.is_empty() {
            let (now, later) = rows.split_at(rows.len().min(PIECE - self.piece.len()));
            self.piece.extend_from_slice(now);
            rows = later;
            if self.piece.len() == PIECE {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), ContainerError> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let compressed = self
            .compressor
            .compress(&self.piece)
            .map_err(ContainerError::Io)?;
        self.piece.clear();
        self.part(part::DATA, &compressed).await
    }

    pub(super) async fn table_ends(&mut self) -> Result<TableContent, ContainerError> {
        self.flush().await?;
        let content = std::mem::take(&mut self.rows).finish();
        // PostgreSQL sends whole rows.
        let content = content.ok_or(ContainerError::Cut("a row"))?;
        self.json(part::END, &content).await?;
        self.done.push(content);
        Ok(content)
    }

    /// Writes the closing and the seal, and sees to it that everything is handed on.
    pub(super) async fn seal(mut self, head: &Head) -> Result<Sealed, ContainerError> {
        let contents = head.tables.iter().zip(self.done.iter().copied());
        let closing = Closing {
            rows: self.done.iter().map(|table| table.rows).sum(),
            content: content::of_tables(contents),
            tables: std::mem::take(&mut self.done),
        };
        self.json(part::CLOSING, &closing).await?;
        let seal = self.seal.clone().finish();
        self.part(part::SEAL, seal.as_ref()).await?;
        self.output.flush().await.map_err(ContainerError::Io)?;
        Ok(Sealed {
            closing,
            bytes: self.written,
            sha256: Sha256::from_digest(self.seal.finish().as_ref()),
        })
    }

    async fn json<T: serde::Serialize>(&mut self, kind: u8, value: &T) -> Result<(), ContainerError> {
        let json = serde_json::to_vec(value).map_err(|error| ContainerError::Io(error.into()))?;
        self.part(kind, &json).await
    }

    async fn part(&mut self, kind: u8, payload: &[u8]) -> Result<(), ContainerError> {
        let length = u32::try_from(payload.len());
        let length =
            length.map_err(|_| ContainerError::Malformed("a part is longer than 4 GB".to_owned()))?;
        let mut before = [kind; 5];
        before[1..].copy_from_slice(&length.to_be_bytes());
        self.write(&before).await?;
        self.write(payload).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), ContainerError> {
        self.seal.update(bytes);
        self.written += bytes.len() as u64;
        self.output.write_all(bytes).await.map_err(ContainerError::Io)
    }
}
