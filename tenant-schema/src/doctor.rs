//! The doctor: looks at the whole fleet and the database beneath it, tells what is not as it should be, and mends what
//! can be mended without losing anything.
//!
//! [`CHECKS`] is the list of what it looks for. All of a scan is seen in one snapshot (REPEATABLE READ, read-only), so a
//! tenant that is made meanwhile is no finding. PostgreSQL describes constraints and indexes by its newest state and not by
//! the snapshot, and a purge may be between two of its transactions: so whatever was found is looked at a second time, while
//! nobody may migrate or purge that tenant, and only what is there both times is told ([`examine()`]).
//!
//! A repair ([`repair()`]) is a transaction under the tenant's lock, in which the finding is looked for once more.

mod capacity;
mod database;
mod drift;
mod examine;
mod finding;
mod foreign_code;
mod grants;
mod ground;
mod history;
mod indexes;
mod look;
mod moves;
mod orphans;
mod post_steps;
mod purges;
mod repair;
mod rights;
mod roles;
mod runs;
mod sequences;
mod settings;
mod stamps;

pub use self::capacity::Forecast;
pub use self::examine::{Examination, Scan, examine};
pub use self::finding::{Finding, How, Repair, Severity};
pub use self::repair::{Mended, Outcome, repair};

/// One thing that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// What it is.
    pub kind: Kind,
    /// Its name, as it is typed and printed.
    pub name: &'static str,
    /// What it looks for, in a sentence.
    pub means: &'static str,
    /// How bad it is at its worst.
    pub severity: Severity,
    /// Whether `--fix` mends it, or some of it.
    pub mends: Mends,
    /// What it looks at.
    pub reach: Reach,
}

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Each tenant by itself, so that it can be asked of some.
    Tenants,
    /// Everything that looks like a tenant's, whoever's it is.
    Fleet,
    /// The database and its server.
    Database,
}

/// What a repair does for the findings of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mends {
    /// All of them.
    All,
    /// Some; the others are for a person to decide.
    Some,
    /// All of them where the loss is agreed to.
    Agreed,
    /// None.
    None,
}

/// The checks by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "each is explained in the list of checks")]
pub enum Kind {
    MissingSchemas,
    OrphanSchemas,
    Scratch,
    Roles,
    OrphanRoles,
    PsqlLogins,
    Stamps,
    History,
    PostSteps,
    Drift,
    Indexes,
    Sequences,
    Grants,
    ForeignRights,
    ForeignCode,
    ServerLogin,
    Runs,
    Purges,
    Moves,
    PublicObjects,
    Extensions,
    TransactionAge,
    CatalogBloat,
    Capacity,
    Settings,
}

impl Kind {
    /// Its entry in the list.
    pub fn check(self) -> &'static Check {
        let found = CHECKS.iter().find(|check| check.kind == self);
        found.expect("every kind is in the list, as a test shows")
    }
}

