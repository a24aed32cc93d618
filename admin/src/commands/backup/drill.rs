//! `tenantry backup drill`: the containers of a backup, restored where nobody is served, and compared.

use std::path::Path;

use anyhow::Context as _;
use catalog::init;
use catalog::pg::config::PgConfig;
use catalog::pg::pool::PoolSettings;
use catalog::slug::Slug;
use catalog::tx::CatalogDb;
use serde::Serialize;
use tenant_schema::container::Reader;
use tenant_schema::container::reference::References;
use tenant_schema::lifecycle::drill;
use tokio::fs::File;
use tokio::io::BufReader;

use super::folder::{Folder, Kept};
use crate::exit::ExitStatus;
use crate::failure::{self, Problem};
use crate::operator::Operator;
use crate::output;

/// How the databases of drills are called; what follows is random.
const PREFIX: &str = "tenantry_drill_";

#[derive(Serialize)]
struct Drilled {
    slug: String,
    file: String,
    rows: u64,
    from_version: i32,
    template_version: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Restores, compares, and removes everything again.
pub(in crate::commands) async fn run(
    folder: &Path,
    only: &[Slug],
    operator: &Operator,
) -> anyhow::Result<ExitStatus> {
    let done = Box::pin(rehearse(folder, only, operator)).await;
    let done = done.with_context(|| format!("could not try the backup in {}", folder.display()))?;
    operator.output.document(&done, |done| {
        let rows = done.iter().map(|one| {
            let outcome = one
                .error
                .clone()
                .unwrap_or_else(|| "restored, and the same".to_owned());
            let version = if one.from_version == one.template_version {
                one.from_version.to_string()
            } else {
                format!("{} to {}", one.from_version, one.template_version)
            };
            [one.slug.clone(), one.rows.to_string(), version, outcome]
        });
        output::table(["SLUG", "ROWS", "VERSION", "OUTCOME"], rows)
    })?;
    let is_well = done.iter().all(|one| one.error.is_none());
    Ok(if is_well {
        ExitStatus::Done
    } else {
        ExitStatus::Refused
    })
}

async fn rehearse(path: &Path, only: &[Slug], operator: &Operator) -> anyhow::Result<Vec<Drilled>> {
    let folder = Folder::open(path, false)?;
    let manifest = folder.manifest()?.ok_or_else(|| {
        let why = format!("there is no backup in {}", path.display());
        Problem::refused(why, "`tenantry backup DIR` writes one")
    })?;
    let wanted = |kept: &&Kept| only.is_empty() || only.iter().any(|slug| slug.as_str() == kept.slug);
    let tenants: Vec<&Kept> = manifest.tenants.iter().filter(wanted).collect();
    if let Some(slug) = only
        .iter()
        .find(|slug| tenants.iter().all(|kept| kept.slug != slug.as_str()))
    {
        let next = "its manifest.json has the tenants that it holds";
        return Err(Problem::refused(format!("the backup has no {slug}"), next).into());
    }
    // What a drill that was killed left behind.
    for name in init::idle_databases(&operator.database, PREFIX).await? {
        init::drop_database(&operator.database, &name).await?;
    }
    let name = format!("{PREFIX}{}", operator.source.uuid().simple());
    init::ensure_database(&operator.database, &name)
        .await
        .context("could not make a scratch database (the owner needs CREATEDB)")?;
    let done = in_database(
        &operator.database.with_database(&name),
        &folder,
        &tenants,
        operator,
    )
    .await;
    let dropped = init::drop_database(&operator.database, &name).await;
    let done = done?;
    dropped.with_context(|| format!("could not drop the scratch database {name}"))?;
    Ok(done)
}

async fn in_database(
    database: &PgConfig,
    folder: &Folder,
    tenants: &[&Kept],
    operator: &Operator,
) -> anyhow::Result<Vec<Drilled>> {
    let settings = PoolSettings {
        size: 2,
        ..PoolSettings::default()
    };
    let db = CatalogDb::new(database.clone(), settings);
    init::init(&db, None).await?;
    let references = References::of(&operator.config.template);
    let mut done = Vec::with_capacity(tenants.len());
    for kept in tenants {
        let found = restore(&db, folder, kept, &references, operator).await;
        let error = found.err().map(|error| failure::explain(&error).0.message);
        let one = Drilled {
            slug: kept.slug.clone(),
            file: kept.file.clone(),
            rows: kept.rows,
            from_version: kept.template_version,
            template_version: references.template().latest(),
            error,
        };
        let outcome = one.error.as_deref().unwrap_or("restored, and the same");
        operator.output.progress(format_args!(
            "{}/{} {}: {outcome}",
            done.len() + 1,
            tenants.len(),
            one.slug
        ));
        done.push(one);
    }
    Ok(done)
}

async fn restore(
    db: &CatalogDb,
    folder: &Folder,
    kept: &Kept,
    references: &References,
    operator: &Operator,
) -> anyhow::Result<()> {
    let place = folder.file(&kept.file);
    let file = File::open(&place)
        .await
        .with_context(|| format!("could not read {}", place.display()))?;
    let restored = async {
        let reader = Reader::open(BufReader::with_capacity(1 << 20, file)).await?;
        Box::pin(drill::rehearse(db, references, reader, &operator.source)).await
    };
    let restored = restored.await.map_err(failure::of_container)?;
    let is_same = restored.sha256.to_string() == kept.sha256 && restored.content.to_string() == kept.content;
    if is_same {
        return Ok(());
    }
    let why = "it is not the container that the manifest names";
    Err(Problem::refused(why, "back the tenant up again").into())
}
