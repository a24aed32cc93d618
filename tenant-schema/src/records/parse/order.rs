//! `order=created_at.desc.nullslast,owner(name),data->>rank`

use super::text::Reader;
use crate::records::ast::{Direction, Nulls, OrderTerm, SortKey};
use crate::records::error::RecordError;

/// Parses the terms that the parameter `name` holds, the most significant first.
pub(super) fn parse(name: &str, value: &str) -> Result<Vec<OrderTerm<SortKey>>, RecordError> {
    let mut reader = Reader::new(name, value);
    let mut terms = Vec::new();
    loop {
        terms.push(term(&mut reader)?);
        if reader.is_done() {
            return Ok(terms);
        }
        reader.expect(",")?;
    }
}

fn term(reader: &mut Reader<'_>) -> Result<OrderTerm<SortKey>, RecordError> {
    reader.skip_spaces();
    let key = key(reader)?;
    reader.skip_spaces();
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
    reader.skip_spaces();
    match reader.peek() {
        None | Some(',') => Ok(OrderTerm {
            key,
            direction,
            nulls,
        }),
        Some(_) => Err(reader.error("'.asc', '.desc', '.nullsfirst', '.nullslast' or ','")),
    }
}

/// `column`, or `embedded(column)`.
fn key(reader: &mut Reader<'_>) -> Result<SortKey, RecordError> {
    let column = reader.column()?;
    if !column.path.is_empty() || !reader.eat("(") {
        return Ok(SortKey { embed: None, column });
    }
    reader.skip_spaces();
    let inner = reader.column()?;
    reader.expect(")")?;
    Ok(SortKey {
        embed: Some(column.name),
        column: inner,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_directions_and_nulls() {
        let terms = parse("order", "a,b.desc, c.nullsfirst ,d.asc.nullslast").unwrap();
        let seen: Vec<_> = terms
            .iter()
            .map(|t| (t.key.column.name.as_str(), t.direction, t.nulls))
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
    fn reads_columns_of_embedded_objects_and_json() {
        let terms = parse("order", "owner(name).desc,data->a->>1,owner(data->>0.5)");
        assert_eq!(terms.map(|_| ()).unwrap_err().status(), 400, "no point in a path");
        let terms = parse("order", "owner(name).desc,data->a->>1,owner(data->>b)").unwrap();
        let seen: Vec<_> = terms
            .iter()
            .map(|t| {
                (
                    t.key.embed.as_deref(),
                    t.key.column.name.as_str(),
                    t.key.column.path.len(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (Some("owner"), "name", 0),
                (None, "data", 2),
                (Some("owner"), "data", 1)
            ]
        );
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
            "a(b,c)",
            "a(b",
            "a(b(c))",
        ] {
            assert_eq!(parse("order", broken).unwrap_err().code(), "PGRST100", "{broken}");
        }
    }
}
