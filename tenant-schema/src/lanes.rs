//! Lanes: which connection serves which tenant.
//!
//! A backend remembers every tenant it ever served (catalog caches, plans, role memberships), so N connections that
//! each see the whole fleet cost N times its memory, and a tenant whose plans are cold is slow. The connections are
//! therefore divided into a few *lanes*, and every tenant has a home lane by rendezvous hashing (Thaler and
//! Ravishankar, 1998): adding a lane moves only the tenants that go to it.
//!
//! A request takes a connection of its home lane; when home is full it *spills* to a lane that idles; when every
//! lane is full it queues at home. A connection that becomes free serves its own lane's queue first and otherwise
//! *steals* the longest waiting request of all, so no connection idles while anybody waits, and no queue starves.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use catalog::pg::pool::Pool;
use catalog::schema_name::SchemaName;
use tokio::sync::oneshot;

/// The lanes and who waits for them.
#[derive(Debug)]
pub(crate) struct Lanes {
    pools: Vec<Pool>,
    wait: Duration,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    free: Vec<usize>,
    queues: Vec<VecDeque<Waiting>>,
    tickets: u64,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    hand_over: oneshot::Sender<Permit>,
}

/// The right to one connection of one lane, given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    lane: usize,
    /// `None` once the right was passed on or taken back by other means.
    state: Option<Arc<Mutex<State>>>,
}

/// No connection became free in time.
#[derive(Debug)]
pub(crate) struct NoneFree;

