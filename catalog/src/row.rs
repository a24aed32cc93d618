//! Reading catalog rows by column name. What cannot be read is a corrupt row and an error, never a panic.

use std::str::FromStr;

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::error::CatalogError;

/// A row together with the table an error shall name.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    row: &'a Row,
    table: &'static str,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(row: &'a Row, table: &'static str) -> Self {
        Self { row, table }
    }

    /// The value of a column, in a type of the driver's.
    pub(crate) fn get<T: FromSql<'a>>(self, column: &'static str) -> Result<T, CatalogError> {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    /// The value of a text column, in a type of ours.
    pub(crate) fn parse<T: FromStr>(self, column: &'static str) -> Result<T, CatalogError> {
        self.get::<&str>(column)?
            .parse()
            .map_err(|_| self.corrupt(column))
    }

    /// The same for a column that may be null.
    pub(crate) fn parse_nullable<T: FromStr>(self, column: &'static str) -> Result<Option<T>, CatalogError> {
        let text: Option<&str> = self.get(column)?;
        text.map(str::parse).transpose().map_err(|_| self.corrupt(column))
    }

    /// That the column holds what cannot be.
    pub(crate) fn corrupt(self, column: &'static str) -> CatalogError {
        CatalogError::Corrupt {
            table: self.table,
            column,
        }
    }
}
