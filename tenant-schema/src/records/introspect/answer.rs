//! The answer of the query as it is written, and the objects that it describes.

use std::collections::{BTreeMap, BTreeSet};

use catalog::access::ObjectWrite;
use serde::Deserialize;

use crate::access_tag;
use crate::personal;
use crate::records::model::{
    DELETION_ID, Field, ForeignKey, Generated, Object, ObjectKind, TextSearch, Trigram, TypeCategory,
    UniqueKey, Vector, Writable,
};

/// One element of the answer.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Entry {
    Table(Relation),
    PartitionedTable(Relation),
    ForeignTable(Relation),
    View(Relation),
    MaterializedView(Relation),
    Function(Routine),
    TimeZones { names: BTreeSet<String> },
}

/// A relation.
#[derive(Deserialize)]
pub(super) struct Relation {
    pub(super) name: String,
    comment: Option<String>,
    events: u32,
    /// A trigger sees every row before it is changed.
    #[serde(default)]
    stamped: bool,
    /// The relations from which a `delete` on this view removes rows.
    #[serde(default)]
    pub(super) removes_from: Vec<String>,
    fields: Vec<Attribute>,
    #[serde(default)]
    primary_key: Vec<String>,
    #[serde(default)]
    unique_keys: Vec<UniqueKey>,
    #[serde(default)]
    foreign_keys: Vec<ForeignKey>,
    #[serde(default)]
    vectors: Vec<Vector>,
    #[serde(default)]
    trigrams: Vec<Trigram>,
}

/// A column.
#[derive(Deserialize)]
pub(super) struct Attribute {
    name: String,
    #[serde(flatten)]
    of_type: TypeFacts,
    #[serde(default)]
    nullable: bool,
    #[serde(default)]
    has_default: bool,
    default: Option<String>,
    #[serde(default)]
    generated: String,
    #[serde(default)]
    identity: String,
    #[serde(default)]
    updatable: bool,
    comment: Option<String>,
    /// The column of which a view's column is a plain copy.
    source: Option<Source>,
}

/// What is asked about a type wherever one stands.
#[derive(Deserialize)]
pub(super) struct TypeFacts {
    pub(super) type_name: String,
    pub(super) base_type: String,
    category: char,
    #[serde(default)]
    pub(super) enum_labels: Vec<String>,
    pub(super) element_type: Option<String>,
}

/// A column of a relation.
#[derive(Deserialize)]
pub(super) struct Source {
    pub(super) relation: String,
    pub(super) column: String,
}

/// A function.
#[derive(Deserialize)]
pub(super) struct Routine {
    pub(super) name: String,
    pub(super) comment: Option<String>,
    /// `pg_proc.provolatile`
    pub(super) volatility: char,
    /// It returns a set.
    #[serde(default)]
    pub(super) set: bool,
    /// It returns at most one row, as far as its declaration says.
    #[serde(default)]
    pub(super) one_row: bool,
    #[serde(default)]
    pub(super) parameters: Vec<Argument>,
    pub(super) returns: TypeFacts,
    /// The relation of whose rows it returns one or several.
    pub(super) row_of: Option<String>,
    /// The columns of a row that is not a relation's.
    #[serde(default)]
    pub(super) columns: Vec<Attribute>,
}

/// A parameter that a call gives.
#[derive(Deserialize)]
pub(super) struct Argument {
    #[serde(default)]
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) of_type: TypeFacts,
    #[serde(default)]
    pub(super) has_default: bool,
    #[serde(default)]
    pub(super) variadic: bool,
    /// The relation of which it is a row.
    pub(super) row_of: Option<String>,
}

/// The columns of views that are plain copies: by view and column, what they copy.
pub(super) type Sources = BTreeMap<String, BTreeMap<String, Source>>;

impl Relation {
    /// The names of its columns, also of those that are hidden.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// What its columns are copies of.
    pub(super) fn take_sources(&mut self) -> BTreeMap<String, Source> {
        let copies = self.fields.iter_mut().filter_map(|field| {
            let source = field.source.take()?;
            Some((field.name.clone(), source))
        });
        copies.collect()
    }

