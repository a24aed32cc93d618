//! `tenantry template check`: whether a template keeps to the rules.

use std::path::Path;

use anyhow::Context as _;
use catalog::clock::Source;
use catalog::init;
use catalog::pg::local::{Durability, LocalCluster};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use tenant_schema::template::Template;
use tenant_schema::template_check::{self, Finding, Severity, SqlFile, Target, live};

use crate::cli::{CheckTarget, TemplateCheckArgs};
use crate::config::Config;
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::{Opened, Operator};
use crate::output::Output;

#[derive(Serialize)]
struct Checked {
    template: String,
    files: usize,
    errors: usize,
    warnings: usize,
    /// Whether the files were applied too.
    applied: bool,
    findings: Vec<Finding>,
}

/// Reads the files; where they have no errors, applies them to a schema that is rolled back.
pub(in crate::commands) async fn run(
    args: TemplateCheckArgs,
    config: Config,
    output: Output,
) -> anyhow::Result<ExitStatus> {
    let (name, files) = files(args.folder.as_deref(), &config)?;
    let target = match args.target {
        CheckTarget::Postgresql => Target::PostgreSql,
        CheckTarget::Citus => Target::Citus,
    };
    let mut findings = template_check::check(&files, target);
    let is_sound = findings.iter().all(|finding| finding.severity != Severity::Error);
    let applied = is_sound && !args.text_only;
    if applied {
        let template = match &args.folder {
            Some(folder) => Template::read(folder).with_context(|| format!("could not check {name}"))?,
            None => config.template.clone(),
        };
        let found = Box::pin(apply(&template, &files, config, output)).await;
        findings.extend(found.with_context(|| format!("could not check {name}"))?);
        findings.sort();
    }
    let count = |severity| {
        findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count()
    };
    let document = Checked {
        template: name,
        files: files.len(),
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        applied,
        findings,
    };
    output.document(&document, human)?;
    let is_refused = document.errors > 0 || args.strict && document.warnings > 0;
    Ok(if is_refused {
        ExitStatus::Refused
    } else {
        ExitStatus::Done
    })
}

/// The files, and what to call them together.
fn files(folder: Option<&Path>, config: &Config) -> anyhow::Result<(String, Vec<SqlFile>)> {
    let Some(folder) = folder else {
        let name = if config.template.is_own() {
            "the template"
        } else {
            "the CRM that ships"
        };
        return Ok((
            name.to_owned(),
            template_check::files_of_template(&config.template),
        ));
    };
    let name = folder.display().to_string();
    let unreadable = |error: std::io::Error| {
        Problem::environment(
            format!("{name} cannot be read: {error}"),
            "name a folder of SQL files in UTF-8",
        )
    };
    let files = template_check::files_of(folder).map_err(unreadable)?;
    if files.is_empty() {
        let why = format!("{name} has no SQL files");
        return Err(Problem::refused(why, "name the folder that has V1__….sql").into());
    }
    Ok((name, files))
}

async fn apply(
    template: &Template,
    files: &[SqlFile],
    config: Config,
    output: Output,
) -> anyhow::Result<Vec<Finding>> {
    match Operator::open_if_any(config, output)? {
        Opened::Database(operator) => {
            let mut tx = operator.db.begin().await?;
            let version = init::version(&mut tx).await?;
            tx.rollback().await?;
            if version.is_none() {
                let why = "the database has no catalog, and so not the extensions that a template may use";
                return Err(Problem::environment(
                    why,
                    "run `tenantry init` first, or check with --text-only",
                )
                .into());
            }
            Ok(live::check(&operator.db, template, files).await?)
        }
        Opened::Nothing(config) => Box::pin(apply_on_temporary(template, files, *config, output)).await,
    }
}

async fn apply_on_temporary(
    template: &Template,
    files: &[SqlFile],
    config: Config,
    output: Output,
) -> anyhow::Result<Vec<Finding>> {
    output.progress("starting a temporary PostgreSQL (DATABASE_URL is not set, no demo is running)");
    let settings = config.postgres.clone().durability(Durability::Unsafe);
    let cluster = LocalCluster::ephemeral(settings, &Source::system()).await?;
    let url = cluster.url("postgres");
    let database = url
        .expose_secret()
        .parse()
        .context("could not read the cluster's URL")?;
    let operator = Operator::on(database, None, config, output);
    let found = async {
        init::init(&operator.db, None).await?;
        anyhow::Ok(live::check(&operator.db, template, files).await?)
    };
    let found = found.await;
    drop(operator);
    cluster.stop().await?;
    found
}

/// A line for each finding, as compilers write them, and what to do below it.
fn human(checked: &Checked) -> String {
    let mut lines = Vec::new();
    for finding in &checked.findings {
        let Finding {
            file,
            line,
            rule,
            reason,
            instead,
            ..
        } = finding;
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        lines.push(format!(
            "{file}:{line}: {severity}[{rule}]: {reason}\n    {instead}"
        ));
    }
    let number = |count: usize, what| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let mut sum = format!(
        "{}: {}, {}, {}",
        checked.template,
        number(checked.files, "file"),
        number(checked.errors, "error"),
        number(checked.warnings, "warning")
    );
    if !checked.applied {
        sum.push_str("; the files were read and not applied");
    }
    lines.push(sum);
    lines.join("\n")
}
