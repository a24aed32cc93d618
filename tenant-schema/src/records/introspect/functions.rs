//! Functions: those that are called, and those that read like columns or relationships of an object.

use std::collections::{BTreeMap, BTreeSet};

use catalog::access::ObjectWrite;

use super::Hidden;
use super::answer::{Attribute, Routine};
use crate::access_tag;
use crate::records::model::{
    Cardinality, Field, Function, Object, ObjectKind, Parameter, Relationship, Returned, TextSearch, Via,
    Volatility, Writable,
};

/// Reads the functions, and gives objects their computed columns and relationships.
///
/// PostgreSQL chooses among all functions of a name, and not only among those that are known here: a name that a hidden
/// function has, or one whose arguments cannot be named, is not called at all. What computes is found by its row.
///
/// A function of a row that may write is none that computes: reading a record would run it, past its tag. It is called.
pub(super) fn read(
    routines: Vec<Routine>,
    objects: &mut BTreeMap<String, Object>,
    hidden: &Hidden,
) -> BTreeMap<String, Vec<Function>> {
    let mut functions: BTreeMap<String, Vec<Function>> = BTreeMap::new();
    let mut closed = BTreeSet::new();
    for routine in routines {
        let (comment, access) = access_tag::take(routine.comment.as_deref());
        if access.is_hidden {
            closed.insert(routine.name);
            continue;
        }
        let row = row_argument(&routine).filter(|_| volatility(&routine) != Volatility::Volatile);
        match row.and_then(|name| objects.get_mut(name)) {
            Some(object) => compute(object, routine, comment, hidden),
            None => functions.entry(routine.name.clone()).or_default().push(Function {
                comment,
                write: access.write,
                ..function(routine, objects, &hidden.objects)
            }),
        }
    }
    functions.retain(|name, overloads| !closed.contains(name) && overloads.iter().all(Function::is_callable));
    functions
}

fn volatility(routine: &Routine) -> Volatility {
    match routine.volatility {
        'i' => Volatility::Immutable,
        's' => Volatility::Stable,
        _ => Volatility::Volatile,
    }
}

/// The relation of which the only parameter is a row.
fn row_argument(routine: &Routine) -> Option<&str> {
    match routine.parameters.as_slice() {
        [only] => only.row_of.as_deref(),
        _ => None,
    }
}

/// A function of a row is a relationship if it returns rows of a relation, and a column if it returns one value and no
/// column has its name: PostgreSQL takes that of the record first, also one that is hidden.
fn compute(object: &mut Object, routine: Routine, comment: Option<String>, hidden: &Hidden) {
    let is_column = object.field(&routine.name).is_some()
        || hidden
            .columns
            .contains(&(object.name.clone(), routine.name.clone()));
    match routine.row_of {
        Some(target) => {
            // It takes the place of what was found by foreign keys under its name.
            object.relationships.retain(|known| known.target != routine.name);
            let cardinality = if routine.one_row {
                Cardinality::ManyToOne
            } else {
                Cardinality::OneToMany
            };
            object.relationships.push(Relationship {
                target,
                cardinality,
                via: Via::Function { name: routine.name },
            });
            object.relationships.sort();
        }
        None if !routine.set && !is_column => {
            object
                .computed
                .push(routine.returns.into_field(routine.name, comment));
        }
        None => {}
    }
}

fn function(routine: Routine, objects: &BTreeMap<String, Object>, hidden: &BTreeSet<String>) -> Function {
    let volatility = volatility(&routine);
    let row_of = routine.row_of.as_ref().and_then(|name| objects.get(name));
    let returns = match row_of {
        Some(object) if hidden.contains(&object.name) => Returned::Row(Box::new(Object {
            fields: object.fields.clone(),
            ..row(&routine.name, Vec::new())
        })),
        Some(object) => Returned::Object(object.name.clone()),
        None if !routine.columns.is_empty() => Returned::Row(Box::new(row(&routine.name, routine.columns))),
        None => match routine.returns.base_type.as_str() {
            "void" => Returned::Nothing,
            "record" => Returned::Record,
            _ => Returned::Scalar(Box::new(routine.returns.into_field(routine.name.clone(), None))),
        },
    };
    let parameters = routine.parameters.into_iter().map(|argument| Parameter {
        category: argument.of_type.category(),
        name: argument.name,
        type_name: argument.of_type.type_name,
        enum_labels: argument.of_type.enum_labels,
        element_type: argument.of_type.element_type,
        has_default: argument.has_default,
        variadic: argument.variadic,
    });
    Function {
        parameters: parameters.collect(),
        name: routine.name,
        comment: None,
        write: ObjectWrite::Nobody,
        returns,
        returns_set: routine.set,
        volatility,
    }
}

/// A row that belongs to no relation, as an object that can only be read.
fn row(name: &str, columns: Vec<Attribute>) -> Object {
    let fields = columns
        .into_iter()
        .filter_map(Attribute::into_field)
        .map(|field| Field {
            nullable: true,
            ..field
        });
    Object {
        name: name.to_owned(),
        kind: ObjectKind::View,
        comment: None,
        write: ObjectWrite::Nobody,
        writable: Writable {
            insert: false,
            update: false,
            delete: false,
        },
        fields: fields.collect(),
        computed: Vec::new(),
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        foreign_keys: Vec::new(),
        relationships: Vec::new(),
        search: TextSearch::default(),
        soft_delete: false,
        versioned: false,
        tracks_fields: false,
    }
}
