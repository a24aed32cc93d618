//! SQL as tokens with the lines they stand on, as PostgreSQL's scanner sees it (documentation, section 4.1): nested
//! comments, quoted names, strings with and without escapes, dollar quotes.
//!
//! What a dollar quote holds is a text to PostgreSQL, and mostly a program to people; it is one token here, and whoever
//! wants to look inside takes it apart again by [`Token::within`].

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a name without quotes, in lower case.
    Word(String),
    /// A name in quotes, as it is meant.
    Quoted(String),
    /// The text that a string constant means.
    Text(String),
    /// What stands between dollar quotes.
    Dollars(String),
    /// A number or a parameter: what rules never look at.
    Other,
    /// Any other character.
    Sign(char),
}

/// A token and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// The line, counted from one.
    pub(super) line: usize,
    /// Where it stands in the text that was read, in bytes.
    pub(super) bytes: Range<usize>,
}

/// Something that was begun and not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unended {
    /// What it is.
    pub(super) what: &'static str,
    /// The line it begins on.
    pub(super) line: usize,
}

impl Token {
    /// The name, with or without quotes, if it may be one.
    pub(super) fn name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(name) | Kind::Quoted(name) => Some(name),
            _ => None,
        }
    }

    /// It is this word, without quotes.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(own) if own == word)
    }

    /// It is one of these words.
    pub(super) fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// It is this character.
    pub(super) fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }

    /// The tokens of what a dollar quote holds, on their lines of the whole file. What cannot be read is no SQL.
    pub(super) fn within(&self) -> Vec<Token> {
        let Kind::Dollars(body) = &self.kind else {
            return Vec::new();
        };
        let mut tokens = read(body).unwrap_or_default();
        for token in &mut tokens {
            token.line += self.line - 1;
        }
        tokens
    }
}

/// Takes SQL apart.
pub(super) fn read(sql: &str) -> Result<Vec<Token>, Unended> {
    let mut scanner = Scanner {
        rest: sql,
        line: 1,
        tokens: Vec::new(),
    };
    while let Some(c) = scanner.rest.chars().next() {
        let (start, known) = (sql.len() - scanner.rest.len(), scanner.tokens.len());
        scanner.step(c)?;
        let end = sql.len() - scanner.rest.len();
        for token in &mut scanner.tokens[known..] {
            token.bytes = start..end;
        }
    }
    Ok(scanner.tokens)
}

struct Scanner<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl<'a> Scanner<'a> {
    fn step(&mut self, c: char) -> Result<(), Unended> {
        if c.is_whitespace() {
            self.skip(c.len_utf8());
        } else if self.rest.starts_with("--") {
            let end = self.rest.find('\n').unwrap_or(self.rest.len());
            self.skip(end);
        } else if self.rest.starts_with("/*") {
            self.comment()?;
        } else if let Some((prefix, escapes)) = self.string_prefix() {
            self.string(prefix, escapes)?;
        } else if c == '"' {
            let name = self.quoted(0, '"', false, "a quoted name")?;
            self.push(name.1, Kind::Quoted(name.0));
        } else if let Some(tag) = self.dollar_tag() {
            self.dollars(tag)?;
        } else if is_start(c) {
            let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
            let word = self.rest[..end].to_lowercase();
            self.push(self.line, Kind::Word(word));
            self.skip(end);
        } else if c.is_ascii_digit() || c == '$' {
            let rest = &self.rest[1..];
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '_');
            self.push(self.line, Kind::Other);
            self.skip(1 + end.unwrap_or(rest.len()));
        } else {
            self.push(self.line, Kind::Sign(c));
            self.skip(c.len_utf8());
        }
        Ok(())
    }

    fn push(&mut self, line: usize, kind: Kind) {
        // Where it ends is known when it has been passed over.
        let bytes = 0..0;
        self.tokens.push(Token { kind, line, bytes });
    }

    /// Passes over so many bytes, and gives them.
    fn skip(&mut self, bytes: usize) -> &'a str {
        let (passed, rest) = self.rest.split_at(bytes);
        self.line += passed.matches('\n').count();
        self.rest = rest;
        passed
    }

    /// Comments of this kind nest.
    fn comment(&mut self) -> Result<(), Unended> {
        let (line, mut depth) = (self.line, 0_usize);
        loop {
            if self.rest.starts_with("/*") {
                depth += 1;
                self.skip(2);
            } else if self.rest.starts_with("*/") {
                depth -= 1;
                self.skip(2);
                if depth == 0 {
                    return Ok(());
                }
            } else if let Some(c) = self.rest.chars().next() {
                self.skip(c.len_utf8());
            } else {
                let what = "a comment";
                return Err(Unended { what, line });
            }
        }
    }

    /// The length of what stands before the quote of a string, and whether a backslash escapes in it.
    fn string_prefix(&self) -> Option<(usize, bool)> {
        let bytes = self.rest.as_bytes();
        match (bytes.first()?.to_ascii_lowercase(), bytes.get(1), bytes.get(2)) {
            (b'\'', ..) => Some((0, false)),
            (b'e', Some(b'\''), _) => Some((1, true)),
            (b'b' | b'x' | b'n', Some(b'\''), _) => Some((1, false)),
            (b'u', Some(b'&'), Some(b'\'')) => Some((2, false)),
            _ => None,
        }
    }

    fn string(&mut self, prefix: usize, escapes: bool) -> Result<(), Unended> {
        let (text, line) = self.quoted(prefix, '\'', escapes, "a string")?;
        self.push(line, Kind::Text(text));
        Ok(())
    }

    /// What stands between quotes, with doubled ones undone, and the line it begins on.
    fn quoted(
        &mut self,
        prefix: usize,
        quote: char,
        escapes: bool,
        what: &'static str,
    ) -> Result<(String, usize), Unended> {
        let line = self.line;
        self.skip(prefix + 1);
        let mut text = String::new();
        while let Some(c) = self.rest.chars().next() {
            self.skip(c.len_utf8());
            let next = self.rest.chars().next();
            if c == quote && next != Some(quote) {
                return Ok((text, line));
            }
            if c == quote {
                self.skip(1);
                text.push(quote);
            } else if let (true, '\\', Some(escaped)) = (escapes, c, next) {
                self.skip(escaped.len_utf8());
                text.push(if escaped == 'n' { '\n' } else { escaped });
            } else {
                text.push(c);
            }
        }
        Err(Unended { what, line })
    }

    /// `$$` or `$name$` at this place.
    fn dollar_tag(&self) -> Option<&'a str> {
        let inside = self.rest.strip_prefix('$')?;
        let end = inside.find('$')?;
        let name = &inside[..end];
        let is_name =
            name.chars().all(|c| is_part(c) && c != '$') && !name.starts_with(|c: char| c.is_ascii_digit());
        is_name.then(|| &self.rest[..end + 2])
    }

    fn dollars(&mut self, tag: &'a str) -> Result<(), Unended> {
        let line = self.line;
        self.skip(tag.len());
        let what = "a dollar quote";
        let end = self.rest.find(tag).ok_or(Unended { what, line })?;
        // The line of the body, which begins where its tag does.
        let body = self.skip(end).to_owned();
        self.skip(tag.len());
        self.push(line, Kind::Dollars(body));
        Ok(())
    }
}

