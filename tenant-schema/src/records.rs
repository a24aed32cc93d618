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

use guard::Guard;
use parse::prefer::Preference;
use plan::Asked;
use uuid::Uuid;

pub mod ast;
mod claim;
mod condition;
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
mod nearest;
pub mod openapi;
pub mod parse;
pub mod plan;
pub mod quote;
mod render;
mod rights;
pub mod sql;

pub use claim::{Claim, Fingerprint, IdempotencyKey};
pub use condition::{Conditions, Tag, Tags};
pub use error::{Candidate, DatabaseError, DatabaseFault, EmbedError, Raised, RecordError};
pub use execute::execute;
pub(crate) use execute::{refused, values};
use export::Export;
pub use form::{Form, Lines, RowRange};
pub use introspect::INTROSPECT;
pub use limits::{Exceeded, Limits};
pub use model::{Object, SchemaModel};
pub use parse::body::{Format, Payload};
pub use parse::prefer::{Count, End, Preferences, Return};
pub use render::{Answer, ResultRow, Status, render};
pub use rights::Rights;
pub use sql::{Param, Query};

/// A request for records, taken from HTTP but free of it.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The object's name.
    pub object: &'a str,
    /// The raw query string, still percent-encoded, without `?`.
    pub query: &'a str,
    /// What the client prefers.
    pub preferences: &'a Preferences,
    /// What the caller may do.
    pub rights: Rights<'a>,
    /// The form of the answer.
    pub form: Form,
    /// The rows that are wanted, from the `Range` header.
    pub range: Option<RowRange>,
    /// The state that the record must be in.
    pub conditions: &'a Conditions,
    /// The idempotency key of a write; a read is done again at no harm and claims none.
    pub claim: Option<&'a Claim>,
    /// What to do.
    pub operation: Operation<'a>,
}

/// What a request does.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    /// `GET /{object}`
    List,
    /// `GET /{object}` in a form that has as many records as there are: see [`Exports`](crate::exports).
    Export(Lines),
    /// `GET /{object}/{id}`
    Get {
        /// The record's id, percent-decoded.
        id: &'a str,
    },
    /// `POST /{object}`
    Insert {
        /// The new records.
        body: Payload<'a>,
    },
    /// `PUT /{object}` with a filter that names a key, or `PUT /{object}/{id}`
    Replace {
        /// The key.
        target: Target<'a>,
        /// The one record.
        body: Payload<'a>,
    },
    /// `PATCH /{object}` or `PATCH /{object}/{id}`
    Update {
        /// Which records.
        target: Target<'a>,
        /// The new values.
        body: Payload<'a>,
    },
    /// `DELETE /{object}` or `DELETE /{object}/{id}`
    Delete {
        /// Which records.
        target: Target<'a>,
    },
    /// `POST /{object}/{id}/restore`
    Restore {
        /// The record's id, percent-decoded.
        id: &'a str,
    },
    /// `POST /{object}/{id}/purge`
    Purge {
        /// The record's id, percent-decoded.
        id: &'a str,
    },
    /// `GET` or `POST /rpc/{function}`: the request's object is the function's name.
    Call(CallBy<'a>),
}

/// How a function is called.
#[derive(Debug, Clone, Copy)]
pub enum CallBy<'a> {
    /// `GET`: the query string has the arguments, and the function can only read.
    Get,
    /// `POST`: the body has the arguments.
    Post(Payload<'a>),
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
    pub(crate) query: Query,
    /// `explain` of what a page is taken from, when its number is to be estimated.
    estimate: Option<Query>,
    /// The kind of transaction that it needs.
    mode: Mode,
    /// The object's name.
    object: String,
    /// What its row means.
    shape: Shape,
    /// It gives a row for every record of an export.
    pub(crate) export: Option<Export>,
    /// The form of the answer.
    form: Form,
    /// `Preference-Applied`
    applied: Option<String>,
    /// What a write answers with.
    returning: Return,
    /// How the total number of records is to be found, if it is wanted.
    count: Option<Count>,
    /// The bound of exact counting for an estimate.
    max_rows: u64,
    /// The columns that the body gives values for, with their types.
    written: Vec<(String, String)>,
    /// What the statement checks of its outcome.
    guards: Vec<Guard>,
    /// The objects whose records a restored one belongs to, as far as the caller may know them, in the order in which
    /// the statement numbers them.
    owners: Vec<Option<String>>,
    /// It brings back what was removed.
    restores: bool,
    /// How its transaction ends.
    end: End,
    /// The time zone of its transaction.
    time_zone: Option<String>,
    /// What a read must be like to be answered.
    conditions: Conditions,
    /// The representation follows from the record's version alone.
    is_plain: bool,
    /// The idempotency key that it claims.
    claim: Option<Claim>,
}

