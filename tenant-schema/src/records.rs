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

use outcome::outcome;
use parse::prefer::Preference;
use plan::Asked;
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
mod outcome;
pub mod parse;
pub mod plan;
mod prepared;
pub mod quote;
mod render;
mod request;
mod rights;
pub mod sql;

pub use claim::{Claim, Fingerprint, IdempotencyKey};
pub use condition::{Conditions, Tag, Tags};
pub use cursor::{CursorKeys, CursorSeal};
pub use error::{Candidate, CursorError, DatabaseError, DatabaseFault, EmbedError, Raised, RecordError};
pub use execute::execute;
pub(crate) use execute::{fenced, refused, values};
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
    limits: Limits,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Prepared, RecordError> {
    let preferences = request.preferences;
    preferences.check()?;
    let time_zone = preferences.known_time_zone(|zone| model.time_zones.contains(zone))?;
    let context = plan::Context {
        model,
        limits,
        rights: request.rights,
    };
    let asked = Asked {
        context,
        query: request.query,
        preferences,
        form: request.form,
        range: request.range,
        every_row: matches!(request.operation, Operation::Export(_)),
        conditions: request.conditions,
        claim: request.claim,
        cursors: request.cursors,
    };
    let outcome = outcome(request, &asked, new_id)?;
    preferences.refuse(|kind| outcome.cannot_follow(preferences, kind))?;
    let end = preferences.end.filter(|end| outcome.may_end(*end));
    let applied = preferences.applied(|kind| match kind {
        Preference::TimeZone => time_zone.is_some(),
        Preference::End => end.is_some(),
        _ => outcome.applies(kind),
    });
    let mode = outcome.mode();
    let fence = match (mode, request.operation) {
        (Mode::ReadWrite, _) | (_, Operation::Call(_)) => Fence::Behind,
        (Mode::ReadOnly, _) => Fence::Within,
    };
    Ok(Prepared {
        mode,
        fence,
        form: request.form,
        applied,
        query: outcome.query,
        estimate: outcome.estimate,
        shape: outcome.shape,
        export: outcome.export,
        object: request.object.to_owned(),
        returning: preferences.returning.unwrap_or(Return::Minimal),
        count: preferences.count,
        max_rows: limits.max_rows,
        written: outcome.written,
        guards: outcome.guards,
        owners: outcome.owners,
        restores: matches!(request.operation, Operation::Restore { .. }),
        end: end.unwrap_or_default(),
        time_zone: time_zone.map(str::to_owned),
        conditions: request.conditions.clone(),
        is_plain: outcome.is_plain && time_zone.is_none(),
        claim: request.claim.filter(|_| mode == Mode::ReadWrite).cloned(),
        next: outcome.next,
    })
}

#[cfg(test)]
mod tests;
