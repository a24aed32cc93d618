//! PostgreSQL alone, driven by `pgbench` with one statement, prepared.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use catalog::pg::config::PgConfig;
use hdrhistogram::Histogram;

use super::load::Load;

/// What `pgbench` sends.
#[derive(Debug, Default)]
pub struct Script {
    /// The statement; `:name` stands for a variable.
    pub text: String,
    /// The variables and their values.
    pub variables: Vec<(String, String)>,
    /// The schema that its names are looked up in, before `extensions`.
    pub search_path: Option<String>,
}

/// Where `pgbench` is and what it connects to.
#[derive(Debug)]
pub struct Transactions<'a> {
    /// The folder of PostgreSQL's programs.
    pub bin_dir: &'a Path,
    /// A folder for its files.
    pub folder: &'a Path,
    /// The database.
    pub config: PgConfig,
}

impl Transactions<'_> {
    /// Runs a script over so many connections for so many seconds.
    pub fn run(&self, script: &Script, connections: usize, seconds: u64) -> Result<Load> {
        let folder = tempfile::tempdir_in(self.folder)?;
        let file = folder.path().join("script.sql");
        std::fs::write(&file, &script.text)?;
        let mut command = Command::new(self.bin_dir.join("pgbench"));
        command
            .args(["--no-vacuum", "--protocol", "prepared", "--jobs", "2"])
            .args(["--client", &connections.to_string()])
            .args(["--time", &seconds.to_string()])
            .arg("--log")
            .arg("--log-prefix")
            .arg(folder.path().join("log"))
            .arg("--file")
            .arg(&file)
            .envs(self.config.libpq_environment());
        for (name, value) in &script.variables {
            command.arg(format!("--define={name}={value}"));
        }
        if let Some(schema) = &script.search_path {
            command.env("PGOPTIONS", format!("-c search_path={schema},extensions"));
        }
        let output = command
            .output()
            .context("pgbench belongs to PostgreSQL's programs (Debian: package postgresql)")?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "pgbench said: {said}{complaint}");
        let per_second = said
            .lines()
            .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
            .with_context(|| format!("pgbench said: {said}{complaint}"))?;
        Ok(Load::new(per_second, latencies(folder.path())?))
    }
}

/// What the logs say: a line for each transaction, its third word the microseconds it took (PostgreSQL documentation,
/// "pgbench", per-transaction logging).
fn latencies(folder: &Path) -> Result<Histogram<u64>> {
    let mut latency = Histogram::new(3)?;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with("log.") {
            continue;
        }
        for line in std::fs::read_to_string(entry.path())?.lines() {
            let took = line
                .split(' ')
                .nth(2)
                .context("a line of the log has six words")?;
            latency.record(took.parse()?)?;
        }
    }
    Ok(latency)
}
