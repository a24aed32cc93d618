//! Writes: adding, changing and removing records, and what is given back of them.

use catalog::access::{Action, ObjectWrite};

use super::Asked;
use super::items::selection;
use super::levels::Levels;
use super::order::order;
use super::read::Node;
use crate::records::ast::{Filter, QueryString};
use crate::records::claim::MAX_BODY;
use crate::records::error::{self, RecordError};
use crate::records::model::{Field, Object};
use crate::records::parse::prefer::Return;
use crate::records::sql::Keep;
use crate::records::{Form, guard::Guard};
use catalog::nearest::nearest;

mod change;
mod held;
mod insert;
mod purge;
mod removal;
mod restore;
mod said;

pub use change::{Bound, Delete, Fall, Update, delete, update};
pub(in crate::records) use held::check;
pub use held::{Absent, Held, Since, States};
pub use insert::{Conflict, Insert, Merge, Written, insert, replace};
pub use purge::{Purge, purge};
pub use restore::{Owner, Restore, restore};

/// What a write gives back.
pub struct Answering<'m> {
    /// The written records, when they are wanted: all of them, in an order.
    pub(in crate::records) node: Option<Node<'m>>,
    /// The form of their representation.
    pub(in crate::records) form: Form,
    /// The new version, when exactly one record is written.
    pub(in crate::records) version: Option<&'m Field>,
    /// The new record's key, when exactly one is added.
    pub(in crate::records) key: Vec<&'m Field>,
    /// What undoes the write, in any order.
    pub(in crate::records) guards: Vec<Guard>,
    /// The state that the record must be in.
    pub(in crate::records) held: Option<Held<'m>>,
    /// What keeps the answer.
    pub(in crate::records) keep: Option<Keep<'m>>,
}

impl<'m> Answering<'m> {
    /// Wants the record in this state.
    fn hold(&mut self, held: Option<Held<'m>>) {
        self.guards.extend(held.as_ref().map(|_| Guard::State));
        self.held = held;
    }

    /// It may be merged with what others have changed.
    pub(in crate::records) fn merges(&self) -> bool {
        self.held.as_ref().is_some_and(Held::merges)
    }
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

/// What the query string says of the answer. Its root has no filter, limit and offset any more: they are about which
/// records are written.
fn answering<'m>(node: Node<'m>, asked: &Asked<'m>, extent: Extent) -> Answering<'m> {
    let object = node.selection.object;
    let mut guards = Vec::new();
    if asked.request.form.is_singular() && extent != Extent::Named {
        guards.push(Guard::Singular);
    }
    let represents = asked.request.preferences.returning == Some(Return::Representation);
    if represents {
        guards.push(Guard::Size(asked.context.limits.answer_bytes));
        guards.extend(asked.request.claim.map(|_| Guard::Kept(MAX_BODY)));
    }
    let single = extent != Extent::Many;
    Answering {
        node: represents.then_some(node),
        form: match extent {
            Extent::Named => asked.request.form.of_one(),
            Extent::One | Extent::Many => asked.request.form,
        },
        version: object.version().filter(|_| single),
        key: Vec::new(),
        guards,
        held: None,
        keep: asked.request.claim.map(|claim| Keep {
            claim,
            written_only: extent == Extent::Named,
        }),
    }
}

/// What is selected of the written records. Names are checked even when nothing is returned: a wrong one is an error
/// either way.
fn written_records<'m>(
    object: &'m Object,
    said: QueryString,
    asked: &Asked<'m>,
) -> Result<Node<'m>, RecordError> {
    let mut levels = Levels::place(&said.select, said.embedded)?;
    let selection = selection(asked.context, object, said.select, &mut levels)?;
    Ok(Node {
        order: order(&selection, said.root.order)?,
        selection,
        filter: Filter::default(),
        limit: None,
        offset: 0,
    })
}

/// PostgreSQL's own rule (`grant`, "Privileges"): a write that returns records, or looks at them to choose which, needs
/// the right to read them too. `looks` says that it does either; [`Extent::Named`] and a plain insert do not.
fn may_read(object: &Object, asked: &Asked<'_>, looks: bool) -> Result<(), RecordError> {
    if !looks || asked.context.rights.allows(object, Action::Read) {
        return Ok(());
    }
    Err(RecordError::MayNotRead {
        object: object.name.clone(),
    })
}

/// The query string makes a page of records, or the answer has them.
fn shows(said: &QueryString, asked: &Asked<'_>) -> bool {
    let root = &said.root;
    asked.request.preferences.returning == Some(Return::Representation)
        || !root.order.is_empty()
        || root.limit.is_some()
        || root.offset.is_some()
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
