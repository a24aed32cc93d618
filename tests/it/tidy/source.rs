//! A Rust file as the rules see it: its code without comments and texts, and its texts by themselves.

/// A file split by a small lexer, which knows comments, strings, raw strings and character literals.
pub(super) struct SourceFile {
    /// Relative to the repository, with `/`.
    pub(super) path: String,
    /// Everything.
    pub(super) text: String,
    /// The code: comments and the inside of literals are blanks, lines keep their numbers.
    pub(super) code: String,
    /// The string literals with the line each begins on.
    pub(super) strings: Vec<(usize, String)>,
}

impl SourceFile {
    /// Splits a text.
    pub(super) fn new(path: &str, text: &str) -> Self {
        let mut lexer = Lexer {
            rest: text.chars().collect(),
            at: 0,
            code: String::new(),
            strings: Vec::new(),
        };
        lexer.run();
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: lexer.code,
            strings: lexer.strings,
        }
    }

    /// The crate's folder.
    pub(super) fn krate(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// Whether it belongs to what is shipped: the sources of the four crates, without files of unit tests.
    pub(super) fn is_shipped(&self) -> bool {
        let is_test = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        self.krate() != "tests" && self.path.contains("/src/") && !is_test
    }

    /// Whether it is `config.rs`, the only kind of file that reads the environment.
    pub(super) fn is_config(&self) -> bool {
        self.path.ends_with("/config.rs")
    }

    /// The line from which on the file holds unit tests, which stand last.
    pub(super) fn tests_from(&self) -> usize {
        self.code
            .lines()
            .position(|line| line.trim() == "#[cfg(test)]")
            .map_or(usize::MAX, |line| line + 1)
    }

    /// The string literals before the unit tests.
    pub(super) fn shipped_strings(&self) -> impl Iterator<Item = &(usize, String)> {
        let end = self.tests_from();
        self.strings.iter().filter(move |(line, _)| *line < end)
    }

    /// The lines of code that hold `needle`.
    pub(super) fn lines_with(&self, needle: &str) -> Vec<usize> {
        self.code
            .lines()
            .enumerate()
            .filter(|(_, line)| line.contains(needle))
            .map(|(n, _)| n + 1)
            .collect()
    }
}

struct Lexer {
    rest: Vec<char>,
    at: usize,
    code: String,
    strings: Vec<(usize, String)>,
}

impl Lexer {
    fn run(&mut self) {
        while let Some(c) = self.peek(0) {
            match (c, self.peek(1)) {
                ('/', Some('/')) => self.blank_while(|lexer| lexer.peek(0) != Some('\n')),
                ('/', Some('*')) => self.block_comment(),
                ('"', _) => self.string(0, true),
                ('r', Some('"' | '#')) if !self.follows_a_name() && self.raw_hashes().is_some() => {
                    let hashes = self.raw_hashes().unwrap_or(0);
                    self.keep(1 + hashes);
                    self.string(hashes, false);
                }
                ('\'', _) => self.character(),
                _ => self.keep(1),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest.get(self.at + ahead).copied()
    }

    /// `bar"x"` is no raw string of `ba`; `br"x"` is one.
    fn follows_a_name(&self) -> bool {
        let mut before = self.code.chars().rev();
        match before.next() {
            Some('b' | 'c') => before.next().is_some_and(is_name),
            Some(c) => is_name(c),
            None => false,
        }
    }

    /// How many `#` stand between `r` and the quote; `None` if there is no quote, as in `r#type`.
    fn raw_hashes(&self) -> Option<usize> {
        let hashes = self.rest[self.at + 1..].iter().take_while(|c| **c == '#').count();
        (self.peek(1 + hashes) == Some('"')).then_some(hashes)
    }

    fn keep(&mut self, n: usize) {
        self.code.extend(&self.rest[self.at..self.at + n]);
        self.at += n;
    }

    fn blank(&mut self) {
        self.code
            .push(if self.peek(0) == Some('\n') { '\n' } else { ' ' });
        self.at += 1;
    }

    fn blank_while(&mut self, goes_on: impl Fn(&Self) -> bool) {
        while self.at < self.rest.len() && goes_on(self) {
            self.blank();
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.rest.len() {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => depth += 1,
                (Some('*'), Some('/')) => depth -= 1,
                _ => {
                    self.blank();
                    continue;
                }
            }
            self.blank();
            self.blank();
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self, hashes: usize, escapes: bool) {
        let line = self.code.matches('\n').count() + 1;
        let mut literal = String::new();
        self.keep(1);
        while let Some(c) = self.peek(0) {
            let ends = c == '"' && (1..=hashes).all(|n| self.peek(n) == Some('#'));
            if ends {
                break;
            }
            if escapes && c == '\\' {
                self.blank();
                // A backslash at the end of a line swallows the indentation; any other escape is some letter.
                if self.peek(0) != Some('\n') {
                    literal.push(if self.peek(0) == Some('n') { '\n' } else { '\\' });
                }
                self.blank();
                continue;
            }
            literal.push(c);
            self.blank();
        }
        if self.at < self.rest.len() {
            self.keep(1 + hashes);
        }
        self.strings.push((line, literal));
    }

    /// A character literal, or a lifetime.
    fn character(&mut self) {
        let is_literal = self.peek(1) == Some('\\') || self.peek(2) == Some('\'');
        self.keep(1);
        if !is_literal {
            return;
        }
        if self.peek(0) == Some('\\') {
            self.blank();
        }
        self.blank();
        self.blank_while(|lexer| lexer.peek(0) != Some('\''));
        self.keep(1);
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The words and signs of a text in lower case: names (with digits and `_`), and every other visible character by
/// itself.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut open = false;
    for c in text.chars() {
        if is_name(c) {
            match words.last_mut().filter(|_| open) {
                Some(word) => word.extend(c.to_lowercase()),
                None => words.push(c.to_lowercase().collect()),
            }
            open = true;
        } else {
            open = false;
            if !c.is_whitespace() {
                words.push(c.to_string());
            }
        }
    }
    words
}

#[test]
fn comments_and_literals_are_told_from_code() {
    let file = SourceFile::new(
        "x/src/a.rs",
        "let a = \"select 1\"; // \"no\"\nlet b = r#\"say \"hi\"\"#; /* \" /* x */ */ let c: &'a str = '\\''; let d = '\"';",
    );
    let texts: Vec<&str> = file.strings.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["select 1", "say \"hi\""]);
    assert_eq!(file.strings[1].0, 2);
    assert!(file.code.contains("let c: &'a str") && !file.code.contains("hi"));
}

#[test]
fn a_continued_line_is_one_text() {
    let file = SourceFile::new(
        "x/src/a.rs",
        "const A: &str = \"\\\n    select id \\\n    from t\";",
    );
    assert_eq!(words(&file.strings[0].1), ["select", "id", "from", "t"]);
}
