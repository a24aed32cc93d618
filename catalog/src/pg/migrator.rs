//! Numbered migrations inside a transaction of ours: refinery's files, numbering, checksums and history table, but
//! our transaction and our lock.
//!
//! refinery's own drivers take no lock and commit by themselves; here a migration is part of something larger
//! (provisioning a tenant, say) and must vanish with it. [`Migrations::apply`] therefore drives refinery's runner
//! over an adapter that never begins and never commits.

mod script;

use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use refinery_core::{Migration, Report, Runner};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use self::script::{Baseline, Piece};
use super::sqlstate::PgError;
use super::tx::{Texts, Transaction};
use crate::schema_name::SchemaName;

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
        /// What was sent: one statement or several.
        sent: String,
        /// How many of these had been carried out.
        done: usize,
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

    /// The set made of files: their names without the ending, as refinery has them (`V1__first`, `V2__second`, …), and what
    /// they say.
    ///
    /// # Errors
    /// [`MigrateError::Unreadable`]: a file is not named so.
    pub fn of<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, MigrateError> {
        let read = |(name, text)| {
            let file = Migration::unapplied(name, text);
            file.map_err(|error| MigrateError::Unreadable(format!("{name}.sql: {error}")))
        };
        Ok(Self::new(files.map(read).collect::<Result<_, _>>()?))
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

    /// Those with a number above the first and up to the second: names without their ending, and what they say.
    pub fn between(&self, above: i32, up_to: i32) -> impl Iterator<Item = (String, &str)> {
        let within = move |migration: &&Migration| (above + 1..=up_to).contains(&migration.version());
        let named = self.0.iter().filter(within);
        named.map(|migration| (migration.to_string(), migration.sql().unwrap_or_default()))
    }

    /// What the history of a schema of this version says: number, name and checksum of each file, in their order.
    pub fn history(&self, version: i32) -> impl Iterator<Item = (i32, &str, u64)> {
        let within = move |file: &&Migration| file.version() <= version;
        let files = self.0.iter().filter(within);
        files.map(|file| (file.version(), file.name(), file.checksum()))
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
    /// The caller has opened the transaction, holds the lock and has pinned `search_path` to `schema`. Behind each file of a
    /// tenant's it is pinned again.
    pub async fn apply(
        &self,
        tx: &mut Transaction,
        schema: &str,
        sending: Sending,
    ) -> Result<Vec<i32>, MigrateError> {
        Self::run(self.runner(sending), tx, schema).await
    }

    /// The same for a schema whose history was asked for by [`history_query`]: it is neither made nor read again, which
    /// spares two network flights.
    pub async fn continue_from(
        &self,
        history: Vec<Texts>,
        tx: &mut Transaction,
        schema: &str,
        sending: Sending,
    ) -> Result<Vec<i32>, MigrateError> {
        let adapter = Adapter::new(tx, schema);
        let mut adapter = Continuing { adapter, history };
        let mut runner = self.runner(sending);
        runner.set_migration_table_name(format!("{schema}.{HISTORY_TABLE}"));
        let outcome = runner.run_async(&mut adapter).await;
        Self::applied(outcome, adapter.adapter.failure)
    }

    fn runner(&self, sending: Sending) -> Runner {
        Runner::new(&self.0).set_grouped(sending == Sending::AtOnce)
    }

    async fn run(mut runner: Runner, tx: &mut Transaction, schema: &str) -> Result<Vec<i32>, MigrateError> {
        let mut adapter = Adapter::new(tx, schema);
        runner.set_migration_table_name(format!("{schema}.{HISTORY_TABLE}"));
        let outcome = runner.run_async(&mut adapter).await;
        Self::applied(outcome, adapter.failure)
    }

    fn applied(
        outcome: Result<Report, refinery_core::Error>,
        failure: Option<Refused>,
    ) -> Result<Vec<i32>, MigrateError> {
        match (outcome, failure) {
            (Ok(report), _) => Ok(report
                .applied_migrations()
                .iter()
                .map(Migration::version)
                .collect()),
            (Err(error), Some(Refused { sent, done, source })) => Err(MigrateError::Failed {
                step: step(&error.to_string()),
                sent,
                done,
                source,
            }),
            (Err(error), None) => Err(MigrateError::History(error.to_string())),
        }
    }
}

/// What refinery was doing: it says `that`, `why`, and why is known better.
fn step(said: &str) -> String {
    let step = said.split("`, `").next().unwrap_or(said);
    step.trim_matches('`').to_owned()
}

/// Takes the lock under which one tenant's schema is migrated, until the transaction ends: its row in the catalog, which
/// nobody but the owner can lock. An advisory lock could be held by any login of a tenant's, for ever. A schema that is
/// not in the catalog yet is nobody's to wait for.
pub async fn lock(tx: &mut Transaction, schema: &str) -> Result<(), PgError> {
    tx.execute(LOCK, &[&schema]).await.map(|_| ())
}

/// Keeps migrations and purges of these schemas away until the transaction ends, without waiting: says of which
/// nobody is at work now.
pub async fn try_lock_shared(tx: &mut Transaction, schemas: &[&str]) -> Result<Vec<String>, PgError> {
    let rows = tx.rows(TRY_LOCK_SHARED, &[&schemas]).await?;
    Ok(rows.iter().map(|row| row.get("schema")).collect())
}

/// What asks for the history in a schema.
pub fn history_query(schema: &str) -> String {
    <Adapter<'_> as AsyncMigrate>::get_applied_migrations_query(&format!("{schema}.{HISTORY_TABLE}"))
}

const LOCK: &str =
    "select t.schema_name from catalog.tenant_schemas t where t.schema_name = $1 for no key update";

/// What a tenant's file leaves to the next one: the path that the schema's migrations run under, and the owner's own role,
/// whatever it set by ways that its text does not show.
fn pinned_again(schema: &str) -> Option<String> {
    let schema: SchemaName = schema.parse().ok()?;
    Some(format!(
        "set local search_path = {}; set local role none",
        schema.search_path()
    ))
}

/// One message of a file, its row for the history, and what the next file finds.
fn message(texts: &[&str], pinned_again: Option<&str>) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for file in texts.chunks(2) {
        parts.extend(file);
        // What is alone is refinery's own: it makes the history.
        parts.extend(pinned_again.filter(|_| file.len() == 2));
    }
    parts.join("\n;\n")
}

