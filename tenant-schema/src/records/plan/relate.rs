//! Which relationship a request means when it embeds: PostgREST's rules ("Resource Embedding").

use super::Context;
use crate::records::ast::EmbedItem;
use crate::records::error::{Candidate, EmbedError, RecordError, shorten};
use crate::records::model::{Cardinality, Object, Relationship, Via};
use catalog::nearest::nearest;

/// Finds the relationship that leads from an object to what is to be embedded.
pub(super) fn find<'m>(
    context: Context<'m>,
    object: &'m Object,
    item: &EmbedItem,
) -> Result<&'m Relationship, RecordError> {
    let meant = candidates(context, object, item);
    match meant.as_slice() {
        [] => Err(unrelated(object, item).into()),
        [only] => Ok(only),
        several => Err(EmbedError::Ambiguous {
            object: object.name.clone(),
            relation: item.relation.clone(),
            candidates: several
                .iter()
                .map(|relationship| Candidate::new(&object.name, relationship))
                .collect(),
        }
        .into()),
    }
}

/// A function that is made for it comes before every key; the name of a junction's constraint is tried last.
fn candidates<'m>(context: Context<'m>, object: &'m Object, item: &EmbedItem) -> Vec<&'m Relationship> {
    let wanted = item.relation.as_str();
    let of = |suits: &dyn Fn(&Relationship) -> bool| -> Vec<&'m Relationship> {
        object.relationships.iter().filter(|known| suits(known)).collect()
    };
    let by_function = of(&|known| matches!(&known.via, Via::Function { name } if name == wanted));
    if !by_function.is_empty() {
        return by_function;
    }
    let is_self = |known: &Relationship| known.target == object.name;
    let Some(hint) = item.hint.as_deref() else {
        return of(&|known| {
            if is_self(known) {
                self_reference(known, wanted)
            } else {
                (known.target == wanted && !is_function(known)) || names_key(context, known, wanted)
            }
        });
    };
    let to_wanted = |known: &Relationship| known.target == wanted && !is_function(known);
    let by_hint = of(&|known| {
        to_wanted(known)
            && if is_self(known) {
                hinted_self_reference(known, hint)
            } else {
                hinted(known, hint)
            }
    });
    if by_hint.is_empty() {
        return of(&|known| to_wanted(known) && junction_by(known, hint, is_self(known)));
    }
    by_hint
}

fn is_function(known: &Relationship) -> bool {
    matches!(known.via, Via::Function { .. })
}

fn own_constraint(known: &Relationship) -> Option<(&str, bool)> {
    match &known.via {
        Via::ForeignKey {
            constraint, is_own, ..
        } => Some((constraint, *is_own)),
        _ => None,
    }
}

/// The constraint's name, or the only column of the object's own foreign key, stands for the target, if that is a
/// table: a view has no keys of its own.
fn names_key(context: Context<'_>, known: &Relationship, wanted: &str) -> bool {
    let is_view = context
        .model
        .objects
        .get(&known.target)
        .is_none_or(|target| target.kind.is_view());
    let Some((constraint, is_own)) = own_constraint(known) else {
        return false;
    };
    !is_view && (constraint == wanted || (is_own && known.own_column() == Some(wanted)))
}

fn hinted(known: &Relationship, hint: &str) -> bool {
    let is_constraint = own_constraint(known).is_some_and(|(constraint, _)| constraint == hint);
    is_constraint || [known.own_column(), known.target_column(), known.junction()].contains(&Some(hint))
}

/// A junction by the name of a constraint of its own: of one object with itself, the one that names this record.
fn junction_by(known: &Relationship, hint: &str, is_self: bool) -> bool {
    match &known.via {
        Via::Junction { own_constraint, .. } if is_self => own_constraint == hint,
        Via::Junction { .. } => known.has_constraint(hint),
        _ => false,
    }
}

/// One foreign key makes two relationships of an object with itself: by the object's name those that refer to the
/// record are meant, by the column's name the one that it refers to.
fn self_reference(known: &Relationship, wanted: &str) -> bool {
    let Some((_, is_own)) = own_constraint(known) else {
        return false;
    };
    if is_own {
        known.own_column() == Some(wanted)
    } else {
        known.target == wanted && known.cardinality == Cardinality::OneToMany
    }
}

fn hinted_self_reference(known: &Relationship, hint: &str) -> bool {
    match own_constraint(known) {
        Some((_, is_own)) => !is_own && known.target_column() == Some(hint),
        None => known.junction() == Some(hint),
    }
}

fn unrelated(object: &Object, item: &EmbedItem) -> EmbedError {
    let known = || {
        object.relationships.iter().map(|known| match &known.via {
            Via::Function { name } => name.as_str(),
            _ => known.target.as_str(),
        })
    };
    let is_known = known().any(|name| name == item.relation);
    EmbedError::Unrelated {
        object: object.name.clone(),
        relation: shorten(&item.relation),
        hint: item.hint.as_deref().map(shorten),
        nearest: nearest(&item.relation, known())
            .filter(|_| !is_known)
            .map(str::to_owned),
    }
}
