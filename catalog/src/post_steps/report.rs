//! How far the fleet is with each post-step, for people.

use super::{Step, columns};
use crate::error::CatalogError;
use crate::row::Columns;
use crate::tenant_schemas::is_home;
use crate::tx::CatalogTx;

/// How many tenants have a step, of those that have reached its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepCount {
    /// The name of the step.
    pub step: String,
    /// The version that it stands behind.
    pub version: i32,
    /// Tenants that have it.
    pub done: i64,
    /// Tenants at which it was not tried, or only lost against others.
    pub pending: i64,
    /// Tenants at which PostgreSQL refused it.
    pub failed: i64,
}

/// The counts of these steps, in their order.
pub async fn counts(tx: &mut CatalogTx, steps: &[Step]) -> Result<Vec<StepCount>, CatalogError> {
    if steps.is_empty() {
        return Ok(Vec::new());
    }
    let (names, versions, checksums) = columns(steps);
    let rows = tx.rows(COUNTS, &[&names, &versions, &checksums]).await?;
    let count = |row| {
        let columns = Columns::new(row, "tenant_post_steps");
        Ok(StepCount {
            step: columns.get("step")?,
            version: columns.get("version")?,
            done: columns.get("done")?,
            pending: columns.get("pending")?,
            failed: columns.get("failed")?,
        })
    };
    rows.iter().map(count).collect()
}

const COUNTS: &str = concat!(
    "\
    select s.step, s.version, count(*) filter (where p.state = 'done') as done, \
      count(*) filter (where p.state = 'failed') as failed, \
      count(t.organization_id) filter (where p.state is null) as pending \
    from unnest($1::text[], $2::integer[], $3::text[]) with ordinality as s (step, version, checksum, number) \
    left join catalog.tenant_schemas t on t.template_version >= s.version and ",
    is_home!("t"),
    " \
    left join catalog.tenant_post_steps p \
      on p.organization_id = t.organization_id and p.step = s.step and p.checksum = s.checksum \
    group by s.number, s.step, s.version order by s.number"
);

pub(crate) const STATEMENTS: &[&str] = &[COUNTS];
