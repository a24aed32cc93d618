//! `select=id,label:name::text,total:price.sum(),owner:members!owner_id!inner(*),...company(city),*`

use super::text::Reader;
use crate::records::ast::{Aggregate, AggregateFunction, EmbedItem, SelectItem};
use crate::records::error::RecordError;

/// How deep embedded objects may stand in each other.
const MAX_DEPTH: usize = 8;

/// Parses the items. Nothing at all means the same as `*`, as in PostgREST.
pub(in crate::records) fn parse(value: &str) -> Result<Vec<SelectItem>, RecordError> {
    let mut reader = Reader::new("select", value);
    reader.skip_spaces();
    let items = if reader.is_done() {
        Vec::new()
    } else {
        items(&mut reader, 0)?
    };
    reader.expect_end()?;
    Ok(items)
}

fn items(reader: &mut Reader<'_>, depth: usize) -> Result<Vec<SelectItem>, RecordError> {
    let mut items = Vec::new();
    loop {
        reader.skip_spaces();
        items.push(item(reader, depth)?);
        reader.skip_spaces();
        if !reader.eat(",") {
            return Ok(items);
        }
    }
}

fn item(reader: &mut Reader<'_>, depth: usize) -> Result<SelectItem, RecordError> {
    if reader.eat("*") {
        return Ok(SelectItem::Star);
    }
    if reader.eat("...") {
        let relation = reader.name()?;
        return embed(reader, None, relation, true, depth);
    }
    let mut is_quoted = reader.peek() == Some('"');
    let mut name = reader.name()?;
    let mut alias = None;
    if reader.peek() == Some(':') && !reader.rest().starts_with("::") {
        reader.eat(":");
        is_quoted = reader.peek() == Some('"');
        alias = Some(std::mem::replace(&mut name, reader.name()?));
    }
    if name == "count" && !is_quoted && reader.eat("()") {
        let cast = cast(reader)?;
        return Ok(SelectItem::Count { alias, cast });
    }
    match reader.peek() {
        Some('(' | '!') => embed(reader, alias, name, false, depth),
        _ => column(reader, alias, name),
    }
}

fn column(reader: &mut Reader<'_>, alias: Option<String>, name: String) -> Result<SelectItem, RecordError> {
    let path = reader.steps()?;
    let inner = cast(reader)?;
    let aggregate = if reader.eat(".") {
        let function = function(reader)?;
        let cast = cast(reader)?;
        Some(Aggregate { function, cast })
    } else {
        None
    };
    Ok(SelectItem::Column {
        column: crate::records::ast::Column { name, path },
        alias,
        cast: inner,
        aggregate,
    })
}

fn cast(reader: &mut Reader<'_>) -> Result<Option<String>, RecordError> {
    if reader.eat("::") {
        reader.word("a type").map(|name| Some(name.to_owned()))
    } else {
        Ok(None)
    }
}

fn function(reader: &mut Reader<'_>) -> Result<AggregateFunction, RecordError> {
    let start = *reader;
    let word = reader.take_until(|c| !c.is_ascii_alphabetic());
    let found = AggregateFunction::ALL.iter().find(|(name, _)| *name == word);
    match found {
        Some((_, function)) if reader.eat("()") => Ok(*function),
        _ => Err(start.error("'avg()', 'count()', 'max()', 'min()' or 'sum()'")),
    }
}

