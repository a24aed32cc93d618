//! The model as a Mermaid entity relationship diagram (<https://mermaid.js.org/syntax/entityRelationshipDiagram.html>).

use std::fmt::Write as _;

use super::{Column, Key, Model, Reference};

impl Model {
    /// The diagram's text, which GitHub, GitLab and most editors draw by themselves.
    pub fn to_mermaid(&self) -> String {
        let mut out = String::from("erDiagram\n");
        for table in &self.tables {
            push(&mut out, format_args!("    {} {{\n", entity(&table.name)));
            for column in &table.columns {
                push(&mut out, format_args!("        {}\n", attribute(column)));
            }
            out.push_str("    }\n");
        }
        for reference in &self.references {
            push(&mut out, format_args!("    {}\n", relationship(reference)));
        }
        out
    }
}

fn push(out: &mut String, line: std::fmt::Arguments<'_>) {
    out.write_fmt(line).expect("writing to a String cannot fail");
}

/// A name that is more than a word must be quoted.
fn entity(name: &str) -> String {
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        name.to_owned()
    } else {
        quoted(name)
    }
}

fn attribute(column: &Column) -> String {
    let mut line = format!("{} {}", word(&column.type_name), word(&column.name));
    let marks = column.keys.iter().map(|key| match key {
        Key::Primary => "PK",
        Key::Foreign => "FK",
        Key::Unique => "UK",
    });
    let marks: Vec<&str> = marks.collect();
    if !marks.is_empty() {
        push(&mut line, format_args!(" {}", marks.join(", ")));
    }
    if let Some(comment) = &column.comment {
        push(&mut line, format_args!(" {}", quoted(comment)));
    }
    line
}

/// Crow's feet: `||` exactly one, `|o` at most one, `o{` any number.
fn relationship(reference: &Reference) -> String {
    let one = if reference.required { "||" } else { "|o" };
    let many = if reference.unique { "o|" } else { "o{" };
    let (to, from) = (entity(&reference.to), entity(&reference.from));
    format!(
        "{to} {one}--{many} {from} : {}",
        quoted(&reference.columns.join(", "))
    )
}

/// Types and attributes are single words in Mermaid's grammar: PostgreSQL's long spellings get their short form,
/// and what else does not fit is replaced.
fn word(text: &str) -> String {
    let short = text
        .replace("timestamp with time zone", "timestamptz")
        .replace("timestamp without time zone", "timestamp")
        .replace("character varying", "varchar");
    let fits = |c: char| c.is_alphanumeric() || "_-[]()".contains(c);
    short.chars().map(|c| if fits(c) { c } else { '_' }).collect()
}

/// Mermaid knows no escape for a quote.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "'").replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use super::super::Table;
    use super::*;

    fn column(name: &str, type_name: &str) -> Column {
        Column {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            required: true,
            keys: Vec::new(),
            comment: None,
        }
    }

    #[test]
    fn tables_keys_and_references_are_drawn() {
        let companies = Table {
            name: "companies".to_owned(),
            comment: None,
            columns: vec![
                Column {
                    keys: vec![Key::Primary],
                    comment: Some("The \"key\".\nAlways.".to_owned()),
                    ..column("id", "uuid")
                },
                Column {
                    keys: vec![Key::Unique],
                    ..column("domain", "text")
                },
            ],
        };
        let contacts = Table {
            name: "odd name".to_owned(),
            comment: None,
            columns: vec![
                Column {
                    keys: vec![Key::Primary, Key::Foreign],
                    ..column("id", "uuid")
                },
                column("created_at", "timestamp with time zone"),
                column("tags", "uuid[]"),
            ],
        };
        let reference = Reference {
            name: "contacts_company_id_fkey".to_owned(),
            from: "odd name".to_owned(),
            columns: vec!["id".to_owned(), "kind".to_owned()],
            to: "companies".to_owned(),
            required: true,
            unique: false,
        };
        let optional = Reference {
            required: false,
            unique: true,
            ..reference.clone()
        };
        let model = Model {
            tables: vec![companies, contacts],
            references: vec![reference, optional],
        };
        let expected = r#"erDiagram
    companies {
        uuid id PK "The 'key'. Always."
        text domain UK
    }
    "odd name" {
        uuid id PK, FK
        timestamptz created_at
        uuid[] tags
    }
    companies ||--o{ "odd name" : "id, kind"
    companies |o--o| "odd name" : "id, kind"
"#;
        assert_eq!(model.to_mermaid(), expected);
    }
}
