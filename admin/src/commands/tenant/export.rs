//! `tenantry tenant export`: a tenant into a file.

use std::io::{self, IsTerminal as _};
use std::process::Stdio;

use anyhow::Context as _;
use serde::Serialize;
use tenant_schema::container::Head;
use tenant_schema::container::export::{self, Sealed};
use tenant_schema::container::reference::References;
use tokio::io::{AsyncWrite, BufWriter};

use crate::cli::TenantExportArgs;
use crate::client_program::ClientProgram;
use crate::exit::ExitStatus;
use crate::failure::{self, Problem};
use crate::new_file::NewFile;
use crate::operator::Operator;
use crate::output;

/// What of a tenant is in no container.
pub(super) const STAYS: [&str; 3] = ["API keys", "sessions", "answers kept for idempotency keys"];

/// A container that was written.
#[derive(Serialize)]
struct Written {
    slug: String,
    file: Option<String>,
    bytes: u64,
    sha256: String,
    content: String,
    template_version: i32,
    tables: usize,
    rows: u64,
    people: usize,
    /// Tables and columns that no template made.
    left_out: Vec<String>,
    not_carried: [&'static str; 3],
}

/// Writes it, and says what is in it: on standard error where the container itself is on standard output.
pub(super) async fn run(args: TenantExportArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let slug = args.slug.to_string();
    let status = if args.plain {
        plain(&args, operator).await
    } else {
        container(&args, operator).await
    };
    status.with_context(|| format!("could not export tenant {slug}"))
}

async fn container(args: &TenantExportArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    check_output(args, operator)?;
    let mut tx = operator.db.begin().await?;
    operator.tenant(&mut tx, &args.slug).await?;
    tx.rollback().await?;
    if let Some(place) = &args.output {
        let mut file = NewFile::create(place)?;
        let made = write(args, file.output(), operator).await?;
        file.keep().await?;
        operator.output.document(&told(args, made), text)?;
    } else {
        let made = write(
            args,
            BufWriter::with_capacity(1 << 20, tokio::io::stdout()),
            operator,
        )
        .await?;
        operator.output.progress(text(&told(args, made)).trim_end());
    }
    Ok(ExitStatus::Done)
}

fn check_output(args: &TenantExportArgs, operator: &Operator) -> anyhow::Result<()> {
    if args.output.is_some() {
        return Ok(());
    }
    if operator.output.is_json() {
        let next = "add --output FILE: the JSON document is on standard output then";
        return Err(Problem::refused("standard output is the container", next).into());
    }
    if !args.plain && io::stdout().is_terminal() {
        let next = "name a file with --output FILE, or put `> FILE` behind it";
        return Err(Problem::refused("a container is not for a terminal", next).into());
    }
    Ok(())
}

async fn write<W: AsyncWrite + Unpin>(
    args: &TenantExportArgs,
    output: W,
    operator: &Operator,
) -> anyhow::Result<(Head, Sealed)> {
    let references = References::of(&operator.config.template);
    let made = export::export(&operator.db, &references, &args.slug, output, &operator.source).await;
    made.map_err(failure::of_container)
}

fn told(args: &TenantExportArgs, (head, sealed): (Head, Sealed)) -> Written {
    Written {
        slug: args.slug.to_string(),
        file: args.output.as_ref().map(|place| place.display().to_string()),
        bytes: sealed.bytes,
        sha256: sealed.sha256.to_string(),
        content: sealed.closing.content.to_string(),
        template_version: head.template.version,
        tables: head.tables.len(),
        rows: sealed.closing.rows,
        people: head.people.len(),
        left_out: head.left_out,
        not_carried: STAYS,
    }
}

fn text(made: &Written) -> String {
    let size = output::bytes(i64::try_from(made.bytes).unwrap_or(i64::MAX));
    let mut pairs = vec![
        ("exported", made.slug.clone()),
        ("version", made.template_version.to_string()),
        ("rows", format!("{} of {} tables", made.rows, made.tables)),
        ("people", made.people.to_string()),
        ("size", size),
        ("sha256", made.sha256.clone()),
        ("content", made.content.clone()),
        ("not in it", made.not_carried.join(", ")),
    ];
    if !made.left_out.is_empty() {
        pairs.push(("left out", made.left_out.join(", ")));
    }
    output::pairs(pairs)
}

/// What `pg_dump` makes of the schema: without owners and rights, which are another database's business.
async fn plain(args: &TenantExportArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    check_output(args, operator)?;
    let mut tx = operator.db.begin().await?;
    let (_, schema) = operator.tenant(&mut tx, &args.slug).await?;
    tx.rollback().await?;
    let name = schema.schema.as_str();
    let program = ClientProgram::find("pg_dump", operator);
    let mut command = program.command();
    command
        .envs(operator.database.libpq_environment())
        .args(["--schema", name, "--no-owner", "--no-privileges", "--no-password"])
        .arg(format!("--exclude-table-data={name}._idempotency_keys"))
        .stdin(Stdio::null());
    let file = match &args.output {
        Some(place) => {
            let file = NewFile::create(place)?;
            command.stdout(file.duplicate().await?);
            Some(file)
        }
        None => None,
    };
    let status = command
        .status()
        .await
        .map_err(|error| program.cannot_run(&error))?;
    if !status.success() {
        let next = "see what pg_dump says above; it must be as new as the server";
        return Err(Problem::environment("pg_dump failed", next).into());
    }
    if let Some(file) = file {
        file.keep().await?;
        let place = args.output.as_ref().map(|place| place.display().to_string());
        let document = serde_json::json!({"slug": args.slug, "file": place, "schema": name, "plain": true});
        operator.output.document(&document, |_| {
            format!("exported {} as plain SQL of the schema {name}", args.slug)
        })?;
    }
    Ok(ExitStatus::Done)
}
