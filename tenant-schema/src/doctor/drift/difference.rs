//! What is different between a schema and what it should be, in words and as statements that would change it.

use catalog::schema_name::SchemaName;

use super::lines::{Line, Lines, Name, Thing};
use super::reference::Reference;
use crate::doctor::post_steps::Lacked;

/// One thing that is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// It should be there.
    Missing { name: Name, should: Line },
    /// It should not be there.
    Extra { name: Name, is: Line },
    /// It should be something else.
    Changed { name: Name, should: Line, is: Line },
}

/// What stands for the schema's name in statements, since those who differ in the same way share them.
const SCHEMA: &str = "\u{1}schema\u{1}";

/// All that is different, in an order in which it could be mended. What hangs on a table that is missing or too many is told by
/// the table, unless it must be made with it.
pub(super) fn difference(reference: &Reference, found: &Lines, schema: &SchemaName) -> Vec<Change> {
    let neutral = |line: &Line, of: &SchemaName| Line {
        says: line.says.clone(),
        make: line.make.replace(of.as_str(), SCHEMA),
        drop: line.drop.replace(of.as_str(), SCHEMA),
    };
    let mut changes = Vec::new();
    for (name, should) in &reference.lines {
        let should = neutral(should, &reference.schema);
        match found.get(name) {
            None => changes.push(Change::Missing {
                name: name.clone(),
                should,
            }),
            Some(is) if is.says != should.says => changes.push(Change::Changed {
                name: name.clone(),
                should,
                is: neutral(is, schema),
            }),
            Some(_) => {}
        }
    }
    let extra = found
        .iter()
        .filter(|(name, _)| !reference.lines.contains_key(name));
    let extra: Vec<Change> = extra
        .filter(|(name, _)| !name.hangs_on_one_of(found, &reference.lines))
        .map(|(name, is)| Change::Extra {
            name: name.clone(),
            is: neutral(is, schema),
        })
        .collect();
    changes.extend(extra.into_iter().rev());
    changes
}

impl Name {
    /// The table of a column, constraint, trigger, comment, ….
    fn table(&self) -> Option<&str> {
        let name = match self.kind {
            Thing::Comment => self.name.split_once(' ').map_or("", |(_, name)| name),
            Thing::Column | Thing::Constraint | Thing::Trigger | Thing::Policy | Thing::Rule => &self.name,
            _ => return None,
        };
        Some(name.split('.').next().unwrap_or(name))
    }

    /// Whether it goes with a table that is there and should not be.
    fn hangs_on_one_of(&self, found: &Lines, reference: &Lines) -> bool {
        self.table().is_some_and(|table| {
            [Thing::Table, Thing::View, Thing::Sequence]
                .into_iter()
                .any(|kind| {
                    let table = Name {
                        kind,
                        name: table.to_owned(),
                    };
                    found.contains_key(&table) && !reference.contains_key(&table)
                })
        })
    }
}

impl Change {
    pub(super) fn thing(&self) -> Thing {
        self.of().kind
    }

    pub(super) fn name(&self) -> &str {
        &self.of().name
    }

    fn of(&self) -> &Name {
        match self {
            Self::Missing { name, .. } | Self::Extra { name, .. } | Self::Changed { name, .. } => name,
        }
    }

    /// To make an index loses nothing.
    pub(super) fn is_missing_index(&self) -> bool {
        matches!(self, Self::Missing { name, .. } if name.kind == Thing::Index)
    }

    /// Whether it is there because a post-step of the template was not carried out yet.
    pub(super) fn is_for_lack_of(&self, lacked: &Lacked) -> bool {
        let Name { kind, name } = self.of();
        match (self, kind) {
            (Self::Missing { .. }, Thing::Index) => lacked.makes(name),
            (Self::Extra { .. }, Thing::Index) => lacked.drops(name),
            (Self::Changed { .. }, Thing::Constraint) => lacked.validates(name),
            _ => false,
        }
    }

    /// In words.
    pub(super) fn told(&self) -> String {
        let Name { kind, name } = self.of();
        let what = match kind {
            Thing::Comment => format!("comment on {name}"),
            Thing::Rights => format!("rights on {name}"),
            kind => format!("{} {name}", kind.word()),
        };
        match self {
            Self::Missing { should, .. } => format!("{what} is missing: {}", short(&should.says)),
            Self::Extra { is, .. } => format!("{what} is not of the template: {}", short(&is.says)),
            Self::Changed { should, is, .. } => {
                let (should, is) = apart(&should.says, &is.says);
                format!("{what} is {is}, should be {should}")
            }
        }
    }