fn is_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn is_part(c: char) -> bool {
    is_start(c) || c.is_ascii_digit() || c == '$'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sql: &str) -> Vec<String> {
        let show = |token: &Token| match &token.kind {
            Kind::Word(word) => word.clone(),
            Kind::Quoted(name) => format!("\"{name}\""),
            Kind::Text(text) => format!("'{text}'"),
            Kind::Dollars(body) => format!("$${body}$$"),
            Kind::Other => "0".to_owned(),
            Kind::Sign(sign) => sign.to_string(),
        };
        let shown = read(sql).unwrap();
        shown
            .iter()
            .map(|token| format!("{}@{}", show(token), token.line))
            .collect()
    }

    #[test]
    fn sql_is_taken_apart() {
        for (sql, expected) in [
            (
                "Select a.\"B\"\"c\"\n-- 'x\n, 1.5",
                &["select@1", "a@1", ".@1", "\"B\"c\"@1", ",@3", "0@3"][..],
            ),
            ("/* a /* b */ 'c */ d", &["d@1"]),
            ("'it''s\n' x", &["'it's\n'@1", "x@2"]),
            (r"e'a\'b' E'\\'", &["'a'b'@1", r"'\'@1"]),
            (r"'a\' b", &[r"'a\'@1", "b@1"]),
            ("$$a;'b$$ $x$ $$ $x$ $1", &["$$a;'b$$@1", "$$ $$ $$@1", "0@1"]),
            ("a$b$c\nü", &["a$b$c@1", "ü@2"]),
            ("X'1f' u&'d' date'1'", &["'1f'@1", "'d'@1", "date@1", "'1'@1"]),
            ("", &[]),
        ] {
            assert_eq!(shown(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_does_not_end_is_told_with_its_line() {
        for (sql, what, line) in [
            ("\n'a", "a string", 2),
            ("\"a", "a quoted name", 1),
            ("/* /* */", "a comment", 1),
            ("a\n\n$x$ $$", "a dollar quote", 3),
        ] {
            assert_eq!(read(sql), Err(Unended { what, line }), "{sql}");
        }
    }

    #[test]
    fn a_body_keeps_its_lines() {
        let tokens = read("a\n$$ b\nc $$").unwrap();
        let lines: Vec<usize> = tokens[1].within().iter().map(|token| token.line).collect();
        assert_eq!(lines, [2, 3]);
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(sql in "[a-zÜ0-9$'\"/*\\\\;. \n-]{0,60}") {
            let _ = read(&sql);
        }
    }
}
