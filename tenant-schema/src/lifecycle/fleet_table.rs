//! The temporary table `fleet`: the results of all tenants, to be asked something together.
//!
//! Its session belongs to a login that is a member of nothing: it sees no tenant and no catalog, so what is asked here can
//! only be about what was brought.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use catalog::pg::config::PgConfig;
use catalog::pg::flight::{Column, Failed, FlightConnection, Next, Step};
use catalog::pg::sqlstate::PgError;
use catalog::slug::Slug;
use catalog::tx::CatalogDb;
use secrecy::ExposeSecret as _;

use super::sql_login::SqlLogin;
use crate::fleet_sql::{Query, Row};
use crate::records::quote;

/// The rows of one fetch.
const FETCH: u32 = 500;

/// A table of all results, in a session of its own.
#[derive(Debug)]
pub struct FleetTable {
    connection: FlightConnection,
    scope: Arc<str>,
    insert: String,
    columns: usize,
    is_over: bool,
}

/// Why the results cannot be asked together.
#[derive(Debug, thiserror::Error)]
pub enum FleetTableError {
    /// There is no login for it.
    #[error("there is no login for the table of all results")]
    NoLogin,
    /// Two of its columns would have one name.
    #[error("two columns are called {0:?}: name one of them otherwise (as …)")]
    TwiceNamed(String),
    /// PostgreSQL refused, or could not be reached.
    #[error(transparent)]
    Database(PgError),
}

impl From<Failed> for FleetTableError {
    fn from(failed: Failed) -> Self {
        Self::Database(match failed {
            Failed::Refused { said, .. } => PgError::refused(said, PgError::Statement),
            Failed::Broken(error) => error,
        })
    }
}

impl FleetTable {
    /// An empty table: a column `tenant`, then these. Types that are not PostgreSQL's own become texts.
    pub(crate) async fn create(
        db: &CatalogDb,
        config: &PgConfig,
        login: &SqlLogin,
        columns: &[Column],
        timeout: Duration,
    ) -> Result<Self, FleetTableError> {
        let types = types(db, columns).await.map_err(FleetTableError::Database)?;
        let mut table = "create temporary table fleet (tenant text not null".to_owned();
        let (mut taken, mut given, mut read) = (vec!["tenant"], "$1::text".to_owned(), String::new());
        for (at, (column, of_type)) in columns.iter().zip(&types).enumerate() {
            if taken.contains(&column.name.as_str()) {
                return Err(FleetTableError::TwiceNamed(column.name.clone()));
            }
            taken.push(&column.name);
            let name = quote::identifier(&column.name)
                .map_err(|error| FleetTableError::Database(PgError::Protocol(error.into())))?;
            // Writing to a String cannot fail.
            let _ = write!(table, ", {name} {of_type}");
            let _ = write!(given, ", u.c{at}::{of_type}");
            let _ = write!(read, "{}c{at}", if at == 0 { "" } else { ", " });
        }
        table.push(')');
        let arrays: Vec<String> = (0..columns.len())
            .map(|at| format!("${}::text[]", at + 2))
            .collect();
        let insert = format!(
            "insert into pg_temp.fleet select {given} from unnest({}) as u ({read})",
            arrays.join(", ")
        );
        let config = config
            .with_login(&login.role.to_string(), login.password.expose_secret())
            .for_tenants(timeout, timeout)
            .with_application_name("tenantry sql");
        let connection = FlightConnection::connect(&config, NonZeroUsize::MIN)
            .await
            .map_err(FleetTableError::Database)?;
        let mut fleet = Self {
            connection,
            scope: "fleet".into(),
            insert,
            columns: columns.len(),
            is_over: false,
        };
        let scope = Arc::clone(&fleet.scope);
        let step = Step {
            scope: &scope,
            sql: &table,
            params: &[],
        };
        fleet.connection.fly(&[step], 0..0).await?;
        Ok(fleet)
    }

    /// Adds rows of a tenant.
    pub async fn add(&mut self, tenant: &Slug, rows: &[Row]) -> Result<(), FleetTableError> {
        let arrays: Vec<String> = (0..self.columns).map(|at| array(rows, at)).collect();
        let params: Vec<Option<&str>> = std::iter::once(tenant.as_str())
            .chain(arrays.iter().map(String::as_str))
            .map(Some)
            .collect();
        let step = Step {
            scope: &self.scope,
            sql: &self.insert,
            params: &params,
        };
        self.connection.fly(&[step], 0..0).await?;
        Ok(())
    }

    /// Asks something of the table: what the columns are. [`FleetTable::next`] gives the rows.
    pub async fn ask(&mut self, query: &Query) -> Result<Vec<Column>, FleetTableError> {
        let path = Step {
            scope: &self.scope,
            sql: "select pg_catalog.set_config('search_path', 'pg_temp, extensions', true)",
            params: &[],
        };
        let asked = Step {
            scope: &self.scope,
            sql: query.text(),
            params: &[],
        };
        let columns = self.connection.open_query(&[path], &asked, FETCH).await?;
        self.columns = columns.len();
        Ok(columns)
    }

    /// The next rows of the answer; none when all were given.
    pub async fn next(&mut self) -> Result<Vec<Row>, FleetTableError> {
        let mut rows = Vec::new();
        while !self.is_over {
            match self.connection.next_row().await? {
                Next::Row(row) => rows.push(crate::fleet_sql::cells(&row, self.columns)),
                Next::Suspended if rows.is_empty() => {
                    self.connection
                        .fetch(FETCH)
                        .await
                        .map_err(FleetTableError::Database)?;
                }
                Next::Suspended => {
                    self.connection
                        .fetch(FETCH)
                        .await
                        .map_err(FleetTableError::Database)?;
                    return Ok(rows);
                }
                Next::End(_) => self.is_over = true,
            }
        }
        Ok(rows)
    }
}

/// The names of the columns' types, as they stand in SQL.
async fn types(db: &CatalogDb, columns: &[Column]) -> Result<Vec<String>, PgError> {
    let numbers: Vec<u32> = columns.iter().map(|column| column.type_oid).collect();
    let mut tx = db.begin().await?;
    let rows = tx.transaction().rows(TYPES, &[&numbers]).await?;
    tx.rollback().await?;
    Ok(rows.iter().map(|row| row.get("name")).collect())
}

/// One column of rows as an array of texts (PostgreSQL documentation, section 8.15.2).
fn array(rows: &[Row], column: usize) -> String {
    let mut array = "{".to_owned();
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            array.push(',');
        }
        match &row[column] {
            None => array.push_str("NULL"),
            Some(text) => {
                array.push('"');
                for c in text.chars() {
                    if matches!(c, '"' | '\\') {
                        array.push('\\');
                    }
                    array.push(c);
                }
                array.push('"');
            }
        }
    }
    array.push('}');
    array
}

// Types of a template's or an extension's own, and those without a column of their own (`unknown`, `void`), are texts.
pub(crate) const TYPES: &str = "\
select case when t.oid < 16384 and t.typtype <> 'p' then pg_catalog.format_type(t.oid, null) else 'text' end as name
  from unnest($1::oid[]) with ordinality as asked (type_oid, place)
  left join pg_catalog.pg_type t on t.oid = asked.type_oid
 order by asked.place";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_keeps_every_character() {
        let rows = [r#"a"b"#, r"c\d", "e,f}", "", "NULL"].map(|text| vec![Some(text.to_owned())]);
        let rows: Vec<Row> = rows.into_iter().chain([vec![None]]).collect();
        assert_eq!(array(&rows, 0), r#"{"a\"b","c\\d","e,f}","","NULL",NULL}"#);
    }
}
