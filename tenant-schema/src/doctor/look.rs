//! One look at everything, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use catalog::doctor::{self, Resident};
use catalog::schema_name::SchemaName;
use catalog::tx::CatalogTx;
use chrono::{DateTime, Utc};

use super::ground::Ground;
use super::{Finding, Kind, grants, history, orphans, purges, rights, roles, runs, stamps};
use crate::lifecycle::LifecycleError;
use crate::template::Template;

/// What a check works with.
pub(super) struct Look<'a> {
    pub(super) tx: &'a mut CatalogTx,
    pub(super) template: &'a Template,
    pub(super) now: DateTime<Utc>,
    /// The schemas that are looked at; all if there is none.
    pub(super) only: Option<&'a BTreeSet<SchemaName>>,
    /// Everybody who has, had or should have a schema.
    pub(super) residents: Vec<Resident>,
    pub(super) ground: Ground,
}

impl<'a> Look<'a> {
    pub(super) async fn new(
        tx: &'a mut CatalogTx,
        template: &'a Template,
        now: DateTime<Utc>,
        only: Option<&'a BTreeSet<SchemaName>>,
    ) -> Result<Self, LifecycleError> {
        let residents = doctor::residents(tx).await?;
        let ground = Ground::read(tx.transaction()).await?;
        Ok(Self {
            tx,
            template,
            now,
            only,
            residents,
            ground,
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
            Kind::PsqlLogins => roles::psql_logins(self).await,
            Kind::Stamps => Ok(stamps::stamps(self)),
            Kind::History => history::history(self).await,
            Kind::Grants => grants::grants(self).await,
            Kind::ForeignRights => rights::foreign(self).await,
            Kind::ServerLogin => rights::server_login(self).await,
            Kind::Runs => runs::runs(self).await,
            Kind::Purges => Ok(purges::purges(self)),
        }
    }
}
