//! The same DDL as `psql` sends it: a file of transactions for each connection.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use tenant_schema::template::Template;
use tests::bench::Transactions;
use tokio::process::Command;

/// `psql`, and how often it runs at once.
pub(crate) struct Psql {
    program: PathBuf,
    folder: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
    jobs: NonZeroUsize,
}

impl Psql {
    /// Of this cluster.
    pub(crate) fn new(place: &Transactions<'_>, jobs: NonZeroUsize) -> Result<Self> {
        Ok(Self {
            program: place.bin_dir.join("psql"),
            folder: tempfile::tempdir_in(place.folder)?,
            environment: place.config.libpq_environment(),
            jobs,
        })
    }

    /// Sends a transaction for each of these schemas, and tells how long that took.
    pub(crate) async fn run(&self, numbers: &[usize], sql: impl Fn(usize) -> String) -> Result<Duration> {
        let share = numbers.len().div_ceil(self.jobs.get()).max(1);
        let mut files = Vec::new();
        for (at, chunk) in numbers.chunks(share).enumerate() {
            let file = self.folder.path().join(format!("{at}.sql"));
            std::fs::write(&file, chunk.iter().map(|n| sql(*n)).collect::<String>())?;
            files.push(file);
        }
        let began = Instant::now();
        try_join_all(files.iter().map(|file| self.send(file))).await?;
        Ok(began.elapsed())
    }

    async fn send(&self, file: &Path) -> Result<()> {
        let output = Command::new(&self.program)
            .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file"])
            .arg(file)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .stdin(Stdio::null())
            .output()
            .await
            .context("psql belongs to PostgreSQL's programs")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "psql failed: {said}");
        Ok(())
    }
}

/// What a tenant's schema is made of: schema, roles, tables, rights.
pub(crate) fn creation(n: usize) -> String {
    let mut sql = format!(
        "begin;
         create schema raw{n};
         create role raw{n}_rw nologin noinherit;
         create role raw{n}_ro nologin noinherit;
         grant raw{n}_rw, raw{n}_ro to tenantry_server;
         grant usage on schema raw{n} to raw{n}_rw, raw{n}_ro;
         set local search_path = raw{n}, extensions;\n"
    );
    for (_, text) in Template::shipped().migrations().files() {
        sql.push_str(text);
        sql.push_str("\n;\n");
    }
    let rights = format!(
        "grant select on all tables in schema raw{n} to raw{n}_rw, raw{n}_ro;
         grant insert, update, delete on all tables in schema raw{n} to raw{n}_rw;
         commit;"
    );
    let _infallible = writeln!(sql, "{rights}");
    sql
}

/// A change of it.
pub(crate) fn change(n: usize, text: &str) -> String {
    format!("begin;\nset local search_path = raw{n}, extensions;\n{text}commit;\n")
}
