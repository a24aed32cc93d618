//! The statement that reads a schema fresh from the template, and the model made of its answer.

mod answer;
mod functions;
mod kept;
mod relate;
mod statement;

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Object, ObjectKind, SchemaModel};
use answer::{Entry, Relation, Routine, Sources};
use kept::Behind;
pub use statement::INTROSPECT;

impl SchemaModel {
    /// Reads the answer of [`INTROSPECT`].
    pub fn from_json(json: &str) -> Result<Self, serde_json::Error> {
        let entries: Vec<Entry> = serde_json::from_str(json)?;
        let mut read = Read::default();
        for entry in entries {
            read.add(entry);
        }
        relate::relate(&mut read.objects, &read.sources, &read.behind);
        let functions = functions::read(read.routines, &mut read.objects, &read.hidden);
        relate::hide(&mut read.objects, &read.hidden.objects);
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
    behind: Behind,
    hidden: Hidden,
    routines: Vec<Routine>,
    time_zones: BTreeSet<String>,
}

/// What tags (and names that begin with `_`) keep out of the API.
#[derive(Default)]
struct Hidden {
    objects: BTreeSet<String>,
    /// Each with its object before it.
    columns: BTreeSet<(String, String)>,
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
            let behind = std::mem::take(&mut relation.removes_from);
            self.behind.insert(relation.name.clone(), behind);
            self.sources
                .insert(relation.name.clone(), relation.take_sources());
        }
        let names: Vec<String> = relation.columns().map(str::to_owned).collect();
        let (object, is_hidden) = relation.into_object(kind);
        if is_hidden {
            self.hidden.objects.insert(object.name.clone());
        }
        let columns = names.into_iter().filter(|name| object.field(name).is_none());
        let columns = columns.map(|name| (object.name.clone(), name));
        self.hidden.columns.extend(columns);
        self.objects.insert(object.name.clone(), object);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalog::access::ObjectWrite;

    use crate::records::fixture::model;
    use crate::records::model::{Generated, Writable};

    fn column(name: &str, facts: &str, comment: &str) -> String {
        format!(r#"{{"name":"{name}",{facts},"updatable":true,"comment":{comment}}}"#)
    }

    const TEXT: &str = r#""type_name":"text","base_type":"text","category":"S","nullable":true"#;
    const BIGINT: &str = r#""type_name":"bigint","base_type":"bigint","category":"N""#;
    const TIME: &str = r#""type_name":"timestamp with time zone","base_type":"timestamp with time zone",
        "category":"D","nullable":true"#;
    const ROW: &str = r#""type_name":"notes","base_type":"notes","category":"C","row_of":"notes""#;
    const HIDE: &str = r#""@access hidden""#;

    /// A table `notes` and these functions: name, parameter, volatility, comment.
    fn notes(functions: &[(&str, &str, char, &str)]) -> SchemaModel {
        let columns = [
            column("title", TEXT, "null"),
            column("secret", TEXT, HIDE),
            column("deleted_at", TIME, HIDE),
            column("version", BIGINT, HIDE),
        ];
        let functions = functions.iter().map(|(name, parameter, volatility, comment)| {
            format!(
                r#",{{"kind":"function","name":"{name}","volatility":"{volatility}","comment":{comment},
                    "parameters":[{{{parameter}}}],"returns":{{{TEXT}}}}}"#
            )
        });
        let json = format!(
            r#"[{{"kind":"table","name":"notes","events":28,"stamped":true,"fields":[{}]}}{}]"#,
            columns.join(","),
            functions.collect::<String>()
        );
        SchemaModel::from_json(&json).unwrap()
    }

    #[test]
    fn what_may_write_is_called_and_computes_nothing() {
        let named = format!(r#""name":"note",{ROW}"#);
        let admins = r#""@access member:read""#;
        let functions = [
            ("initial", ROW, 's', "null"),
            ("mark", ROW, 'v', admins),
            ("pay", &named, 'v', admins),
        ];
        let model = notes(&functions);
        let computed = model.objects["notes"].computed.iter();
        assert_eq!(computed.map(|field| &field.name).collect::<Vec<_>>(), ["initial"]);
        assert_eq!(model.functions.keys().collect::<Vec<_>>(), ["pay"]);
        assert_eq!(model.functions["pay"][0].write, ObjectWrite::Admins);
    }

    #[test]
    fn a_name_with_a_hidden_or_unnamed_overload_is_not_called() {
        let (a, b) = (format!(r#""name":"a",{TEXT}"#), format!(r#""name":"b",{BIGINT}"#));
        let unnamed = BIGINT;
        let model = notes(&[
            ("open", &a, 's', "null"),
            ("open", &b, 's', "null"),
            ("half", &a, 's', "null"),
            ("half", &b, 's', HIDE),
            ("mixed", &a, 's', "null"),
            ("mixed", unnamed, 's', "null"),
        ]);
        assert_eq!(model.functions.keys().collect::<Vec<_>>(), ["open"]);
        assert_eq!(model.functions["open"].len(), 2);
    }

    #[test]
    fn a_hidden_columns_name_computes_nothing() {
        let model = notes(&[("secret", ROW, 's', "null"), ("title", ROW, 's', "null")]);
        assert_eq!(model.objects["notes"].computed, []);
    }

    #[test]
    fn what_the_engine_lives_by_is_kept_when_it_is_hidden() {
        let model = notes(&[]);
        let notes = &model.objects["notes"];
        assert!(notes.soft_delete && notes.versioned);
        assert!(notes.field("secret").is_none());
        for name in ["deleted_at", "version"] {
            assert_eq!(notes.field(name).unwrap().generated, Generated::Kept, "{name}");
        }
    }

    #[test]
    fn a_version_that_nobody_counts_is_none() {
        let json = format!(
            r#"[{{"kind":"table","name":"drafts","events":28,"fields":[{}]}}]"#,
            column("version", BIGINT, "null")
        );
        let model = SchemaModel::from_json(&json).unwrap();
        assert!(!model.objects["drafts"].versioned);
    }

    #[test]
    fn a_table_that_shows_nothing_is_hidden_whatever_is_kept() {
        let json = format!(
            r#"[{{"kind":"table","name":"ghosts","events":28,"fields":[{}]}}]"#,
            column("deleted_at", TIME, HIDE)
        );
        assert!(SchemaModel::from_json(&json).unwrap().objects.is_empty());
    }

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
