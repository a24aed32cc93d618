//! What it costs to export one tenant, alone and in a fleet: it should not matter who else is there.

use std::time::{Duration, Instant};

use anyhow::Result;
use catalog::actor::Actor;
use catalog::clock::Source;
use catalog::organizations::{NewOrganization, OrganizationKind, OrganizationStatus};
use catalog::slug::Slug;
use catalog::tenant_schemas;
use catalog::tx::CatalogDb;
use catalog::users::{self, NewUser};
use tenant_schema::container::export;
use tenant_schema::container::reference::References;
use tenant_schema::lifecycle::{self, Owner};
use tenant_schema::template::Template;

/// The records of the tenant.
const RECORDS: usize = 20_000;

/// How often it is exported; the median counts.
const TIMES: usize = 9;

/// A tenant with records, and how long it took to export it when there was no other.
pub(crate) struct Export {
    slug: Slug,
    alone: Duration,
}

impl Export {
    /// Makes the tenant, in a database without any, and exports it.
    pub(crate) async fn alone(db: &CatalogDb, actor: &Actor, source: &Source) -> Result<Self> {
        let slug: Slug = "exported".parse()?;
        let template = Template::shipped();
        let mut tx = db.begin_unhurried().await?;
        let person = users::insert(
            &mut tx,
            &NewUser::with_email("exported@example.com".parse()?),
            source,
        )
        .await?;
        let new = NewOrganization {
            kind: OrganizationKind::Standalone,
            parent: None,
            slug: slug.clone(),
            name: "Exported".to_owned(),
            status: OrganizationStatus::Active,
            contact_email: None,
        };
        let owner = Owner {
            user: person.id,
            display_name: "Exported".to_owned(),
            email: person.email.to_string(),
        };
        let made = Box::pin(lifecycle::provision(
            &mut tx, &template, &new, &owner, actor, source,
        ))
        .await?;
        let records = format!(
            "insert into {}.companies (name) select 'Company ' || n from generate_series(1, {RECORDS}) n",
            made.schema
        );
        tx.transaction().batch(&records).await?;
        // The migration that is measured later is not about this one.
        tenant_schemas::pin(&mut tx, made.organization, Some(made.template_version)).await?;
        tx.commit().await?;
        let mut export = Self {
            slug,
            alone: Duration::ZERO,
        };
        export.alone = export.measure(db, &template, source).await?;
        Ok(export)
    }

    /// Exports it again, now that there are others, and tells of both.
    pub(crate) async fn in_fleet(&self, db: &CatalogDb, source: &Source) -> Result<String> {
        let now = self.measure(db, &Template::shipped(), source).await?;
        Ok(format!(
            "export of one tenant with {RECORDS} records: {:.1} ms alone, {:.1} ms in this fleet, {:.2} times as long",
            self.alone.as_secs_f64() * 1e3,
            now.as_secs_f64() * 1e3,
            now.as_secs_f64() / self.alone.as_secs_f64()
        ))
    }

    async fn measure(&self, db: &CatalogDb, template: &Template, source: &Source) -> Result<Duration> {
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            // As the command does, which knows nothing of what an earlier one has read.
            let references = References::of(template);
            let began = Instant::now();
            Box::pin(export::export(
                db,
                &references,
                &self.slug,
                tokio::io::sink(),
                source,
            ))
            .await?;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        Ok(times[TIMES / 2])
    }
}