fn embed(
    reader: &mut Reader<'_>,
    alias: Option<String>,
    relation: String,
    spread: bool,
    depth: usize,
) -> Result<SelectItem, RecordError> {
    let (mut hint, mut join) = (None, None);
    while reader.eat("!") {
        let start = *reader;
        let is_quoted = reader.peek() == Some('"');
        let word = reader.name()?;
        let is_twice = match word.as_str() {
            "inner" | "left" if !is_quoted => join.replace(word == "inner").is_some(),
            _ => hint.replace(word).is_some(),
        };
        if is_twice {
            return Err(start.error("one hint and one of '!inner' and '!left'"));
        }
    }
    if depth >= MAX_DEPTH {
        return Err(reader.error(&format!("at most {MAX_DEPTH} embedded objects in each other")));
    }
    reader.expect("(")?;
    reader.skip_spaces();
    let select = if reader.peek() == Some(')') {
        Vec::new()
    } else {
        items(reader, depth + 1)?
    };
    reader.expect(")")?;
    Ok(SelectItem::Embed(EmbedItem {
        relation,
        alias,
        hint,
        inner: join.unwrap_or(false),
        spread,
        select,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::ast::Column;

    fn column(name: &str, alias: Option<&str>) -> SelectItem {
        SelectItem::Column {
            column: Column::named(name),
            alias: alias.map(str::to_owned),
            cast: None,
            aggregate: None,
        }
    }

    fn embed(relation: &str, select: Vec<SelectItem>) -> EmbedItem {
        EmbedItem {
            relation: relation.to_owned(),
            alias: None,
            hint: None,
            inner: false,
            spread: false,
            select,
        }
    }

    #[test]
    fn reads_columns_and_aliases() {
        let items = parse(r#"id, label:first_name ,*,"odd,name""#).unwrap();
        let expected = vec![
            column("id", None),
            column("first_name", Some("label")),
            SelectItem::Star,
            column("odd,name", None),
        ];
        assert_eq!(items, expected);
        assert_eq!(parse("").unwrap(), vec![]);
    }

    #[test]
    fn reads_casts_and_aggregates() {
        let items = parse("a::text,n:b->>c::numeric.sum()::int,count(),k:count()::text,count").unwrap();
        let sum = |cast: &str| Aggregate {
            function: AggregateFunction::Sum,
            cast: Some(cast.to_owned()),
        };
        let SelectItem::Column {
            cast,
            aggregate,
            column: of,
            ..
        } = &items[1]
        else {
            unreachable!()
        };
        assert_eq!((cast.as_deref(), aggregate), (Some("numeric"), &Some(sum("int"))));
        assert_eq!(of.path.len(), 1);
        let counts = [(None, None), (Some("k"), Some("text"))];
        for (item, (alias, cast)) in items[2..4].iter().zip(counts) {
            let expected = SelectItem::Count {
                alias: alias.map(str::to_owned),
                cast: cast.map(str::to_owned),
            };
            assert_eq!(*item, expected);
        }
        assert_eq!(items[4], column("count", None));
    }

    #[test]
    fn reads_embedded_objects() {
        let items = parse("a(),x:b!key!inner(*, c!left ( d )),...e!inner!f(*)").unwrap();
        let b = EmbedItem {
            alias: Some("x".to_owned()),
            hint: Some("key".to_owned()),
            inner: true,
            ..embed(
                "b",
                vec![
                    SelectItem::Star,
                    SelectItem::Embed(embed("c", vec![column("d", None)])),
                ],
            )
        };
        let e = EmbedItem {
            hint: Some("f".to_owned()),
            inner: true,
            spread: true,
            ..embed("e", vec![SelectItem::Star])
        };
        assert_eq!(items, [embed("a", vec![]), b, e].map(SelectItem::Embed));
    }

    #[test]
    fn refuses_what_is_not_a_list_of_columns() {
        for broken in [
            ",",
            "id,",
            "a:",
            ":a",
            "a:b:c",
            "id)",
            "\"id",
            "a(",
            "a(b",
            "a(b))",
            "a!b",
            "a!x!y(b)",
            "a!inner!left(b)",
            "a::",
            "a.sum",
            "a.median()",
            "a->",
            "x:...a(b)",
            "a(,)",
            "*a",
        ] {
            assert_eq!(parse(broken).unwrap_err().code(), "PGRST100", "{broken}");
        }
        let deep = |depth: usize| format!("{}{}", "a(".repeat(depth), ")".repeat(depth));
        assert!(parse(&deep(MAX_DEPTH)).is_ok());
        assert!(parse(&deep(MAX_DEPTH + 1)).is_err());
        assert!(parse(&deep(100_000)).is_err());
    }
}
