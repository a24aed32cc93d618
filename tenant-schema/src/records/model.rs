//! The schema model: what one template version exposes, the same for every tenant on that version.
//!
//! It holds names and types only. Nothing here may depend on a tenant (no oid, no schema name), because one model
//! is shared by all of them.

use std::collections::BTreeMap;

use catalog::access::ObjectWrite;

use super::error::RecordError;
use super::nearest::nearest;

/// All objects of one template version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaModel {
    /// The objects by name.
    pub objects: BTreeMap<String, Object>,
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
    /// Table or view.
    pub kind: ObjectKind,
    /// Its SQL comment without the `@access` line.
    pub comment: Option<String>,
    /// Who may write, by that line.
    pub write: ObjectWrite,
    /// What PostgreSQL itself is able to do with it; a view may be able to do nothing.
    pub writable: Writable,
    /// The columns in their order.
    pub fields: Vec<Field>,
    /// The names of the primary key's columns; empty where there is none (every view).
    pub primary_key: Vec<String>,
    /// Unique constraints, the primary key included.
    pub unique_keys: Vec<UniqueKey>,
    /// Foreign keys to objects of the same schema.
    pub foreign_keys: Vec<ForeignKey>,
    /// Deleting sets `deleted_at`, and rows that have it are hidden.
    pub soft_delete: bool,
    /// Has an integer column `version` that counts changes.
    pub versioned: bool,
}

impl Object {
    /// The field called `name`.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
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
    /// An ordinary, partitioned or foreign table.
    Table,
    /// A view or materialized view.
    View,
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

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type as PostgreSQL writes it (`format_type`), for example `numeric(19,4)` or `character varying(80)[]`.
    pub type_name: String,
    /// The type below a domain; equal to `type_name` for every other column.
    pub base_type: String,
    /// The broad class of the type.
    pub category: TypeCategory,
    /// `null` is allowed.
    pub nullable: bool,
    /// Has a default expression or is an identity column.
    pub has_default: bool,
    /// Who computes the value.
    pub generated: Generated,
    /// PostgreSQL can update it (a computed column of a view cannot).
    pub updatable: bool,
    /// Its SQL comment.
    pub comment: Option<String>,
}

/// The most significant decimal digits that survive a JSON number in clients that read it as an IEEE 754 double.
const DOUBLE_DIGITS: u32 = 15;

impl Field {
    /// A client may give a value for this column.
    pub fn accepts_values(&self) -> bool {
        matches!(self.generated, Generated::Never | Generated::IdentityByDefault)
    }

    /// The declared precision in decimal digits, for `numeric(p,s)` and arrays of it.
    pub fn precision(&self) -> Option<u32> {
        let (precision, _) = self.base_type.strip_prefix("numeric(")?.split_once([',', ')'])?;
        precision.parse().ok()
    }

    /// The cast that keeps this column exact in JSON, if it needs one.
    ///
    /// A `numeric` that may have more digits than a double holds (declared precision above 15, or none declared)
    /// leaves as a JSON string. `bigint` stays a number, as in PostgREST.
    pub fn exact_cast(&self) -> Option<&'static str> {
        let exact =
            self.base_type.starts_with("numeric") && self.precision().is_none_or(|p| p > DOUBLE_DIGITS);
        exact.then(|| {
            if self.base_type.ends_with("[]") {
                "text[]"
            } else {
                "text"
            }
        })
    }

    /// Part of `select=*`: everything but search vectors, which are for searching and not for reading.
    pub fn in_default_select(&self) -> bool {
        self.base_type != "tsvector"
    }
}

/// PostgreSQL's type categories (`pg_type.typcategory`), as far as they matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeCategory {
    /// `A`
    Array,
    /// `B`
    Boolean,
    /// `C`
    Composite,
    /// `D`
    DateTime,
    /// `E`
    Enum,
    /// `I`
    Network,
    /// `N`
    Numeric,
    /// `R`
    Range,
    /// `S`
    String,
    /// `T`
    Timespan,
    /// Every other one, `uuid` and `json` (`U`) among them.
    Other,
}

/// Who computes a column's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    /// Nobody: a plain column.
    Never,
    /// `generated always as (…)`.
    Computed,
    /// `generated always as identity`.
    IdentityAlways,
    /// `generated by default as identity`.
    IdentityByDefault,
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
}

#[cfg(test)]
mod tests {
    use crate::records::fixture::model;

    #[test]
    fn exact_numerics_leave_as_strings() {
        let model = model();
        let deals = &model.objects["deals"];
        assert_eq!(deals.field("value").unwrap().exact_cast(), Some("text"));
        assert_eq!(
            deals.field("position").unwrap().exact_cast(),
            Some("text"),
            "undeclared precision"
        );
        assert_eq!(deals.field("probability").unwrap().exact_cast(), None);
        assert_eq!(deals.field("prices").unwrap().exact_cast(), Some("text[]"));
        assert_eq!(deals.field("probability").unwrap().precision(), Some(5));
    }

    #[test]
    fn unknown_object_names_the_nearest() {
        let error = model().object("contact").unwrap_err();
        assert_eq!(error.code(), "PGRST205");
        assert_eq!(error.hint().as_deref(), Some("Perhaps you meant 'contacts'"));
        assert_eq!(error.status(), 404);
    }
}
