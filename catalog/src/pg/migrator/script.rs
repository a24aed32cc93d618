//! What brings a schema from one version to another, known before its history was read: it is sent together with the question
//! for the history, and nothing is committed unless the answer is what was taken for granted.

use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use refinery_core::{Migration, Target};
use time::OffsetDateTime;

use super::{Adapter, AdapterError, HISTORY_TABLE, MigrateError, Migrations, history, message, pinned_again};
use crate::pg::sqlstate::PgError;
use crate::pg::tx::{Texts, Transaction};

/// A file with its row for the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    file: String,
    /// What is sent.
    pub sql: String,
}

/// What stands for the files up to a version, for new schemas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// The name of its file, without the ending.
    pub name: String,
    /// The last file that it stands for.
    pub version: i32,
    /// What it says.
    pub sql: String,
}

impl Piece {
    /// The error of this piece, told as that of a file that was sent by itself.
    pub fn failed(self, done: usize, source: PgError) -> MigrateError {
        MigrateError::Failed {
            step: format!("error applying migration {}", self.file),
            sent: self.sql,
            done,
            source,
        }
    }
}

impl Migrations {
    /// The files that a schema of version `from` lacks, each with its row for the history: what refinery would send if it
    /// found the history that [`Migrations::is_history`] knows.
    ///
    /// # Errors
    /// [`MigrateError::History`]: the numbers of the files are not in order.
    pub async fn script(&self, from: i32, schema: &str) -> Result<Vec<Piece>, MigrateError> {
        let mut recorder = Recorder {
            applied: self.up_to(from).0,
            pinned_again: pinned_again(schema),
            sent: Vec::new(),
        };
        let mut runner = self.runner(super::Sending::FileByFile);
        runner.set_migration_table_name(format!("{schema}.{HISTORY_TABLE}"));
        let report = runner.run_async(&mut recorder).await;
        let report = report.map_err(|error| MigrateError::History(error.to_string()))?;
        let files = report.applied_migrations().iter().map(ToString::to_string);
        let pieces = files.zip(recorder.sent);
        Ok(pieces.map(|(file, sql)| Piece { file, sql }).collect())
    }

    /// Makes what is in a new schema: the baseline, if there is one, with the history rows of the files it stands for, and the
    /// files behind it. One message: what it says was proved elsewhere.
    ///
    /// The caller has opened the transaction and has pinned `search_path` to `schema`, which is empty.
    pub async fn create(
        &self,
        baseline: Option<&Baseline>,
        tx: &mut Transaction,
        schema: &str,
    ) -> Result<(), MigrateError> {
        let history = format!("{schema}.{HISTORY_TABLE}");
        let mut sent = vec![<Adapter<'_> as AsyncMigrate>::assert_migrations_table_query(
            &history,
        )];
        let mut from = 0;
        if let Some(baseline) = baseline {
            from = baseline.version;
            sent.push(baseline.sql.clone());
            sent.push(self.rows(from, schema).await?);
            sent.extend(pinned_again(schema));
        }
        let script = self.script(from, schema).await?;
        sent.extend(script.into_iter().map(|piece| piece.sql));
        let sent = sent.join("\n;\n");
        let applied = tx.batch_counted(&sent).await;
        applied.map_err(|(source, done)| MigrateError::Failed {
            step: "error applying migrations".to_owned(),
            sent,
            done,
            source,
        })
    }

    /// The statements that write the history of the files up to a version, without applying them.
    async fn rows(&self, version: i32, schema: &str) -> Result<String, MigrateError> {
        let mut recorder = Recorder {
            applied: Vec::new(),
            pinned_again: None,
            sent: Vec::new(),
        };
        let earlier = self.up_to(version);
        let mut runner = earlier.runner(super::Sending::AtOnce).set_target(Target::Fake);
        runner.set_migration_table_name(format!("{schema}.{HISTORY_TABLE}"));
        let report = runner.run_async(&mut recorder).await;
        report.map_err(|error| MigrateError::History(error.to_string()))?;
        Ok(recorder.sent.join("\n;\n"))
    }

    /// Whether this is the history of a schema that was made of these files up to this version, no more and no less.
    pub fn is_history(&self, from: i32, rows: &[Texts]) -> bool {
        let expected = self.0.iter().filter(|file| file.version() <= from);
        let found: Result<Vec<Migration>, _> = rows.iter().map(|row| history(row)).collect();
        found.is_ok_and(|found| expected.eq(&found))
    }
}

