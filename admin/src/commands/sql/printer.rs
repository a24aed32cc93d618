//! How rows are written as they come, and failures at the end.

use std::collections::BTreeSet;

use serde::Serialize;
use tenant_schema::fleet_sql::{Column, Row, Summary, TenantFailure};

use super::json;
use super::text::{self, Widths};
use crate::cli::SqlFormat;
use crate::failure::Problem;
use crate::output::Output;

/// How many rows decide how wide the columns of a table are.
const MEASURED: usize = 1_000;

/// Writes a result.
pub(super) struct Printer {
    format: SqlFormat,
    output: Output,
    columns: Vec<Column>,
    /// The first rows of a table, until there are enough of them to know how wide its columns are.
    waiting: Vec<Row>,
    widths: Option<Widths>,
    rows: u64,
}

/// A failure as a document tells it.
#[derive(Serialize)]
struct Failure<'a> {
    tenant: &'a str,
    version: i32,
    sqlstate: Option<&'a str>,
    message: &'a str,
    rows: u64,
}

impl Printer {
    pub(super) fn new(format: SqlFormat, output: Output) -> Self {
        Self {
            format,
            output,
            columns: Vec::new(),
            waiting: Vec::new(),
            widths: None,
            rows: 0,
        }
    }

    /// Writes what comes before the rows.
    pub(super) fn begin(&mut self, columns: Vec<Column>) -> anyhow::Result<()> {
        if matches!(self.format, SqlFormat::Json | SqlFormat::Ndjson) {
            let mut names = BTreeSet::new();
            if let Some(twice) = columns.iter().find(|column| !names.insert(&column.name)) {
                let why = format!("two columns are called {:?}, and an object has one", twice.name);
                return Err(Problem::refused(why, "name one of them otherwise (as …)").into());
            }
        }
        self.columns = columns;
        match self.format {
            SqlFormat::Table | SqlFormat::Ndjson => Ok(()),
            SqlFormat::Csv => self.output.piece(&text::csv_header(&self.columns)),
            SqlFormat::Json => self.output.piece(&json::head(&self.columns)?),
        }
    }

    /// Writes rows.
    pub(super) fn rows(&mut self, rows: &[Row]) -> anyhow::Result<()> {
        let before = self.rows;
        self.rows += rows.len() as u64;
        match self.format {
            SqlFormat::Table => self.table(rows),
            SqlFormat::Csv => self.output.piece(&text::csv(rows)),
            SqlFormat::Json => self
                .output
                .piece(&json::members(&self.columns, rows, before == 0)?),
            SqlFormat::Ndjson => self.output.piece(&json::lines(&self.columns, rows)?),
        }
    }

    fn table(&mut self, rows: &[Row]) -> anyhow::Result<()> {
        if let Some(widths) = &self.widths {
            return self.output.piece(&text::table(widths, rows));
        }
        self.waiting.extend_from_slice(rows);
        if self.waiting.len() >= MEASURED {
            self.measure()?;
        }
        Ok(())
    }

    /// Writes the header and the rows that have waited.
    fn measure(&mut self) -> anyhow::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let widths = Widths::of(&self.columns, &waiting);
        let mut table = text::table_header(&widths, &self.columns);
        table.push_str(&text::table(&widths, &waiting));
        self.widths = Some(widths);
        self.output.piece(&table)
    }

    /// Writes what comes after the rows: for people, and for programs that read rows, on standard error.
    pub(super) fn end(mut self, failures: &[TenantFailure], summary: Summary) -> anyhow::Result<()> {
        let Summary {
            asked,
            failed,
            skipped,
        } = summary;
        if self.format == SqlFormat::Json {
            let failures: Vec<Failure<'_>> = failures.iter().map(document).collect();
            let tail = serde_json::json!({
                "failures": failures, "tenants": asked, "skipped": skipped,
            });
            return self.output.piece(&json::tail(&tail, self.rows));
        }
        if self.format == SqlFormat::Table && self.widths.is_none() && !self.columns.is_empty() {
            self.measure()?;
        }
        if self.format == SqlFormat::Table && asked > 0 {
            let rows = self.rows;
            self.output
                .progress(format_args!("\nrows {rows}, tenants {asked}, failed {failed}"));
        }
        for failure in failures {
            self.output.progress(line(failure));
        }
        if skipped > 0 {
            self.output.progress(format_args!(
                "{skipped} tenants were not asked: too many had failed"
            ));
        }
        Ok(())
    }
}

fn document(failure: &TenantFailure) -> Failure<'_> {
    Failure {
        tenant: failure.slug.as_str(),
        version: failure.version,
        sqlstate: failure.sqlstate.as_deref(),
        message: &failure.message,
        rows: failure.rows,
    }
}

fn line(failure: &TenantFailure) -> String {
    let TenantFailure {
        slug,
        version,
        message,
        rows,
        ..
    } = failure;
    let state = failure
        .sqlstate
        .as_ref()
        .map(|state| format!(" (SQLSTATE {state})"));
    let given = match rows {
        0 => String::new(),
        rows => format!("; {rows} of its rows are above"),
    };
    let state = state.unwrap_or_default();
    format!(
        "failed: {slug} (version {version}): {}{state}{given}",
        text::visible(message)
    )
}
