//! Post-steps: files with one statement that PostgreSQL runs outside of a transaction, or that had better run there.

use super::statements::{Statement, split};
use super::tokens::{Token, Unended, read};
use super::{Found, Rule, names};

/// The statement of a post-step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parsed {
    /// As it is sent, without the semicolon.
    pub(crate) statement: String,
    /// What it does.
    pub(crate) act: Act,
}

/// What a post-step does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// `create index concurrently`.
    CreateIndex {
        /// The index.
        index: String,
        /// The statement without `concurrently`.
        plain: String,
    },
    /// `drop index concurrently`.
    DropIndex {
        /// The index.
        index: String,
        /// The statement without `concurrently`.
        plain: String,
    },
    /// `alter table … validate constraint …`.
    Validate {
        /// The table.
        table: String,
        /// The constraint.
        constraint: String,
    },
    /// `reindex index|table concurrently …`.
    Reindex,
    /// `vacuum` or `analyze` of a table.
    Maintain,
}

impl Parsed {
    /// The statement that does the same in the transaction in which a schema is made; nothing where a new schema needs none.
    pub(crate) fn plain(&self) -> Option<&str> {
        match &self.act {
            Act::CreateIndex { plain, .. } | Act::DropIndex { plain, .. } => Some(plain),
            Act::Validate { .. } => Some(&self.statement),
            Act::Reindex | Act::Maintain => None,
        }
    }
}

/// Why a file is no post-step.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) line: usize,
    pub(crate) reason: String,
}

impl From<Unended> for Refused {
    fn from(Unended { what, line }: Unended) -> Self {
        let reason = format!("{what} begins here and does not end");
        Self { line, reason }
    }
}

/// Reads the file of a post-step.
pub(crate) fn parse(sql: &str) -> Result<Parsed, Refused> {
    let tokens = read(sql)?;
    let statements = split(&tokens);
    let [statement] = statements.as_slice() else {
        return Err(Refused {
            line: statements.get(1).map_or(1, |second| second.line()),
            reason: format!("it has {} statements", statements.len()),
        });
    };
    act(sql, *statement).map_err(|reason| Refused {
        line: statement.line(),
        reason,
    })
}

pub(super) fn check(sql: &str, tokens: &[Token], found: &mut Found<'_>) {
    if let Err(Refused { line, reason }) = parse(sql) {
        found.add(line, Rule::PostStep, reason, INSTEAD);
    }
    for statement in split(tokens) {
        names::check(statement, found);
    }
}

const INSTEAD: &str = "a post-step is one `create index concurrently <name> on …`, `drop index concurrently <name>`, \
     `reindex index|table concurrently <name>`, `alter table <name> validate constraint <name>`, `vacuum <table>` or \
     `analyze <table>`; all else goes into a V file";

/// The name of an index that is to be made.
fn new_index(words: &mut Words<'_>) -> Result<String, String> {
    if words.is("if") {
        return Err(
            "`if not exists` would let any index of that name pass for it, also one that is not valid"
                .to_owned(),
        );
    }
    if words.is("on") {
        return Err("the index has no name, by which it is found again".to_owned());
    }
    words.name()
}

fn act(sql: &str, statement: Statement<'_>) -> Result<Parsed, String> {
    let mut words = Words {
        tokens: statement.0,
        at: 0,
    };
    let place = statement.0.first().zip(statement.0.last());
    let place = place.map_or(0..0, |(first, last)| first.bytes.start..last.bytes.end);
    let text = sql[place.clone()].to_owned();
    // Without the word, which stands at these bytes.
    let without = |word: &Token| {
        let (before, after) = (
            sql[place.start..word.bytes.start].trim_end(),
            &sql[word.bytes.end..place.end],
        );
        format!("{before}{after}")
    };
    let act = if words.take(&["create"]) {
        words.take(&["unique"]);
        words.want("index")?;
        let word = words.concurrently()?;
        let index = new_index(&mut words)?;
        words.want("on")?;
        let plain = without(word);
        Act::CreateIndex { index, plain }
    } else if words.take(&["drop"]) {
        words.want("index")?;
        let word = words.concurrently()?;
        words.take(&["if", "exists"]);
        let index = words.name()?;
        words.end()?;
        let plain = without(word);
        Act::DropIndex { index, plain }
    } else if words.take(&["reindex"]) {
        if !words.take(&["table"]) {
            words.want("index")?;
        }
        words.concurrently()?;
        words.name()?;
        words.end()?;
        Act::Reindex
    } else if words.take(&["alter"]) {
        words.want("table")?;
        words.take(&["only"]);
        let table = words.name()?;
        words.want("validate")?;
        words.want("constraint")?;
        let constraint = words.name()?;
        words.end()?;
        Act::Validate { table, constraint }
    } else if words.take(&["vacuum"]) || words.take(&["analyze"]) {
        words.take(&["analyze"]);
        words.name()?;
        words.end()?;
        Act::Maintain
    } else {
        return Err("this is not for a post-step".to_owned());
    };
    Ok(Parsed { statement: text, act })
}