impl Lanes {
    /// One lane per pool, each with `size` connections; a request waits at most `wait`.
    pub(crate) fn new(pools: Vec<Pool>, size: usize, wait: Duration) -> Self {
        let n_lanes = pools.len();
        let state = State {
            free: vec![size; n_lanes],
            queues: std::iter::repeat_with(VecDeque::new).take(n_lanes).collect(),
            tickets: 0,
        };
        Self {
            pools,
            wait,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// A permit for a tenant, at home if possible, and the pool it is for.
    pub(crate) async fn enter(&self, schema: &SchemaName) -> Result<(Permit, &Pool), NoneFree> {
        let home = home(schema, self.pools.len());
        let waiting = {
            let mut state = lock(&self.state);
            match state.take(home) {
                Ok(lane) => return Ok((self.permit(lane), &self.pools[lane])),
                Err(receiver) => receiver,
            }
        };
        match tokio::time::timeout(self.wait, waiting).await {
            Ok(Ok(permit)) => {
                let pool = &self.pools[permit.lane];
                Ok((permit, pool))
            }
            _ => Err(NoneFree),
        }
    }

    fn permit(&self, lane: usize) -> Permit {
        Permit {
            lane,
            state: Some(Arc::clone(&self.state)),
        }
    }

    /// Closes every pool.
    pub(crate) fn close(&self) {
        self.pools.iter().for_each(Pool::close);
    }
}

impl State {
    /// A free slot at home, else in any lane that idles, else a place in home's queue.
    fn take(&mut self, home: usize) -> Result<usize, oneshot::Receiver<Permit>> {
        let n_lanes = self.free.len();
        let found = (0..n_lanes)
            .map(|step| (home + step) % n_lanes)
            .find(|&lane| self.free[lane] > 0);
        if let Some(lane) = found {
            self.free[lane] -= 1;
            return Ok(lane);
        }
        let (hand_over, receiver) = oneshot::channel();
        self.tickets += 1;
        self.queues[home].push_back(Waiting {
            ticket: self.tickets,
            hand_over,
        });
        Err(receiver)
    }

    /// Who gets a slot that became free: the lane's own queue first, then whoever has waited longest anywhere.
    fn next(&mut self, lane: usize) -> Option<Waiting> {
        self.queues[lane].pop_front().or_else(|| {
            let oldest = self
                .queues
                .iter_mut()
                .filter(|queue| !queue.is_empty())
                .min_by_key(|queue| queue[0].ticket);
            oldest.and_then(VecDeque::pop_front)
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(shared) = self.state.take() else { return };
        loop {
            let mut state = lock(&shared);
            let Some(waiting) = state.next(self.lane) else {
                state.free[self.lane] += 1;
                return;
            };
            drop(state);
            let permit = Self {
                lane: self.lane,
                state: Some(Arc::clone(&shared)),
            };
            match waiting.hand_over.send(permit) {
                Ok(()) => return,
                // That request gave up while it waited; disarm the returned permit and ask the next.
                Err(mut unwanted) => unwanted.state = None,
            }
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing panics while it is held, and the counts would still be true if something did.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn home(schema: &SchemaName, n_lanes: usize) -> usize {
    let score = |lane: &usize| {
        let mut hasher = DefaultHasher::new();
        (schema.as_str(), lane).hash(&mut hasher);
        hasher.finish()
    };
    (0..n_lanes).max_by_key(score).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use catalog::pg::pool::PoolSettings;
    use uuid::Uuid;

    use super::*;

    fn lanes(n_lanes: usize, size: usize) -> Lanes {
        let config: catalog::pg::config::PgConfig =
            "postgres://nobody@localhost/none".parse().expect("a URL");
        let pools = (0..n_lanes)
            .map(|_| Pool::new(config.clone(), PoolSettings::default()))
            .collect();
        Lanes::new(pools, size, Duration::from_secs(5))
    }

    fn tenant_of_lane(lane: usize, n_lanes: usize) -> SchemaName {
        (0..1_000)
            .map(|n| SchemaName::from_opaque(Uuid::from_u128(n)))
            .find(|s| home(s, n_lanes) == lane)
            .expect("one")
    }

    #[test]
    fn tenants_spread_evenly_over_lanes() {
        let mut counts = [0; 4];
        for n in 0..4_000 {
            counts[home(&SchemaName::from_opaque(Uuid::from_u128(n)), 4)] += 1;
        }
        assert!(counts.iter().all(|n| (900..=1_100).contains(n)), "{counts:?}");
    }

    #[test]
    fn one_more_lane_moves_only_the_tenants_that_go_to_it() {
        for n in 0..1_000 {
            let schema = SchemaName::from_opaque(Uuid::from_u128(n));
            let (before, after) = (home(&schema, 4), home(&schema, 5));
            assert!(before == after || after == 4);
        }
    }

    #[tokio::test]
    async fn home_first_then_a_lane_that_idles() {
        let lanes = lanes(2, 1);
        let tenant = tenant_of_lane(1, 2);
        let (first, _) = lanes.enter(&tenant).await.expect("home is free");
        let (second, _) = lanes.enter(&tenant).await.expect("the other lane is free");
        assert_eq!((first.lane, second.lane), (1, 0));
    }

    #[tokio::test]
    async fn a_freed_slot_goes_to_its_own_queue_before_an_older_stranger() {
        let lanes = Arc::new(lanes(2, 1));
        let (at_zero, at_one) = (tenant_of_lane(0, 2), tenant_of_lane(1, 2));
        let (zero, _) = lanes.enter(&at_zero).await.expect("free");
        let (one, _) = lanes.enter(&at_one).await.expect("free");
        let stranger = lock(&lanes.state).take(1).expect_err("full");
        let own = lock(&lanes.state).take(0).expect_err("full");
        drop(zero);
        let own = own.await.expect("handed over");
        assert_eq!(own.lane, 0);
        drop(own);
        assert_eq!(
            stranger.await.expect("stolen").lane,
            0,
            "an idle slot serves the longest waiting of another lane"
        );
        drop(one);
        assert_eq!(lock(&lanes.state).free, [1, 1]);
    }

    #[tokio::test]
    async fn a_request_that_gave_up_costs_no_slot() {
        let lanes = lanes(1, 1);
        let tenant = tenant_of_lane(0, 1);
        let (held, _) = lanes.enter(&tenant).await.expect("free");
        let before = lock(&lanes.state).take(0).expect_err("full");
        drop(before);
        let after = lock(&lanes.state).take(0).expect_err("full");
        drop(held);
        drop(after);
        assert_eq!(
            lock(&lanes.state).free,
            [1],
            "dropped before and after the hand-over: the slot is free again"
        );
    }
}