/// Stands in for a schema: has the history that it is told, and notes what would be sent.
struct Recorder {
    applied: Vec<Migration>,
    pinned_again: Option<String>,
    sent: Vec<String>,
}

impl AsyncTransaction for Recorder {
    type Error = AdapterError;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, AdapterError> {
        let texts: Vec<&str> = queries.filter(|text| !text.is_empty()).collect();
        if !texts.is_empty() {
            self.sent.push(message(&texts, self.pinned_again.as_deref()));
        }
        Ok(texts.len())
    }
}

impl AsyncQuery<Vec<Migration>> for Recorder {
    async fn query<'a>(&'a mut self, _: &'a str) -> Result<Vec<Migration>, AdapterError> {
        let applied = |file: &Migration| {
            let name = file.name().to_owned();
            // When it was applied is asked by nobody.
            Migration::applied(file.version(), name, OffsetDateTime::UNIX_EPOCH, file.checksum())
        };
        Ok(self.applied.iter().map(applied).collect())
    }
}

impl AsyncMigrate for Recorder {
    fn assert_migrations_table_query(_: &str) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrations() -> Migrations {
        let file = |name: &str, sql: &str| Migration::unapplied(name, sql).expect("a migration");
        Migrations::new(vec![
            file("V1__one", "select 1"),
            file("V2__two", "select 2;"),
            file("V3__three", "select 3"),
        ])
    }

    fn row(migrations: &Migrations, version: i32) -> Texts {
        let file = &migrations.0[usize::try_from(version).expect("positive") - 1];
        let texts = [
            version.to_string(),
            file.name().to_owned(),
            "2026-01-01T00:00:00Z".to_owned(),
            file.checksum().to_string(),
        ];
        texts.map(Some).to_vec()
    }

    #[tokio::test]
    async fn a_script_has_the_files_that_are_lacking() {
        let migrations = migrations();
        let script = migrations.script(1, "t_1").await.expect("a script");
        assert_eq!(script.len(), 2);
        assert_eq!(script[0].file, "V2__two");
        let insert = "\n;\nINSERT INTO t_1.refinery_schema_history";
        assert!(
            script[0].sql.starts_with(&format!("select 2;{insert}")),
            "{script:?}"
        );
        assert!(
            script[1].sql.starts_with(&format!("select 3{insert}")),
            "{script:?}"
        );
        assert_eq!(migrations.script(3, "t_1").await.expect("a script"), []);
    }

    #[tokio::test]
    async fn a_baseline_has_the_rows_of_the_files_it_stands_for() {
        let rows = migrations().rows(2, "t_1").await.expect("rows");
        assert_eq!(rows.matches("INSERT INTO t_1.refinery_schema_history").count(), 2);
        assert!(!rows.contains("select"), "{rows}");
    }

    #[test]
    fn a_history_is_the_one_expected_or_not() {
        let migrations = migrations();
        let rows = [row(&migrations, 1), row(&migrations, 2)];
        assert!(migrations.is_history(2, &rows));
        assert!(migrations.is_history(0, &[]));
        assert!(!migrations.is_history(1, &rows), "more");
        assert!(!migrations.is_history(3, &rows), "less");
        let mut other = rows.clone();
        other[0][3] = Some("7".to_owned());
        assert!(!migrations.is_history(2, &other), "another file");
        other[0][3] = None;
        assert!(!migrations.is_history(2, &other), "unreadable");
    }
}
