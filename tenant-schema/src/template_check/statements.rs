//! The statements of a file.

use std::ops::Range;

use super::tokens::{Kind, Token, read};

/// The tokens of one statement, without the semicolon that ends it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Statement<'a>(pub(super) &'a [Token]);

/// Splits at the semicolons that end statements: none in parentheses, none in the body of a function that is written
/// `begin atomic … end`.
pub(super) fn split(tokens: &[Token]) -> Vec<Statement<'_>> {
    let mut statements = Vec::new();
    let (mut start, mut parentheses, mut blocks) = (0, 0_usize, 0_usize);
    for (at, token) in tokens.iter().enumerate() {
        if token.is_sign('(') {
            parentheses += 1;
        } else if token.is_sign(')') {
            parentheses = parentheses.saturating_sub(1);
        } else if blocks > 0 && token.is("case") || token.is("atomic") && at > 0 && tokens[at - 1].is("begin")
        {
            blocks += 1;
        } else if token.is("end") {
            blocks = blocks.saturating_sub(1);
        } else if token.is_sign(';') && parentheses == 0 && blocks == 0 {
            statements.push(Statement(&tokens[start..at]));
            start = at + 1;
        }
    }
    statements.push(Statement(&tokens[start..]));
    statements.retain(|statement| !statement.0.is_empty());
    statements
}

/// Where each statement of a text stands in it, in bytes, without the semicolon; the whole text where it cannot be read.
pub(crate) fn places(sql: &str) -> Vec<Range<usize>> {
    let Ok(tokens) = read(sql) else {
        return std::iter::once(0..sql.len()).collect();
    };
    let place = |statement: &Statement<'_>| {
        let (first, last) = (statement.0.first()?, statement.0.last()?);
        Some(first.bytes.start..last.bytes.end)
    };
    split(&tokens).iter().filter_map(place).collect()
}

/// What a statement makes, and its name: the one word that says what it is (`view` for all kinds of views), and where the
/// name's tokens begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Made<'a> {
    pub(super) kind: &'a str,
    pub(super) name_at: usize,
}

/// Words that may stand between `create` and what is made.
const ADJECTIVES: &[&str] = &[
    "or",
    "replace",
    "temp",
    "temporary",
    "unlogged",
    "global",
    "local",
    "recursive",
    "materialized",
    "unique",
    "constraint",
    "trusted",
    "procedural",
    "default",
    "foreign",
];

impl<'a> Statement<'a> {
    /// The line it begins on.
    pub(super) fn line(self) -> usize {
        self.0.first().map_or(1, |token| token.line)
    }

    /// It begins with these words.
    pub(super) fn begins(self, words: &[&str]) -> bool {
        words.len() <= self.0.len() && words.iter().zip(self.0).all(|(word, token)| token.is(word))
    }

    /// What it creates, alters, drops or comments on.
    pub(super) fn subject(self) -> Option<Made<'a>> {
        let mut at = 1;
        if self.begins(&["comment", "on"]) {
            at = 2;
        } else if !self.0.first()?.is_any(&["create", "alter", "drop"]) {
            return None;
        }
        // A constraint can be commented on; there are constraint triggers besides.
        let is_adjective = |token: &Token| token.is_any(ADJECTIVES) && !(at == 2 && token.is("constraint"));
        let start = at;
        at += self
            .0
            .get(start..)?
            .iter()
            .take_while(|token| is_adjective(token))
            .count();
        let kind = self.0.get(at)?.name()?;
        at += 1;
        while self
            .0
            .get(at)
            .is_some_and(|token| token.is_any(&["if", "not", "exists", "only", "concurrently"]))
        {
            at += 1;
        }
        Some(Made { kind, name_at: at })
    }

    /// What it comments on, and the comment with the line it begins on. Texts with a line break between them are one.
    pub(super) fn comment(self) -> Option<(Made<'a>, usize, String)> {
        let subject = self.subject().filter(|_| self.begins(&["comment", "on"]))?;
        let mut texts = self.0.iter().filter_map(|token| match &token.kind {
            Kind::Text(text) | Kind::Dollars(text) => Some((text.as_str(), token.line)),
            _ => None,
        });
        let (first, line) = texts.next()?;
        let text = std::iter::once(first)
            .chain(texts.map(|(text, _)| text))
            .collect();
        Some((subject, line, text))
    }

    /// What it creates.
    pub(super) fn creates(self) -> Option<Made<'a>> {
        self.subject().filter(|_| self.begins(&["create"]))
    }

    /// The last part of the name that begins at this token (`a.b` is called `b`), and the token behind it.
    pub(super) fn name(self, at: usize) -> Option<(&'a str, usize)> {
        let name = self.0.get(at)?.name()?;
        if self.0.get(at + 1).is_some_and(|token| token.is_sign('.')) {
            return self.name(at + 2);
        }
        Some((name, at + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_where_they_end() {
        for (sql, expected) in [
            ("a; b", 2),
            (";;a;", 1),
            ("create rule r as on insert to t do (a; b); c", 2),
            (
                "create function f() returns int begin atomic select case when a then 1 end; select 2; end; b",
                2,
            ),
            ("create function f() returns int as $$ a; b $$; c", 2),
            ("-- nothing", 0),
        ] {
            let tokens = read(sql).unwrap();
            assert_eq!(split(&tokens).len(), expected, "{sql}");
        }
    }

    #[test]
    fn places_leave_out_what_stands_between() {
        let sql = "-- ü\na 'b;' ; /* c */ d $$;$$\n;\n";
        let texts: Vec<&str> = places(sql).into_iter().map(|place| &sql[place]).collect();
        assert_eq!(texts, ["a 'b;'", "d $$;$$"]);
        assert_eq!(places("'a").len(), 1, "what cannot be read is one");
    }

    #[test]
    fn what_is_made_has_a_name() {
        for (sql, expected) in [
            ("create table if not exists a (b int)", Some(("table", "a"))),
            ("create or replace view x.v as select 1", Some(("view", "v"))),
            ("create materialized view v as select 1", Some(("view", "v"))),
            (
                "create unique index concurrently i on t (a)",
                Some(("index", "i")),
            ),
            ("comment on column t.c is 'x'", Some(("column", "c"))),
            (
                "alter table only \"T t\" add column a int",
                Some(("table", "T t")),
            ),
            ("select 1", None),
        ] {
            let tokens = read(sql).unwrap();
            let statement = Statement(&tokens);
            let made = statement.subject();
            let found = made.and_then(|made| Some((made.kind, statement.name(made.name_at)?.0)));
            assert_eq!(found, expected, "{sql}");
        }
    }
}