impl Prepared {
    /// The text of the statement; values are never in it.
    pub fn text(&self) -> &str {
        &self.query.text
    }

    /// What is bound to `$1`, `$2`, …; nothing is NULL.
    pub fn values(&self) -> impl Iterator<Item = Option<&str>> {
        self.query.params.iter().map(|param| param.value.as_deref())
    }

    /// The kind of transaction that it needs.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How its transaction ends when the statement has worked.
    pub fn end(&self) -> End {
        self.end
    }

    /// The time zone of its transaction, if it is not the server's: a name that PostgreSQL knows.
    pub fn time_zone(&self) -> Option<&str> {
        self.time_zone.as_deref()
    }

    /// A statement of a test's own, to look at the session from inside: the one way to run SQL in a tenant that did
    /// not come from [`prepare`]. `tidy` keeps it out of everything but tests.
    #[doc(hidden)]
    pub fn of_test(mode: Mode, text: &str) -> Self {
        let query = Query {
            text: text.to_owned(),
            params: Vec::new(),
        };
        Self {
            query,
            estimate: None,
            mode,
            object: "test".to_owned(),
            shape: Shape::Record,
            export: None,
            form: Form::Plural,
            applied: None,
            returning: Return::Minimal,
            count: None,
            max_rows: 0,
            written: Vec::new(),
            guards: Vec::new(),
            owners: Vec::new(),
            restores: false,
            end: End::Commit,
            time_zone: None,
            conditions: Conditions::default(),
            is_plain: true,
            claim: None,
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
    /// Records that are new, or were there and took new values.
    Merged { key: Vec<String> },
    /// One record that was put at its key.
    Put,
    /// One record that was changed or removed, if there was one.
    WrittenRecord,
    /// The records a filter found were changed.
    Updated,
    /// The records a filter found were removed.
    Deleted,
    /// A function was called.
    Called {
        /// Which of its results are answered, if it returns a set: how many come before them, and how many there are
        /// at most.
        page: Option<(u64, u64)>,
        /// It returns nothing.
        nothing: bool,
        /// It may write.
        writes: bool,
    },
}

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
    };
    let outcome = outcome(request, &asked, new_id)?;
    let end = preferences.end.filter(|end| outcome.may_end(*end));
    let applied = preferences.applied(|kind| match kind {
        Preference::TimeZone => time_zone.is_some(),
        Preference::End => end.is_some(),
        _ => outcome.applies(kind),
    });
    let mode = outcome.mode();
    Ok(Prepared {
        mode,
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
    })
}

/// Plans the operation of a request and writes its SQL.
fn outcome(
    request: &Request<'_>,
    asked: &Asked<'_>,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Result<Outcome, RecordError> {
    let name = request.object;
    let object = || asked.context.model.object(name);
    plan::check(request, object)?;
    Ok(match request.operation {
        Operation::List => {
            let plan = plan::list(object()?, asked)?;
            let shape = Shape::Page {
                offset: plan.offset(),
            };
            let guess = plan.count.is_some_and(Count::estimates);
            Outcome {
                estimate: guess.then(|| sql::estimate(&plan)).transpose()?,
                ..Outcome::of(sql::list(&plan)?, shape)
            }
        }
        Operation::Export(lines) => Outcome::export(&plan::list(object()?, asked)?, lines)?,
        Operation::Get { id } => {
            let plan = plan::get(object()?, id, asked)?;
            Outcome {
                is_plain: plan.is_plain(),
                ..Outcome::of(sql::get(&plan)?, Shape::Record)
            }
        }
        Operation::Insert { body } => Outcome::insert(&plan::insert(object()?, body, asked, new_id)?)?,
        Operation::Replace { target, body } => {
            let plan = plan::replace(object()?, target, body, asked, new_id)?;
            Outcome {
                shape: Shape::Put,
                ..Outcome::insert(&plan)?
            }
        }
        Operation::Update { target, body } => {
            let plan = plan::update(object()?, target, body, asked)?;
            Outcome {
                written: typed(plan.columns.iter().copied()),
                guards: plan.answer.guards.clone(),
                merges: plan.answer.merges(),
                ..Outcome::of(sql::update(&plan)?, written_shape(target, Shape::Updated))
            }
        }
        Operation::Delete { target } => {
            let plan = plan::delete(object()?, target, asked, new_id)?;
            Outcome {
                guards: plan.answer.guards.clone(),
                ..Outcome::of(sql::delete(&plan)?, written_shape(target, Shape::Deleted))
            }
        }
        Operation::Restore { id } => {
            let plan = plan::restore(object()?, id, asked)?;
            Outcome {
                guards: plan.answer.guards.clone(),
                owners: plan.owners.iter().map(|owner| owner.shown.clone()).collect(),
                ..Outcome::of(sql::restore(&plan)?, Shape::WrittenRecord)
            }
        }
        Operation::Purge { id } => {
            let plan = plan::purge(object()?, id, asked)?;
            Outcome {
                guards: plan.answer.guards.clone(),
                ..Outcome::of(sql::purge(&plan)?, Shape::WrittenRecord)
            }
        }
        Operation::Call(by) => Outcome::call(&plan::call(name, by, asked)?)?,
    })
}