/// What is looked for, in the order in which it is told.
pub const CHECKS: &[Check] = &[
    Check {
        kind: Kind::MissingSchemas,
        name: "missing-schemas",
        means: "A tenant of the catalog has no schema.",
        severity: Severity::Error,
        mends: Mends::None,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::OrphanSchemas,
        name: "orphan-schemas",
        means: "A schema looks like a tenant's, and the catalog knows of none.",
        severity: Severity::Error,
        mends: Mends::Agreed,
        reach: Reach::Fleet,
    },
    Check {
        kind: Kind::Scratch,
        name: "scratch",
        means: "The schema in which a template is tried was left behind.",
        severity: Severity::Warn,
        mends: Mends::All,
        reach: Reach::Fleet,
    },
    Check {
        kind: Kind::Roles,
        name: "roles",
        means: "A tenant's role is missing, can do what it should not, or the server may not assume it.",
        severity: Severity::Error,
        mends: Mends::Some,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::OrphanRoles,
        name: "orphan-roles",
        means: "A role looks like a tenant's, and there is no such schema in any database.",
        severity: Severity::Warn,
        mends: Mends::Agreed,
        reach: Reach::Fleet,
    },
    Check {
        kind: Kind::PsqlLogins,
        name: "psql-logins",
        means: "A login made for somebody's psql, or a run of `tenantry sql`, has expired or keeps a transaction open.",
        severity: Severity::Warn,
        mends: Mends::All,
        reach: Reach::Fleet,
    },
    Check {
        kind: Kind::Stamps,
        name: "stamps",
        means: "A schema's comment does not say that it is the schema of this tenant.",
        severity: Severity::Error,
        mends: Mends::Some,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::History,
        name: "history",
        means: "The migrations a schema has do not fit its version in the catalog or the template's files.",
        severity: Severity::Error,
        mends: Mends::None,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::PostSteps,
        name: "post-steps",
        means: "A post-step of the template is pending or has failed.",
        severity: Severity::Error,
        mends: Mends::None,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::Drift,
        name: "drift",
        means: "A schema is not what the template's files make of its version.",
        severity: Severity::Error,
        mends: Mends::None,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::Indexes,
        name: "indexes",
        means: "An index of the template is missing, or PostgreSQL does not use it.",
        severity: Severity::Error,
        mends: Mends::All,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::Sequences,
        name: "sequences",
        means: "A sequence comes near its end.",
        severity: Severity::Error,
        mends: Mends::None,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::Grants,
        name: "grants",
        means: "A tenant's roles may do less or more in its schema than the template says.",
        severity: Severity::Error,
        mends: Mends::All,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::ForeignRights,
        name: "foreign-rights",
        means: "A tenant's role has rights outside its schema, or somebody else has rights inside it.",
        severity: Severity::Error,
        mends: Mends::None,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::ForeignCode,
        name: "foreign-code",
        means: "Somebody else's functions, operators or triggers stand in a tenant's schema and could run with its owner's rights.",
        severity: Severity::Error,
        mends: Mends::None,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::ServerLogin,
        name: "server-login",
        means: "The server's login is missing, or can do more than assume the tenants' roles.",
        severity: Severity::Error,
        mends: Mends::None,
        reach: Reach::Database,
    },
    Check {
        kind: Kind::Runs,
        name: "runs",
        means: "A migration of the fleet was killed and still stands as one at work.",
        severity: Severity::Warn,
        mends: Mends::All,
        reach: Reach::Database,
    },
    Check {
        kind: Kind::Purges,
        name: "purges",
        means: "The purge of a dropped tenant was begun and not finished.",
        severity: Severity::Warn,
        mends: Mends::None,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::Moves,
        name: "moves",
        means: "The move of a tenant to another database was begun and not finished.",
        severity: Severity::Error,
        mends: Mends::None,
        reach: Reach::Tenants,
    },
    Check {
        kind: Kind::PublicObjects,
        name: "public",
        means: "Something is in the schema public, where no tenant sees it.",
        severity: Severity::Warn,
        mends: Mends::None,
        reach: Reach::Database,
    },
    Check {
        kind: Kind::Extensions,
        name: "extensions",
        means: "An extension is missing, or not in the schema extensions.",
        severity: Severity::Error,
        mends: Mends::None,
        reach: Reach::Database,
    },
    Check {
        kind: Kind::TransactionAge,
        name: "transaction-age",
        means: "Old rows were not frozen for so long that PostgreSQL may stop writing.",
        severity: Severity::Error,
        mends: Mends::None,
        reach: Reach::Database,
    },
    Check {
        kind: Kind::CatalogBloat,
        name: "catalog-bloat",
        means: "PostgreSQL's own catalogs are full of dead rows.",
        severity: Severity::Warn,
        mends: Mends::None,
        reach: Reach::Database,
    },
    Check {
        kind: Kind::Capacity,
        name: "capacity",
        means: "The fleet, or one twice as large, comes to a limit.",
        severity: Severity::Warn,
        mends: Mends::None,
        reach: Reach::Database,
    },
    Check {
        kind: Kind::Settings,
        name: "settings",
        means: "A setting of PostgreSQL does not go with many schemas.",
        severity: Severity::Warn,
        mends: Mends::None,
        reach: Reach::Database,
    },
];

/// The statements of the doctor that are constants.
pub(crate) fn statements() -> Vec<&'static str> {
    let own = [
        ground::SCHEMAS,
        ground::ROLES,
        grants::RELATIONS,
        history::TABLES,
        indexes::INVALID,
        sequences::SEQUENCES,
        sequences::USED,
        rights::ELSEWHERE,
        rights::MEMBERS,
        rights::SERVER,
        rights::LOGIN,
        orphans::DEPENDENTS,
    ];
    [own.as_slice(), drift::STATEMENTS].concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_check_is_named_once() {
        let names: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), CHECKS.len());
        let kinds: BTreeSet<Kind> = CHECKS.iter().map(|check| check.kind).collect();
        assert_eq!(kinds.len(), CHECKS.len());
        assert!(CHECKS.iter().all(|check| check.means.ends_with('.')));
    }
}
