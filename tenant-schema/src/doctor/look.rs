//! One look at everything, in one transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use catalog::doctor::{self, Resident};
use catalog::schema_name::SchemaName;
use catalog::spare_schemas;
use catalog::tx::{CatalogDb, CatalogTx};
use chrono::{DateTime, Utc};

use super::capacity::Forecast;
use super::drift::{Drifted, References};
use super::examine::Examination;
use super::ground::Ground;
use super::post_steps::Lacking;
use super::{
    Finding, Kind, capacity, database, drift, foreign_code, grants, history, indexes, moves, orphans,
    post_steps, purges, rights, roles, runs, sequences, settings, stamps,
};
use crate::lifecycle::LifecycleError;
use crate::template::Template;

/// What a check works with.
pub(super) struct Look<'a> {
    pub(super) tx: &'a mut CatalogTx,
    /// More connections, for what the transaction cannot do.
    pub(super) db: &'a CatalogDb,
    pub(super) template: &'a Template,
    /// What the schemas should be like.
    pub(super) references: &'a References,
    pub(super) now: DateTime<Utc>,
    /// The schemas that are looked at; all if there is none.
    pub(super) only: Option<&'a BTreeSet<SchemaName>>,
    /// Everybody who has, had or should have a schema.
    pub(super) residents: Vec<Resident>,
    /// Schemas that wait for a tenant.
    pub(super) spares: BTreeSet<SchemaName>,
    /// The post-steps that schemas lack.
    pub(super) lacking: Lacking,
    pub(super) ground: Ground,
    /// The schemas whose version is not certain.
    pub(super) doubtful: BTreeSet<String>,
    /// What differs from its reference, once it was looked for.
    pub(super) drifted: Option<Arc<Vec<Drifted>>>,
    /// What the fleet takes, once it was looked for.
    pub(super) forecast: Vec<Forecast>,
}

impl<'a> Look<'a> {
    pub(super) async fn new(
        tx: &'a mut CatalogTx,
        exam: &'a Examination<'a>,
        references: &'a References,
        only: Option<&'a BTreeSet<SchemaName>>,
    ) -> Result<Self, LifecycleError> {
        let residents = doctor::residents(tx).await?;
        let spares = spare_schemas::list(tx).await?;
        let lacking = post_steps::lacking(tx, exam.template, &spares).await?;
        let spares = spares.into_iter().map(|spare| spare.schema).collect();
        let ground = Ground::read(tx.transaction()).await?;
        Ok(Self {
            tx,
            db: exam.db,
            template: exam.template,
            references,
            now: exam.source.now(),
            only,
            residents,
            spares,
            lacking,
            ground,
            doubtful: BTreeSet::new(),
            drifted: None,
            forecast: Vec::new(),
        })
    }

    /// Whether a schema is among those that are looked at.
    pub(super) fn is_wanted(&self, schema: &SchemaName) -> bool {
        self.only.is_none_or(|only| only.contains(schema))
    }

    /// The tenants that are looked at and should be whole, with a schema that is there.
    pub(super) fn tenants(&self) -> Vec<Resident> {
        let living = self.living();
        let housed = living.filter(|resident| self.ground.schemas.contains_key(&resident.schema));
        housed.cloned().collect()
    }

    /// The same by their schemas.
    pub(super) fn by_schema(&self) -> BTreeMap<String, Resident> {
        let tenants = self.tenants().into_iter();
        tenants
            .map(|tenant| (tenant.schema.as_str().to_owned(), tenant))
            .collect()
    }

    /// The tenants that are looked at and should be whole.
    pub(super) fn living(&self) -> impl Iterator<Item = &Resident> {
        let wanted = self
            .residents
            .iter()
            .filter(|resident| self.is_wanted(&resident.schema));
        wanted.filter(|resident| resident.is_living())
    }

    /// What a check finds.
    pub(super) async fn findings(&mut self, kind: Kind) -> Result<Vec<Finding>, LifecycleError> {
        match kind {
            Kind::MissingSchemas => orphans::missing_schemas(self).await,
            Kind::OrphanSchemas => orphans::schemas(self).await,
            Kind::Scratch => Ok(orphans::scratch(self)),
            Kind::Roles => roles::tenants(self).await,
            Kind::OrphanRoles => Ok(roles::orphans(self)),
            Kind::PsqlLogins => roles::logins(self).await,
            Kind::Stamps => Ok(stamps::stamps(self)),
            Kind::History => {
                let found = history::history(self).await?;
                self.doubtful = found.iter().map(|finding| finding.subject.clone()).collect();
                Ok(found)
            }
            Kind::PostSteps => Ok(post_steps::post_steps(self)),
            Kind::Drift => drift::drift(self).await,
            Kind::Indexes => indexes::indexes(self).await,
            Kind::Sequences => sequences::sequences(self).await,
            Kind::PublicObjects => database::public_objects(self).await,
            Kind::Extensions => database::extensions(self).await,
            Kind::TransactionAge => database::transaction_age(self).await,
            Kind::CatalogBloat => database::catalog_bloat(self).await,
            Kind::Capacity => capacity::capacity(self).await,
            Kind::Settings => settings::settings(self).await,
            Kind::Grants => grants::grants(self).await,
            Kind::ForeignRights => rights::foreign(self).await,
            Kind::ForeignCode => foreign_code::foreign(self).await,
            Kind::ServerLogin => rights::server_login(self).await,
            Kind::Runs => runs::runs(self).await,
            Kind::Purges => Ok(purges::purges(self)),
            Kind::Moves => moves::moves(self).await,
        }
    }
}
