//! The rules: their names, and how bad it is to break one.

use std::fmt;

use serde::{Serialize, Serializer};

use super::Severity;

macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident = $name:literal, $severity:ident;)*) => {
        /// A rule of `tenantry template check`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// All of them, by their names.
            pub const ALL: &[Self] = &[$(Self::$rule),*];

            /// What it is called in findings and in the help.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)*
                }
            }

            /// How bad it is to break it.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$rule => Severity::$severity,)*
                }
            }
        }
    };
}

rules! {
    /// An `@access` line that is none.
    AccessLine = "access-line", Error;
    /// An `@access` line that changes nothing.
    AccessUnused = "access-unused", Warning;
    /// A baseline that does not make what the files make that it stands for.
    BaselineDiffers = "baseline-differs", Error;
    /// A foreign key to the platform's own tables.
    CatalogReference = "catalog-reference", Error;
    /// Citus: a foreign table.
    CitusForeignTable = "citus-foreign-table", Error;
    /// Citus: inheritance.
    CitusInheritance = "citus-inheritance", Error;
    /// Citus: a materialized view.
    CitusMaterializedView = "citus-materialized-view", Warning;
    /// Citus: a rule.
    CitusRule = "citus-rule", Error;
    /// Citus: a setting that the workers do not know.
    CitusSetting = "citus-setting", Warning;
    /// Citus: a sequence smaller than bigint.
    CitusSmallSequence = "citus-small-sequence", Warning;
    /// Citus: a trigger.
    CitusTrigger = "citus-trigger", Warning;
    /// Citus: a table of a type.
    CitusTypedTable = "citus-typed-table", Error;
    /// `concurrently`, in a transaction.
    Concurrently = "concurrently", Error;
    /// `copy`, whose rows a client would send.
    Copy = "copy", Error;
    /// `security definer` without a path of its own.
    DefinerPath = "definer-path", Error;
    /// PostgreSQL refuses it.
    DoesNotApply = "does-not-apply", Error;
    /// A table of a name that is the engine's own.
    EngineName = "engine-name", Error;
    /// Extensions, which all tenants share.
    Extension = "extension", Error;
    /// `field_versions` that is not hidden, so that nothing is merged by it.
    FieldVersionsShown = "field-versions-shown", Warning;
    /// A number is missing between those of the files.
    FileGap = "file-gap", Warning;
    /// A file that is not named as a migration is.
    FileName = "file-name", Error;
    /// Two files with one number.
    FileNumber = "file-number", Error;
    /// Records that stay where what they belong to goes to the bin.
    LeftBehind = "left-behind", Warning;
    /// A table without a primary key.
    NoPrimaryKey = "no-primary-key", Warning;
    /// Something depends on another schema.
    OutsideDependency = "outside-dependency", Error;
    /// What cannot run in a transaction.
    OutsideTransaction = "outside-transaction", Error;
    /// A type of the template's own.
    OwnType = "own-type", Warning;
    /// A line `@personal` that is none.
    PersonalLine = "personal-line", Error;
    /// A column whose name sounds like people, without such a line.
    PersonalUnmarked = "personal-unmarked", Warning;
    /// A file of a post-step that is none.
    PostStep = "post-step", Error;
    /// A command of psql's.
    PsqlCommand = "psql-command", Error;
    /// Grants and owners.
    Rights = "rights", Error;
    /// A schema beside the tenant's.
    Schema = "schema", Error;
    /// A name with a schema in front.
    SchemaName = "schema-name", Error;
    /// Columns that `*` names.
    SelectStar = "select-star", Warning;
    /// A setting that outlives its file.
    SessionSetting = "session-setting", Error;
    /// What belongs to no schema.
    SharedObject = "shared-object", Error;
    /// `timestamp` without a time zone.
    Timestamp = "timestamp", Warning;
    /// Transaction control.
    Transaction = "transaction", Error;
    /// A table without a comment.
    UncommentedTable = "uncommented-table", Warning;
    /// A foreign key that no index serves.
    UnindexedForeignKey = "unindexed-foreign-key", Warning;
    /// A constraint without a name of its own.
    UnnamedConstraint = "unnamed-constraint", Warning;
    /// A text or a comment that does not end.
    Unreadable = "unreadable", Error;
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
