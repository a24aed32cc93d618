//! TXT records, as a resolver gives them (RFC 1035): one question by UDP, and by TCP where the answer is too long for that.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::failure::Problem;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The type of a TXT record, and the class of the internet.
const TXT: u16 = 16;
const IN: u16 = 1;

/// Which resolver to ask.
pub(super) struct Resolver(SocketAddr);

impl Resolver {
    /// This one, or the first that this machine asks.
    pub(super) async fn new(named: Option<SocketAddr>) -> Result<Self, Problem> {
        if let Some(named) = named {
            return Ok(Self(named));
        }
        let path = "/etc/resolv.conf";
        let text = tokio::fs::read_to_string(path).await.unwrap_or_default();
        let servers = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("nameserver"));
        let mut servers = servers.filter_map(|address| address.trim().parse().ok());
        let found = servers.next().map(|address| SocketAddr::new(address, 53));
        found.map(Self).ok_or_else(|| {
            Problem::environment(
                format!("{path} names no resolver"),
                "name one by --resolver, such as 9.9.9.9:53",
            )
        })
    }

    /// The TXT records of a name; none where there is no such name. An error says why they are not known.
    pub(super) async fn texts(&self, name: &str, id: u16) -> Result<Vec<String>, String> {
        let question = question(name, id);
        let answer = match timeout(PATIENCE, self.by_udp(&question)).await {
            Ok(answer) => answer.map_err(|error| self.told(&error.to_string()))?,
            Err(_) => return Err(self.told("no answer")),
        };
        let texts = match read(&answer, id) {
            Some(Answer::Cut) => {
                let answer = timeout(PATIENCE, self.by_tcp(&question)).await;
                let answer = answer.map_err(|_| self.told("no answer"))?;
                read(&answer.map_err(|error| self.told(&error.to_string()))?, id)
            }
            whole => whole,
        };
        match texts {
            Some(Answer::Texts(texts)) => Ok(texts),
            Some(Answer::Failed(code)) => Err(self.told(&format!("response code {code}"))),
            Some(Answer::Cut) | None => Err(self.told("an answer that cannot be read")),
        }
    }

    fn told(&self, why: &str) -> String {
        format!("the resolver {}: {why}", self.0)
    }

    async fn by_udp(&self, question: &[u8]) -> std::io::Result<Vec<u8>> {
        let any: SocketAddr = if self.0.is_ipv4() {
            ([0, 0, 0, 0], 0).into()
        } else {
            ([0_u16; 8], 0).into()
        };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(self.0).await?;
        socket.send(question).await?;
        let mut answer = vec![0; 4096];
        let length = socket.recv(&mut answer).await?;
        answer.truncate(length);
        Ok(answer)
    }

    async fn by_tcp(&self, question: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.0).await?;
        let length = u16::try_from(question.len()).unwrap_or(u16::MAX);
        stream.write_all(&length.to_be_bytes()).await?;
        stream.write_all(question).await?;
        let mut answer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }
}

/// One question, with the wish that the resolver asks on.
fn question(name: &str, id: u16) -> Vec<u8> {
    let mut message = Vec::with_capacity(name.len() + 18);
    for word in [id, 0x0100, 1, 0, 0, 0] {
        message.extend(word.to_be_bytes());
    }
    for label in name.split('.') {
        // Labels of a host's name have at most 63 characters.
        message.push(u8::try_from(label.len()).unwrap_or(63));
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend(TXT.to_be_bytes());
    message.extend(IN.to_be_bytes());
    message
}

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Texts(Vec<String>),
    /// It is too long for its transport.
    Cut,
    Failed(u8),
}

/// Reads the answer to the question with this id; nothing for what is none.
fn read(message: &[u8], id: u16) -> Option<Answer> {
    let word = |at: usize| Some(u16::from_be_bytes([*message.get(at)?, *message.get(at + 1)?]));
    let flags = word(2)?;
    if word(0)? != id || flags & 0x8000 == 0 {
        return None;
    }
    match flags & 0xf {
        // No such name: it has no records.
        3 => return Some(Answer::Texts(Vec::new())),
        0 => {}
        code => return Some(Answer::Failed(u8::try_from(code).unwrap_or(u8::MAX))),
    }
    if flags & 0x0200 != 0 {
        return Some(Answer::Cut);
    }
    let (questions, answers) = (word(4)?, word(6)?);
    let mut at = 12;
    for _ in 0..questions {
        at = behind_name(message, at)? + 4;
    }
    let mut texts = Vec::new();
    for _ in 0..answers {
        at = behind_name(message, at)?;
        let (kind, length) = (word(at)?, usize::from(word(at + 8)?));
        at += 10;
        let data = message.get(at..at + length)?;
        at += length;
        if kind == TXT {
            texts.push(joined(data)?);
        }
    }
    Some(Answer::Texts(texts))
}

/// A name ends with an empty label, or with a pointer to the rest of it.
fn behind_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            length => at += usize::from(length) + 1,
        }
    }
}

/// The strings of a record are one text.
fn joined(mut data: &[u8]) -> Option<String> {
    let mut text = Vec::new();
    while let Some((length, rest)) = data.split_first() {
        let (string, rest) = rest.split_at_checked(usize::from(*length))?;
        text.extend_from_slice(string);
        data = rest;
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer to the question for `a.example` with these flags and records.
    fn answer(flags: u16, records: &[(u16, &[u8])]) -> Vec<u8> {
        let mut message = question("a.example", 7);
        message[2..4].copy_from_slice(&flags.to_be_bytes());
        message[7] = u8::try_from(records.len()).unwrap_or(u8::MAX);
        for (kind, data) in records {
            message.extend([0xc0, 12]);
            message.extend(kind.to_be_bytes());
            message.extend([0, 1, 0, 0, 0, 60]);
            message.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
            message.extend(*data);
        }
        message
    }

    #[test]
    fn texts_of_an_answer_are_joined_and_other_records_left_out() {
        let records: &[(u16, &[u8])] = &[(5, b"\x01b\xc0\x0c"), (TXT, b"\x03abc\x02de"), (TXT, b"\x01x")];
        let texts = vec!["abcde".to_owned(), "x".to_owned()];
        assert_eq!(read(&answer(0x8180, records), 7), Some(Answer::Texts(texts)));
        assert_eq!(read(&answer(0x8183, &[]), 7), Some(Answer::Texts(Vec::new())));
        assert_eq!(read(&answer(0x8380, &[]), 7), Some(Answer::Cut));
        assert_eq!(read(&answer(0x8182, &[]), 7), Some(Answer::Failed(2)));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert_eq!(read(&answer(0x8180, &[]), 8), None, "to another question");
        assert_eq!(read(&question("a.example", 7), 7), None, "a question");
        let whole = answer(0x8180, &[(TXT, b"\x03abc")]);
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end], 7), None, "cut at {end}");
        }
        assert_eq!(read(&answer(0x8180, &[(TXT, b"\x09abc")]), 7), None);
    }
}
