//! `tenantry tenant archive` and `unarchive`: a tenant into a file and its schema away, and back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use catalog::archives::{self, Archive};
use catalog::error::CatalogError;
use catalog::organizations::Organization;
use catalog::slug::Slug;
use serde::Serialize;
use tenant_schema::container::import::ImportShape;
use tenant_schema::container::reference::References;
use tenant_schema::container::{Reader, check};
use tenant_schema::lifecycle::archive::{self, Leaving};
use tokio::fs::File;
use tokio::io::BufReader;

use crate::cli::TenantArchiveArgs;
use crate::exit::ExitStatus;
use crate::failure::{self, Problem};
use crate::new_file::NewFile;
use crate::operator::Operator;
use crate::output;

/// How long somebody else's lock is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct Archived {
    slug: String,
    /// `false` if it was archived before.
    changed: bool,
    #[serde(flatten)]
    archive: Archive,
    left_out: Vec<String>,
}

#[derive(Serialize)]
struct Restored {
    slug: String,
    status: String,
    schema: String,
    template_version: i32,
    rows: i64,
    url: String,
}

/// `archive`.
pub(super) async fn run(args: &TenantArchiveArgs, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let slug = &args.slug;
    let done = Box::pin(put_away(args, operator))
        .await
        .with_context(|| format!("could not archive tenant {slug}"))?;
    operator.output.document(&done, text)?;
    Ok(ExitStatus::Done)
}

fn text(done: &Archived) -> String {
    let (
        slug,
        Archive {
            location,
            sha256,
            bytes,
            rows,
            ..
        },
    ) = (&done.slug, &done.archive);
    let size = output::bytes(*bytes);
    let head = if done.changed {
        format!("{slug} is archived: {rows} rows, {size}; schema and roles are gone")
    } else {
        let (by, at) = (&done.archive.by, output::instant(done.archive.at));
        format!("{slug} is archived already, since {at} by {by}; nothing was changed")
    };
    let back = format!("  tenantry tenant unarchive {slug} {location}");
    format!(
        "{head}\nfile    {location}\nsha256  {sha256}\n\nkeep the file; it brings the tenant back:\n{back}"
    )
}

async fn put_away(args: &TenantArchiveArgs, operator: &Operator) -> anyhow::Result<Archived> {
    let slug = &args.slug;
    let (tenant, before) = archived(slug, operator).await?;
    if let Some(before) = before {
        return Ok(before);
    }
    if !args.yes {
        let next =
            format!("`tenantry tenant archive {slug} --to … --yes` writes the file and removes the schema");
        return Err(Problem::refused("nothing is archived without --yes", next).into());
    }
    let place = place(args, &tenant, operator).await?;
    let Operator {
        db, source, actor, ..
    } = operator;
    let references = References::of(&operator.config.template);
    let mut file = NewFile::create(&place)?;
    let leaving = Leaving::hold(db, &references, slug, source).await;
    let mut leaving = match leaving {
        Ok(leaving) => leaving,
        // Another operator may have done it meanwhile.
        Err(error) => match archived(slug, operator).await? {
            (_, Some(before)) => return Ok(before),
            (_, None) => return Err(failure::of_container(error)),
        },
    };
    let left_out = leaving.head().left_out.clone();
    if !left_out.is_empty() && !args.leave_out {
        let why = format!(
            "no container carries what stands beside the template: {}",
            left_out.join(", ")
        );
        let next = "keep it elsewhere, or lose it with --leave-out";
        return Err(Problem::refused(why, next).into());
    }
    let written = leaving.write(file.output()).await;
    let written = written.map_err(failure::of_container)?;
    file.keep().await?;
    let input = File::open(&place)
        .await
        .context("could not read the container back")?;
    let (_, read) = check(BufReader::new(input))
        .await
        .map_err(failure::of_container)?;
    if read != written {
        let why = format!("{} was read back otherwise than it was written", place.display());
        return Err(Problem::environment(why, "nothing was removed; look at the disk").into());
    }
    let archive = leaving.remove(&place, &written, actor, source).await;
    Ok(Archived {
        slug: slug.to_string(),
        changed: true,
        archive: archive.map_err(failure::of_container)?,
        left_out,
    })
}

