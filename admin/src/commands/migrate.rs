//! `tenantry migrate`: the catalog, then every tenant that is behind, one after the other.

use anyhow::Context as _;
use catalog::init;
use serde::Serialize;
use tenant_schema::fleet::{self, Migrated};

use crate::exit::ExitStatus;
use crate::failure::{self, Problem};
use crate::operator::Operator;

#[derive(Serialize)]
struct Migration {
    catalog: Catalog,
    template_version: i32,
    tenants: Vec<Tenant>,
}

#[derive(Serialize)]
struct Catalog {
    version: i32,
    applied: Vec<i32>,
}

#[derive(Serialize)]
struct Tenant {
    slug: String,
    from: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Prints a line per tenant while it works; the exit status is 1 if any tenant could not be migrated.
pub(super) async fn run(operator: &Operator) -> anyhow::Result<ExitStatus> {
    let Operator {
        db,
        source,
        actor,
        output,
        ..
    } = operator;
    let template = &operator.config.template;
    check_initialized(operator).await.context("could not migrate")?;
    let catalog = init::init(db, None)
        .await
        .context("could not migrate the catalog")?;
    output.progress(format_args!("catalog: version {}", catalog.version));

    let behind = fleet::behind(db, template)
        .await
        .context("could not find the tenants that are behind")?;
    let total = behind.len();
    let mut tenants = Vec::with_capacity(total);
    let report = |migrated: Migrated| {
        let (count, slug, from) = (tenants.len() + 1, &migrated.slug, migrated.from);
        match &migrated.outcome {
            Ok(to) => output.progress(format_args!("{count}/{total} {slug}: version {from} to {to}")),
            Err(_) => output.progress(format_args!(
                "{count}/{total} {slug}: failed, still version {from}"
            )),
        }
        tenants.push(tenant(migrated));
    };
    fleet::migrate(db, template, &behind, actor, source, report)
        .await
        .context("could not record what the versions of the template hold")?;
    let document = Migration {
        catalog: Catalog {
            version: catalog.version,
            applied: catalog.applied,
        },
        template_version: template.latest(),
        tenants,
    };
    output.document(&document, text)?;
    let all_well = document.tenants.iter().all(|tenant| tenant.error.is_none());
    Ok(if all_well {
        ExitStatus::Done
    } else {
        ExitStatus::Refused
    })
}

async fn check_initialized(operator: &Operator) -> anyhow::Result<()> {
    let mut tx = operator.db.begin().await?;
    let version = init::version(&mut tx).await?;
    tx.rollback().await?;
    match version {
        Some(_) => Ok(()),
        None => Err(Problem::environment("the database has no catalog", "run `tenantry init` first").into()),
    }
}

fn tenant(migrated: Migrated) -> Tenant {
    let Migrated { slug, from, outcome } = migrated;
    let (to, error) = match outcome {
        Ok(to) => (Some(to), None),
        Err(error) => (None, Some(failure::explain(&error.into()).0.message)),
    };
    Tenant {
        slug: slug.to_string(),
        from,
        to,
        error,
    }
}

fn text(document: &Migration) -> String {
    let failed: Vec<&Tenant> = document
        .tenants
        .iter()
        .filter(|tenant| tenant.error.is_some())
        .collect();
    let migrated = document.tenants.len() - failed.len();
    let version = document.template_version;
    let mut text = match document.tenants.len() {
        0 => format!("every tenant is at version {version}"),
        _ => format!(
            "{migrated} migrated to version {version}, {} failed",
            failed.len()
        ),
    };
    for tenant in &failed {
        let error = tenant.error.as_deref().unwrap_or_default();
        text.extend(["\n  ", &tenant.slug, ": ", error]);
    }
    if !failed.is_empty() {
        text.push_str("\n\nnext: mend what is said above and run `tenantry migrate` again");
    }
    text
}
