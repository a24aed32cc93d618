//! Query string to [`QueryString`]: PostgREST's grammar, strict where PostgREST guesses.

use super::ast::{Deleted, QueryString};
use super::error::RecordError;
use name::{About, Name};
use parameters::take_once;

pub use parameters::{Known, Parameters, Verb, known, parameters, twice};

pub mod body;
pub mod columns;
mod filter;
pub(super) mod name;
mod order;
mod page;
pub mod parameters;
pub mod prefer;
#[cfg(test)]
mod print;
pub(super) mod select;
mod text;
mod tree;

/// Parses the parameters. Whether columns exist is not asked here; which of the [`parameters::KNOWN`] names are no columns,
/// `is_meant` says.
pub fn query(
    mut parameters: Parameters,
    is_meant: impl Fn(&str) -> bool,
) -> Result<QueryString, RecordError> {
    let mut take = |name: &str| {
        if is_meant(name) {
            take_once(&mut parameters, name)
        } else {
            Ok(None)
        }
    };
    let names =
        |name: &str, value: Option<String>| value.map(|value| columns::parse(name, &value)).transpose();
    let mut said = QueryString {
        select: match take("select")? {
            Some(items) => select::parse(&items)?,
            None => Vec::new(),
        },
        deleted: take("deleted")?.map(|word| deleted(&word)).transpose()?,
        cursor: take("cursor")?,
        search: take("q")?,
        columns: names("columns", take("columns")?)?,
        on_conflict: names("on_conflict", take("on_conflict")?)?,
        ..QueryString::default()
    };
    for (name, value) in &parameters {
        of_an_object(&mut said, name, value)?;
    }
    Ok(said)
}

fn deleted(word: &str) -> Result<Deleted, RecordError> {
    Deleted::of(word)
        .ok_or_else(|| RecordError::syntax("deleted", word, "exclude, include or only is expected"))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::ast::Filter;
    use proptest::prelude::*;

    fn parse(raw: &str) -> Result<QueryString, RecordError> {
        query(parameters(raw)?, |_| true)
    }

    #[test]
    fn refuses_a_second_page() {
        for twice in [
            "limit=1&limit=2",
            "a.limit=1&a.limit=1",
            "order=a&order=b",
            "select=a&select=a",
            "deleted=only&deleted=only",
            "columns=a&columns=b",
            "on_conflict=a&on_conflict=a",
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
            raw in "(select|order|limit|offset|and|or|cursor|q|deleted|columns|on_conflict|a|a\\.or|a\\.order|a->b)=[-a-z0-9.,:()\"\\\\%*&{}!> ]{0,40}"
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