    /// The object, and whether the API is not to know of it: by its tag, or by a name that begins with `_`.
    pub(super) fn into_object(self, kind: ObjectKind) -> (Object, bool) {
        let (comment, access) = access_tag::take(self.comment.as_deref());
        let stamped = self.stamped;
        let counts = |field: &Attribute| stamped && field.counts();
        let keeps = |field: &Attribute| field.removes(kind) || counts(field);
        let soft_delete = self.fields.iter().any(|field| field.removes(kind));
        let versioned = self.fields.iter().any(counts);
        let tracks_fields = versioned && self.fields.iter().any(Attribute::tracks);
        let shows_nothing = self.fields.iter().all(Attribute::is_hidden);
        let fields: Vec<Field> = self
            .fields
            .into_iter()
            .filter_map(|field| {
                if soft_delete && field.joins_deletions() {
                    Some(field.into_books())
                } else if keeps(&field) {
                    Some(field.into_kept())
                } else {
                    field.into_field()
                }
            })
            .collect();
        let is_hidden = access.is_hidden || self.name.starts_with('_') || shows_nothing;
        let is_shown = |name: &String| fields.iter().any(|field| field.name == *name);
        let mut search = TextSearch {
            vectors: self.vectors,
            trigrams: self.trigrams,
        };
        search.vectors.retain(|vector| is_shown(&vector.column));
        search.trigrams.retain(|trigram| is_shown(&trigram.column));
        let object = Object {
            soft_delete,
            versioned,
            tracks_fields,
            name: self.name,
            kind,
            comment,
            write: access.write,
            // Bits of pg_relation_is_updatable: 1 << CMD_UPDATE (2), CMD_INSERT (3), CMD_DELETE (4).
            writable: Writable {
                update: self.events & 4 != 0,
                insert: self.events & 8 != 0,
                delete: self.events & 16 != 0,
            },
            fields,
            computed: Vec::new(),
            primary_key: self.primary_key,
            unique_keys: self.unique_keys,
            foreign_keys: self.foreign_keys,
            relationships: Vec::new(),
            search,
        };
        (object, is_hidden)
    }
}

impl Attribute {
    fn is_hidden(&self) -> bool {
        access_tag::take(self.comment.as_deref()).1.is_hidden
    }

    /// A record of a table is removed by setting it.
    fn removes(&self, kind: ObjectKind) -> bool {
        !kind.is_view()
            && self.name == "deleted_at"
            && self.of_type.category() == TypeCategory::DateTime
            && self.nullable
    }

    /// It says which records were removed together, if removed ones are kept.
    fn joins_deletions(&self) -> bool {
        self.name == DELETION_ID && self.of_type.base_type == "uuid" && self.nullable
    }

    /// It counts the changes of a record, if there is a trigger that does it: a number that nobody counts would call every
    /// state the same.
    fn counts(&self) -> bool {
        self.name == "version" && matches!(self.of_type.base_type.as_str(), "smallint" | "integer" | "bigint")
    }

    /// It keeps at which version each field changed. Only when it is hidden: nobody else may write it.
    fn tracks(&self) -> bool {
        self.name == "field_versions" && self.of_type.base_type == "jsonb" && self.is_hidden()
    }

    /// The column, unless its tag hides it. Any other tag keeps values of clients away.
    pub(super) fn into_field(self) -> Option<Field> {
        let (comment, access) = access_tag::take(self.comment.as_deref());
        let takes_values = access.write == ObjectWrite::Members;
        (!access.is_hidden).then(|| self.field(comment, takes_values))
    }

    /// The column whatever its tag says, because records are removed and versioned by it: without it, the removed would
    /// be in every answer again. A tag that would hide it keeps values of clients away.
    fn into_kept(self) -> Field {
        let (comment, access) = access_tag::take(self.comment.as_deref());
        let takes_values = access.write == ObjectWrite::Members && !access.is_hidden;
        self.field(comment, takes_values)
    }

    /// The column whatever its tag says, kept by the engine alone.
    fn into_books(self) -> Field {
        let (comment, _) = access_tag::take(self.comment.as_deref());
        self.field(comment, false)
    }

    fn field(self, comment: Option<String>, takes_values: bool) -> Field {
        let generated = match (self.generated.as_str(), self.identity.as_str()) {
            ("", "a") => Generated::IdentityAlways,
            ("", "d") => Generated::IdentityByDefault,
            ("", _) if takes_values => Generated::Never,
            ("", _) => Generated::Kept,
            _ => Generated::Computed,
        };
        Field {
            name: self.name,
            category: self.of_type.category(),
            type_name: self.of_type.type_name,
            base_type: self.of_type.base_type,
            enum_labels: self.of_type.enum_labels,
            element_type: self.of_type.element_type,
            nullable: self.nullable,
            has_default: self.has_default,
            default: self.default,
            generated,
            updatable: self.updatable,
            comment,
            personal: personal::mark(self.comment.as_deref()),
        }
    }
}

impl TypeFacts {
    /// A field that can only be read.
    pub(super) fn into_field(self, name: String, comment: Option<String>) -> Field {
        Field {
            name,
            category: self.category(),
            type_name: self.type_name,
            base_type: self.base_type,
            enum_labels: self.enum_labels,
            element_type: self.element_type,
            nullable: true,
            has_default: false,
            default: None,
            generated: Generated::Computed,
            updatable: false,
            comment,
            personal: None,
        }
    }

    pub(super) fn category(&self) -> TypeCategory {
        match self.category {
            'A' => TypeCategory::Array,
            'B' => TypeCategory::Boolean,
            'C' => TypeCategory::Composite,
            'D' => TypeCategory::DateTime,
            'E' => TypeCategory::Enum,
            'I' => TypeCategory::Network,
            'N' => TypeCategory::Numeric,
            'R' => TypeCategory::Range,
            'S' => TypeCategory::String,
            'T' => TypeCategory::Timespan,
            _ => TypeCategory::Other,
        }
    }
}
