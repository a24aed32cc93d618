//! Writes: adding, changing and removing records, and what is given back of them.

use catalog::access::ObjectWrite;

use super::Context;
use super::filter::Spot;
use super::levels::Levels;
use super::select::{Selection, selection};
use crate::records::ast::{OrderTerm, QueryString, SortKey};
use crate::records::error::{self, RecordError};
use crate::records::model::{Field, Object};
use crate::records::nearest::nearest;
use crate::records::parse::prefer::{Preferences, Return};
use crate::records::{Form, guard::Guard};

mod change;
mod insert;
mod said;

pub use change::{Bound, Delete, Update, delete, update};
pub use insert::{Conflict, Insert, Merge, Written, insert, replace};

/// What a write is asked beside its target and its body.
#[derive(Clone, Copy)]
pub struct Asked<'m> {
    /// What every plan depends on.
    pub context: Context<'m>,
    /// The raw query string.
    pub query: &'m str,
    /// What the client prefers.
    pub preferences: &'m Preferences,
    /// The form of the answer.
    pub form: Form,
}

/// What a write gives back.
pub struct Answering<'m> {
    /// The representation, when it is wanted.
    pub(in crate::records) select: Option<Selection<'m>>,
    /// The order of the representation.
    pub(in crate::records) order: Vec<OrderTerm<Spot<'m>>>,
    /// The representation is one object rather than an array.
    pub(in crate::records) as_object: bool,
    /// The new version, when exactly one record is written.
    pub(in crate::records) version: Option<&'m Field>,
    /// The new record's key, when exactly one is added.
    pub(in crate::records) key: Vec<&'m Field>,
    /// What undoes the write.
    pub(in crate::records) guards: Vec<Guard>,
}

/// How many records a write is about, as far as the request says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// The one that the path names: the answer is an object.
    Named,
    /// Exactly one.
    One,
    /// Any number.
    Many,
}

fn answering<'m>(
    object: &'m Object,
    said: QueryString,
    asked: &Asked<'m>,
    extent: Extent,
) -> Result<Answering<'m>, RecordError> {
    // Names are checked even when nothing is returned: a wrong one is an error either way.
    let mut levels = Levels::place(&said.select, said.embedded)?;
    let selection = selection(asked.context, object, said.select, &mut levels)?;
    selection.refuse_aggregates()?;
    let order = order(object, said.root.order)?;
    let mut guards = Vec::new();
    if asked.form == Form::Singular && extent != Extent::Named {
        guards.push(Guard::Singular);
    }
    let represents = asked.preferences.returning == Some(Return::Representation);
    if represents {
        guards.push(Guard::Size(asked.context.limits.answer_bytes));
    }
    let single = extent != Extent::Many && object.versioned;
    Ok(Answering {
        select: represents.then_some(selection),
        order,
        as_object: extent == Extent::Named || asked.form == Form::Singular,
        version: object.field("version").filter(|_| single),
        key: Vec::new(),
        guards,
    })
}

/// What written records are sorted by: values of their own.
fn order(object: &Object, terms: Vec<OrderTerm<SortKey>>) -> Result<Vec<OrderTerm<Spot<'_>>>, RecordError> {
    let terms = terms.into_iter().map(|term| {
        if term.key.embed.is_some() {
            let details = "Related orders are implemented for lists only.";
            return Err(RecordError::NotImplemented { details });
        }
        Ok(OrderTerm {
            key: Spot::find(object, term.key.column)?,
            direction: term.direction,
            nulls: term.nulls,
        })
    });
    terms.collect()
}

fn may_write(object: &Object, able: bool, action: &'static str) -> Result<(), RecordError> {
    if able && object.write != ObjectWrite::Nobody {
        return Ok(());
    }
    Err(RecordError::NotWritable {
        object: object.name.clone(),
        action,
    })
}

/// The field that a body or `columns=` names.
fn written<'m>(object: &'m Object, name: &str) -> Result<&'m Field, RecordError> {
    object.field(name).ok_or_else(|| RecordError::UnknownBodyColumn {
        object: object.name.clone(),
        column: error::shorten(name),
        nearest: nearest(name, object.fields.iter().map(|field| field.name.as_str())).map(str::to_owned),
    })
}

fn computed(object: &Object, field: &Field) -> RecordError {
    RecordError::ComputedColumn {
        object: object.name.clone(),
        column: field.name.clone(),
    }
}

fn read_only(object: &Object, field: &Field) -> RecordError {
    RecordError::ReadOnlyColumn {
        object: object.name.clone(),
        column: field.name.clone(),
    }
}
