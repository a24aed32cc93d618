//! `tenantry template check`: whether a template keeps to what the platform builds on.
//!
//! A tenant schema is dumped, moved and restored by itself, its role is its wall, and all tenants share prepared
//! statements and one model. What breaks one of these promises is an [error](Severity::Error). What works, but costs more
//! the more tenants there are or the more rows they have, is a [warning](Severity::Warning), so that a schema which was
//! made for something else can be tried as it stands.
//!
//! Two layers: [`check`] reads the files; [`live::check`] builds a schema from them in a transaction that is rolled back,
//! and looks at what PostgreSQL made of it.

use std::path::Path;

use serde::Serialize;

use crate::template::Template;

pub use files::Kind;
pub use rule::Rule;
pub(crate) use shape::SHAPE;

mod access_lines;
mod baselines;
mod citus;
mod files;
pub mod live;
mod names;
mod personal_lines;
pub(crate) mod post_steps;
mod rule;
mod rules;
mod shape;
pub(crate) mod statements;
mod tables;
mod tokens;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It breaks a promise: isolation, one transaction, or dump, move and restore.
    Error,
    /// It costs something where there are many tenants or many rows.
    Warning,
}

/// What tenants are to live on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Target {
    /// One PostgreSQL.
    #[default]
    PostgreSql,
    /// Distributed schemas of Citus 12 or newer: its rules count besides.
    Citus,
}

/// A rule that is broken, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The file, relative to the template's folder.
    pub file: String,
    /// The line, counted from one.
    pub line: usize,
    /// How bad it is.
    pub severity: Severity,
    /// The rule.
    pub rule: Rule,
    /// What is wrong.
    pub reason: String,
    /// What to do instead.
    pub instead: &'static str,
}

/// A migration's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlFile {
    /// Its name, relative to the template's folder.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl SqlFile {
    /// What it is, if it is named as one of a template's.
    pub fn kind(&self) -> Option<Kind> {
        files::named(&self.name).map(|(kind, _)| kind)
    }

    /// Its number, if it is named as one of a template's.
    pub fn number(&self) -> Option<i32> {
        files::named(&self.name).map(|(_, number)| number)
    }

    /// Its name without folder and ending.
    pub fn stem(&self) -> &str {
        let name = files::base(&self.name);
        name.strip_suffix(".sql").unwrap_or(name)
    }
}

/// The SQL files of a folder, and of the folders in it, in the order in which they are applied.
pub fn files_of(folder: &Path) -> std::io::Result<Vec<SqlFile>> {
    files::read(folder)
}

/// The files that a template was read from.
pub fn files_of_template(template: &Template) -> Vec<SqlFile> {
    let baselines = template.baselines().iter();
    let baselines = baselines.map(|baseline| (baseline.name.clone(), baseline.sql.as_str()));
    let steps = template.post_steps(template.latest());
    let steps = steps.map(|step| (step.name().to_owned(), step.statement()));
    let files = template.migrations().files().chain(baselines).chain(steps);
    files
        .map(|(name, text)| SqlFile {
            name: format!("{name}.sql"),
            text: text.to_owned(),
        })
        .collect()
}

/// What is wrong with these files, as far as their text tells, in their order.
pub fn check(files: &[SqlFile], target: Target) -> Vec<Finding> {
    let mut findings = files::numbering(files);
    for file in files {
        let mut found = Found {
            file: &file.name,
            findings: &mut findings,
        };
        match tokens::read(&file.text) {
            Ok(tokens) if file.kind() == Some(Kind::PostStep) => {
                post_steps::check(&file.text, &tokens, &mut found);
            }
            Ok(tokens) => {
                rules::check(&tokens, &mut found);
                if target == Target::Citus {
                    citus::check(&tokens, &mut found);
                }
            }
            Err(unended) => found.add(
                unended.line,
                Rule::Unreadable,
                format!("{} begins here and does not end", unended.what),
                "end it: PostgreSQL would take all that follows for a part of it",
            ),
        }
    }
    findings.sort();
    findings.dedup();
    findings
}

/// Where the rules put what they find in one file.
struct Found<'a> {
    file: &'a str,
    findings: &'a mut Vec<Finding>,
}

impl Found<'_> {
    fn add(&mut self, line: usize, rule: Rule, reason: String, instead: &'static str) {
        self.findings
            .push(Finding::new(self.file, line, rule, reason, instead));
    }
}

impl Finding {
    fn new(file: &str, line: usize, rule: Rule, reason: String, instead: &'static str) -> Self {
        Self {
            file: file.to_owned(),
            line,
            severity: rule.severity(),
            rule,
            reason,
            instead,
        }
    }
}

#[cfg(test)]
mod tests;
