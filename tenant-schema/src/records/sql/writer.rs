//! Writes SQL text from left to right and numbers its parameters.

use super::{Param, Query};
use crate::records::ast::{Comparison, Filter, Is, Test};
use crate::records::error::RecordError;
use crate::records::model::Field;
use crate::records::quote;

/// A statement in the making.
#[derive(Default)]
pub(super) struct Writer {
    text: String,
    params: Vec<Param>,
}

impl Writer {
    pub(super) fn finish(self) -> Query {
        Query {
            text: self.text,
            params: self.params,
        }
    }

    /// Text of our own, or of the introspected model; never a request's.
    pub(super) fn push(&mut self, sql: &str) {
        self.text.push_str(sql);
    }

    /// A quoted name.
    pub(super) fn name(&mut self, name: &str) -> Result<(), RecordError> {
        Ok(quote::push_identifier(&mut self.text, name)?)
    }

    /// `source."column"`
    pub(super) fn column(&mut self, source: &str, field: &Field) -> Result<(), RecordError> {
        self.push(source);
        self.push(".");
        self.name(&field.name)
    }

    /// Items with commas between them.
    pub(super) fn list<T>(
        &mut self,
        items: &[T],
        mut write: impl FnMut(&mut Self, &T) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            write(self, item)?;
        }
        Ok(())
    }

    /// `$n`, bound to a value for `place`, a column or parameter.
    pub(super) fn bind(&mut self, place: &str, value: String) -> Result<(), RecordError> {
        if value.contains('\0') {
            return Err(RecordError::NulCharacter {
                place: place.to_owned(),
            });
        }
        self.push_param(Param {
            value: Some(value),
            column: Some(place.to_owned()),
        });
        Ok(())
    }

    /// `$n`, bound to a JSON body.
    pub(super) fn bind_body(&mut self, body: &str) {
        // A raw NUL is no JSON, so the body's parser has refused it; an escaped one is for PostgreSQL to refuse.
        self.push_param(Param {
            value: Some(body.to_owned()),
            column: None,
        });
    }

    fn push_param(&mut self, param: Param) {
        self.params.push(param);
        self.text.push('$');
        self.text.push_str(&self.params.len().to_string());
    }

    /// ` where …`, or nothing for a filter that says nothing.
    pub(super) fn where_clause(&mut self, filter: &Filter<&Field>) -> Result<(), RecordError> {
        match filter {
            Filter::All(parts) if parts.is_empty() => Ok(()),
            Filter::All(parts) => {
                self.push(" where ");
                self.joined(parts, " and ")
            }
            other => {
                self.push(" where ");
                self.filter(other)
            }
        }
    }

    fn joined(&mut self, parts: &[Filter<&Field>], joiner: &str) -> Result<(), RecordError> {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.push(joiner);
            }
            self.filter(part)?;
        }
        Ok(())
    }

    fn filter(&mut self, filter: &Filter<&Field>) -> Result<(), RecordError> {
        match filter {
            Filter::All(parts) | Filter::Any(parts) => {
                self.push("(");
                self.joined(
                    parts,
                    if matches!(filter, Filter::All(_)) {
                        " and "
                    } else {
                        " or "
                    },
                )?;
            }
            Filter::Not(part) => {
                self.push("not (");
                self.filter(part)?;
            }
            Filter::Test(field, test) => return self.test(field, test),
        }
        self.push(")");
        Ok(())
    }

    fn test(&mut self, field: &Field, test: &Test) -> Result<(), RecordError> {
        self.column("t", field)?;
        match test {
            Test::Compare(comparison, value) => {
                self.push(match comparison {
                    Comparison::Equal => " = ",
                    Comparison::NotEqual => " <> ",
                    Comparison::Greater => " > ",
                    Comparison::GreaterOrEqual => " >= ",
                    Comparison::Less => " < ",
                    Comparison::LessOrEqual => " <= ",
                });
                self.bind(&field.name, value.clone())
            }
            Test::Is(is) => {
                self.push(match is {
                    Is::Null => " is null",
                    Is::NotNull => " is not null",
                    Is::True => " is true",
                    Is::False => " is false",
                    Is::Unknown => " is unknown",
                });
                Ok(())
            }
            Test::In(values) => {
                self.push(" = any (");
                self.bind(&field.name, array_literal(values))?;
                self.push(")");
                Ok(())
            }
        }
    }
}

/// PostgreSQL's array input syntax, every element quoted so that `NULL` is a word too ("Arrays", 8.15.2).
fn array_literal(values: &[String]) -> String {
    let mut text = String::from("{");
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push('"');
        for c in value.chars() {
            if matches!(c, '"' | '\\') {
                text.push('\\');
            }
            text.push(c);
        }
        text.push('"');
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn array_elements_are_always_quoted() {
        let values = ["a", "NULL", "", "x,y}", "\"\\"].map(str::to_owned);
        assert_eq!(array_literal(&values), r#"{"a","NULL","","x,y}","\"\\"}"#);
        assert_eq!(array_literal(&[]), "{}");
    }
}
