//! The record engine: a request in PostgREST's dialect becomes one SQL statement, its row becomes the answer.
//!
//! The stages, each a module that knows only the one before it:
//!
//! 1. [`parse`]: query string, body and `Prefer` become the [`ast`]; nothing is looked up.
//! 2. [`plan`]: names are resolved in the [`model`] of the tenant's template version, rights of the object checked,
//!    deleted records hidden.
//! 3. [`sql`]: the plan becomes a statement without values, and its parameters.
//! 4. [`execute`](fn@execute) runs it in a tenant transaction; one row comes back ([`ResultRow`]).
//! 5. [`render`](fn@render): the row becomes an [`Answer`]. The JSON in it was made by PostgreSQL and is not read again.
//!
//! Stages 1 to 3 are [`prepare`]; none of them does input or output. What PostgreSQL refuses becomes a
//! [`RecordError`] by [`RecordError::from_database`].

use parse::prefer::Preference;
use plan::Asked;
use planned::planned;
use uuid::Uuid;

pub mod ast;
pub(crate) mod claim;
mod condition;
mod cursor;
mod error;
mod execute;
mod export;
#[cfg(test)]
mod fixture;
mod form;
mod guard;
mod introspect;
mod limits;
pub mod model;
pub mod openapi;
pub mod parse;
pub mod plan;
mod planned;
mod prepared;
pub mod quote;
mod render;
mod request;
mod rights;
pub mod sql;

pub use claim::{Claim, Fingerprint, IdempotencyKey};
pub use condition::{Conditions, Tag, Tags};
pub use cursor::{CursorKeys, CursorSeal};
pub(crate) use cursor::{ListDigest, Next};
pub use error::{Candidate, CursorError, DatabaseError, DatabaseFault, EmbedError, Raised, RecordError};
pub use execute::execute;
pub(crate) use execute::{fenced, refused, values};
pub use export::{PreparedExport, prepare_export};
pub use form::{Form, Lines, RowRange};
pub use introspect::INTROSPECT;
pub use limits::{Exceeded, Limits};
pub use model::{Object, SchemaModel};
pub use parse::body::{Format, Payload};
pub use parse::prefer::{Count, End, Preferences, Return};
pub(crate) use prepared::Fence;
pub use prepared::{Mode, Prepared};
pub use render::{Answer, ResultRow, Status, render};
pub use request::{CallBy, Operation, Request, Target};
pub use rights::Rights;
pub use sql::{Param, Query};

/// Parses and plans a request and writes its SQL. Ids of new records come from `new_id`.
pub fn prepare(
    model: &SchemaModel,
    request: &Request<'_>,
    operation: Operation<'_>,
    limits: Limits,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Prepared, RecordError> {
    let asked = Asked::of(model, request, limits)?;
    let planned = planned(request, operation, &asked, new_id)?;
    let cannot_end = |end| !planned.may_end(end);
    let preferences = request.preferences;
    preferences.refuse(|kind| kind == Preference::End && preferences.end.is_some_and(cannot_end))?;
    Ok(Prepared::of(planned, &asked, |_| true))
}

#[cfg(test)]
mod tests;
