//! Purges that were begun: part of the tenant is gone, and there is no way back.

use super::look::Look;
use super::{Finding, Kind};

/// Tenants whose purge is to be finished.
pub(super) fn purges(look: &Look<'_>) -> Vec<Finding> {
    let wanted = look
        .residents
        .iter()
        .filter(|resident| look.is_wanted(&resident.schema));
    let begun = wanted.filter_map(|resident| Some((resident, resident.purge_begun_at?)));
    begun
        .map(|(resident, at)| {
            let when = at.format("%Y-%m-%d %H:%M:%S UTC");
            Finding::of(
                Kind::Purges,
                resident,
                format!("its purge was begun on {when} and is not finished"),
            )
            .next("`tenantry tenant purge-dropped --yes` goes on where it was")
        })
        .collect()
}
