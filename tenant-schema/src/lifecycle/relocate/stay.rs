//! A move that is given up: the tenant is served here again.

use catalog::actor::Actor;
use catalog::clock::Source;
use catalog::error::CatalogError;
use catalog::ids::OrganizationId;
use catalog::moves::{self, Move, MoveState};
use catalog::organizations;
use catalog::slug::Slug;
use catalog::tenant_schemas::{self, TenantSchema, TenantSchemaState};
use catalog::tx::{CatalogDb, CatalogTx};

use super::gate;
use crate::lifecycle::{LifecycleError, Refusal};

/// Who says that a tenant stays, without the other database being asked.
#[derive(Clone, Copy)]
pub struct Stay<'a> {
    /// The tenant's database.
    pub from: &'a CatalogDb,
    /// It is not served there and never will be, even if it has arrived: that database is lost, or what came is removed.
    pub is_sure: bool,
    /// Who says so.
    pub actor: &'a Actor,
    /// Clock and randomness.
    pub source: &'a Source,
}

impl Stay<'_> {
    /// Gives up the move of a tenant and answers which, if there was one. A move that is under way is waited for.
    ///
    /// # Errors
    /// [`Refusal::MayHaveArrived`] where nobody is sure; [`CatalogError::Elsewhere`] where it is known to have arrived.
    pub async fn run(&self, slug: &Slug) -> Result<Option<Move>, LifecycleError> {
        let mut tx = self.from.begin().await?;
        let tenant = organizations::lock_by_slug(&mut tx, slug).await?;
        let tenant = tenant.ok_or(CatalogError::NotFound { what: "organization" })?;
        let Some(found) = moves::find(&mut tx, tenant.id).await? else {
            return Ok(None);
        };
        let target = || found.target.name.clone();
        match found.state {
            MoveState::Moved => return Err(CatalogError::Elsewhere { target: target() }.into()),
            MoveState::Doubt if !self.is_sure => return Err(Refusal::MayHaveArrived(target()).into()),
            MoveState::Doubt | MoveState::Copying => {}
        }
        let schema = tenant_schemas::find(&mut tx, tenant.id).await?;
        let schema = schema.ok_or(CatalogError::NotATenant)?;
        moves::stay(&mut tx, tenant.id, &found, self.actor, self.source).await?;
        open(&mut tx, &schema).await?;
        tx.commit().await?;
        Ok(Some(found))
    }
}

/// It has not arrived, which was found by asking: it is served here again. Answers whether the move was still as it was found.
pub(super) async fn reopen(
    from: &CatalogDb,
    found: &Move,
    tenant: OrganizationId,
) -> Result<bool, LifecycleError> {
    let mut tx = from.begin().await?;
    organizations::lock(&mut tx, tenant).await?;
    let schema = tenant_schemas::find(&mut tx, tenant).await?;
    let schema = schema.ok_or(CatalogError::NotATenant)?;
    let given_up = moves::give_up(&mut tx, tenant, found.token, found.state).await?;
    if given_up {
        open(&mut tx, &schema).await?;
    }
    tx.commit().await?;
    Ok(given_up)
}

/// As it was before the move.
async fn open(tx: &mut CatalogTx, schema: &TenantSchema) -> Result<(), LifecycleError> {
    if schema.state == TenantSchemaState::Moving {
        gate::open(tx.transaction(), schema).await?;
    }
    Ok(())
}
