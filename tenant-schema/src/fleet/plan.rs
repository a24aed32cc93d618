//! What a run would do: read off the catalog's version column, without a visit to any tenant.

use std::collections::HashSet;

use catalog::error::CatalogError;
use catalog::ids::OrganizationId;
use catalog::migration_runs::PlannedTenant;
use catalog::selection::Selection;
use catalog::tenant_schemas::{self, ENGINE_VERSION, TenantSchema};

use super::{Fleet, Waves};

/// What a run would do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The version it would bring tenants to.
    pub target: i32,
    /// The tenants it would migrate, in its order: the oldest tenant first.
    pub steps: Vec<Step>,
    /// The tenants that are behind and pinned where they are.
    pub pinned: Vec<TenantSchema>,
    /// Which tenants it is about.
    pub selection: Selection,
}

/// A tenant that would be migrated.
#[derive(Debug, Clone)]
pub struct Step {
    /// The tenant with the version it has.
    pub tenant: TenantSchema,
    /// The version it would have; the one it has, where it only lacks the engine's own table or its mark.
    pub to: i32,
}

impl Fleet<'_> {
    /// Everything that is behind the template, or lacks an own table of the engine's: one query on the versions, no visit.
    pub async fn plan(&self) -> Result<Plan, CatalogError> {
        let target = self.template.latest();
        let mut tx = self.db.begin().await?;
        let behind = tenant_schemas::list_behind(&mut tx, target).await?;
        tx.rollback().await?;
        let mut plan = Plan {
            target,
            steps: Vec::with_capacity(behind.len()),
            pinned: Vec::new(),
            selection: Selection::All,
        };
        for tenant in behind {
            let to = reach(target, tenant.pinned_version);
            if tenant.template_version < to || tenant.engine_version < ENGINE_VERSION {
                let to = to.max(tenant.template_version);
                plan.steps.push(Step { tenant, to });
            } else {
                plan.pinned.push(tenant);
            }
        }
        Ok(plan)
    }
}

/// How far a tenant may be migrated.
pub(super) fn reach(target: i32, pinned: Option<i32>) -> i32 {
    pinned.map_or(target, |pinned| pinned.min(target))
}

impl Plan {
    /// The same for the tenants of a selection only.
    #[must_use]
    pub fn only(mut self, selection: &Selection, tenants: &[TenantSchema]) -> Self {
        let chosen: HashSet<OrganizationId> = tenants.iter().map(|tenant| tenant.organization).collect();
        self.steps
            .retain(|step| chosen.contains(&step.tenant.organization));
        self.pinned.retain(|tenant| chosen.contains(&tenant.organization));
        self.selection = selection.clone();
        self
    }

    /// The tenants in their waves.
    pub fn in_waves(&self, waves: &Waves) -> Vec<PlannedTenant> {
        let waves = waves.of(self.steps.len());
        let planned = |(step, wave): (&Step, i32)| PlannedTenant {
            organization: step.tenant.organization,
            wave,
            from: step.tenant.template_version,
            to: step.to,
        };
        self.steps.iter().zip(waves).map(planned).collect()
    }
}
