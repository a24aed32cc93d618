//! `column=operator.value`: one condition.

use super::text::Reader;
use crate::records::ast::{Comparison, Filter, Is, Test};
use crate::records::error::RecordError;
use crate::records::nearest::nearest;

/// Operators that compare with one value.
const COMPARISONS: [(&str, Comparison); 6] = [
    ("eq", Comparison::Equal),
    ("neq", Comparison::NotEqual),
    ("gt", Comparison::Greater),
    ("gte", Comparison::GreaterOrEqual),
    ("lt", Comparison::Less),
    ("lte", Comparison::LessOrEqual),
];

/// What `is` may be followed by.
const IS: [(&str, Is); 5] = [
    ("null", Is::Null),
    ("not_null", Is::NotNull),
    ("true", Is::True),
    ("false", Is::False),
    ("unknown", Is::Unknown),
];

/// Where a condition stands decides where its value ends.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// Alone in a parameter: the value is everything that follows, taken literally.
    Parameter,
    /// In a logic tree: the value ends at `,` or `)`, unless it is in double quotes.
    Tree,
}

/// Parses the condition that the parameter `name` states.
pub(super) fn parse(name: &str, value: &str) -> Result<Filter<String>, RecordError> {
    let mut names = Reader::new("column name", name);
    let column = names.name()?;
    names.expect_end()?;
    let mut reader = Reader::new(name, value);
    let filter = condition(&mut reader, column, Place::Parameter)?;
    reader.expect_end()?;
    Ok(filter)
}

/// Reads `[not.]operator.value`.
pub(super) fn condition(
    reader: &mut Reader<'_>,
    column: String,
    place: Place,
) -> Result<Filter<String>, RecordError> {
    if reader.eat("not.") {
        let positive = test(reader, place)?;
        return Ok(Filter::Not(Box::new(Filter::Test(column, positive))));
    }
    Ok(Filter::Test(column, test(reader, place)?))
}

fn test(reader: &mut Reader<'_>, place: Place) -> Result<Test, RecordError> {
    let start = *reader;
    let operator = reader.take_until(|c| !c.is_ascii_alphabetic());
    if !reader.eat(".") {
        return Err(start.error(EXPECTED));
    }
    if let Some((_, comparison)) = COMPARISONS.iter().find(|(name, _)| *name == operator) {
        return Ok(Test::Compare(*comparison, value(reader, place)?));
    }
    match operator {
        "is" => {
            let word = value(reader, place)?;
            let found = IS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&word));
            found
                .map(|(_, is)| Test::Is(*is))
                .ok_or_else(|| reader.error("'is.' with null, not_null, true, false or unknown"))
        }
        "in" => list(reader).map(Test::In),
        _ => Err(unknown_operator(&start, operator)),
    }
}

/// What stands before every value.
const EXPECTED: &str = "an operator such as 'eq.'";

fn unknown_operator(start: &Reader<'_>, operator: &str) -> RecordError {
    let known = COMPARISONS
        .iter()
        .map(|(name, _)| *name)
        .chain(["is", "in", "not"]);
    match nearest(operator, known) {
        Some(near) => start.error(&format!("{EXPECTED} (perhaps '{near}.')")),
        None => start.error(EXPECTED),
    }
}

fn value(reader: &mut Reader<'_>, place: Place) -> Result<String, RecordError> {
    match place {
        Place::Parameter => Ok(reader.take_until(|_| false).to_owned()),
        Place::Tree if reader.peek() == Some('"') => reader.quoted(),
        Place::Tree => Ok(reader.take_until(|c| matches!(c, ',' | ')')).to_owned()),
    }
}

/// Reads `(a,b,"c,d")`. Nothing between the brackets is the empty list, which no value is in.
fn list(reader: &mut Reader<'_>) -> Result<Vec<String>, RecordError> {
    reader.expect("(")?;
    let mut items = Vec::new();
    if reader.eat(")") {
        return Ok(items);
    }
    loop {
        items.push(value(reader, Place::Tree)?);
        if reader.eat(")") {
            return Ok(items);
        }
        if !reader.eat(",") {
            return Err(reader.error("',' or ')'"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(test: Test) -> Filter<String> {
        Filter::Test("a".to_owned(), test)
    }

    #[test]
    fn takes_values_literally() {
        let equal = |value: &str| is(Test::Compare(Comparison::Equal, value.to_owned()));
        assert_eq!(parse("a", "eq.").unwrap(), equal(""));
        assert_eq!(parse("a", "eq.\"x\",(y).z").unwrap(), equal("\"x\",(y).z"));
        assert_eq!(parse("a", "not.eq.1").unwrap(), Filter::Not(Box::new(equal("1"))));
    }

    #[test]
    fn reads_lists() {
        let list = |items: &[&str]| is(Test::In(items.iter().map(|item| (*item).to_owned()).collect()));
        assert_eq!(parse("a", "in.(1,2)").unwrap(), list(&["1", "2"]));
        assert_eq!(
            parse("a", r#"in.("x,y","say \"no\"",z)"#).unwrap(),
            list(&["x,y", "say \"no\"", "z"])
        );
        assert_eq!(parse("a", "in.()").unwrap(), list(&[]));
        assert_eq!(parse("a", "in.(,)").unwrap(), list(&["", ""]));
        for broken in ["in.", "in.1", "in.(1", "in.(1)2", "in.(\"1)", "in.(\"1\"2)"] {
            assert_eq!(parse("a", broken).unwrap_err().code(), "PGRST100", "{broken}");
        }
    }

    #[test]
    fn reads_is() {
        assert_eq!(parse("a", "is.NULL").unwrap(), is(Test::Is(Is::Null)));
        assert_eq!(parse("a", "is.not_null").unwrap(), is(Test::Is(Is::NotNull)));
        assert_eq!(parse("a", "is.nil").unwrap_err().status(), 400);
    }

    #[test]
    fn says_what_was_expected() {
        let error = parse("age", "1").unwrap_err();
        assert_eq!(error.message(), "failed to parse age (1)");
        assert_eq!(
            error.details().unwrap(),
            "expected an operator such as 'eq.' at character 1, found '1'"
        );
        let error = parse("age", "gtt.1").unwrap_err();
        assert!(error.details().unwrap().contains("(perhaps 'gt.')"), "{error:?}");
    }
}
