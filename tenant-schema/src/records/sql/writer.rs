//! Writes SQL text from left to right and numbers its parameters and aliases.
//!
//! A test whether related records are there repeats all that is asked of them, and of those that are related to them,
//! so a short request could make a text without end. A writer that is full therefore takes no more: all that can fail
//! fails from then on, which ends the writing where it is.

use super::{Param, Query};
use crate::records::error::RecordError;
use crate::records::limits::{Exceeded, STATEMENT_BYTES, STATEMENT_PARTS};
use crate::records::model::Field;
use crate::records::quote;

/// A statement in the making.
#[derive(Default)]
pub(super) struct Writer {
    text: String,
    params: Vec<Param>,
    aliases: usize,
}

impl Writer {
    /// The statement, unless it has become too large.
    pub(super) fn finish(self) -> Result<Query, RecordError> {
        self.check()?;
        Ok(Query {
            text: self.text,
            params: self.params,
        })
    }

    fn is_full(&self) -> bool {
        self.text.len() > STATEMENT_BYTES || self.aliases > STATEMENT_PARTS
    }

    /// Refuses a request whose statement has become too large.
    fn check(&self) -> Result<(), Exceeded> {
        if self.is_full() {
            return Err(Exceeded::Statement);
        }
        Ok(())
    }

    /// Text of our own, or of the introspected model; never a request's. Nothing, when the statement is full.
    pub(super) fn push(&mut self, sql: &str) {
        if !self.is_full() {
            self.text.push_str(sql);
        }
    }

    /// A quoted name.
    pub(super) fn name(&mut self, name: &str) -> Result<(), RecordError> {
        self.check()?;
        Ok(quote::push_identifier(&mut self.text, name)?)
    }

    /// `source."column"`
    pub(super) fn column(&mut self, source: &str, field: &Field) -> Result<(), RecordError> {
        self.column_named(source, &field.name)
    }

    /// `source."column"`
    pub(super) fn column_named(&mut self, source: &str, column: &str) -> Result<(), RecordError> {
        self.push(source);
        self.push(".");
        self.name(column)
    }

    /// An alias that no other part of the statement has: a letter and a number. Too many of them fill the statement.
    pub(super) fn alias(&mut self, letter: char) -> String {
        self.aliases += 1;
        format!("{letter}{}", self.aliases)
    }

    /// Items with commas between them.
    pub(super) fn list<T>(
        &mut self,
        items: &[T],
        write: impl FnMut(&mut Self, &T) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        self.joined(items, ", ", write)
    }

    /// Items with something between them.
    pub(super) fn joined<T>(
        &mut self,
        items: &[T],
        between: &str,
        mut write: impl FnMut(&mut Self, &T) -> Result<(), RecordError>,
    ) -> Result<(), RecordError> {
        for (index, item) in items.iter().enumerate() {
            self.check()?;
            if index > 0 {
                self.push(between);
            }
            write(self, item)?;
        }
        Ok(())
    }

    /// `$n`, bound to a value for `place`, a column or parameter.
    pub(super) fn bind(&mut self, place: &str, value: String) -> Result<(), RecordError> {
        self.check()?;
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
}
