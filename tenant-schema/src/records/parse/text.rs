//! A reader over one parameter's value: names, quoted strings, and where it stands when something is wrong.

use crate::records::ast::{Arrow, Column, Place, Step};
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

    /// Steps over spaces.
    pub(super) fn skip_spaces(&mut self) {
        self.take_until(|c| !matches!(c, ' ' | '\t'));
    }

    /// A column name or alias: quoted, or made of letters, digits, `_`, `$`, spaces and dashes.
    pub(super) fn name(&mut self) -> Result<String, RecordError> {
        if self.peek() == Some('"') {
            return self.quoted();
        }
        let name = self.dashed(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | ' '));
        if name.is_empty() {
            Err(self.error("a column name"))
        } else {
            Ok(name.to_owned())
        }
    }

    /// A column and the steps into its JSON.
    pub(super) fn column(&mut self) -> Result<Column, RecordError> {
        let name = self.name()?;
        let path = self.steps()?;
        Ok(Column { name, path })
    }

    /// `->key->1->>key`, or nothing.
    pub(super) fn steps(&mut self) -> Result<Vec<Step>, RecordError> {
        let mut steps = Vec::new();
        loop {
            let arrow = if self.eat("->>") {
                Arrow::Text
            } else if self.eat("->") {
                Arrow::Json
            } else {
                return Ok(steps);
            };
            let to = self.place()?;
            steps.push(Step { arrow, to });
            if arrow == Arrow::Text && self.rest().starts_with("->") {
                return Err(self.error("the end of the JSON path, because '->>' gives text"));
            }
        }
    }

    fn place(&mut self) -> Result<Place, RecordError> {
        if let Some(index) = self.index()? {
            return Ok(Place::Index(index));
        }
        match self.peek() {
            Some('"') => return self.quoted().map(Place::Key),
            Some('-') => return Err(self.error("a JSON key or array index")),
            _ => {}
        }
        let key = self.dashed(|c| !matches!(c, '(' | '-' | ':' | '.' | ',' | '>' | ')'));
        if key.is_empty() {
            return Err(self.error("a JSON key or array index"));
        }
        Ok(Place::Key(key.to_owned()))
    }

    /// Digits, if they are all there is of the step.
    fn index(&mut self) -> Result<Option<i32>, RecordError> {
        let rest = self.rest();
        let digits = rest.strip_prefix('-').unwrap_or(rest);
        let after = digits.trim_start_matches(|c: char| c.is_ascii_digit());
        let ends = |rest: &str| rest.is_empty() || rest.starts_with(['.', ',', ')']);
        if after.len() == digits.len() || !(ends(after) || after.starts_with("->") || after.starts_with("::"))
        {
            return Ok(None);
        }
        let text = &rest[..rest.len() - after.len()];
        let index = text
            .parse()
            .map_err(|_| self.error("an array index of 32 bits"))?;
        self.at += text.len();
        Ok(Some(index))
    }

    /// Characters that suit, and dashes that begin no arrow, without spaces around them.
    fn dashed(&mut self, suits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let stops = |(index, c): (usize, char)| {
            let goes_on = suits(c) || (c == '-' && !rest[index..].starts_with("->"));
            (!goes_on).then_some(index)
        };
        let end = rest.char_indices().find_map(stops).unwrap_or(rest.len());
        self.at += end;
        rest[..end].trim()
    }

    /// Letters, digits, `_`, `$` and spaces: the name of a type or of a configuration.
    pub(super) fn word(&mut self, expected: &str) -> Result<&'a str, RecordError> {
        let word = self
            .take_until(|c| !(c.is_alphanumeric() || matches!(c, '_' | '$' | ' ')))
            .trim();
        if word.is_empty() {
            Err(self.error(expected))
        } else {
            Ok(word)
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
