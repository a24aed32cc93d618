//! `tenantry tenant seed`: made-up records for a tenant that has none, all or nothing.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use anyhow::Context as _;
use catalog::audit::{self, AuditEvent};
use catalog::departures;
use catalog::error::CatalogError;
use catalog::memberships;
use catalog::schema_name::SchemaName;
use catalog::sessions::Device;
use catalog::slug::Slug;
use catalog::tenant_schemas::{self, TenantSchemaState};
use catalog::tx::CatalogTx;
use chrono::NaiveTime;
use serde::Serialize;
use tenant_schema::demo_data::{self, Filled, Filling, Size};
use tenant_schema::lifecycle::foreign;

use crate::cli::SeedSize;
use crate::exit::ExitStatus;
use crate::failure::Problem;
use crate::operator::Operator;
use crate::output;

#[derive(Serialize)]
struct Seeded {
    slug: String,
    size: &'static str,
    rows: i64,
    tables: BTreeMap<String, i64>,
}

/// Fills it in one transaction.
pub(super) async fn run(slug: &Slug, size: SeedSize, operator: &Operator) -> anyhow::Result<ExitStatus> {
    let (size, word) = match size {
        SeedSize::Small => (Size::Small, "small"),
        SeedSize::Medium => (Size::Medium, "medium"),
        SeedSize::Large => (Size::Large, "large"),
    };
    let tables = Box::pin(seed(slug, size, word, operator))
        .await
        .with_context(|| format!("could not seed tenant {slug}"))?;
    let document = Seeded {
        slug: slug.to_string(),
        size: word,
        rows: tables.values().sum(),
        tables,
    };
    operator.output.document(&document, text)?;
    Ok(ExitStatus::Done)
}

async fn seed(slug: &Slug, size: Size, word: &'static str, operator: &Operator) -> anyhow::Result<Filled> {
    let Operator { source, actor, .. } = operator;
    let mut tx = operator.db.begin_unhurried().await?;
    let organization = operator.lock_home(&mut tx, slug).await?;
    let schema = check_is_empty(&mut tx, slug, operator).await?;
    let members = memberships::list(&mut tx, organization.id).await?;
    let active = members
        .iter()
        .map(|member| &member.membership)
        .filter(|membership| membership.active);
    let members: Vec<_> = active.map(|membership| membership.id).collect();
    let with = Filling {
        slug,
        members: &members,
        // A day has one beginning, so that what is made on it is the same.
        base: source.now().date_naive().and_time(NaiveTime::MIN).and_utc(),
        size,
        actor,
    };
    let mut progress = Progress::new(operator);
    let filled = demo_data::fill(&mut tx, &schema, with, |rows| progress.add(rows)).await;
    progress.end();
    let filled = filled?;
    let event = AuditEvent::TenantSeeded {
        size: word,
        rows: u64::try_from(filled.values().sum::<i64>())?,
    };
    audit::record(
        &mut tx,
        actor,
        Some(organization.id),
        &event,
        &Device::NONE,
        source,
    )
    .await?;
    tx.commit().await.map_err(CatalogError::from)?;
    Ok(filled)
}

/// The schema of a tenant that can be filled; nobody migrates it until the transaction ends.
async fn check_is_empty(tx: &mut CatalogTx, slug: &Slug, operator: &Operator) -> anyhow::Result<SchemaName> {
    let template = &operator.config.template;
    if template.is_own() {
        let why =
            "the records that are made up are those of the CRM that ships, not of a template of your own";
        return Err(Problem::refused(why.to_owned(), "leave --template and TENANTRY_TEMPLATE out").into());
    }
    let (organization, schema) = operator.tenant(tx, slug).await?;
    let locked = tenant_schemas::lock(tx, organization.id).await?;
    let schema = locked.unwrap_or(schema);
    let is_away = match (schema.state, departures::find(tx, organization.id).await?) {
        (TenantSchemaState::Dropped, None) => Some("archived"),
        (_, Some(_)) => Some("dropped"),
        _ => None,
    };
    if let Some(away) = is_away {
        let why = format!("{slug} was {away}");
        return Err(Problem::refused(why, "`tenantry tenant show` says how it comes back").into());
    }
    let (own, latest) = (schema.template_version, template.latest());
    if own != latest {
        let why = format!("{slug} is at version {own} of the template, not at {latest}");
        return Err(Problem::refused(why, "`tenantry migrate` brings it there").into());
    }
    foreign::refuse(tx, &schema.schema).await?;
    if let Some(table) = demo_data::first_with_records(tx, &schema.schema).await? {
        let why = format!("{slug} has records already (in {table})");
        return Err(Problem::refused(why, "seed a tenant that was just created").into());
    }
    Ok(schema.schema)
}

/// On a terminal, one line that counts.
struct Progress<'a> {
    operator: &'a Operator,
    on_terminal: bool,
    rows: u64,
}

impl<'a> Progress<'a> {
    fn new(operator: &'a Operator) -> Self {
        Self {
            operator,
            on_terminal: std::io::stderr().is_terminal(),
            rows: 0,
        }
    }

    fn add(&mut self, rows: u64) {
        self.rows += rows;
        if self.on_terminal {
            self.operator.output.overwrite(format_args!("{} rows", self.rows));
        }
    }

    fn end(&self) {
        if self.on_terminal {
            self.operator.output.overwrite("");
        }
    }
}

fn text(seeded: &Seeded) -> String {
    let rows = seeded.tables.iter();
    let table = output::table(
        ["table", "rows"],
        rows.map(|(table, rows)| [table.clone(), rows.to_string()]),
    );
    format!("{table}\n\n{} has {} rows more", seeded.slug, seeded.rows)
}
