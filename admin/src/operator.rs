//! What every operator's command works with: the owner's connection, and who is at the keyboard.

use std::path::PathBuf;

use anyhow::Context as _;
use catalog::actor::Actor;
use catalog::clock::Source;
use catalog::moves;
use catalog::organizations::{self, Organization};
use catalog::pg::config::PgConfig;
use catalog::pg::pool::PoolSettings;
use catalog::slug::Slug;
use catalog::tenant_schemas::{self, TenantSchema};
use catalog::tx::{CatalogDb, CatalogTx};
use server::config::Scheme;

use crate::config::{self, Config};
use crate::demo_folder::DemoFolder;
use crate::failure::Problem;
use crate::output::Output;

/// An operator with a database.
pub(crate) struct Operator {
    /// The owner's connections.
    pub(crate) db: CatalogDb,
    /// Where they go.
    pub(crate) database: PgConfig,
    /// The folder of `psql`, where it is known.
    pub(crate) bin_dir: Option<PathBuf>,
    /// Clock and randomness.
    pub(crate) source: Source,
    /// Who is at the keyboard.
    pub(crate) actor: Actor,
    /// Where to print.
    pub(crate) output: Output,
    /// The settings.
    pub(crate) config: Config,
}

/// What there was to work on.
pub(crate) enum Opened {
    /// A database.
    Database(Box<Operator>),
    /// Neither `DATABASE_URL` nor a running demo: the settings are given back.
    Nothing(Box<Config>),
}

impl Opened {
    fn on(database: PgConfig, bin_dir: Option<PathBuf>, config: Config, output: Output) -> Self {
        Self::Database(Box::new(Operator::on(database, bin_dir, config, output)))
    }
}

impl Operator {
    /// Works on `DATABASE_URL`, or on the demo that runs on this machine.
    pub(crate) fn open(config: Config, output: Output) -> anyhow::Result<Self> {
        match Self::open_if_any(config, output)? {
            Opened::Database(operator) => Ok(*operator),
            Opened::Nothing(_) => Err(Problem::environment(
                "no database is named, and no demo is running",
                "export DATABASE_URL=postgres://owner@host/database, or start `tenantry demo` in another terminal",
            )
            .into()),
        }
    }

    /// The same for a command that can do without a database.
    pub(crate) fn open_if_any(mut config: Config, output: Output) -> anyhow::Result<Opened> {
        if let Some(database) = config.database.clone() {
            return Ok(Opened::on(database, None, config, output));
        }
        let demo = config.demo_data.clone().map(DemoFolder::at);
        let running = demo.as_ref().map(DemoFolder::running).transpose()?.flatten();
        let Some(running) = running else {
            return Ok(Opened::Nothing(Box::new(config)));
        };
        output.progress(format_args!(
            "using the running demo's database (DATABASE_URL is not set)"
        ));
        // Addresses that are shown are the demo's.
        config.server.base_domain = config::localhost();
        config.server.public_scheme = Scheme::Http;
        config.server.public_port = Some(running.listen.port());
        let database = running
            .database_url
            .parse()
            .context("could not read the demo's connection URL")?;
        Ok(Opened::on(database, Some(running.bin_dir), config, output))
    }

    /// Works on this database.
    pub(crate) fn on(database: PgConfig, bin_dir: Option<PathBuf>, config: Config, output: Output) -> Self {
        let settings = PoolSettings {
            size: 2,
            ..PoolSettings::default()
        };
        Self {
            db: CatalogDb::new(database.clone(), settings),
            database,
            bin_dir,
            source: Source::system(),
            actor: Actor::Operator(config.person.clone()),
            output,
            config,
        }
    }

    /// The organization of this slug.
    pub(crate) async fn organization(&self, tx: &mut CatalogTx, slug: &Slug) -> anyhow::Result<Organization> {
        let found = organizations::find_by_slug(tx, slug).await?;
        Ok(found.ok_or_else(|| unknown(slug))?)
    }

    /// The tenant of this slug, with its schema.
    pub(crate) async fn tenant(
        &self,
        tx: &mut CatalogTx,
        slug: &Slug,
    ) -> anyhow::Result<(Organization, TenantSchema)> {
        let organization = self.organization(tx, slug).await?;
        self.schema_of(tx, organization).await
    }

    /// The tenant of this slug, locked until the transaction ends.
    pub(crate) async fn lock_tenant(&self, tx: &mut CatalogTx, slug: &Slug) -> anyhow::Result<Organization> {
        Ok(self.lock_schema(tx, slug).await?.0)
    }

    /// The same with its schema.
    pub(crate) async fn lock_schema(
        &self,
        tx: &mut CatalogTx,
        slug: &Slug,
    ) -> anyhow::Result<(Organization, TenantSchema)> {
        let locked = organizations::lock_by_slug(tx, slug).await?;
        let locked = locked.ok_or_else(|| unknown(slug))?;
        self.schema_of(tx, locked).await
    }

    /// The tenant of this slug, locked until the transaction ends, if it lives here: what is changed of it would
    /// otherwise be changed in a database that does not serve it.
    pub(crate) async fn lock_home(&self, tx: &mut CatalogTx, slug: &Slug) -> anyhow::Result<Organization> {
        let organization = self.lock_tenant(tx, slug).await?;
        moves::check_home(tx, organization.id).await?;
        Ok(organization)
    }

    async fn schema_of(
        &self,
        tx: &mut CatalogTx,
        organization: Organization,
    ) -> anyhow::Result<(Organization, TenantSchema)> {
        let schema = tenant_schemas::find(tx, organization.id).await?;
        let schema = schema.ok_or_else(|| {
            let Organization { slug, kind, .. } = &organization;
            Problem::refused(
                format!("{slug} is no tenant: an organization of kind {kind} has no schema"),
                "`tenantry tenant list` shows the tenants",
            )
        })?;
        Ok((organization, schema))
    }
}

fn unknown(slug: &Slug) -> Problem {
    Problem::refused(
        format!("there is no organization {slug}"),
        "`tenantry tenant list` shows those there are",
    )
}
