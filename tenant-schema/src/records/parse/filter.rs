//! `column=operator.value`: one condition.

use super::text::Reader;
use crate::records::ast::{Column, Comparison, Filter, Is, Operator, Quantifier, Search, Test};
use crate::records::error::RecordError;
use catalog::nearest::nearest;

/// Where a condition stands decides where its value ends.
#[derive(Clone, Copy)]
pub(super) enum Setting {
    /// Alone in a parameter: the value is everything that follows, taken literally.
    Parameter,
    /// In a logic tree: the value ends at `,` or `)`, unless it is in double quotes or braces.
    Tree,
}

/// Parses the condition that the parameter `name` states of a column.
pub(super) fn parse(name: &str, column: Column, value: &str) -> Result<Filter<Column>, RecordError> {
    let mut reader = Reader::new(name, value);
    let filter = condition(&mut reader, column, Setting::Parameter)?;
    reader.expect_end()?;
    Ok(filter)
}

/// Reads `[not.]operator.value`.
pub(super) fn condition(
    reader: &mut Reader<'_>,
    column: Column,
    setting: Setting,
) -> Result<Filter<Column>, RecordError> {
    if reader.eat("not.") {
        let positive = test(reader, setting)?;
        return Ok(Filter::Not(Box::new(Filter::Test(column, positive))));
    }
    Ok(Filter::Test(column, test(reader, setting)?))
}

fn test(reader: &mut Reader<'_>, setting: Setting) -> Result<Test, RecordError> {
    let start = *reader;
    let operator = reader.take_until(|c| !c.is_ascii_alphabetic());
    if let Some((_, comparison, _)) = Comparison::ALL.iter().find(|(name, ..)| *name == operator) {
        let quantifier = quantifier(reader)?;
        dot(reader, &start)?;
        return Ok(Test::Compare(*comparison, quantifier, value(reader, setting)));
    }
    if let Some((_, search, _)) = Search::ALL.iter().find(|(name, ..)| *name == operator) {
        let configuration = configuration(reader)?;
        dot(reader, &start)?;
        return Ok(Test::Search(*search, configuration, value(reader, setting)));
    }
    dot(reader, &start)?;
    if let Some((_, operator, _)) = Operator::ALL.iter().find(|(name, ..)| *name == operator) {
        return Ok(Test::Relate(*operator, value(reader, setting)));
    }
    match operator {
        "is" => is(reader).map(Test::Is),
        "isdistinct" => Ok(Test::Distinct(value(reader, setting))),
        "in" => list(reader).map(Test::In),
        _ => Err(unknown_operator(&start, operator)),
    }
}

fn dot(reader: &mut Reader<'_>, start: &Reader<'_>) -> Result<(), RecordError> {
    if reader.eat(".") {
        Ok(())
    } else {
        Err(start.error(EXPECTED))
    }
}

/// What stands before every value.
const EXPECTED: &str = "an operator such as 'eq.'";

fn unknown_operator(start: &Reader<'_>, operator: &str) -> RecordError {
    let comparisons = Comparison::ALL.iter().map(|(name, ..)| *name);
    let operators = Operator::ALL.iter().map(|(name, ..)| *name);
    let searches = Search::ALL.iter().map(|(name, ..)| *name);
    let others = ["is", "isdistinct", "in", "not"];
    match nearest(
        operator,
        comparisons.chain(operators).chain(searches).chain(others),
    ) {
        Some(near) => start.error(&format!("{EXPECTED} (perhaps '{near}.')")),
        None => start.error(EXPECTED),
    }
}

fn quantifier(reader: &mut Reader<'_>) -> Result<Option<Quantifier>, RecordError> {
    if reader.eat("(any)") {
        Ok(Some(Quantifier::Any))
    } else if reader.eat("(all)") {
        Ok(Some(Quantifier::All))
    } else if reader.peek() == Some('(') {
        Err(reader.error("'(any)', '(all)' or '.'"))
    } else {
        Ok(None)
    }
}

fn configuration(reader: &mut Reader<'_>) -> Result<Option<String>, RecordError> {
    if !reader.eat("(") {
        return Ok(None);
    }
    let start = *reader;
    let expected = "a text search configuration";
    let name = reader.word(expected)?;
    // PostgreSQL would take a number for the configuration's OID.
    if name.starts_with(char::is_numeric) {
        return Err(start.error(expected));
    }
    reader.expect(")")?;
    Ok(Some(name.to_owned()))
}

fn is(reader: &mut Reader<'_>) -> Result<Is, RecordError> {
    let start = *reader;
    let word = reader.take_until(|c| !(c.is_ascii_alphabetic() || c == '_'));
    let found = Is::ALL.iter().find(|(name, ..)| name.eq_ignore_ascii_case(word));
    found
        .map(|(_, is, _)| *is)
        .ok_or_else(|| start.error("null, not_null, true, false or unknown"))
}

fn value(reader: &mut Reader<'_>, setting: Setting) -> String {
    match setting {
        Setting::Parameter => reader.take_until(|_| false).to_owned(),
        Setting::Tree => element(reader, true),
    }
}

