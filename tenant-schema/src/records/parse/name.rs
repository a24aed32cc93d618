//! The name of a parameter: which object it is about, and what of it.

use super::text::Reader;
use super::tree::Joiner;
use crate::records::ast::Column;
use crate::records::error::RecordError;

/// A parameter's name, taken apart: `actors.roles.order`, `or`, `data->>a`.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::records) struct Name {
    /// The embedded objects on the way to the one that is meant.
    pub(in crate::records) path: Vec<String>,
    /// What is said of it.
    pub(in crate::records) about: About,
}

/// What a parameter says of an object.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::records) enum About {
    /// `order`
    Order,
    /// `limit`
    Limit,
    /// `offset`
    Offset,
    /// `and`, `or`, `not.and`, `not.or`
    Logic(Joiner),
    /// A condition on a column.
    Column(Column),
}

/// Takes a name apart. In double quotes a name is that of a column or object, whatever it is and whatever it contains.
pub(in crate::records) fn parse(name: &str) -> Result<Name, RecordError> {
    let mut reader = Reader::new("column name", name);
    let mut path: Vec<String> = Vec::new();
    let mut negated = false;
    loop {
        let is_quoted = reader.peek() == Some('"');
        let word = reader.name()?;
        if reader.eat(".") {
            let rest = reader.rest();
            negated = word == "not" && !is_quoted && (rest == "and" || rest == "or");
            if !negated {
                path.push(word);
            }
            continue;
        }
        let steps = reader.steps()?;
        reader.expect_end()?;
        let is_quoted = is_quoted || !steps.is_empty();
        let about = match word.as_str() {
            "order" if !is_quoted => About::Order,
            "limit" if !is_quoted => About::Limit,
            "offset" if !is_quoted => About::Offset,
            "and" | "or" if !is_quoted => About::Logic(Joiner {
                negated,
                any: word == "or",
            }),
            _ => About::Column(Column {
                name: word,
                path: steps,
            }),
        };
        return Ok(Name { path, about });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_apart() {
        let logic = |negated, any| About::Logic(Joiner { negated, any });
        let column = |name: &str| About::Column(Column::named(name));
        let cases: [(&str, &[&str], About); 9] = [
            ("id", &[], column("id")),
            ("order", &[], About::Order),
            ("\"order\"", &[], column("order")),
            ("a.b.limit", &["a", "b"], About::Limit),
            ("not.or", &[], logic(true, true)),
            ("a.not.and", &["a"], logic(true, false)),
            ("a.or", &["a"], logic(false, true)),
            ("not.b", &["not"], column("b")),
            ("a.\"b.c\"", &["a"], column("b.c")),
        ];
        for (name, path, about) in cases {
            let parsed = parse(name).unwrap();
            assert_eq!(
                (parsed.path, parsed.about),
                (path.iter().map(|p| (*p).to_owned()).collect(), about),
                "{name}"
            );
        }
        assert_eq!(parse("a->b->>0").unwrap().about, {
            let mut reader = Reader::new("", "a->b->>0");
            About::Column(reader.column().unwrap())
        });
        for broken in ["", "a.", ".a", "a[]", "a..b", "\"a\"b"] {
            assert_eq!(parse(broken).unwrap_err().code(), "PGRST100", "{broken}");
        }
    }
}
