//! `tenantry backup`: every tenant into a container of its own, several at once.

pub(super) mod drill;
mod folder;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use catalog::clock::Source;
use catalog::pg::pool::PoolSettings;
use catalog::selection::Selection;
use catalog::slug::Slug;
use catalog::tx::CatalogDb;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tenant_schema::container::export;
use tenant_schema::container::reference::References;
use tokio::task::JoinSet;

use self::folder::{Folder, Kept, Manifest};
use crate::cli::BackupArgs;
use crate::exit::ExitStatus;
use crate::failure::{self, Problem};
use crate::new_file::NewFile;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct Backup {
    folder: String,
    begun_at: DateTime<Utc>,
    /// Containers that were written now.
    written: usize,
    /// Those of the folder that were left as they are.
    kept: usize,
    rows: u64,
    bytes: u64,
    failed: Vec<Failed>,
}

#[derive(Serialize)]
struct Failed {
    slug: String,
    error: String,
}

/// What each job works with.
#[derive(Clone)]
struct Job {
    db: CatalogDb,
    references: References,
    source: Source,
    folder: Arc<Folder>,
}

/// Writes a line for each tenant while it works.
pub(super) async fn run(args: &BackupArgs, folder: &Path, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let done = Box::pin(back_up(args, folder, operator)).await;
    let done = done.with_context(|| format!("could not back up to {}", folder.display()))?;
    let is_whole = done.failed.is_empty();
    operator.output.document(&done, text)?;
    Ok(if is_whole {
        ExitStatus::Done
    } else {
        ExitStatus::Refused
    })
}

async fn back_up(args: &BackupArgs, path: &Path, operator: &Operator) -> anyhow::Result<Backup> {
    let folder = Arc::new(Folder::open(path, true)?);
    let begun_at = operator.source.now();
    let selection = args.selection.or_all();
    let mut tenants = tenants(&selection, operator).await?;
    let mut done = if args.resume {
        folder.journal()?
    } else {
        Vec::new()
    };
    done.retain(|kept| folder.file(&kept.file).is_file());
    let resumed: HashSet<String> = done.iter().map(|kept| kept.slug.clone()).collect();
    tenants.retain(|slug| !resumed.contains(slug.as_str()));
    let job = Job {
        db: connections(args, operator),
        references: References::of(&operator.config.template),
        source: operator.source.clone(),
        folder: Arc::clone(&folder),
    };
    let failed = work(args, tenants, &job, &mut done, operator).await?;
    let (written, mut manifest) = (
        done.len(),
        Manifest {
            made_by: concat!("tenantry ", env!("CARGO_PKG_VERSION")).to_owned(),
            begun_at,
            finished_at: operator.source.now(),
            tenants: done,
        },
    );
    // Who was not asked for, or could not be written, keeps the container it had.
    let anew: HashSet<String> = manifest.tenants.iter().map(|kept| kept.slug.clone()).collect();
    let before = folder.manifest()?.into_iter().flat_map(|before| before.tenants);
    let stays = |kept: &Kept| {
        let is_wanted = !selection.is_all() || failed.iter().any(|failed| failed.slug == kept.slug);
        is_wanted && !anew.contains(&kept.slug)
    };
    manifest.tenants.extend(before.filter(stays));
    manifest.tenants.sort_by(|one, other| one.slug.cmp(&other.slug));
    folder.finish(&manifest).await?;
    Ok(Backup {
        folder: path.display().to_string(),
        begun_at,
        written,
        kept: manifest.tenants.len() - written,
        rows: manifest.tenants.iter().map(|kept| kept.rows).sum(),
        bytes: manifest.tenants.iter().map(|kept| kept.bytes).sum(),
        failed,
    })
}

fn connections(args: &BackupArgs, operator: &Operator) -> CatalogDb {
    let settings = PoolSettings {
        // One that reads, and at times one that looks at the template.
        size: args.jobs.get() + 1,
        wait: Duration::from_secs(30),
        create: Duration::from_secs(30),
        ..PoolSettings::default()
    };
    CatalogDb::new(operator.database.clone(), settings)
}

/// The tenants that have a schema, those included of which it is not known whether they have moved: what is here may be all
/// there is.
async fn tenants(selection: &Selection, operator: &Operator) -> anyhow::Result<Vec<Slug>> {
    let mut tx = operator.db.begin().await?;
    let tenants = selection.tenants(&mut tx).await?;
    tx.rollback().await?;
    Ok(tenants.into_iter().map(|tenant| tenant.slug).collect())
}

async fn work(
    args: &BackupArgs,
    tenants: Vec<Slug>,
    job: &Job,
    done: &mut Vec<Kept>,
    operator: &Operator,
) -> anyhow::Result<Vec<Failed>> {
    let (mut failed, mut at_work) = (Vec::new(), JoinSet::new());
    let all = tenants.len();
    let mut waiting = tenants.into_iter();
    let mut ended = 0;
    loop {
        while at_work.len() < args.jobs.get() {
            let Some(slug) = waiting.next() else { break };
            let job = job.clone();
            at_work.spawn(async move {
                let kept = write(&slug, &job).await;
                (slug, kept)
            });
        }
        let Some(next) = at_work.join_next().await else {
            return Ok(failed);
        };
        let (slug, kept) = next.context("a job ended before its tenant was written")?;
        ended += 1;
        match kept {
            Ok(kept) => {
                job.folder.note(&kept)?;
                let size = output::bytes(i64::try_from(kept.bytes).unwrap_or(i64::MAX));
                let line = format_args!("{ended}/{all} {slug}: {} rows, {size}", kept.rows).to_string();
                operator.output.progress(line);
                done.push(kept);
            }
            Err(error) => {
                let error = failure::explain(&error).0.message;
                operator.output.progress(format!("{ended}/{all} {slug}: {error}"));
                failed.push(Failed {
                    slug: slug.to_string(),
                    error,
                });
            }
        }
    }
}

async fn write(slug: &Slug, job: &Job) -> anyhow::Result<Kept> {
    let made_at = job.source.now();
    let name = format!("{slug}.{}.tenantry", made_at.format("%Y%m%dT%H%M%S%3fZ"));
    let mut file = NewFile::create(&job.folder.file(&name))?;
    let made = export::export(&job.db, &job.references, slug, file.output(), &job.source).await;
    let (head, sealed) = made.map_err(failure::of_container)?;
    file.keep().await?;
    Ok(Kept {
        slug: slug.to_string(),
        organization: head.tenant.id.to_string(),
        file: name,
        made_at: head.made_at,
        template_version: head.template.version,
        rows: sealed.closing.rows,
        bytes: sealed.bytes,
        sha256: sealed.sha256.to_string(),
        content: sealed.closing.content.to_string(),
        left_out: head.left_out,
    })
}

fn text(done: &Backup) -> String {
    let size = output::bytes(i64::try_from(done.bytes).unwrap_or(i64::MAX));
    let mut pairs = vec![
        ("backup", done.folder.clone()),
        ("written", format!("{} tenants", done.written)),
        (
            "in all",
            format!("{} tenants, {} rows, {size}", done.written + done.kept, done.rows),
        ),
    ];
    if !done.failed.is_empty() {
        let names: Vec<&str> = done.failed.iter().map(|failed| failed.slug.as_str()).collect();
        pairs.push(("failed", names.join(", ")));
    }
    output::pairs(pairs)
}

/// The folder that was named; clap has seen to it that one was.
pub(super) fn named(args: &BackupArgs) -> anyhow::Result<&Path> {
    args.folder
        .as_deref()
        .ok_or_else(|| Problem::refused("no folder is named", "`tenantry backup --help` has examples").into())
}