const TRY_LOCK_SHARED: &str = "\
with free as ( \
  select t.schema_name from catalog.tenant_schemas t where t.schema_name = any($1::text[]) for share skip locked) \
select s.name as schema from unnest($1::text[]) s (name) \
where s.name in (select f.schema_name from free f) \
  or not exists (select from catalog.tenant_schemas t where t.schema_name = s.name)";

pub(crate) const STATEMENTS: &[&str] = &[LOCK, TRY_LOCK_SHARED];

struct Adapter<'a> {
    tx: &'a mut Transaction,
    pinned_again: Option<String>,
    failure: Option<Refused>,
}

/// The real error and what it is about, whole.
struct Refused {
    sent: String,
    done: usize,
    source: PgError,
}

impl<'a> Adapter<'a> {
    fn new(tx: &'a mut Transaction, schema: &str) -> Self {
        Self {
            tx,
            pinned_again: pinned_again(schema),
            failure: None,
        }
    }

    fn refused(&mut self, sent: &str, done: usize, source: PgError) -> AdapterError {
        let told = AdapterError(source.to_string());
        let sent = sent.to_owned();
        self.failure = Some(Refused { sent, done, source });
        told
    }
}

/// The adapter for a schema whose history is known.
struct Continuing<'a> {
    adapter: Adapter<'a>,
    history: Vec<Texts>,
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
        let sent = message(&texts, self.pinned_again.as_deref());
        match self.tx.batch_counted(&sent).await {
            Ok(()) => Ok(texts.len()),
            Err((error, done)) => Err(self.refused(&sent, done, error)),
        }
    }
}

impl AsyncQuery<Vec<Migration>> for Adapter<'_> {
    async fn query<'a>(&'a mut self, query: &'a str) -> Result<Vec<Migration>, AdapterError> {
        let rows = match self.tx.texts(query).await {
            Ok(rows) => rows,
            Err(error) => return Err(self.refused(query, 0, error)),
        };
        rows.iter().map(|row| history(row)).collect()
    }
}

/// Reads a row of the history, with care: one that was edited by hand is an error to report, not a reason to panic.
fn history(row: &[Option<String>]) -> Result<Migration, AdapterError> {
    let column = |number: usize| row.get(number).and_then(Option::as_deref);
    let version = column(0).and_then(|text| text.parse().ok());
    let version: i32 = version.ok_or_else(|| AdapterError("a history row has no version".to_owned()))?;
    let broken = || AdapterError(format!("the history row of version {version} is not readable"));
    let name = column(1).ok_or_else(broken)?.to_owned();
    let applied_on = OffsetDateTime::parse(column(2).ok_or_else(broken)?, &Rfc3339).map_err(|_| broken())?;
    let checksum: u64 = column(3).and_then(|text| text.parse().ok()).ok_or_else(broken)?;
    Ok(Migration::applied(version, name, applied_on, checksum))
}

impl AsyncMigrate for Adapter<'_> {}

impl AsyncTransaction for Continuing<'_> {
    type Error = AdapterError;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, AdapterError> {
        let texts: Vec<&str> = queries.filter(|text| !text.is_empty()).collect();
        match texts.len() {
            0 => Ok(0),
            _ => self.adapter.execute(texts.into_iter()).await,
        }
    }
}

impl AsyncQuery<Vec<Migration>> for Continuing<'_> {
    async fn query<'a>(&'a mut self, _: &'a str) -> Result<Vec<Migration>, AdapterError> {
        self.history.iter().map(|row| history(row)).collect()
    }
}

impl AsyncMigrate for Continuing<'_> {
    fn assert_migrations_table_query(_: &str) -> String {
        String::new()
    }
}