    /// The statements that would make it what it should be.
    pub(super) fn repair(&self, schema: &SchemaName) -> Vec<String> {
        let sql = match self {
            Self::Missing { should, .. } => vec![should.make.clone()],
            Self::Extra { is, .. } => vec![is.drop.clone()],
            Self::Changed { name, should, is } => match name.kind {
                Thing::Column => column(should, is),
                Thing::Function | Thing::Comment => vec![should.make.clone()],
                // What removes these removes records.
                Thing::Table | Thing::Sequence | Thing::Type => Vec::new(),
                _ => vec![is.drop.clone(), should.make.clone()],
            },
        };
        let sql = sql.into_iter().filter(|sql| !sql.is_empty());
        sql.map(|sql| sql.replace(SCHEMA, schema.as_str())).collect()
    }
}

/// Changes a column in place: type, then NOT NULL, then default.
fn column(should: &Line, is: &Line) -> Vec<String> {
    // `alter table t add column c type …`
    let Some((table, rest)) = should.make.split_once(" add column ") else {
        return Vec::new();
    };
    let Some(name) = rest
        .strip_suffix(&format!(" {}", should.says))
        .or_else(|| rest.split(' ').next())
    else {
        return Vec::new();
    };
    let (should, is) = (Column::read(&should.says), Column::read(&is.says));
    let alter = format!("{table} alter column {name}");
    let mut sql = Vec::new();
    if should.kind != is.kind {
        sql.push(format!("{alter} type {}", should.kind));
    }
    if should.not_null != is.not_null {
        let verb = if should.not_null { "set" } else { "drop" };
        sql.push(format!("{alter} {verb} not null"));
    }
    if should.rest != is.rest {
        sql.push(match should.rest {
            Some(rest) if rest.starts_with("default ") => format!("{alter} set {rest}"),
            Some(rest) => format!("-- {name} is to be {rest}: add it anew"),
            None if is.rest.is_some_and(|rest| rest.starts_with("default ")) => {
                format!("{alter} drop default")
            }
            None => format!("{alter} drop expression"),
        });
    }
    sql
}

/// A column's definition, taken apart.
struct Column<'a> {
    kind: &'a str,
    not_null: bool,
    rest: Option<&'a str>,
}

impl<'a> Column<'a> {
    fn read(says: &'a str) -> Self {
        let starts = [" default ", " generated "];
        let rest = starts.iter().filter_map(|start| says.find(start)).min();
        let (head, rest) = match rest {
            Some(at) => (&says[..at], Some(says[at + 1..].trim_end())),
            None => (says, None),
        };
        let kind = head.trim_end();
        let bare = kind.strip_suffix(" not null");
        Self {
            kind: bare.unwrap_or(kind),
            not_null: bare.is_some(),
            rest,
        }
    }
}

/// The longest text that is shown whole.
const LONG: usize = 120;

fn short(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONG) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Two texts cut to where they begin to differ, if they are long.
fn apart(one: &str, other: &str) -> (String, String) {
    if one.chars().count().max(other.chars().count()) <= LONG {
        return (short(one), short(other));
    }
    let same = one.char_indices().zip(other.chars());
    let differ = same
        .take_while(|((_, a), b)| a == b)
        .last()
        .map_or(0, |((at, a), _)| at + a.len_utf8());
    // Begin at a word.
    let from = one[..differ].rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let cut = |text: &str| {
        let rest = short(text.get(from..).unwrap_or_default());
        if from == 0 { rest } else { format!("…{rest}") }
    };
    (cut(one), cut(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(says: &str) -> Line {
        Line {
            says: says.to_owned(),
            make: format!("alter table t.a add column b {says}"),
            drop: "alter table t.a drop column b".to_owned(),
        }
    }

    #[test]
    fn a_column_is_changed_in_place() {
        for (should, is, sql) in [
            ("text not null", "text", vec!["set not null"]),
            ("text", "text not null", vec!["drop not null"]),
            ("integer", "bigint", vec!["type integer"]),
            ("text default 'x'::text", "text", vec!["set default 'x'::text"]),
            ("text", "text default 'not null'::text", vec!["drop default"]),
            (
                "numeric(19,4) not null default 0",
                "text default 'a'::text",
                vec!["type numeric(19,4)", "set not null", "set default 0"],
            ),
            (
                "text",
                "text generated always as (c) stored",
                vec!["drop expression"],
            ),
        ] {
            let wanted: Vec<String> = sql
                .iter()
                .map(|sql| format!("alter table t.a alter column b {sql}"))
                .collect();
            assert_eq!(column(&line(should), &line(is)), wanted, "{should} {is}");
        }
    }

    #[test]
    fn long_texts_are_told_from_where_they_differ() {
        let same = "word ".repeat(40);
        let (one, other) = apart(&format!("{same}here"), &format!("{same}hers and more"));
        assert_eq!((one.as_str(), other.as_str()), ("…here", "…hers and more"));
        assert_eq!(apart("a", "b"), ("a".to_owned(), "b".to_owned()));
    }
}
