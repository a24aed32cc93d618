//! The schema model: what one template version exposes, the same for every tenant on that version.
//!
//! It holds names and types only. Nothing here may depend on a tenant (no oid, no schema name), because one model
//! is shared by all of them.

mod field;
mod function;
mod relationship;
mod search;

use std::collections::{BTreeMap, BTreeSet};

use catalog::access::ObjectWrite;

use super::error::RecordError;
use catalog::nearest::nearest;

pub(super) use field::distinct;
pub use field::{Field, Generated, TypeCategory};
pub use function::{BodyType, Function, Parameter, Returned, Volatility};
pub use relationship::{Cardinality, Pair, Relationship, Via};
pub use search::{TextSearch, Trigram, Vector};

/// See [`Object::deletion`].
pub(super) const DELETION_ID: &str = "deletion_id";

/// See [`Object::deleted_at`].
pub(super) const DELETED_AT: &str = "deleted_at";

/// All objects and functions of one template version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaModel {
    /// The objects by name.
    pub objects: BTreeMap<String, Object>,
    /// The functions by name; several with one name are told apart by their parameters.
    pub functions: BTreeMap<String, Vec<Function>>,
    /// The names of the time zones that PostgreSQL knows.
    pub time_zones: BTreeSet<String>,
}

impl SchemaModel {
    /// The object called `name`, or the error that names the nearest one.
    pub fn object(&self, name: &str) -> Result<&Object, RecordError> {
        self.objects.get(name).ok_or_else(|| RecordError::UnknownObject {
            object: name.to_owned(),
            nearest: nearest(name, self.objects.keys().map(String::as_str)).map(str::to_owned),
        })
    }
}

/// One exposed table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name, also its path segment.
    pub name: String,
    /// Table, view, ….
    pub kind: ObjectKind,
    /// Its SQL comment without the `@access` line.
    pub comment: Option<String>,
    /// Who may write, by that line.
    pub write: ObjectWrite,
    /// What PostgreSQL itself is able to do with it; a view may be able to do nothing.
    pub writable: Writable,
    /// The columns in their order.
    pub fields: Vec<Field>,
    /// The functions of one argument, a row of this object, that return one value: read like columns (PostgreSQL takes
    /// `t.name` for `name(t)`), but only when they are named, and never written.
    pub computed: Vec<Field>,
    /// The names of the primary key's columns; a view has those of the tables whose whole keys it shows, and may have
    /// none.
    pub primary_key: Vec<String>,
    /// Unique constraints, the primary key included.
    pub unique_keys: Vec<UniqueKey>,
    /// Foreign keys to objects of the same schema.
    pub foreign_keys: Vec<ForeignKey>,
    /// What may be embedded in its records, sorted: keys of its own and of others, junctions, views and functions
    /// taken into account.
    pub relationships: Vec<Relationship>,
    /// Where words are searched for in its records.
    pub search: TextSearch,
    /// Deleting sets `deleted_at`, and rows that have it are hidden.
    pub soft_delete: bool,
    /// Has an integer column `version` that counts changes.
    pub versioned: bool,
    /// Has a hidden column `field_versions jsonb` as well: an object that has, of each field, the version at which it
    /// last changed. A field that is not in it has not changed since the record was new.
    pub tracks_fields: bool,
}

impl Object {
    /// It is the object that `other` is: the names of a model's objects are unique.
    pub fn is_same(&self, other: &Self) -> bool {
        self.name == other.name
    }

    /// The columns of the primary key in their order, as far as they are shown; none where there is no key.
    pub fn key_fields(&self) -> Vec<&Field> {
        let names = self.primary_key.iter();
        names.filter_map(|name| self.field(name)).collect()
    }

    /// The column that counts the changes of a record, in an object that has one.
    pub fn version(&self) -> Option<&Field> {
        self.field("version").filter(|_| self.versioned)
    }

    /// The column that says when a record was removed, in an object that keeps those.
    pub fn deleted_at(&self) -> Option<&Field> {
        self.field(DELETED_AT).filter(|_| self.soft_delete)
    }

    /// The column that all records have in common which were removed together, in a table that keeps them: a
    /// nullable `deletion_id uuid`. Tables without one take no part in cascades.
    pub fn deletion(&self) -> Option<&Field> {
        self.field(DELETION_ID)
            .filter(|field| self.soft_delete && field.base_type == "uuid" && field.nullable)
    }

    /// The field called `name`.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The column or computed column called `name`: what can be read, filtered and sorted by.
    pub fn readable(&self, name: &str) -> Option<&Field> {
        self.field(name)
            .or_else(|| self.computed.iter().find(|field| field.name == name))
    }

    /// The field that addresses one record in `/{object}/{id}`: the only column of the primary key.
    pub fn key(&self) -> Option<&Field> {
        match self.primary_key.as_slice() {
            [only] => self.field(only),
            _ => None,
        }
    }
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// An ordinary table.
    Table,
    /// A partitioned table; its partitions are not objects.
    PartitionedTable,
    /// A foreign table.
    ForeignTable,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
}

impl ObjectKind {
    /// It shows what other objects hold.
    pub fn is_view(self) -> bool {
        matches!(self, Self::View | Self::MaterializedView)
    }
}

/// What PostgreSQL can do with a relation (`pg_relation_is_updatable`, triggers counted).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writable {
    /// `insert` works.
    pub insert: bool,
    /// `update` works.
    pub update: bool,
    /// `delete` works.
    pub delete: bool,
}

/// A unique constraint.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct UniqueKey {
    /// The constraint's name.
    pub name: String,
    /// Its columns in order.
    pub columns: Vec<String>,
}

/// A foreign key, single or composite.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct ForeignKey {
    /// The constraint's name.
    pub name: String,
    /// The referencing columns in order.
    pub columns: Vec<String>,
    /// The referenced object.
    pub references: String,
    /// The referenced columns, in the order of `columns`.
    pub referenced_columns: Vec<String>,
    /// `on delete cascade`: its records belong to the referenced one and go with it.
    #[serde(default)]
    pub cascades: bool,
}

#[cfg(test)]
mod tests {
    use crate::records::fixture::model;

    #[test]
    fn unknown_object_names_the_nearest() {
        let error = model().object("contact").unwrap_err();
        assert_eq!(error.code(), "PGRST205");
        assert_eq!(error.hint().as_deref(), Some("Perhaps you meant 'contacts'"));
        assert_eq!(error.status(), 404);
    }
}
