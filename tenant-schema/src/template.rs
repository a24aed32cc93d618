//! The template: the numbered migrations every tenant schema is built from.
//!
//! One ships, a CRM. A team may bring its own: a folder of SQL files, named as refinery names them. The tenants of one
//! database all have the same template.

mod post_step;

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use catalog::pg::migrator::{Baseline, MigrateError, Migrations};
use catalog::pg::tx::Transaction;
use catalog::schema_name::SchemaName;

pub use self::post_step::PostStep;
use crate::records::INTROSPECT;
use crate::template_check::{self, Kind, Rule, SqlFile, Target};

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
    /// The oldest first.
    baselines: Vec<Baseline>,
    /// In the order of their versions, and of their names.
    post_steps: Vec<PostStep>,
    /// The oldest version that is served.
    supported_from: i32,
}

/// How a file says it, as a line of its own; a number follows.
const SUPPORTED_FROM: &str = "-- @supported from ";

impl Template {
    /// The template that ships: a CRM.
    pub fn shipped() -> Self {
        let files = embedded::migrations::runner().get_migrations().clone();
        Self::of(Migrations::new(files), Vec::new(), Vec::new(), false)
            .expect("the template that ships was read by a test")
    }

    /// The template in a folder: `V1__first.sql`, `V2__second.sql`, …, and what stands for some of them in new tenants:
    /// `B2__both.sql`. What runs behind one of them, outside of a transaction, is in files `P2__index.sql`.
    ///
    /// # Errors
    /// [`MigrateError::Unreadable`].
    pub fn read(folder: &Path) -> Result<Self, MigrateError> {
        let files = template_check::files_of(folder);
        let files = files.map_err(|error| {
            MigrateError::Unreadable(format!("{} cannot be read: {error}", folder.display()))
        })?;
        let of_kind = |kind| files.iter().filter(move |file| file.kind() == Some(kind));
        let migrations = of_kind(Kind::Migration).map(|file| (file.stem(), file.text.as_str()));
        let migrations = Migrations::of(migrations)?;
        if migrations.latest() == 0 {
            let folder = folder.display();
            return Err(MigrateError::Unreadable(format!(
                "{folder} has no file V1__….sql"
            )));
        }
        check(&files)?;
        let mut baselines = Vec::new();
        for file in of_kind(Kind::Baseline) {
            let version = file.number().unwrap_or_default();
            if version > migrations.latest() {
                return Err(MigrateError::Unreadable(format!(
                    "{} stands for files up to V{version}, and the last one is V{}",
                    file.name,
                    migrations.latest()
                )));
            }
            baselines.push(Baseline {
                name: file.stem().to_owned(),
                version,
                sql: file.text.clone(),
            });
        }
        let post_steps = of_kind(Kind::PostStep).map(PostStep::read);
        let post_steps = post_steps.collect::<Result<_, _>>()?;
        Self::of(migrations, baselines, post_steps, true)
    }

    fn of(
        migrations: Migrations,
        baselines: Vec<Baseline>,
        post_steps: Vec<PostStep>,
        is_own: bool,
    ) -> Result<Self, MigrateError> {
        let supported_from = supported_from(&migrations)?;
        Ok(Self(Arc::new(Inner {
            is_own,
            migrations,
            baselines,
            post_steps,
            supported_from,
        })))
    }

    /// The migrations.
    pub fn migrations(&self) -> &Migrations {
        &self.0.migrations
    }

    /// What stands for the first migrations in new tenants, by their versions.
    pub fn baselines(&self) -> &[Baseline] {
        &self.0.baselines
    }

    /// What runs behind the migrations up to a version, outside of a transaction, in its order.
    pub fn post_steps(&self, version: i32) -> impl Iterator<Item = &PostStep> {
        let steps = self.0.post_steps.iter();
        steps.filter(move |step| step.version() <= version)
    }

    /// Makes what is in a new tenant's schema of this version, by the last baseline that is not above it. `search_path` is on
    /// the schema.
    pub(crate) async fn create(
        &self,
        tx: &mut Transaction,
        schema: &SchemaName,
        version: i32,
    ) -> Result<(), MigrateError> {
        let baseline = self
            .0
            .baselines
            .iter()
            .rfind(|baseline| baseline.version <= version);
        let migrations = self.migrations().up_to(version);
        migrations.create(baseline, tx, schema.as_str()).await
    }

    /// Somebody brought it: it may lack the tables of the CRM.
    pub fn is_own(&self) -> bool {
        self.0.is_own
    }

    /// The version of a tenant schema that has them all.
    pub fn latest(&self) -> i32 {
        self.0.migrations.latest()
    }

    /// The versions of tenants that a server with this template serves: from the one that its files name last in a line
    /// `-- @supported from 7`, or from the first, to the latest. Each has a model of its own.
    pub fn supported(&self) -> RangeInclusive<i32> {
        self.0.supported_from..=self.latest()
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
fn check(files: &[SqlFile]) -> Result<(), MigrateError> {
    let found = template_check::check(files, Target::default());
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

const BREAKS_THE_TRANSACTION: [Rule; 7] = [
    Rule::Concurrently,
    Rule::OutsideTransaction,
    Rule::PostStep,
    Rule::PsqlCommand,
    Rule::SessionSetting,
    Rule::Transaction,
    Rule::Unreadable,
];

/// What the last file that says so says; the first version if none does.
fn supported_from(migrations: &Migrations) -> Result<i32, MigrateError> {
    let mut from = 1;
    for (number, (name, text)) in (1..).zip(migrations.files()) {
        for said in text.lines().filter_map(|line| line.strip_prefix(SUPPORTED_FROM)) {
            let version = said
                .trim()
                .parse()
                .ok()
                .filter(|version| (from..=number).contains(version));
            from = version.ok_or_else(|| {
                MigrateError::Unreadable(format!(
                    "{name} says `{SUPPORTED_FROM}{said}`: expected a version from {from} to {number}"
                ))
            })?;
        }
    }
    Ok(from)
}

#[cfg(test)]
mod tests {
    use refinery::Migration;

    use super::*;

    #[test]
    fn a_folder_without_migrations_is_no_template() {
        let nothing = Template::read(Path::new("src/template"));
        assert!(nothing.is_err());
        let source = Template::read(Path::new("src"));
        assert!(source.is_err());
    }

    #[test]
    fn a_template_says_from_which_version_on_it_is_served() {
        let folder = |texts: &[&str]| {
            let file = |(number, text): (i32, &&str)| Migration::unapplied(&format!("V{number}__a"), text);
            let files: Result<Vec<_>, _> = (1..).zip(texts).map(file).collect();
            Template::of(Migrations::new(files.unwrap()), Vec::new(), Vec::new(), true)
                .map(|template| template.supported())
        };
        let late = "select 1;\n-- @supported from 2\n";
        assert_eq!(folder(&["select 1"]).unwrap(), 1..=1);
        assert_eq!(folder(&["select 1", "select 1", late]).unwrap(), 2..=3);
        assert_eq!(
            folder(&["select 1", late, "-- @supported from 3\nselect 1", "select 1"]).unwrap(),
            3..=4
        );
        for wrong in [
            "-- @supported from 3",
            "-- @supported from 0",
            "-- @supported from two",
        ] {
            let said = folder(&["select 1", wrong]).unwrap_err().to_string();
            assert!(
                said.contains("V2__a") && said.contains("expected a version from 1 to 2"),
                "{said}"
            );
        }
        assert!(
            folder(&["select 1", late, "-- @supported from 1"]).is_err(),
            "it is not taken back"
        );
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
