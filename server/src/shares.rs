//! A tenant's share of the requests handled at once.
//!
//! Without it a tenant whose statements are slow fills all places with requests that wait for its lanes, and the others are
//! turned away. With it there is always room for them, and the tenant is told that it is the one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use catalog::ids::OrganizationId;

use crate::error::ApiError;

/// How many requests each tenant has.
type Held = Arc<Mutex<HashMap<OrganizationId, usize>>>;

/// The shares of all tenants.
pub(crate) struct Shares {
    /// The most that any tenant has at once.
    most: usize,
    held: Held,
}

/// One request's part of its tenant's share, given back when dropped.
#[derive(Debug)]
pub(crate) struct Share {
    held: Held,
    organization: OrganizationId,
}

impl Shares {
    /// At most so many for a tenant, whatever its plan says.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            held: Held::default(),
        }
    }

    /// A part for one request more; `limit` is the tenant's own.
    pub(crate) fn take(&self, organization: OrganizationId, limit: Option<usize>) -> Result<Share, ApiError> {
        let most = limit.map_or(self.most, |limit| limit.min(self.most));
        let mut held = lock(&self.held);
        let own = held.entry(organization).or_default();
        if *own >= most {
            return Err(ApiError::too_many_in_flight(most));
        }
        *own += 1;
        Ok(Share {
            held: Arc::clone(&self.held),
            organization,
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = lock(&self.held);
        if let Some(own) = held.get_mut(&self.organization) {
            *own -= 1;
            if *own == 0 {
                held.remove(&self.organization);
            }
        }
    }
}

fn lock(held: &Held) -> MutexGuard<'_, HashMap<OrganizationId, usize>> {
    // Nothing panics while it is held.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn organization(n: u128) -> OrganizationId {
        Uuid::from_u128(n).into()
    }

    #[test]
    fn a_tenant_has_its_own_limit_or_the_servers_and_others_have_theirs() {
        let shares = Shares::new(2);
        let (acme, globex) = (organization(1), organization(2));
        let first = shares.take(acme, None).expect("one");
        let second = shares.take(acme, Some(9)).expect("two");
        let refused = shares.take(acme, None).expect_err("the server's limit");
        assert_eq!(
            (refused.status().as_u16(), refused.code()),
            (429, "too_many_in_flight")
        );
        let other = shares.take(globex, Some(1)).expect("its own");
        shares.take(globex, Some(1)).expect_err("its own limit");
        drop((first, second));
        shares.take(acme, Some(1)).expect("given back");
        drop(other);
        assert!(lock(&shares.held).is_empty(), "nothing stays of who has none");
    }
}
