//! The template: the numbered migrations every tenant schema is built from.
//!
//! One ships, a CRM. A team may bring its own: a folder of SQL files, named as refinery names them. The tenants of one
//! database all have the same template.

use std::path::Path;
use std::sync::Arc;

use catalog::pg::migrator::{MigrateError, Migrations};

use crate::records::INTROSPECT;
use crate::template_check::{self, Rule, SqlFile};

mod embedded {
    refinery::embed_migrations!("migrations");
}

/// A template; cheap to clone.
#[derive(Debug, Clone)]
pub struct Template(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    is_own: bool,
    migrations: Migrations,
}

impl Template {
    /// The template that ships: a CRM.
    pub fn shipped() -> Self {
        let files = embedded::migrations::runner().get_migrations().clone();
        Self::of(Migrations::new(files), false)
    }

    /// The template in a folder: `V1__first.sql`, `V2__second.sql`, ….
    pub fn read(folder: &Path) -> Result<Self, MigrateError> {
        let migrations = Migrations::read(folder)?;
        if migrations.latest() == 0 {
            let folder = folder.display();
            return Err(MigrateError::Unreadable(format!(
                "{folder} has no file V1__….sql"
            )));
        }
        check(&migrations)?;
        Ok(Self::of(migrations, true))
    }

    fn of(migrations: Migrations, is_own: bool) -> Self {
        Self(Arc::new(Inner { is_own, migrations }))
    }

    /// The migrations.
    pub fn migrations(&self) -> &Migrations {
        &self.0.migrations
    }

    /// Somebody brought it: it may lack the tables of the CRM.
    pub fn is_own(&self) -> bool {
        self.0.is_own
    }

    /// The version of a tenant schema that has them all.
    pub fn latest(&self) -> i32 {
        self.0.migrations.latest()
    }

    /// What the model of a version is recorded under: the query, and in a comment the files that the version is made of, so
    /// that a model is never taken for that of another template, or of files that were changed since.
    pub(crate) fn model_query(&self, version: i32) -> String {
        let files = self.migrations().up_to(version).identity();
        format!("{INTROSPECT}\n-- of the template {files}")
    }
}

/// Refuses what would end the transaction of a tenant, or leave it in another schema or under another role: then a dry run
/// would not be rolled back, and tables be made elsewhere. In the body of a function or of `do`, PostgreSQL itself refuses
/// to end a transaction that was begun outside, and path and role are set again behind each file.
fn check(migrations: &Migrations) -> Result<(), MigrateError> {
    let files = migrations.files().map(|(name, text)| SqlFile {
        name: format!("{name}.sql"),
        text: text.to_owned(),
    });
    let found = template_check::check(&files.collect::<Vec<_>>());
    let broken = found
        .iter()
        .find(|finding| BREAKS_THE_TRANSACTION.contains(&finding.rule));
    broken.map_or(Ok(()), |finding| {
        Err(MigrateError::Unreadable(format!(
            "{}:{}: {} (`tenantry template check` tells all that is wrong)",
            finding.file, finding.line, finding.reason
        )))
    })
}

const BREAKS_THE_TRANSACTION: [Rule; 6] = [
    Rule::Concurrently,
    Rule::OutsideTransaction,
    Rule::PsqlCommand,
    Rule::SessionSetting,
    Rule::Transaction,
    Rule::Unreadable,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_migrations_is_no_template() {
        let nothing = Template::read(Path::new("src/template"));
        assert!(nothing.is_err());
        let source = Template::read(Path::new("src"));
        assert!(source.is_err());
    }

    #[test]
    fn what_ships_can_be_read_from_its_folder() {
        let (shipped, read) = (Template::shipped(), Template::read(Path::new("migrations")));
        let read = read.unwrap();
        assert_eq!(shipped.latest(), read.latest());
        let query = read.model_query(1);
        assert_eq!(shipped.model_query(1), query);
        assert!(query.contains("V1__record_stamps"), "{query}");
        assert_ne!(query, read.model_query(2));
    }
}
