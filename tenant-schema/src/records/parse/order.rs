//! `order=created_at.desc.nullslast,name`

use super::text::Reader;
use crate::records::ast::{Direction, Nulls, OrderTerm};
use crate::records::error::RecordError;

/// Parses the terms, the most significant first.
pub(super) fn parse(value: &str) -> Result<Vec<OrderTerm<String>>, RecordError> {
    let mut reader = Reader::new("order", value);
    let mut terms = Vec::new();
    loop {
        terms.push(term(&mut reader)?);
        if reader.is_done() {
            return Ok(terms);
        }
        reader.expect(",")?;
    }
}

fn term(reader: &mut Reader<'_>) -> Result<OrderTerm<String>, RecordError> {
    let column = reader.name()?;
    let direction = if reader.eat(".desc") {
        Direction::Descending
    } else {
        reader.eat(".asc");
        Direction::Ascending
    };
    let nulls = if reader.eat(".nullsfirst") {
        Some(Nulls::First)
    } else if reader.eat(".nullslast") {
        Some(Nulls::Last)
    } else {
        None
    };
    match reader.peek() {
        None | Some(',') => Ok(OrderTerm {
            column,
            direction,
            nulls,
        }),
        Some(_) => Err(reader.error("'.asc', '.desc', '.nullsfirst', '.nullslast' or ','")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_directions_and_nulls() {
        let terms = parse("a,b.desc,c.nullsfirst,d.asc.nullslast").unwrap();
        let seen: Vec<_> = terms
            .iter()
            .map(|t| (t.column.as_str(), t.direction, t.nulls))
            .collect();
        let expected = [
            ("a", Direction::Ascending, None),
            ("b", Direction::Descending, None),
            ("c", Direction::Ascending, Some(Nulls::First)),
            ("d", Direction::Ascending, Some(Nulls::Last)),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn refuses_other_words() {
        for broken in [
            "",
            ",",
            "a.down",
            "a.descending",
            "a.nullslast.desc",
            "a,",
            "a.desc,",
        ] {
            assert_eq!(parse(broken).unwrap_err().code(), "PGRST100", "{broken}");
        }
    }
}
