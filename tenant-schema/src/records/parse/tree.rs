//! `or=(a.eq.1,and(b.gt.2,not.or(…)))`: conditions joined by logic.

use super::filter::{Place, condition};
use super::text::Reader;
use crate::records::ast::Filter;
use crate::records::error::RecordError;

/// How deep groups may stand in groups.
const MAX_DEPTH: usize = 10;

/// Parses the group that the parameter `and`, `or`, `not.and` or `not.or` holds.
pub(super) fn parse(name: &str, value: &str) -> Result<Filter<String>, RecordError> {
    let mut reader = Reader::new(name, value);
    let (negated, joiner) = name
        .strip_prefix("not.")
        .map_or((false, name), |joiner| (true, joiner));
    let group = group(&mut reader, joiner == "or", 1)?;
    reader.expect_end()?;
    Ok(negate(negated, group))
}

fn group(reader: &mut Reader<'_>, any: bool, depth: usize) -> Result<Filter<String>, RecordError> {
    if depth > MAX_DEPTH {
        return Err(reader.error(&format!("at most {MAX_DEPTH} groups in each other")));
    }
    reader.expect("(")?;
    let mut parts = Vec::new();
    loop {
        parts.push(part(reader, depth)?);
        if reader.eat(")") {
            return Ok(if any {
                Filter::Any(parts)
            } else {
                Filter::All(parts)
            });
        }
        reader.expect(",")?;
    }
}

fn part(reader: &mut Reader<'_>, depth: usize) -> Result<Filter<String>, RecordError> {
    // Spaces after a comma are common in hand-written trees.
    reader.take_until(|c| c != ' ');
    for (prefix, negated, any) in [
        ("and(", false, false),
        ("or(", false, true),
        ("not.and(", true, false),
        ("not.or(", true, true),
    ] {
        if reader.rest().starts_with(prefix) {
            reader.eat(&prefix[..prefix.len() - 1]);
            return Ok(negate(negated, group(reader, any, depth + 1)?));
        }
    }
    let column = reader.name()?;
    reader.expect(".")?;
    condition(reader, column, Place::Tree)
}

fn negate(negated: bool, filter: Filter<String>) -> Filter<String> {
    if negated {
        Filter::Not(Box::new(filter))
    } else {
        filter
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::ast::{Comparison, Test};

    fn equal(column: &str, value: &str) -> Filter<String> {
        Filter::Test(
            column.to_owned(),
            Test::Compare(Comparison::Equal, value.to_owned()),
        )
    }

    #[test]
    fn reads_nested_groups() {
        let tree = parse("or", r#"(a.eq.1,not.and(b.eq."x,)", c.not.eq.2))"#).unwrap();
        let inner = Filter::All(vec![equal("b", "x,)"), Filter::Not(Box::new(equal("c", "2")))]);
        assert_eq!(
            tree,
            Filter::Any(vec![equal("a", "1"), Filter::Not(Box::new(inner))])
        );
        assert_eq!(parse("not.or", "(a.in.(1,2),b.eq.3)").map(|_| ()), Ok(()));
    }

    #[test]
    fn refuses_broken_and_deep_trees() {
        for broken in ["", "()", "(a)", "(a.eq.1", "(a.eq.1))", "a.eq.1", "(a.eq.1,)"] {
            assert_eq!(parse("and", broken).unwrap_err().code(), "PGRST100", "{broken}");
        }
        let deep = |depth: usize| format!("{}(a.eq.1{}", "(and".repeat(depth - 1), ")".repeat(depth));
        assert!(parse("and", &deep(MAX_DEPTH)).is_ok());
        assert!(parse("and", &deep(MAX_DEPTH + 1)).is_err());
        assert!(parse("and", &deep(100_000)).is_err());
    }
}
