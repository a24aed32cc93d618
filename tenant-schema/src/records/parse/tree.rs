//! `or=(a.eq.1,and(b.gt.2,not.or(…)))`: conditions joined by logic.

use super::filter::{Setting, condition};
use super::text::Reader;
use crate::records::ast::{Column, Filter};
use crate::records::error::RecordError;

/// How deep groups may stand in groups.
const MAX_DEPTH: usize = 10;

/// How a group joins its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::records) struct Joiner {
    /// The group must not hold.
    pub(in crate::records) negated: bool,
    /// One part is enough.
    pub(in crate::records) any: bool,
}

/// Parses the group that the parameter `name` holds.
pub(super) fn parse(name: &str, joiner: Joiner, value: &str) -> Result<Filter<Column>, RecordError> {
    let mut reader = Reader::new(name, value);
    let group = group(&mut reader, joiner, 1)?;
    reader.expect_end()?;
    Ok(group)
}

/// Reads `(part,part)`.
fn group(reader: &mut Reader<'_>, joiner: Joiner, depth: usize) -> Result<Filter<Column>, RecordError> {
    if depth > MAX_DEPTH {
        return Err(reader.error(&format!("at most {MAX_DEPTH} groups in each other")));
    }
    reader.skip_spaces();
    reader.expect("(")?;
    let mut parts = Vec::new();
    loop {
        reader.skip_spaces();
        parts.push(part(reader, depth)?);
        reader.skip_spaces();
        if reader.eat(")") {
            reader.skip_spaces();
            let group = if joiner.any {
                Filter::Any(parts)
            } else {
                Filter::All(parts)
            };
            return Ok(if joiner.negated {
                Filter::Not(Box::new(group))
            } else {
                group
            });
        }
        reader.expect(",")?;
    }
}

fn part(reader: &mut Reader<'_>, depth: usize) -> Result<Filter<Column>, RecordError> {
    if let Some(joiner) = joiner(reader) {
        return group(reader, joiner, depth + 1);
    }
    let column = reader.column()?;
    reader.expect(".")?;
    condition(reader, column, Setting::Tree)
}

/// Steps over `and`, `or`, `not.and` or `not.or`, if a bracket follows it.
fn joiner(reader: &mut Reader<'_>) -> Option<Joiner> {
    let mut ahead = *reader;
    let negated = ahead.eat("not.");
    let any = ahead.eat("or");
    if !any && !ahead.eat("and") {
        return None;
    }
    ahead.skip_spaces();
    (ahead.peek() == Some('(')).then(|| {
        *reader = ahead;
        Joiner { negated, any }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::ast::{Arrow, Operator, Place, Step, Test};

    const OR: Joiner = Joiner {
        negated: false,
        any: true,
    };

    fn equal(column: &str, value: &str) -> Filter<Column> {
        Filter::Test(Column::named(column), Test::equal(value))
    }

    fn parse(value: &str) -> Result<Filter<Column>, RecordError> {
        super::parse("or", OR, value)
    }

    #[test]
    fn reads_nested_groups() {
        let tree = parse(r#"(a.eq.1,not.and(b.eq."x,)", c.not.eq.2))"#).unwrap();
        let inner = Filter::All(vec![equal("b", "x,)"), Filter::Not(Box::new(equal("c", "2")))]);
        assert_eq!(
            tree,
            Filter::Any(vec![equal("a", "1"), Filter::Not(Box::new(inner))])
        );
        let spaced = parse("( or ( a.eq.1 , b.is.null ) , c.in.( 1,2 ) )");
        assert_eq!(spaced.map(|_| ()), Ok(()));
        assert_eq!(
            parse("(and.eq.1,or.eq.2)").unwrap(),
            Filter::Any(vec![equal("and", "1"), equal("or", "2")])
        );
    }

    #[test]
    fn braces_and_whole_quotes_hold_commas() {
        let tree = parse(r#"(a.cs.{1,2},b.eq.{x,b.eq."q"r)"#).unwrap();
        let contains = Test::Relate(Operator::Contains, "{1,2}".to_owned());
        let expected = vec![
            Filter::Test(Column::named("a"), contains),
            equal("b", "{x"),
            equal("b", "\"q\"r"),
        ];
        assert_eq!(tree, Filter::Any(expected));
    }

    #[test]
    fn reads_steps_into_json() {
        let step = |arrow, to| Step { arrow, to };
        let path = vec![
            step(Arrow::Json, Place::Key("b".to_owned())),
            step(Arrow::Json, Place::Index(-1)),
            step(Arrow::Text, Place::Key("2x".to_owned())),
        ];
        let column = Column {
            name: "a".to_owned(),
            path,
        };
        let expected = Filter::Any(vec![Filter::Test(column, Test::equal("1"))]);
        assert_eq!(parse("(a->b->-1->>2x.eq.1)").unwrap(), expected);
        for broken in [
            "(a->.eq.1)",
            "(a->>b->c.eq.1)",
            "(a->99999999999.eq.1)",
            "(a->>--3.eq.1)",
        ] {
            assert_eq!(parse(broken).unwrap_err().code(), "PGRST100", "{broken}");
        }
    }

    #[test]
    fn refuses_broken_and_deep_trees() {
        for broken in ["", "()", "(a)", "(a.eq.1", "(a.eq.1))", "a.eq.1", "(a.eq.1,)"] {
            assert_eq!(parse(broken).unwrap_err().code(), "PGRST100", "{broken}");
        }
        let deep = |depth: usize| format!("{}(a.eq.1{}", "(and".repeat(depth - 1), ")".repeat(depth));
        assert!(parse(&deep(MAX_DEPTH)).is_ok());
        assert!(parse(&deep(MAX_DEPTH + 1)).is_err());
        assert!(parse(&deep(100_000)).is_err());
    }
}
