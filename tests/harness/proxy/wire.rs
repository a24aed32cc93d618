//! As much of the protocol as the proxy needs: where the client's messages end, and how a simple query is answered.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// The client's bytes, split into messages. The first message has a length only, every other a type before it.
#[derive(Debug, Default)]
pub(super) struct Messages {
    bytes: Vec<u8>,
    /// Where the counted messages end.
    counted: usize,
    started: bool,
}

impl Messages {
    /// Reads what has come; zero at the end. Safe to drop while it waits.
    pub(super) async fn read(&mut self, from: &mut (impl AsyncRead + Unpin)) -> io::Result<usize> {
        from.read_buf(&mut self.bytes).await
    }

    /// Counts the next message if it is there whole.
    pub(super) fn count_next(&mut self) -> bool {
        let rest = &self.bytes[self.counted..];
        let type_len = usize::from(self.started);
        let Some(length) = rest.get(type_len..type_len + 4) else {
            return false;
        };
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        let end = self.counted + type_len + length as usize;
        if self.bytes.len() < end {
            return false;
        }
        self.counted = end;
        self.started = true;
        true
    }

    /// Takes the counted messages out.
    pub(super) fn take_counted(&mut self) -> Vec<u8> {
        let rest = self.bytes.split_off(self.counted);
        self.counted = 0;
        std::mem::replace(&mut self.bytes, rest)
    }
}

/// A simple query as a message.
pub(super) fn query(sql: &str) -> Vec<u8> {
    let length = u32::try_from(sql.len() + 5).expect("a question is short");
    let mut message = vec![b'Q'];
    message.extend(length.to_be_bytes());
    message.extend(sql.as_bytes());
    message.push(0);
    message
}

/// What a simple query gave: rows of texts, or the refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer(Result<Vec<Vec<Option<String>>>, Refusal>);

/// An error of PostgreSQL's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The five-character SQLSTATE.
    pub sqlstate: String,
    /// What it says.
    pub message: String,
}

impl Answer {
    /// The rows.
    ///
    /// # Panics
    /// When the query was refused.
    pub fn rows(&self) -> &[Vec<Option<String>>] {
        self.0.as_ref().expect("the query succeeds")
    }

    /// The only value, NULL as an empty text.
    ///
    /// # Panics
    /// When the query was refused, or gave more or less than one value.
    pub fn value(&self) -> &str {
        match self.rows() {
            [row] if row.len() == 1 => row[0].as_deref().unwrap_or_default(),
            rows => panic!("one value was expected, not {rows:?}"),
        }
    }

    /// The refusal.
    ///
    /// # Panics
    /// When the query succeeded.
    pub fn refusal(&self) -> &Refusal {
        self.0.as_ref().expect_err("the query is refused")
    }

    /// Reads up to and with `ReadyForQuery`.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let (mut rows, mut refusal) = (Vec::new(), None);
        loop {
            let kind = from.read_u8().await?;
            let length = from.read_u32().await? as usize;
            let mut body = vec![0; length.saturating_sub(4)];
            from.read_exact(&mut body).await?;
            match kind {
                b'D' => rows.push(row(&body)),
                b'E' => {
                    refusal = Some(Refusal {
                        sqlstate: field(&body, b'C'),
                        message: field(&body, b'M'),
                    });
                }
                b'Z' => return Ok(Self(refusal.map_or(Ok(rows), Err))),
                _ => {}
            }
        }
    }
}

/// `DataRow`: a count of columns, then each with its length, which is -1 for NULL.
fn row(body: &[u8]) -> Vec<Option<String>> {
    let mut rest = &body[2..];
    let mut columns = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let value = usize::try_from(i32::from_be_bytes(*length)).ok();
        let (text, next) = after.split_at(value.unwrap_or(0));
        columns.push(value.map(|_| String::from_utf8_lossy(text).into_owned()));
        rest = next;
    }
    columns
}

/// `ErrorResponse`: fields of a type and a text that ends with zero.
fn field(body: &[u8], kind: u8) -> String {
    let fields = body.split(|byte| *byte == 0);
    let found = fields
        .filter_map(<[u8]>::split_first)
        .find(|(first, _)| **first == kind);
    found
        .map(|(_, text)| String::from_utf8_lossy(text).into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_when_they_are_whole() {
        let startup = [0, 0, 0, 8, 0, 3, 0, 0];
        let mut bytes = startup.to_vec();
        bytes.extend(query("select 1"));
        bytes.extend(&query("commit")[..4]);
        let mut messages = Messages {
            bytes,
            ..Messages::default()
        };
        assert!(messages.count_next());
        assert_eq!(messages.take_counted(), startup);
        assert!(messages.count_next());
        assert!(!messages.count_next(), "the second query has not come whole");
        assert_eq!(messages.take_counted(), query("select 1"));
    }

    #[tokio::test]
    async fn an_answer_is_read_to_its_end() {
        let mut wire = Vec::new();
        wire.extend([b'D', 0, 0, 0, 15, 0, 2, 0, 0, 0, 1, b'x', 255, 255, 255, 255]);
        wire.extend([b'Z', 0, 0, 0, 5, b'I', b'!']);
        let mut from = wire.as_slice();
        let answer = Answer::read(&mut from).await.expect("whole");
        assert_eq!(answer.rows(), [[Some("x".to_owned()), None]]);
        assert_eq!(from, b"!", "what follows is the client's");

        let error = b"E\0\0\0\x14C42501\0Mno way\0\0Z\0\0\0\x05I";
        let answer = Answer::read(&mut &error[..]).await.expect("whole");
        assert_eq!(answer.refusal().sqlstate, "42501");
    }
}
