//! Query string to [`QueryString`]: PostgREST's grammar, strict where PostgREST guesses.

use percent_encoding::percent_decode;

use super::ast::{Filter, QueryString};
use super::error::RecordError;

pub mod body;
pub mod columns;
mod filter;
mod order;
mod page;
pub mod prefer;
mod select;
mod text;
mod tree;

/// Parameters that are not columns. A column of the same name can be read and written, but not filtered by.
pub const RESERVED: [&str; 8] = [
    "select", "order", "limit", "offset", "and", "or", "not.and", "not.or",
];

/// The decoded parameters of a query string, in their order, repetitions kept.
pub type Parameters = Vec<(String, String)>;

/// Splits a raw query string at `&` and the first `=`, and decodes `+` and percent escapes (WHATWG URL, section 5.1).
///
/// A parameter without a name is skipped when it is empty too (`a=1&&b=2`).
pub fn parameters(raw: &str) -> Result<Parameters, RecordError> {
    let pairs = raw.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(raw: &str) -> Result<String, RecordError> {
    let spaced: Vec<u8> = raw
        .bytes()
        .map(|byte| if byte == b'+' { b' ' } else { byte })
        .collect();
    let decoded = percent_decode(&spaced).decode_utf8();
    decoded.map(std::borrow::Cow::into_owned).map_err(|_| {
        RecordError::syntax(
            "query string",
            raw,
            "the percent encoding does not make valid UTF-8",
        )
    })
}

/// Parses the parameters. Whether columns exist is not asked here.
pub fn query(parameters: &Parameters) -> Result<QueryString, RecordError> {
    let mut select = None;
    let mut order = None;
    let mut limit = None;
    let mut offset = None;
    let mut filters = Vec::new();
    for (name, value) in parameters {
        match name.as_str() {
            "select" => once(&mut select, name, select::parse(value)?)?,
            "order" => once(&mut order, name, order::parse(value)?)?,
            "limit" => once(&mut limit, name, page::limit(value)?)?,
            "offset" => once(&mut offset, name, page::offset(value)?)?,
            "and" | "or" | "not.and" | "not.or" => filters.push(tree::parse(name, value)?),
            _ => filters.push(filter::parse(name, value)?),
        }
    }
    Ok(QueryString {
        select: select.unwrap_or_default(),
        filter: Filter::All(filters),
        order: order.unwrap_or_default(),
        limit,
        offset,
    })
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), RecordError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(RecordError::syntax(
            name,
            "",
            "the parameter is given more than once",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(raw: &str) -> Result<QueryString, RecordError> {
        query(&parameters(raw)?)
    }

    #[test]
    fn decodes_names_and_values() {
        let decoded = parameters("a%20b=c+d%2B&&x&y=%C3%A4=1").unwrap();
        let expected = [("a b", "c d+"), ("x", ""), ("y", "ä=1")];
        assert_eq!(
            decoded,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(parameters("a=%FF").unwrap_err().code(), "PGRST100");
    }

    #[test]
    fn refuses_a_second_page() {
        assert_eq!(parse("limit=1&limit=2").unwrap_err().status(), 400);
        assert_eq!(
            parse("a=gt.1&a=lt.2").unwrap().filter,
            Filter::All(vec![
                filter::parse("a", "gt.1").unwrap(),
                filter::parse("a", "lt.2").unwrap(),
            ])
        );
    }

    proptest! {
        #[test]
        fn never_panics(raw in "\\PC*") {
            let _ = parse(&raw);
        }

        #[test]
        fn never_panics_near_the_grammar(raw in "(select|order|limit|offset|and|or|a)=[-a-z0-9.,:()\"\\\\%*& ]{0,40}") {
            let _ = parse(&raw);
        }
    }
}