/// A statement, and what is known of it.
struct Outcome {
    query: Query,
    /// Says what PostgreSQL expects a page to be taken from.
    estimate: Option<Query>,
    shape: Shape,
    export: Option<Export>,
    written: Vec<(String, String)>,
    guards: Vec<Guard>,
    /// What a restored record belongs to.
    owners: Vec<Option<String>>,
    /// `Prefer: resolution` made a difference.
    resolves: bool,
    /// `Prefer: merge` made a difference.
    merges: bool,
    /// What is answered follows from the record's version alone.
    is_plain: bool,
}

impl Outcome {
    fn of(query: Query, shape: Shape) -> Self {
        Self {
            query,
            estimate: None,
            shape,
            export: None,
            written: Vec::new(),
            guards: Vec::new(),
            owners: Vec::new(),
            resolves: false,
            merges: false,
            is_plain: true,
        }
    }

    fn insert(plan: &plan::Insert<'_>) -> Result<Self, RecordError> {
        let key = plan.object.primary_key.clone();
        let shape = if plan.merges() {
            Shape::Merged { key }
        } else {
            Shape::Inserted { key }
        };
        Ok(Self {
            written: typed(plan.columns.iter().map(|column| column.field)),
            guards: plan.answer.guards.clone(),
            resolves: plan.conflict.is_some(),
            ..Self::of(sql::insert(plan)?, shape)
        })
    }

    fn call(plan: &plan::Call<'_>) -> Result<Self, RecordError> {
        let page = match &plan.result {
            plan::Results::Rows(node) => node.limit.map(|limit| (node.offset, limit)),
            plan::Results::Values { offset, limit, .. } => limit.map(|limit| (*offset, limit)),
            plan::Results::Nothing => None,
        };
        let parameters = plan.function.parameters.iter();
        let shape = Shape::Called {
            page,
            nothing: matches!(plan.result, plan::Results::Nothing),
            writes: plan.writes,
        };
        Ok(Self {
            written: parameters
                .map(|parameter| (parameter.name.clone(), parameter.type_name.clone()))
                .collect(),
            guards: plan.guards.clone(),
            ..Self::of(sql::call(plan)?, shape)
        })
    }

    fn mode(&self) -> Mode {
        match self.shape {
            Shape::Page { .. } | Shape::Record | Shape::Called { writes: false, .. } => Mode::ReadOnly,
            _ => Mode::ReadWrite,
        }
    }

    /// Whether the client may choose this end. A function that may write keeps books of its own (attempts, quotas),
    /// which nobody who calls it may undo.
    fn may_end(&self, end: End) -> bool {
        end == End::Commit || !matches!(self.shape, Shape::Called { writes: true, .. })
    }

    /// Whether a preference that was said makes a difference to this statement.
    fn applies(&self, kind: Preference) -> bool {
        let is_insert = matches!(self.shape, Shape::Inserted { .. } | Shape::Merged { .. });
        let is_change = matches!(
            self.shape,
            Shape::Updated | Shape::WrittenRecord | Shape::Deleted | Shape::Called { .. }
        );
        let is_call = matches!(self.shape, Shape::Called { .. });
        match kind {
            Preference::Resolution => is_insert && self.resolves,
            Preference::Missing => is_insert || matches!(self.shape, Shape::Updated),
            Preference::Return => self.mode() == Mode::ReadWrite && !is_call,
            Preference::MaxAffected => is_change,
            Preference::Merge => self.merges,
            Preference::Count => self.export.is_none(),
            Preference::End | Preference::Handling | Preference::TimeZone => true,
        }
    }
}

fn written_shape(target: Target<'_>, filtered: Shape) -> Shape {
    match target {
        Target::Id(_) => Shape::WrittenRecord,
        Target::Filtered => filtered,
    }
}

fn typed<'m>(columns: impl Iterator<Item = &'m model::Field>) -> Vec<(String, String)> {
    columns
        .map(|field| (field.name.clone(), field.type_name.clone()))
        .collect()
}

#[cfg(test)]
mod tests;
