//! The record engine: a request in PostgREST's dialect becomes one SQL statement, its row becomes the answer.
//!
//! The stages, each a module that knows only the one before it:
//!
//! 1. [`parse`]: query string, body and `Prefer` become the [`ast`]; nothing is looked up.
//! 2. [`plan`]: names are resolved in the [`model`] of the tenant's template version, rights of the object checked,
//!    deleted records hidden.
//! 3. [`sql`]: the plan becomes a statement without values, and its parameters.
//! 4. [`execute`](fn@execute) runs it in a tenant transaction; one row of four columns comes back ([`ResultRow`]).
//! 5. [`render`](fn@render): the row becomes an [`Answer`]. The JSON in it was made by PostgreSQL and is not read again.
//!
//! Stages 1 to 3 are [`prepare`]; none of them does input or output. What PostgreSQL refuses becomes a
//! [`RecordError`] by [`RecordError::from_database`].

use uuid::Uuid;

pub mod ast;
mod error;
mod execute;
#[cfg(test)]
mod fixture;
mod introspect;
mod limits;
pub mod model;
mod nearest;
pub mod parse;
pub mod plan;
pub mod quote;
mod readable;
mod render;
pub mod sql;

pub use error::{Candidate, DatabaseError, DatabaseFault, EmbedError, RecordError};
pub use execute::execute;
pub use introspect::INTROSPECT;
pub use limits::{Exceeded, Limits};
pub use model::{Object, SchemaModel};
pub use parse::prefer::{Preferences, Return};
pub use readable::Readable;
pub use render::{Answer, ResultRow, Status, render};
pub use sql::{Param, Query};

/// A request for records, taken from HTTP but free of it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The object's name.
    pub object: &'a str,
    /// The raw query string, still percent-encoded, without `?`.
    pub query: &'a str,
    /// What the client prefers.
    pub preferences: Preferences,
    /// What the caller may read besides the object itself.
    pub readable: Readable<'a>,
    /// What to do.
    pub operation: Operation<'a>,
}

/// What a request does.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    /// `GET /{object}`
    List,
    /// `GET /{object}/{id}`
    Get {
        /// The record's id, percent-decoded.
        id: &'a str,
    },
    /// `POST /{object}`
    Insert {
        /// The JSON body.
        body: &'a [u8],
    },
    /// `PATCH /{object}` or `PATCH /{object}/{id}`
    Update {
        /// Which records.
        target: Target<'a>,
        /// The JSON body.
        body: &'a [u8],
    },
    /// `DELETE /{object}` or `DELETE /{object}/{id}`
    Delete {
        /// Which records.
        target: Target<'a>,
    },
}

/// The records that a write is about.
#[derive(Debug, Clone, Copy)]
pub enum Target<'a> {
    /// The one in the path, percent-decoded.
    Id(&'a str),
    /// Those that the query string's filters find; there must be a filter.
    Filtered,
}

/// A request that is ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The one statement to run.
    query: Query,
    /// The kind of transaction that it needs.
    mode: Mode,
    /// The object's name.
    object: String,
    /// What its row means.
    shape: Shape,
    /// `Prefer: return`, if it was said.
    preferred: Option<Return>,
    /// The columns that the body gives values for, with their types.
    written: Vec<(String, String)>,
}

impl Prepared {
    /// The text of the statement; values are never in it.
    pub fn text(&self) -> &str {
        &self.query.text
    }

    /// The kind of transaction that it needs.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// A statement of a test's own, to look at the session from inside: the one way to run SQL in a tenant that did
    /// not come from [`prepare`]. `tidy` keeps it out of everything but tests.
    #[doc(hidden)]
    pub fn of_test(mode: Mode, text: &str) -> Self {
        let query = Query {
            text: text.to_owned(),
            params: Vec::new(),
        };
        let (object, shape) = ("test".to_owned(), Shape::Record);
        Self {
            query,
            mode,
            object,
            shape,
            preferred: None,
            written: Vec::new(),
        }
    }
}

/// What a statement does to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It runs in a read-only transaction.
    ReadOnly,
    /// It writes.
    ReadWrite,
}

/// What the row of a prepared request means.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    /// A page that begins after `offset` rows.
    Page { offset: u64 },
    /// One record, or no row.
    Record,
    /// New records; the names of the key's columns.
    Inserted { key: Vec<String> },
    /// One record that was changed or removed, if there was one.
    WrittenRecord,
    /// The records a filter found were changed.
    Updated,
    /// The records a filter found were removed.
    Deleted,
}

/// Parses and plans a request and writes its SQL. Ids of new records come from `new_id`.
pub fn prepare(
    model: &SchemaModel,
    request: &Request<'_>,
    limits: Limits,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Prepared, RecordError> {
    let object = model.object(request.object)?;
    let returning = request.preferences.returning.unwrap_or(Return::Minimal);
    let context = plan::Context {
        model,
        limits,
        readable: request.readable,
    };
    let mut written = Vec::new();
    let (query, shape) = match request.operation {
        Operation::List => {
            let plan = plan::list(context, object, request.query)?;
            let offset = plan.offset();
            (sql::list(&plan)?, Shape::Page { offset })
        }
        Operation::Get { id } => (
            sql::get(&plan::get(context, object, id, request.query)?)?,
            Shape::Record,
        ),
        Operation::Insert { body } => {
            let plan = plan::insert(context, object, request.query, body, returning, new_id)?;
            written = typed(&plan.columns);
            (
                sql::insert(&plan)?,
                Shape::Inserted {
                    key: object.primary_key.clone(),
                },
            )
        }
        Operation::Update { target, body } => {
            let plan = plan::update(context, object, target, request.query, body, returning)?;
            written = typed(&plan.columns);
            (sql::update(&plan)?, written_shape(target, Shape::Updated))
        }
        Operation::Delete { target } => {
            let plan = plan::delete(context, object, target, request.query, returning)?;
            (sql::delete(&plan)?, written_shape(target, Shape::Deleted))
        }
    };
    let mode = match shape {
        Shape::Page { .. } | Shape::Record => Mode::ReadOnly,
        _ => Mode::ReadWrite,
    };
    let preferred = request.preferences.returning;
    Ok(Prepared {
        query,
        mode,
        object: object.name.clone(),
        shape,
        preferred,
        written,
    })
}

fn written_shape(target: Target<'_>, filtered: Shape) -> Shape {
    match target {
        Target::Id(_) => Shape::WrittenRecord,
        Target::Filtered => filtered,
    }
}

fn typed(columns: &[&model::Field]) -> Vec<(String, String)> {
    columns
        .iter()
        .map(|field| (field.name.clone(), field.type_name.clone()))
        .collect()
}

#[cfg(test)]
mod tests;
