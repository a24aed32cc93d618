//! The database that a tenant is to be moved to: whether it can take it, and the room that is made for it.

use catalog::init;
use catalog::moves::carried::{Carried, Obstacle};
use catalog::moves::{self, Presence, Target};
use catalog::organizations::Organization;
use catalog::schema_name::SchemaName;
use catalog::tx::CatalogTx;
use chrono::{DateTime, Utc};

use super::{LOCK_TIMEOUT, Leaving, MARGIN, Relocation};
use crate::container::ContainerError;
use crate::lifecycle::{LifecycleError, Refusal, create_tables};

/// Why a database cannot take a tenant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetRefusal {
    /// It was never prepared.
    #[error("the other database has no catalog")]
    NoCatalog,
    /// Its catalog is of another version than this program's.
    #[error("the catalog of the other database is at version {found}, and this program's is {needed}")]
    OtherCatalog {
        /// What it has.
        found: i32,
        /// What this program makes.
        needed: i32,
    },
    /// It has tenants of a version of the template that this program does not know.
    #[error(
        "the other database has tenants at version {found} of their template, and this program's latest is {latest}"
    )]
    LaterTemplate {
        /// What it has.
        found: i32,
        /// What this program knows.
        latest: i32,
    },
    /// It is the one that the tenant is in, or a copy of it.
    #[error("the other database is this one, or a copy of it")]
    Itself,
    /// The tenant lives there.
    #[error("the other database has this tenant already")]
    Known,
    /// The tenant has come from there, and what it left is still kept.
    #[error("the other database keeps what this tenant left there when it moved, until {}", .0.format("%Y-%m-%d %H:%M:%S UTC"))]
    LeftBehind(DateTime<Utc>),
    /// The tenant was erased there.
    #[error("this tenant was erased in the other database")]
    Erased,
    /// Its agency is not there.
    #[error("the tenant belongs to the agency {0}, which the other database does not have")]
    NoAgency(String),
    /// Its plan is not there.
    #[error("the tenant is on the plan {0}, which the other database does not have")]
    NoPlan(String),
    /// The owner's address is somebody's there who never verified it.
    #[error("the address of the tenant's owner, {0}, belongs to an account there that has never verified it")]
    UnverifiedOwner(String),
    /// The owner is shut out here, and not there.
    #[error("the tenant's owner, {0}, may not sign in here, and may in the other database")]
    ShutOutOwner(String),
}

impl TargetRefusal {
    /// What to do about it.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::NoCatalog => "run `tenantry init` there first",
            Self::OtherCatalog { .. } => {
                "run `tenantry migrate catalog` there, with this version of tenantry"
            }
            Self::LaterTemplate { .. } => "use the program and the template that those tenants are of",
            Self::Itself => "name another database with --to",
            Self::Known => "look there, with `tenantry tenant show`",
            Self::LeftBehind(_) => {
                "remove it there: `tenantry tenant drop SLUG --yes --now` leaves a proof; then move the tenant back"
            }
            Self::Erased => {
                "use `tenantry tenant export`, and `import` there: it is another organization then"
            }
            Self::NoAgency(_) => "make it there with `tenantry organization create --kind agency`",
            Self::NoPlan(_) => {
                "make it there with `tenantry plan set`, or put the tenant on another plan first"
            }
            Self::UnverifiedOwner(_) => {
                "`tenantry user create` there vouches for the address; whoever chose the password before is shut out"
            }
            Self::ShutOutOwner(_) => {
                "let that account sign in here again, or disable it there: a move must not let somebody in who is shut out"
            }
        }
    }
}

impl Relocation<'_> {
    /// Whether the other database can take the tenant.
    pub(super) async fn look_there(
        &self,
        tenant: &Organization,
        carried: &Carried,
        here: &str,
    ) -> Result<Target, ContainerError> {
        let mut there = self.to.begin().await?;
        let needed = init::latest();
        match init::version(&mut there).await? {
            None => return Err(refused(TargetRefusal::NoCatalog)),
            Some(found) if found != needed => {
                return Err(refused(TargetRefusal::OtherCatalog { found, needed }));
            }
            Some(_) => {}
        }
        let identity = moves::identity(&mut there).await?;
        if identity == here {
            return Err(refused(TargetRefusal::Itself));
        }
        let latest = self.references.template().latest();
        if let Some(found) = moves::latest_version(&mut there)
            .await?
            .filter(|found| *found > latest)
        {
            return Err(refused(TargetRefusal::LaterTemplate { found, latest }));
        }
        match moves::presence(&mut there, tenant.id).await? {
            Presence::Unknown | Presence::MovedAway => {}
            Presence::Living => return Err(refused(TargetRefusal::Known)),
            Presence::LeftBehind(until) => return Err(refused(TargetRefusal::LeftBehind(until))),
            Presence::Erased => return Err(refused(TargetRefusal::Erased)),
        }
        if let Some(obstacle) = carried.obstacle(&mut there).await? {
            return Err(refused(match obstacle {
                Obstacle::NoAgency(slug) => TargetRefusal::NoAgency(slug.to_string()),
                Obstacle::NoPlan(name) => TargetRefusal::NoPlan(name),
                Obstacle::UnverifiedOwner(email) => TargetRefusal::UnverifiedOwner(email.to_string()),
                Obstacle::ShutOutOwner(email) => TargetRefusal::ShutOutOwner(email.to_string()),
            }));
        }
        there.rollback().await?;
        Ok(Target {
            name: self.to_name.to_owned(),
            identity,
        })
    }

    /// A transaction there with the organization and empty tables, which bears the token from its beginning.
    pub(super) async fn make_room(
        &self,
        leaving: &Leaving,
        schema: &SchemaName,
    ) -> Result<CatalogTx, ContainerError> {
        let (references, version) = (self.references_there, leaving.schema.template_version);
        // Looked up while nobody waits for it.
        references.get(self.to, version).await?;
        let longest = 2 * self.max_pause + MARGIN;
        let mut there = self.to.begin_bounded(LOCK_TIMEOUT, longest).await?;
        let id = leaving.tenant.id;
        moves::arrive(&mut there, id, leaving.token, self.actor, self.source).await?;
        let now = self.source.now();
        leaving.carried.enter_organization(&mut there, now).await?;
        create_tables(
            &mut there,
            references.template(),
            version,
            id,
            schema,
            self.source,
        )
        .await?;
        Ok(there)
    }
}

fn refused(why: TargetRefusal) -> ContainerError {
    LifecycleError::from(Refusal::Target(why)).into()
}
