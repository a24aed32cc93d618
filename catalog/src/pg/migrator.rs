//! Numbered migrations inside a transaction of ours: refinery's files, numbering, checksums and history table, but
//! our transaction and our lock.
//!
//! refinery's own drivers take no lock and commit by themselves; here a migration is part of something larger
//! (provisioning a tenant, say) and must vanish with it. [`Migrations::apply`] therefore drives refinery's runner
//! over an adapter that never begins and never commits.

use std::path::Path;

use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use refinery_core::{Migration, Runner};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::sqlstate::PgError;
use super::tx::Transaction;

/// The table in which refinery writes what was applied, in the migrated schema itself.
pub const HISTORY_TABLE: &str = "refinery_schema_history";

/// A numbered set of migrations, the whole of it.
#[derive(Debug, Clone)]
pub struct Migrations(Vec<Migration>);

/// A migration that did not work.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// PostgreSQL refused a statement of the named step.
    #[error("{step}")]
    Failed {
        /// What was being done, as refinery says it: it names the file.
        step: String,
        /// Why it failed.
        #[source]
        source: PgError,
    },
    /// The history and the files disagree: a file was changed or removed after it was applied, or its number is
    /// lower than one that was.
    #[error("the migration history does not fit: {0}")]
    History(String),
    /// The files are not there, or not named or written as they must be.
    #[error("the migrations cannot be read: {0}")]
    Unreadable(String),
}

impl MigrateError {
    /// The PostgreSQL error beneath, where there is one.
    pub fn pg(&self) -> Option<&PgError> {
        match self {
            Self::Failed { source, .. } => Some(source),
            Self::History(_) | Self::Unreadable(_) => None,
        }
    }
}

/// Whether files are sent one by one, so that a failure names its file, or all in one message, which is faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// One file after the other.
    FileByFile,
    /// All files in one message: for new schemas, whose files were proved elsewhere.
    AtOnce,
}

impl Migrations {
    /// The set made of embedded files.
    pub fn new(mut migrations: Vec<Migration>) -> Self {
        migrations.sort();
        Self(migrations)
    }

    /// The set made of the files of a folder, named as refinery does: `V1__first.sql`, `V2__second.sql`, ….
    pub fn read(folder: &Path) -> Result<Self, MigrateError> {
        let files = refinery_core::load_sql_migrations(folder);
        let files = files.map_err(|error| MigrateError::Unreadable(error.to_string()))?;
        Ok(Self::new(files))
    }

    /// What tells this set from all others: the names and checksums of its files.
    pub fn identity(&self) -> String {
        let files = self.0.iter();
        let files = files.map(|file| format!("{file} {:016x}", file.checksum()));
        files.collect::<Vec<_>>().join(", ")
    }

    /// Whether a schema was made of these very files, as far as it was made of them. What they say is applied where the
    /// history lacks it, so the caller rolls back.
    ///
    /// # Errors
    /// [`MigrateError::History`]: a file is not what it was when it was applied.
    pub async fn verify(&self, tx: &mut Transaction, schema: &str) -> Result<(), MigrateError> {
        let runner = Runner::new(&self.0).set_abort_missing(false);
        Self::run(runner, tx, schema).await.map(|_| ())
    }

    /// The names of the files without their ending, and what they say, in their order.
    pub fn files(&self) -> impl Iterator<Item = (String, &str)> {
        let named = self.0.iter();
        named.map(|migration| (migration.to_string(), migration.sql().unwrap_or_default()))
    }

    /// The number of the last one: the version of a schema that has them all.
    pub fn latest(&self) -> i32 {
        self.0.last().map_or(0, Migration::version)
    }

    /// The set as it was when this number was the last one.
    #[must_use]
    pub fn up_to(&self, version: i32) -> Self {
        let earlier = self.0.iter().filter(|migration| migration.version() <= version);
        Self(earlier.cloned().collect())
    }

    /// Applies what the history in `schema` lacks, and returns the numbers applied.
    ///
    /// The caller has opened the transaction, holds the lock and has pinned `search_path` to `schema`. A file may
    /// set a path of its own without harm: the history table is named in full.
    pub async fn apply(
        &self,
        tx: &mut Transaction,
        schema: &str,
        sending: Sending,
    ) -> Result<Vec<i32>, MigrateError> {
        let runner = Runner::new(&self.0).set_grouped(sending == Sending::AtOnce);
        Self::run(runner, tx, schema).await
    }

    async fn run(mut runner: Runner, tx: &mut Transaction, schema: &str) -> Result<Vec<i32>, MigrateError> {
        let mut adapter = Adapter { tx, failure: None };
        runner.set_migration_table_name(format!("{schema}.{HISTORY_TABLE}"));
        let outcome = runner.run_async(&mut adapter).await;
        match (outcome, adapter.failure) {
            (Ok(report), _) => Ok(report
                .applied_migrations()
                .iter()
                .map(Migration::version)
                .collect()),
            (Err(error), Some(source)) => Err(MigrateError::Failed {
                step: error.to_string(),
                source,
            }),
            (Err(error), None) => Err(MigrateError::History(error.to_string())),
        }
    }
}

/// Takes the lock under which one schema is migrated, until the transaction ends. The key is a hash of 64 bits, so
/// that two schemas practically never wait for each other (of 100,000 schemas, two share a key with a chance of one
/// in three billion); if they do, they migrate one after the other.
pub async fn lock(tx: &mut Transaction, schema: &str) -> Result<(), PgError> {
    tx.execute(LOCK, &[&schema]).await.map(|_| ())
}

/// The seed, `TENT` in ASCII, keeps these keys apart from other advisory locks that hash a name.
const LOCK: &str = "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended($1, 1413829460))";

struct Adapter<'a> {
    tx: &'a mut Transaction,
    failure: Option<PgError>,
}

/// What refinery is told; the real error is kept in the adapter, whole.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct AdapterError(String);

impl AsyncTransaction for Adapter<'_> {
    type Error = AdapterError;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, AdapterError> {
        let texts: Vec<&str> = queries.collect();
        match self.tx.batch(&texts.join("\n;\n")).await {
            Ok(()) => Ok(texts.len()),
            Err(error) => {
                let told = AdapterError(error.to_string());
                self.failure = Some(error);
                Err(told)
            }
        }
    }
}

impl AsyncQuery<Vec<Migration>> for Adapter<'_> {
    async fn query<'a>(&'a mut self, query: &'a str) -> Result<Vec<Migration>, AdapterError> {
        let rows = match self.tx.rows(query, &[]).await {
            Ok(rows) => rows,
            Err(error) => {
                let told = AdapterError(error.to_string());
                self.failure = Some(error);
                return Err(told);
            }
        };
        // Read with care: a row edited by hand is an error to report, not a reason to panic.
        rows.iter()
            .map(|row| {
                let version: i32 = row.try_get(0).map_err(|e| AdapterError(e.to_string()))?;
                let broken = || AdapterError(format!("the history row of version {version} is not readable"));
                let name: String = row.try_get(1).map_err(|_| broken())?;
                let applied_on: String = row.try_get(2).map_err(|_| broken())?;
                let checksum: String = row.try_get(3).map_err(|_| broken())?;
                let applied_on = OffsetDateTime::parse(&applied_on, &Rfc3339).map_err(|_| broken())?;
                let checksum: u64 = checksum.parse().map_err(|_| broken())?;
                Ok(Migration::applied(version, name, applied_on, checksum))
            })
            .collect()
    }
}

impl AsyncMigrate for Adapter<'_> {}