/// The tenant, and where it is if it is archived.
async fn archived(slug: &Slug, operator: &Operator) -> anyhow::Result<(Organization, Option<Archived>)> {
    let mut tx = operator.db.begin().await?;
    let (tenant, _) = operator.tenant(&mut tx, slug).await?;
    let archive = archives::find(&mut tx, tenant.id).await?;
    tx.rollback().await?;
    let archived = archive.map(|archive| Archived {
        slug: slug.to_string(),
        changed: false,
        archive,
        left_out: Vec::new(),
    });
    Ok((tenant, archived))
}

/// The absolute path of the file. One that is there is only replaced if it is a container of this tenant.
async fn place(
    args: &TenantArchiveArgs,
    tenant: &Organization,
    operator: &Operator,
) -> anyhow::Result<PathBuf> {
    let (mut folder, mut name) = (args.to.clone(), None);
    if !args.to.is_dir() {
        // A folder that is missing is none of a file's name.
        if args.to.extension().is_none_or(|ending| ending != "tenantry") {
            let why = format!("there is no folder {}", args.to.display());
            return Err(
                Problem::refused(why, "make it first, or name a file that ends with .tenantry").into(),
            );
        }
        name = args.to.file_name().map(ToOwned::to_owned);
        folder.pop();
        if folder.as_os_str().is_empty() {
            folder.push(".");
        }
    }
    let name = name.unwrap_or_else(|| {
        let at = operator.source.now().format("%Y%m%dT%H%M%SZ");
        format!("{}.{at}.tenantry", args.slug).into()
    });
    let folder = folder.canonicalize().map_err(|error| {
        let why = format!("{} is no folder to write in: {error}", folder.display());
        Problem::refused(why, "name a folder that is there, or a file in one")
    })?;
    let place = folder.join(name);
    if place.exists() {
        let is_own = match File::open(&place).await {
            Ok(file) => Reader::open(BufReader::new(file))
                .await
                .is_ok_and(|found| found.head().tenant.id == tenant.id),
            Err(_) => false,
        };
        if !is_own {
            let why = format!("{} is there, and is no container of this tenant", place.display());
            return Err(Problem::refused(why, "name another file").into());
        }
    }
    Ok(place)
}

/// `unarchive`.
pub(super) async fn undo(slug: &Slug, file: &Path, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let done = bring_back(slug, file, operator)
        .await
        .with_context(|| format!("could not bring tenant {slug} back"))?;
    operator.output.document(&done, |done| {
        let Restored {
            slug,
            status,
            rows,
            url,
            ..
        } = done;
        format!("{slug} is back, {status}: {rows} rows, {url}")
    })?;
    Ok(ExitStatus::Done)
}

async fn bring_back(slug: &Slug, file: &Path, operator: &Operator) -> anyhow::Result<Restored> {
    let mut tx = operator.db.begin().await?;
    let (_, schema) = operator.tenant(&mut tx, slug).await?;
    tx.rollback().await?;
    let input = File::open(file).await.map_err(|error| {
        let why = format!("{} cannot be read: {error}", file.display());
        Problem::refused(
            why,
            "`tenantry tenant show` tells where the container was written",
        )
    })?;
    let references = References::of(&operator.config.template);
    let latest = references.template().latest();
    let restored = async {
        let reader = Reader::open(BufReader::with_capacity(1 << 20, input)).await?;
        let shape = ImportShape::of(&operator.db, &references, &reader).await?;
        let mut tx = operator.db.begin_patient(LOCK_TIMEOUT).await?;
        let by = (&operator.actor, &operator.source);
        let archive = archive::restore(&mut tx, &references, &shape, reader, slug, by).await?;
        tx.commit().await.map_err(CatalogError::from)?;
        Ok(archive)
    };
    let archive = restored.await.map_err(failure::of_container)?;
    Ok(Restored {
        slug: slug.to_string(),
        status: archive.status_before.to_string(),
        schema: schema.schema.to_string(),
        template_version: latest,
        rows: archive.rows,
        url: operator.config.server.tenant_origin(slug.as_str()),
    })
}
