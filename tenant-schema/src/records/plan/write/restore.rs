//! Bringing back a record that was removed, with everything that fell with it.

use catalog::access::Action;

use super::{Answering, Extent, Held, answering, may_read, may_write, said, shows, written_records};
use crate::records::ast::{Deleted, Filter};
use crate::records::error::RecordError;
use crate::records::guard::Guard;
use crate::records::model::{Field, Object};
use crate::records::parse::Verb;
use crate::records::plan::Asked;
use crate::records::plan::cascade::{Cascade, Tie};
use crate::records::plan::filter::visible;

/// Brings back a record.
pub struct Restore<'m> {
    pub(in crate::records) object: &'m Object,
    /// The record, by its key.
    pub(in crate::records) key: &'m Field,
    pub(in crate::records) id: String,
    /// Where others may have fallen with it; nothing where records fall alone.
    pub(in crate::records) cascade: Option<Cascade<'m>>,
    /// What the object's records belong to.
    pub(in crate::records) owners: Vec<Owner<'m>>,
    pub(in crate::records) answer: Answering<'m>,
}

/// What a record cannot live without.
pub struct Owner<'m> {
    pub(in crate::records) tie: Tie<'m>,
    /// What was removed with the record comes back with it.
    pub(in crate::records) comes_back: bool,
    /// The object's name, for a caller who may read it.
    pub(in crate::records) shown: Option<String>,
}

/// Plans bringing back a record. What it belongs to has to be live, or to come back with it: records come back
/// downwards, from what was removed to what fell with it, because the right to change a record is none to bring back
/// what it belongs to.
pub fn restore<'m>(object: &'m Object, id: &str, asked: &Asked<'m>) -> Result<Restore<'m>, RecordError> {
    let (key, mut answer) = of_the_bin(object, id, asked, object.writable.update, Verb::Restore)?;
    let model = asked.context.model;
    let cascade = object.deletion().map(|_| Cascade::of(model, object));
    let falls = |owner: &Object| {
        let mut tables = cascade.iter().flat_map(Cascade::tables);
        tables.any(|table| table.object.is_same(owner))
    };
    let ties = object.foreign_keys.iter();
    let owners: Vec<Owner<'m>> = ties
        .filter_map(|key| Tie::of(model, object, key))
        .map(|tie| Owner {
            comes_back: falls(tie.owner),
            shown: Some(tie.owner.name.clone())
                .filter(|_| asked.context.rights.allows(tie.owner, Action::Read)),
            tie,
        })
        .collect();
    if !owners.is_empty() {
        answer.guards.push(Guard::Owner);
    }
    Ok(Restore {
        object,
        key,
        id: id.to_owned(),
        cascade,
        owners,
        answer,
    })
}

/// What is common to all that is done to one record of the bin: its key, and the answer.
pub(super) fn of_the_bin<'m>(
    object: &'m Object,
    id: &str,
    asked: &Asked<'m>,
    able: bool,
    verb: Verb,
) -> Result<(&'m Field, Answering<'m>), RecordError> {
    if !object.soft_delete {
        return Err(RecordError::NoBin {
            object: object.name.clone(),
        });
    }
    may_write(object, able, verb.action())?;
    let said = said::read(object, asked, verb)?;
    may_read(object, asked, shows(&said.query, asked))?;
    let key = object.key().ok_or_else(|| RecordError::NoKey {
        object: object.name.clone(),
    })?;
    let found = visible(object, Some(id), Filter::default(), Some(Deleted::Only), &[])?;
    let node = written_records(object, said.query, asked)?;
    let mut answer = answering(node, asked, Extent::Named);
    answer.hold(Held::by(object, &found, asked));
    answer.guards.push(Guard::Deleted);
    if let Some(most) = asked.request.preferences.bound() {
        answer.guards.push(Guard::MaxAffected(most));
    }
    Ok((key, answer))
}
