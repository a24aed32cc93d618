//! `tenantry sql`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::SelectionArgs;
use super::migrate::jobs;
use crate::config::Interval;

/// `sql`.
#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// The statement; one
    #[arg(value_name = "STATEMENT", required_unless_present = "file")]
    pub(crate) statement: Option<String>,
    /// Read the statement from this file; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "statement")]
    pub(crate) file: Option<PathBuf>,
    /// Ask this of all results together: they are a table \"fleet\" with a column \"tenant\"
    #[arg(long, value_name = "STATEMENT")]
    pub(crate) then: Option<String>,
    /// How many tenants are asked at once, each on a connection of its own
    #[arg(long, value_name = "N", default_value = "4", value_parser = jobs)]
    pub(crate) jobs: NonZeroUsize,
    /// How long one tenant may take
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub(crate) timeout: Interval,
    /// How many tenants may fail before no other is asked; any number if left out
    #[arg(long, value_name = "N")]
    pub(crate) max_failures: Option<usize>,
    /// Let the statement write: under the tenant's _rw role
    #[arg(long)]
    pub(crate) write: bool,
    /// With --write: do it, and take it back
    #[arg(long, requires = "write")]
    pub(crate) dry_run: bool,
    /// Yes, write in several tenants
    #[arg(long)]
    pub(crate) yes: bool,
    /// How the result is written; --json is --format json
    #[arg(long, value_enum, default_value_t, conflicts_with = "json")]
    pub(crate) format: SqlFormat,
}

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum SqlFormat {
    /// For people
    #[default]
    Table,
    /// RFC 4180; NULL is nothing, an empty text is \"\"
    Csv,
    /// One document: columns, rows, failures
    Json,
    /// A row a line
    Ndjson,
}

/// The end of the help.
pub(super) const EXAMPLES: &str = "\
Examples:
  tenantry sql --all 'select count(*) from contacts'
  tenantry sql --where plan=pro --format csv 'select id, email from contacts where email is null' > missing.csv
  tenantry sql --all 'select count(*) as n from deals' --then 'select sum(n), max(n) from fleet'
  tenantry sql --only acme,globex --write --dry-run \"update deals set currency = 'EUR' where currency is null\"
  tenantry sql --all --write --yes --file mend.sql

Each tenant is asked in a READ ONLY transaction under its own _ro role, or under _rw with --write, where each tenant is a
transaction of its own. The login is made for this run and can be one tenant at a time and nothing else. Results come in
the order of the slugs, with a column \"tenant\" before their own, as fast as they are taken. A tenant that fails is listed at
the end with its SQLSTATE, and the exit status is 1; the results of the others stand.";
