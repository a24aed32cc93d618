//! A reader over one parameter's value: names, quoted strings, and where it stands when something is wrong.

use crate::records::error::RecordError;

/// Reads a value from left to right; a copy remembers a place.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    parameter: &'a str,
    input: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(parameter: &'a str, input: &'a str) -> Self {
        Self {
            parameter,
            input,
            at: 0,
        }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.input[self.at..]
    }

    pub(super) fn is_done(&self) -> bool {
        self.at == self.input.len()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Steps over `expected` if it comes next.
    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    pub(super) fn expect(&mut self, expected: &str) -> Result<(), RecordError> {
        if self.eat(expected) {
            Ok(())
        } else {
            Err(self.error(&format!("'{expected}'")))
        }
    }

    pub(super) fn expect_end(&self) -> Result<(), RecordError> {
        if self.is_done() {
            Ok(())
        } else {
            Err(self.error("the end"))
        }
    }

    /// Everything up to a character that stops, which stays unread.
    pub(super) fn take_until(&mut self, stops: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(stops).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// A column name or alias: quoted, or made of letters, digits, `_`, `$`, spaces and dashes.
    pub(super) fn name(&mut self) -> Result<String, RecordError> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let name = self
            .take_until(|c| !(c.is_alphanumeric() || matches!(c, '_' | '$' | ' ' | '-')))
            .trim();
        if name.is_empty() {
            Err(self.error("a column name"))
        } else {
            Ok(name.to_owned())
        }
    }

    /// A string in double quotes, in which a backslash makes the next character stand for itself.
    pub(super) fn quoted(&mut self) -> Result<String, RecordError> {
        self.expect("\"")?;
        let mut text = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((index, c)) = chars.next() {
            match c {
                '"' => {
                    self.at += index + 1;
                    return Ok(text);
                }
                '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
                _ => text.push(c),
            }
        }
        self.at = self.input.len();
        Err(self.error("a closing '\"'"))
    }

    /// An error that says what was expected at the character reached.
    pub(super) fn error(&self, expected: &str) -> RecordError {
        let column = self.input[..self.at].chars().count() + 1;
        let found = self
            .peek()
            .map_or_else(|| "the end".to_owned(), |c| format!("'{c}'"));
        let details = format!("expected {expected} at character {column}, found {found}");
        RecordError::syntax(self.parameter, self.input, details)
    }
}
