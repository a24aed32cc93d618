//! The statement that reads a schema fresh from the template, and the model made of its answer.

mod answer;
mod functions;
mod relate;
mod statement;

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Object, ObjectKind, SchemaModel};
use answer::{Entry, Relation, Routine, Sources};
pub use statement::INTROSPECT;

impl SchemaModel {
    /// Reads the answer of [`INTROSPECT`].
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        let entries: Vec<Entry> = serde_json::from_str(json)?;
        let mut read = Read::default();
        for entry in entries {
            read.add(entry);
        }
        relate::relate(&mut read.objects, &read.sources);
        let functions = functions::read(read.routines, &mut read.objects, &read.hidden);
        relate::hide(&mut read.objects, &read.hidden);
        Ok(Self {
            objects: read.objects,
            functions,
            time_zones: read.time_zones,
        })
    }
}

/// What is read of an answer so far.
#[derive(Default)]
struct Read {
    /// All relations, also those that are hidden in the end: views show their columns.
    objects: BTreeMap<String, Object>,
    sources: Sources,
    hidden: BTreeSet<String>,
    routines: Vec<Routine>,
    time_zones: BTreeSet<String>,
}

impl Read {
    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Table(table) => self.add_object(ObjectKind::Table, table),
            Entry::PartitionedTable(table) => self.add_object(ObjectKind::PartitionedTable, table),
            Entry::ForeignTable(table) => self.add_object(ObjectKind::ForeignTable, table),
            Entry::View(view) => self.add_object(ObjectKind::View, view),
            Entry::MaterializedView(view) => self.add_object(ObjectKind::MaterializedView, view),
            Entry::Function(routine) => self.routines.push(routine),
            Entry::TimeZones { names } => self.time_zones.extend(names),
        }
    }

    fn add_object(&mut self, kind: ObjectKind, mut relation: Relation) {
        if kind.is_view() {
            self.sources
                .insert(relation.name.clone(), relation.take_sources());
        }
        let (object, is_hidden) = relation.into_object(kind);
        if is_hidden {
            self.hidden.insert(object.name.clone());
        }
        self.objects.insert(object.name.clone(), object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::fixture::model;
    use crate::records::model::{Generated, Writable};

    #[test]
    fn reads_keys_and_capabilities() {
        let model = model();
        let contacts = &model.objects["contacts"];
        assert!(contacts.soft_delete && contacts.versioned);
        assert_eq!(contacts.key().unwrap().name, "id");
        assert_eq!(contacts.field("search").unwrap().generated, Generated::Computed);
        assert_eq!(contacts.foreign_keys[0].references, "companies");
        let live = &model.objects["live_contacts"];
        assert_eq!(live.kind, ObjectKind::View);
        assert_eq!(
            live.writable,
            Writable {
                insert: false,
                update: false,
                delete: false
            }
        );
        assert!(live.key().is_none());
    }
}