/// A value in a list or tree: in double quotes, or (in a tree) in braces, or else everything up to `,` or `)`. Quotes
/// count only where they hold the whole value.
fn element(reader: &mut Reader<'_>, braces: bool) -> String {
    let ends = |reader: &Reader<'_>| matches!(reader.peek(), None | Some(',' | ')'));
    let mut ahead = *reader;
    if let Ok(text) = ahead.quoted()
        && ends(&ahead)
    {
        *reader = ahead;
        return text;
    }
    let mut ahead = *reader;
    if braces && ahead.eat("{") {
        ahead.take_until(|c| matches!(c, '{' | '}'));
        if ahead.eat("}") {
            let (before, after) = (reader.rest(), ahead.rest());
            *reader = ahead;
            return before[..before.len() - after.len()].to_owned();
        }
    }
    reader.take_until(|c| matches!(c, ',' | ')')).to_owned()
}

/// Reads `(a,b,"c,d")`. Nothing between the brackets is the empty list, which no value is in.
fn list(reader: &mut Reader<'_>) -> Result<Vec<String>, RecordError> {
    reader.skip_spaces();
    reader.expect("(")?;
    reader.skip_spaces();
    let mut items = Vec::new();
    if reader.eat(")") {
        reader.skip_spaces();
        return Ok(items);
    }
    loop {
        items.push(element(reader, false));
        if reader.eat(")") {
            reader.skip_spaces();
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

    fn parse(value: &str) -> Result<Filter<Column>, RecordError> {
        super::parse("a", Column::named("a"), value)
    }

    fn is(test: Test) -> Filter<Column> {
        Filter::Test(Column::named("a"), test)
    }

    #[test]
    fn takes_values_literally() {
        let equal = |value: &str| is(Test::equal(value));
        assert_eq!(parse("eq.").unwrap(), equal(""));
        assert_eq!(parse("eq.\"x\",(y).z").unwrap(), equal("\"x\",(y).z"));
        assert_eq!(parse("not.eq.1").unwrap(), Filter::Not(Box::new(equal("1"))));
    }

    #[test]
    fn reads_every_operator() {
        for (name, comparison, _) in Comparison::ALL {
            let expected = is(Test::Compare(comparison, None, "1.5".to_owned()));
            assert_eq!(parse(&format!("{name}.1.5")).unwrap(), expected);
            for (word, quantifier) in [("any", Quantifier::Any), ("all", Quantifier::All)] {
                let expected = is(Test::Compare(comparison, Some(quantifier), "{1,2}".to_owned()));
                assert_eq!(parse(&format!("{name}({word}).{{1,2}}")).unwrap(), expected);
            }
        }
        for (name, operator, _) in Operator::ALL {
            let expected = is(Test::Relate(operator, "[1,3)".to_owned()));
            assert_eq!(parse(&format!("{name}.[1,3)")).unwrap(), expected);
        }
        for (name, search, _) in Search::ALL {
            let expected = is(Test::Search(search, None, "a b".to_owned()));
            assert_eq!(parse(&format!("{name}.a b")).unwrap(), expected);
            let expected = is(Test::Search(search, Some("english".to_owned()), "a".to_owned()));
            assert_eq!(parse(&format!("{name}(english).a")).unwrap(), expected);
        }
        assert_eq!(parse("isdistinct.x").unwrap(), is(Test::Distinct("x".to_owned())));
    }

    #[test]
    fn refuses_quantifiers_where_there_are_none() {
        for broken in [
            "neq(any).{1}",
            "is(any).null",
            "in(any).(1)",
            "eq(some).{1}",
            "eq().1",
            "fts().a",
            "fts(99999).a",
            "fts( 0).a",
            "plfts(1x).a",
        ] {
            assert_eq!(parse(broken).unwrap_err().code(), "PGRST100", "{broken}");
        }
    }

    #[test]
    fn reads_lists() {
        let list = |items: &[&str]| is(Test::In(items.iter().map(|item| (*item).to_owned()).collect()));
        assert_eq!(parse("in.(1,2)").unwrap(), list(&["1", "2"]));
        assert_eq!(
            parse(r#"in.("x,y","say \"no\"",z)"#).unwrap(),
            list(&["x,y", "say \"no\"", "z"])
        );
        assert_eq!(parse("in.()").unwrap(), list(&[]));
        assert_eq!(parse("in.( 1, 2 ) ").unwrap(), list(&["1", " 2 "]));
        assert_eq!(parse("in.(,)").unwrap(), list(&["", ""]));
        assert_eq!(
            parse(r#"in.("1"2,"3)"#).unwrap(),
            list(&["\"1\"2", "\"3"]),
            "quotes that hold no whole value"
        );
        assert_eq!(parse("in.({a,b})").unwrap(), list(&["{a", "b}"]));
        for broken in ["in.", "in.1", "in.(1", "in.(1)2"] {
            assert_eq!(parse(broken).unwrap_err().code(), "PGRST100", "{broken}");
        }
    }

    #[test]
    fn reads_is() {
        assert_eq!(parse("is.NULL").unwrap(), is(Test::Is(Is::Null)));
        assert_eq!(parse("is.not_null").unwrap(), is(Test::Is(Is::NotNull)));
        for broken in ["is.nil", "is.nullable", "is.", "is.null "] {
            assert_eq!(parse(broken).unwrap_err().status(), 400);
        }
    }

    #[test]
    fn says_what_was_expected() {
        let error = super::parse("age", Column::named("age"), "1").unwrap_err();
        assert_eq!(error.message(), "failed to parse age (1)");
        assert_eq!(
            error.details().unwrap(),
            "expected an operator such as 'eq.' at character 1, found '1'"
        );
        let error = parse("gtt.1").unwrap_err();
        assert!(error.details().unwrap().contains("(perhaps 'gt.')"), "{error:?}");
    }
}