/// The words of a statement, read one after the other.
struct Words<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Words<'a> {
    fn is(&self, word: &str) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.is(word))
    }

    /// Passes over these words if they stand here.
    fn take(&mut self, words: &[&str]) -> bool {
        let rest = &self.tokens[self.at.min(self.tokens.len())..];
        let are = words.len() <= rest.len() && words.iter().zip(rest).all(|(word, token)| token.is(word));
        self.at += if are { words.len() } else { 0 };
        are
    }

    fn want(&mut self, word: &str) -> Result<(), String> {
        if self.take(&[word]) {
            return Ok(());
        }
        Err(format!("`{word}` is missing, or this is not for a post-step"))
    }

    fn concurrently(&mut self) -> Result<&'a Token, String> {
        let token = self.tokens.get(self.at).filter(|token| token.is("concurrently"));
        self.at += 1;
        token.ok_or_else(|| "`concurrently` is missing, without which it belongs into a V file".to_owned())
    }

    /// A name without a schema.
    fn name(&mut self) -> Result<String, String> {
        let name = self.tokens.get(self.at).and_then(Token::name);
        self.at += 1;
        name.map(str::to_owned)
            .ok_or_else(|| "a name is missing".to_owned())
    }

    fn end(&self) -> Result<(), String> {
        if self.at >= self.tokens.len() {
            return Ok(());
        }
        Err("it says more than a post-step may".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(sql: &str) -> String {
        match parse(sql) {
            Ok(parsed) => format!("{:?}", parsed.act),
            Err(Refused { line, reason }) => format!("{line}: {reason}"),
        }
    }

    #[test]
    fn the_word_is_taken_out_and_nothing_else() {
        let sql =
            "-- concurrently\ncreate unique index Concurrently \"A b\"\n  on t (lower('concurrently'));\n";
        let parsed = parse(sql).expect("a post-step");
        assert_eq!(
            parsed.plain(),
            Some("create unique index \"A b\"\n  on t (lower('concurrently'))")
        );
        assert!(matches!(&parsed.act, Act::CreateIndex { index, .. } if index == "A b"));
        let parsed = parse("drop index concurrently if exists a").expect("a post-step");
        assert_eq!(parsed.plain(), Some("drop index if exists a"));
        let parsed = parse("vacuum analyze a").expect("a post-step");
        assert_eq!(
            (parsed.statement.as_str(), parsed.plain()),
            ("vacuum analyze a", None)
        );
        let parsed = parse("alter table only a validate constraint b;").expect("a post-step");
        assert_eq!(parsed.plain(), Some("alter table only a validate constraint b"));
    }

    #[test]
    fn all_else_is_refused() {
        for (sql, expected) in [
            (
                "create index a on t (b)",
                "1: `concurrently` is missing, without which it belongs into a V file",
            ),
            (
                "create index concurrently on t (b)",
                "1: the index has no name, by which it is found again",
            ),
            (
                "create index concurrently if not exists a on t (b)",
                "1: `if not exists` would let any index of that name pass for it, also one that is not valid",
            ),
            ("-- x\nselect 1;\nselect 2", "3: it has 2 statements"),
            ("-- nothing", "1: it has 0 statements"),
            ("\nselect 1", "2: this is not for a post-step"),
            (
                "drop index concurrently a, b",
                "1: it says more than a post-step may",
            ),
            (
                "drop index concurrently a cascade",
                "1: it says more than a post-step may",
            ),
            ("vacuum", "1: a name is missing"),
            ("vacuum (full) t", "1: a name is missing"),
            ("vacuum full t", "1: it says more than a post-step may"),
            (
                "reindex table t",
                "1: `concurrently` is missing, without which it belongs into a V file",
            ),
            (
                "reindex schema concurrently t",
                "1: `index` is missing, or this is not for a post-step",
            ),
            (
                "alter table t add column a int",
                "1: `validate` is missing, or this is not for a post-step",
            ),
            (
                "create table t ()",
                "1: `index` is missing, or this is not for a post-step",
            ),
            (
                "create index concurrently x.a on t (b)",
                "1: `on` is missing, or this is not for a post-step",
            ),
            ("create", "1: `index` is missing, or this is not for a post-step"),
            ("'", "1: a string begins here and does not end"),
        ] {
            assert_eq!(says(sql), expected, "{sql}");
        }
    }
}
