//! `select=id,label:name,*`

use super::text::Reader;
use crate::records::ast::SelectItem;
use crate::records::error::RecordError;

/// Parses the items. Nothing at all means the same as `*`, as in PostgREST.
pub(super) fn parse(value: &str) -> Result<Vec<SelectItem>, RecordError> {
    let mut reader = Reader::new("select", value);
    let mut items = Vec::new();
    if reader.is_done() {
        return Ok(items);
    }
    loop {
        items.push(item(&mut reader)?);
        if reader.is_done() {
            return Ok(items);
        }
        reader.expect(",")?;
    }
}

fn item(reader: &mut Reader<'_>) -> Result<SelectItem, RecordError> {
    if reader.eat("*") {
        return Ok(SelectItem::Star);
    }
    let first = reader.name()?;
    if reader.eat(":") {
        return Ok(SelectItem::Column {
            name: reader.name()?,
            alias: Some(first),
        });
    }
    Ok(SelectItem::Column {
        name: first,
        alias: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, alias: Option<&str>) -> SelectItem {
        SelectItem::Column {
            name: name.to_owned(),
            alias: alias.map(str::to_owned),
        }
    }

    #[test]
    fn reads_columns_and_aliases() {
        let items = parse(r#"id,label:first_name,*,"odd,name""#).unwrap();
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
    fn refuses_what_is_not_a_list_of_columns() {
        for broken in [",", "id,", "a:", ":a", "a:b:c", "id)", "\"id"] {
            assert_eq!(parse(broken).unwrap_err().code(), "PGRST100", "{broken}");
        }
    }
}
