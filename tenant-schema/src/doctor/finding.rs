//! What is found, and what would mend it.

use catalog::ids::{MigrationRunId, OrganizationId};
use catalog::schema_name::SchemaName;
use catalog::slug::Slug;

use super::Kind;
use crate::lifecycle::logins::Overdue;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works as it is; it could be better.
    Advice,
    /// It will hurt some day, or somebody left something behind.
    Warn,
    /// Something is broken, or open that should be shut.
    Error,
}

impl Severity {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Advice => "advice",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// By which check.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// The tenant it is about.
    pub tenant: Option<Slug>,
    /// The schema, role or setting it is about.
    pub subject: String,
    /// What is wrong, in one line.
    pub says: String,
    /// More lines, where there is more to say.
    pub details: Vec<String>,
    /// What to do about it, where no statement does it.
    pub next: Option<String>,
    /// What would mend it.
    pub repair: Option<Repair>,
    /// Where it is, for the one who mends it.
    pub(super) place: Place,
}

/// The tenant that has to be kept still.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) schema: Option<SchemaName>,
    pub(super) organization: Option<OrganizationId>,
}

/// What would mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// Who applies it.
    pub how: How,
    /// The statements.
    pub sql: Vec<String>,
    pub(super) deed: Deed,
}

/// Who applies a repair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The doctor, when it is told to mend: nothing is lost by it.
    Fix,
    /// The doctor, when the loss is agreed to as well.
    FixAgreed,
    /// A person, by hand.
    Hand,
}

impl How {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fix => "--fix",
            Self::FixAgreed => "--fix --yes",
            Self::Hand => "by hand",
        }
    }
}

/// What is done, where it is more than its statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    /// The statements, in one transaction.
    Statements,
    /// The same, if there are locks enough for it.
    DropSchema(SchemaName),
    /// Ends the sessions of a login and removes it.
    DropLogin(Overdue),
    /// Notes that a run was stopped.
    StopRun(MigrationRunId),
}

impl Repair {
    /// Statements that lose nothing.
    pub(super) fn safe(sql: Vec<String>) -> Self {
        Self::new(How::Fix, sql, Deed::Statements)
    }

    /// Statements for a person to decide on.
    pub(super) fn by_hand(sql: Vec<String>) -> Self {
        Self::new(How::Hand, sql, Deed::Statements)
    }

    pub(super) const fn new(how: How, sql: Vec<String>, deed: Deed) -> Self {
        Self { how, sql, deed }
    }
}

impl Finding {
    /// One of the kind's own severity; the rest is added.
    pub(super) fn new(kind: Kind, subject: impl Into<String>, says: impl Into<String>) -> Self {
        Self {
            kind,
            severity: kind.check().severity,
            tenant: None,
            subject: subject.into(),
            says: says.into(),
            details: Vec::new(),
            next: None,
            repair: None,
            place: Place::default(),
        }
    }

    /// About a tenant.
    pub(super) fn of(kind: Kind, tenant: &catalog::doctor::Resident, says: impl Into<String>) -> Self {
        let mut finding = Self::new(kind, tenant.schema.as_str(), says);
        finding.tenant.clone_from(&tenant.slug);
        finding.place = Place {
            schema: Some(tenant.schema.clone()),
            organization: Some(tenant.organization),
        };
        finding
    }

    /// In a schema that is to be kept still.
    pub(super) fn within(mut self, schema: &SchemaName) -> Self {
        self.place.schema = Some(schema.clone());
        self
    }

    pub(super) fn with(mut self, repair: impl Into<Option<Repair>>) -> Self {
        self.repair = repair.into();
        self
    }

    pub(super) fn detailed(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }

    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    pub(super) fn graded(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Whether two findings are the same one, seen twice.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.kind, &self.subject, &self.tenant) == (other.kind, &other.subject, &other.tenant)
    }
}
