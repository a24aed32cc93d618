//! The types that a request may turn values into.
//!
//! A type's name goes into the statement as it is, so it must be one of these or one that the model has. The types
//! that name things of the database (`regclass` and its like) are not among them: casting to one looks a name up.

use crate::records::error::{RecordError, shorten};
use crate::records::model::{Field, SchemaModel};
use catalog::nearest::nearest;

/// Types of PostgreSQL without parameters, in its own words.
const TYPES: [&str; 58] = [
    "bigint",
    "bit",
    "bool",
    "boolean",
    "bpchar",
    "bytea",
    "char",
    "character",
    "character varying",
    "cidr",
    "date",
    "datemultirange",
    "daterange",
    "decimal",
    "double precision",
    "float",
    "float4",
    "float8",
    "inet",
    "int",
    "int2",
    "int4",
    "int4multirange",
    "int4range",
    "int8",
    "int8multirange",
    "int8range",
    "integer",
    "interval",
    "json",
    "jsonb",
    "jsonpath",
    "macaddr",
    "macaddr8",
    "money",
    "numeric",
    "nummultirange",
    "numrange",
    "real",
    "smallint",
    "text",
    "time",
    "time with time zone",
    "time without time zone",
    "timestamp",
    "timestamp with time zone",
    "timestamp without time zone",
    "timestamptz",
    "timetz",
    "tsmultirange",
    "tsquery",
    "tsrange",
    "tstzmultirange",
    "tstzrange",
    "tsvector",
    "uuid",
    "varbit",
    "varchar",
];

/// Finds the type that is called `name`, in any case.
pub(super) fn find<'m>(model: &'m SchemaModel, name: &str) -> Result<&'m str, RecordError> {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    let wanted = words.join(" ");
    if let Some(known) = TYPES.iter().find(|known| **known == wanted) {
        return Ok(known);
    }
    let of_columns = || {
        let fields = |object: &'m crate::records::model::Object| object.fields.iter().chain(&object.computed);
        model.objects.values().flat_map(fields).map(named)
    };
    of_columns()
        .find(|known| *known == wanted || known.trim_matches('"') == name)
        .ok_or_else(|| RecordError::UnknownType {
            name: shorten(name),
            nearest: nearest(&wanted, TYPES.into_iter().chain(of_columns())).map(str::to_owned),
        })
}

fn named(field: &Field) -> &str {
    &field.type_name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::fixture::model;

    #[test]
    fn finds_types_by_their_names() {
        let model = model();
        for (asked, found) in [
            ("text", "text"),
            ("TEXT", "text"),
            ("double  precision", "double precision"),
            ("Timestamp With Time Zone", "timestamp with time zone"),
        ] {
            assert_eq!(find(&model, asked), Ok(found));
        }
        assert!(TYPES.is_sorted());
    }

    #[test]
    fn refuses_other_names() {
        let model = model();
        for unknown in [
            "regclass",
            "txt",
            "pg_catalog.text",
            "text[]",
            "",
            "text; drop table a",
        ] {
            let error = find(&model, unknown).unwrap_err();
            assert_eq!((error.code(), error.status()), ("42704", 400), "{unknown}");
        }
        let hint = find(&model, "txt").unwrap_err().hint();
        assert_eq!(hint.as_deref(), Some("Perhaps you meant 'text'"));
    }
}
