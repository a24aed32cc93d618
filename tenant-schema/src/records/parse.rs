//! Query string to [`QueryString`]: PostgREST's grammar, strict where PostgREST guesses.

use percent_encoding::percent_decode;

use super::ast::QueryString;
use super::error::RecordError;
use name::{About, Name};

pub mod body;
pub mod columns;
mod filter;
pub(super) mod name;
mod order;
mod page;
pub mod prefer;
#[cfg(test)]
mod print;
pub(super) mod select;
mod text;
mod tree;

/// Parameters that are not columns. A column of the same name can be read and written, but not filtered by.
pub const RESERVED: [&str; 10] = [
    "select", "order", "limit", "offset", "and", "or", "not.and", "not.or", "cursor", "q",
];

/// Those of them that only lists have.
pub const OF_LISTS: [&str; 2] = ["cursor", "q"];

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
    let mut said = QueryString::default();
    let mut select = None;
    for (name, value) in parameters {
        match name.as_str() {
            "select" => once(&mut select, name, select::parse(value)?)?,
            "cursor" => once(&mut said.cursor, name, value.clone())?,
            "q" => once(&mut said.search, name, value.clone())?,
            _ => of_an_object(&mut said, name, value)?,
        }
    }
    said.select = select.unwrap_or_default();
    Ok(said)
}

/// Parses what a parameter says of the object itself or of one that is embedded.
fn of_an_object(said: &mut QueryString, name: &str, value: &str) -> Result<(), RecordError> {
    let Name { path, about } = name::parse(name)?;
    let level = said.level(&path);
    match about {
        About::Order if level.order.is_empty() => level.order = order::parse(name, value)?,
        About::Order => return Err(twice(name)),
        About::Limit => once(&mut level.limit, name, page::limit(value)?)?,
        About::Offset => once(&mut level.offset, name, page::offset(value)?)?,
        About::Logic(joiner) => level.filter.and(tree::parse(name, joiner, value)?),
        About::Column(column) => level.filter.and(filter::parse(name, column, value)?),
    }
    Ok(())
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), RecordError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(twice(name)),
    }
}

fn twice(name: &str) -> RecordError {
    RecordError::syntax(name, "", "the parameter is given more than once")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::ast::Filter;
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
        for twice in [
            "limit=1&limit=2",
            "a.limit=1&a.limit=1",
            "order=a&order=b",
            "select=a&select=a",
        ] {
            assert_eq!(parse(twice).unwrap_err().status(), 400, "{twice}");
        }
        assert_eq!(parse("limit=1&a.limit=2").unwrap().embedded.len(), 1);
        assert_eq!(
            parse("a=gt.1&a=lt.2").unwrap(),
            parse("and=(a.gt.1)&a=lt.2")
                .map(|mut said| {
                    let Filter::All(parts) = &mut said.root.filter else {
                        unreachable!()
                    };
                    let Filter::All(inner) = parts.remove(0) else {
                        unreachable!()
                    };
                    parts.splice(0..0, inner);
                    said
                })
                .unwrap()
        );
    }

    proptest! {
        #[test]
        fn never_panics(raw in "\\PC*") {
            let _ = parse(&raw);
        }

        #[test]
        fn never_panics_near_the_grammar(
            raw in "(select|order|limit|offset|and|or|a|a\\.or|a\\.order|a->b)=[-a-z0-9.,:()\"\\\\%*&{}!> ]{0,40}"
        ) {
            if let Ok(said) = parse(&raw) {
                prop_assert_eq!(parse(&print::query_string(&said)), Ok(said));
            }
        }

        #[test]
        fn never_panics_on_words_of_the_grammar(words in prop::collection::vec(print::any_token(), 0..24)) {
            let raw = words.concat();
            if let Ok(said) = parse(&raw) {
                prop_assert_eq!(parse(&print::query_string(&said)), Ok(said), "{}", raw);
            }
        }

        #[test]
        fn what_is_printed_is_read_again(said in print::any_query_string()) {
            let raw = print::query_string(&said);
            prop_assert_eq!(parse(&raw), Ok(said), "{}", raw);
        }
    }
}
