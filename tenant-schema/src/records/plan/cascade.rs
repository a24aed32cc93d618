//! What falls with a record when it is removed and kept: the live records that belong to it, and those that belong to
//! these.
//!
//! A record belongs to another when its foreign key says `on delete cascade`: PostgreSQL would remove it with the other.
//! Only tables with `deleted_at` and `deletion_id` take part; in others, and in those that nobody may write through the
//! API, the records stay as they are, and what belongs to them stays too.

use catalog::access::ObjectWrite;

use crate::records::model::{Field, ForeignKey, Object, SchemaModel, distinct};

/// The tables whose records may fall with those of one object.
pub struct Cascade<'m> {
    /// Each comes after those that its records belong to. The object itself is in the first.
    pub(in crate::records) groups: Vec<Group<'m>>,
}

/// Tables that have to be looked at together.
pub struct Group<'m> {
    pub(in crate::records) tables: Vec<Falling<'m>>,
    /// Their records belong to records of this same group, by way of which any number of them may hang together: a
    /// table that refers to itself, or tables that refer to each other.
    pub(in crate::records) is_knot: bool,
}

/// A table whose records may fall.
pub struct Falling<'m> {
    pub(in crate::records) object: &'m Object,
    /// By which of its foreign keys; for the object itself there may be none.
    pub(in crate::records) ties: Vec<Tie<'m>>,
}

/// A foreign key by which records belong to others.
pub struct Tie<'m> {
    pub(in crate::records) owner: &'m Object,
    /// The columns of the key, each with the one that it refers to.
    pub(in crate::records) columns: Vec<(&'m Field, &'m Field)>,
}

impl<'m> Tie<'m> {
    /// The tie that a foreign key makes to an object which keeps its removed records, as far as the model shows both
    /// ends of it.
    pub(super) fn of(model: &'m SchemaModel, object: &'m Object, key: &ForeignKey) -> Option<Self> {
        let owner = model.objects.get(&key.references).filter(|_| key.cascades)?;
        let pairs = key.columns.iter().zip(&key.referenced_columns);
        let columns: Option<Vec<_>> = pairs
            .map(|(here, there)| Some((object.field(here)?, owner.field(there)?)))
            .collect();
        Some(Self {
            owner,
            columns: columns.filter(|_| owner.soft_delete)?,
        })
    }
}

impl<'m> Cascade<'m> {
    /// What may fall with records of `root`, which takes part.
    pub(super) fn of(model: &'m SchemaModel, root: &'m Object) -> Self {
        let mut tables = reached(model, root);
        for at in 0..tables.len() {
            let object = tables[at].object;
            let is_reached = |tie: &Tie<'m>| tables.iter().any(|table| table.object.is_same(tie.owner));
            let keys = object.foreign_keys.iter();
            let ties = keys.filter_map(|key| Tie::of(model, object, key));
            tables[at].ties = ties.filter(is_reached).collect();
        }
        Self {
            groups: grouped(tables),
        }
    }

    /// All tables, the object itself included.
    pub(in crate::records) fn tables(&self) -> impl Iterator<Item = &Falling<'m>> {
        self.groups.iter().flat_map(|group| &group.tables)
    }

    /// The columns of an object's records by which others are found to belong to them.
    pub(in crate::records) fn referenced(&self, object: &Object) -> Vec<&'m Field> {
        let ties = self.tables().flat_map(|table| &table.ties);
        let ties = ties.filter(|tie| tie.owner.is_same(object));
        distinct(ties.flat_map(|tie| tie.columns.iter().map(|(_, there)| *there)))
    }
}

/// The root, and every table that has a way of ties to it.
fn reached<'m>(model: &'m SchemaModel, root: &'m Object) -> Vec<Falling<'m>> {
    let table = |object| Falling {
        object,
        ties: Vec::new(),
    };
    let mut reached = vec![table(root)];
    let mut next = 0;
    while next < reached.len() {
        let owner = reached[next].object;
        next += 1;
        for object in model.objects.values().filter(|object| takes_part(object)) {
            let ties = || {
                object
                    .foreign_keys
                    .iter()
                    .filter_map(|key| Tie::of(model, object, key))
            };
            if !reached.iter().any(|known| known.object.is_same(object))
                && ties().any(|tie| tie.owner.is_same(owner))
            {
                reached.push(table(object));
            }
        }
    }
    reached
}

/// The engine can mark the object's records, and say which ones it marks.
fn takes_part(object: &Object) -> bool {
    let has_key = !object.primary_key.is_empty() && object.key_fields().len() == object.primary_key.len();
    object.deletion().is_some() && object.writable.update && object.write != ObjectWrite::Nobody && has_key
}

/// Puts tables that can be reached from each other into one group, and the groups into an order. The first table is the
/// one from which all others are reached, so it is in the first group.
fn grouped(tables: Vec<Falling<'_>>) -> Vec<Group<'_>> {
    let reach = reachability(&tables);
    let mut rest: Vec<(usize, Falling<'_>)> = tables.into_iter().enumerate().collect();
    let mut groups = Vec::new();
    while !rest.is_empty() {
        // One that no table of another group is above, among those which are left.
        let is_first = |at: usize| {
            rest.iter()
                .all(|(other, _)| !reach[*other][at] || reach[at][*other])
        };
        let first = rest.iter().map(|(at, _)| *at).find(|at| is_first(*at));
        let first =
            first.expect("what can be reached from each other counts as one, so the rest has a first");
        let is_in = |at: usize| at == first || reach[first][at] && reach[at][first];
        let (group, others) = rest.into_iter().partition(|(at, _)| is_in(*at));
        rest = others;
        let group: Vec<(usize, Falling<'_>)> = group;
        groups.push(Group {
            tables: group.into_iter().map(|(_, table)| table).collect(),
            is_knot: reach[first][first],
        });
    }
    groups
}

/// For each table, which ones can be reached from it by at least one tie, in the direction of falling.
fn reachability(tables: &[Falling<'_>]) -> Vec<Vec<bool>> {
    let below = |at: usize| {
        let owner = tables[at].object;
        let falls = move |table: &Falling<'_>| table.ties.iter().any(|tie| tie.owner.is_same(owner));
        let numbered = tables.iter().enumerate();
        numbered.filter(move |(_, table)| falls(table)).map(|(at, _)| at)
    };
    let reach = |start: usize| {
        let mut reached = vec![false; tables.len()];
        let mut next: Vec<usize> = below(start).collect();
        while let Some(at) = next.pop() {
            if !std::mem::replace(&mut reached[at], true) {
                next.extend(below(at));
            }
        }
        reached
    };
    (0..tables.len()).map(reach).collect()
}
