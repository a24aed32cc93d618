//! A post-step: one statement of the template that runs behind a version's migration, outside of any transaction.

use catalog::pg::migrator::MigrateError;
use catalog::post_steps::Step;
use refinery::Migration;

use crate::template_check::SqlFile;
use crate::template_check::post_steps::{Act, Parsed, parse};

/// A file `P9__name.sql`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostStep {
    step: Step,
    parsed: Parsed,
}

impl PostStep {
    /// Reads its file, which was found to be one.
    pub(super) fn read(file: &SqlFile) -> Result<Self, MigrateError> {
        let unreadable = |why: String| MigrateError::Unreadable(format!("{}: {why}", file.name));
        let (name, version) = (file.stem(), file.number().unwrap_or_default());
        let parsed = parse(&file.text).map_err(|refused| unreadable(refused.reason))?;
        // Its checksum is that of a migration which says the same: comments and line ends outside of the statement do not count.
        let as_migration = name.replacen('P', "V", 1);
        let same = Migration::unapplied(&as_migration, &parsed.statement);
        let same = same.map_err(|error| unreadable(error.to_string()))?;
        Ok(Self {
            step: Step {
                name: name.to_owned(),
                version,
                checksum: format!("{:016x}", same.checksum()),
            },
            parsed,
        })
    }

    /// How the catalog knows it.
    pub fn step(&self) -> &Step {
        &self.step
    }

    /// The name of its file, without the ending.
    pub fn name(&self) -> &str {
        &self.step.name
    }

    /// The version that a tenant must have reached.
    pub fn version(&self) -> i32 {
        self.step.version
    }

    /// Its statement.
    pub fn statement(&self) -> &str {
        &self.parsed.statement
    }

    /// The statement that does the same in the transaction in which a schema is made; nothing where a new schema needs none.
    pub(crate) fn plain(&self) -> Option<&str> {
        self.parsed.plain()
    }

    pub(crate) fn act(&self) -> &Act {
        &self.parsed.act
    }

    /// How a spare schema notes that it was made with it.
    pub(crate) fn mark(&self) -> String {
        format!("{} {}", self.step.name, self.step.checksum)
    }
}
